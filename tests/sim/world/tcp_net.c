#include "sim/world/tcp_net.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "sim/world/udp_net.h"

#define WINDOW       65536u
#define SEGMENT      1400u
#define RETRY_US     200000u          /* what was lost is sent again after that */
#define RETRY_MAX_US (8 * SIM_SECOND) /* the wait doubles up to that */
#define GIVE_UP_US   (30 * SIM_SECOND)

enum segment_kind { SYN, SYN_ACK, DATA, FIN, RST };

struct segment {
    struct list node;
    uint64_t due_us;
    enum segment_kind kind;
    size_t len;
    char bytes[];
};

static struct sim_tcp_side *other(struct sim_tcp_side *side)
{
    return &side->tcp->sides[side == &side->tcp->sides[0] ? 1 : 0];
}

/* ---- ways ---- */

static void forget_segments(struct sim_tcp_side *side)
{
    struct sim_tcp_way *way = &side->way;
    list_for_each_safe(node, &way->segments)
    {
        list_remove(node);
        free(container_of(node, struct segment, node));
    }
    sim_event_cancel(&side->tcp->world->events, &way->arrival);
    way->stuck_since_us = 0;
    side->unacked = 0;
}

static void await_first(struct sim_tcp_side *side)
{
    struct sim_tcp_way *way = &side->way;
    if (list_empty(&way->segments) || sim_event_queued(&way->arrival))
        return;
    struct segment *first = container_of(way->segments.next, struct segment, node);
    sim_event_at(&side->tcp->world->events, &way->arrival, first->due_us);
}

static void queue(struct sim_tcp_side *side, enum segment_kind kind, struct slice bytes)
{
    struct sim_world *world = side->tcp->world;
    const struct sim_host *to = other(side)->host;
    struct segment *segment = malloc(sizeof(*segment) + bytes.len);
    if (segment == NULL)
        abort();
    uint64_t delay = sim_delay_us(world, side->host, to);
    if (to != side->host && sim_chance(world, sim_link_between(side->host, to)->loss))
        delay += RETRY_US;
    segment->kind = kind;
    segment->len = bytes.len;
    if (bytes.len > 0)
        memcpy(segment->bytes, bytes.ptr, bytes.len);
    segment->due_us = sim_now_us(world) + delay;
    if (segment->due_us < side->way.last_us)
        segment->due_us = side->way.last_us;
    side->way.last_us = segment->due_us;
    list_append(&side->way.segments, &segment->node);
    await_first(side);
}

/* ---- ends ---- */

/* The owner hears of it once, and then no more. */
static void fail(struct sim_tcp_side *side)
{
    const struct sim_tcp_handler *handler = side->handler;
    side->state = SIM_TCP_CLOSED;
    side->dead = true;
    side->handler = NULL;
    forget_segments(side);
    if (handler != NULL && handler->on_error != NULL)
        handler->on_error(side->user);
}

static void reset_peer(struct sim_tcp_side *side)
{
    forget_segments(side);
    queue(side, RST, SLICE_NULL);
}

/* ---- arrival ---- */

static struct sim_listener *listener_at(struct sim_host *host, const struct address *local,
                                        const struct address *remote)
{
    struct sim_listener *fitting[16];
    unsigned count = 0;
    list_for_each(node, &host->listeners)
    {
        struct sim_listener *l = container_of(node, struct sim_listener, node);
        if (address_port(&l->local) == address_port(local) &&
            address_is_v6(&l->local) == address_is_v6(local) &&
            (address_is_wildcard(&l->local) || address_equal_host(&l->local, local)) && count < 16)
            fitting[count++] = l;
    }
    return count == 0 ? NULL : fitting[address_hash(host->world->seed, remote) % count];
}

