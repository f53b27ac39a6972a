/* The non-INVITE client machine: RFC 3261 figure 6.
 *
 *                request
 *                   v
 *    E: request .--------.  F, transport error
 *    .--------->| Trying |-------------------------.
 *    '----------'--------'                         |
 *                 |1xx  \ 200-699                  |
 *                 v      '-----------.             |
 *    E: request .------------.       |             |
 *    .--------->| Proceeding |-------|-------------|
 *    '----------'------------'<-.    |    F, transport error
 *                 |     '-------'    |             |
 *                 |        1xx       |             |
 *                 | 200-699          |             |
 *                 v                  |             |
 *               .-----------.<-------'             |
 *               | Completed |                      |
 *               '-----------'                      |
 *                 | K                              |
 *                 v                                v
 *               '----------- Terminated -----------'
 */
#include "sip/transaction/rows.h"

static const struct sip_tx_rows rows = {
    ROW(TRYING, REQUEST, TRYING, REQUEST, BOTH(E, F), NONE, "3261 17.1.2.2"),
    ROW(TRYING, TIMER_E, TRYING, REQUEST, ONE(E), NONE, "3261 17.1.2.2"),
    ROW(TRYING, TIMER_F, TERMINATED, TIMEOUT, NONE, ONE(E), "3261 17.1.2.2"),
    ROW(TRYING, 1XX, PROCEEDING, PASS, NONE, NONE, "3261 17.1.2.2"),
    ROW(TRYING, 2XX, COMPLETED, PASS, ONE(K), BOTH(E, F), "3261 17.1.2.2"),
    ROW(TRYING, 300_699, COMPLETED, PASS, ONE(K), BOTH(E, F), "3261 17.1.2.2"),
    ROW(TRYING, TRANSPORT_ERROR, TERMINATED, ERROR, NONE, BOTH(E, F), "3261 17.1.4"),

    ROW(PROCEEDING, TIMER_E, PROCEEDING, REQUEST, ONE(E), NONE, "3261 17.1.2.2"),
    ROW(PROCEEDING, TIMER_F, TERMINATED, TIMEOUT, NONE, ONE(E), "3261 17.1.2.2"),
    ROW(PROCEEDING, 1XX, PROCEEDING, PASS, NONE, NONE, "3261 17.1.2.2"),
    ROW(PROCEEDING, 2XX, COMPLETED, PASS, ONE(K), BOTH(E, F), "3261 17.1.2.2"),
    ROW(PROCEEDING, 300_699, COMPLETED, PASS, ONE(K), BOTH(E, F), "3261 17.1.2.2"),
    ROW(PROCEEDING, TRANSPORT_ERROR, TERMINATED, ERROR, NONE, BOTH(E, F), "3261 17.1.4"),

    ROW(COMPLETED, TIMER_K, TERMINATED, NONE, NONE, NONE, "3261 17.1.2.2"),
};

static const uint32_t timers[SIP_TX_STATES] = {
    [SIP_TX_TRYING] = BOTH(E, F),
    [SIP_TX_PROCEEDING] = BOTH(E, F),
    [SIP_TX_COMPLETED] = ONE(K),
};

const struct sip_tx_machine sip_tx_client = {rows.at, timers, SIP_TX_TRYING};
