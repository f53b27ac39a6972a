/* The inside of the proxy, shared by the files of this folder only. */
#ifndef SERVICE_PROXY_PRIVATE_H
#define SERVICE_PROXY_PRIVATE_H

#include "base/list.h"
#include "service/proxy/proxy.h"
#include "stack/resolver.h"

#define PROXY_BRANCHES_MAX   64    /* of one request, ever */
#define PROXY_DATAGRAM_MAX   65507 /* over IPv4; IPv6 carries 20 bytes more */
#define PROXY_TEXT_MAX       8192  /* of the lines put into one forwarded message */
#define PROXY_CHALLENGES_MAX 4096  /* bytes of challenges gathered from branches */

struct proxy {
    struct proxy_config config;
    struct endpoint *endpoint; /* borrowed, as all below */
    struct sip_transactions *transactions;
    struct authenticator *authenticator;
    struct location *location;
    struct accounts *accounts;
    const struct domains *domains;
    struct resolver *resolver;        /* owned */
    const struct locate_trace *trace; /* borrowed; NULL but in a dry run */
    struct hash_key loop_key;         /* of the loop hash in branches */
    struct hash_key token_key; /* of the dialog token in our Record-Route: the same for all workers
                                  and after a restart */
    uint32_t run;              /* see proxy_parts */
    struct gruu *gruu;         /* owned */
    struct pool contexts;
    struct pool branches;
    struct pool acks; /* ACKs that wait for a name */
    struct blocks blocks;
    struct list context_list;
    struct arena arena; /* for one event; reset after it */
    metric metrics[PROXY_METRICS];
    struct location_bindings bindings;
    struct list ack_list;
    uint64_t told_of_domain_ms; /* see policy.c */
    struct sip_limits unlimited;
    struct sip_message message; /* the stored request of a context, parsed again */
    char text[PROXY_TEXT_MAX];
    char *out; /* owned: whatever is taken from the wire fits in, with what is put into it */
    size_t out_size;
};

/* Who opened a dialog that we record-routed (decision 0003). */
enum proxy_token_class {
    PROXY_TOKEN_NONE,     /* we did not, as far as the request proves */
    PROXY_TOKEN_STRANGER, /* somebody without credentials */
    PROXY_TOKEN_USER,     /* a user of ours, with credentials */
};

/* What the flow token in a Route of ours says (RFC 5626 section 5.3). */
enum proxy_flow_use {
    PROXY_FLOW_NONE,   /* there is none, or the request came along that very flow */
    PROXY_FLOW_DIALOG, /* the way to the other end of this dialog */
    PROXY_FLOW_PATH,   /* the way to a phone that has registered elsewhere through us */
    PROXY_FLOW_GONE,   /* its connection was one of an earlier run of this server */
};

struct proxy_flow_token {
    struct flow flow;
    bool for_path; /* it holds not only for one Call-ID */
    uint32_t
        instance; /* of proxy_target.instance, of the phone that registered the flow; 0: none */
};

/* What RFC 3261 sections 16.3 and 16.4 find out about a request; slices into the message. */
struct proxy_route_info {
    struct slice uri_text; /* the Request-URI that counts: the last Route value if a strict router
                              sent it (16.4) */
    struct sip_uri uri;
    bool gruu;           /* uri is of ours and says that it is one (RFC 5627) */
    bool ours;           /* uri is a tel URI or at a host of ours, on whatever port */
    struct slice domain; /* of ours: that of uri, or the first */
    struct slice number; /* of a tel URI: without what makes it readable */
    const struct proxy_route *static_route; /* that fits uri, or NULL */
    struct slice from;                      /* URI */
    struct slice to;                        /* URI */
    struct slice to_tag;                    /* empty: it opens a dialog, or stands alone */
    bool strict;                            /* uri came out of the last Route */
    bool reached;                           /* uri lost an maddr that names us (16.4) */
    bool elsewhere;               /* uri has an maddr that does not: it is the only target (16.5) */
    enum proxy_token_class token; /* what a Route of ours proves about this dialog */
    struct slice flow_token;      /* of the last of our Routes, or empty */
    enum proxy_flow_use flow_use;
    struct proxy_flow_token flow; /* not of PROXY_FLOW_NONE */
    bool proved;                  /* the user in From has proved itself with this request */
    bool trusted;   /* a user of ours has proved itself, now or when the dialog was opened */
    bool has_route; /* Route values are left after ours */
    struct slice next_route; /* the first of them */
    unsigned own_routes;     /* values of ours at the top, to be removed */
    uint32_t max_forwards;   /* as received, or the configured start */
    bool has_max_forwards;
    uint32_t max_breadth;
    uint64_t loop; /* hash of what routing depends on (16.6 step 8) */
};

