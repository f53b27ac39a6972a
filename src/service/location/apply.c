/* An update from the plan to the table: everything that can fail comes first. */
#include <assert.h>
#include <malloc.h>

#include "base/error.h"
#include "service/location/internal.h"

/* Bytes of an old block that a smaller new one may leave unused. */
#define SLACK_MAX 64

uint32_t location_due_s(const struct location_record *records, unsigned count)
{
    int64_t first = UINT32_MAX;
    for (unsigned i = 0; i < count; i++) {
        const struct binding *b = &records[i].binding;
        int64_t expires = b->expires_ms / 1000 + (b->expires_ms % 1000 > 0);
        if (expires < first)
            first = expires;
        if (b->keep.due_s != 0 && b->keep.due_s < first)
            first = b->keep.due_s;
    }
    return (uint32_t)first;
}

int location_count_more(struct location *location, unsigned more)
{
    uint64_t before = atomic_fetch_add_explicit(&location->bindings, more, memory_order_relaxed);
    if (before + more <= atomic_load_explicit(&location->bindings_limit, memory_order_relaxed))
        return 0;
    location_count_less(location, more);
    return ERR_BUSY;
}

void location_count_less(struct location *location, unsigned less)
{
    atomic_fetch_sub_explicit(&location->bindings, less, memory_order_relaxed);
}

static bool is_new_stream(const struct location_plan *plan, unsigned i)
{
    return plan->notes[i].touched && plan->records[i].binding.flow.connection != 0;
}

static void unlink_streams(struct location *location, struct location_plan *plan, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct location_record *record = &plan->records[i];
        if (plan->notes[i].new_link)
            location_streams_remove(location->streams, &record->binding.flow, record->link);
    }
}

static int link_streams(struct location *location, struct location_plan *plan, uint64_t hash)
{
    for (unsigned i = 0; i < plan->live; i++) {
        struct location_record *record = &plan->records[i];
        if (!is_new_stream(plan, i) || record->link != 0)
            continue;
        int status =
            location_streams_add(location->streams, &record->binding.flow, hash, &record->link);
        if (status < 0) {
            unlink_streams(location, plan, i);
            return status;
        }
        plan->notes[i].new_link = true;
    }
    return 0;
}

/* The nodes of what has gone or come along another connection now. */
static void leave_streams(struct location *location, const struct location_plan *plan)
{
    for (unsigned i = 0; i < plan->count; i++) {
        const struct location_record *record = &plan->records[i];
        const struct location_planned *note = &plan->notes[i];
        if (note->old_link != 0)
            location_streams_remove(location->streams, &note->old_flow, note->old_link);
        if (i >= plan->live && record->link != 0)
            location_streams_remove(location->streams, &record->binding.flow, record->link);
    }
}

/* What has changed of records[i]. False when nothing has. */
static bool entry_of(const struct location_plan *plan, unsigned i,
                     struct location_journal_entry *ret)
{
    const struct location_record *record = &plan->records[i];
    enum location_fate fate = plan->notes[i].fate;
    bool stays = fate == FATE_ADDED || fate == FATE_REFRESHED;
    bool goes = (fate == FATE_REMOVED || fate == FATE_EXPIRED);
    if (!stays && !goes)
        return false;
    *ret = (struct location_journal_entry){.key = record->key,
                                           .binding = stays ? &record->binding : NULL,
                                           .old_place = record->place,
                                           .expired = fate == FATE_EXPIRED};
    return true;
}

/* Keeps the places of what was written in the packed block. Returns the ticket or an error. */
static int64_t write_journal(const struct location_work *work, struct location_plan *plan,
                             struct location_block *packed)
{
    const struct location *location = work->location;
    if (location->journal.write == NULL)
        return 0;
    struct location_journal_entry entries[LOCATION_RECORDS_MAX];
    size_t offsets[LOCATION_RECORDS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < plan->count; i++) {
        if (entry_of(plan, i, &entries[count]))
            offsets[count++] = plan->records[i].offset;
    }
    if (count == 0)
        return 0;
    int64_t ticket =
        location->journal.write(location->journal.user, work->update->aor, entries, count);
    for (unsigned i = 0; ticket > 0 && i < count; i++) {
        if (entries[i].binding != NULL)
            location_record_set_place(packed, offsets[i], ticket - (count - 1 - i));
    }
    if (work->undo != NULL) {
        work->undo->first = ticket - (count - 1);
        work->undo->last = ticket;
    }
    return ticket;
}

static void count_fates(struct location_shard *shard, const struct location_plan *plan)
{
    for (unsigned i = 0; i < plan->count; i++) {
        switch (plan->notes[i].fate) {
        case FATE_ADDED: shard->added++; break;
        case FATE_REFRESHED: shard->refreshed++; break;
        case FATE_REMOVED: shard->removed++; break;
        case FATE_EXPIRED: shard->expired++; break;
        case FATE_KEPT:
        case FATE_VOID: break;
        }
    }
}

static bool fits(struct location_block *old, size_t size)
{
    size_t room = old == NULL ? 0 : malloc_usable_size(old);
    return size <= room && room - size <= SLACK_MAX;
}

/* What has to be had before anything changes. */
struct supplies {
    struct location_block *packed; /* in the arena */
    struct location_block *fresh;  /* owned; NULL: the old block is written over */
    unsigned more;                 /* bindings counted towards the limit */
    bool linked;
};

/* Gives back what a failed update took. */
static void give_back(const struct location_work *work, struct location_plan *plan,
                      struct supplies *have)
{
    if (have->linked)
        unlink_streams(work->location, plan, plan->live);
    location_block_free(have->fresh);
    location_count_less(work->location, have->more);
}

