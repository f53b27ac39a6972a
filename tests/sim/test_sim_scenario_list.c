/* docs/rfc/scenarios.md and the tables of scenarios agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sim/scenario_tables.h"

#define NAMES_AT_LEAST 280

static const struct scenario_table *const tables[] = {
#define TABLE_ROW(name) &scenarios_##name,
    SCENARIO_TABLE_LIST(TABLE_ROW)
#undef TABLE_ROW
};

static char *read_page(void)
{
    FILE *file = fopen(TESTS_DIR "/../docs/rfc/scenarios.md", "r");
    assert_non_null(file);
    char *page = test_calloc(1, 1 << 20);
    assert_true(fread(page, 1, (1 << 20) - 1, file) > 0);
    assert_int_equal(fclose(file), 0);
    return page;
}

static bool covers(const struct scenario *scenario, struct slice name)
{
    struct slice rest = slice_from_string(scenario->covers);
    while (rest.len > 0) {
        if (slice_equal(slice_cut(&rest, ' '), name))
            return true;
    }
    return false;
}

/* "table: scenario" names a scenario that covers name. */
static bool is_covered(struct slice name, struct slice where)
{
    char text[512];
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct scenario *scenario = &tables[t]->scenarios[i];
            int n = snprintf(text, sizeof(text), "%s: %s (%s)", tables[t]->name, scenario->name,
                             scenario->rfc);
            if (n > 0 && slice_starts_with(where, slice_of(text, (size_t)n)) &&
                covers(scenario, name))
                return true;
        }
    }
    return false;
}

static void every_name_is_covered_or_says_why_not(void **state)
{
    char *page = read_page();
    struct slice rest = slice_from_string(page);
    unsigned count = 0;
    (void)state;
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        if (!slice_starts_with(line, SLICE("| test")))
            continue;
        line = slice_from(line, 2);
        struct slice name = slice_cut(&line, ' ');
        struct slice where = slice_from(line, 2);
        count++;
        if (!slice_starts_with(where, SLICE("not covered: ")) && !is_covered(name, where))
            fail_msg("%.*s is not covered as the page says", SLICE_ARG(name));
    }
    assert_true(count >= NAMES_AT_LEAST);
    test_free(page);
}

static void every_covered_name_stands_on_the_page(void **state)
{
    char *page = read_page();
    char row[128];
    (void)state;
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            struct slice rest = slice_from_string(tables[t]->scenarios[i].covers);
            while (rest.len > 0) {
                struct slice name = slice_cut(&rest, ' ');
                (void)snprintf(row, sizeof(row), "| %.*s | ", SLICE_ARG(name));
                if (strstr(page, row) == NULL)
                    fail_msg("%.*s is not on the page", SLICE_ARG(name));
            }
        }
    }
    test_free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_covered_or_says_why_not),
        cmocka_unit_test(every_covered_name_stands_on_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
