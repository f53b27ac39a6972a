/* How associations live and end, and what their user is told.
 *
 *   tentative --cookie--> open --assoc_shut--> closing --SHUTDOWN COMPLETE--> ended --on_close-->
 *   connecting --COOKIE ACK--> open ...
 *   any --assoc_fail (ABORT goes out), ABORT or silence of the peer--> ended --on_close--> gone */
#include "base/memory.h"
#include "loop/sctp_private.h"

/* ---- events ---- */

/* data: the library's malloc, ours from here on. When memory is out the message is lost, and the
 * association with it: SCTP promised to bring it. */
void assoc_push(struct assoc *assoc, int what, char *data, size_t length)
{
    struct assocs *assocs = assoc->owner;
    struct assoc_event *event = pool_get(&assocs->event_pool);
    if (event == NULL) {
        memory_free(data);
        assoc->broken = true;
        return;
    }
    event->assoc = assoc;
    event->what = what;
    event->data = data;
    event->length = length;
    list_append(&assocs->events, &event->node);
}

/* The peer began anew, and knows nothing of what was before. */
static void restart(struct assoc *assoc)
{
    const struct assoc_handler *handler = &assoc->path.listener->options.handler;
    struct flow old = assoc->flow;
    assoc->owner->counts[ASSOC_RESTARTS]++;
    assoc_far_closed(assoc);
    assoc_renew(assoc);
    if (handler->on_close != NULL)
        handler->on_close(handler->user, &old, STREAM_CLOSED_BY_PEER);
    if (handler->on_open != NULL)
        handler->on_open(handler->user, &assoc->flow, true);
}

static void tell(struct assoc_event *event)
{
    struct assoc *assoc = event->assoc;
    const struct assoc_handler *handler = &assoc->path.listener->options.handler;
    struct flow flow = assoc->flow;
    switch (event->what) {
    case ASSOC_EVENT_MESSAGE:
        assoc->active_ms = assocs_now(assoc->owner);
        assoc->owner->counts[ASSOC_MESSAGES_IN]++;
        if (handler->on_message(handler->user, &flow, slice_of(event->data, event->length)) < 0)
            assoc_fail(assoc, STREAM_BAD_INPUT);
        break;
    case ASSOC_EVENT_TOO_LONG: assoc_fail(assoc, STREAM_BAD_INPUT); break;
    case ASSOC_EVENT_OPEN:
        if (handler->on_open != NULL)
            handler->on_open(handler->user, &flow, assoc->accepted);
        break;
    case ASSOC_EVENT_RESTART: restart(assoc); break;
    }
}

static void reap(struct assoc *assoc)
{
    struct assocs *assocs = assoc->owner;
    const struct assoc_handler *handler = &assoc->path.listener->options.handler;
    struct flow flow = assoc->flow;
    enum stream_reason reason = (enum stream_reason)assoc->reason;
    assocs->counts[ASSOC_CLOSED]++;
    assoc_far_closed(assoc);
    assoc_destroy(assoc);
    if (handler->on_close != NULL)
        handler->on_close(handler->user, &flow, reason);
}

void assocs_deliver(struct assocs *assocs)
{
    if (assocs->delivering)
        return;
    assocs->delivering = true;
    while (!list_empty(&assocs->events) || !list_empty(&assocs->ended)) {
        if (list_empty(&assocs->events)) {
            reap(container_of(assocs->ended.next, struct assoc, ended));
            continue;
        }
        struct assoc_event *event = container_of(assocs->events.next, struct assoc_event, node);
        list_remove(&event->node);
        if (event->assoc->broken)
            assoc_fail(event->assoc, STREAM_IO_ERROR);
        else
            tell(event);
        memory_free(event->data);
        pool_put(&assocs->event_pool, event);
    }
    assocs->delivering = false;
}

void assoc_forget(struct assoc *assoc)
{
    struct assocs *assocs = assoc->owner;
    list_for_each_safe(node, &assocs->events)
    {
        struct assoc_event *event = container_of(node, struct assoc_event, node);
        if (event->assoc != assoc)
            continue;
        list_remove(&event->node);
        memory_free(event->data);
        pool_put(&assocs->event_pool, event);
    }
    assoc_far_closed(assoc);
    if (assoc->counted)
        assocs->counts[ASSOC_OPEN]--;
    assoc_destroy(assoc);
}

/* ---- states ---- */

void assoc_opened(struct assoc *assoc)
{
    struct assocs *assocs = assoc->owner;
    assoc->accepted = assoc->state == ASSOC_TENTATIVE;
    assocs->counts[assoc->accepted ? ASSOC_ACCEPTED : ASSOC_CONNECTED]++;
    assocs->counts[ASSOC_OPEN]++;
    assoc->counted = true;
    assoc->state = ASSOC_IS_OPEN;
    assoc->entered_ms = assoc->active_ms = assocs_now(assocs);
    if (assoc->accepted)
        (void)assoc_source_enter(assoc); /* without memory for it, it is not counted */
    assoc_name(assoc);
    assoc_push(assoc, ASSOC_EVENT_OPEN, NULL, 0);
    assoc_watch(assoc);
}

