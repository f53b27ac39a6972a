/* What happened in a run: counts by kind of message, failures, latencies; and the report of it. */
#ifndef LOADGEN_STATS_H
#define LOADGEN_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "options.h"
#include "text.h"
#include "watch.h"

/* X(name, text): each kind of message, counted once as sent and once as received. */
#define STATS_KINDS(X)                                                                             \
    X(REGISTER, "REGISTER")                                                                        \
    X(REGISTER_AUTH, "REGISTER authorized")                                                        \
    X(REGISTER_401, "401 REGISTER")                                                                \
    X(REGISTER_200, "200 REGISTER")                                                                \
    X(OPTIONS, "OPTIONS")                                                                          \
    X(OPTIONS_200, "200 OPTIONS")                                                                  \
    X(INVITE, "INVITE")                                                                            \
    X(INVITE_100, "100 INVITE")                                                                    \
    X(INVITE_180, "180 INVITE")                                                                    \
    X(INVITE_200, "200 INVITE")                                                                    \
    X(INVITE_FAILED, "3xx-6xx INVITE")                                                             \
    X(ACK, "ACK")                                                                                  \
    X(ACK_FAILED, "ACK of 3xx-6xx")                                                                \
    X(BYE, "BYE")                                                                                  \
    X(BYE_200, "200 BYE")                                                                          \
    X(OTHER, "other")

/* X(name, text): each way in which a message that reached us can be wrong. */
#define STATS_WRONGS(X)                                                                            \
    X(MESSAGE, "not a whole SIP message")                                                          \
    X(VIA, "Via")                                                                                  \
    X(URI, "Request-URI")                                                                          \
    X(MAX_FORWARDS, "Max-Forwards")                                                                \
    X(RECORD_ROUTE, "Record-Route")                                                                \
    X(ROUTE, "Route")                                                                              \
    X(CONTACT, "Contact")                                                                          \
    X(TAG, "tag")                                                                                  \
    X(CSEQ, "CSeq")                                                                                \
    X(BODY, "body")                                                                                \
    X(CHALLENGE, "challenge")

#define STATS_KIND(name, text)  KIND_##name,
#define STATS_WRONG(name, text) WRONG_##name,
enum stats_kind { STATS_KINDS(STATS_KIND) KIND_COUNT };
enum stats_wrong { STATS_WRONGS(STATS_WRONG) WRONG_COUNT };

enum stats_latency {
    LATENCY_ANSWER,  /* request to final answer */
    LATENCY_RING,    /* INVITE to 180 */
    LATENCY_BYE,     /* BYE to 200 */
    LATENCY_REFUSAL, /* mode flood: INVITE to 3xx-6xx */
    LATENCY_COUNT,
};

struct stats {
    uint64_t offered; /* started, or due but not started because the window was full */
    uint64_t started;
    uint64_t done;
    uint64_t failed; /* by status, time-out or both */
    uint64_t timeouts;
    uint64_t resent;      /* requests and 200s that we retransmitted */
    uint64_t stray;       /* messages that belong to nothing that is running */
    uint64_t ack_lost;    /* calls that ended without an ACK at the called side */
    uint64_t retry_after; /* 503 with Retry-After */
    uint64_t status[700]; /* final answers that are failures */
    uint64_t wrong[WRONG_COUNT];
    uint64_t sent[KIND_COUNT], received[KIND_COUNT];
    uint32_t sent_size[KIND_COUNT], received_size[KIND_COUNT]; /* of the last one */
    struct histogram latency[LATENCY_COUNT];
};

/* The state of things at one moment, to take differences from. */
struct stats_mark {
    uint64_t now, offered, started, done, failed, idle, cpu, steal;
    struct watch watch;
};

void stats_sent(struct stats *stats, enum stats_kind kind, size_t size);
void stats_received(struct stats *stats, enum stats_kind kind, size_t size);

/* Counts a wrong message; the first few are printed on stderr whole. */
void stats_wrong(struct stats *stats, enum stats_wrong wrong, struct span message);
uint64_t stats_wrong_sum(const struct stats *stats);

/* Prints the result on stdout: one JSON object, or text for people. */
void stats_report(const struct stats *stats, const struct stats_mark *from,
                  const struct stats_mark *to, const struct options *options);

#endif
