#include "service/location/journal.h"

#include "base/error.h"
#include "service/location/record.h"

#define THREADS_MAX 16

static void fill(struct store_binding *to, struct slice aor, struct slice key,
                 const struct binding *from)
{
    *to = (struct store_binding){.aor = aor,
                                 .key = key,
                                 .contact = from->contact,
                                 .call_id = from->call_id,
                                 .cseq = from->cseq,
                                 .q = from->q,
                                 .reg_id = from->reg_id,
                                 .expires_ms = from->expires_ms,
                                 .since_ms = from->since_ms,
                                 .updated_ms = from->updated_ms,
                                 .instance = from->instance,
                                 .path = from->path,
                                 .user_agent = from->user_agent,
                                 .params = from->params,
                                 .flow = from->flow,
                                 .behind_nat = from->behind_nat,
                                 .gruu = from->gruu};
}

static int64_t write_entries(void *user, struct slice aor,
                             const struct location_journal_entry *entries, unsigned count)
{
    struct store_binding bindings[LOCATION_RECORDS_MAX];
    struct store_change changes[LOCATION_RECORDS_MAX];
    for (unsigned i = 0; i < count; i++) {
        const struct location_journal_entry *entry = &entries[i];
        changes[i] = (struct store_change){.binding = entry->binding == NULL ? NULL : &bindings[i],
                                           .old_place = entry->old_place,
                                           .expired = entry->expired};
        if (entry->binding != NULL)
            fill(&bindings[i], aor, entry->key, entry->binding);
    }
    return store_bindings_write(user, changes, count);
}

struct location_journal location_journal_of(struct store *store)
{
    return (struct location_journal){write_entries, store};
}

/* One thread's share. */
struct restorer {
    struct location *location;
    int64_t now_ms;
    int64_t loaded;
    uint64_t left_out;
};

static int load(void *user, int64_t place, const struct store_binding *from)
{
    struct restorer *restorer = user;
    struct binding binding = {.contact = from->contact,
                              .params = from->params,
                              .call_id = from->call_id,
                              .cseq = from->cseq,
                              .q = from->q,
                              .reg_id = from->reg_id,
                              .instance = from->instance,
                              .path = from->path,
                              .user_agent = from->user_agent,
                              .expires_ms = from->expires_ms,
                              .since_ms = from->since_ms,
                              .updated_ms = from->updated_ms,
                              .seen_ms = from->updated_ms,
                              .flow = from->flow,
                              .behind_nat = from->behind_nat,
                              .gruu = from->gruu};
    int status =
        location_load(restorer->location, from->aor, from->key, &binding, place, restorer->now_ms);
    if (status == ERR_NO_MEMORY)
        return status;
    if (status < 0)
        restorer->left_out++;
    else
        restorer->loaded++;
    return 0;
}

int64_t location_restore(struct location *location, struct store *store, int64_t now_ms,
                         unsigned threads, uint64_t *ret_left_out)
{
    struct restorer restorers[THREADS_MAX];
    void *users[THREADS_MAX];
    threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        restorers[i] = (struct restorer){.location = location, .now_ms = now_ms};
        users[i] = &restorers[i];
    }
    int status = store_bindings_each(store, now_ms, threads, load, users);
    if (status < 0)
        return status;
    int64_t loaded = 0;
    uint64_t left_out = 0;
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        loaded += restorers[i].loaded;
        left_out += restorers[i].left_out;
    }
    *ret_left_out = left_out;
    return loaded;
}
