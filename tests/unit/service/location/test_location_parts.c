/* The parts of the table alone: packed records, slots in order of hash, interned values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "service/location/shard.h"
#include "service/location/streams.h"

#include <cmocka.h>

static struct slice random_text(struct random *random, size_t most)
{
    static char texts[64][16384];
    static unsigned next;
    char *text = texts[next++ % 64];
    size_t length = random_below(random, 3) == 0 ? 0 : random_below(random, most + 1);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)random_below(random, 256);
    return slice_of(text, length);
}

static void random_address(struct random *random, struct address *ret)
{
    memset(ret, 0, sizeof *ret);
    switch (random_below(random, 3)) {
    case 0:
        ret->in4.sin_family = AF_INET;
        ret->in4.sin_addr.s_addr = (in_addr_t)random_u64(random);
        ret->in4.sin_port = (in_port_t)random_u64(random);
        break;
    case 1:
        ret->in6.sin6_family = AF_INET6;
        ret->in6.sin6_port = (in_port_t)random_u64(random);
        ret->in6.sin6_scope_id = (uint32_t)random_u64(random);
        for (unsigned i = 0; i < 16; i++)
            ret->in6.sin6_addr.s6_addr[i] = (uint8_t)random_u64(random);
        break;
    default: break;
    }
}

static void random_record(struct random *random, struct location_agents *agents,
                          struct location_record *r)
{
    struct binding *b = &r->binding;
    memset(r, 0, sizeof *r);
    size_t most = random_below(random, 20) == 0 ? 1900 : 130;
    b->contact = random_text(random, most);
    b->params = random_text(random, most);
    b->call_id = random_text(random, most);
    b->instance = random_text(random, most);
    b->path = random_text(random, most);
    b->user_agent = random_text(random, 200);
    b->cseq = (uint32_t)random_u64(random);
    b->q = (uint16_t)random_below(random, 1001);
    b->reg_id = random_below(random, 2) == 0 ? 0 : (uint32_t)random_u64(random);
    b->expires_ms = (int64_t)random_below(random, (uint64_t)1 << 48);
    b->since_ms = (int64_t)random_below(random, (uint64_t)1 << 48);
    b->updated_ms = (int64_t)random_below(random, (uint64_t)1 << 48);
    b->seen_ms = (int64_t)random_below(random, (uint64_t)1 << 48);
    b->behind_nat = random_below(random, 2) == 0;
    b->gruu = random_below(random, 2) == 0;
    b->flow.transport = (uint8_t)random_below(random, TRANSPORT_COUNT);
    b->flow.worker = (uint8_t)random_u64(random);
    b->flow.listener = (uint16_t)random_u64(random);
    if (random_below(random, 2) == 0) {
        b->flow.connection = 1 + (uint32_t)random_below(random, UINT32_MAX);
        b->flow.generation = (uint32_t)random_u64(random);
        r->link = (uint32_t)random_u64(random);
    }
    if (random_below(random, 2) == 0)
        b->keep = (struct binding_keep){.due_s = 1 + (uint32_t)random_below(random, UINT32_MAX),
                                        .sent_s = (uint32_t)random_u64(random),
                                        .interval_s = (uint16_t)random_u64(random),
                                        .lived_s = (uint16_t)random_u64(random),
                                        .died_s = (uint16_t)random_u64(random),
                                        .missed = (uint8_t)random_u64(random),
                                        .changes = (uint8_t)random_u64(random),
                                        .goods = (uint8_t)random_u64(random),
                                        .tries = (uint8_t)random_below(random, 16),
                                        .answers = random_below(random, 2) == 0};
    random_address(random, &b->flow.local);
    random_address(random, &b->flow.remote);
    r->place = (int64_t)random_below(random, (uint64_t)1 << 48);
    r->agent =
        random_below(random, 2) == 0 ? AGENT_NONE : location_agents_intern(agents, b->user_agent);
    static char key[20000];
    switch (random_below(random, 3)) {
    case 0: r->key = b->contact; break;
    case 1:
        memcpy(key, b->instance.ptr, b->instance.len);
        memcpy(key + b->instance.len, ";12", 3);
        r->key = slice_of(key, b->instance.len + 3);
        break;
    default: r->key = random_text(random, most); break;
    }
}

static void check_same(const struct location_record *a, const struct location_record *b)
{
    const struct binding *x = &a->binding, *y = &b->binding;
    assert_true(slice_equal(a->key, b->key) && a->place == b->place && a->link == b->link);
    assert_true(slice_equal(x->contact, y->contact) && slice_equal(x->params, y->params));
    assert_true(slice_equal(x->call_id, y->call_id) && slice_equal(x->instance, y->instance));
    assert_true(slice_equal(x->path, y->path) && slice_equal(x->user_agent, y->user_agent));
    assert_true(x->cseq == y->cseq && x->q == y->q && x->reg_id == y->reg_id);
    assert_true(x->expires_ms == y->expires_ms && x->since_ms == y->since_ms);
    assert_true(x->updated_ms == y->updated_ms && x->seen_ms == y->seen_ms);
    assert_int_equal(x->behind_nat, y->behind_nat);
    assert_int_equal(x->gruu, y->gruu);
    assert_memory_equal(&x->flow, &y->flow, sizeof x->flow);
    const struct binding_keep *k = &x->keep, *l = &y->keep;
    assert_true(k->due_s == l->due_s && k->sent_s == l->sent_s && k->interval_s == l->interval_s);
    assert_true(k->lived_s == l->lived_s && k->died_s == l->died_s && k->missed == l->missed);
    assert_true(k->changes == l->changes && k->goods == l->goods && k->tries == l->tries);
    assert_int_equal(k->answers, l->answers);
}

static void a_record_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct random random;
    struct location_agents *agents;
    struct hash_key key = {1, 2};
    random_seed(&random, 9);
    assert_int_equal(location_agents_new(&key, &agents), 0);
    for (unsigned round = 0; round < 3000; round++) {
        static struct location_record records[3];
        struct location_record read;
        struct slice aor = random_text(&random, 100);
        unsigned count = 1 + (unsigned)random_below(&random, 3);
        char own[3][20000];
        for (unsigned i = 0; i < count; i++) {
            random_record(&random, agents, &records[i]);
            memcpy(own[i], records[i].key.ptr, records[i].key.len);
            records[i].key.ptr = own[i];
            assert_int_equal(location_record_check(&records[i]), 0);
        }
        size_t size = location_block_size(aor, records, count);
        struct location_block *block = location_block_new(size);
        location_block_write(block, aor, records, count);
        assert_int_equal(block->size, size);
        assert_true(slice_equal(location_block_aor(block), aor));
        struct location_reader reader = location_reader_of(block, agents);
        for (unsigned i = 0; i < count; i++) {
            assert_true(location_reader_offset(&reader, block) == records[i].offset);
            assert_true(location_reader_next(&reader, &read));
            check_same(&records[i], &read);
        }
        assert_false(location_reader_next(&reader, &read));
        location_block_free(block);
    }
    location_agents_free(agents);
}

static void a_record_over_the_limit_is_refused(void **state)
{
    (void)state;
    static char big[20000];
    struct location_record record = {.agent = AGENT_NONE};
    record.binding.contact = slice_of(big, 10000);
    record.key = record.binding.contact;
    assert_int_equal(location_record_check(&record), 0);
    record.binding.path = slice_of(big, 10000);
    assert_int_equal(location_record_check(&record), ERR_LIMIT);
    record.binding.path = slice_of(big, 16384);
    assert_int_equal(location_record_check(&record), ERR_LIMIT);
}

static void values_are_interned_once_and_up_to_a_bound(void **state)
{
    (void)state;
    struct location_agents *agents;
    struct hash_key key = {1, 2};
    char text[32];
    assert_int_equal(location_agents_new(&key, &agents), 0);
    uint16_t first = location_agents_intern(agents, SLICE("phone/1"));
    assert_true(first != AGENT_NONE);
    assert_int_equal(location_agents_intern(agents, SLICE("phone/1")), first);
    assert_true(slice_equal(location_agents_get(agents, first), SLICE("phone/1")));
    assert_int_equal(location_agents_intern(agents, SLICE("")), AGENT_NONE);
    memory_fail_after(0);
    uint16_t failed = location_agents_intern(agents, SLICE("phone/2"));
    assert_int_equal(failed == AGENT_NONE, memory_fail_hit());
    for (unsigned i = 0; i < 2 * AGENTS_LIMIT; i++) {
        snprintf(text, sizeof text, "phone/%u", i + 1);
        uint16_t number = location_agents_intern(agents, slice_from_string(text));
        if (i < AGENTS_LIMIT)
            assert_true(slice_equal(location_agents_get(agents, number), slice_from_string(text)));
        else
            assert_int_equal(number, AGENT_NONE);
    }
    assert_int_equal(location_agents_intern(agents, SLICE("phone/1")), first);
    location_agents_free(agents);
    location_agents_free(NULL);
}

#define NAMES 3000

static struct location_block *block_of(unsigned name)
{
    char text[16];
    struct slice aor = slice_of(text, (size_t)snprintf(text, sizeof text, "%u", name));
    struct location_record record = {.agent = AGENT_NONE};
    struct location_block *block = location_block_new(location_block_size(aor, &record, 1));
    location_block_write(block, aor, &record, 1);
    return block;
}

static struct location_slot *find_name(const struct location_shard *shard, uint32_t hash,
                                       unsigned name)
{
    char text[16];
    struct slice aor = slice_of(text, (size_t)snprintf(text, sizeof text, "%u", name));
    return location_shard_find(shard, hash, aor);
}

/* Hashes that crowd together at both ends, and equal ones, push each other about. */
static uint32_t crowded_hash(unsigned name)
{
    uint32_t spread = name * 2654435761u;
    switch (name % 4) {
    case 0: return spread;
    case 1: return spread >> 14;
    case 2: return UINT32_MAX - (spread >> 20);
    default: return UINT32_MAX / 2 + spread % 7;
    }
}

