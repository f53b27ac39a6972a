/* How the four tables are written: for their files only. */
#ifndef SIP_TRANSACTION_ROWS_H
#define SIP_TRANSACTION_ROWS_H

#include "sip/transaction/machine.h"

#define NONE 0

struct sip_tx_rows {
    struct sip_tx_row at[SIP_TX_STATES * SIP_TX_EVENTS];
};

/* from, on, to: without their SIP_TX_ prefix. */
#define ROW(from, on, to, actions, start, stop, section)                                           \
    .at[SIP_TX_##from * SIP_TX_EVENTS + SIP_TX_##on] = {                                           \
        SIP_TX_##from, SIP_TX_##on, SIP_TX_##to, (actions), (start), (stop), (section)}

/* Timers by letter. */
#define ONE(a)     SIP_TX_TIMER_BIT(a)
#define BOTH(a, b) (SIP_TX_TIMER_BIT(a) | SIP_TX_TIMER_BIT(b))

#define PASS     SIP_TX_PASS
#define REQUEST  SIP_TX_SEND_REQUEST
#define ACK      SIP_TX_SEND_ACK
#define RESPOND  SIP_TX_SEND_RESPONSE
#define RESEND   SIP_TX_RESEND_RESPONSE
#define TIMEOUT  SIP_TX_TELL_TIMEOUT
#define ERROR    SIP_TX_TELL_ERROR
#define PASS_ACK SIP_TX_PASS_ACK

extern const struct sip_tx_machine sip_tx_invite_client;
extern const struct sip_tx_machine sip_tx_client;
extern const struct sip_tx_machine sip_tx_invite_server;
extern const struct sip_tx_machine sip_tx_server;

#endif
