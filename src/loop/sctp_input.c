/* Packets from the wire. Peers that we know go straight to their association; strangers are let in
 * as RFC 9260 section 5.1 says: an INIT leaves nothing behind, the COOKIE ECHO makes the
 * association. Everything else of a stranger is answered with ABORT by the library (section 8.4),
 * so that he learns that we forgot him. */
#include <string.h>

#include "base/error.h"
#include "loop/sctp_private.h"

static struct assoc_listener *listener_of(const struct assoc_wire *wire, uint16_t port)
{
    list_for_each(node, &wire->owner->listeners)
    {
        struct assoc_listener *l = container_of(node, struct assoc_listener, node);
        if (l->wire == wire && address_port(&l->local) == port)
            return l;
    }
    return NULL;
}

/* RFC 6951 section 5.4: a packet with the right verification tag from another UDP port moves the
 * association there (a translator gave it a new one). */
static struct assoc *moved(struct assocs *assocs, const struct assoc_path *path, uint32_t tag)
{
    struct address remote = path->remote;
    address_set_port(&remote, path->port);
    struct assoc *assoc = assoc_by_remote(assocs, &remote);
    if (assoc == NULL || tag == 0 || tag != assoc->local_tag || path->listener->wire->udp == NULL ||
        assoc->path.listener != path->listener)
        return NULL;
    assoc_move(assoc, &path->remote);
    return assoc;
}

static bool rate_refuses(struct assocs *assocs, uint8_t chunk)
{
    uint64_t second = assocs_now(assocs) / 1000;
    if (second != assocs->stranger_second) {
        assocs->stranger_second = second;
        assocs->strangers_left = assocs->cookies_left = ASSOC_STRANGERS;
    }
    uint32_t *left =
        chunk == ASSOC_CHUNK_COOKIE_ECHO ? &assocs->cookies_left : &assocs->strangers_left;
    if (*left == 0)
        return true;
    (*left)--;
    return false;
}

/* Which count says why there is no room; ASSOC_COUNTS: there is. */
static unsigned no_room(const struct assocs *assocs, const struct assoc_path *path)
{
    const struct assoc_limits *limits = &path->listener->options.limits;
    if (assocs->used >= limits->associations)
        return ASSOC_REFUSED_LIMIT;
    if (assoc_source_count(assocs, &path->remote) >= limits->per_source)
        return ASSOC_REFUSED_SOURCE;
    return ASSOC_COUNTS;
}

static void answer_abort(const struct assoc_path *path, const struct assoc_packet *init)
{
    uint8_t bytes[ASSOC_PACKET_LEAST];
    assoc_packet_write_abort(bytes, init);
    assoc_packet_sign(bytes, sizeof(bytes));
    assoc_wire_send(path->listener->wire, path, slice_of((const char *)bytes, sizeof(bytes)));
}

static void take_answerless(struct assocs *assocs, const struct assoc_path *path, size_t length)
{
    unsigned from = 0;
    uint16_t slot;
    if (assoc_slot(assocs, path, &from, &slot) < 0) {
        assocs->counts[ASSOC_REFUSED_LIMIT]++;
        return;
    }
    assocs->stranger = slot;
    assocs->stranger_path = *path;
    assoc_stack_input(path->listener, slot, length);
    assocs->stranger = 0;
}

/* The slot for which the cookie was made may have been taken since, or one before it may have
 * become free: each that is free is tried; the library ignores a cookie that was made for another.
 */
static void take_cookie(struct assocs *assocs, const struct assoc_path *path, size_t length)
{
    struct assoc *assoc;
    unsigned from = 0;
    uint16_t slot;
    while (assoc_slot(assocs, path, &from, &slot) == 0) {
        if (assoc_add(assocs, path, slot, &assoc) < 0)
            return;
        assoc_stack_input(path->listener, slot, length);
        if (assoc->state != ASSOC_TENTATIVE)
            return;
        assoc_destroy(assoc);
    }
}

static void take_stranger(struct assocs *assocs, const struct assoc_path *path,
                          const struct assoc_packet *packet, size_t length)
{
    if (rate_refuses(assocs, packet->chunk)) {
        assocs->counts[ASSOC_REFUSED_RATE]++;
        return;
    }
    if (packet->chunk == ASSOC_CHUNK_INIT || packet->chunk == ASSOC_CHUNK_COOKIE_ECHO) {
        unsigned why = no_room(assocs, path);
        if (why != ASSOC_COUNTS) {
            assocs->counts[why]++;
            if (packet->chunk == ASSOC_CHUNK_INIT && packet->tag == 0)
                answer_abort(path, packet);
            return;
        }
    }
    if (packet->chunk == ASSOC_CHUNK_COOKIE_ECHO)
        take_cookie(assocs, path, length);
    else
        take_answerless(assocs, path, length);
}

static void take(struct assocs *assocs, const struct assoc_path *path,
                 const struct assoc_packet *packet, size_t length)
{
    struct assoc *assoc = assoc_by_path(assocs, path);
    if (assoc == NULL)
        assoc = moved(assocs, path, packet->tag);
    assocs->input_tag = packet->tag;
    if (assoc != NULL)
        assoc_stack_input(path->listener, assoc->slot, length);
    else
        take_stranger(assocs, path, packet, length);
    assocs->input_tag = 0;
}

void assoc_on_packet(struct assoc_wire *wire, const struct address *local,
                     const struct address *remote, struct slice packet)
{
    struct assocs *assocs = wire->owner;
    struct assoc_packet parsed;
    assocs->counts[ASSOC_PACKETS_IN]++;
    if (assoc_packet_parse(packet, &parsed) < 0) {
        assocs->counts[ASSOC_BAD_PACKETS]++;
        return;
    }
    struct assoc_path path = {.listener = listener_of(wire, parsed.destination_port),
                              .local = *local,
                              .remote = *remote,
                              .port = parsed.source_port};
    if (path.listener == NULL) {
        assocs->counts[ASSOC_NO_LISTENER]++;
        return;
    }
    memcpy(assocs->scratch, packet.ptr, packet.len);
    /* RFC 9260 section 6.8; RFC 6951 section 5.3: it counts with encapsulation too. */
    if (!assoc_packet_check(assocs->scratch, packet.len)) {
        assocs->counts[ASSOC_BAD_PACKETS]++;
        return;
    }
    address_set_port(&path.local, parsed.destination_port);
    assoc_stack_advance(assocs);
    assocs_deliver(assocs); /* what has ended since is gone before its peer speaks again */
    take(assocs, &path, &parsed, packet.len);
    assocs_deliver(assocs);
}