static void closing(struct assoc *assoc, enum stream_reason reason)
{
    assoc->state = ASSOC_CLOSING;
    assoc->reason = (uint8_t)reason;
    assoc->entered_ms = assocs_now(assoc->owner);
    assoc_unname(assoc);
    assoc_watch(assoc);
}

void assoc_peer_shuts(struct assoc *assoc)
{
    if (assoc->state == ASSOC_IS_OPEN)
        closing(assoc, STREAM_CLOSED_BY_PEER);
}

void assoc_shut(struct assoc *assoc, enum stream_reason reason)
{
    if (assoc->state == ASSOC_CONNECTING) {
        assoc_fail(assoc, reason);
    } else if (assoc->state == ASSOC_IS_OPEN) {
        closing(assoc, reason);
        assoc_stack_shut_down(assoc);
    }
}

void assoc_fail(struct assoc *assoc, enum stream_reason reason)
{
    if (assoc->state == ASSOC_ENDED)
        return;
    assoc_end(assoc, reason);
    assoc_stack_abort(assoc);
}

void assoc_end(struct assoc *assoc, enum stream_reason reason)
{
    struct assocs *assocs = assoc->owner;
    if (assoc->state == ASSOC_ENDED || assoc->state == ASSOC_TENTATIVE)
        return;
    /* What was being closed for another reason keeps that one. */
    if (assoc->state != ASSOC_CLOSING)
        assoc->reason = (uint8_t)(assoc->state == ASSOC_CONNECTING && reason == STREAM_IO_ERROR
                                      ? STREAM_CONNECT_FAILED
                                      : reason);
    assoc->state = ASSOC_ENDED;
    if (assoc->counted)
        assocs->counts[ASSOC_OPEN]--;
    assoc->counted = false;
    assoc_unname(assoc);
    assoc_unpath(assoc);
    wheel_stop(&assocs->loop->wheel, &assoc->timer);
    list_append(&assocs->ended, &assoc->ended);
}

/* ---- time-outs ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t deadline(const struct assoc *assoc)
{
    const struct assoc_limits *limits = &assoc->path.listener->options.limits;
    switch ((enum assoc_state)assoc->state) {
    case ASSOC_CONNECTING: return assoc->entered_ms + limits->connect_ms;
    case ASSOC_CLOSING: return assoc->entered_ms + limits->send_stall_ms;
    case ASSOC_IS_OPEN: break;
    default: return WHEEL_NEVER;
    }
    uint64_t due = assoc->active_ms + limits->idle_ms;
    return assoc->busy ? earlier(due, assoc->looked_ms + limits->send_stall_ms / 4) : due;
}

void assoc_watch(struct assoc *assoc)
{
    uint64_t now = assocs_now(assoc->owner), due = deadline(assoc);
    if (due == WHEEL_NEVER || (timer_running(&assoc->timer) && assoc->timer.due_ms <= due))
        return;
    wheel_start(&assoc->owner->loop->wheel, &assoc->timer, due > now ? due - now : 0);
}

/* Without any acknowledgement what waits grows by at least what was sent. A peer that closes its
 * window for good answers probes for ever, so the library alone would wait for ever. */
static bool is_stalled(struct assoc *assoc, uint64_t now)
{
    uint32_t waiting = assoc_stack_waiting(assoc);
    if (waiting < assoc->waiting + assoc->sent_since)
        assoc->progress_ms = now;
    assoc->busy = waiting > 0;
    assoc->waiting = waiting;
    assoc->sent_since = 0;
    assoc->looked_ms = now;
    return assoc->busy &&
           now - assoc->progress_ms >= assoc->path.listener->options.limits.send_stall_ms;
}

void assoc_on_timer(struct timer *timer)
{
    struct assoc *assoc = container_of(timer, struct assoc, timer);
    uint64_t now = assocs_now(assoc->owner);
    if (now < deadline(assoc)) {
        assoc_watch(assoc);
        return;
    }
    switch ((enum assoc_state)assoc->state) {
    case ASSOC_CONNECTING: assoc_fail(assoc, STREAM_CONNECT_FAILED); return;
    case ASSOC_CLOSING: assoc_fail(assoc, STREAM_SEND_STALLED); return;
    default: break;
    }
    if (now >= assoc->active_ms + assoc->path.listener->options.limits.idle_ms)
        assoc_shut(assoc, STREAM_IDLE);
    else if (assoc->busy && is_stalled(assoc, now))
        assoc_fail(assoc, STREAM_SEND_STALLED);
    else
        assoc_watch(assoc);
}
