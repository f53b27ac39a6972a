/* Nanoseconds of what every message uses many times: hashing, comparing, tables, memory. The plain
 * way stands beside each fast one. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/table.h"

static const struct hash_key key = {1, 2};
static struct slice token = SLICE_LITERAL("Max-Forwards");
static struct slice token_other = SLICE_LITERAL("max-forwards");
static struct slice host = SLICE_LITERAL("Client.Atlanta.Example.com");
static struct slice host_other = SLICE_LITERAL("client.atlanta.example.com");
static struct slice call_id = SLICE_LITERAL("2xTb9vxSit55XU7p8k3s0djw@client.atlanta.example.com");
static struct random rng;
static struct address address;
static struct arena arena;
static struct pool pool;
static struct log log_null;

/* Keeps the compiler from leaving work out, and from knowing what a value is. */
static uint64_t use(uint64_t value)
{
    __asm__ volatile("" : "+r"(value) : : "memory");
    return value;
}

static struct slice hide(struct slice s)
{
    return slice_of(s.ptr, use(s.len));
}

static bool plain_equal(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (tolower((unsigned char)a.ptr[i]) != tolower((unsigned char)b.ptr[i]))
            return false;
    }
    return true;
}

static void token_fast(void)
{
    use(slice_equal_nocase(hide(token), hide(token_other)));
}

static void token_plain(void)
{
    use(plain_equal(hide(token), hide(token_other)));
}

static void token_libc(void)
{
    use((uint64_t)strncasecmp(token.ptr, token_other.ptr, hide(token).len));
}

static void host_fast(void)
{
    use(slice_equal_nocase(hide(host), hide(host_other)));
}

static void host_same_case(void)
{
    use(slice_equal_nocase(hide(host), hide(host)));
}

static void host_plain(void)
{
    use(plain_equal(hide(host), hide(host_other)));
}

static void host_libc(void)
{
    use((uint64_t)strncasecmp(host.ptr, host_other.ptr, hide(host).len));
}

static void hash_token(void)
{
    use(hash_slice(&key, hide(token)));
}

static void hash_token_nocase(void)
{
    use(hash_slice_nocase(&key, hide(token)));
}

static void hash_host_nocase(void)
{
    use(hash_slice_nocase(&key, hide(host)));
}

static void hash_call_id(void)
{
    use(hash_slice(&key, hide(call_id)));
}

static void hash_call_id_nocase(void)
{
    use(hash_slice_nocase(&key, hide(call_id)));
}

static void hash_address(void)
{
    use(address_hash(use(1), &address));
}

static void parse_host(void)
{
    struct address a;
    use((uint64_t)address_parse_host(hide(SLICE("192.0.2.101")), 5060, &a));
}

static void draw(void)
{
    use(random_u64(&rng));
}

static void arena_ten(void)
{
    for (size_t i = 0; i < 10; i++)
        use((uintptr_t)arena_alloc(&arena, use(100)));
    arena_reset(&arena);
}

static void pool_pair(void)
{
    void *object = pool_get(&pool);
    use((uintptr_t)object);
    pool_put(&pool, object);
}

static void malloc_pair(void)
{
    void *object = malloc(use(512));
    use((uintptr_t)object);
    free(object);
}

static void log_line(void)
{
    log_info(&log_null, LOG_SIP, "%s from %s", "INVITE", "192.0.2.1:5060");
}

static void log_off(void)
{
    log_debug(&log_null, LOG_SIP, "%s from %s", "INVITE", "192.0.2.1:5060");
}

/* The best of several batches: what the code costs, without what else the machine did. */
static void show(const char *name, void (*what)(void))
{
    unsigned count = 100;
    double best = 1e9;
    for (int i = 0; i < 30; i++) {
        uint64_t start = clock_monotonic_us();
        for (unsigned n = 0; n < count; n++)
            what();
        uint64_t took = clock_monotonic_us() - start;
        if (took < 3000)
            count *= 2;
        double each = (double)took / count * 1e3;
        best = took > 1000 && each < best ? each : best;
    }
    printf("  %-52s %8.1f ns\n", name, best);
}

