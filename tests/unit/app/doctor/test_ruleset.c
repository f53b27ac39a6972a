#include "app/doctor/ruleset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CHAIN(policy)                                                                              \
    "{\"chain\": {\"family\": \"inet\", \"table\": \"filter\", \"name\": \"input\", \"hook\": "    \
    "\"input\", \"policy\": \"" policy "\"}}"
#define RULE(chain, expr)                                                                          \
    "{\"rule\": {\"family\": \"inet\", \"table\": \"filter\", \"chain\": \"" chain                 \
    "\", \"expr\": [" expr "]}}"
#define DPORT(right)                                                                               \
    "{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"udp\", \"field\": "     \
    "\"dport\"}}, \"right\": " right "}}, {\"accept\": null}"
#define SPORT                                                                                      \
    "{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"udp\", \"field\": "     \
    "\"sport\"}}, \"right\": 5060}}, {\"accept\": null}"

static json_t *rules(const char *items)
{
    json_t *ruleset = json_pack("{s:o}", "nftables", json_loads(items, 0, NULL));
    assert_non_null(ruleset);
    return ruleset;
}

static void a_chain_is_closed_by_its_policy_or_a_last_rule(void **state)
{
    (void)state;
    static const struct {
        const char *items;
        bool closed;
    } rows[] = {
        {"[]", false},
        {"[" CHAIN("accept") "]", false},
        {"[" CHAIN("drop") "]", true},
        {"[" CHAIN("accept") "," RULE("input", "{\"drop\": null}") "]", true},
        {"[" CHAIN("accept") "," RULE("input", "{\"counter\": {}}, {\"reject\": null}") "]", true},
        {"[" CHAIN("accept") "," RULE("other", "{\"drop\": null}") "]", false},
        {"[" CHAIN("accept") "," RULE("input", "{\"match\": {}}, {\"drop\": null}") "]", false},
        {"[{\"chain\": {\"family\": \"inet\", \"table\": \"f\", \"name\": \"o\", \"hook\": "
         "\"output\", \"policy\": \"drop\"}}]",
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ruleset_verdict verdict;
        json_t *ruleset = rules(rows[i].items);
        ruleset_read(ruleset, &verdict);
        assert_int_equal(verdict.closed, rows[i].closed);
        if (verdict.closed)
            assert_string_equal(verdict.chain, "inet filter input");
        json_decref(ruleset);
    }
}

static void a_port_is_named_alone_in_a_set_or_in_a_range(void **state)
{
    (void)state;
    static const struct {
        const char *items;
        bool named;
    } rows[] = {
        {"[" RULE("input", DPORT("5060")) "]", true},
        {"[" RULE("input", DPORT("5061")) "]", false},
        {"[" RULE("input", DPORT("{\"set\": [80, 5060]}")) "]", true},
        {"[" RULE("input", DPORT("{\"set\": [80, {\"range\": [5000, 5100]}]}")) "]", true},
        {"[" RULE("input", DPORT("{\"range\": [5000, 5059]}")) "]", false},
        {"[" RULE("input", DPORT("\"@ports\"")) "]", false},
        {"[" RULE("input", SPORT) "]", false},
        {"[" CHAIN("drop") "]", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *ruleset = rules(rows[i].items);
        assert_int_equal(ruleset_names_port(ruleset, 5060), rows[i].named);
        json_decref(ruleset);
    }
}

/* Sets within sets, and things of other kinds where a set is expected. */
static void nonsense_is_survived(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[1, null, \"x\", {\"rule\": 5}, {\"chain\": {\"hook\": \"input\", \"policy\": \"drop\"}}]",
        "[" RULE("input", DPORT("{\"set\": {\"set\": {\"set\": 1}}}")) "]",
        "[" RULE("input", DPORT("{\"range\": 5}")) "]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ruleset_verdict verdict;
        json_t *ruleset = rules(texts[i]);
        ruleset_read(ruleset, &verdict);
        assert_false(ruleset_names_port(ruleset, 5060));
        json_decref(ruleset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_closed_by_its_policy_or_a_last_rule),
        cmocka_unit_test(a_port_is_named_alone_in_a_set_or_in_a_range),
        cmocka_unit_test(nonsense_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
