/* Runs drawn from seeds. TZ_SIM_RUNS: how many of each kind (default 300). TZ_SIM_SEED=N: that one
 * alone, of each kind or of TZ_SIM_KIND. TZ_SIM_TRACE=1 tells on stderr what happens. A run that
 * fails prints its kind and its seed. */
/* timeout: 1200 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/poison.h"
#include "sim/agent/run.h"
#include "sim/server/accounts.h"

#define RUNS_DEFAULT 300
#define RUNS_TELLING 100 /* fewer say nothing about shares */
#define SEED_FIRST   1000

static struct sim_accounts accounts;
static char under_way[96]; /* names the run, should it end the program */

static void tell_run(void)
{
    ssize_t ignored = write(STDERR_FILENO, under_way, strlen(under_way));
    (void)ignored;
}

static void on_abort(int number)
{
    (void)number;
    tell_run();
}

static void prepare_for_the_worst(void)
{
    (void)signal(SIGABRT, on_abort);
#ifdef POISON_ON
    __sanitizer_set_death_callback(tell_run);
#endif
}

static uint64_t from_environment(const char *name, uint64_t missing)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : missing;
}

static void print_counts(const struct run_kind *kind, uint64_t runs, const uint64_t *counts,
                         uint64_t messages)
{
    static const char *const names[CROWD_COUNTS] = {
        "calls",      "answered",           "refused",
        "cancelled",  "INVITEs unanswered", "others unanswered",
        "registered", "messages",           "ACKs missing"};
    char text[512];
    int length = snprintf(text, sizeof(text), "%llu runs, %llu datagrams", (unsigned long long)runs,
                          (unsigned long long)messages);
    for (unsigned i = 0; i < CROWD_COUNTS; i++)
        length += snprintf(text + length, sizeof(text) - (size_t)length, ", %s %llu", names[i],
                           (unsigned long long)counts[i]);
    print_message("%s: %s\n", kind->name, text);
}

static void play(void **state)
{
    const struct run_kind *kind = *state;
    uint64_t seed = from_environment("TZ_SIM_SEED", 0);
    uint64_t runs = seed != 0 ? 1 : from_environment("TZ_SIM_RUNS", RUNS_DEFAULT);
    uint64_t first = seed != 0 ? seed : from_environment("TZ_SIM_FIRST", SEED_FIRST);
    uint64_t counts[CROWD_COUNTS] = {0}, messages = 0;
    bool trace = getenv("TZ_SIM_TRACE") != NULL;
    struct run *run = test_malloc(sizeof(*run));
    for (uint64_t i = 0; i < runs; i++) {
        (void)snprintf(under_way, sizeof(under_way), "TZ_SIM_KIND='%s' TZ_SIM_SEED=%llu\n",
                       kind->name, (unsigned long long)(first + i));
        if (!run_play(run, kind, first + i, accounts.accounts, trace)) {
            print_error("%s%s\n", under_way, run->crowd.failure);
            test_free(run);
            fail();
        }
        for (unsigned c = 0; c < CROWD_COUNTS; c++)
            counts[c] += run->crowd.counts[c];
        messages += run->messages;
    }
    print_counts(kind, runs, counts, messages);
    if (seed == 0 && runs >= RUNS_TELLING) {
        /* The runs have done something, and what the network lost was mostly made good. */
        assert_true(counts[CROWD_CALLS] > runs * 3);
        assert_true(counts[CROWD_ANSWERED] * 5 > counts[CROWD_CALLS]);
        assert_true(counts[CROWD_CANCELLED] * 20 > counts[CROWD_CALLS]);
        assert_true(counts[CROWD_UNANSWERED] * 1000 <= counts[CROWD_CALLS] * kind->lost);
    }
    test_free(run);
}

int main(void)
{
    struct CMUnitTest tests[32];
    size_t count = 0;
    const char *only = getenv("TZ_SIM_KIND");
    for (size_t i = 0; i < run_kind_count; i++) {
        if (only != NULL && strcmp(only, run_kinds[i].name) != 0)
            continue;
        /* cmocka hands the state on and does not write to it. */
        tests[count++] = (struct CMUnitTest){.name = run_kinds[i].name,
                                             .test_func = play,
                                             .initial_state = (void *)(uintptr_t)&run_kinds[i]};
    }
    prepare_for_the_worst();
    sim_accounts_init(&accounts);
    int failed = _cmocka_run_group_tests("runs", tests, count, NULL, NULL);
    sim_accounts_done(&accounts);
    return failed;
}
