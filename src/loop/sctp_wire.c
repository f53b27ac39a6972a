#include "base/error.h"
#include "base/memory.h"
#include "loop/sctp_private.h"

static void on_datagram(void *user, const struct flow *flow, struct slice data)
{
    assoc_on_packet(user, &flow->local, &flow->remote, data);
}

static int open_udp(struct assoc_wire *wire, const struct assoc_options *options)
{
    struct udp_options udp = {.local = wire->local,
                              .listener = options->listener,
                              .v6_only = options->v6_only,
                              .on_datagram = on_datagram,
                              .user = wire};
    int status = udp_open(wire->owner->loop, &udp, &wire->udp);
    if (status == 0)
        wire->local = udp_local(wire->udp);
    return status;
}

static struct assoc_wire *find(const struct assocs *assocs, const struct address *local, bool udp)
{
    list_for_each(node, &assocs->wires)
    {
        struct assoc_wire *wire = container_of(node, struct assoc_wire, node);
        if ((wire->udp != NULL) == udp && address_equal_host(&wire->local, local) &&
            (address_port(local) == 0 || address_port(&wire->local) == address_port(local)))
            return wire;
    }
    return NULL;
}

int assoc_wire_get(struct assocs *assocs, const struct address *local,
                   const struct assoc_options *options, struct assoc_wire **ret_wire)
{
    struct address at = *local;
    address_set_port(&at, options->udp ? options->udp_port : 0);
    bool any_port = options->udp && options->udp_port == 0;
    struct assoc_wire *wire = any_port ? NULL : find(assocs, &at, options->udp);
    if (wire != NULL) {
        wire->users++;
        *ret_wire = wire;
        return 0;
    }
    wire = memory_zalloc(1, sizeof(*wire));
    if (wire == NULL)
        return ERR_NO_MEMORY;
    wire->owner = assocs;
    wire->local = at;
    wire->fd = -1;
    wire->users = 1;
    list_init(&wire->ready);
    int status = options->udp ? open_udp(wire, options) : assoc_raw_open(wire, options);
    if (status < 0) {
        memory_free(wire);
        return status;
    }
    list_append(&assocs->wires, &wire->node);
    *ret_wire = wire;
    return 0;
}

void assoc_wire_put(struct assoc_wire *wire)
{
    if (wire == NULL || --wire->users > 0)
        return;
    list_remove(&wire->node);
    list_remove(&wire->ready);
    if (wire->udp == NULL) {
        assoc_raw_close(wire);
        return;
    }
    udp_close(wire->udp);
    memory_free(wire);
}

/* What the system does not take is lost, and the library sends it again. */
void assoc_wire_send(struct assoc_wire *wire, const struct assoc_path *path, struct slice packet)
{
    wire->owner->counts[ASSOC_PACKETS_OUT]++;
    if (wire->udp == NULL)
        assoc_raw_send(wire, path, packet);
    else
        (void)udp_send(wire->udp, &path->local, &path->remote, packet);
}
