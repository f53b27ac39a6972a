/* Packets that the library wants to send. */
#include <errno.h>

#include "loop/sctp_private.h"

static uint16_t port_at(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

int assoc_output(void *address, void *buffer, size_t length, uint8_t tos, uint8_t df)
{
    struct assocs *assocs = address;
    uint8_t *bytes = buffer;
    (void)tos;
    (void)df;
    if (length < ASSOC_PACKET_LEAST || length > ASSOC_PACKET_MAX)
        return EINVAL;
    uint16_t slot = port_at(bytes + 2);
    const struct assoc *assoc = assocs->slots[slot];
    const struct assoc_path *path = assoc != NULL ? &assoc->path : &assocs->stranger_path;
    if (slot == 0 || (assoc == NULL && slot != assocs->stranger))
        return EHOSTUNREACH;
    assoc_packet_set_ports(bytes, address_port(&path->listener->local), path->port);
    assoc_packet_sign(bytes, length);
    assoc_wire_send(path->listener->wire, path, slice_of(buffer, length));
    return 0;
}
