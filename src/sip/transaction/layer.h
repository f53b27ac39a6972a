/* The transactions themselves: for the files of this room only. */
#ifndef SIP_TRANSACTION_LAYER_H
#define SIP_TRANSACTION_LAYER_H

#include "base/list.h"
#include "sip/transaction/transaction.h"

/* What both sides have. Transactions linger for 32 s after the last message, by the million on a
 * busy server, and end when they have long left the caches: what their end needs comes first. */
struct sip_tx {
    struct table_node node; /* in clients or servers */
    struct sip_transactions *layer;
    struct timer end; /* all letters but those of resend */
    uint8_t kind;
    uint8_t state;
    uint8_t method;
    uint8_t end_event;   /* what end means when it fires */
    uint8_t busy;        /* events being handled: it may be freed only when this is 0 */
    uint8_t resends;     /* how often resend was started, up to 255 */
    bool reliable;       /* the flow */
    bool rfc2543;        /* server: matched by the rules for branches without the magic (17.2.3) */
    struct timer resend; /* A, E, G */
    void *user;
};

struct sip_client_tx {
    struct sip_tx tx;
    const struct sip_client_tx_user *handler; /* NULL: abandoned */
    char *request;                            /* owned, NULL when not needed any more */
    char *kept;                /* owned: the CANCEL that waits, or the ACK that was sent */
    struct list on_connection; /* reliable: in sip_tx_connection.clients, or linked to itself */
    uint64_t loop;             /* of the branch */
    uint32_t method_hash;      /* tells methods apart that are SIP_METHOD_OTHER, else 0 */
    uint32_t request_len;
    uint32_t kept_len;
    uint32_t kept_room; /* bytes of the block */
    bool cancel_waits;  /* kept is a CANCEL that waits for a 1xx (9.1) */
    bool cancelled;
    struct flow flow;
};

struct sip_server_tx {
    struct sip_tx tx;
    const struct sip_server_tx_user *handler; /* NULL: abandoned */
    char *response;                           /* owned: the last one, while it may be sent again */
    uint64_t hash2;                           /* sip_server_key.hash2 */
    uint64_t check;                           /* sip_server_key.check */
    uint64_t response_tag; /* rfc2543: hash of the To tag that we answered with */
    uint32_t method_hash;  /* as in sip_client_tx */
    uint32_t response_len;
    bool told; /* on_failure was called */
    struct flow flow;
};

/* ---- timers.c ---- */

/* Puts the machine into the state of row, stops and starts its timers. */
void sip_tx_enter(struct sip_tx *tx, const struct sip_tx_row *row);
void sip_tx_stop_timers(struct sip_tx *tx);
/* Sends along flow, counts a failure. */
int sip_tx_send(struct sip_transactions *t, const struct flow *flow, struct slice data);
/* Room for one more of both sides? Counts a refusal. */
int sip_tx_may_begin(struct sip_transactions *t);

/* ---- match.c ---- */

/* What 17.2.3 compares, hashed to 128 bits so that no bytes need to be kept. */
struct sip_server_key {
    uint64_t hash;
    uint64_t hash2;
    uint64_t check; /* RFC 2543: the To tag */
    uint32_t method_hash;
    uint8_t method;
    bool rfc2543;
};

/* ERR_SYNTAX when sip_message_check did not take the request. */
int sip_server_key_of(const struct sip_transactions *t, const struct sip_message *request,
                      struct sip_server_key *ret_key);
/* The transaction with this key that was begun by method, or NULL. */
struct sip_server_tx *sip_server_tx_find(const struct sip_transactions *t,
                                         const struct sip_server_key *key, enum sip_method method);
/* The transaction that a CANCEL with this key cancels (9.2), or NULL. */
struct sip_server_tx *sip_server_tx_find_cancelled(const struct sip_transactions *t,
                                                   const struct sip_server_key *key);
uint32_t sip_tx_method_hash(const struct sip_transactions *t, enum sip_method method,
                            struct slice name);
/* Hash of a To tag for struct sip_server_tx. */
uint64_t sip_tx_tag_hash(const struct sip_transactions *t, struct slice tag);

/* ---- response.c ---- */

struct sip_client_key {
    uint64_t hash; /* sip_client_key_hash */
    uint64_t loop;
    uint32_t method_hash;
    uint8_t method;
};

/* A CANCEL shares the branch of its INVITE (17.1.3, second rule). */
static inline uint64_t sip_client_key_hash(uint64_t branch_key, enum sip_method method)
{
    return method == SIP_CANCEL ? ~branch_key : branch_key; /* random already */
}

struct sip_client_tx *sip_client_tx_find(const struct sip_transactions *t,
                                         const struct sip_client_key *key);

/* ---- ack.c ---- */

/* For parsing our own bytes: nothing in them is too much. */
extern const struct sip_limits sip_tx_no_limits;

/* Writes into tx->kept a request that goes the way of tx's INVITE and shares its branch: the ACK
 * with the To of response (17.1.1.3), or the CANCEL with the INVITE's own (9.1; response NULL).
 * extra: further header lines. ERR_NO_MEMORY; ERR_SYNTAX, ERR_LIMIT (no To, or an INVITE that we
 * cannot read ourselves). */
int sip_client_tx_keep_hop(struct sip_client_tx *tx, enum sip_method method,
                           const struct sip_message *response, struct slice extra);

/* ---- cancel.c ---- */

/* In Proceeding: sends the CANCEL that waited for a 1xx, if any. */
void sip_client_tx_proceed(struct sip_client_tx *tx);

/* ---- connection.c ---- */

void sip_tx_connection_init(struct sip_transactions *t);
/* Notes that tx depends on the connection of its flow; nothing for datagrams. ERR_NO_MEMORY. */
int sip_tx_connection_add(struct sip_client_tx *tx);
void sip_tx_connection_remove(struct sip_client_tx *tx);

/* ---- client_tx.c, server_tx.c ---- */

/* exempt: past the limit, for a CANCEL, of which there is at most one per INVITE. */
int sip_client_tx_create(struct sip_transactions *t, const struct sip_client_tx_start *start,
                         bool exempt, struct sip_client_tx **ret_tx);
/* response: of the event, or NULL. */
void sip_client_tx_event(struct sip_client_tx *tx, enum sip_tx_event event,
                         const struct sip_message *response);
/* Frees the block that kept points to. */
void sip_client_tx_drop_kept(struct sip_client_tx *tx);
/* Tells the user the end and frees it. */
void sip_client_tx_end(struct sip_client_tx *tx);

void sip_server_tx_event(struct sip_server_tx *tx, enum sip_tx_event event);
void sip_server_tx_end(struct sip_server_tx *tx);

#endif
