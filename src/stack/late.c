/* Responses whose connection has gone (RFC 3261 section 18.2.2, RFC 3263 section 5): over a new one
 * to where the request came from, at the port in Via; where that cannot be made, to the servers
 * that Via names. Only connections lead there: whoever gets such a response has accepted one. */
#include "base/error.h"
#include "base/memory.h"
#include "stack/endpoint_private.h"
#include "stack/resolver.h"

#define LATE_MAX     1000 /* at a time, per worker */
#define LATE_URI_MAX 320

struct late {
    struct list link; /* in endpoint->late */
    struct endpoint *endpoint;
    struct resolver_plan *plan; /* once Via is asked */
    bool asked;
    uint8_t transport;
    struct flow flow; /* the present try */
    struct timer timer;
    char uri[LATE_URI_MAX]; /* of Via */
    size_t uri_len;
    size_t len;
    char bytes[];
};

static void forget(struct late *late)
{
    struct endpoint *endpoint = late->endpoint;
    resolver_forget(late->plan);
    wheel_stop(loop_wheel(endpoint->loop), &late->timer);
    list_remove(&late->link);
    endpoint->late_count--;
    memory_free(late);
}

/* Either it has gone long since, or nobody waits for it any more. */
static void on_timer(struct timer *timer)
{
    forget(container_of(timer, struct late, timer));
}

static int try_target(struct late *late, const struct endpoint_target *target)
{
    int status = endpoint_flow(late->endpoint, target, &late->flow);
    return status < 0
               ? status
               : endpoint_send(late->endpoint, &late->flow, slice_of(late->bytes, late->len));
}

/* 0: under way, or waiting for DNS. */
static int try_others(struct late *late)
{
    struct endpoint_target target;
    int status = ERR_NOT_FOUND;
    while (late->plan != NULL && (status = resolver_next(late->plan, &target)) == 1) {
        if (try_target(late, &target) == 0)
            return 0;
    }
    return status;
}

static void on_plan(void *user)
{
    struct late *late = user;
    if (try_others(late) < 0)
        forget(late);
}

/* Section 5: a numeric sent-by as it is; a name with a port by its addresses, one without by SRV.
 */
static int try_via(struct late *late)
{
    struct endpoint_target target;
    struct sip_uri uri;
    late->asked = true;
    if (sip_uri_parse(slice_of(late->uri, late->uri_len), &uri) < 0)
        return ERR_INVALID;
    struct resolver_ask ask = {.uri = &uri,
                               .seed = random_u64(loop_random(late->endpoint->loop)),
                               .done = on_plan,
                               .user = late};
    int status = resolver_locate(late->endpoint->resolver, &ask, &target, &late->plan);
    if (status == 1)
        status = try_target(late, &target) == 0 ? 0 : try_others(late);
    return status;
}

static int read_via(struct late *late, const struct sip_via *via)
{
    struct writer w;
    writer_init(&w, late->uri, sizeof late->uri);
    writer_literal(&w, "sip:");
    writer_put(&w, via->host);
    if (via->port != 0)
        writer_format(&w, ":%u", via->port);
    writer_literal(&w, ";transport=");
    writer_put(&w, transport_uri_name((enum transport)late->transport));
    late->uri_len = writer_length(&w);
    return writer_status(&w);
}

static struct late *late_new(struct endpoint *endpoint, const struct flow *flow,
                             const struct sip_via *via, struct slice response)
{
    if (endpoint->late_count >= LATE_MAX)
        return NULL;
    struct late *late = memory_alloc(sizeof *late + response.len);
    if (late == NULL)
        return NULL;
    *late = (struct late){
        .endpoint = endpoint, .transport = flow->transport, .flow = *flow, .len = response.len};
    memcpy(late->bytes, response.ptr, response.len);
    timer_init(&late->timer, on_timer);
    list_append(&endpoint->late, &late->link);
    endpoint->late_count++;
    if (read_via(late, via) < 0) {
        forget(late);
        return NULL;
    }
    wheel_start(loop_wheel(endpoint->loop), &late->timer,
                (uint64_t)64 * endpoint->config->times.t1_ms);
    return late;
}

int endpoint_late_send(struct endpoint *endpoint, const struct flow *flow, struct slice response)
{
    struct sip_message *msg = &endpoint->sent;
    struct sip_fault fault;
    struct sip_via via;
    struct sip_values values;
    struct slice top;
    if (sip_message_parse(response, &endpoint->config->limits, msg, &fault) < 0)
        return ERR_INVALID;
    sip_values_init(&values, msg, SIP_HEADER_VIA);
    if (!sip_values_next(&values, &top) || sip_via_parse(top, &via) < 0)
        return ERR_INVALID;
    struct late *late = late_new(endpoint, flow, &via, response);
    if (late == NULL)
        return ERR_LIMIT;
    struct endpoint_target target = {
        .transport = flow->transport, .address = flow->remote, .server = via.host};
    address_set_port(&target.address,
                     via.port ? via.port : transport_default_port((enum transport)flow->transport));
    int status = try_target(late, &target);
    if (status < 0)
        status = try_via(late);
    if (status < 0)
        forget(late);
    return status;
}

static bool same_connection(const struct flow *a, const struct flow *b)
{
    return a->transport == b->transport && a->worker == b->worker &&
           a->connection == b->connection && a->generation == b->generation;
}

void endpoint_late_on_close(struct endpoint *endpoint, const struct flow *flow, bool opened)
{
    list_for_each_safe(link, &endpoint->late)
    {
        struct late *late = container_of(link, struct late, link);
        if (!same_connection(&late->flow, flow))
            continue;
        if (opened || (late->asked ? try_others(late) : try_via(late)) < 0)
            forget(late);
    }
}

void endpoint_late_done(struct endpoint *endpoint)
{
    list_for_each_safe(link, &endpoint->late) forget(container_of(link, struct late, link));
}
