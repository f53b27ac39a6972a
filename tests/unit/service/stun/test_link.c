#include "base/error.h"
#include "service/stun/link.h"
#include "stun/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct stun_integrity integrity;
static struct link_key key;
static struct random random_source;

static int set_up(void **state)
{
    (void)state;
    key.length = 16;
    memcpy(key.secret, "0123456789abcdef", 16);
    random_seed(&random_source, 3);
    return stun_integrity_init(&integrity);
}

static int tear_down(void **state)
{
    (void)state;
    stun_integrity_done(&integrity);
    return 0;
}

static struct address address_of(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(slice_from_string(text), &a), 0);
    return a;
}

static struct link_corners corners_of(const char *own, const char *other)
{
    return (struct link_corners){.own = address_of(own), .other = address_of(other)};
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const char request[LINK_REQUEST_MAX] = "request";
    struct link_message messages[] = {
        {.kind = LINK_HELLO,
         .asker = 1,
         .number = UINT64_MAX,
         .corners = corners_of("192.0.2.1:3478", "192.0.2.2:3479")},
        {.kind = LINK_WELCOME,
         .asker = UINT64_MAX - 1,
         .number = 2,
         .session = 7,
         .corners = corners_of("[2001:db8::1]:1", "[2001:db8::2]:65535")},
        {.kind = LINK_REQUEST,
         .asker = 3,
         .number = 4,
         .session = 5,
         .port = 3479,
         .client = address_of("[2001:db8::9]:40000"),
         .request = slice_of(request, sizeof request)},
        {.kind = LINK_REQUEST,
         .port = 1,
         .client = address_of("192.0.2.9:40000"),
         .request = slice_of(request, 1)},
    };
    for (unsigned i = 0; i < sizeof messages / sizeof *messages; i++) {
        uint8_t buffer[LINK_DATAGRAM_MAX];
        struct link_message m;
        int length = link_write(&messages[i], &integrity, &key, buffer);
        assert_true(length > 0 && length <= (int)LINK_DATAGRAM_MAX);
        struct slice datagram = slice_of((const char *)buffer, (size_t)length);
        assert_int_equal(link_parse(datagram, &integrity, &key, &m), 0);
        assert_int_equal(m.kind, messages[i].kind);
        assert_true(m.asker == messages[i].asker && m.number == messages[i].number &&
                    m.session == messages[i].session);
        if (m.kind == LINK_REQUEST) {
            assert_int_equal(m.port, messages[i].port);
            assert_true(address_equal(&m.client, &messages[i].client));
            assert_true(slice_equal(m.request, messages[i].request));
        } else {
            assert_true(address_equal(&m.corners.own, &messages[i].corners.own));
            assert_true(address_equal(&m.corners.other, &messages[i].corners.other));
        }
    }
}

static void a_hello_is_as_long_as_its_welcome(void **state)
{
    (void)state;
    uint8_t buffer[LINK_DATAGRAM_MAX];
    struct link_message m = {.kind = LINK_HELLO,
                             .corners = corners_of("192.0.2.1:1", "192.0.2.2:2")};
    int hello = link_write(&m, &integrity, &key, buffer);
    m.kind = LINK_WELCOME;
    assert_int_equal(link_write(&m, &integrity, &key, buffer), hello);
}

static void a_request_too_long_is_not_written(void **state)
{
    (void)state;
    static const char request[LINK_REQUEST_MAX + 1];
    uint8_t buffer[LINK_DATAGRAM_MAX];
    struct link_message m = {.kind = LINK_REQUEST, .client = address_of("192.0.2.9:4")};
    assert_int_equal(link_write(&m, &integrity, &key, buffer), ERR_LIMIT);
    m.request = slice_of(request, sizeof request);
    assert_int_equal(link_write(&m, &integrity, &key, buffer), ERR_LIMIT);
}

