#include "base/error.h"
#include "stun/binding.h"
#include "stun/discovery_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct address at(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(slice_from_string(text), &a), 0);
    return a;
}

static const char LOCAL[] = "10.0.0.2:40000";
static const char PRIMARY[] = "192.0.2.1:3478";
static const char OTHER[] = "192.0.2.2:3479";

static struct discovery begin(void)
{
    struct discovery d;
    struct address local = at(LOCAL), primary = at(PRIMARY);
    discovery_init(&d, &local, &primary, 1500);
    return d;
}

/* The socket that an answer to a test comes from. */
static struct address origin(const struct discovery *d, enum discovery_test test)
{
    struct address to;
    struct stun_probe probe;
    struct stun_place place = {.other = d->other};
    discovery_request(d, test, &to, &probe);
    place.origin = to;
    return stun_place_origin(&place, probe.change);
}

static void answer(struct discovery *d, enum discovery_test test, const char *mapped)
{
    struct stun_reply reply = {.has_other = true, .other = at(OTHER), .mapped = at(mapped)};
    struct address from = origin(d, test);
    if (test == DISCOVERY_HAIRPIN)
        discovery_on_own_request(d, test);
    else
        assert_true(discovery_on_reply(d, test, &from, &reply));
    assert_true(d->results[test].over);
}

static void refuse(struct discovery *d, enum discovery_test test)
{
    struct stun_reply reply = {.status = 420};
    struct address from = at(PRIMARY);
    assert_true(discovery_on_reply(d, test, &from, &reply));
}

/* ---- The tables ---- */

/* Each box of each figure has one arrow for each outcome, they lead forward, each says by which
 * section. */
static void every_outcome_of_every_test_has_one_row(void **state)
{
    (void)state;
    for (unsigned f = 0; f < DISCOVERY_PROCEDURES; f++) {
        const struct discovery_figure *figure = &discovery_figures[f];
        unsigned seen[DISCOVERY_NODES][DISCOVERY_OUTCOMES] = {{0}};
        assert_in_range(figure->node_count, 1, DISCOVERY_NODES);
        for (unsigned i = 0; i < figure->row_count; i++) {
            const struct discovery_row *row = &figure->rows[i];
            assert_in_range(row->node, 0, figure->node_count - 1);
            seen[row->node][row->outcome]++;
            if (row->next != DISCOVERY_END)
                assert_in_range(row->next, row->node + 1u, figure->node_count - 1);
            assert_non_null(strstr(row->section, "RFC "));
        }
        for (unsigned n = 0; n < figure->node_count; n++) {
            for (unsigned o = 0; o < DISCOVERY_OUTCOMES; o++)
                assert_int_equal(seen[n][o], 1);
        }
    }
}

/* Mapped addresses in an outcome: 'h' our own, 'a', 'b', 'c' others; '-' silence, 'x' refused, '.'
 * the test must not run. */
struct path {
    enum discovery_procedure procedure;
    const char *plain, *both, *port, *again, *other_ip, *other, *second, *hairpin, *padded, *pieces;
    unsigned verdict;
};

#define CLASSIC(plain, both, port, other, verdict)                                                 \
    {                                                                                              \
        DISCOVERY_CLASSIC, plain, both, port, plain, "a", other, "a", "a", "a", "a", verdict       \
    }
#define MAPPING(plain, again, other_ip, other, verdict)                                            \
    {                                                                                              \
        DISCOVERY_MAPPING, plain, "-", "-", again, other_ip, other, "a", "a", "a", "a", verdict    \
    }
#define FILTERING(plain, both, port, other, verdict)                                               \
    {                                                                                              \
        DISCOVERY_FILTERING, plain, both, port, plain, "a", other, "a", "a", "a", "a", verdict     \
    }
#define TURNING(plain, second, hairpin, verdict)                                                   \
    {                                                                                              \
        DISCOVERY_TURNING, plain, "-", "-", plain, "a", "a", second, hairpin, "a", "a", verdict    \
    }
