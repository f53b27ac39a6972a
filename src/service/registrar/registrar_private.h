/* The inside of the registrar, shared by the files of this folder only. */
#ifndef SERVICE_REGISTRAR_PRIVATE_H
#define SERVICE_REGISTRAR_PRIVATE_H

#include "base/list.h"
#include "base/pool.h"
#include "service/registrar/registrar.h"

#define REGISTRAR_HEADERS_MAX  32768 /* bytes of the lines of a 200 */
#define REGISTRAR_INSTANCE_MAX 256   /* characters of an instance */

/* A 200 that waits for its commit. */
struct registrar_waiting {
    struct list link;
    struct registrar *registrar;
    struct sip_server_tx *tx; /* NULL when it has ended meanwhile */
    int64_t ticket;
    uint64_t since_ms; /* of the loop */
    bool trying;       /* a 100 has been sent */
    size_t len;
    char *bytes; /* block: the 200 */
    size_t failed_len;
    char *failed; /* block: a 500, should the commit fail */
    size_t undo_len;
    char *undo;                /* block: how the AOR was, then its name, should the commit fail */
    struct location_undo back; /* slices in undo */
};

struct registrar {
    struct registrar_config config;
    struct registrar_parts parts;
    struct gruu *gruu;                 /* owned */
    struct arena arena;                /* for one request */
    struct location_update update;     /* of the request being worked on */
    struct location_bindings bindings; /* after it */
    bool outbound;                     /* a contact of the request has a reg-id that counts */
    struct pool waiting_pool;
    struct blocks blocks;
    struct list waiting; /* in order of tickets, which is that of time */
    struct timer trying; /* the first of them that has no 100 yet is due */
    metric metrics[REGISTRAR_METRICS];
    int64_t date_s; /* the second that date says; 0: none yet */
    struct slice date;
    char date_text[64];
    char headers[REGISTRAR_HEADERS_MAX];
};

void registrar_refuse(struct registrar *registrar, const struct endpoint_request *request,
                      unsigned status, const char *reason, struct slice headers);

/* read.c: RFC 3261 section 10.3 steps 6 and 7, what the request asks for. False: it has been
 * answered. */
bool registrar_read(struct registrar *registrar, const struct endpoint_request *request,
                    struct slice aor, struct location_update *ret_update);
/* outbound.c: is nobody between the phone and us, as Via shows? */
bool registrar_is_first_hop(const struct sip_message *msg);
/* RFC 5626 section 6. What it says about the flow that the request came along. False:
 * it has been answered. */
bool registrar_read_outbound(struct registrar *registrar, const struct endpoint_request *request,
                             struct location_update *update);
/* Require, Flow-Timer and Service-Route lines of the 200. */
void registrar_write_outbound(struct registrar *registrar, const struct endpoint_request *request,
                              struct writer *w);
/* answer.c: applies registrar->update (or only looks, when it changes nothing). False: answered. */
bool registrar_apply(struct registrar *registrar, const struct endpoint_request *request,
                     struct slice aor, int64_t *ret_ticket);
/* Are GRUUs for whoever sent it (RFC 5627 section 5.2)? */
bool registrar_knows_gruus(const struct sip_message *msg);
/* Step 8: the 200 with all bindings, now or when ticket is committed. */
void registrar_acknowledge(struct registrar *registrar, const struct endpoint_request *request,
                           int64_t ticket);
void registrar_on_trying(struct timer *timer);
void registrar_forget_waiting(struct registrar *registrar);

#endif
