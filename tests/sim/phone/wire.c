#include "sim/phone/wire.h"

#include <assert.h>
#include <stdlib.h>

#include "sim/phone/view.h"

static void on_datagram(void *user, const struct address *to, const struct address *from,
                        struct slice bytes)
{
    struct wire *wire = user;
    (void)to;
    if (bytes.len > 4 && bytes.ptr[0] >= ' ') /* no answer to STUN */
        wire->on_message(wire->user, false, from, bytes);
}

/* ---- connections ---- */

static void flush(struct wire_connection *c)
{
    if (c->side == NULL || c->side->state != SIM_TCP_OPEN || c->out_len == 0)
        return;
    size_t n = sim_tcp_send(c->side, slice_of(c->out, c->out_len));
    memmove(c->out, c->out + n, c->out_len - n);
    c->out_len -= n;
}

static void on_open(void *user)
{
    flush(user);
}

static void append(char **buffer, size_t *length, struct slice bytes)
{
    char *grown = realloc(*buffer, *length + bytes.len + 1);
    if (grown == NULL)
        abort();
    memcpy(grown + *length, bytes.ptr, bytes.len);
    *buffer = grown;
    *length += bytes.len;
}

/* Keep-alives are skipped. */
static void on_bytes(void *user, struct slice bytes)
{
    struct wire_connection *c = user;
    struct wire *wire = c->wire;
    append(&c->in, &c->in_len, bytes);
    while (c->in_len > 0 && c->side != NULL) {
        size_t skip = 0;
        while (skip < c->in_len && (c->in[skip] == '\r' || c->in[skip] == '\n'))
            skip++;
        size_t length = view_frame(slice_of(c->in + skip, c->in_len - skip));
        if (length == 0)
            return;
        char *message = malloc(length);
        if (message == NULL)
            abort();
        memcpy(message, c->in + skip, length);
        c->in_len -= skip + length;
        memmove(c->in, c->in + skip + length, c->in_len);
        wire->on_message(wire->user, true, &c->remote, slice_of(message, length));
        free(message);
    }
}

static void on_end(void *user)
{
    struct wire_connection *c = user;
    c->wire->ended++;
    if (c->side != NULL)
        sim_tcp_close(c->side);
    c->side = NULL;
}

static void on_error(void *user)
{
    struct wire_connection *c = user;
    c->wire->ended++;
    c->side = NULL;
}

static const struct sim_tcp_handler tcp_handler = {on_open, on_bytes, on_end, on_error, on_open};

static struct wire_connection *add(struct wire *wire, const struct address *remote)
{
    struct wire_connection *c = calloc(1, sizeof(*c));
    if (c == NULL)
        abort();
    c->wire = wire;
    c->remote = *remote;
    list_prepend(&wire->connections, &c->node);
    return c;
}

static void on_accept(void *user, struct sim_tcp_side *side)
{
    struct wire *wire = user;
    struct wire_connection *c = add(wire, &side->remote);
    c->side = side;
    side->handler = &tcp_handler;
    side->user = c;
}

struct wire_connection *wire_connection(struct wire *wire, const struct address *remote)
{
    list_for_each(node, &wire->connections)
    {
        struct wire_connection *c = container_of(node, struct wire_connection, node);
        if (c->side != NULL && address_equal(&c->remote, remote))
            return c;
    }
    return NULL;
}

void wire_connection_close(struct wire_connection *c, bool abort)
{
    if (c == NULL || c->side == NULL)
        return;
    if (abort)
        sim_tcp_abort(c->side);
    else
        sim_tcp_close(c->side);
    c->side = NULL;
}

/* ---- the whole ---- */

void wire_open(struct wire *wire, struct sim_host *host, uint16_t port, wire_fn *on_message,
               void *user)
{
    *wire = (struct wire){.host = host, .on_message = on_message, .user = user};
    wire->local = host->addresses[0];
    address_set_port(&wire->local, port);
    list_init(&wire->connections);
    wire->udp.on_datagram = on_datagram;
    wire->udp.user = wire;
    wire->listener.on_accept = on_accept;
    wire->listener.user = wire;
    int status = sim_udp_open(&wire->udp, host, &wire->local);
    if (status == 0)
        status = sim_listen(&wire->listener, host, &wire->local);
    if (status < 0)
        abort();
}

static void free_connections(struct wire *wire)
{
    list_for_each_safe(node, &wire->connections)
    {
        struct wire_connection *c = container_of(node, struct wire_connection, node);
        list_remove(&c->node);
        free(c->in);
        free(c->out);
        free(c);
    }
}

void wire_close(struct wire *wire)
{
    if (wire->host == NULL)
        return;
    list_for_each(node, &wire->connections)
        wire_connection_close(container_of(node, struct wire_connection, node), false);
    wire_forget(wire);
}

void wire_forget(struct wire *wire)
{
    if (wire->host == NULL)
        return;
    list_for_each(node, &wire->connections)
    {
        struct wire_connection *c = container_of(node, struct wire_connection, node);
        if (c->side != NULL)
            c->side->handler = NULL;
    }
    sim_udp_close(&wire->udp);
    sim_listener_close(&wire->listener);
    free_connections(wire);
    wire->host = NULL;
}

void wire_send_udp(struct wire *wire, const struct address *to, struct slice bytes)
{
    (void)sim_udp_send(&wire->udp, &wire->local, to, bytes);
}

void wire_send_tcp(struct wire *wire, const struct address *to, struct slice bytes)
{
    struct wire_connection *c = wire_connection(wire, to);
    if (c == NULL) {
        c = add(wire, to);
        c->side = sim_tcp_connect(wire->host, to, &tcp_handler, c);
    }
    append(&c->out, &c->out_len, bytes);
    flush(c);
}
