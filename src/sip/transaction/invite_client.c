/* The INVITE client machine: RFC 3261 figure 5 as RFC 6026 section 8.4 replaces it.
 *
 *                 INVITE
 *                   v
 *    A: INVITE  .---------.  B, transport error
 *    .--------->| Calling |-------------------------------.
 *    '----------'---------'                               |
 *                 |1xx  | \ 2xx                           |
 *        300-699  |     |  '--------------.               |
 *        ACK      v     |                 |               |
 *    .-----<-----.------------.  2xx      v               |
 *    |      1xx  | Proceeding |------>.----------.<-. 2xx |
 *    |      .--->'------------'---.   | Accepted |--'     |
 *    |      '-----'  | 300-699    |   '----------'        |
 *    v               v ACK        |        | M            |
 *   .-----------.<---'            |        |              |
 *   | Completed |<-. 300-699      |        |              |
 *   '-----------'--' ACK          |        |              |
 *         | D, transport error    |        |              |
 *         v                       v        v              v
 *        '------------- Terminated -----------------------'
 *
 * Proceeding is left for Terminated only when a CANCEL was sent and no final response came (9.1).
 */
#include "sip/transaction/rows.h"

static const struct sip_tx_rows rows = {
    ROW(CALLING, REQUEST, CALLING, REQUEST, BOTH(A, B), NONE, "3261 17.1.1.2"),
    ROW(CALLING, TIMER_A, CALLING, REQUEST, ONE(A), NONE, "3261 17.1.1.2"),
    ROW(CALLING, TIMER_B, TERMINATED, TIMEOUT, NONE, ONE(A), "3261 17.1.1.2"),
    ROW(CALLING, 1XX, PROCEEDING, PASS, NONE, BOTH(A, B), "3261 17.1.1.2"),
    ROW(CALLING, 2XX, ACCEPTED, PASS, ONE(M), BOTH(A, B), "6026 8.4"),
    ROW(CALLING, 300_699, COMPLETED, ACK | PASS, ONE(D), BOTH(A, B), "6026 8.4"),
    ROW(CALLING, TRANSPORT_ERROR, TERMINATED, ERROR, NONE, BOTH(A, B), "3261 17.1.4"),

    ROW(PROCEEDING, 1XX, PROCEEDING, PASS, NONE, NONE, "3261 17.1.1.2"),
    ROW(PROCEEDING, 2XX, ACCEPTED, PASS, ONE(M), ONE(CANCEL), "6026 8.4"),
    ROW(PROCEEDING, 300_699, COMPLETED, ACK | PASS, ONE(D), ONE(CANCEL), "6026 8.4"),
    ROW(PROCEEDING, CANCEL, PROCEEDING, NONE, ONE(CANCEL), NONE, "3261 9.1"),
    ROW(PROCEEDING, TIMER_CANCEL, TERMINATED, TIMEOUT, NONE, NONE, "3261 9.1"),

    ROW(COMPLETED, 300_699, COMPLETED, ACK, NONE, NONE, "6026 8.4"),
    ROW(COMPLETED, TIMER_D, TERMINATED, NONE, NONE, NONE, "6026 8.4"),
    ROW(COMPLETED, TRANSPORT_ERROR, TERMINATED, ERROR, NONE, ONE(D), "6026 8.4"),

    ROW(ACCEPTED, 2XX, ACCEPTED, PASS, NONE, NONE, "6026 8.4"),
    ROW(ACCEPTED, TIMER_M, TERMINATED, NONE, NONE, NONE, "6026 8.4"),
};

static const uint32_t timers[SIP_TX_STATES] = {
    [SIP_TX_CALLING] = BOTH(A, B),
    [SIP_TX_PROCEEDING] = ONE(CANCEL),
    [SIP_TX_COMPLETED] = ONE(D),
    [SIP_TX_ACCEPTED] = ONE(M),
};

const struct sip_tx_machine sip_tx_invite_client = {rows.at, timers, SIP_TX_CALLING};
