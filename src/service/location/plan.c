#include "service/location/plan.h"

#include "base/error.h"
#include "service/location/pace.h"
#include "service/location/streams.h"
#include "sip/message/uri.h"

static bool alive(const struct location_planned *note)
{
    return note->fate <= FATE_REFRESHED;
}

static void read_old(struct location_plan *plan, const struct location_block *old,
                     const struct location_agents *agents, int64_t now_ms)
{
    if (old == NULL)
        return;
    struct location_reader reader = location_reader_of(old, agents);
    while (location_reader_next(&reader, &plan->records[plan->count])) {
        bool expired = plan->records[plan->count].binding.expires_ms <= now_ms;
        struct location_planned *note = &plan->notes[plan->count++];
        note->fate = expired ? FATE_EXPIRED : FATE_KEPT;
        note->touched = note->new_link = false;
        note->old_link = 0;
    }
}

/* Section 10.3 steps 6 and 7: with the Call-ID of the binding the CSeq must be higher. */
static bool out_of_order(const struct location_record *record, const struct location_update *update)
{
    return slice_equal(record->binding.call_id, update->call_id) &&
           update->cseq <= record->binding.cseq;
}

/* The same request once more, seen by somebody who keeps no transactions? */
static bool repeats(const struct location_record *record, const struct location_update *update,
                    const struct location_change *change, int64_t now_ms)
{
    const struct binding *binding = &record->binding;
    return update->may_repeat && update->cseq == binding->cseq &&
           now_ms - binding->updated_ms <= LOCATION_REPEAT_MS &&
           binding->expires_ms - binding->updated_ms == (int64_t)change->expires_s * 1000 &&
           slice_equal(binding->contact, change->binding.contact);
}

static int remove_all(struct location_plan *plan, const struct location_update *update)
{
    for (unsigned i = 0; i < plan->count; i++) {
        if (plan->notes[i].fate == FATE_EXPIRED)
            continue;
        if (out_of_order(&plan->records[i], update))
            return ERR_CONFLICT;
        plan->notes[i].fate = FATE_REMOVED;
    }
    return 0;
}

/* Is the key not the contact's, but instance and reg-id? */
static bool keyed_by_instance(const struct binding *binding, struct slice key)
{
    return binding->instance.len > 0 && slice_starts_with(key, binding->instance);
}

/* The same private address behind another NAT, and no sign that it is the same phone. */
static bool other_phone(const struct binding *binding, const struct location_update *update)
{
    return binding->behind_nat && update->behind_nat &&
           !address_equal_host(&binding->flow.remote, &update->flow.remote) &&
           !slice_equal(binding->call_id, update->call_id);
}

/* The binding whose contact is the same by section 19.1.4, or plan->count. That relation is none
 * that a key could carry: sip:a@b equals both sip:a@b;x=1 and sip:a@b;x=2. */
static unsigned find_equal(const struct location_plan *plan, const struct location_update *update,
                           const struct location_change *change)
{
    struct sip_uri wanted, uri;
    if (keyed_by_instance(&change->binding, change->key) ||
        sip_uri_parse(change->binding.contact, &wanted) < 0)
        return plan->count;
    unsigned i = 0;
    for (; i < plan->count; i++) {
        const struct location_record *record = &plan->records[i];
        if (!keyed_by_instance(&record->binding, record->key) &&
            !other_phone(&record->binding, update) &&
            sip_uri_parse(record->binding.contact, &uri) == 0 && sip_uri_equal(&uri, &wanted))
            break;
    }
    return i;
}

static unsigned find(const struct location_plan *plan, const struct location_update *update,
                     const struct location_change *change)
{
    for (unsigned i = 0; i < plan->count; i++) {
        if (slice_equal(plan->records[i].key, change->key))
            return i;
    }
    return find_equal(plan, update, change);
}

static bool same_instance(const struct location_plan *plan, unsigned i, struct slice instance)
{
    return alive(&plan->notes[i]) && slice_equal(plan->records[i].binding.instance, instance);
}

/* RFC 5627 section 5.1: a binding of an instance lasts as long as any of its bindings, but begins
 * anew when the Call-ID of its flow (without reg-id: of the newest one) changes. */
static int64_t instance_since_ms(const struct location_plan *plan,
                                 const struct location_update *update,
                                 const struct location_change *change, int64_t now_ms)
{
    const struct binding *before = NULL;
    int64_t since_ms = INT64_MIN;
    for (unsigned i = 0; i < plan->count; i++) {
        const struct binding *b = &plan->records[i].binding;
        if (!same_instance(plan, i, change->binding.instance))
            continue;
        since_ms = b->since_ms > since_ms ? b->since_ms : since_ms;
        bool same_flow = change->binding.reg_id == 0 || b->reg_id == change->binding.reg_id;
        if (same_flow && (before == NULL || b->updated_ms > before->updated_ms))
            before = b;
    }
    bool renewed = before != NULL && !slice_equal(before->call_id, update->call_id);
    return since_ms == INT64_MIN || renewed ? now_ms : since_ms;
}

