/* The non-INVITE server machine: RFC 3261 figure 8.
 *
 *                       request
 *                          v
 *                      .--------.
 *                      | Trying |--------------.
 *                      '--------'              | 200-699: send
 *                          | 1xx: send         |
 *                          v                   |
 *    request: last 1xx .------------.          |
 *    .---------------->| Proceeding |<-. 1xx   |
 *    '-----------------'------------'--'       |
 *                          | 200-699: send     |
 *                          v                   |
 *    request: final    .-----------.<----------'
 *    .---------------->| Completed |
 *    '-----------------'-----------'
 *                          | J
 *                          v
 *                      Terminated
 *
 * A transport error is told to the user and changes no state: RFC 6026 section 8.8 replaces the
 * rule of section 17.2.4 that figure 8 still shows. RFC 4320 section 4 forbids 101-199 and 408
 * here: server_tx.c refuses them. Its rule for the 100 is the user's: sip_tx_trying_ms. */
#include "sip/transaction/rows.h"

static const struct sip_tx_rows rows = {
    ROW(TRYING, REQUEST, TRYING, NONE, NONE, NONE, "3261 17.2.2"),
    ROW(TRYING, 1XX, PROCEEDING, RESPOND, NONE, NONE, "3261 17.2.2"),
    ROW(TRYING, 2XX, COMPLETED, RESPOND, ONE(J), NONE, "3261 17.2.2"),
    ROW(TRYING, 300_699, COMPLETED, RESPOND, ONE(J), NONE, "3261 17.2.2"),

    ROW(PROCEEDING, REQUEST, PROCEEDING, RESEND, NONE, NONE, "3261 17.2.2"),
    ROW(PROCEEDING, 1XX, PROCEEDING, RESPOND, NONE, NONE, "3261 17.2.2"),
    ROW(PROCEEDING, 2XX, COMPLETED, RESPOND, ONE(J), NONE, "3261 17.2.2"),
    ROW(PROCEEDING, 300_699, COMPLETED, RESPOND, ONE(J), NONE, "3261 17.2.2"),
    ROW(PROCEEDING, TRANSPORT_ERROR, PROCEEDING, ERROR, NONE, NONE, "6026 8.8"),

    ROW(COMPLETED, REQUEST, COMPLETED, RESEND, NONE, NONE, "3261 17.2.2"),
    ROW(COMPLETED, TIMER_J, TERMINATED, NONE, NONE, NONE, "3261 17.2.2"),
    ROW(COMPLETED, TRANSPORT_ERROR, COMPLETED, ERROR, NONE, NONE, "6026 8.8"),
};

static const uint32_t timers[SIP_TX_STATES] = {
    [SIP_TX_COMPLETED] = ONE(J),
};

const struct sip_tx_machine sip_tx_server = {rows.at, timers, SIP_TX_TRYING};
