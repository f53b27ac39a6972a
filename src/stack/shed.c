/* Which requests an endpoint refuses when it is overloaded, and how it does so cheaply. */
#include "loop/steer.h"
#include "sip/message/glance.h"
#include "stack/endpoint_private.h"

#define SIFT_MS 100 /* a filter stays for so long */

/* The end of the turn that it made updates the shares. */
static void on_recheck(struct timer *timer)
{
    (void)timer;
}

/* Characters that hex and numbers have not: what others write hardly ever looks like it. */
static void make_mark(struct endpoint *endpoint)
{
    static const char letters[] = "ghijkmnpqrstuvwxyzGHJKLMNPQRSTUVWXYZ";
    char *mark = endpoint->sifting.mark;
    for (unsigned i = 0; i < SIFT_MARK; i++)
        mark[i] = letters[random_below(loop_random(endpoint->loop), sizeof(letters) - 1)];
}

void endpoint_shed_init(struct endpoint *endpoint)
{
    make_mark(endpoint);
    overload_init(&endpoint->overload);
    timer_init(&endpoint->overload_timer, on_recheck);
}

/* While calls are refused nobody needs to read the ACKs of those refusals. And once there are more
 * INVITEs than can even be refused, the rest of them is dropped: their senders try again. */
static void sift(struct endpoint *endpoint)
{
    struct endpoint_sifting *s = &endpoint->sifting;
    bool on = overload_active(&endpoint->overload);
    uint64_t now_ms = loop_now_ms(endpoint->loop);
    uint32_t share = overload_unread(&endpoint->overload);
    uint32_t read = OVERLOAD_ALL - share, before = OVERLOAD_ALL - s->share;
    bool moved = share != s->share && (share == 0 || s->share == 0 || read > before + before / 16 ||
                                       read < before - before / 16);
    if (on == s->on && (!on || !moved || now_ms < s->until_ms))
        return;
    struct sift sift = {.marked = "ACK ", .mark = s->mark, .thinned = "INVI", .share = share};
    for (unsigned i = 0; i < endpoint->socket_count; i++) {
        if (endpoint->sockets[i].udp != NULL)
            udp_sift(endpoint->sockets[i].udp, on ? &sift : NULL);
    }
    s->on = on;
    s->share = on ? share : 0;
    s->until_ms = now_ms + SIFT_MS;
}

static struct overload_load load_of(struct endpoint *endpoint)
{
    uint64_t messages = (uint64_t)metric_get(&endpoint->metrics[ENDPOINT_REQUESTS]) +
                        (uint64_t)metric_get(&endpoint->metrics[ENDPOINT_RESPONSES]);
    struct overload_load load = {.now_us = loop_now_us(endpoint->loop),
                                 .turn_us = loop_turn_us(endpoint->loop),
                                 .messages = (unsigned)(messages - endpoint->sifting.messages),
                                 .refused = endpoint->sifting.refused};
    endpoint->sifting.refused = 0;
    endpoint->sifting.messages = messages;
    for (unsigned i = 0; i < endpoint->socket_count; i++) {
        unsigned fresh, waiting, room = 0;
        if (endpoint->sockets[i].udp == NULL)
            continue;
        waiting = udp_waiting(endpoint->sockets[i].udp, &fresh, &room);
        load.fresh += fresh;
        if (waiting > load.waiting) {
            load.waiting = waiting;
            load.room = room;
        }
    }
    return load;
}

void endpoint_shed_update(struct endpoint *endpoint)
{
    struct overload *overload = &endpoint->overload;
    if (endpoint->config->overload_control) {
        struct overload_load load = load_of(endpoint);
        overload_turn(overload, &load);
    } else if (overload_active(overload)) {
        overload_init(overload);
    }
    sift(endpoint);
    if (overload_active(overload) && !timer_running(&endpoint->overload_timer))
        wheel_start(loop_wheel(endpoint->loop), &endpoint->overload_timer,
                    OVERLOAD_INTERVAL_US / 1000);
    metric_set(&endpoint->metrics[ENDPOINT_OVERLOAD_PERMILLE],
               (int64_t)overload_permille(overload));
}

bool endpoint_overloaded(const struct endpoint *endpoint)
{
    return overload_permille(&endpoint->overload) > 0;
}

static enum overload_class class_of(const struct sip_message *request)
{
    if (request->method != SIP_REGISTER)
        return OVERLOAD_CALLS;
    return sip_message_first(request, SIP_HEADER_AUTHORIZATION) != NULL ? OVERLOAD_CREDENTIALS
                                                                        : OVERLOAD_REGISTERS;
}

static bool refuses(const struct endpoint *endpoint, const struct sip_message *request)
{
    struct slice call_id = sip_message_value(request, SIP_HEADER_CALL_ID);
    return overload_refuses(&endpoint->overload, class_of(request),
                            hash_slice(&endpoint->tag_key, call_id));
}

/* Requests of a dialog that exists are let through: refusing a BYE frees nothing. */
static bool opens_something(const struct sip_message *request)
{
    return request->parts.to.tag.len == 0;
}

bool endpoint_sheds(const struct endpoint *endpoint, const struct sip_message *request)
{
    if (!endpoint->draining && !overload_active(&endpoint->overload))
        return false;
    return opens_something(request) && (endpoint->draining || refuses(endpoint, request));
}

static bool is_ours(const struct endpoint *endpoint, const struct sip_message *request)
{
    return endpoint->workers == 1 || steer_worker(sip_message_value(request, SIP_HEADER_CALL_ID),
                                                  endpoint->workers) == loop_worker(endpoint->loop);
}

/* A retransmission of what was let in finds its transaction, whatever the share is now. */
static bool shed_invite(struct endpoint *endpoint, const struct flow *flow)
{
    struct sip_message *msg = &endpoint->message;
    struct endpoint_request request;
    if (!refuses(endpoint, msg) || !sip_message_glance_parts(msg) || !opens_something(msg))
        return false;
    sip_transactions_expect(&endpoint->transactions, msg);
    endpoint_request_init_brief(endpoint, msg, flow, &request);
    /* Written before it is known to be wanted: meanwhile the table's memory comes into the caches.
     */
    struct slice busy = endpoint_write_busy(&request);
    if (sip_transactions_know(&endpoint->transactions, msg))
        return false;
    loop_order(endpoint->loop, endpoint_order_of(msg));
    endpoint_send_busy(&request, busy);
    return true;
}

bool endpoint_shed_early(struct endpoint *endpoint, const struct flow *flow, struct slice data)
{
    struct sip_message *msg = &endpoint->message;
    if (!overload_active(&endpoint->overload) || !sip_message_glance(data, msg) ||
        !is_ours(endpoint, msg))
        return false;
    bool done = msg->method == SIP_ACK ? endpoint_acknowledges_busy(endpoint, msg)
                                       : shed_invite(endpoint, flow);
    if (done)
        endpoint_count(endpoint, ENDPOINT_REQUESTS);
    return done;
}