#define PIECES(plain, padded, pieces, verdict)                                                     \
    {                                                                                              \
        DISCOVERY_PIECES, plain, "-", "-", plain, "a", "a", "a", "a", padded, pieces, verdict      \
    }

static const struct path paths[] = {
    /* RFC 3489 section 10.1, figure 2; test II is "both", III "port", the second I "other" */
    CLASSIC("-", "a", "a", "a", NAT_UDP_BLOCKED),
    CLASSIC("x", "a", "a", "a", NAT_UNTOLD),
    CLASSIC("h", "h", "h", "h", NAT_OPEN),
    CLASSIC("h", "-", "-", "h", NAT_SYMMETRIC_FIREWALL),
    CLASSIC("h", "-", "h", "h", NAT_SYMMETRIC_FIREWALL),
    CLASSIC("h", "-", "-", "a", NAT_SYMMETRIC_FIREWALL),
    CLASSIC("h", "-", "-", "-", NAT_NONE),
    CLASSIC("h", "-", "-", "x", NAT_NONE),
    CLASSIC("h", "x", "x", "h", NAT_NONE),
    CLASSIC("a", "a", "a", "a", NAT_FULL_CONE),
    CLASSIC("a", "b", "-", "b", NAT_FULL_CONE),
    CLASSIC("a", "x", "-", "a", NAT_SOME),
    CLASSIC("a", "-", "-", "b", NAT_SYMMETRIC),
    CLASSIC("a", "-", "a", "b", NAT_SYMMETRIC),
    CLASSIC("a", "-", "-", "-", NAT_SOME),
    CLASSIC("a", "-", "-", "x", NAT_SOME),
    CLASSIC("a", "-", "a", "a", NAT_RESTRICTED),
    CLASSIC("a", "-", "b", "a", NAT_RESTRICTED),
    CLASSIC("a", "-", "-", "a", NAT_PORT_RESTRICTED),
    CLASSIC("a", "-", "x", "a", NAT_SOME),
    /* RFC 5780 section 4.3 */
    MAPPING("-", "a", "a", "a", NAT_MAPPING_UNTOLD),
    MAPPING("x", "a", "a", "a", NAT_MAPPING_UNTOLD),
    MAPPING("h", "h", "h", "h", NAT_MAPPING_NONE),
    MAPPING("a", "a", "a", "a", NAT_MAPPING_ENDPOINT),
    MAPPING("a", "-", "a", "a", NAT_MAPPING_ENDPOINT),
    MAPPING("a", "x", "a", "a", NAT_MAPPING_ENDPOINT),
    MAPPING("a", "b", "b", "b", NAT_MAPPING_ENDPOINT), /* it had expired */
    MAPPING("a", "b", "a", "c", NAT_MAPPING_PORT),
    MAPPING("a", "a", "-", "b", NAT_MAPPING_UNTOLD),
    MAPPING("a", "a", "x", "b", NAT_MAPPING_UNTOLD),
    MAPPING("a", "a", "b", "b", NAT_MAPPING_ADDRESS),
    MAPPING("a", "a", "b", "c", NAT_MAPPING_PORT),
    MAPPING("a", "a", "b", "a", NAT_MAPPING_PORT),
    MAPPING("a", "a", "b", "-", NAT_MAPPING_UNTOLD),
    MAPPING("a", "a", "b", "x", NAT_MAPPING_UNTOLD),
    /* RFC 5780 section 4.4 */
    FILTERING("-", "a", "a", "a", NAT_FILTERING_UNTOLD),
    FILTERING("x", "a", "a", "a", NAT_FILTERING_UNTOLD),
    FILTERING("a", "a", "-", "-", NAT_FILTERING_ENDPOINT),
    FILTERING("h", "h", "-", "-", NAT_FILTERING_ENDPOINT),
    FILTERING("a", "x", "-", "a", NAT_FILTERING_UNTOLD),
    FILTERING("a", "-", "-", "-", NAT_FILTERING_UNTOLD),
    FILTERING("a", "-", "-", "x", NAT_FILTERING_UNTOLD),
    FILTERING("a", "-", "a", "a", NAT_FILTERING_ADDRESS),
    FILTERING("a", "-", "b", "c", NAT_FILTERING_ADDRESS),
    FILTERING("a", "-", "-", "a", NAT_FILTERING_PORT),
    FILTERING("h", "-", "-", "h", NAT_FILTERING_PORT),
    FILTERING("a", "-", "x", "a", NAT_FILTERING_UNTOLD),
    /* RFC 5780 section 3.4 */
    TURNING("h", "h", "h", NAT_HAIRPIN_NO_NAT),
    TURNING("-", "a", "a", NAT_HAIRPIN_UNTOLD),
    TURNING("x", "a", "a", NAT_HAIRPIN_UNTOLD),
    TURNING("a", "-", "a", NAT_HAIRPIN_UNTOLD),
    TURNING("a", "x", "a", NAT_HAIRPIN_UNTOLD),
    TURNING("a", "b", "a", NAT_HAIRPIN_YES),
    TURNING("a", "b", "-", NAT_HAIRPIN_NO),
    /* RFC 5780 section 3.5 */
    PIECES("-", "a", "a", NAT_FRAGMENTS_UNTOLD),
    PIECES("x", "a", "a", NAT_FRAGMENTS_UNTOLD),
    PIECES("a", "-", "a", NAT_FRAGMENTS_UNTOLD),
    PIECES("a", "x", "a", NAT_FRAGMENTS_UNTOLD),
    PIECES("h", "h", "h", NAT_FRAGMENTS_PASS),
    PIECES("a", "a", "-", NAT_FRAGMENTS_LOST),
    PIECES("a", "a", "x", NAT_FRAGMENTS_UNTOLD),
};

