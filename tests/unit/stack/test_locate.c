/* The machine of RFC 3263 sections 4.1 and 4.2, row by row. */
/* link: -Wl,--wrap=dns_lookup,--wrap=dns_cancel,--wrap=dns_in_hosts */
/* link: -Wl,--wrap=dns_answer_ref,--wrap=dns_answer_unref */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "stack/locate.h"
#include "unit/stack/zone.h"

static struct log log_of_test;
static struct loop *loop;
static struct locate locate;
static char found[4096];
static char said[8192];

#define ALL                                                                                        \
    {                                                                                              \
        {                                                                                          \
            {true, true}, {true, true}, {true, true}, {true, true}, {true, true},                  \
            {                                                                                      \
                true, true                                                                         \
            }                                                                                      \
        }                                                                                          \
    }
static const struct locate_speaks everything = ALL;
static const struct locate_speaks plain = {.family[TRANSPORT_UDP] = {true, false},
                                           .family[TRANSPORT_TCP] = {true, false}};
static const struct locate_speaks only_tcp = {.family[TRANSPORT_TCP] = {true, false}};
static const struct locate_speaks only_wss = {.family[TRANSPORT_WSS] = {true, false}};

static void say(void *user, const char *section, const char *text)
{
    size_t len = strlen(said);
    (void)user;
    (void)snprintf(said + len, sizeof said - len, "[%s] %s\n", section, text);
}
static const struct locate_trace trace = {say, NULL};

static void answer_all(void)
{
    uint8_t step;
    do {
        step = locate.step;
        for (unsigned i = 0; i < locate.question_count && locate.step == step; i++) {
            const struct dns_answer *answer = NULL;
            struct dns_query *query;
            struct locate_question *question = &locate.questions[i];
            if (question->answered)
                continue;
            int status =
                dns_lookup(loop, question->name, question->type, NULL, NULL, &answer, &query);
            locate_answer(&locate, i, answer, status == 1 ? 0 : ERR_NOT_FOUND);
        }
    } while (locate.step != step && locate.step < LOCATE_DONE);
}

/* "UDP host:port rank/weight;..." or the error. */
static const char *look(const char *text, const struct locate_speaks *speaks)
{
    struct sip_uri uri;
    struct locate_input input;
    struct writer w;
    char address[ADDRESS_TEXT_MAX];
    said[0] = '\0';
    writer_init(&w, found, sizeof found - 1);
    assert_int_equal(sip_uri_parse(slice_from_string(text), &uri), 0);
    int status = locate_input_of(&uri, &input);
    if (status < 0)
        return error_text(status);
    input.in_hosts = dns_in_hosts(loop, input.host);
    locate_init(&locate, &input, speaks, &trace);
    answer_all();
    for (unsigned i = 0; i < locate.place_count; i++) {
        const struct locate_place *p = &locate.places[i];
        writer_put(&w, transport_via_name((enum transport)p->transport));
        writer_char(&w, ' ');
        struct address a = p->address;
        if (p->name.len > 0) {
            writer_put(&w, p->name);
            writer_format(&w, ":%u", p->port);
        } else {
            address_set_port(&a, p->port);
            writer_string(&w, address_text(&a, address));
        }
        writer_format(&w, " %u/%u;", p->rank, p->weight);
    }
    found[writer_length(&w)] = '\0';
    status = locate.step == LOCATE_FAILED ? locate.status : 0;
    locate_done(&locate);
    return status < 0 ? error_text(status) : found;
}

#define LOOKS(uri, speaks, expected) assert_string_equal(look(uri, speaks), expected)

/* RFC 3263 section 4.1, its example: TLS first by order, then TCP, then UDP; the SRV records of
 * TCP.
 */
static const char *const example[] = {
    "example.com 60 NAPTR 50 50 s SIPS+D2T - _sips._tcp.example.com",
    "example.com 60 NAPTR 90 50 s SIP+D2T - _sip._tcp.example.com",
    "example.com 60 NAPTR 100 50 s SIP+D2U - _sip._udp.example.com",
    "_sip._tcp.example.com 60 SRV 0 1 5060 server1.example.com",
    "_sip._tcp.example.com 60 SRV 0 2 5060 server2.example.com",
    NULL,
};

static void the_example_of_the_rfc(void **state)
{
    (void)state;
    zone_set(example);
    LOOKS("sip:user@example.com", &plain,
          "TCP server1.example.com:5060 0/1;TCP server2.example.com:5060 0/2;");
    assert_int_equal(zone_asked(), 2); /* NAPTR, and SRV of TCP: UDP is of a higher order */
}

