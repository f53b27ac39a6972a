/* Making, configuring and freeing the client; files that change what it knows. */
#include "base/error.h"
#include "base/memory.h"
#include "loop/dns_private.h"

#define QUESTION_BUCKETS 64 /* to begin with */
#define HOSTS_PATH       "/etc/hosts"
#define LOOK_MS          1000 /* between looks at the hosts file and resolv.conf */

/* ---- Files that change ---- */

static void clear_cache(struct dns *dns)
{
    dns_cache_clear(&dns->cache);
    metric_set(&dns->metrics[DNS_CACHED], 0);
}

/* The way out is made anew. */
static void ask_again(struct dns *dns)
{
    clear_cache(dns);
    dns_ask_configure(dns->ask, &dns->config);
    list_for_each_safe(link, &dns->asked)
        dns_question_ask(dns, container_of(link, struct dns_question, link));
}

/* Answers made of what the files said before are not used any more. */
void dns_look_at_files(struct dns *dns, uint64_t now_ms)
{
    dns->look_ms = now_ms + LOOK_MS;
    int status = dns_hosts_refresh(&dns->hosts);
    if (status < 0)
        log_warn(loop_log(dns->loop), LOG_DNS, "%s cannot be read and counts as empty: %s",
                 dns->hosts.path, error_text(status));
    if (status == 1 && dns->hosts.skipped > 0)
        log_info(loop_log(dns->loop), LOG_DNS, "%s: %u lines or names make no sense",
                 dns->hosts.path, dns->hosts.skipped);
    if (status != 0)
        clear_cache(dns);
    if (dns_ask_changed(dns->ask))
        ask_again(dns);
}

/* ---- Making, configuring and freeing ---- */

int dns_new(struct loop *loop, struct dns_ask *ask, struct dns **ret_dns)
{
    struct dns *dns = memory_zalloc(1, sizeof(*dns));
    if (dns == NULL)
        return ERR_NO_MEMORY;
    dns->loop = loop;
    pool_init(&dns->question_pool, sizeof(struct dns_question), DNS_QUESTIONS_MAX);
    pool_init(&dns->query_pool, sizeof(struct dns_query), DNS_WAITING_MAX);
    list_init(&dns->asked);
    list_init(&dns->ready);
    int status = dns_cache_init(&dns->cache, random_hash_key(loop_random(loop)));
    if (status == 0)
        status = dns_hosts_init(&dns->hosts, random_hash_key(loop_random(loop)));
    if (status == 0)
        status = table_init(&dns->questions, QUESTION_BUCKETS);
    if (status < 0) {
        dns_hosts_done(&dns->hosts);
        dns_cache_done(&dns->cache);
        memory_free(dns);
        return status;
    }
    dns->ask = ask;
    dns->config = (struct dns_config){.hosts = "", .trust_anchor = ""};
    *ret_dns = dns;
    return 0;
}

static bool same_config(const struct dns_config *a, const struct dns_config *b)
{
    if (a->server_count != b->server_count || a->dnssec != b->dnssec ||
        a->timeout_ms != b->timeout_ms || strcmp(a->hosts, b->hosts) != 0 ||
        strcmp(a->trust_anchor, b->trust_anchor) != 0)
        return false;
    for (unsigned i = 0; i < a->server_count; i++) {
        if (!address_equal(&a->servers[i], &b->servers[i]))
            return false;
    }
    return true;
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memory_alloc(size);
    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

int dns_configure(struct loop *loop, const struct dns_config *config)
{
    struct dns *dns = loop_dns(loop);
    struct dns_config wanted = *config;
    wanted.hosts = config->hosts != NULL ? config->hosts : HOSTS_PATH;
    wanted.trust_anchor = config->trust_anchor != NULL ? config->trust_anchor : "";
    if (same_config(&dns->config, &wanted))
        return 0;
    char *hosts = copy_text(wanted.hosts);
    char *anchor = copy_text(wanted.trust_anchor);
    if (hosts == NULL || anchor == NULL) {
        memory_free(hosts);
        memory_free(anchor);
        return ERR_NO_MEMORY;
    }
    memory_free(dns->hosts_path);
    memory_free(dns->anchor_path);
    wanted.hosts = dns->hosts_path = hosts;
    wanted.trust_anchor = dns->anchor_path = anchor;
    dns->config = wanted;
    dns->hosts.path = hosts;
    dns->look_ms = 0;
    ask_again(dns);
    return 0;
}

static void forget(struct list *queries)
{
    list_for_each_safe(link, queries) dns_cancel(container_of(link, struct dns_query, link));
}

void dns_free(struct dns *dns)
{
    if (dns == NULL)
        return;
    forget(&dns->ready);
    while (!list_empty(&dns->asked)) {
        struct dns_question *question = container_of(dns->asked.next, struct dns_question, link);
        forget(&question->waiting);
        dns_ask_cancel(dns->ask, question);
        dns_question_free(question);
    }
    dns_ask_free(dns->ask);
    pool_done(&dns->query_pool);
    pool_done(&dns->question_pool);
    table_done(&dns->questions);
    dns_cache_done(&dns->cache);
    dns_hosts_done(&dns->hosts);
    memory_free(dns->hosts_path);
    memory_free(dns->anchor_path);
    memory_free(dns);
}
