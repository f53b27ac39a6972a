/* The INVITE server machine: RFC 3261 figure 7 as RFC 6026 section 8.6 replaces it.
 *
 *                       INVITE
 *                         v
 *    INVITE: last 1xx .------------.  1xx from user: send
 *    .--------------->| Proceeding |<-.
 *    '----------------'------------'--'
 *     300-699: send     |         \ 2xx: send
 *                       v          '-----------.
 *    INVITE, G:    .-----------.               v
 *    last response | Completed |<-.       .----------.  INVITE: nothing
 *    .-------------'-----------'--'   .-->| Accepted |  ACK: to user
 *    '----------------->  | ACK \ H   '---'----------'  2xx from user: send
 *                         v      \               | L
 *                  .-----------.  \              |
 *             .--->| Confirmed |   \             |
 *         ACK '----'-----------'    \            |
 *                         | I        |           |
 *                         v          v           v
 *                        '--------- Terminated --'
 *
 * A transport error is told to the user and changes no state (RFC 6026 section 7.1). The 100 that
 * section 17.2.1 asks for within 200 ms is sent by the user: a proxy sends it at once. */
#include "sip/transaction/rows.h"

static const struct sip_tx_rows rows = {
    ROW(PROCEEDING, REQUEST, PROCEEDING, RESEND, NONE, NONE, "3261 17.2.1"),
    ROW(PROCEEDING, 1XX, PROCEEDING, RESPOND, NONE, NONE, "3261 17.2.1"),
    ROW(PROCEEDING, 2XX, ACCEPTED, RESPOND, ONE(L), NONE, "6026 8.5"),
    ROW(PROCEEDING, 300_699, COMPLETED, RESPOND, BOTH(G, H), NONE, "3261 17.2.1"),
    ROW(PROCEEDING, TRANSPORT_ERROR, PROCEEDING, ERROR, NONE, NONE, "6026 8.8"),

    ROW(COMPLETED, REQUEST, COMPLETED, RESEND, NONE, NONE, "3261 17.2.1"),
    ROW(COMPLETED, ACK, CONFIRMED, NONE, ONE(I), BOTH(G, H), "3261 17.2.1"),
    ROW(COMPLETED, TIMER_G, COMPLETED, RESEND, ONE(G), NONE, "3261 17.2.1"),
    ROW(COMPLETED, TIMER_H, TERMINATED, TIMEOUT, NONE, ONE(G), "3261 17.2.1"),
    ROW(COMPLETED, TRANSPORT_ERROR, COMPLETED, ERROR, NONE, NONE, "6026 8.8"),

    ROW(ACCEPTED, REQUEST, ACCEPTED, NONE, NONE, NONE, "6026 8.7"),
    ROW(ACCEPTED, ACK, ACCEPTED, PASS_ACK, NONE, NONE, "6026 8.7"),
    ROW(ACCEPTED, 2XX, ACCEPTED, RESPOND, NONE, NONE, "6026 8.7"),
    ROW(ACCEPTED, TIMER_L, TERMINATED, NONE, NONE, NONE, "6026 8.7"),
    ROW(ACCEPTED, TRANSPORT_ERROR, ACCEPTED, ERROR, NONE, NONE, "6026 8.8"),

    ROW(CONFIRMED, ACK, CONFIRMED, NONE, NONE, NONE, "3261 17.2.1"),
    ROW(CONFIRMED, TIMER_I, TERMINATED, NONE, NONE, NONE, "3261 17.2.1"),
};

static const uint32_t timers[SIP_TX_STATES] = {
    [SIP_TX_COMPLETED] = BOTH(G, H),
    [SIP_TX_ACCEPTED] = ONE(L),
    [SIP_TX_CONFIRMED] = ONE(I),
};

const struct sip_tx_machine sip_tx_invite_server = {rows.at, timers, SIP_TX_PROCEEDING};