static void what_was_changed_or_cut_is_refused(void **state)
{
    (void)state;
    uint8_t buffer[LINK_DATAGRAM_MAX];
    struct link_message m, sent = {.kind = LINK_REQUEST,
                                   .port = 3478,
                                   .client = address_of("192.0.2.9:40000"),
                                   .request = SLICE("request")};
    int length = link_write(&sent, &integrity, &key, buffer);
    for (int bit = 0; bit < length * 8; bit++) {
        buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_true(
            link_parse(slice_of((const char *)buffer, (size_t)length), &integrity, &key, &m) < 0);
        buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (int cut = 0; cut < length; cut++)
        assert_true(link_parse(slice_of((const char *)buffer, (size_t)cut), &integrity, &key, &m) <
                    0);
    struct link_key other = key;
    other.secret[3] ^= 1;
    assert_int_equal(
        link_parse(slice_of((const char *)buffer, (size_t)length), &integrity, &other, &m),
        ERR_DENIED);
}

static void corners_agree_when_they_are_the_same_four(void **state)
{
    (void)state;
    struct link_corners mine = corners_of("192.0.2.1:3478", "192.0.2.2:3479");
    static const struct {
        const char *own, *other;
        bool agree;
    } rows[] = {
        {"192.0.2.2:3478", "192.0.2.1:3479", true},
        {"192.0.2.2:3479", "192.0.2.1:3478", true},
        {"192.0.2.2:3478", "192.0.2.1:3478", false},
        {"192.0.2.2:3480", "192.0.2.1:3479", false},
        {"192.0.2.3:3478", "192.0.2.1:3479", false},
        {"192.0.2.2:3478", "192.0.2.3:3479", false},
        {"192.0.2.1:3478", "192.0.2.2:3479", false}, /* our own, come back */
        {"[2001:db8::2]:3478", "[2001:db8::1]:3479", false},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct link_corners theirs = corners_of(rows[i].own, rows[i].other);
        assert_int_equal(link_corners_agree(&mine, &theirs), rows[i].agree);
    }
}

static void a_partner_is_alive_while_it_answers(void **state)
{
    (void)state;
    struct link_asker asker;
    static struct link_answerer answerer;
    struct link_message hello, welcome, older;
    link_asker_init(&asker, &random_source);
    assert_false(link_alive(&asker, 0));
    link_ask(&asker, &hello);
    link_on_hello(&answerer, &hello, &random_source, 1000, &older);
    link_ask(&asker, &hello);
    link_on_hello(&answerer, &hello, &random_source, 1000, &welcome);
    assert_true(welcome.session == older.session);
    assert_int_equal(link_on_welcome(&asker, &older, 2000), ERR_STALE);
    assert_false(link_alive(&asker, 2000));
    assert_int_equal(link_on_welcome(&asker, &welcome, 2000), 0);
    assert_true(link_alive(&asker, 2000 + LINK_DEAD_MS - 1));
    assert_false(link_alive(&asker, 2000 + LINK_DEAD_MS));
    welcome.asker++;
    assert_int_equal(link_on_welcome(&asker, &welcome, 2000), ERR_STALE);
}

static struct link_asker asker_of(struct link_answerer *answerer, uint64_t now_ms)
{
    struct link_asker asker;
    struct link_message hello, welcome;
    link_asker_init(&asker, &random_source);
    link_ask(&asker, &hello);
    link_on_hello(answerer, &hello, &random_source, now_ms, &welcome);
    assert_int_equal(link_on_welcome(&asker, &welcome, now_ms), 0);
    return asker;
}

static void a_request_counts_once(void **state)
{
    (void)state;
    static struct link_answerer answerer, restarted;
    struct link_asker asker = asker_of(&answerer, 1);
    struct link_message requests[200];
    for (unsigned i = 0; i < 200; i++)
        link_request(&asker, &requests[i]);
    static const struct {
        unsigned which;
        int status;
    } rows[] = {
        {0, 0},         {0, ERR_STALE},   {2, 0},           {1, 0},
        {1, ERR_STALE}, {70, 0},          {7, 0},           {6, ERR_STALE}, /* too far behind */
        {7, ERR_STALE}, {69, 0},          {199, 0},         {70, ERR_STALE},
        {136, 0},       {135, ERR_STALE}, {199, ERR_STALE},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(link_on_request(&answerer, &requests[rows[i].which], 2), rows[i].status);
    /* Another worker, or the same after a restart, does not know the session. */
    assert_int_equal(link_on_request(&restarted, &requests[198], 2), ERR_NOT_FOUND);
    (void)asker_of(&restarted, 1);
    assert_int_equal(link_on_request(&restarted, &requests[198], 2), ERR_NOT_FOUND);
    struct link_message welcome, hello = {.kind = LINK_HELLO, .asker = asker.asker, .number = 9};
    link_on_hello(&restarted, &hello, &random_source, 3, &welcome);
    assert_int_equal(link_on_request(&restarted, &requests[198], 3), ERR_NOT_FOUND);
}

static void the_quietest_asker_makes_room(void **state)
{
    (void)state;
    static struct link_answerer answerer;
    struct link_asker askers[LINK_SESSIONS + 1];
    struct link_message request;
    for (unsigned i = 0; i < LINK_SESSIONS; i++)
        askers[i] = asker_of(&answerer, 100 + i);
    link_request(&askers[0], &request);
    assert_int_equal(link_on_request(&answerer, &request, 1000), 0);
    askers[LINK_SESSIONS] = asker_of(&answerer, 1001);
    for (unsigned i = 0; i <= LINK_SESSIONS; i++) {
        link_request(&askers[i], &request);
        assert_int_equal(link_on_request(&answerer, &request, 1002), i == 1 ? ERR_NOT_FOUND : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_hello_is_as_long_as_its_welcome),
        cmocka_unit_test(a_request_too_long_is_not_written),
        cmocka_unit_test(what_was_changed_or_cut_is_refused),
        cmocka_unit_test(corners_agree_when_they_are_the_same_four),
        cmocka_unit_test(a_partner_is_alive_while_it_answers),
        cmocka_unit_test(a_request_counts_once),
        cmocka_unit_test(the_quietest_asker_makes_room),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