/* Packs the new block and takes all memory that the change needs. */
static int prepare(const struct location_work *work, struct location_plan *plan,
                   struct location_block *old, struct supplies *have)
{
    struct location *location = work->location;
    struct slice aor = work->update->aor;
    unsigned before = old == NULL ? 0 : old->count;
    if (plan->live > before) {
        int status = location_count_more(location, plan->live - before);
        if (status < 0)
            return status;
        have->more = plan->live - before;
    }
    int status = link_streams(location, plan, work->hash);
    if (status < 0)
        return status;
    have->linked = true;
    for (unsigned i = 0; i < plan->live; i++) {
        struct location_record *record = &plan->records[i];
        if (plan->notes[i].touched && record->agent == AGENT_NONE)
            record->agent = location_agents_intern(location->agents, record->binding.user_agent);
    }
    size_t size = location_block_size(aor, plan->records, plan->live);
    have->packed = arena_alloc(work->arena, size);
    if (have->packed == NULL)
        return ERR_NO_MEMORY;
    location_block_write(have->packed, aor, plan->records, plan->live);
    assert(have->packed->size == size);
    if (fits(old, size))
        return 0;
    have->fresh = location_block_new(size);
    return have->fresh == NULL ? ERR_NO_MEMORY : 0;
}

static void commit(const struct location_work *work, struct location_slot *slot,
                   const struct location_plan *plan, struct supplies *have)
{
    struct location_shard *shard = work->shard;
    unsigned before = slot == NULL ? 0 : slot->block->count;
    uint32_t due_s = location_due_s(plan->records, plan->live);
    leave_streams(work->location, plan);
    count_fates(shard, plan);
    if (plan->live < before)
        location_count_less(work->location, before - plan->live);
    if (plan->live == 0) {
        if (slot != NULL)
            location_shard_remove(shard, slot);
        return;
    }
    if (have->fresh != NULL)
        memcpy(have->fresh, have->packed, have->packed->size);
    if (slot == NULL)
        location_shard_add(shard, (uint32_t)work->hash, have->fresh, due_s);
    else if (have->fresh != NULL)
        location_shard_replace(shard, slot, have->fresh, due_s);
    else
        location_shard_rewrite(shard, slot, have->packed, due_s);
}

/* The block is written over, so how the AOR was is copied. */
static int keep_before(const struct location_work *work, const struct location_block *old)
{
    if (work->undo == NULL)
        return 0;
    *work->undo = (struct location_undo){.aor = work->update->aor};
    return old == NULL ? 0
                       : arena_copy(work->arena, slice_of((const char *)old, old->size),
                                    &work->undo->before);
}

static int carry_out(const struct location_work *work, struct location_slot *slot,
                     struct location_plan *plan, const struct location_block **ret_packed,
                     int64_t *ret_ticket)
{
    struct location_block *old = slot == NULL ? NULL : slot->block;
    struct supplies have = {0};
    int status = keep_before(work, old);
    if (status == 0 && plan->live > 0) {
        status = prepare(work, plan, old, &have);
        if (status == 0 && slot == NULL)
            status = location_shard_reserve(work->shard, (uint32_t)work->hash);
    }
    int64_t ticket = status < 0 ? 0 : write_journal(work, plan, have.packed);
    if (status == 0 && ticket < 0)
        status = ticket == ERR_NO_MEMORY ? ERR_NO_MEMORY : ERR_BUSY;
    if (status < 0) {
        give_back(work, plan, &have);
        return status;
    }
    commit(work, slot, plan, &have);
    *ret_packed = have.packed;
    *ret_ticket = ticket;
    return 0;
}

static struct location_slot *slot_of(const struct location_work *work)
{
    return location_shard_find(work->shard, (uint32_t)work->hash, work->update->aor);
}

static struct location_rules rules_of(const struct location_work *work,
                                      const struct location_pace *pace)
{
    const struct location *location = work->location;
    return (struct location_rules){
        .agents = location->agents,
        .pace = pace,
        .limit = atomic_load_explicit(&location->contacts_per_aor, memory_order_relaxed),
        .seed = location_seed(work->hash, work->now_ms),
        .watch = location->silence_max_ms > 0 ? &location->key : NULL,
    };
}

int location_apply(const struct location_work *work, const struct location_block **ret_packed,
                   int64_t *ret_ticket)
{
    const struct location *location = work->location;
    struct location_slot *slot = slot_of(work);
    struct location_pace pace = location_pace_now(location);
    struct location_rules rules = rules_of(work, &pace);
    struct location_plan plan;
    int status = location_plan_make(&plan, slot == NULL ? NULL : slot->block, &rules, work->update,
                                    work->now_ms);
    return status < 0 ? status : carry_out(work, slot, &plan, ret_packed, ret_ticket);
}

int location_apply_undo(const struct location_work *work, const struct location_undo *undo)
{
    struct location_slot *slot = slot_of(work);
    struct location_plan plan;
    const struct location_block *packed;
    int64_t ticket;
    int status = location_plan_undo(&plan, slot == NULL ? NULL : slot->block,
                                    work->location->agents, undo, work->now_ms);
    return status <= 0 ? status : carry_out(work, slot, &plan, &packed, &ticket);
}

int location_apply_move(const struct location_work *work, struct location_slot *slot,
                        unsigned index, const struct flow *flow)
{
    struct location_pace pace = location_pace_now(work->location);
    struct location_rules rules = rules_of(work, &pace);
    struct location_plan plan;
    const struct location_block *packed;
    int64_t ticket;
    location_plan_move(&plan, slot->block, &rules, index, flow, work->now_ms);
    return carry_out(work, slot, &plan, &packed, &ticket);
}