struct item {
    struct table_node node;
    uint64_t key;
};

static bool match(const struct table_node *node, const void *wanted)
{
    return ((const struct item *)(const void *)node)->key == *(const uint64_t *)wanted;
}

static uint64_t nanoseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* CPU time of the slowest single add, the best of several runs: without what else the machine did.
 */
static uint64_t worst_add(struct item *items, size_t count)
{
    uint64_t best = UINT64_MAX;
    for (int run = 0; run < 5; run++) {
        struct table t;
        uint64_t worst = 0;
        if (table_init(&t, 0) != 0)
            exit(1);
        for (size_t i = 0; i < count; i++) {
            uint64_t start = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
            table_add(&t, &items[i].node, hash_mix(1, i));
            uint64_t took = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start;
            worst = took > worst ? took : worst;
        }
        table_done(&t);
        best = worst < best ? worst : best;
    }
    return best;
}

static void show_table(size_t count)
{
    struct item *items = calloc(count, sizeof *items);
    struct table t;
    if (items == NULL || table_init(&t, 0) != 0)
        exit(1);
    uint64_t start = nanoseconds(CLOCK_MONOTONIC);
    for (size_t i = 0; i < count; i++)
        table_add(&t, &items[i].node, hash_mix(1, items[i].key = i));
    double add = (double)(nanoseconds(CLOCK_MONOTONIC) - start) / (double)count;
    start = nanoseconds(CLOCK_MONOTONIC);
    const size_t finds = 2000000;
    for (size_t i = 0; i < finds; i++) {
        uint64_t wanted = random_below(&rng, count);
        use((uintptr_t)table_find(&t, hash_mix(1, wanted), match, &wanted));
    }
    double find = (double)(nanoseconds(CLOCK_MONOTONIC) - start) / (double)finds;
    start = nanoseconds(CLOCK_MONOTONIC);
    for (size_t i = 0; i < count; i++)
        table_remove(&t, &items[i].node);
    double gone = (double)(nanoseconds(CLOCK_MONOTONIC) - start) / (double)count;
    table_done(&t);
    uint64_t worst = worst_add(items, count);
    free(items);
    printf(
        "  table of %8zu: add %6.1f ns (worst single %7.1f us), find %6.1f ns, remove %6.1f ns\n",
        count, add, (double)worst / 1e3, find, gone);
}

int main(void)
{
    random_seed(&rng, 1);
    arena_init(&arena, 4096, 1 << 20);
    pool_init(&pool, 512, 0);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    log_init(&log_null, null, false, LOG_INFO);
    if (address_parse(SLICE("192.0.2.1:5060"), &address) != 0)
        return 1;
    puts("base: nanoseconds each");
    show("equal without case, 12 bytes", token_fast);
    show("  the same byte by byte", token_plain);
    show("  the same by strncasecmp", token_libc);
    show("equal without case, 26 bytes", host_fast);
    show("  in the same case", host_same_case);
    show("  the same byte by byte", host_plain);
    show("  the same by strncasecmp", host_libc);
    show("hash_slice, 12 bytes", hash_token);
    show("hash_slice_nocase, 12 bytes", hash_token_nocase);
    show("hash_slice_nocase, 26 bytes", hash_host_nocase);
    show("hash_slice, 51 bytes", hash_call_id);
    show("hash_slice_nocase, 51 bytes", hash_call_id_nocase);
    show("address_hash, IPv4", hash_address);
    show("address_parse_host, IPv4", parse_host);
    show("random_u64", draw);
    show("arena: ten pieces of 100 bytes and reset", arena_ten);
    show("pool: get and put", pool_pair);
    show("  the same by malloc and free", malloc_pair);
    show("log line to /dev/null", log_line);
    show("log line that is off", log_off);
    show_table(1000);
    show_table(100000);
    show_table(1000000);
    return 0;
}
