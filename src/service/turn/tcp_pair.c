/* Data both ways between a client's data connection and a peer's (RFC 6062 sections 4.5, 5.4, 5.5).
 * A side that takes no more keeps the other from being read, and so from sending. */
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "service/turn/tcp_private.h"

static uint64_t hash_of(const struct turn_tcp_worker *worker, uint32_t id)
{
    return hash_mix(worker->turn->seed, id);
}

static bool is_pair(const struct table_node *node, const void *key)
{
    const uint32_t *id = key;
    return container_of_const(node, struct turn_tcp_pair, node)->id == *id;
}

/* The pair of a flow and the way of what comes from it; NULL: it is part of none any more. */
static struct turn_tcp_pair *pair_of(struct turn *turn, const struct flow *flow,
                                     enum turn_way *ret_way)
{
    struct turn_end *end = turn_end_find(turn->tcp, flow);
    if (end == NULL || end->role == TURN_END_PENDING)
        return NULL;
    if (end->role == TURN_END_CLIENT) {
        *ret_way = TURN_TO_PEER;
        return container_of(end, struct turn_tcp_pair, ends[TURN_TO_PEER]);
    }
    *ret_way = TURN_FROM_PEER;
    return container_of(end, struct turn_tcp_pair, ends[TURN_FROM_PEER]);
}

static const struct flow *flow_of(const struct turn_tcp_pair *pair, enum turn_way way)
{
    return &pair->ends[way].flow;
}

static enum turn_way opposite(enum turn_way way)
{
    return way == TURN_TO_PEER ? TURN_FROM_PEER : TURN_TO_PEER;
}

/* ---- Pausing ---- */

static void pause_end(struct turn_tcp_pair *pair, enum turn_way way, unsigned why)
{
    pair->paused[way] |= (uint8_t)why;
    stream_pause(pair->worker->turn->loop, flow_of(pair, way), true);
}

static void resume_end(struct turn_tcp_pair *pair, enum turn_way way, unsigned why)
{
    pair->paused[way] &= (uint8_t)~why;
    if (pair->paused[way] == 0)
        stream_pause(pair->worker->turn->loop, flow_of(pair, way), false);
}

static void await_quota(struct turn_tcp_pair *pair)
{
    struct loop *loop = pair->worker->turn->loop;
    uint64_t wait_ms = UINT64_MAX;
    for (unsigned way = 0; way < TURN_WAYS; way++) {
        if ((pair->paused[way] & TURN_PAUSED_QUOTA) == 0)
            continue;
        uint64_t its = turn_quota_wait(pair->quota, (enum turn_way)way, loop_now_ms(loop)) + 1;
        wait_ms = its < wait_ms ? its : wait_ms;
    }
    if (wait_ms != UINT64_MAX)
        wheel_start(loop_wheel(loop), &pair->timer, wait_ms);
}

/* ---- The end ---- */

static void pair_free(struct turn_tcp_pair *pair)
{
    struct turn_tcp_worker *worker = pair->worker;
    wheel_stop(loop_wheel(worker->turn->loop), &pair->timer);
    table_remove(&worker->pairs, &pair->node);
    turn_quota_drop(worker->turn->parts.quota, pair->quota);
    memory_free(pair);
}

/* The owner of the allocation hears of it; when its ring is full, a little later. */
static void tell_owner(struct turn_tcp_pair *pair)
{
    struct turn_tcp_worker *worker = pair->worker;
    struct loop *loop = worker->turn->loop;
    if (pair->owner == loop_worker(loop)) {
        turn_tcp_bound_over(worker, pair->id, pair->bytes);
        pair_free(pair);
    } else if (turn_tcp_tell_over(worker, pair) == 0) {
        pair_free(pair);
    } else {
        wheel_start(loop_wheel(loop), &pair->timer, TURN_TCP_RETRY_MS);
    }
}

/* Section 5.5: with one the other is closed, once it has been sent what is queued. */
static void end_pair(struct turn_tcp_pair *pair)
{
    struct turn_tcp_worker *worker = pair->worker;
    pair->over = true;
    for (unsigned way = 0; way < TURN_WAYS; way++) {
        turn_end_remove(worker, &pair->ends[way]);
        stream_close(worker->turn->loop, &pair->ends[way].flow, STREAM_CLOSED_BY_US);
    }
    tell_owner(pair);
}

void turn_tcp_pair_end(struct turn_tcp_worker *worker, uint32_t id)
{
    struct table_node *node = table_find(&worker->pairs, hash_of(worker, id), is_pair, &id);
    if (node == NULL)
        return;
    struct turn_tcp_pair *pair = container_of(node, struct turn_tcp_pair, node);
    if (pair->over)
        pair_free(pair); /* its owner knows by now */
    else
        end_pair(pair);
}

