/* A transaction layer with a clock of its own and a network that only writes down what is sent. */
#ifndef TESTS_UNIT_SIP_TRANSACTION_TX_FIXTURE_H
#define TESTS_UNIT_SIP_TRANSACTION_TX_FIXTURE_H

#include "base/error.h"
#include "sip/transaction/transaction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TX_SENT_MAX 128
#define TX_TEXT_MAX 2048

struct tx_sent {
    uint64_t at_ms;
    struct flow flow;
    size_t len;
    char bytes[TX_TEXT_MAX];
};

struct tx_fixture {
    struct wheel wheel;
    struct random random;
    struct sip_transactions layer;
    uint64_t start_ms;
    unsigned sent_count;
    int send_result;
    struct tx_sent sent[TX_SENT_MAX];
    /* What users were told, over all transactions. */
    unsigned responses;
    unsigned last_status;
    unsigned finals;
    unsigned failures;
    enum sip_tx_failure last_failure;
    unsigned ends;
    uint64_t end_ms;
    char events[TX_TEXT_MAX]; /* "1xx 180;" "failure timeout;" "end;" ... in order */
};

extern const struct sip_client_tx_user tx_client_user;
extern const struct sip_server_tx_user tx_server_user;

/* The last argument of the users' callbacks is the fixture. */
void tx_start(struct tx_fixture *f);
void tx_start_with(struct tx_fixture *f, const struct sip_transactions_config *config);
/* Defaults of RFC 3261, without limits. */
struct sip_transactions_config tx_config(struct tx_fixture *f);
/* Nothing may be left: no transaction, timer, block. */
void tx_stop(struct tx_fixture *f);
/* Moves time on by ms, as an event loop does: from wheel_next to wheel_next. */
void tx_run(struct tx_fixture *f, uint64_t ms);

struct flow tx_flow_udp(void);
struct flow tx_flow_tcp(uint32_t connection);

/* ---- messages ---- */

struct tx_text {
    char bytes[TX_TEXT_MAX];
    struct sip_message message;
};

/* printf into text, then parsed and checked; fails the test when it is no message. */
const struct sip_message *tx_parse(struct tx_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct tx_request {
    const char *method;
    const char *uri;      /* default sip:bob@biloxi.example */
    const char *via;      /* whole value; default SIP/2.0/UDP host;branch=branch */
    const char *branch;   /* default z9hG4bK-a */
    const char *sent_by;  /* default pc33.atlanta.example:5060 */
    const char *from_tag; /* default ft */
    const char *to_tag;   /* default none */
    const char *call_id;  /* default call-1 */
    unsigned cseq;        /* default 1 */
};

const struct sip_message *tx_request_of(struct tx_text *text, const struct tx_request *request);

/* A client transaction for method with fixed headers; its branch is in *ret_branch. */
struct sip_client_tx *tx_client(struct tx_fixture *f, const char *method, struct flow flow,
                                struct sip_branch *ret_branch);
/* Gives the layer a response with this branch and method; returns whether it matched. */
bool tx_answer(struct tx_fixture *f, const struct sip_branch *branch, const char *method,
               unsigned status, const char *to_tag);
/* A server transaction for a request that on_request calls new or a CANCEL. */
struct sip_server_tx *tx_server(struct tx_fixture *f, const struct sip_message *request,
                                struct flow flow);
int tx_respond(struct sip_server_tx *tx, unsigned status, const char *to_tag);

/* The start line of what was sent n-th begins with words. */
void tx_assert_sent(const struct tx_fixture *f, unsigned n, uint64_t after_ms, const char *words);
/* Everything sent so far: one at each of these times after the start, in ms. */
void tx_assert_times(const struct tx_fixture *f, const uint64_t *times, unsigned count);
#define TX_ASSERT_TIMES(f, ...)                                                                    \
    tx_assert_times((f), (const uint64_t[]){__VA_ARGS__},                                          \
                    sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

#endif