static void on_syn(struct sim_tcp_side *side)
{
    struct sim_listener *listener = listener_at(side->host, &side->local, &side->remote);
    if (listener == NULL) {
        side->dead = true;
        reset_peer(side);
        return;
    }
    side->state = SIM_TCP_OPEN;
    queue(side, SYN_ACK, SLICE_NULL);
    listener->on_accept(listener->user, side);
}

static void on_data(struct sim_tcp_side *side, struct slice bytes)
{
    struct sim_tcp_side *from = other(side);
    from->unacked -= bytes.len < from->unacked ? bytes.len : from->unacked;
    if (side->handler != NULL)
        side->handler->on_bytes(side->user, bytes);
    if (from->blocked && from->handler != NULL && from->unacked < WINDOW) {
        from->blocked = false;
        if (from->handler->on_room != NULL)
            from->handler->on_room(from->user);
    }
}

/* side receives the segment. */
static void take(struct sim_tcp_side *side, const struct segment *segment)
{
    if (side->dead && segment->kind != RST) {
        reset_peer(side); /* its host knows nothing of such a connection (any more) */
        return;
    }
    switch (segment->kind) {
    case SYN: on_syn(side); break;
    case SYN_ACK:
        if (side->state != SIM_TCP_OPENING)
            break;
        side->state = SIM_TCP_OPEN;
        if (side->handler != NULL && side->handler->on_open != NULL)
            side->handler->on_open(side->user);
        break;
    case DATA: on_data(side, slice_of(segment->bytes, segment->len)); break;
    case FIN:
        if (side->handler != NULL && side->handler->on_end != NULL)
            side->handler->on_end(side->user);
        break;
    case RST: fail(side); break;
    }
}

/* Nobody there: tried again for a while. */
static void retry(struct sim_tcp_side *side)
{
    struct sim_tcp_way *way = &side->way;
    struct sim_world *world = side->tcp->world;
    if (way->stuck_since_us == 0) {
        way->stuck_since_us = sim_now_us(world);
        way->tries = 0;
    }
    if (sim_now_us(world) - way->stuck_since_us >= GIVE_UP_US) {
        fail(side);
        return;
    }
    uint64_t wait = (uint64_t)RETRY_US << (way->tries < 8 ? way->tries++ : 8);
    uint64_t next = sim_now_us(world) + (wait < RETRY_MAX_US ? wait : RETRY_MAX_US);
    uint64_t end = way->stuck_since_us + GIVE_UP_US;
    sim_event_at(&world->events, &way->arrival, next < end ? next : end);
}

static void on_arrival(struct sim_event *event)
{
    struct sim_tcp_way *way = container_of(event, struct sim_tcp_way, arrival);
    struct sim_tcp_side *side = container_of(way, struct sim_tcp_side, way);
    struct sim_tcp_side *to = other(side);
    struct segment *segment = container_of(way->segments.next, struct segment, node);
    if (!sim_reachable(side->host, to->host)) {
        retry(side);
        return;
    }
    if (to->paused && segment->kind == DATA)
        return; /* sim_tcp_pause goes on */
    way->stuck_since_us = 0;
    list_remove(&segment->node);
    take(to, segment);
    free(segment);
    await_first(side);
}

/* ---- what owners do ---- */

static void side_init(struct sim_tcp *tcp, unsigned i, struct sim_host *host)
{
    struct sim_tcp_side *side = &tcp->sides[i];
    side->tcp = tcp;
    side->host = host;
    list_init(&side->node);
    list_init(&side->way.segments);
    sim_event_init(&side->way.arrival, on_arrival);
    if (host != NULL)
        list_append(&host->sides, &side->node);
}

