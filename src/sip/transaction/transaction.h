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

/* The transaction user's side. Any callback may be NULL. Callbacks may create, cancel, abandon and
 * answer any transaction, their own too. They come from the wheel, from a message or from a closed
 * connection, never from within a call that the user makes (sip_transactions_done apart). */
struct sip_client_tx_user {
    /* Every response that the machine passes up: 1xx, the final one, further 2xx to an INVITE.
     * Borrowed for the call. */
    void (*on_response)(struct sip_client_tx *tx, void *user, const struct sip_message *response);
    /* No final response will come (17.1.4; timers B and F; 9.1). on_end follows. Either this or
     * on_response with a final status is called, never both. */
    void (*on_failure)(struct sip_client_tx *tx, void *user, enum sip_tx_failure failure);
    /* The connection of an INVITE that got a 1xx has closed: its final response can come over
     * another one only (18.2.2). The transaction goes on. */
    void (*on_connection_closed)(struct sip_client_tx *tx, void *user);
    /* The last call: the transaction is freed when this returns. */
    void (*on_end)(struct sip_client_tx *tx, void *user);
};

struct sip_server_tx_user {
    /* At most once. TRANSPORT: a response could not be sent again; the transaction stays as it is
     * (RFC 6026 section 8.8). TIMEOUT: no ACK came (timer H); on_end follows. */
    void (*on_failure)(struct sip_server_tx *tx, void *user, enum sip_tx_failure failure);
    /* The last call: the transaction is freed when this returns. */
    void (*on_end)(struct sip_server_tx *tx, void *user);
};

struct sip_transactions_config {
    struct sip_tx_times times; /* none may be 0 */
    uint32_t limit;            /* transactions at once, of both sides together; 0: no limit */
    size_t memory_limit;       /* bytes of kept messages; 0: no limit */
    uint8_t worker; /* written into branches, so that any worker finds the owner of a response */
    /* Sends bytes along a flow; a negative result counts as transport error (17.1.4). It must not
     * call the layer. */
    int (*send)(void *user, const struct flow *flow, struct slice data);
    void *user;
};

enum {
    SIP_TX_COUNT_CLIENT,          /* client transactions begun */
    SIP_TX_COUNT_SERVER,          /* server transactions begun */
    SIP_TX_COUNT_RETRANSMIT_IN,   /* requests and responses that came again */
    SIP_TX_COUNT_RETRANSMIT_OUT,  /* sent again: requests, responses, ACKs */
    SIP_TX_COUNT_TIMEOUT,         /* timers B, F, H, and the wait after a CANCEL */
    SIP_TX_COUNT_TRANSPORT_ERROR, /* failed sends; transactions whose connection closed */
    SIP_TX_COUNT_REFUSED,         /* invalid requests, forbidden responses, limits reached */
    SIP_TX_COUNTS
};

struct sip_transactions {
    struct sip_transactions_config config;
    struct wheel *wheel;   /* borrowed */
    struct random *random; /* borrowed */
    struct hash_key key;   /* of what server transactions are matched by */
    struct table clients;
    struct table servers;
    struct table by_connection; /* streams with the client transactions that depend on them */
    struct pool client_pool;
    struct pool server_pool;
    struct pool connection_pool;
    struct blocks blocks; /* what is kept of messages */
    bool closing;         /* sip_transactions_done runs */
    uint64_t counts[SIP_TX_COUNTS];
};

/* Errors: ERR_RANGE (a time is 0), ERR_NO_MEMORY. */
int sip_transactions_init(struct sip_transactions *t, const struct sip_transactions_config *config,
                          struct wheel *wheel, struct random *random);
/* Takes over times, limit and memory_limit; what is there beyond them stays. */
void sip_transactions_reload(struct sip_transactions *t,
                             const struct sip_transactions_config *config);
/* Frees every transaction; users get on_end, nothing is sent or begun any more. Not from within a
 * callback. */
void sip_transactions_done(struct sip_transactions *t);
/* Transactions that exist now. */
size_t sip_transactions_count(const struct sip_transactions *t);
/* Those of them that still lead to something: no final response yet, or, of an INVITE server
 * transaction, one that waits for its ACK. The others only absorb retransmissions. Looks at all. */
size_t sip_transactions_unfinished(struct sip_transactions *t);

/* ---- Branches -------------------------------------------------------------------------------- */

/* "z9hG4bK" "tz" worker(2 hex) key(16 hex) "." loop(16 hex): we are the only ones who write this
 * form. Lower case. */
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

/* ---- Server transactions (17.2) -------------------------------------------------------------- */

enum sip_request_match {
    SIP_REQUEST_NEW,      /* no transaction: the user decides */
    SIP_REQUEST_ABSORBED, /* a retransmission, or the ACK of a non-2xx: all is done */
    SIP_REQUEST_ACK, /* an ACK without or past its transaction, to be routed (13.2.2.4, 16); *ret_tx
                        is the INVITE's when that was accepted, else NULL */
    SIP_REQUEST_CANCEL,  /* a new CANCEL; *ret_tx is the transaction that it cancels (an INVITE
                            before any other), or NULL (9.2) */
    SIP_REQUEST_INVALID, /* no usable Via, From, Call-ID or CSeq: answer 400, or drop (an ACK) */
};

/* What on_request and sip_server_tx_new match by is computed here once, if this is called first; by
 * the time that they look for it, it is in the caches. For a message that passed sip_message_check.
 */
void sip_transactions_expect(const struct sip_transactions *t, struct sip_message *request);
/* Is there a transaction that this request is a retransmission for? After expect; not for an ACK.
 */
