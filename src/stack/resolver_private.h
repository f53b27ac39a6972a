/* The inside of the resolver. */
#ifndef STACK_RESOLVER_PRIVATE_H
#define STACK_RESOLVER_PRIVATE_H

#include "base/list.h"
#include "base/pool.h"
#include "stack/resolver.h"

#define RESOLVER_CACHE    4096 /* decisions; direct-mapped: a collision costs the walk anew */
#define RESOLVER_GRACE_MS 50   /* RFC 8305 section 3: how long the second family is waited for */

/* What RFC 3263 says about a URI, until the records expire. Immutable, counted. */
struct resolver_decision {
    unsigned refs;
    uint64_t expires_ms;
    uint64_t key_hash;
    struct locate_input input;                                  /* host lies behind the places */
    const struct dns_answer *answers[LOCATE_QUESTIONS_MAX + 1]; /* names lie in them */
    unsigned answer_count;
    unsigned place_count;
    struct locate_place places[];
};

struct resolver {
    struct resolver_config config;
    struct hash_key key;
    struct pool plans;
    unsigned waiting;                 /* plans that wait for their decision */
    struct resolver_decision **cache; /* owned, RESOLVER_CACHE */
};

/* A question to DNS of a plan. */
struct resolver_question {
    struct resolver_plan *plan;
    struct dns_query *query; /* while under way */
    unsigned index;
};

/* The machine of a plan whose decision is not there yet. */
struct resolver_deciding {
    struct locate locate;
    struct resolver_question questions[LOCATE_QUESTIONS_MAX];
    uint64_t key_hash;
    char host[DNS_NAME_MAX + 1];
};

/* The addresses of one family of the present place. */
struct resolver_family {
    struct resolver_question question;
    const struct dns_answer *answer; /* counted; NULL: none */
    unsigned at;                     /* how many have been given out */
};

struct resolver_plan {
    struct resolver *resolver;
    resolver_fn *done;
    void *user;
    uint64_t seed;
    struct resolver_deciding *deciding; /* owned; NULL once decided */
    struct resolver_decision *decision; /* counted; NULL until then */
    const struct locate_place *place;   /* the present one, or NULL */
    struct resolver_family families[2]; /* of place: IPv4, IPv6 */
    bool numeric_left;                  /* place is an address, not given out yet */
    bool second_family;                 /* the other family is next */
    bool waiting;                       /* done is owed */
    bool skipped;                       /* a target was down: a second round takes those */
    bool second_round;
    bool unspoken; /* an address was found that no listener of ours can send to */
    int status;    /* why nothing was found */
    struct timer grace;
    unsigned taken; /* places begun in this round */
    uint64_t used[LOCATE_PLACES_MAX / 64];
    unsigned given;                        /* targets given out, ever */
    uint64_t hashes[RESOLVER_TARGETS_MAX]; /* of these */
};

/* resolver_decide.c */

/* Starts the machine. 0: it waits. 1: plan->decision is there. Or an error. */
int resolver_decide(struct resolver_plan *plan, const struct locate_input *input,
                    uint64_t key_hash);
void resolver_decide_stop(struct resolver_plan *plan);
struct resolver_decision *resolver_decision_ref(struct resolver_decision *decision);
void resolver_decision_unref(struct resolver_decision *decision);
/* Remembers it. */
void resolver_remember(struct resolver *resolver, struct resolver_decision *decision);

/* resolver_walk.c */
void resolver_walk_init(struct resolver_plan *plan);
int resolver_walk_next(struct resolver_plan *plan, struct endpoint_target *ret_target);
void resolver_walk_done(struct resolver_plan *plan);
/* Calls done if it is owed. The plan may be gone afterwards. */
void resolver_wake(struct resolver_plan *plan);

/* resolver_choose.c */

/* The next place by rank and weight (RFC 2782) among those that plan->used does not name, marked
 * used; NULL: none. */
const struct locate_place *resolver_choose(struct resolver_plan *plan);

#endif
