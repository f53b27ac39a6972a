#include "base/error.h"
#include "stun/binding.h"
#include "stun/bytes.h"
#include "stun/fingerprint.h"
#include "stun/probe.h"
#include "stun/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t id[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static char request[STUN_MESSAGE_MAX], response[STUN_MESSAGE_MAX];

static struct address at(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(slice_from_string(text), &a), 0);
    return a;
}

static struct stun_probe probe_of(void)
{
    struct stun_probe probe = {.change = 0};
    stun_probe_id(&probe, id);
    return probe;
}

static struct slice answer_of(const struct stun_place *place, struct slice bytes)
{
    struct stun_answer answer;
    struct address source = at("203.0.113.5:50000");
    stun_binding_answer(place, bytes, &source, &answer, response, sizeof response);
    return answer.bytes;
}

static void begin(struct stun_writer *w, const struct stun_probe *probe, enum stun_class class)
{
    stun_write_begin(w, response, sizeof response, stun_type(class, STUN_BINDING), probe->id);
}

/* RFC 5780 sections 7.2, 7.5, 7.6, RFC 3489 section 11.2.2 */
static void what_is_asked_is_in_the_request(void **state)
{
    (void)state;
    struct stun_message m;
    uint32_t change;
    uint16_t port;
    struct address elsewhere;
    struct stun_probe probe = probe_of();
    assert_int_equal(stun_probe_write(&probe, request, sizeof request).len, STUN_HEADER_SIZE);
    probe.change = STUN_CHANGE_IP | STUN_CHANGE_PORT;
    probe.response_port = 4242;
    probe.padding = 1501;
    probe.has_response_address = true;
    probe.response_address = at("203.0.113.5:50001");
    assert_int_equal(stun_parse(stun_probe_write(&probe, request, sizeof request), &m), 0);
    assert_false(m.classic);
    assert_int_equal(stun_get_u32(&m, STUN_CHANGE_REQUEST, &change), 0);
    assert_int_equal(change, 6);
    assert_int_equal(stun_value(&m, STUN_RESPONSE_PORT).len, 2);
    assert_int_equal(stun_get_response_port(&m, &port), 0);
    assert_int_equal(port, 4242);
    assert_int_equal(stun_value(&m, STUN_PADDING).len, 1501);
    assert_int_equal(stun_get_address(&m, STUN_RESPONSE_ADDRESS, &elsewhere), 0);
    assert_true(address_equal(&elsewhere, &probe.response_address));
    assert_null(stun_probe_write(&probe, request, 600).ptr);
}

/* RFC 3489 section 9.3 */
static void it_is_sent_again_after_pauses_that_double(void **state)
{
    (void)state;
    static const uint32_t times[] = {0, 100, 300, 700, 1500, 3100, 4700, 6300, 7900, 9500};
    for (unsigned i = 0; i < sizeof times / sizeof *times; i++)
        assert_int_equal(stun_probe_send_at(i), times[i]);
}

/* RFC 8489 section 6.3.3, RFC 5780 section 7.4 */
static void an_answer_of_our_server_is_read(void **state)
{
    (void)state;
    const struct stun_place place = {.behaviour = true,
                                     .told = true,
                                     .origin = at("192.0.2.1:3478"),
                                     .other = at("192.0.2.2:3479")};
    struct stun_probe probe = probe_of();
    struct stun_reply reply;
    char text[ADDRESS_TEXT_MAX];
    struct slice bytes = answer_of(&place, stun_probe_write(&probe, request, sizeof request));
    assert_int_equal(stun_probe_read(&probe, bytes, &reply), 0);
    assert_int_equal(reply.status, 0);
    assert_string_equal(address_text(&reply.mapped, text), "203.0.113.5:50000");
    assert_true(reply.has_other);
    assert_string_equal(address_text(&reply.other, text), "192.0.2.2:3479");
    assert_false(reply.altered);
    /* Another transaction's. */
    probe.id[15] ^= 1;
    assert_int_equal(stun_probe_read(&probe, bytes, &reply), ERR_NOT_FOUND);
}

/* RFC 3489 section 11.2: MAPPED-ADDRESS and CHANGED-ADDRESS alone */
static void an_answer_of_a_classic_server_is_read(void **state)
{
    (void)state;
    struct stun_probe probe = probe_of();
    struct stun_reply reply;
    struct stun_writer w;
    struct address mapped = at("203.0.113.5:50000"), changed = at("192.0.2.2:3479");
    begin(&w, &probe, STUN_SUCCESS);
    stun_write_address(&w, STUN_MAPPED_ADDRESS, &mapped);
    stun_write_address(&w, STUN_SOURCE_ADDRESS, &changed);
    stun_write_address(&w, STUN_CHANGED_ADDRESS, &changed);
    assert_int_equal(stun_probe_read(&probe, stun_write_end(&w), &reply), 0);
    assert_true(address_equal(&reply.mapped, &mapped));
    assert_true(reply.has_other);
    assert_true(address_equal(&reply.other, &changed));
    assert_false(reply.altered);
}