/* All bindings of an instance say the same: those that stay as they are take over the newest. */
static void agree_on_instances(struct location_plan *plan)
{
    for (unsigned i = 0; i < plan->count; i++) {
        const struct binding *b = &plan->records[i].binding;
        if (!plan->notes[i].touched || !alive(&plan->notes[i]) || b->instance.len == 0)
            continue;
        for (unsigned k = 0; k < plan->count; k++) {
            if (!same_instance(plan, k, b->instance) ||
                plan->records[k].binding.since_ms >= b->since_ms)
                continue;
            plan->records[k].binding.since_ms = b->since_ms;
            if (plan->notes[k].fate == FATE_KEPT)
                plan->notes[k].fate = FATE_REFRESHED;
        }
    }
}

/* What all steps of one update go by. */
struct making {
    const struct location_rules *rules;
    const struct location_update *update;
    int64_t now_ms;
};

/* The binding comes along another connection now. */
static void leave_link(struct location_record *record, struct location_planned *note,
                       const struct flow *flow)
{
    if (record->link == 0 || location_streams_same(&record->binding.flow, flow))
        return;
    note->old_link = record->link;
    note->old_flow = record->binding.flow;
    record->link = 0;
}

/* The flow as a record keeps it. */
static struct flow kept_flow(const struct location_rules *rules, const struct flow *flow,
                             uint32_t reg_id, struct slice path)
{
    bool watched =
        rules->watch != NULL && flow->transport == TRANSPORT_UDP && reg_id != 0 && path.len == 0;
    return watched ? location_streams_number(rules->watch, flow) : *flow;
}

/* Writes what the update says into records[i]. */
static void set(struct location_plan *plan, unsigned i, const struct making *making,
                const struct location_change *change)
{
    const struct location_update *update = making->update;
    int64_t now_ms = making->now_ms;
    struct location_record *record = &plan->records[i];
    struct location_planned *note = &plan->notes[i];
    const struct binding *wanted = &change->binding;
    int64_t since_ms = note->fate == FATE_EXPIRED ? now_ms : record->binding.since_ms;
    if (wanted->instance.len > 0)
        since_ms = instance_since_ms(plan, update, change, now_ms);
    const struct binding before = record->binding;
    const struct flow flow = kept_flow(making->rules, &update->flow, wanted->reg_id, update->path);
    leave_link(record, note, &flow);
    record->key = change->key;
    record->agent = AGENT_NONE;
    record->binding = (struct binding){.contact = wanted->contact,
                                       .params = wanted->params,
                                       .call_id = update->call_id,
                                       .cseq = update->cseq,
                                       .q = wanted->q,
                                       .reg_id = wanted->reg_id,
                                       .instance = wanted->instance,
                                       .path = update->path,
                                       .user_agent = update->user_agent,
                                       .expires_ms = now_ms + (int64_t)change->expires_s * 1000,
                                       .since_ms = since_ms,
                                       .updated_ms = now_ms,
                                       .seen_ms = now_ms,
                                       .flow = flow,
                                       .behind_nat = update->behind_nat,
                                       .gruu = wanted->gruu};
    pace_on_register(making->rules->pace, note->fate == FATE_EXPIRED ? NULL : &before,
                     &record->binding, now_ms / 1000, making->rules->seed);
    note->touched = true;
}

static int add(struct location_plan *plan, const struct making *making,
               const struct location_change *change)
{
    if (change->expires_s == 0)
        return 0;
    if (plan->count == LOCATION_RECORDS_MAX)
        return ERR_LIMIT;
    unsigned i = plan->count++;
    plan->records[i] = (struct location_record){.binding.since_ms = making->now_ms};
    plan->notes[i] = (struct location_planned){.fate = FATE_VOID};
    set(plan, i, making, change);
    plan->notes[i].fate = FATE_ADDED;
    return location_record_check(&plan->records[i]);
}

/* Section 10.3 step 7, one contact address. */
static int change_one(struct location_plan *plan, const struct making *making,
                      const struct location_change *change)
{
    const struct location_update *update = making->update;
    int64_t now_ms = making->now_ms;
    unsigned i = find(plan, update, change);
    if (i == plan->count)
        return add(plan, making, change);
    struct location_planned *note = &plan->notes[i];
    /* A contact that stands twice in one request is no request out of order: the last one counts.
     */
    if (note->fate == FATE_KEPT && !note->touched && out_of_order(&plan->records[i], update))
        return repeats(&plan->records[i], update, change, now_ms) ? 0 : ERR_CONFLICT;
    bool is_new = note->fate == FATE_ADDED || note->fate == FATE_VOID;
    if (change->expires_s == 0) {
        if (note->fate != FATE_EXPIRED)
            note->fate = is_new ? FATE_VOID : FATE_REMOVED;
        note->touched = true;
        return 0;
    }
    set(plan, i, making, change);
    note->fate = is_new ? FATE_ADDED : FATE_REFRESHED;
    return location_record_check(&plan->records[i]);
}