struct proxy_fault {
    unsigned status; /* 0: none */
    const char *reason;
    struct slice headers;
};

/* One place to send a request to (16.5). */
struct proxy_target {
    struct slice uri;      /* becomes the Request-URI; empty: it stays */
    struct slice path;     /* Route values to put in front (RFC 3327), or empty */
    struct slice next_hop; /* a static route's URI, or empty */
    uint32_t q;            /* highest first: see PROXY_Q */
    bool has_flow;         /* goes back along flow instead of to uri's host */
    bool flow_only;        /* and nothing else leads there */
    bool gruu;             /* its phone may show a GRUU of ours as its Contact */
    struct flow flow;      /* without has_flow: how its phone came to us, or empty */
    struct slice aor;      /* of the binding it comes from, or empty */
    uint64_t instance;     /* hash of AOR and instance of that binding; 0: none */
};

/* The order of targets: by the q of the user's own contact, then, where that one leads to another
 * user of ours, by the q of that user's contacts. Both in thousandths. */
#define PROXY_Q_MAX           1000
#define PROXY_Q(outer, inner) ((uint32_t)(outer) * (PROXY_Q_MAX + 1) + (inner))

struct proxy_targets {
    bool responsible; /* the Request-URI is a user of ours (16.5) */
    bool gone;        /* a binding was left out because its flow has ended */
    bool secure;      /* the Request-URI is sips: no other contact will do (RFC 5630 section 5.3) */
    bool plain;       /* a binding was left out for that */
    unsigned count;
    unsigned spare_count; /* behind those: further flows of the same instances (instance.c) */
    struct proxy_target items[PROXY_BRANCHES_MAX];
};

struct proxy_context;

enum proxy_branch_state { PROXY_BRANCH_RESOLVING, PROXY_BRANCH_SENT, PROXY_BRANCH_DONE };

struct proxy_branch {
    struct list link; /* in context->branches */
    struct proxy_context *context;
    struct sip_client_tx *client; /* NULL before it is sent and after on_end */
    struct resolver_plan *plan;   /* further targets (RFC 3263 section 4.3), or NULL */
    struct timer timer_c;         /* 16.6 step 11, 16.8 */
    struct timer next;            /* silent for so long: the plan's next target is tried */
    uint64_t begun_ms;            /* the first target was tried */
    struct proxy_target
        target;        /* slices in the context's arena; valid while resolving or trying TCP */
    uint64_t uri_hash; /* of target.uri, for good */
    uint8_t state;
    bool provisional; /* a 1xx came */
    bool rang;        /* one over 100 */
    bool cancelled;
    bool tcp_tried;  /* 18.1.1: large request went by TCP first */
    bool falls_back; /* and TCP failed: UDP next */
    bool fell_back;  /* UDP was tried then: once only */
    bool watched;    /* a server: how it does is remembered */
    bool heard;      /* a response came */
    bool overdue;    /* next has fired; the next target is waited for */
    bool goes_on;    /* failed, and goes on to the next target when the transaction has ended */
    bool left;       /* silent: another branch has taken its place */
    uint8_t targets; /* tried, those of the branches before it included */
    struct endpoint_target fallback;
    uint16_t failure; /* what it ends with when it cannot go on */
    uint16_t status;  /* final, once DONE */
};

/* The response context of 16.7. */
struct proxy_context {
    struct list link;
    struct proxy *proxy;
    struct sip_server_tx *server; /* NULL once it has ended */
    struct flow flow;             /* the request came along it */
    char *request;                /* block: the request as received; NULL once no longer needed */
    size_t request_len;
    struct list branches;
    struct arena arena;           /* targets not tried yet; rarely used */
    struct proxy_target *waiting; /* in arena, highest q first */
    unsigned waiting_count;
    struct proxy_target *spares; /* in arena: see proxy_targets */
    unsigned spare_count;
    unsigned branch_count; /* ever */
    unsigned pending;      /* branches without a final response */
    struct timer timer;    /* INVITE: one q group rings this long; else: its 100 is due */
    uint16_t best_status;  /* 0: none yet */
    char *best;            /* block: that response, our Via taken off */
    size_t best_len;
    char *
        challenges; /* block of PROXY_CHALLENGES_MAX: header lines of other 401/407 (16.7 step 7) */
    size_t challenges_len;
    uint32_t breadth; /* Max-Breadth for its branches */
    uint8_t method;
    bool trusted; /* proxy_route_info.trusted of the request */
    bool cancelled;
    bool accepted;     /* an INVITE, by a 2xx */
    bool answered;     /* a final response went upstream */
    bool opens_dialog; /* no To tag */
    bool secure;       /* the Request-URI is sips */
    bool responsible;  /* the Request-URI is a user of ours: 3xx may be followed (16.5) */
    unsigned holds;    /* > 0: do not free, the event is still working on it */
};

