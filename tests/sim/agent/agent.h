/* Phones that act by themselves, for runs that a seed draws: they register, call each other,
 * answer, refuse, ring, give up, talk, hang up, lose their connection and die. They keep
 * transactions and timers of their own (RFC 3261 chapter 17, as a phone needs them), and check each
 * message that they get. */
#ifndef SIM_AGENT_AGENT_H
#define SIM_AGENT_AGENT_H

#include "sim/phone/digest.h"
#include "sim/phone/rules.h"
#include "sim/phone/view.h"
#include "sim/phone/wire.h"
#include "sim/world/nat.h"

#define AGENTS_MAX    12
#define AGENT_MESSAGE 4096
#define AGENT_T1_US   UINT64_C(500000)
#define AGENT_T2_US   UINT64_C(4000000)
#define AGENT_END_US  (64 * AGENT_T1_US)
/* An INVITE that got a 1xx is given up after that: the server's timer C and B are over by then. */
#define AGENT_PATIENCE_US (UINT64_C(240) * SIM_SECOND)

struct agent;
struct agent_call;
struct agent_tx;

enum crowd_count {
    CROWD_CALLS,      /* begun */
    CROWD_ANSWERED,   /* 2xx got */
    CROWD_REFUSED,    /* another final response got */
    CROWD_CANCELLED,  /* 487 got */
    CROWD_UNANSWERED, /* INVITEs that got no final response */
    CROWD_LOST,       /* other requests that got none */
    CROWD_REGISTERED, /* REGISTERs answered 2xx */
    CROWD_MESSAGES,   /* MESSAGEs answered */
    CROWD_GAVE_UP,    /* answered calls whose ACK never came */
    CROWD_COUNTS
};

/* All agents of a run. */
struct crowd {
    struct sim_world *world;
    struct address server;
    bool certain; /* nothing is lost and nobody dies: what must come of each call is known */
    bool crashes; /* the server may forget: a request may reach a phone twice */
    bool open;    /* registration needs no credentials: its answers are made anew each time */
    bool follows; /* the server follows redirects */
    bool serial;  /* phones of a user ring one after the other */
    unsigned count;
    struct agent *agents[AGENTS_MAX]; /* owned */
    uint64_t counts[CROWD_COUNTS];
    char failure[3072]; /* empty: none */
};

/* What is to become of a call: drawn by the caller, told to the called phone in a header. */
enum agent_end {
    END_ANSWER,
    END_BUSY,
    END_DECLINE,
    END_RING,
    END_SILENT,
    END_UNAVAILABLE,
    END_REDIRECT, /* 302 to another user */
    ENDS
};

struct agent_plan {
    enum agent_end end;
    uint32_t ring_ms;     /* until the phone does it */
    uint32_t patience_ms; /* then the caller gives up; 0: never */
    uint32_t talk_ms;
    bool callee_hangs_up;
    bool reinvite;        /* while they talk */
    bool reinvite_callee; /* and it is the called one who does it */
    bool certain;         /* the phones called were registered, without a doubt */
};

/* ---- Transactions ---- */

struct agent_final {
    struct list node;
    struct view view;
    char bytes[];
};

/* A response came (status), or none did (view NULL). */
typedef void agent_tx_fn(struct agent_tx *tx, const struct view *view);

/* A request that was sent; kept to the end of the run. */
struct agent_tx {
    struct list node;
    struct agent *agent;
    struct sim_event again; /* sends it once more, or ends it */
    uint64_t begun_us;
    uint64_t interval_us;
    uint64_t end_us;
    bool tcp;
    bool invite;
    bool provisional;
    bool over;
    struct address to;
    struct list finals; /* struct agent_final */
    agent_tx_fn *done;
    void *user;
    char ack[AGENT_MESSAGE]; /* of a refusal */
    size_t ack_len;
    struct view view;
    char bytes[];
};

/* A request that came; kept to the end of the run. */
struct agent_answer {
    struct list node;
    struct agent *agent;
    struct sim_event again;
    uint64_t interval_us;
    uint64_t end_us;
    bool tcp;
    bool acked;
    unsigned status; /* last one sent */
    struct address peer;
    struct agent_call *call;
    char response[AGENT_MESSAGE];
    size_t response_len;
    struct view view;
    char bytes[];
};

/* ---- Calls ---- */

enum agent_state { CALL_TRYING, CALL_RINGING, CALL_UP, CALL_ENDING, CALL_OVER };