struct sim_tcp_side *sim_tcp_connect(struct sim_host *host, const struct address *remote,
                                     const struct sim_tcp_handler *handler, void *user)
{
    struct sim_world *world = host->world;
    struct sim_tcp *tcp = calloc(1, sizeof(*tcp));
    if (tcp == NULL)
        abort();
    tcp->world = world;
    list_append(&world->tcps, &tcp->node);
    side_init(tcp, 0, host);
    side_init(tcp, 1, sim_host_find(world, remote));
    struct sim_tcp_side *side = &tcp->sides[0];
    side->local = host->addresses[0];
    (void)sim_source_address(host, remote, &side->local);
    address_set_port(&side->local, host->next_port++);
    side->remote = *remote;
    side->state = SIM_TCP_OPENING;
    side->handler = handler;
    side->user = user;
    tcp->sides[1].local = side->remote;
    tcp->sides[1].remote = side->local;
    if (host->behind != NULL) {
        tcp->sides[1].remote = sim_box_outermost(host->behind)->outside;
        address_set_port(&tcp->sides[1].remote, address_port(&side->local));
    }
    queue(side, SYN, SLICE_NULL);
    return side;
}

size_t sim_tcp_send(struct sim_tcp_side *side, struct slice bytes)
{
    struct sim_world *world = side->tcp->world;
    size_t room = side->unacked < WINDOW ? WINDOW - side->unacked : 0;
    size_t length = bytes.len < room ? bytes.len : room;
    if (side->dead || side->ended || side->handler == NULL)
        return bytes.len; /* nobody is there to notice */
    side->blocked = length < bytes.len;
    side->unacked += length;
    world->counts[SIM_TCP_BYTES] += length;
    for (size_t at = 0; at < length;) {
        size_t n = length - at < SEGMENT ? length - at : SEGMENT;
        /* The network cuts where it likes. */
        if (side->host != other(side)->host && sim_chance(world, 250))
            n = sim_between(world, 1, n);
        queue(side, DATA, slice_of(bytes.ptr + at, n));
        at += n;
    }
    return length;
}

void sim_tcp_close(struct sim_tcp_side *side)
{
    side->handler = NULL;
    if (side->dead || side->ended || side->state == SIM_TCP_CLOSED)
        return;
    side->ended = true;
    queue(side, FIN, SLICE_NULL);
}

void sim_tcp_abort(struct sim_tcp_side *side)
{
    side->handler = NULL;
    if (side->dead || side->state == SIM_TCP_CLOSED)
        return;
    side->dead = true;
    reset_peer(side);
}

void sim_tcp_pause(struct sim_tcp_side *side, bool paused)
{
    side->paused = paused;
    if (!paused)
        await_first(other(side));
}

void sim_tcp_host_down(struct sim_host *host, bool power_cut)
{
    list_for_each_safe(node, &host->sides)
    {
        struct sim_tcp_side *side = container_of(node, struct sim_tcp_side, node);
        side->handler = NULL;
        if (side->dead)
            continue;
        side->dead = true;
        if (power_cut)
            forget_segments(side);
        else
            reset_peer(side);
    }
}

/* ---- listeners ---- */

int sim_listen(struct sim_listener *listener, struct sim_host *host, const struct address *local)
{
    listener->host = host;
    listener->local = *local;
    list_init(&listener->node);
    int status = sim_bind_check(host, local);
    if (status < 0)
        return status;
    if (address_port(local) == 0)
        address_set_port(&listener->local, host->next_port++);
    list_for_each(node, &host->listeners)
    {
        const struct sim_listener *l = container_of(node, struct sim_listener, node);
        if (address_equal(&l->local, &listener->local) &&
            (listener->sharer == NULL || l->sharer != listener->sharer))
            return ERR_EXISTS;
    }
    list_append(&host->listeners, &listener->node);
    return 0;
}

void sim_listener_close(struct sim_listener *listener)
{
    if (listener->host != NULL)
        list_remove(&listener->node);
}

void sim_tcps_free(struct sim_world *world)
{
    list_for_each_safe(node, &world->tcps)
    {
        struct sim_tcp *tcp = container_of(node, struct sim_tcp, node);
        forget_segments(&tcp->sides[0]);
        forget_segments(&tcp->sides[1]);
        free(tcp);
    }
    list_init(&world->tcps);
}