static void slots_stay_in_order_and_everything_is_found(void **state)
{
    (void)state;
    struct location_shard shard;
    struct random random;
    static bool there[NAMES];
    unsigned count = 0;
    location_shard_init(&shard);
    random_seed(&random, 1);
    memset(there, 0, sizeof there);
    for (unsigned step = 0; step < 40000; step++) {
        /* Fill, then empty, then both. */
        unsigned name = (unsigned)random_below(&random, NAMES);
        unsigned chance = step < 15000 ? 90 : step < 25000 ? 5 : 50;
        struct location_slot *slot = find_name(&shard, crowded_hash(name), name);
        assert_int_equal(slot != NULL, there[name]);
        if (!there[name] && random_below(&random, 100) < chance) {
            assert_int_equal(location_shard_reserve(&shard, crowded_hash(name)), 0);
            location_shard_add(&shard, crowded_hash(name), block_of(name), name);
            there[name] = true;
            count++;
        } else if (there[name] && random_below(&random, 100) >= chance) {
            location_shard_remove(&shard, slot);
            there[name] = false;
            count--;
        }
        assert_int_equal(shard.aors, count);
        if (step % 500 != 0)
            continue;
        unsigned walked = 0;
        uint32_t last = 0;
        for (slot = location_shard_from(&shard, 0); slot != NULL;
             slot = location_shard_next(&shard, slot)) {
            assert_true(slot->hash >= last);
            last = slot->hash;
            walked++;
        }
        assert_int_equal(walked, count);
    }
    location_shard_done(&shard);
}