static void play(struct discovery *d, enum discovery_test test, const char *outcome)
{
    static const char *const others[] = {"198.51.100.1:1", "198.51.100.1:2", "198.51.100.2:1"};
    if (*outcome == '-')
        discovery_on_timeout(d, test);
    else if (*outcome == 'x')
        refuse(d, test);
    else
        answer(d, test, *outcome == 'h' ? LOCAL : others[*outcome - 'a']);
}

static const char *outcome_of(const struct path *path, enum discovery_test test)
{
    const char *all[DISCOVERY_TESTS] = {
        [DISCOVERY_PLAIN] = path->plain,       [DISCOVERY_BOTH] = path->both,
        [DISCOVERY_PORT] = path->port,         [DISCOVERY_AGAIN] = path->again,
        [DISCOVERY_OTHER_IP] = path->other_ip, [DISCOVERY_OTHER] = path->other,
        [DISCOVERY_SECOND] = path->second,     [DISCOVERY_HAIRPIN] = path->hairpin,
        [DISCOVERY_PADDED] = path->padded,     [DISCOVERY_FRAGMENTS] = path->pieces,
    };
    return all[test];
}

static unsigned play_all(struct discovery *d, const struct path *path)
{
    enum discovery_test test;
    unsigned node, verdict, tests = 0;
    while (discovery_next(d, &test)) {
        assert_in_range(++tests, 1, DISCOVERY_TESTS);
        play(d, test, outcome_of(path, test));
    }
    assert_true(discovery_over(d));
    assert_true(discovery_follow(d, path->procedure, &node, &verdict));
    return verdict;
}

/* RFC 3489 section 10.1, RFC 5780 sections 3.4, 3.5, 4.3, 4.4: each row of each table */
static void every_path_through_the_figures_ends_as_the_rfc_says(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct discovery d = begin();
        unsigned verdict = play_all(&d, &paths[i]);
        if (verdict != paths[i].verdict)
            fail_msg("path %u: %u instead of %u", i, verdict, paths[i].verdict);
    }
}

