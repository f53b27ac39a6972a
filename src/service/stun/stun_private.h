/* The STUN server as its own files know it.
 *
 *   stun.c     its sockets, what comes in on them
 *   corners.c  two addresses and two ports (RFC 5780), here or on two hosts
 *   limit.c    how often a source is answered
 *   partner.c  the link to the other host; link.c: what is said on it */
#ifndef SERVICE_STUN_PRIVATE_H
#define SERVICE_STUN_PRIVATE_H

#include "loop/udp.h"
#include "service/stun/limit.h"
#include "service/stun/partner.h"
#include "service/stun/stun.h"
#include "stun/binding.h"

#define STUN_CORNERS 4 /* sockets of two addresses and two ports (RFC 5780 section 6) */

#define STUN_SOCKETS_MAX (STUN_SERVER_LISTENERS_MAX + 2 * (STUN_CORNERS - 1))

struct stun_socket {
    struct stun_server *server;
    struct udp *udp; /* owned */
    struct stream_listener *stream;
    struct dtls *dtls;       /* owned */
    struct stun_place place; /* origin: of a socket on the wildcard as it was bound */
    /* The corner that an answer with these CHANGE-REQUEST flags / 2 leaves from; NULL: the
     * partner's. */
    struct stun_socket *corners[STUN_CORNERS];
};

struct stun_server {
    struct loop *loop;                       /* borrowed */
    struct mesh *mesh;                       /* borrowed; NULL: no other workers */
    const struct stun_server_config *config; /* borrowed */
    const struct stun_server_turn *turn;     /* borrowed; NULL: none */
    struct stun_socket sockets[STUN_SOCKETS_MAX];
    unsigned count;
    struct stun_socket *primary; /* the first corner; NULL: one address is all there is */
    struct partner *partner;     /* owned; NULL: both addresses are ours */
    metric metrics[STUN_SERVER_METRICS];
    struct stun_limit limit;
    char out[STUN_MESSAGE_MAX];
};

static inline void stun_count(struct stun_server *server, enum stun_server_metric which)
{
    metric_add(&server->metrics[which], 1);
}

/* stun.c */
bool stun_may_answer(struct stun_server *server, const struct address *source);
int stun_open_udp(struct stun_server *server, const struct address *local);
int stun_open_stream(struct stun_server *server, const struct stun_server_listener *listener);

/* corners.c */
/* The other corners of a socket that is open. */
int stun_corners_open(struct stun_server *server, struct stun_socket *primary,
                      struct address *ret_failed);
/* Are both addresses there now? */
bool stun_corners_whole(const struct stun_server *server);
/* Sends an answer to a request from the corner that it asks for. */
void stun_corners_answer(struct stun_socket *socket, const struct flow *flow, struct slice request,
                         const struct stun_answer *answer);

#endif