static inline void proxy_count(struct proxy *proxy, enum proxy_metric which)
{
    metric_add(&proxy->metrics[which], 1);
}

/* route.c: 16.3, 16.4. 0, or a negative error with *ret_fault to answer. */
int proxy_route_examine(struct proxy *proxy, const struct endpoint_request *request,
                        struct proxy_route_info *ret_info, struct proxy_fault *ret_fault);
/* The token that our Record-Route carries for a dialog of this Call-ID and opener. */
uint64_t proxy_token(const struct proxy *proxy, const struct sip_message *msg,
                     enum proxy_token_class opener);

/* token.c: RFC 5626 section 5.2. */
void proxy_flow_write(const struct proxy *proxy, struct writer *w, const struct sip_message *msg,
                      const struct proxy_flow_token *token);
/* ERR_INVALID: not one of ours. ERR_CLOSED: its connection ended with an earlier run; *ret_token is
 * set all the same. */
int proxy_flow_read(const struct proxy *proxy, const struct sip_message *msg, struct slice text,
                    struct proxy_flow_token *ret_token);

/* route.c: do both lead to one place, on one connection? */
bool proxy_flow_same(const struct flow *a, const struct flow *b);

/* policy.c: may this sender have this request forwarded? 1: yes, info->trusted is set. 0: it has
 * been answered (or dropped, if an ACK). */
int proxy_policy_admit(struct proxy *proxy, const struct endpoint_request *request,
                       struct proxy_route_info *info);

/* follow.c: where the phone of who has proved itself is reached from now on. */
void proxy_follow(struct proxy *proxy, const struct endpoint_request *request,
                  const struct proxy_route_info *info);

/* target.c: 16.5. Slices live in proxy->arena or the message. */
int proxy_targets_find(struct proxy *proxy, const struct sip_message *msg,
                       const struct proxy_route_info *info, struct proxy_targets *ret_targets,
                       struct proxy_fault *ret_fault);
/* Adds the URI as a target, with q (see PROXY_Q). If it names a user of ours, that user's phones
 * instead: PROXY_Q of q and theirs. False: a user who leads back to himself. */
bool proxy_targets_add(struct proxy *proxy, struct slice uri, unsigned q,
                       struct proxy_targets *targets);
/* Highest q first; equal ones stay as they are. */
void proxy_targets_sort(struct proxy_target *targets, unsigned count);
/* What a target is remembered by: it is tried once only (16.5). */
uint64_t proxy_target_hash(const struct proxy *proxy, const struct proxy_target *target);

/* user.c */
/* Has somebody an account for the user part (escaped) of a URI at domain? */
bool proxy_user_known(struct proxy *proxy, struct slice user, struct slice domain);
/* Has the user in uri phones here? */
bool proxy_user_has_bindings(struct proxy *proxy, const struct sip_uri *uri);
/* Takes from a number what makes it readable: info->number of a tel URI, info->uri.user of a user
 * of ours with user=phone. Errors: ERR_LIMIT, ERR_NO_MEMORY. */
int proxy_user_examine(struct proxy *proxy, struct proxy_route_info *info);

/* instance.c: RFC 5626 section 7, the flows of one instance. */
/* Of a sorted set, all but the first target of each instance become spares. */
void proxy_instances_part(struct proxy_targets *targets);
/* Keeps the spares of targets for later. */
void proxy_instances_keep(struct proxy_context *context, const struct proxy_targets *targets);
/* The branch has ended with status; received: the far end said so. True when the next flow of its
 * instance is tried in its place. */
bool proxy_instances_next(struct proxy_branch *branch, unsigned status, bool received);

/* forward.c: 16.6 steps 1 to 9. Writes the request as it leaves along flow into proxy->out.
 * ERR_RANGE: it has grown too large. */
struct proxy_forward {
    const struct sip_message *msg;
    const struct proxy_route_info *info;
    const struct proxy_target *target;
    const struct flow *arrived; /* along this */
    const struct flow *leaves;
    bool to_server; /* that has proven a name */
    bool large;     /* by TCP in place of UDP for its size alone */
    struct sip_branch branch;
    uint32_t breadth; /* 0: no Max-Breadth line is written */
};
int proxy_forward_write(struct proxy *proxy, const struct proxy_forward *forward,
                        struct slice *ret_bytes);
/* Which URI names the next hop (16.6 steps 6, 7)? */
int proxy_next_hop(const struct proxy_route_info *info, const struct proxy_target *target,
                   struct sip_uri *ret_uri);

