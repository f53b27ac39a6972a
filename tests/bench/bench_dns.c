/* What a look-up from the cache costs, and what the DNS client of a worker takes in memory.
 *
 * bench_dns [LOOKUPS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/dns.h"

#define NAMES 1000

static struct log log_of_bench;
static struct loop *loop;

static size_t resident_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long size = 0, pages = 0;
    if (file == NULL || fscanf(file, "%lu %lu", &size, &pages) != 2)
        exit(1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_answer(void *user, const struct dns_answer *answer)
{
    (void)answer;
    ++*(unsigned *)user;
    loop_stop(loop);
}

/* libunbound answers for localhost by itself. */
static void open_context(void)
{
    const struct dns_answer *answer;
    struct dns_query *query;
    unsigned count = 0;
    size_t before = resident_kib();
    if (dns_lookup(loop, SLICE("localhost"), DNS_SRV, on_answer, &count, &answer, &query) != 0)
        exit(1);
    (void)loop_run(loop);
    printf("libunbound, context and thread: %zu KiB\n", resident_kib() - before);
}

/* The names of a hosts file stand in the cache as all others do. */
static const char *make_hosts(void)
{
    static char path[] = "/tmp/tz-bench-hosts-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    if (file == NULL)
        exit(1);
    for (unsigned i = 0; i < NAMES; i++)
        fprintf(file, "192.0.2.%u sip%u.provider.example\n", i % 250, i);
    fclose(file);
    return path;
}

static void look_up_all(unsigned long count)
{
    static char names[NAMES][48];
    size_t lengths[NAMES];
    const struct dns_answer *answer;
    struct dns_query *query;
    uint64_t sink = 0;
    for (unsigned i = 0; i < NAMES; i++) {
        lengths[i] = (size_t)snprintf(names[i], sizeof(names[i]), "sip%u.provider.example", i);
        (void)dns_lookup(loop, slice_of(names[i], lengths[i]), DNS_A, NULL, NULL, &answer, &query);
    }
    double began = cpu_s();
    for (unsigned long i = 0; i < count; i++) {
        unsigned n = (unsigned)(i * 7 % NAMES);
        if (dns_lookup(loop, slice_of(names[n], lengths[n]), DNS_A, NULL, NULL, &answer, &query) !=
            1)
            exit(1);
        sink += answer->count;
    }
    double ns = (cpu_s() - began) * 1e9 / (double)count;
    printf("look-up from the cache: %.0f ns (%llu records)\n", ns, (unsigned long long)sink);
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000000;
    struct loop_config config = {.log = &log_of_bench};
    log_init(&log_of_bench, 2, false, LOG_WARN);
    const char *path = make_hosts();
    if (loop_new(&config, &loop) < 0 ||
        dns_configure(loop, &(struct dns_config){.hosts = path}) < 0)
        return 1;
    look_up_all(count);
    (void)unlink(path);
    open_context();
    loop_free(loop);
    return 0;
}
