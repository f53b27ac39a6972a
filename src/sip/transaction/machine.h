/* The four transaction machines of RFC 3261 chapter 17 as RFC 6026 and RFC 4320 changed them: const
 * tables, pure. invite_client.c, invite_server.c, client.c, server.c hold one each, with the
 * section at each row. */
#ifndef SIP_TRANSACTION_MACHINE_H
#define SIP_TRANSACTION_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

enum sip_tx_kind {
    SIP_TX_INVITE_CLIENT,
    SIP_TX_CLIENT,
    SIP_TX_INVITE_SERVER,
    SIP_TX_SERVER,
    SIP_TX_KINDS
};

enum sip_tx_state {
    SIP_TX_CALLING, /* INVITE client */
    SIP_TX_TRYING,  /* non-INVITE */
    SIP_TX_PROCEEDING,
    SIP_TX_COMPLETED,
    SIP_TX_ACCEPTED,  /* INVITE, RFC 6026 */
    SIP_TX_CONFIRMED, /* INVITE server */
    SIP_TX_TERMINATED,
    SIP_TX_STATES
};

/* Timers A to M by their letters (RFC 3261 table 4, RFC 6026 section 7.1). C is the proxy's. */
enum sip_tx_event {
    SIP_TX_REQUEST, /* client: the user starts it; server: a (re)transmission arrived */
    SIP_TX_ACK,     /* server INVITE */
    SIP_TX_1XX,
    SIP_TX_2XX,
    SIP_TX_300_699, /* client: received; server: the user sends */
    SIP_TX_TIMER_A,
    SIP_TX_TIMER_B,
    SIP_TX_TIMER_D,
    SIP_TX_TIMER_E,
    SIP_TX_TIMER_F,
    SIP_TX_TIMER_G,
    SIP_TX_TIMER_H,
    SIP_TX_TIMER_I,
    SIP_TX_TIMER_J,
    SIP_TX_TIMER_K,
    SIP_TX_TIMER_L,
    SIP_TX_TIMER_M,
    SIP_TX_TIMER_CANCEL, /* the wait for a final response after a CANCEL: section 9.1 gives it no
                            letter */
    SIP_TX_CANCEL,       /* client INVITE: a CANCEL was sent */
    SIP_TX_TRANSPORT_ERROR,
    SIP_TX_EVENTS
};

/* Bit of a timer in start, stop and sip_tx_state_timers. */
#define SIP_TX_TIMER_BIT(letter) (UINT32_C(1) << SIP_TX_TIMER_##letter)

enum sip_tx_action {
    SIP_TX_SEND_REQUEST = 1 << 0,
    SIP_TX_SEND_ACK = 1 << 1,
    SIP_TX_SEND_RESPONSE = 1 << 2,   /* the response of the event; it becomes the last one */
    SIP_TX_RESEND_RESPONSE = 1 << 3, /* the last response again */
    SIP_TX_PASS = 1 << 4,            /* the response goes to the user */
    SIP_TX_TELL_TIMEOUT = 1 << 5,
    SIP_TX_TELL_ERROR = 1 << 6,
    SIP_TX_PASS_ACK = 1 << 7, /* the ACK of a 2xx goes to the user (RFC 6026 section 7.1) */
};

struct sip_tx_row {
    uint8_t state;
    uint8_t event;
    uint8_t next;
    uint16_t actions;
    uint32_t start; /* SIP_TX_TIMER_BIT each */
    uint32_t stop;
    const char *section; /* RFC and section, e.g. "3261 17.1.1.2"; NULL: no row, the event is
                            ignored in this state */
};

struct sip_tx_machine {
    const struct sip_tx_row *rows; /* the row of (state, event) at state * SIP_TX_EVENTS + event */
    const uint32_t *timers;        /* by state: which may run there */
    uint8_t initial;
};

/* The table of a kind; static. */
const struct sip_tx_machine *sip_tx_machine(enum sip_tx_kind kind);
/* The row for event in state, or NULL: the event is ignored there. O(1). */
const struct sip_tx_row *sip_tx_row(enum sip_tx_kind kind, enum sip_tx_state state,
                                    enum sip_tx_event event);
/* Which timers may run in a state: a second table, RFC 3261 table 4 read the other way; a test
 * proves that the rows agree with it. */
uint32_t sip_tx_state_timers(enum sip_tx_kind kind, enum sip_tx_state state);

struct sip_tx_times {
    uint32_t t1_ms; /* 500 */
    uint32_t t2_ms; /* 4,000 */
    uint32_t t4_ms; /* 5,000 */
};

#define SIP_TX_NO_TIMER UINT32_MAX

/* Duration of a timer (RFC 3261 table 4, RFC 6026 section 8.11). 0: it fires at once;
 * SIP_TX_NO_TIMER: it is not started (A, E and G on a reliable transport). proceeding: the state in
 * which E is started. before: how often A, E or G was started in this transaction before. */
uint32_t sip_tx_timer_ms(enum sip_tx_event timer, const struct sip_tx_times *times, bool reliable,
                         bool proceeding, unsigned before);
/* A, E or G: timers that send again. The others end a state. */
bool sip_tx_timer_resends(enum sip_tx_event timer);
/* How long after a non-INVITE request came its first 100 may be sent over UDP, and must be over any
 * transport when nothing else was (RFC 4320 section 4.1): when timer E of the client is reset to
 * T2. The layer does not send it by itself: who forwards the request (the proxy) does. */
uint32_t sip_tx_trying_ms(const struct sip_tx_times *times);

/* The event of a response; status in [100, 699]. */
enum sip_tx_event sip_tx_status_event(unsigned status);

/* As the RFC writes them: "Proceeding", "timer G". Static. */
const char *sip_tx_state_name(enum sip_tx_state state);
const char *sip_tx_event_name(enum sip_tx_event event);

#endif