bool sip_transactions_know(const struct sip_transactions *t, const struct sip_message *request);
/* Matches by 17.2.3, RFC 2543 rules where the branch lacks the magic, and runs the machine. The
 * message must have passed sip_message_check. *ret_tx is always set. */
enum sip_request_match sip_transactions_on_request(struct sip_transactions *t,
                                                   const struct sip_message *request,
                                                   struct sip_server_tx **ret_tx);

/* A transaction for a request that is SIP_REQUEST_NEW or _CANCEL. flow: where responses go (18.2.2,
 * already decided by the caller). The layer sends no 100 by itself (17.2.1: within 200 ms; RFC 4320
 * section 4.1: sip_tx_trying_ms): the user does. The user owes a final response or
 * sip_server_tx_abandon: no timer ends an unanswered transaction. Errors: ERR_LIMIT, ERR_NO_MEMORY,
 * ERR_SYNTAX (what on_request calls invalid), ERR_CLOSED. */
int sip_server_tx_new(struct sip_transactions *t, const struct sip_message *request,
                      const struct flow *flow, const struct sip_server_tx_user *handler, void *user,
                      struct sip_server_tx **ret_tx);
/* Sends a response (whole bytes, copied if it must be kept). A further 2xx in Accepted is sent too
 * (RFC 6026 section 7.1). 0 or
 * ERR_INVALID: nothing was sent: the machine forbids it, or RFC 4320 section 4 does (101-199 and
 *   408 to a non-INVITE: who has no other answer abandons the transaction);
 * ERR_UNREACHABLE: it could not be sent; the machine went on, and may send it again;
 * ERR_NO_MEMORY: it was sent, but will not be sent again;
 * ERR_CLOSED: sip_transactions_done runs. */
int sip_server_tx_respond(struct sip_server_tx *tx, unsigned status, struct slice response);
/* The user forgets it: no more callbacks; the machine runs to its end. One without a final response
 * is freed, at once or when the callback in which this is called returns. */
void sip_server_tx_abandon(struct sip_server_tx *tx);
enum sip_tx_state sip_server_tx_state(const struct sip_server_tx *tx);
const struct flow *sip_server_tx_flow(const struct sip_server_tx *tx);
void *sip_server_tx_user_data(const struct sip_server_tx *tx);
/* NULL when it has another handler: tells whose transaction it is. */
void *sip_server_tx_user_of(const struct sip_server_tx *tx,
                            const struct sip_server_tx_user *handler);

/* ---- Client transactions (17.1) -------------------------------------------------------------- */

struct sip_client_tx_start {
    struct flow flow;
    struct slice request; /* whole bytes; copied */
    enum sip_method method;
    struct sip_branch branch; /* of its top Via: from sip_branch_new, never used before */
    const struct sip_client_tx_user *handler;
    void *user;
};

/* Creates and sends. Not for ACK. An INVITE that got a 1xx has no timer of its own: timer C is the
 * user's (16.6 step 11), who then cancels. Every transport error, one at once too, is reported by
 * on_failure from the wheel. Errors: ERR_LIMIT, ERR_NO_MEMORY, ERR_CLOSED; then
 * nothing was sent. */
int sip_client_tx_new(struct sip_transactions *t, const struct sip_client_tx_start *start,
                      struct sip_client_tx **ret_tx);
/* Writes and sends a CANCEL of an INVITE in a transaction of its own that nobody listens to (9.1):
 * the same flow, top Via, Request-URI, Route. extra: further header lines (Reason), may be empty.
 * Before a 1xx it waits for one and is sent then (9.1). Once a final response came, or a second
 * time, it does nothing. The INVITE transaction ends with 487 or what else the server answers, or
 * 64*T1 after the CANCEL by itself as timed out (9.1), also when the CANCEL could not be sent.
 * Errors: ERR_UNSUPPORTED (not an INVITE), ERR_NO_MEMORY, ERR_SYNTAX (an INVITE without the headers
 * that the CANCEL repeats), ERR_CLOSED. */
int sip_client_tx_cancel(struct sip_client_tx *tx, struct slice extra);
/* The user forgets it: no more callbacks; the machine runs to its end, an INVITE that got a 1xx and
 * no CANCEL for 64*T1 more at most. */
void sip_client_tx_abandon(struct sip_client_tx *tx);
/* The request is not sent again; answers that come all the same count as ever. For a server in
 * whose place another one has been asked (RFC 3263 section 4.3). */
void sip_client_tx_hush(struct sip_client_tx *tx);
enum sip_tx_state sip_client_tx_state(const struct sip_client_tx *tx);
const struct flow *sip_client_tx_flow(const struct sip_client_tx *tx);
/* The request as sent, while the machine needs it: until on_response returns with the final
 * response. Empty later, and for a non-INVITE on a reliable transport always. */
struct slice sip_client_tx_request(const struct sip_client_tx *tx);

/* Matches by 17.1.3 and runs the machine. False: no transaction of ours (a stray: RFC 6026
 * section 8.9 drops it). */
bool sip_transactions_on_response(struct sip_transactions *t, const struct sip_message *response);

/* A connection closed or could not be made: the client transactions on it fail that still wait for
 * a first response, or for a final one to a non-INVITE (17.1.4, figures 5 and 6). An INVITE that
 * got a 1xx lives on: its final response may come over another connection (18.2.2); its user is
 * told. */
void sip_transactions_on_connection_closed(struct sip_transactions *t, const struct flow *flow);

#endif
