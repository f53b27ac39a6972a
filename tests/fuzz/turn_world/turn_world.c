#include "fuzz/turn_world/turn_world.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/list.h"
#include "fuzz/check.h"
#include "loop/mesh.h"
#include "loop/stream.h"

#define WALL_MS UINT64_C(1800000000000)

struct loop {
    uint64_t now_ms;
    struct wheel wheel;
    struct random random;
    struct list holds; /* bound, not served */
    struct list ports;
    unsigned bound;
    void (*on_sent)(void *user, const struct address *from, const struct address *to,
                    struct slice data);
    void *user;
};

struct port_hold {
    struct list node;
    struct loop *loop;
    struct address local;
};

struct port {
    struct list node;
    struct loop *loop;
    struct address local;
    const struct port_handler *handler;
    void *user;
};

struct loop *turn_world_new(void (*on_sent)(void *user, const struct address *from,
                                            const struct address *to, struct slice data),
                            void *user)
{
    struct loop *loop = calloc(1, sizeof *loop);
    FUZZ_CHECK(loop != NULL);
    loop->now_ms = 1000;
    loop->on_sent = on_sent;
    loop->user = user;
    wheel_init(&loop->wheel, loop->now_ms);
    random_seed(&loop->random, 7);
    list_init(&loop->holds);
    list_init(&loop->ports);
    return loop;
}

void turn_world_free(struct loop *loop)
{
    FUZZ_CHECK(list_empty(&loop->holds) && list_empty(&loop->ports) && loop->wheel.count == 0);
    free(loop);
}

void turn_world_advance(struct loop *loop, uint64_t ms)
{
    uint64_t until_ms = loop->now_ms + ms;
    while (loop->now_ms < until_ms) {
        uint64_t next_ms = wheel_next(&loop->wheel);
        loop->now_ms = next_ms > loop->now_ms && next_ms < until_ms ? next_ms : until_ms;
        (void)wheel_advance(&loop->wheel, loop->now_ms);
    }
}

unsigned turn_world_bound(const struct loop *loop)
{
    return loop->bound;
}

static struct port *find(struct loop *loop, const struct address *at)
{
    list_for_each(node, &loop->ports)
    {
        struct port *port = container_of(node, struct port, node);
        if (address_equal(&port->local, at))
            return port;
    }
    return NULL;
}

bool turn_world_deliver(struct loop *loop, const struct address *to, const struct address *from,
                        struct slice data)
{
    struct port *port = find(loop, to);
    if (port == NULL || address_is_v6(from) != address_is_v6(to))
        return false;
    char *exact = malloc(PORT_HEADROOM + data.len + PORT_TAILROOM);
    FUZZ_CHECK(exact != NULL);
    if (data.len > 0)
        memcpy(exact + PORT_HEADROOM, data.ptr, data.len);
    port->handler->on_datagram(port->user, from, exact + PORT_HEADROOM, data.len);
    free(exact);
    return true;
}

bool turn_world_complain(struct loop *loop, const struct address *to,
                         const struct port_error *error)
{
    struct port *port = find(loop, to);
    if (port == NULL)
        return false;
    port->handler->on_error(port->user, error);
    return true;
}

/* ---- loop/loop.h ---- */