/* RFC 5780 section 3.2: the filter for the other address must be closed when it is tested */
static void nothing_goes_to_the_other_address_before_the_filter_is_known(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct discovery d = begin();
        enum discovery_test test, waiting[DISCOVERY_TESTS];
        unsigned count = 0;
        struct address other = at(OTHER), to;
        struct stun_probe probe;
        /* Whatever may start does; what has started ends the other way round. */
        for (;;) {
            while (discovery_next(&d, &test)) {
                discovery_request(&d, test, &to, &probe);
                bool filter_known =
                    d.results[DISCOVERY_BOTH].over &&
                    (d.results[DISCOVERY_PORT].over || d.results[DISCOVERY_BOTH].answered);
                if (address_equal_host(&to, &other))
                    assert_true(filter_known);
                waiting[count++] = test;
            }
            if (count == 0)
                break;
            test = waiting[--count];
            play(&d, test, outcome_of(&paths[i], test));
        }
        assert_true(discovery_over(&d));
    }
}

/* RFC 5780 sections 4.3, 4.4, 5: without OTHER-ADDRESS the tests cannot be run */
static void a_server_with_one_address_is_asked_only_what_it_can_tell(void **state)
{
    (void)state;
    struct discovery d = begin();
    struct stun_reply reply = {.mapped = at("198.51.100.1:1")};
    struct address primary = at(PRIMARY);
    enum discovery_test test;
    struct nat_report report;
    assert_true(discovery_next(&d, &test));
    assert_int_equal(test, DISCOVERY_PLAIN);
    assert_false(discovery_next(&d, &test));
    assert_true(discovery_on_reply(&d, test, &primary, &reply));
    while (discovery_next(&d, &test)) {
        assert_true(test == DISCOVERY_SECOND || test == DISCOVERY_HAIRPIN ||
                    test == DISCOVERY_PADDED);
        if (test == DISCOVERY_SECOND)
            answer(&d, test, "198.51.100.1:2");
        else if (test == DISCOVERY_PADDED)
            refuse(&d, test);
        else
            discovery_on_timeout(&d, test);
    }
    assert_true(discovery_over(&d));
    discovery_report(&d, &report);
    assert_int_equal(report.kind, NAT_SOME);
    assert_int_equal(report.mapping, NAT_MAPPING_UNTOLD);
    assert_int_equal(report.filtering, NAT_FILTERING_UNTOLD);
    assert_int_equal(report.gap, NAT_GAP_ONE_ADDRESS);
    assert_int_equal(report.calls, NAT_CALLS_UNTOLD);
    assert_int_equal(report.hairpin, NAT_HAIRPIN_NO);
    assert_true(report.translated);
}

/* A server names the address that the client writes to next. */
static void an_other_address_that_makes_no_sense_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "192.0.2.1:3479", "192.0.2.2:3478",     "192.0.2.2:0",
        "0.0.0.0:3479",   "224.0.0.1:3479",     "255.255.255.255:3479",
        "127.0.0.1:3479", "[2001:db8::2]:3479", "[::ffff:192.0.2.2]:3479",
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct discovery d = begin();
        struct stun_reply reply = {
            .mapped = at("198.51.100.1:1"), .has_other = true, .other = at(bad[i])};
        struct address primary = at(PRIMARY);
        enum discovery_test test;
        assert_true(discovery_next(&d, &test));
        assert_true(discovery_on_reply(&d, test, &primary, &reply));
        assert_false(d.has_other);
    }
}

/* RFC 3489 section 9.4, RFC 5780 section 6.1: where an answer comes from is what the test is about
 */