/* RFC 5780 section 3.6 */
static void a_rewritten_address_is_noticed(void **state)
{
    (void)state;
    struct stun_probe probe = probe_of();
    struct stun_reply reply;
    struct stun_writer w;
    struct address mapped = at("203.0.113.5:50000"), inside = at("10.0.0.2:50000");
    begin(&w, &probe, STUN_SUCCESS);
    stun_write_address(&w, STUN_XOR_MAPPED_ADDRESS, &mapped);
    stun_write_address(&w, STUN_MAPPED_ADDRESS, &inside);
    assert_int_equal(stun_probe_read(&probe, stun_write_end(&w), &reply), 0);
    assert_true(reply.altered);
    assert_true(address_equal(&reply.mapped, &mapped));
}

/* RFC 8489 section 6.3.4 */
static void an_error_is_read(void **state)
{
    (void)state;
    struct stun_probe probe = probe_of();
    struct stun_reply reply;
    const struct stun_place one = {.behaviour = false};
    probe.change = STUN_CHANGE_PORT;
    struct slice bytes = answer_of(&one, stun_probe_write(&probe, request, sizeof request));
    assert_int_equal(stun_probe_read(&probe, bytes, &reply), 0);
    assert_int_equal(reply.status, 420);
}

/* RFC 8489 section 6.3: not ours, or nothing that can be believed */
static void what_makes_no_sense_is_told_apart_from_what_is_not_ours(void **state)
{
    (void)state;
    struct stun_probe probe = probe_of();
    struct stun_reply reply;
    struct stun_writer w;
    struct address mapped = at("203.0.113.5:50000");
    begin(&w, &probe, STUN_SUCCESS);
    assert_int_equal(stun_probe_read(&probe, stun_write_end(&w), &reply), ERR_INVALID);
    begin(&w, &probe, STUN_ERROR);
    assert_int_equal(stun_probe_read(&probe, stun_write_end(&w), &reply), ERR_INVALID);
    begin(&w, &probe, STUN_SUCCESS);
    stun_write_address(&w, STUN_XOR_MAPPED_ADDRESS, &mapped);
    stun_write(&w, STUN_PRIORITY, SLICE("1234"));
    bytes_put16(response + w.length - 8, 0x7abc); /* must be understood, and nobody does */
    assert_int_equal(stun_probe_read(&probe, stun_write_end(&w), &reply), ERR_INVALID);
    begin(&w, &probe, STUN_SUCCESS);
    stun_write_address(&w, STUN_XOR_MAPPED_ADDRESS, &mapped);
    stun_write_fingerprint(&w);
    response[w.length - 1] ^= 1;
    assert_int_equal(stun_probe_read(&probe, stun_write_end(&w), &reply), ERR_NOT_FOUND);
    begin(&w, &probe, STUN_INDICATION);
    assert_int_equal(stun_probe_read(&probe, stun_write_end(&w), &reply), ERR_NOT_FOUND);
    assert_int_equal(stun_probe_read(&probe, SLICE("INVITE sip:a SIP/2.0"), &reply), ERR_NOT_FOUND);
    assert_int_equal(stun_probe_read(&probe, SLICE_NULL, &reply), ERR_NOT_FOUND);
}

/* RFC 5780 section 3.4 */
static void our_own_request_is_known_when_it_comes_back(void **state)
{
    (void)state;
    struct stun_probe probe = probe_of(), another = probe_of();
    struct stun_reply reply;
    another.id[4] ^= 1;
    struct slice bytes = stun_probe_write(&probe, request, sizeof request);
    assert_true(stun_probe_is_own(&probe, bytes));
    assert_false(stun_probe_is_own(&another, bytes));
    assert_int_equal(stun_probe_read(&probe, bytes, &reply), ERR_NOT_FOUND);
    const struct stun_place one = {.behaviour = false};
    assert_false(stun_probe_is_own(&probe, answer_of(&one, bytes)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_is_in_the_request),
        cmocka_unit_test(it_is_sent_again_after_pauses_that_double),
        cmocka_unit_test(an_answer_of_our_server_is_read),
        cmocka_unit_test(an_answer_of_a_classic_server_is_read),
        cmocka_unit_test(a_rewritten_address_is_noticed),
        cmocka_unit_test(an_error_is_read),
        cmocka_unit_test(what_makes_no_sense_is_told_apart_from_what_is_not_ours),
        cmocka_unit_test(our_own_request_is_known_when_it_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
