/* Mailboxes between workers: for each pair a bounded ring with one writer and one reader; one
 * wake-up per batch. Threads that are no workers (the store) may have a place in the mesh as
 * senders. */
#ifndef LOOP_MESH_H
#define LOOP_MESH_H

#include "base/slice.h"

struct loop;
struct mesh;

/* What a mail is about; its handler is set per loop. */
enum mail_kind {
    MAIL_DATAGRAM,    /* a SIP message for its owner */
    MAIL_STREAM_SEND, /* bytes for a connection of the receiver */
    MAIL_SCTP,        /* about associations, which worker 0 has */
    MAIL_STORE,       /* commits */
    MAIL_CONTROL,     /* from the control socket */
    MAIL_LOCATION,    /* a binding came or went */
    MAIL_TURN,        /* about relayed connections */
    MAIL_TURN_MOVED,  /* of clients whose address has changed */
    MAIL_STUN_SEND,   /* a datagram for a DTLS session of the receiver */
    MAIL_KINDS
};

/* data is borrowed for the call; it begins at a multiple of 8. */
typedef void mail_fn(void *user, unsigned from, struct slice data);

/* workers receive; senders is how many more threads may only send (numbered from workers on).
 * ring_bytes: of each ring, power of two, default (0) 4 MiB, memory is taken lazily. Errors:
 * ERR_NO_MEMORY. */
int mesh_new(unsigned workers, unsigned senders, size_t ring_bytes, struct mesh **ret_mesh);
void mesh_free(struct mesh *mesh);
unsigned mesh_workers(const struct mesh *mesh);

/* Handler of a kind on the loop's own worker. */
void mesh_on_mail(struct loop *loop, enum mail_kind kind, mail_fn *handler, void *user);

/* Copies the parts, one after the other, as one mail; the receiver sees it after mesh_flush. from:
 * the caller's own place. Mails of one pair and kind arrive in order. A worker may mail itself
 * (delivered in its next turn). Errors: ERR_LIMIT: the ring is full, or the mail is longer than
 * half of it (the caller counts what it drops, or keeps it); nothing was queued.
 */
int mesh_post(struct mesh *mesh, unsigned from, unsigned to, enum mail_kind kind,
              const struct slice *parts, size_t count);
/* Shows the receivers what from posted, and wakes them. A loop does it for its own worker at the
 * end of each turn. */
void mesh_flush(struct mesh *mesh, unsigned from);
/* Mails refused because a ring was full. Any thread. */
uint64_t mesh_refused(const struct mesh *mesh);

#endif
