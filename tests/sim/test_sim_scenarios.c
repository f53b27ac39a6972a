/* The scenarios of all tables, each one test, once with one worker on one address, once with
 * several on all addresses. TZ_SIM_ONLY=TEXT plays those whose name has the text; TZ_SIM_TRACE=1
 * tells on stderr what happens. */
/* timeout: 900 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sim/scenario_tables.h"
#include "sim/server/accounts.h"

#define TESTS_MAX 2048

static const struct scenario_table *const tables[] = {
#define TABLE_ROW(name) &scenarios_##name,
    SCENARIO_TABLE_LIST(TABLE_ROW)
#undef TABLE_ROW
};

struct play {
    const struct scenario *scenario;
    struct scene_options options;
    char name[256];
};

static struct sim_accounts accounts;
static struct play plays[TESTS_MAX];
static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;

static void play(void **state)
{
    const struct play *p = *state;
    struct scene *scene = test_malloc(sizeof(*scene));
    if (!scene_play(scene, p->scenario, &p->options)) {
        print_error("%s (%s)\n%s\n", p->name, p->scenario->rfc, scene->failure);
        test_free(scene);
        fail();
    }
    test_free(scene);
}

static void add(const struct scenario_table *table, const struct scenario *scenario,
                const char *variant, unsigned workers)
{
    const char *only = getenv("TZ_SIM_ONLY");
    struct play *p = &plays[test_count];
    assert_true(test_count < TESTS_MAX);
    p->scenario = scenario;
    p->options = (struct scene_options){NULL, variant, workers, workers > 1};
    (void)snprintf(p->name, sizeof(p->name), "%s: %s%s%s%s", table->name, scenario->name,
                   variant[0] ? " with " : "", variant, workers > 1 ? ", several workers" : "");
    if (only != NULL && strstr(p->name, only) == NULL)
        return;
    tests[test_count] = (struct CMUnitTest){.name = p->name, .test_func = play, .initial_state = p};
    test_count++;
}

int main(void)
{
    static const char *const once[] = {"", NULL};
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const char *const *variant = tables[t]->variants ? tables[t]->variants : once;
            for (; *variant != NULL; variant++) {
                add(tables[t], &tables[t]->scenarios[i], *variant, 1);
                add(tables[t], &tables[t]->scenarios[i], *variant, 3);
            }
        }
    }
    sim_accounts_init(&accounts);
    for (size_t i = 0; i < test_count; i++)
        plays[i].options.accounts = accounts.accounts;
    int failed = _cmocka_run_group_tests("scenarios", tests, test_count, NULL, NULL);
    sim_accounts_done(&accounts);
    return failed;
}
