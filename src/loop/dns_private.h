/* The DNS client of one worker as its own files know it: look-ups (dns.c), what is under way
 * (dns_question.c), the client as a whole (dns_life.c), and the way out (dns_ask.c on libunbound;
 * tests/sim has its own). */
#ifndef LOOP_DNS_PRIVATE_H
#define LOOP_DNS_PRIVATE_H

#include "base/pool.h"
#include "loop/dns_hosts.h"

#define DNS_QUESTIONS_MAX 2048  /* under way */
#define DNS_WAITING_MAX   65536 /* look-ups that wait for them */

struct dns_ask;

/* A question under way; as many as ask it wait for it. */
struct dns_question {
    struct table_node node;
    struct list link; /* in dns.asked */
    struct dns *owner;
    struct list waiting; /* struct dns_query */
    struct timer deadline;
    struct dns_block *failure; /* owned: what becomes of it when nothing comes. Holds the name */
    uint64_t hash;
    bool started; /* dns_ask knows it */
    int id;       /* dns_ask's own */
};

struct dns {
    struct loop *loop; /* borrowed */
    struct dns_config config;
    char *hosts_path; /* owned; what config points to */
    char *anchor_path;
    struct dns_hosts hosts;
    struct dns_cache cache;
    struct dns_ask *ask;    /* owned */
    struct table questions; /* by name and type */
    struct list asked;      /* the same */
    struct list ready;      /* queries with an answer, to be told */
    struct pool question_pool;
    struct pool query_pool; /* those that are not told yet */
    uint64_t look_ms;       /* when to see whether files have changed */
    metric metrics[DNS_METRICS];
};

/* A look-up that waits. */
struct dns_query {
    struct list link; /* in its question, then in dns.ready */
    struct dns *owner;
    dns_fn *done;
    void *user;
    const struct dns_answer *answer; /* a reference; NULL: not there yet */
};

/* What came of a question. */
struct dns_result {
    int status; /* 0: data; else as in dns_answer */
    bool secure;
    uint32_t ttl_s;
    const struct slice *data; /* of the records */
    size_t count;
};

/* ---- dns.c ---- */

/* Tells those who wait and have an answer; once per turn. */
void dns_deliver(struct dns *dns);
bool dns_pending(const struct dns *dns);
/* Into the cache, for so many seconds. */
void dns_keep(struct dns *dns, uint64_t hash, struct dns_block *block, uint32_t ttl_s);

static inline void dns_count(struct dns *dns, enum dns_metric which, int64_t n)
{
    metric_add(&dns->metrics[which], n);
}

/* ---- dns_question.c ---- */

/* NULL: nobody asks that. */
struct dns_question *dns_question_find(struct dns *dns, struct slice name, enum dns_type type,
                                       uint64_t hash);
/* Noted, not asked yet. ERR_NO_MEMORY. */
int dns_question_start(struct dns *dns, struct slice name, enum dns_type type, uint64_t hash,
                       struct dns_question **ret_question);
/* Asks it, again if it was; when that fails it is over, and gone when this returns. */
void dns_question_ask(struct dns *dns, struct dns_question *question);
/* Nobody waits for it any more. */
void dns_question_free(struct dns_question *question);
/* The question is over, and gone when this returns. */
void dns_on_result(struct dns_question *question, const struct dns_result *result);

static inline struct slice dns_question_name(const struct dns_question *question)
{
    return slice_of(question->failure->name, question->failure->name_len);
}

/* ---- dns_life.c ---- */

/* ask is taken over, on errors not. ERR_NO_MEMORY. */
int dns_new(struct loop *loop, struct dns_ask *ask, struct dns **ret_dns);
/* Forgets what is under way, without callbacks. NULL is accepted. */
void dns_free(struct dns *dns);
/* Answers made of what the files said before are not used any more. */
void dns_look_at_files(struct dns *dns, uint64_t now_ms);

/* ---- each loop has its own ---- */

struct dns *loop_dns(const struct loop *loop);

/* ---- the way out ---- */

void dns_ask_free(struct dns_ask *ask);
/* What was started before is forgotten; takes effect with the next question. config is borrowed
 * until the next call. */
void dns_ask_configure(struct dns_ask *ask, const struct dns_config *config);
/* Have the servers that the system names changed? */
bool dns_ask_changed(struct dns_ask *ask);
/* dns_on_result follows, not from within, unless dns_ask_cancel comes first. Errors:
 * ERR_UNREACHABLE, ERR_NO_MEMORY. */
int dns_ask_start(struct dns_ask *ask, struct dns_question *question);
void dns_ask_cancel(struct dns_ask *ask, struct dns_question *question);

#endif