static void swap(struct location_plan *plan, unsigned a, unsigned b)
{
    struct location_record record = plan->records[a];
    plan->records[a] = plan->records[b];
    plan->records[b] = record;
    struct location_planned note = plan->notes[a];
    plan->notes[a] = plan->notes[b];
    plan->notes[b] = note;
}

/* Those that stay come first, in their order. */
static void partition(struct location_plan *plan)
{
    for (unsigned i = 0; i < plan->count; i++) {
        if (!alive(&plan->notes[i]))
            continue;
        if (i != plan->live)
            swap(plan, i, plan->live);
        plan->live++;
    }
}

int location_plan_make(struct location_plan *plan, const struct location_block *old,
                       const struct location_rules *rules, const struct location_update *update,
                       int64_t now_ms)
{
    const struct making making = {rules, update, now_ms};
    plan->live = plan->count = 0;
    read_old(plan, old, rules->agents, now_ms);
    unsigned old_live = 0;
    for (unsigned i = 0; i < plan->count; i++)
        old_live += alive(&plan->notes[i]);
    int status = 0;
    if (update->remove_all)
        status = remove_all(plan, update);
    for (unsigned c = 0; c < update->count && status == 0; c++)
        status = change_one(plan, &making, &update->changes[c]);
    if (status < 0)
        return status;
    agree_on_instances(plan);
    partition(plan);
    /* An AOR that has more than a lowered limit may refresh what it has. */
    return plan->live > rules->limit && plan->live > old_live ? ERR_LIMIT : 0;
}

/* ---- Taking back ---- */

static bool wrote(const struct location_undo *undo, const struct location_record *record)
{
    return record->place >= undo->first && record->place <= undo->last;
}

static unsigned find_key(const struct location_record *records, unsigned count, struct slice key)
{
    unsigned i = 0;
    while (i < count && !slice_equal(records[i].key, key))
        i++;
    return i;
}

/* The binding of records[i] becomes what it was; place and node of the connection stay. */
static void revert(struct location_plan *plan, unsigned i, const struct location_record *was)
{
    struct location_record *record = &plan->records[i];
    struct location_planned *note = &plan->notes[i];
    bool same_flow =
        record->link != 0 && location_streams_same(&record->binding.flow, &was->binding.flow);
    leave_link(record, note, &was->binding.flow);
    record->binding = was->binding;
    record->key = was->key;
    record->agent = was->agent;
    if (!same_flow)
        record->binding.flow.connection = 0;
    note->fate = FATE_REFRESHED;
}

/* What the update removed comes back, along no connection. */
static bool bring_back(struct location_plan *plan, const struct location_record *was)
{
    if (plan->count == LOCATION_RECORDS_MAX)
        return false;
    unsigned i = plan->count++;
    plan->records[i] = *was;
    plan->records[i].link = 0;
    plan->records[i].place = 0;
    plan->records[i].binding.flow.connection = 0;
    plan->notes[i] = (struct location_planned){.fate = FATE_ADDED};
    return true;
}

int location_plan_undo(struct location_plan *plan, const struct location_block *old,
                       const struct location_agents *agents, const struct location_undo *undo,
                       int64_t now_ms)
{
    struct location_record was;
    struct location_reader reader = {0};
    int changes = 0;
    plan->live = plan->count = 0;
    read_old(plan, old, agents, now_ms);
    unsigned present = plan->count;
    for (unsigned i = 0; i < present; i++) {
        if (!wrote(undo, &plan->records[i]))
            continue;
        plan->notes[i].fate = FATE_REMOVED;
        changes++;
    }
    if (undo->before.len > 0)
        reader = location_reader_of((const void *)undo->before.ptr, agents);
    while (location_reader_next(&reader, &was)) {
        unsigned i = find_key(plan->records, present, was.key);
        if (i < present && plan->notes[i].fate == FATE_REMOVED) {
            revert(plan, i, &was);
        } else if (i == present && was.binding.expires_ms > now_ms) {
            if (!bring_back(plan, &was))
                return ERR_LIMIT;
            changes++;
        }
    }
    partition(plan);
    return changes;
}

/* ---- Moving ---- */

void location_plan_move(struct location_plan *plan, const struct location_block *old,
                        const struct location_rules *rules, unsigned index, const struct flow *flow,
                        int64_t now_ms)
{
    plan->live = plan->count = 0;
    read_old(plan, old, rules->agents, now_ms);
    struct location_record *record = &plan->records[index];
    const struct binding *binding = &record->binding;
    const struct flow kept = kept_flow(rules, flow, binding->reg_id, binding->path);
    leave_link(record, &plan->notes[index], &kept);
    record->binding.flow = kept;
    record->binding.seen_ms = now_ms;
    pace_on_move(rules->pace, &record->binding, now_ms / 1000, rules->seed);
    plan->notes[index].fate = FATE_REFRESHED;
    plan->notes[index].touched = true;
    partition(plan);
}