struct agent_call {
    struct list node;
    struct agent *agent;
    bool caller;
    enum agent_state state;
    struct agent_plan plan;
    char target[32]; /* user called */
    char call_id[64];
    char from[256]; /* ours, as in our requests */
    char to[256];
    char uri[256]; /* remote target */
    char route[768];
    uint32_t cseq;
    struct sim_event timer;
    struct agent_tx *invite;      /* the initial one, last try */
    struct agent_answer *invited; /* the initial one */
    unsigned tries;               /* with credentials */
    unsigned final;               /* status of the initial INVITE, 0: none */
    bool cancelled;
    bool reinviting;
    int64_t begun_ms; /* Unix time */
    struct list acks; /* struct agent_final: ACKs of 2xx, sent again with each */
};

/* ---- Agents ---- */

struct agent {
    struct crowd *crowd;
    char name[32]; /* "user1-2": the second phone of user1 */
    char user[16];
    struct sim_host *host;
    struct sim_nat nat;
    struct sim_nat outer; /* around it, where there are two */
    struct wire wire;
    bool tcp;
    bool dead;
    unsigned ids;
    struct digest_challenge challenge;
    struct list txs;
    struct list answers;
    struct list calls;
    struct list messages;
    /* Registration: one REGISTER at a time (10.2). */
    uint32_t register_cseq;
    unsigned register_tries;
    bool registering;
    bool uncertain; /* the last REGISTER got no answer, or is under way */
    bool present;   /* as acknowledged last */
    uint32_t wanted_s;
    const char *q; /* of its contact; NULL: none */
    /* Unix time when it expires: the server counts from some moment between request and answer. */
    int64_t until_ms;
    int64_t until_latest_ms;
    int64_t removed_ms; /* when it was last asked to be taken off */
};

/* nat: what is before the phone, from the inside out; SIM_NAT_NONE: nothing more. */
struct agent *agent_new(struct crowd *crowd, const char *user, unsigned device, bool tcp,
                        const enum sim_nat_kind nat[2]);
void agent_free(struct agent *agent);
void agent_fail(struct agent *agent, const struct view *view, const char *what);
/* Power off: nothing is sent, nothing comes any more. */
void agent_die(struct agent *agent);
bool crowd_failed(const struct crowd *crowd);
/* Nothing is under way any more; else *ret_what says what. */
bool agent_is_quiet(const struct agent *agent, const char **ret_what);

/* message.c */
struct agent_request {
    const char *method;
    const char *uri;
    const char *from;
    const char *to;
    const char *call_id;
    const char *route; /* lines, may be NULL */
    const char *extra; /* lines, may be NULL */
    uint32_t cseq;
    bool credentials;
};
void agent_write_request(struct agent *agent, const struct agent_request *request,
                         struct writer *w);
void agent_write_ack(struct agent *agent, const struct agent_tx *tx, const struct view *response,
                     struct writer *w);
/* tag: for To where it has none; may be NULL. */
void agent_write_response(struct agent *agent, const struct view *request, unsigned status,
                          const char *extra, struct writer *w);
/* Where a request with this route and URI goes. */
void agent_next_hop(struct agent *agent, const char *route, const char *uri, bool *ret_tcp,
                    struct address *ret_to);
/* Takes a challenge; false when the response brings none. */
bool agent_challenged(struct agent *agent, const struct view *response);

/* tx.c */
struct agent_tx *agent_send(struct agent *agent, struct slice bytes, bool tcp,
                            const struct address *to, agent_tx_fn *done, void *user);
void agent_transmit(struct agent *agent, bool tcp, const struct address *to, struct slice bytes);
void agent_on_response(struct agent *agent, const struct view *view);
void agent_tx_free(struct agent_tx *tx);
/* Answers; a final one to an INVITE is sent again until its ACK comes. */
void agent_respond(struct agent_answer *answer, unsigned status, const char *extra);
void agent_answer_free(struct agent_answer *answer);

/* receive.c */
void agent_on_message(void *user, bool tcp, const struct address *from, struct slice bytes);

/* register.c: expires_s 0 takes the phone off. Does nothing while one is under way. */
void agent_register(struct agent *agent, uint32_t expires_s);

/* call.c */
void agent_call(struct agent *agent, const char *user, const struct agent_plan *plan);
void agent_message(struct agent *agent, const char *user);
void agent_messages_free(struct agent *agent);
void call_hang_up(struct agent_call *call);
void call_reinvite(struct agent_call *call);
void call_over(struct agent_call *call);
void call_free(struct agent_call *call);
struct agent_call *agent_call_find(struct agent *agent, const struct view *view);
/* callee.c */
void callee_on_invite(struct agent *agent, struct agent_answer *answer);
void callee_on_cancel(struct agent *agent, struct agent_answer *cancel);
void callee_on_ack(struct agent *agent, const struct view *ack);
/* The ACK of a 2xx never came. */
void callee_on_no_ack(struct agent_answer *answer);
void call_on_timer(struct sim_event *event);

#endif