unsigned loop_worker(const struct loop *loop)
{
    (void)loop;
    return 0;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

int64_t loop_wall_ms(const struct loop *loop)
{
    return (int64_t)(WALL_MS + loop->now_ms);
}

struct wheel *loop_wheel(struct loop *loop)
{
    return &loop->wheel;
}

struct random *loop_random(struct loop *loop)
{
    return &loop->random;
}

struct log *loop_log(struct loop *loop)
{
    (void)loop;
    return NULL;
}

/* ---- loop/port.h ---- */

int port_hold(struct loop *loop, const struct address *local, struct port_hold **ret_hold)
{
    FUZZ_CHECK(address_port(local) != 0 && find(loop, local) == NULL);
    list_for_each(node, &loop->holds)
    {
        FUZZ_CHECK(!address_equal(&container_of(node, struct port_hold, node)->local, local));
    }
    if (random_below(&loop->random, 16) == 0)
        return ERR_EXISTS; /* another program has it */
    struct port_hold *hold = calloc(1, sizeof *hold);
    FUZZ_CHECK(hold != NULL);
    hold->loop = loop;
    hold->local = *local;
    list_append(&loop->holds, &hold->node);
    loop->bound++;
    *ret_hold = hold;
    return 0;
}

void port_hold_release(struct port_hold *hold)
{
    if (hold == NULL)
        return;
    list_remove(&hold->node);
    hold->loop->bound--;
    free(hold);
}

int port_open(struct loop *loop, struct port_hold *hold, const struct port_handler *handler,
              void *user, struct port **ret_port)
{
    if (random_below(&loop->random, 64) == 0)
        return ERR_NO_MEMORY;
    struct port *port = calloc(1, sizeof *port);
    FUZZ_CHECK(port != NULL);
    *port = (struct port){.loop = loop, .local = hold->local, .handler = handler, .user = user};
    list_append(&loop->ports, &port->node);
    list_remove(&hold->node);
    free(hold);
    *ret_port = port;
    return 0;
}

void port_close(struct port *port)
{
    if (port == NULL)
        return;
    list_remove(&port->node);
    port->loop->bound--;
    free(port);
}

int port_send(struct port *port, const struct address *remote, struct slice data, unsigned flags)
{
    (void)flags;
    FUZZ_CHECK(address_is_v6(remote) == address_is_v6(&port->local) && address_port(remote) != 0);
    if (random_below(&port->loop->random, 32) == 0)
        return ERR_LIMIT;
    if (random_below(&port->loop->random, 32) == 0) {
        port->loop->on_sent(port->loop->user, &port->local, remote, data);
        return 0;
    }
    port->loop->on_sent(port->loop->user, &port->local, remote, data);
    return 0;
}

int port_local_addresses(struct loop *loop, struct address *ret_addresses, unsigned max)
{
    (void)loop;
    return max > 0 && address_parse_host(SLICE("203.0.113.1"), 0, ret_addresses) == 0 ? 1 : 0;
}

/* ---- Connections and other workers: none ---- */

int stream_listen(struct loop *loop, const struct address *local,
                  const struct stream_options *options, struct stream_listener **ret_listener)
{
    (void)loop, (void)local, (void)options, (void)ret_listener;
    return ERR_UNSUPPORTED;
}

void stream_listener_close(struct stream_listener *listener)
{
    FUZZ_CHECK(listener == NULL);
}

int stream_connect(struct loop *loop, const struct address *remote,
                   const struct stream_options *options, struct flow *ret_flow)
{
    (void)loop, (void)remote, (void)options, (void)ret_flow;
    return ERR_UNSUPPORTED;
}

int stream_send(struct loop *loop, const struct flow *flow, struct slice data)
{
    (void)loop, (void)flow, (void)data;
    return ERR_CLOSED;
}

void stream_close(struct loop *loop, const struct flow *flow, enum stream_reason reason)
{
    (void)loop, (void)flow, (void)reason;
}

int stream_hand_over(struct loop *loop, const struct flow *flow,
                     const struct stream_handler *handler, const struct stream_limits *limits)
{
    (void)loop, (void)flow, (void)handler, (void)limits;
    return ERR_CLOSED;
}

void stream_pause(struct loop *loop, const struct flow *flow, bool paused)
{
    (void)loop, (void)flow, (void)paused;
}

size_t stream_queued(struct loop *loop, const struct flow *flow)
{
    (void)loop, (void)flow;
    return 0;
}

int stream_release(struct loop *loop, const struct flow *flow, int *ret_fd)
{
    (void)loop, (void)flow, (void)ret_fd;
    return ERR_CLOSED;
}

int stream_take(struct loop *loop, int fd, const struct stream_options *options,
                struct flow *ret_flow)
{
    (void)loop, (void)fd, (void)options, (void)ret_flow;
    return ERR_IO;
}

unsigned mesh_workers(const struct mesh *mesh)
{
    (void)mesh;
    return 1;
}

void mesh_on_mail(struct loop *loop, enum mail_kind kind, mail_fn *handler, void *user)
{
    (void)loop, (void)kind, (void)handler, (void)user;
}

int mesh_post(struct mesh *mesh, unsigned from, unsigned to, enum mail_kind kind,
              const struct slice *parts, size_t count)
{
    (void)mesh, (void)from, (void)to, (void)kind, (void)parts, (void)count;
    return ERR_LIMIT;
}
