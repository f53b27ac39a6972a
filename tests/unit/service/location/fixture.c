#include "unit/service/location/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static int64_t journal_write(void *user, struct slice aor,
                             const struct location_journal_entry *entries, unsigned count)
{
    struct fixture *f = user;
    if (f->journal_status < 0)
        return f->journal_status;
    size_t used = strlen(f->journal);
    for (unsigned i = 0; i < count; i++) {
        const struct location_journal_entry *e = &entries[i];
        int n;
        if (e->binding != NULL)
            n = snprintf(f->journal + used, sizeof f->journal - used, "+%.*s %.*s %u\n",
                         SLICE_ARG(aor), SLICE_ARG(e->key), e->binding->cseq);
        else
            n = snprintf(f->journal + used, sizeof f->journal - used, "-%.*s %.*s\n",
                         SLICE_ARG(aor), SLICE_ARG(e->key));
        used += (size_t)n;
        assert_true(used < sizeof f->journal);
    }
    snprintf(f->journal + used, sizeof f->journal - used, ".");
    f->journal_tickets += count;
    return f->journal_tickets;
}

void fixture_init(struct fixture *f, unsigned contacts)
{
    memset(f, 0, sizeof *f);
    struct location_config config = {
        .contacts_per_aor = contacts, .journal = {journal_write, f}, .key = {11, 22}};
    assert_int_equal(location_new(&config, &f->location), 0);
    arena_init(&f->arena, 4096, 1 << 24);
}

void fixture_done(struct fixture *f)
{
    location_free(f->location);
    arena_done(&f->arena);
}

void update_init(struct location_update *update, const char *aor, const char *call_id,
                 uint32_t cseq)
{
    memset(update, 0, sizeof *update);
    update->aor = slice_from_string(aor);
    update->call_id = slice_from_string(call_id);
    update->cseq = cseq;
    update->flow.transport = TRANSPORT_UDP;
    assert_int_equal(address_parse(SLICE("192.0.2.1:5060"), &update->flow.remote), 0);
    assert_int_equal(address_parse(SLICE("192.0.2.200:5060"), &update->flow.local), 0);
}

struct location_change *update_add(struct location_update *update, const char *contact,
                                   uint32_t expires_s)
{
    assert_true(update->count < LOCATION_CHANGES_MAX);
    struct location_change *change = &update->changes[update->count++];
    change->binding.contact = slice_from_string(contact);
    change->binding.q = 1000;
    change->key = change->binding.contact;
    change->expires_s = expires_s;
    return change;
}

void update_over_tcp(struct location_update *update, unsigned worker, uint32_t connection)
{
    update->flow.transport = TRANSPORT_TCP;
    update->flow.worker = (uint8_t)worker;
    update->flow.connection = connection;
    update->flow.generation = 7;
}

int fixture_apply(struct fixture *f, const struct location_update *update, int64_t now_ms)
{
    f->ticket = -1;
    return location_update(f->location, update, now_ms, &f->arena, &f->bindings, &f->ticket);
}

int fixture_register(struct fixture *f, const char *aor, const char *contact, const char *call_id,
                     uint32_t cseq)
{
    struct location_update update;
    update_init(&update, aor, call_id, cseq);
    update_add(&update, contact, 3600);
    return fixture_apply(f, &update, T0);
}

unsigned fixture_find(struct fixture *f, const char *aor, int64_t now_ms)
{
    assert_int_equal(
        location_find(f->location, slice_from_string(aor), now_ms, &f->arena, &f->bindings), 0);
    return f->bindings.count;
}

const struct binding *fixture_binding(const struct fixture *f, const char *contact)
{
    for (unsigned i = 0; i < f->bindings.count; i++) {
        if (slice_equal(f->bindings.items[i].contact, slice_from_string(contact)))
            return &f->bindings.items[i];
    }
    return NULL;
}

struct location_stats fixture_stats(struct fixture *f)
{
    struct location_stats stats;
    location_stats(f->location, &stats);
    return stats;
}
