#include "service/location/pace.h"

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned most(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static uint16_t within(const struct location_pace *pace, unsigned interval_s)
{
    return (uint16_t)most(pace->min_s, least(interval_s, pace->max_s));
}

bool pace_wants(const struct location_pace *pace, const struct binding *binding)
{
    const struct flow *flow = &binding->flow;
    bool stream = flow->transport == TRANSPORT_TCP || flow->transport == TRANSPORT_TLS;
    if (pace->mode == LOCATION_KEEP_OFF || binding->path.len > 0 ||
        (stream ? flow->connection == 0 : flow->transport != TRANSPORT_UDP))
        return false;
    /* Who registers a flow keeps it alive himself (RFC 5626 section 4.4). */
    return pace->mode == LOCATION_KEEP_ALL || (binding->behind_nat && binding->reg_id == 0);
}

/* Up to an eighth early: those that came together drift apart. */
static void arm(struct binding_keep *keep, unsigned after_s, int64_t now_s, uint64_t seed)
{
    keep->due_s = (uint32_t)(now_s + after_s - (int64_t)(seed % (after_s / 8 + 1)));
}

static void begin(const struct location_pace *pace, struct binding_keep *keep)
{
    *keep = (struct binding_keep){.interval_s = within(pace, pace->first_s)};
}

void pace_on_load(const struct location_pace *pace, struct binding *binding, int64_t now_s,
                  uint64_t seed)
{
    binding->keep = (struct binding_keep){0};
    if (!pace_wants(pace, binding))
        return;
    begin(pace, &binding->keep);
    binding->keep.due_s = (uint32_t)(now_s + 1 + (int64_t)(seed % binding->keep.interval_s));
}

/* What has been found gone after an interval at which it never lived. */
static void learn_loss(const struct location_pace *pace, struct binding_keep *keep)
{
    keep->goods = 0;
    if (keep->interval_s <= keep->lived_s)
        return;
    keep->died_s = keep->interval_s;
    keep->interval_s =
        within(pace, keep->lived_s > 0 ? keep->lived_s : (unsigned)keep->interval_s * 2 / 3);
}

static void learn_life(const struct location_pace *pace, struct binding_keep *keep)
{
    keep->lived_s = (uint16_t)most(keep->lived_s, keep->interval_s);
    if (keep->died_s != 0 && keep->died_s <= keep->lived_s)
        keep->died_s = 0;
    if (keep->goods < PACE_GOOD - 1) {
        keep->goods++;
        return;
    }
    keep->goods = 0;
    unsigned longer = within(pace, keep->interval_s + most(1, keep->interval_s / 4u));
    if (keep->died_s == 0 || longer < keep->died_s)
        keep->interval_s = (uint16_t)longer;
}

static void count_change(struct binding_keep *keep)
{
    keep->changes += keep->changes < UINT8_MAX;
}

/* A phone that goes on with its Call-ID has lived all the time. */
void pace_on_register(const struct location_pace *pace, const struct binding *before,
                      struct binding *binding, int64_t now_s, uint64_t seed)
{
    struct binding_keep *keep = &binding->keep;
    *keep = (struct binding_keep){0};
    if (!pace_wants(pace, binding))
        return;
    begin(pace, keep);
    if (before != NULL && before->keep.due_s != 0 &&
        before->flow.transport == binding->flow.transport &&
        slice_equal(before->call_id, binding->call_id)) {
        *keep = before->keep;
        if (!address_equal(&before->flow.remote, &binding->flow.remote))
            count_change(keep);
        /* The connection ended with a ping on its way. */
        if (flow_reliable(&before->flow) && before->flow.connection == 0 && keep->sent_s != 0)
            learn_loss(pace, keep);
        keep->interval_s = within(pace, keep->interval_s);
        keep->sent_s = 0;
        keep->missed = keep->tries = 0;
    }
    arm(keep, keep->interval_s, now_s, seed);
}

/* Connections tell by themselves when they are broken: the ping before this one has arrived. Who
 * has been heard of lately needs none. */
static enum pace_step stream_due(const struct location_pace *pace, struct binding *binding,
                                 int64_t now_s, uint64_t seed)
{
    struct binding_keep *keep = &binding->keep;
    int64_t seen_s = binding->seen_ms / 1000;
    bool fresh = keep->sent_s == 0 ? seen_s + keep->interval_s > now_s
                                   : seen_s > keep->sent_s + PACE_RETRY_S;
    if (keep->sent_s != 0)
        learn_life(pace, keep);
    keep->sent_s = 0;
    if (fresh) {
        int64_t since_s = now_s > seen_s ? now_s - seen_s : 0;
        arm(keep, since_s < keep->interval_s ? keep->interval_s - (unsigned)since_s : 1, now_s,
            seed);
        return PACE_WAIT;
    }
    keep->sent_s = (uint32_t)now_s;
    arm(keep, keep->interval_s, now_s, seed);
    return PACE_SEND;
}

/* A phone that never answers says nothing of its mapping, and is asked once only. */
static unsigned tries_of(const struct binding_keep *keep)
{
    return keep->answers || keep->missed < PACE_MISSED_GRAVE ? PACE_TRIES : 1;
}

static enum pace_step lose(const struct location_pace *pace, struct binding_keep *keep,
                           int64_t now_s, uint64_t seed)
{
    keep->sent_s = 0;
    keep->missed += keep->missed < UINT8_MAX;
    if (keep->answers && keep->missed == 1)
        learn_loss(pace, keep);
    keep->goods = 0;
    bool dead = keep->answers && keep->missed >= PACE_MISSED_GRAVE;
    arm(keep, dead ? pace->max_s : keep->interval_s, now_s, seed);
    return keep->answers && keep->missed == PACE_MISSED_GRAVE ? PACE_GRAVE : PACE_LOST;
}

enum pace_step pace_on_due(const struct location_pace *pace, struct binding *binding, int64_t now_s,
                           uint64_t seed)
{
    struct binding_keep *keep = &binding->keep;
    if (!pace_wants(pace, binding)) {
        keep->due_s = UINT32_MAX; /* the connection has ended, or the configuration has changed */
        return PACE_WAIT;
    }
    if (flow_reliable(&binding->flow))
        return stream_due(pace, binding, now_s, seed);
    bool again = keep->sent_s != 0;
    if (again && keep->tries >= tries_of(keep))
        return lose(pace, keep, now_s, seed);
    keep->tries = again ? (uint8_t)(keep->tries + 1) : 1;
    if (!again)
        keep->sent_s = (uint32_t)now_s;
    keep->due_s = (uint32_t)now_s + PACE_RETRY_S;
    return again ? PACE_AGAIN : PACE_SEND;
}

bool pace_on_answer(const struct location_pace *pace, struct binding *binding, int64_t now_s,
                    uint64_t seed)
{
    struct binding_keep *keep = &binding->keep;
    bool dead = keep->answers && keep->missed >= PACE_MISSED_GRAVE;
    /* After a loss the silence was another one than the interval. */
    if (keep->tries == 1 && keep->missed == 0)
        learn_life(pace, keep);
    keep->answers = true;
    keep->sent_s = 0;
    keep->missed = keep->tries = 0;
    arm(keep, keep->interval_s, now_s, seed);
    return dead;
}

void pace_on_move(const struct location_pace *pace, struct binding *binding, int64_t now_s,
                  uint64_t seed)
{
    struct binding_keep *keep = &binding->keep;
    if (keep->due_s == 0)
        return;
    count_change(keep);
    keep->sent_s = 0;
    keep->missed = keep->tries = 0;
    keep->interval_s = within(pace, keep->interval_s);
    arm(keep, keep->interval_s, now_s, seed);
}