/* RFC 3263 section 4.1: the transport parameter; a numeric host; a port. */
static void what_the_uri_says_itself(void **state)
{
    (void)state;
    zone_set(example);
    LOOKS("sip:192.0.2.7", &everything, "UDP 192.0.2.7:5060 0/0;");
    LOOKS("sip:192.0.2.7;transport=tcp", &everything, "TCP 192.0.2.7:5060 0/0;");
    LOOKS("sips:[2001:db8::7]", &everything, "TLS [2001:db8::7]:5061 0/0;");
    LOOKS("sip:192.0.2.7:5070", &only_tcp, "TCP 192.0.2.7:5070 0/0;");
    LOOKS("sip:user@example.com:5080", &everything, "UDP example.com:5080 0/0;");
    LOOKS("sips:user@example.com:5080", &everything, "TLS example.com:5080 0/0;");
    LOOKS("sip:user@example.com:5080;transport=sctp", &everything, "SCTP example.com:5080 0/0;");
    LOOKS("sip:user@a;maddr=192.0.2.9", &everything, "UDP 192.0.2.9:5060 0/0;");
    assert_int_equal(zone_asked(), 0);
    LOOKS("sip:user@example.com;transport=tcp", &plain,
          "TCP server1.example.com:5060 0/1;TCP server2.example.com:5060 0/2;");
    assert_int_equal(zone_asked(), 1);
}

/* RFC 5630 section 3.1.3; RFC 3263 section 4.1: services without SIPS are discarded. */
static void sips_never_becomes_plain(void **state)
{
    static const char *const zone[] = {
        "a.example 60 NAPTR 10 10 s SIP+D2U - _sip._udp.a.example",
        "a.example 60 NAPTR 20 10 s SIP+D2T - _sip._tcp.a.example",
        "a.example 60 NAPTR 30 10 s SIPS+D2T - _sips._tcp.other.example",
        "_sip._udp.a.example 60 SRV 0 0 5060 plain.a.example",
        "_sip._tcp.a.example 60 SRV 0 0 5060 plain.a.example",
        "_sips._tcp.other.example 60 SRV 0 0 5061 tls.other.example",
        "_sip._tcp.b.example 60 SRV 0 0 5060 plain.b.example",
        NULL,
    };
    (void)state;
    zone_set(zone);
    LOOKS("sips:a.example", &everything, "TLS tls.other.example:5061 0/0;");
    LOOKS("sips:a.example", &plain, "not supported");
    LOOKS("sips:a.example;transport=udp", &everything, "not supported");
    LOOKS("sips:a.example;transport=sctp", &everything, "not supported");
    LOOKS("sips:192.0.2.7;transport=udp", &everything, "not supported");
    LOOKS("sips:192.0.2.7;transport=tcp", &everything, "TLS 192.0.2.7:5061 0/0;");
    LOOKS("sips:192.0.2.7;transport=ws", &everything, "WSS 192.0.2.7:443 0/0;");
    LOOKS("sips:b.example", &everything, "TLS b.example:5061 0/0;");
    LOOKS("sips:b.example;transport=tcp", &everything, "TLS b.example:5061 0/0;");
    LOOKS("sips:b.example", &only_wss, "WSS b.example:443 0/0;");
}

/* RFC 3263 section 4.1, RFC 3403 section 4.1, RFC 7118 section 5.5: which NAPTR records count. */
static void naptr_records_by_order_service_and_flag(void **state)
{
    static const char *const zone[] = {
        "a.example 60 NAPTR 10 10 u SIP+D2U !.*!x! _sip._udp.a.example",
        "a.example 60 NAPTR 10 20 s E2U+sip - _sip._udp.a.example",
        "a.example 60 NAPTR 10 30 s SIP+D2X - _sip._udp.a.example",
        "a.example 60 NAPTR 10 40 s SIP+D2U - .",
        "a.example 60 NAPTR 20 10 S sip+d2s - one.a.example",
        "a.example 60 NAPTR 20 20 s SIPS+D2S - never.a.example",
        "a.example 60 NAPTR 20 30 s SIP+D2W - two.a.example",
        "a.example 60 NAPTR 30 1 s SIPS+D2W - three.a.example",
        "a.example 60 NAPTR 30 2 s SIP+D2U - four.a.example",
        "one.a.example 60 SRV 7 3 5060 one",
        "two.a.example 60 SRV 1 1 80 two",
        "three.a.example 60 SRV 1 1 443 three",
        "four.a.example 60 SRV 2 1 5060 four-b",
        "four.a.example 60 SRV 1 1 5060 four-a",
        "never.a.example 60 SRV 1 1 5061 never",
        NULL,
    };
    (void)state;
    zone_set(zone);
    LOOKS("sip:a.example", &everything, "SCTP one:5060 7/3;WS two:80 65537/1;");
    LOOKS("sips:a.example", &everything, "WSS three:443 1/1;");
    LOOKS("sip:a.example", &plain, "UDP four-a:5060 1/1;UDP four-b:5060 2/1;");
    /* Nothing of use for TCP: as without NAPTR. */
    LOOKS("sip:a.example", &only_tcp, "TCP a.example:5060 0/0;");
}

