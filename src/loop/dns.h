/* DNS of one worker: asynchronous, cached, bounded. The real one sits on libunbound, in a thread of
 * its own for each worker that ever asks; tests/sim has its own. A and AAAA of a name that stands
 * in the hosts file come from there. Names are looked up as they are: no search domains. */
#ifndef LOOP_DNS_H
#define LOOP_DNS_H

#include "base/address.h"
#include "base/metric.h"
#include "loop/loop.h"

#define DNS_NAME_MAX    253 /* in text, without the final dot (RFC 1035 section 2.3.4) */
#define DNS_SERVERS_MAX 8
#define DNS_RECORDS_MAX 256 /* of one answer */

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_SRV = 33, DNS_NAPTR = 35 };

/* RFC 2782. target has no final dot; it is empty for ".": the service is decidedly not there. */
struct dns_srv {
    uint16_t priority, weight, port;
    struct slice target;
};

/* RFC 3403 section 4.1. replacement as target above; the texts may hold any bytes. */
struct dns_naptr {
    uint16_t order, preference;
    struct slice flags, service, regexp, replacement;
};

struct dns_record {
    union {
        struct address address; /* port 0 */
        struct dns_srv srv;
        struct dns_naptr naptr;
    };
};

/* Immutable, counted, of one worker. SRV records come by priority, NAPTR records by order and
 * preference; else as the server gave them. */
struct dns_answer {
    /* 0: records, count > 0. ERR_NOT_FOUND: the name or the type does not exist. ERR_UNREACHABLE:
     * no server gave an answer, in time. ERR_INVALID: bogus (DNSSEC) or malformed. ERR_NO_MEMORY.
     */
    int status;
    bool secure; /* DNSSEC proved it */
    enum dns_type type;
    uint64_t expires_ms; /* by the loop's clock; the TTL is held between 1 s and 1 day */
    unsigned count;
    unsigned left_out; /* the least preferred over DNS_RECORDS_MAX, and malformed ones */
    const struct dns_record *records;
};

/* answer is borrowed for the call; dns_answer_ref keeps it. */
typedef void dns_fn(void *user, const struct dns_answer *answer);
struct dns_query;

/* 1: *ret_answer is it, from the cache, borrowed until the next dns_... call (dns_answer_ref keeps
 * it). 0: done is called once from the loop, not from within; *ret_query can be cancelled until
 * then. A question that is under way already is joined; none takes longer than the configured time.
 * Errors: ERR_INVALID (no host name, or a numeric address), ERR_LIMIT (too many under way),
 * ERR_NO_MEMORY. */
int dns_lookup(struct loop *loop, struct slice name, enum dns_type type, dns_fn *done, void *user,
               const struct dns_answer **ret_answer, struct dns_query **ret_query);
/* done will not be called. NULL is accepted. */
void dns_cancel(struct dns_query *query);
/* Returns its argument. */
const struct dns_answer *dns_answer_ref(const struct dns_answer *answer);
/* NULL is accepted. Must come before loop_free. */
void dns_answer_unref(const struct dns_answer *answer);
/* Does the hosts file say where name is? Then there is no need to ask for NAPTR and SRV. */
bool dns_in_hosts(struct loop *loop, struct slice name);

/* ---- configuration and numbers ---- */

struct dns_config {
    struct address servers[DNS_SERVERS_MAX];
    unsigned server_count;    /* 0: those of /etc/resolv.conf, read again when it changes */
    bool dnssec;              /* validate by trust_anchor; bogus answers are ERR_INVALID */
    const char *trust_anchor; /* file of DS or DNSKEY records */
    const char *hosts;        /* file; NULL: /etc/hosts. Read again when it changes */
    uint32_t timeout_ms;      /* of a question; 0: 5 s */
};

/* Takes over a configuration (copied); without, that of zeroes holds. The cache is emptied and
 * questions under way are asked anew. Errors: ERR_NO_MEMORY; the old one stays. */
int dns_configure(struct loop *loop, const struct dns_config *config);

/* Can libunbound work with it? ERR_INVALID: the trust anchor is no file of DS or DNSKEY records.
 * Reads the file and takes some milliseconds: at start, not in a turn. */
int dns_check(const struct dns_config *config);

#define DNS_METRIC_LIST(X)                                                                         \
    X(DNS_QUERIES, "dns_queries_total", METRIC_COUNTER,                                            \
      "Questions that went to a DNS server (or would have, had one been there)")                   \
    X(DNS_CACHE_HITS, "dns_cache_hits_total", METRIC_COUNTER,                                      \
      "DNS look-ups answered from a worker's cache")                                               \
    X(DNS_JOINED, "dns_joined_total", METRIC_COUNTER,                                              \
      "DNS look-ups that joined the same question under way")                                      \
    X(DNS_HOSTS, "dns_hosts_total", METRIC_COUNTER, "DNS look-ups answered from the hosts file")   \
    X(DNS_NOT_FOUND, "dns_not_found_total", METRIC_COUNTER,                                        \
      "DNS answers that there is no such name or record")                                          \
    X(DNS_FAILURES, "dns_failures_total", METRIC_COUNTER,                                          \
      "Questions that no DNS server answered well")                                                \
    X(DNS_TIMEOUTS, "dns_timeouts_total", METRIC_COUNTER,                                          \
      "Questions that were given up after dns.timeout")                                            \
    X(DNS_BOGUS, "dns_bogus_total", METRIC_COUNTER, "DNS answers that DNSSEC proved false")        \
    X(DNS_MALFORMED, "dns_malformed_total", METRIC_COUNTER,                                        \
      "DNS records left out because they are malformed")                                           \
    X(DNS_LEFT_OUT, "dns_left_out_total", METRIC_COUNTER,                                          \
      "DNS records left out because an answer had too many")                                       \
    X(DNS_REFUSED, "dns_refused_total", METRIC_COUNTER,                                            \
      "DNS look-ups refused because too many were under way")                                      \
    X(DNS_CACHED, "dns_cached", METRIC_GAUGE, "DNS answers in the workers' caches")

enum dns_metric { DNS_METRIC_LIST(METRIC_ID) DNS_METRICS };

extern const struct metric_info dns_metric_infos[DNS_METRICS];
/* DNS_METRICS numbers. Any thread reads them. */
const metric *dns_metrics(const struct loop *loop);

#endif
