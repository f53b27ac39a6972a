/* The partner of a STUN server: the same program on another host, which has the second address of
 * RFC 5780 section 6. This is one worker's end of the link (link.h): two sockets, one to ask from,
 * one to be asked at. */
#ifndef SERVICE_STUN_PARTNER_H
#define SERVICE_STUN_PARTNER_H

#include "loop/loop.h"
#include "service/stun/link.h"

struct partner;

struct partner_config {
    bool given;
    struct address address; /* where the partner is asked */
    struct address listen;  /* where it asks us */
    const char *secret;     /* the same at both; at most LINK_SECRET_MAX bytes are used */
};

struct partner_handler {
    /* The partner passes on a request that came to its port; to be answered from our address. */
    void (*on_request)(void *user, uint16_t port, const struct address *client,
                       struct slice request);
    /* Something signed by nobody we know, sent twice, or from elsewhere. May be NULL. */
    void (*on_refused)(void *user);
    void *user;
};

/* corners: as we see them. Errors: as udp_open; *ret_failed is then the address; ERR_UNSUPPORTED.
 */
int partner_new(struct loop *loop, const struct partner_config *config,
                const struct link_corners *corners, const struct partner_handler *handler,
                struct address *ret_failed, struct partner **ret_partner);
/* NULL is accepted. */
void partner_free(struct partner *partner);
/* Has it answered lately, and does it mean the same addresses? */
bool partner_alive(const struct partner *partner);
/* Passes a request on that came to a port of ours. ERR_CLOSED: it is not there. Others as
 * link_write, udp_send. */
int partner_pass(struct partner *partner, uint16_t port, const struct address *client,
                 struct slice request);

#endif