/* RFC 3263 section 4.1: no NAPTR records: SRV for each transport that the client supports. */
static void without_naptr_srv_for_each_transport(void **state)
{
    static const char *const zone[] = {
        "_sip._udp.a.example 60 SRV 0 0 5060 u.a.example",
        "_sips._tcp.a.example 60 SRV 5 0 5061 t.a.example",
        "_sip._sctp.b.example 60 SRV 0 0 5060 s.b.example",
        NULL,
    };
    (void)state;
    zone_set(zone);
    LOOKS("sip:a.example", &everything, "UDP u.a.example:5060 0/0;TLS t.a.example:5061 196613/0;");
    assert_int_equal(zone_asked(), 5);
    LOOKS("sip:a.example", &only_tcp, "TCP a.example:5060 0/0;");
    LOOKS("sip:b.example", &everything, "SCTP s.b.example:5060 131072/0;");
    LOOKS("sips:a.example", &everything, "TLS t.a.example:5061 5/0;");
}

/* RFC 3263 section 4.2: no SRV records: the host itself, by UDP, for sips by TLS. The transport of
 * a NAPTR record stays. */
static void without_srv_the_host_itself(void **state)
{
    static const char *const zone[] = {
        "b.example 60 NAPTR 10 10 s SIP+D2T - nothing.b.example",
        NULL,
    };
    (void)state;
    zone_set(zone);
    LOOKS("sip:a.example", &everything, "UDP a.example:5060 0/0;");
    LOOKS("sips:a.example", &everything, "TLS a.example:5061 0/0;");
    LOOKS("sip:a.example;transport=sctp", &everything, "SCTP a.example:5060 0/0;");
    LOOKS("sip:a.example;transport=wss", &everything, "WSS a.example:443 0/0;");
    LOOKS("sip:b.example", &everything, "TCP b.example:5060 0/0;");
    LOOKS("sip:a.example.", &everything, "UDP a.example:5060 0/0;");
}

/* RFC 2782: the target "." says that the service is not there. */
static void a_service_that_is_refused(void **state)
{
    static const char *const zone[] = {
        "_sip._udp.a.example 60 SRV 0 0 0 .",
        "_sip._udp.b.example 60 SRV 0 0 0 .",
        "_sip._tcp.b.example 60 SRV 0 0 5060 t.b.example",
        "_sip._udp.c.example 60 SRV 0 0 0 t.c.example",
        NULL,
    };
    (void)state;
    zone_set(zone);
    LOOKS("sip:a.example", &plain, "not found");
    LOOKS("sip:b.example", &plain, "TCP t.b.example:5060 65536/0;");
    LOOKS("sip:c.example", &plain, "not found"); /* port 0 */
}

/* What no DNS server answers is not the same as what does not exist. */
static void dns_that_fails(void **state)
{
    static const char *const zone[] = {
        "a.example 0 FAIL NAPTR",
        "_sip._udp.a.example 60 SRV 0 0 5060 u.a.example",
        "b.example 0 BOGUS NAPTR",
        "_sip._udp.b.example 60 SRV 0 0 5060 u.b.example",
        "_sip._udp.c.example 0 FAIL SRV",
        "_sip._udp.d.example 0 BOGUS SRV",
        "_sip._udp.e.example 0 FAIL SRV",
        "_sip._tcp.e.example 60 SRV 0 0 5060 t.e.example",
        NULL,
    };
    (void)state;
    zone_set(zone);
    LOOKS("sip:a.example", &plain, "UDP u.a.example:5060 0/0;");
    LOOKS("sip:b.example", &plain, "invalid");
    LOOKS("sip:c.example", &plain, "unreachable");
    LOOKS("sip:d.example", &plain, "invalid");
    LOOKS("sip:e.example", &plain, "TCP t.e.example:5060 65536/0;");
}

static void names_of_the_hosts_file(void **state)
{
    static const char *const zone[] = {"gw 0 HOSTS", NULL};
    (void)state;
    zone_set(zone);
    LOOKS("sip:gw", &everything, "UDP gw:5060 0/0;");
    LOOKS("sip:gw;transport=tcp", &everything, "TCP gw:5060 0/0;");
    assert_int_equal(zone_asked(), 0);
}