static void on_timer(struct timer *timer)
{
    struct turn_tcp_pair *pair = container_of(timer, struct turn_tcp_pair, timer);
    if (pair->over) {
        tell_owner(pair);
        return;
    }
    uint64_t now_ms = loop_now_ms(pair->worker->turn->loop);
    for (unsigned way = 0; way < TURN_WAYS; way++) {
        if ((pair->paused[way] & TURN_PAUSED_QUOTA) != 0 &&
            turn_quota_wait(pair->quota, (enum turn_way)way, now_ms) == 0)
            resume_end(pair, (enum turn_way)way, TURN_PAUSED_QUOTA);
    }
    await_quota(pair);
}

/* ---- Data ---- */

static long on_bytes(void *user, const struct flow *flow, struct slice buffered)
{
    struct turn *turn = user;
    enum turn_way way;
    struct turn_tcp_pair *pair = pair_of(turn, flow, &way);
    if (pair == NULL)
        return (long)buffered.len;
    const struct flow *other = flow_of(pair, opposite(way));
    if (!turn_quota_take(pair->quota, way, buffered.len, loop_now_ms(turn->loop))) {
        pause_end(pair, way, TURN_PAUSED_QUOTA);
        await_quota(pair);
        return 0;
    }
    int status = stream_send(turn->loop, other, buffered);
    if (status == ERR_LIMIT) {
        pause_end(pair, way, TURN_PAUSED_QUEUE);
        return 0;
    }
    if (stream_queued(turn->loop, other) > TURN_TCP_QUEUE)
        pause_end(pair, way, TURN_PAUSED_QUEUE);
    pair->bytes[way] += buffered.len;
    turn_count(turn, way == TURN_TO_PEER ? TURN_TO_PEERS_BYTES : TURN_FROM_PEERS_BYTES,
               (int64_t)buffered.len);
    return (long)buffered.len;
}

static void on_drained(void *user, const struct flow *flow)
{
    enum turn_way way;
    struct turn_tcp_pair *pair = pair_of(user, flow, &way);
    if (pair != NULL && (pair->paused[opposite(way)] & TURN_PAUSED_QUEUE) != 0)
        resume_end(pair, opposite(way), TURN_PAUSED_QUEUE);
}

static void on_close(void *user, const struct flow *flow, enum stream_reason reason)
{
    enum turn_way way;
    struct turn_tcp_pair *pair = pair_of(user, flow, &way);
    (void)reason;
    if (pair != NULL)
        end_pair(pair);
}

/* ---- The beginning ---- */

static struct stream_options options_of(struct turn *turn)
{
    return (struct stream_options){
        .transport = TRANSPORT_TCP,
        .limits = {.idle_ms = UINT32_MAX, .send_stall_ms = TURN_TCP_STALL_MS},
        .handler = {.on_bytes = on_bytes,
                    .on_close = on_close,
                    .on_drained = on_drained,
                    .user = turn},
    };
}

static struct turn_tcp_pair *pair_new(struct turn_tcp_worker *worker,
                                      const struct turn_tcp_join *join)
{
    struct turn_tcp_pair *pair = memory_zalloc(1, sizeof *pair);
    if (pair == NULL)
        return NULL;
    pair->worker = worker;
    pair->quota = join->quota;
    pair->id = join->id;
    pair->owner = join->owner;
    timer_init(&pair->timer, on_timer);
    table_add(&worker->pairs, &pair->node, hash_of(worker, join->id));
    return pair;
}

/* The answer goes first, and nothing is read before both are joined. */
static bool join_streams(struct turn_tcp_pair *pair, const struct turn_tcp_join *join,
                         struct slice answer)
{
    struct turn_tcp_worker *worker = pair->worker;
    struct turn *turn = worker->turn;
    struct stream_options options = options_of(turn);
    struct flow peer;
    if (stream_send(turn->loop, &join->client, answer) < 0 ||
        stream_hand_over(turn->loop, &join->client, &options.handler, &options.limits) < 0 ||
        stream_take(turn->loop, join->fd, &options, &peer) < 0)
        return false;
    turn_end_add(worker, &pair->ends[TURN_TO_PEER], &join->client, TURN_END_CLIENT);
    turn_end_add(worker, &pair->ends[TURN_FROM_PEER], &peer, TURN_END_PEER);
    stream_pause(turn->loop, &peer, false);
    stream_pause(turn->loop, &join->client, false);
    return true;
}

bool turn_tcp_pair_new(struct turn_tcp_worker *worker, const struct turn_tcp_join *join,
                       struct slice answer)
{
    struct turn *turn = worker->turn;
    struct turn_tcp_pair *pair = pair_new(worker, join);
    if (pair != NULL && join_streams(pair, join, answer))
        return true;
    (void)close(join->fd);
    stream_close(turn->loop, &join->client, STREAM_CLOSED_BY_US);
    struct turn_tcp_pair none = {.id = join->id, .owner = join->owner};
    if (pair == NULL) {
        turn_quota_drop(turn->parts.quota, join->quota);
        if (join->owner == loop_worker(turn->loop))
            turn_tcp_bound_over(worker, join->id, none.bytes);
        else
            (void)turn_tcp_tell_over(worker, &none);
        return false;
    }
    pair->over = true;
    tell_owner(pair);
    return false;
}
