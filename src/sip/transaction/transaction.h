/* The transaction layer of one worker (RFC 3261 chapter 17): matches messages to transactions, runs
 * the machines, keeps what must be sent again. Sans-I/O: it sends through a function it is given
 * and is told the time by the wheel. One thread. */
#ifndef SIP_TRANSACTION_TRANSACTION_H
#define SIP_TRANSACTION_TRANSACTION_H

#include "base/flow.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/table.h"
#include "base/wheel.h"
#include "sip/message/message.h"
#include "sip/message/via.h"
#include "sip/transaction/machine.h"

struct sip_client_tx;
struct sip_server_tx;

enum sip_tx_failure { SIP_TX_FAILED_TIMEOUT, SIP_TX_FAILED_TRANSPORT };

/* The transaction user's side. Any callback may be NULL. Callbacks may create transactions,
 * respond, and abandon. */
struct sip_client_tx_user {
    /* Every response that the machine passes up: 1xx, the final one, further 2xx to an INVITE.
     * Borrowed for the call. */
    void (*on_response)(struct sip_client_tx *tx, void *user, const struct sip_message *response);
    /* No final response will come (17.1.4, timers B and F). on_end follows. */
    void (*on_failure)(struct sip_client_tx *tx, void *user, enum sip_tx_failure failure);
    /* The last call: the transaction is freed when this returns. */
    void (*on_end)(struct sip_client_tx *tx, void *user);
};

struct sip_server_tx_user {
    /* The response could not be delivered, or no ACK came (timer H). on_end follows. */
    void (*on_failure)(struct sip_server_tx *tx, void *user, enum sip_tx_failure failure);
    void (*on_end)(struct sip_server_tx *tx, void *user);
};

struct sip_transactions_config {
    struct sip_tx_times times;
    uint32_t limit;      /* transactions at once, of both sides together */
    size_t memory_limit; /* bytes of kept messages */
    uint8_t worker; /* written into branches, so that any worker finds the owner of a response */
    /* Sends bytes along a flow; an error counts as transport error (17.1.4). */
    int (*send)(void *user, const struct flow *flow, struct slice data);
    void *user;
};

enum {
    SIP_TX_COUNT_CLIENT,
    SIP_TX_COUNT_SERVER,
    SIP_TX_COUNT_RETRANSMIT_IN,
    SIP_TX_COUNT_RETRANSMIT_OUT,
    SIP_TX_COUNT_TIMEOUT,
    SIP_TX_COUNT_TRANSPORT_ERROR,
    SIP_TX_COUNT_REFUSED,
    SIP_TX_COUNTS
};

struct sip_transactions {
    struct sip_transactions_config config;
    struct wheel *wheel;   /* borrowed */
    struct random *random; /* borrowed */
    struct hash_key key;   /* of the matching tables */
    struct table clients;
    struct table servers;
    struct table
        by_connection; /* client transactions on streams, to fail them when the connection goes */
    struct pool client_pool;
    struct pool server_pool;
    struct blocks blocks;
    uint64_t counts[SIP_TX_COUNTS];
};

int sip_transactions_init(struct sip_transactions *t, const struct sip_transactions_config *config,
                          struct wheel *wheel, struct random *random);
/* Frees every transaction; users get on_end, nothing is sent. */
void sip_transactions_done(struct sip_transactions *t);
/* Transactions that exist now. */
size_t sip_transactions_count(const struct sip_transactions *t);

/* ---- Branches
 * ------------------------------------------------------------------------------------------------
 */

/* "z9hG4bK" "tz" worker(2 hex) key(16 hex) "." loop(16 hex): we are the only ones who write this
 * form. */
#define SIP_BRANCH_LENGTH 44

struct sip_branch {
    uint8_t worker;
    uint64_t key;  /* random: names the client transaction */
    uint64_t loop; /* RFC 3261 section 16.6 step 8: hash of what routing depends on, for loop
                      detection (RFC 5393 section 4.2) */
};

void sip_branch_write(struct writer *w, const struct sip_branch *branch);
/* Case ignored (branches compare without case, RFC 3261 section 7.3.1). ERR_NOT_FOUND when it is
 * not of our form. */
int sip_branch_parse(struct slice text, struct sip_branch *ret_branch);
struct sip_branch sip_branch_new(struct sip_transactions *t, uint64_t loop);