static void where_an_answer_comes_from_counts(void **state)
{
    (void)state;
    static const struct {
        enum discovery_test test;
        const char *source;
        bool counts, refused;
    } cases[] = {
        {DISCOVERY_BOTH, "192.0.2.2:3479", true, false},
        {DISCOVERY_BOTH, "192.0.2.1:3478", true, true}, /* it ignored CHANGE-REQUEST */
        {DISCOVERY_BOTH, "192.0.2.1:3479", true, true},
        {DISCOVERY_BOTH, "192.0.2.2:3478", true, true},
        {DISCOVERY_PORT, "192.0.2.1:3479", true, false},
        {DISCOVERY_PORT, "192.0.2.1:3478", true, true},
        {DISCOVERY_PORT, "192.0.2.2:3479", true, true},
        {DISCOVERY_SECOND, "192.0.2.1:3478", true, false},
        {DISCOVERY_SECOND, "192.0.2.1:3479", false, false}, /* a stranger */
        {DISCOVERY_SECOND, "203.0.113.1:3478", false, false},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct discovery d = begin();
        enum discovery_test test;
        assert_true(discovery_next(&d, &test));
        answer(&d, test, "198.51.100.1:1");
        while (discovery_next(&d, &test)) {
        }
        struct stun_reply reply = {.mapped = at("198.51.100.1:1")};
        struct address source = at(cases[i].source);
        assert_int_equal(discovery_on_reply(&d, cases[i].test, &source, &reply), cases[i].counts);
        assert_int_equal(d.results[cases[i].test].refused, cases[i].refused);
        assert_int_equal(d.results[cases[i].test].answered, cases[i].counts && !cases[i].refused);
    }
}

static void what_is_over_or_not_begun_stays_as_it_is(void **state)
{
    (void)state;
    struct discovery d = begin();
    struct stun_reply reply = {.mapped = at("198.51.100.1:1")};
    struct address primary = at(PRIMARY);
    enum discovery_test test;
    assert_false(discovery_on_reply(&d, DISCOVERY_PLAIN, &primary, &reply));
    discovery_on_timeout(&d, DISCOVERY_PLAIN);
    assert_false(d.results[DISCOVERY_PLAIN].over);
    assert_true(discovery_next(&d, &test));
    discovery_on_own_request(&d, DISCOVERY_PLAIN);
    assert_false(d.results[DISCOVERY_PLAIN].over);
    assert_true(discovery_on_reply(&d, DISCOVERY_PLAIN, &primary, &reply));
    reply.mapped = at("203.0.113.9:9");
    assert_false(discovery_on_reply(&d, DISCOVERY_PLAIN, &primary, &reply));
    discovery_on_own_request(&d, DISCOVERY_HAIRPIN);
    assert_false(d.results[DISCOVERY_HAIRPIN].over);
    assert_int_equal(address_port(&d.results[DISCOVERY_PLAIN].mapped), 1);
}

/* ---- What it means ---- */

/* RFC 4787 section 5, RFC 8445 section 2: a relay is needed where nobody can be told a port */
static void calls_need_the_relay_behind_dependent_mappings_only(void **state)
{
    (void)state;
    for (unsigned m = 0; m < NAT_MAPPINGS; m++) {
        for (unsigned f = 0; f < NAT_FILTERINGS; f++) {
            enum nat_calls calls =
                nat_calls_of(NAT_SOME, (enum nat_mapping)m, (enum nat_filtering)f);
            bool dependent = m == NAT_MAPPING_ADDRESS || m == NAT_MAPPING_PORT;
            if (f == NAT_FILTERING_ENDPOINT)
                assert_int_equal(calls, NAT_CALLS_ANYONE);
            else if (m == NAT_MAPPING_UNTOLD)
                assert_int_equal(calls, NAT_CALLS_UNTOLD);
            else if (dependent)
                assert_int_equal(calls, NAT_CALLS_MAPPING);
            else
                assert_int_equal(calls, f == NAT_FILTERING_ADDRESS ? NAT_CALLS_ADDRESS
                                                                   : NAT_CALLS_STRAIGHT);
            assert_int_equal(
                nat_calls_of(NAT_UDP_BLOCKED, (enum nat_mapping)m, (enum nat_filtering)f),
                NAT_CALLS_BLOCKED);
        }
    }
}