/* Connections of one table, against a count of what each has. */
static void a_connection_lists_what_came_along_it(void **state)
{
    (void)state;
    struct location_streams *streams;
    struct hash_key key = {1, 2};
    struct random random;
    static uint32_t links[500][8];
    unsigned counts[500] = {0};
    random_seed(&random, 1);
    assert_int_equal(location_streams_new(&key, &streams), 0);
    struct flow flow = {.transport = TRANSPORT_TCP, .generation = 3};
    uint64_t hash;
    for (unsigned step = 0; step < 50000; step++) {
        unsigned number = (unsigned)random_below(&random, 500);
        flow.connection = number + 1;
        flow.worker = (uint8_t)(number % 3);
        if (counts[number] < 8 && random_below(&random, 2) == 0) {
            assert_int_equal(
                location_streams_add(streams, &flow, number, &links[number][counts[number]]), 0);
            assert_true(links[number][counts[number]++] != 0);
        } else if (counts[number] > 0) {
            unsigned which = (unsigned)random_below(&random, counts[number]);
            location_streams_remove(streams, &flow, links[number][which]);
            links[number][which] = links[number][--counts[number]];
        }
        number = (unsigned)random_below(&random, 500);
        flow.connection = number + 1;
        flow.worker = (uint8_t)(number % 3);
        int status = location_streams_first(streams, &flow, &hash);
        assert_int_equal(status, counts[number] > 0 ? 0 : ERR_NOT_FOUND);
        assert_true(status != 0 || hash == number);
        flow.generation++;
        assert_int_equal(location_streams_first(streams, &flow, &hash), ERR_NOT_FOUND);
        flow.generation--;
    }
    location_streams_free(streams);
    location_streams_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_read_as_it_was_written),
        cmocka_unit_test(a_record_over_the_limit_is_refused),
        cmocka_unit_test(values_are_interned_once_and_up_to_a_bound),
        cmocka_unit_test(slots_stay_in_order_and_everything_is_found),
        cmocka_unit_test(a_connection_lists_what_came_along_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
