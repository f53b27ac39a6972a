#include "unit/loop/sctp_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int on_message(void *user, const struct flow *flow, struct slice data)
{
    struct end *end = user;
    end->messages++;
    end->flow = *flow;
    end->length = data.len;
    assert_true(data.len <= sizeof(end->last));
    memcpy(end->last, data.ptr, data.len);
    if (end->echo)
        assert_int_equal(assoc_send(end->loop, flow, data), 0);
    return 0;
}

static void on_open(void *user, const struct flow *flow, bool accepted)
{
    struct end *end = user;
    end->opened++;
    end->accepted += accepted;
    end->flow = *flow;
}

static void on_close(void *user, const struct flow *flow, enum stream_reason reason)
{
    struct end *end = user;
    end->closed++;
    end->closed_flow = *flow;
    end->reason = reason;
}

bool has_opened(void *user)
{
    return ((struct end *)user)->opened > 0;
}

bool has_closed(void *user)
{
    return ((struct end *)user)->closed > 0;
}

bool has_messages(void *user)
{
    struct end *end = user;
    return end->messages >= end->want;
}

void listen_at(struct end *end, struct loop *loop, const char *address)
{
    struct address local = address_of(address);
    end->loop = loop;
    end->want = 1;
    end->options.udp = !end->raw;
    end->options.handler = (struct assoc_handler){
        .on_message = on_message, .on_open = on_open, .on_close = on_close, .user = end};
    assert_int_equal(assoc_listen(loop, &local, &end->options, &end->listener), 0);
    end->local = assoc_listener_local(end->listener);
}

struct pair *new_pair(const struct assoc_limits *of_b, const char *host)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    char address[64];
    (void)snprintf(address, sizeof(address), "%s:0", host);
    pair->loop = new_loop();
    if (of_b != NULL)
        pair->b.options.limits = *of_b;
    pair->b.options.listener = 2;
    listen_at(&pair->b, pair->loop, address);
    pair->a.options.listener = 1;
    pair->a.options.remote_port = assoc_listener_udp_port(pair->b.listener);
    listen_at(&pair->a, pair->loop, address);
    return pair;
}

void free_pair(struct pair *pair)
{
    loop_free(pair->loop);
    free(pair);
}

struct flow connect_pair(struct pair *pair)
{
    struct flow flow;
    assert_int_equal(assoc_connect(pair->a.listener, &pair->b.local, &flow), 0);
    assert_true(run_until(pair->loop, has_opened, &pair->a, WAIT_MS));
    assert_true(run_until(pair->loop, has_opened, &pair->b, WAIT_MS));
    return flow;
}