/* ---- Server transactions (17.2)
 * ------------------------------------------------------------------------------ */

enum sip_request_match {
    SIP_REQUEST_NEW,      /* no transaction: the user decides */
    SIP_REQUEST_ABSORBED, /* a retransmission, or the ACK of a non-2xx: all is done */
    SIP_REQUEST_ACK,     /* an ACK without, or past, its transaction: to be routed (13.2.2.4, 16) */
    SIP_REQUEST_CANCEL,  /* a new CANCEL; *ret_tx is the transaction that it cancels, or NULL (9.2)
                          */
    SIP_REQUEST_INVALID, /* collides with a transaction in a way no honest client can cause: answer
                            400 or drop */
};

/* Matches by 17.2.3, RFC 2543 rules where the branch lacks the magic. */
enum sip_request_match sip_transactions_on_request(struct sip_transactions *t,
                                                   const struct sip_message *request,
                                                   const struct flow *flow,
                                                   struct sip_server_tx **ret_tx);

/* A transaction for a request that is SIP_REQUEST_NEW or _CANCEL. flow: where responses go (18.2.2,
 * already decided by the caller). Errors: ERR_LIMIT, ERR_NO_MEMORY. */
int sip_server_tx_new(struct sip_transactions *t, const struct sip_message *request,
                      const struct flow *flow, const struct sip_server_tx_user *handler, void *user,
                      struct sip_server_tx **ret_tx);
/* Sends a response (whole bytes, copied if it must be kept). A further 2xx in Accepted is sent too
 * (RFC 6026 section 7.1); what the machine forbids is ignored (counted). 0, or ERR_INVALID when the
 * machine forbids it. */
int sip_server_tx_respond(struct sip_server_tx *tx, unsigned status, struct slice response);
/* The user forgets it: no more callbacks; the machine runs to its end (unanswered ones are freed).
 */
void sip_server_tx_abandon(struct sip_server_tx *tx);
enum sip_tx_state sip_server_tx_state(const struct sip_server_tx *tx);
const struct flow *sip_server_tx_flow(const struct sip_server_tx *tx);
void *sip_server_tx_user_data(const struct sip_server_tx *tx);
/* NULL when it has no such handler: tells whose transaction it is. */
void *sip_server_tx_user_of(const struct sip_server_tx *tx,
                            const struct sip_server_tx_user *handler);

/* ---- Client transactions (17.1)
 * ------------------------------------------------------------------------------ */

struct sip_client_tx_start {
    struct flow flow;
    struct slice request; /* whole bytes; copied */
    enum sip_method method;
    uint64_t key; /* of the branch in its top Via */
    const struct sip_client_tx_user *handler;
    void *user;
};

/* Creates and sends. A transport error at once is reported by on_failure from the wheel, not from
 * within. Errors: ERR_LIMIT, ERR_NO_MEMORY. */
int sip_client_tx_new(struct sip_transactions *t, const struct sip_client_tx_start *start,
                      struct sip_client_tx **ret_tx);
/* Writes and sends a CANCEL in a transaction of its own that nobody listens to (9.1): the same top
 * Via, Request-URI, Route. extra: further header lines (Reason), may be empty. Only in Proceeding;
 * before a 1xx it waits for one (9.1) and is sent then. Harmless when done already. The INVITE
 * transaction ends with 487, or after 64*T1 by itself as timed out (9.1). */
int sip_client_tx_cancel(struct sip_client_tx *tx, struct slice extra);
void sip_client_tx_abandon(struct sip_client_tx *tx);
enum sip_tx_state sip_client_tx_state(const struct sip_client_tx *tx);
const struct flow *sip_client_tx_flow(const struct sip_client_tx *tx);
/* The request as sent; empty once the machine needs it no more (Accepted, Completed of non-INVITE,
 * Terminated). */
struct slice sip_client_tx_request(const struct sip_client_tx *tx);

/* Matches by 17.1.3 and runs the machine. False: no transaction of ours (a stray: RFC 6026
 * section 8.9 drops it). */
bool sip_transactions_on_response(struct sip_transactions *t, const struct sip_message *response,
                                  const struct flow *flow);

/* A connection closed or could not be made: its waiting client transactions fail (17.1.4). */
void sip_transactions_on_connection_closed(struct sip_transactions *t, const struct flow *flow);

#endif
