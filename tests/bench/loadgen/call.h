/* Calls of which both phones are in the generator: one struct per call, one file per side. */
#ifndef LOADGEN_CALL_H
#define LOADGEN_CALL_H

#include "parts.h"

/* The calling side. */
enum caller_state {
    CALLER_FREE,
    CALLER_CALLING,    /* INVITE sent */
    CALLER_PROCEEDING, /* provisional answer came */
    CALLER_TALKING,    /* ACK sent */
    CALLER_ENDING,     /* BYE sent */
};

/* The called side. */
enum callee_state {
    CALLEE_IDLE,
    CALLEE_RINGING,  /* 180 sent */
    CALLEE_ANSWERED, /* 200 sent, no ACK yet */
    CALLEE_TALKING,  /* ACK came */
    CALLEE_GONE,     /* BYE came */
};

struct call {
    struct timer caller_timer, callee_timer;
    uint64_t begun;    /* INVITE sent, first time */
    uint64_t ended;    /* BYE sent, first time */
    uint64_t answered; /* 200 sent, first time */
    uint32_t generation;
    uint32_t caller, callee; /* users */
    enum caller_state caller_state;
    enum callee_state callee_state;
    bool acked;
    uint16_t target_len, route_len, to_tag_len, answer_len;
    uint16_t answer_source;
    struct sockaddr_in answer_to;
    char target[128]; /* remote target: the called phone's Contact URI (RFC 3261 section 12.1.2) */
    char route[384];  /* Route header lines of the caller, as they are sent */
    char to_tag[64];
    char answer[1408]; /* the 200, to be retransmitted */
};

struct calls {
    struct slots slots;
    struct call *call; /* one per slot */
    uint32_t capacity;
    uint64_t started;
    uint32_t releasing; /* slots that mode hold has gone through at its end */
    uint32_t ending;    /* held calls that are being ended */
};

uint32_t call_slot(const struct calls *calls, const struct call *call);

/* The call that a message's Call-ID names; NULL when it is none that runs. */
struct call *call_of_message(const struct engine *engine, const struct message *message);

/* Lines that both sides write or check alike. */
void call_write_id(struct text *text, const struct engine *engine, const struct call *call);
void call_write_body(struct text *text, const struct engine *engine, const struct call *call,
                     uint32_t user);
bool call_body_right(const struct engine *engine, const struct message *m, const struct call *call,
                     uint32_t user);

/* Where a message goes when the server is not in between: the address in a SIP URI or a Via's
 * sent-by ("IP:PORT"). */
bool call_address(struct span text, struct sockaddr_in *ret_address);

void caller_start(struct engine *engine, struct call *call);
void caller_on_response(struct engine *engine, struct call *call, const struct message *m);
void caller_on_timer(struct engine *engine, struct call *call);
void caller_end(struct engine *engine, struct call *call);

void callee_on_request(struct engine *engine, struct call *call, const struct message *m,
                       unsigned source);
void callee_on_timer(struct engine *engine, struct call *call);
void callee_answer(struct engine *engine, struct call *call);

/* The call is over on the calling side; status 200 is success, 0 a time-out. */
void call_over(struct engine *engine, struct call *call, unsigned status);

#endif