/* context.c */
void proxy_context_start(struct proxy *proxy, const struct endpoint_request *request,
                         const struct proxy_route_info *info, const struct proxy_targets *targets);
/* Ends what is under way. reason: Reason lines for the CANCELs (RFC 3326), or empty. */
void proxy_context_cancel(struct proxy_context *context, struct slice reason);
/* Something changed: goes on to the next group, answers with the best response, frees what is done.
 * May free the context. */
void proxy_context_advance(struct proxy_context *context);
void proxy_context_free(struct proxy_context *context);
/* Answers upstream with a response of our own. */
void proxy_context_answer(struct proxy_context *context, unsigned status, const char *reason);
/* The stored request and its routing once more, in proxy->message. ERR_NOT_FOUND when it has been
 * let go. */
int proxy_context_again(struct proxy_context *context, struct proxy_route_info *ret_info);
/* Copies a target into the context's arena. */
int proxy_target_keep(struct proxy_context *context, const struct proxy_target *from,
                      struct proxy_target *to);
/* Adds targets to those that wait. */
void proxy_context_keep(struct proxy_context *context, const struct proxy_target *targets,
                        unsigned count);
struct proxy_context *proxy_context_of(const struct sip_server_tx *tx);

/* A branch without a target that has been sent to; it is pending. NULL: no memory. */
struct proxy_branch *proxy_branch_new(struct proxy_context *context,
                                      const struct proxy_target *target);

/* attempt.c */
/* Sends the context's request to a target. ERR_LIMIT and ERR_NO_MEMORY are our own trouble, any
 * other error is the target's. */
int proxy_attempt(struct proxy_branch *branch, const struct sip_message *msg,
                  const struct proxy_route_info *info, const struct endpoint_target *target);

/* failover.c: RFC 3263 section 4.3. */
/* Finds the first target and sends to it, or waits for DNS. */
int proxy_failover_begin(struct proxy_branch *branch, const struct sip_message *msg,
                         const struct proxy_route_info *info);
/* After a failure without a final response, its transaction gone: true when the branch goes on. */
bool proxy_failover_go_on(struct proxy_branch *branch);
/* May it, by what is known now? */
bool proxy_failover_may(const struct proxy_branch *branch);
/* After a 503: true when another branch goes on in its place. */
bool proxy_failover_succeed(struct proxy_branch *branch);
/* A response came: its target is well, and not left any more. */
void proxy_failover_heard(struct proxy_branch *branch, const struct sip_message *response);
/* timer_fn of branch->next. */
void proxy_failover_on_next(struct timer *timer);
/* Its present target failed. */
void proxy_failover_report(struct proxy_branch *branch);
/* Decides among equal servers: the same for all requests of a call. */
uint64_t proxy_failover_seed(const struct proxy *proxy, const struct sip_message *msg);

/* branch.c */
/* Starts a branch to target; msg and info are of the context's request. */
void proxy_branch_start(struct proxy_context *context, const struct sip_message *msg,
                        const struct proxy_route_info *info, const struct proxy_target *target);
void proxy_branch_cancel(struct proxy_branch *branch, struct slice reason);
/* A final response came. */
void proxy_branch_done(struct proxy_branch *branch, unsigned status);
/* Ends it with a final status that the proxy makes up (408, 503). */
void proxy_branch_fail(struct proxy_branch *branch, unsigned status);

/* response.c: 16.7. */
void proxy_on_response(struct proxy_branch *branch, const struct sip_message *response);
/* best.c: keeps the better of what is stored and this one (16.7 step 6); bytes without our Via. */
void proxy_best_offer(struct proxy_context *context, unsigned status,
                      const struct sip_message *response, struct slice bytes);
bool proxy_best_replaces(unsigned stored, unsigned status);
/* The best response as it goes upstream: challenges gathered, 503 turned into 500. Empty when there
 * is none with bytes. */
struct slice proxy_best_take(struct proxy_context *context, unsigned *ret_status);
/* redirect.c: the contacts of a 3xx become targets. How many were added. */
unsigned proxy_redirect(struct proxy_context *context, const struct sip_message *response);

/* explain.c: what a dry run says; nothing without a trace. */
void proxy_explain_route(const struct proxy *proxy, const struct proxy_route_info *info);
void proxy_explain_targets(const struct proxy *proxy, const struct proxy_targets *targets);
void proxy_explain_fault(const struct proxy *proxy, const struct proxy_fault *fault);

/* ack.c */
void proxy_acks_init(struct proxy *proxy);
void proxy_acks_done(struct proxy *proxy);
void proxy_ack_forward(struct proxy *proxy, const struct endpoint_request *request,
                       const struct proxy_route_info *info);

#endif