/* RFC 2782: by priority; those without weight first, so that they have a small chance. */
static void places_stand_by_rank_and_weight(void **state)
{
    static const char *const zone[] = {
        "_sip._udp.a.example 60 SRV 20 5 5060 e",
        "_sip._udp.a.example 60 SRV 10 60 5060 b",
        "_sip._udp.a.example 60 SRV 10 0 5060 a",
        "_sip._udp.a.example 60 SRV 10 20 5060 c",
        "_sip._udp.a.example 60 SRV 65535 0 5060 192.0.2.4",
        NULL,
    };
    (void)state;
    zone_set(zone);
    const char *places = look("sip:a.example", &plain);
    assert_true(strncmp(places, "UDP a:5060 10/0;", 16) == 0);
    assert_non_null(strstr(places, "UDP e:5060 20/5;UDP 192.0.2.4:5060 65535/0;"));
}

static void absurd_numbers_of_records_are_bounded(void **state)
{
    static char lines[700][80];
    static const char *zone[701];
    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(lines[i], sizeof lines[i], "_sip._%s.a.example 60 SRV %u 1 5060 s%u",
                       i % 2 ? "udp" : "tcp", i / 2, i);
        zone[i] = lines[i];
    }
    for (unsigned i = 500; i < 700; i++) {
        (void)snprintf(lines[i], sizeof lines[i], "b.example 60 NAPTR 1 %u s SIP+D2U - n%u", i, i);
        zone[i] = lines[i];
    }
    zone_set(zone);
    (void)look("sip:a.example", &plain);
    assert_int_equal(locate.place_count, LOCATE_PLACES_MAX);
    LOOKS("sip:b.example", &plain, "UDP b.example:5060 0/0;");
    assert_int_equal(zone_asked(), 3 + 1 + LOCATE_QUESTIONS_MAX);
    zone_set(NULL);
}

static void every_row_has_its_words(void **state)
{
    unsigned rows = 0;
    (void)state;
    for (unsigned step = 0; step < LOCATE_STEPS; step++) {
        for (unsigned event = 0; event < LOCATE_EVENTS; event++) {
            const struct locate_row *row =
                locate_row((enum locate_step)step, (enum locate_event)event);
            if (row == NULL)
                continue;
            rows++;
            assert_true(strlen(row->section) > 0 && strlen(row->words) > 0);
            assert_true(row->next > row->step);
        }
    }
    assert_int_equal(rows, 15);
    assert_null(locate_row(LOCATE_DONE, LOCATE_RECORDS));
    assert_null(locate_row(LOCATE_FAILED, LOCATE_ERROR));
}

static void it_says_what_it_does(void **state)
{
    (void)state;
    zone_set(example);
    (void)look("sip:user@example.com", &plain);
    assert_non_null(strstr(said, "the target is example.com, with no port and no transport"));
    assert_non_null(strstr(said, "NAPTR 50 50 \"s\" \"SIPS+D2T\" _sips._tcp.example.com is left "
                                 "out: this server has no listener for it"));
    assert_non_null(strstr(said, "NAPTR 90 50 \"s\" \"SIP+D2T\" _sip._tcp.example.com is of use"));
    assert_non_null(strstr(said,
                           "NAPTR 100 50 \"s\" \"SIP+D2U\" _sip._udp.example.com is left out: "
                           "a record of a lower order is of use"));
    assert_non_null(strstr(said, "SRV priority 0, weight 2: server2.example.com port 5060 by TCP"));
}

static int open_loop(void **state)
{
    (void)state;
    log_init(&log_of_test, 2, false, LOG_ERROR);
    struct loop_config config = {.log = &log_of_test};
    return loop_new(&config, &loop);
}

static int close_loop(void **state)
{
    (void)state;
    struct dns_query *query;
    const struct dns_answer *answer;
    (void)dns_lookup(loop, SLICE_NULL, DNS_A, NULL, NULL, &answer, &query); /* forgets the last */
    assert_int_equal(zone_references(), 0);
    loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc),
        cmocka_unit_test(what_the_uri_says_itself),
        cmocka_unit_test(sips_never_becomes_plain),
        cmocka_unit_test(naptr_records_by_order_service_and_flag),
        cmocka_unit_test(without_naptr_srv_for_each_transport),
        cmocka_unit_test(without_srv_the_host_itself),
        cmocka_unit_test(a_service_that_is_refused),
        cmocka_unit_test(dns_that_fails),
        cmocka_unit_test(names_of_the_hosts_file),
        cmocka_unit_test(places_stand_by_rank_and_weight),
        cmocka_unit_test(absurd_numbers_of_records_are_bounded),
        cmocka_unit_test(every_row_has_its_words),
        cmocka_unit_test(it_says_what_it_does),
    };
    return cmocka_run_group_tests_name("locate", tests, open_loop, close_loop);
}
