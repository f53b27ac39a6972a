/* Overload: the share of new requests to refuse follows the backlog of the sockets, so that what is
 * taken is served in time and throughput stays near its maximum (RFC 6357 section 5: a queue-based
 * local control). */
#include "stack/endpoint_private.h"

/* Thousandths of a socket's receive buffer that may wait: below the first nothing is refused, at
 * the second all is. */
#define BACKLOG_LOW  100
#define BACKLOG_HIGH 500
#define RECHECK_MS   20

/* The end of the turn that it made updates the share. */
static void on_recheck(struct timer *timer)
{
    (void)timer;
}

void endpoint_overload_init(struct endpoint *endpoint)
{
    timer_init(&endpoint->overload_timer, on_recheck);
}

void endpoint_overload_update(struct endpoint *endpoint)
{
    unsigned backlog = 0;
    if (!endpoint->config->overload_control) {
        endpoint->overload_permille = 0;
        metric_set(&endpoint->metrics[ENDPOINT_OVERLOAD_PERMILLE], 0);
        return;
    }
    for (unsigned i = 0; i < endpoint->socket_count; i++) {
        if (endpoint->sockets[i].udp == NULL)
            continue;
        unsigned permille = udp_backlog_permille(endpoint->sockets[i].udp);
        backlog = permille > backlog ? permille : backlog;
    }
    unsigned wanted = 0;
    if (backlog >= BACKLOG_HIGH)
        wanted = 1000;
    else if (backlog > BACKLOG_LOW)
        wanted = (backlog - BACKLOG_LOW) * 1000 / (BACKLOG_HIGH - BACKLOG_LOW);
    /* Follows slowly, so that one full batch does not swing it. */
    endpoint->overload_permille = (endpoint->overload_permille * 7 + wanted + 7) / 8;
    if (wanted == 0 && endpoint->overload_permille < 8)
        endpoint->overload_permille = 0;
    if (endpoint->overload_permille > 0 && !timer_running(&endpoint->overload_timer))
        wheel_start(loop_wheel(endpoint->loop), &endpoint->overload_timer, RECHECK_MS);
    metric_set(&endpoint->metrics[ENDPOINT_OVERLOAD_PERMILLE],
               (int64_t)endpoint->overload_permille);
}

bool endpoint_overloaded(const struct endpoint *endpoint)
{
    return endpoint->overload_permille > 0;
}

/* Requests of a dialog that exists are let through: refusing a BYE frees nothing. */
static bool opens_something(const struct sip_message *request)
{
    return request->parts.to.tag.len == 0;
}

bool endpoint_overload_refuses(struct endpoint *endpoint, const struct sip_message *request)
{
    if (endpoint->overload_permille == 0 && !endpoint->draining)
        return false;
    if (!opens_something(request))
        return false;
    return endpoint->draining ||
           random_below(loop_random(endpoint->loop), 1000) < endpoint->overload_permille;
}