static void gaps_say_why_something_is_unknown(void **state)
{
    (void)state;
    static const struct {
        struct path path;
        enum nat_gap gap;
    } cases[] = {
        {CLASSIC("-", "a", "a", "a", 0), NAT_GAP_NO_ANSWER},
        {CLASSIC("x", "a", "a", "a", 0), NAT_GAP_REFUSED},
        {CLASSIC("a", "x", "-", "a", 0), NAT_GAP_NO_CHANGE},
        {CLASSIC("a", "-", "-", "-", 0), NAT_GAP_OTHER_SILENT},
        {CLASSIC("h", "-", "-", "-", 0), NAT_GAP_OTHER_SILENT},
        {CLASSIC("a", "-", "-", "a", 0), NAT_GAP_NONE},
        {CLASSIC("h", "h", "h", "h", 0), NAT_GAP_NONE},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct discovery d = begin();
        struct nat_report report;
        (void)play_all(&d, &cases[i].path);
        discovery_report(&d, &report);
        assert_int_equal(report.gap, cases[i].gap);
    }
}

/* RFC 4787 section 4.2.1; RFC 5780 section 3.6 */
static void kept_ports_and_rewritten_addresses_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *first, *later;
        bool kept;
    } cases[] = {{"198.51.100.1:40000", "198.51.100.1:40000", true},
                 {"198.51.100.1:40001", "198.51.100.1:40001", false},
                 {"198.51.100.1:40000", "198.51.100.1:40001", false}};
    for (unsigned i = 0; i < 3; i++) {
        struct discovery d = begin();
        enum discovery_test test;
        struct nat_report report;
        while (discovery_next(&d, &test))
            answer(&d, test, test == DISCOVERY_OTHER_IP ? cases[i].later : cases[i].first);
        discovery_report(&d, &report);
        assert_int_equal(report.port_kept, cases[i].kept);
        assert_false(report.altered);
        d = begin();
        assert_true(discovery_next(&d, &test));
        struct stun_reply reply = {.mapped = at(cases[i].first), .altered = true};
        struct address primary = at(PRIMARY);
        assert_true(discovery_on_reply(&d, test, &primary, &reply));
        discovery_report(&d, &report);
        assert_true(report.altered);
    }
}

/* RFC 4787 section 6: filters may hold for what is turned around, so both sides send */
static void hairpinning_is_tried_both_ways(void **state)
{
    (void)state;
    struct discovery d = begin();
    enum discovery_test test = DISCOVERY_TESTS;
    struct address to, back;
    struct stun_probe probe;
    char text[ADDRESS_TEXT_MAX];
    while (test != DISCOVERY_HAIRPIN) {
        assert_true(discovery_next(&d, &test));
        assert_int_equal(discovery_back(&d, test, &back), test == DISCOVERY_HAIRPIN);
        if (test != DISCOVERY_HAIRPIN)
            answer(&d, test, test == DISCOVERY_SECOND ? "198.51.100.1:2" : "198.51.100.1:1");
    }
    discovery_request(&d, test, &to, &probe);
    assert_string_equal(address_text(&to, text), "198.51.100.1:1");
    assert_string_equal(address_text(&back, text), "198.51.100.1:2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_outcome_of_every_test_has_one_row),
        cmocka_unit_test(every_path_through_the_figures_ends_as_the_rfc_says),
        cmocka_unit_test(nothing_goes_to_the_other_address_before_the_filter_is_known),
        cmocka_unit_test(a_server_with_one_address_is_asked_only_what_it_can_tell),
        cmocka_unit_test(an_other_address_that_makes_no_sense_is_none),
        cmocka_unit_test(where_an_answer_comes_from_counts),
        cmocka_unit_test(what_is_over_or_not_begun_stays_as_it_is),
        cmocka_unit_test(calls_need_the_relay_behind_dependent_mappings_only),
        cmocka_unit_test(gaps_say_why_something_is_unknown),
        cmocka_unit_test(kept_ports_and_rewritten_addresses_are_told),
        cmocka_unit_test(hairpinning_is_tried_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
