/* The way out: a context of libunbound, which asks in a thread of its own and writes to a pipe when
 * there are results. It is made with the first question. */
#include "loop/dns_ask.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unbound.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/loop_private.h"

#define RESOLV_CONF  "/etc/resolv.conf"
#define NO_SERVER    "127.0.0.1" /* resolv.conf(5): where there is none */
#define CLASS_IN     1
#define REOPEN_MS    1000 /* after a failure to open */
#define RECORDS_READ 8192 /* of one answer: more than 64 KiB of SRV records hold */

struct dns_ask {
    struct loop *loop;
    const struct dns_config *config; /* borrowed */
    struct ub_ctx *context;          /* owned; NULL: not made */
    bool running;                    /* its thread has been made */
    uv_poll_t *poll;                 /* owned; freed by its own closing */
    uint64_t reopen_ms;
    struct stat resolv;
};

/* libunbound's log, and the seed that all contexts hash with, are set as contexts are made and
 * begin to run. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

/* Its caches are small: answers are kept by dns.c. What it learns of servers it forgets soon: it
 * would count a server that is silent about one domain as dead for all others. */
static const char *const options[][2] = {
    {"msg-cache-size:", "1m"},
    {"rrset-cache-size:", "1m"},
    {"key-cache-size:", "512k"},
    {"neg-cache-size:", "128k"},
    {"infra-cache-numhosts:", "256"},
    {"infra-host-ttl:", "1"},
    {"unknown-server-time-limit:", "450"},
    {"cache-max-ttl:", "86400"},
    {"cache-max-negative-ttl:", "900"},
    /* As many sockets as questions, so that none waits for another; made when needed. */
    {"outgoing-range:", "2048"},
    {"outgoing-num-tcp:", "64"},
    {"num-queries-per-thread:", "4096"},
    {"do-not-query-localhost:", "no"},
    /* Names of private networks, which it would deny by itself. */
    {"local-zone:", "test. transparent"},
    {"local-zone:", "home.arpa. transparent"},
    {"qname-minimisation:", "no"},
    {"val-log-level:", "0"},
    {"use-syslog:", "no"},
    {"verbosity:", "0"},
};

int dns_ask_new(struct loop *loop, struct dns_ask **ret_ask)
{
    struct dns_ask *ask = memory_zalloc(1, sizeof(*ask));
    if (ask == NULL)
        return ERR_NO_MEMORY;
    ask->loop = loop;
    *ret_ask = ask;
    return 0;
}

/* ---- results ---- */

/* RCODEs of RFC 1035 section 4.1.1. */
enum { RCODE_OK = 0, RCODE_NAME_ERROR = 3 };

static int status_of(const struct ub_result *result)
{
    if (result->bogus)
        return ERR_INVALID;
    if (result->havedata)
        return 0;
    if (result->nxdomain || result->rcode == RCODE_OK || result->rcode == RCODE_NAME_ERROR)
        return ERR_NOT_FOUND;
    return ERR_UNREACHABLE;
}

static void hand_over(struct dns_question *question, const struct ub_result *result)
{
    struct dns_result told = {.status = status_of(result),
                              .secure = result->secure,
                              .ttl_s = result->ttl > 0 ? (uint32_t)result->ttl : 0};
    size_t count = 0;
    while (told.status == 0 && count < RECORDS_READ && result->data[count] != NULL)
        count++;
    struct slice *data = count > 0 ? memory_alloc(count * sizeof(*data)) : NULL;
    if (count > 0 && data == NULL)
        told.status = ERR_NO_MEMORY;
    for (size_t i = 0; data != NULL && i < count; i++)
        data[i] = slice_of(result->data[i], result->len[i] > 0 ? (size_t)result->len[i] : 0);
    told.data = data;
    told.count = data != NULL ? count : 0;
    dns_on_result(question, &told);
    memory_free(data);
}

/* By ub_process, on the worker's thread; not for what was cancelled. */
static void on_result(void *user, int error, struct ub_result *result)
{
    struct dns_question *question = user;
    if (error == 0 && result != NULL)
        hand_over(question, result);
    else
        dns_on_result(question, &(struct dns_result){.status = ERR_UNREACHABLE});
    ub_resolve_free(result);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct dns_ask *ask = poll->data;
    (void)status;
    (void)events;
    (void)ub_process(ask->context);
}

/* ---- the context ---- */

static int set_servers(struct ub_ctx *context, const struct dns_config *config)
{
    int error = 0;
    for (unsigned i = 0; error == 0 && i < config->server_count; i++) {
        char text[ADDRESS_TEXT_MAX];
        struct writer w;
        writer_init(&w, text, sizeof(text) - 1);
        address_write_host(&w, &config->servers[i], false);
        writer_format(&w, "@%u", address_port(&config->servers[i]));
        text[writer_length(&w)] = '\0';
        error = ub_ctx_set_fwd(context, text);
    }
    if (config->server_count == 0 && ub_ctx_resolvconf(context, RESOLV_CONF) != 0)
        error = ub_ctx_set_fwd(context, NO_SERVER);
    return error;
}

static int configure(struct ub_ctx *context, const struct dns_config *config)
{
    int error = ub_ctx_debugout(context, NULL);
    for (size_t i = 0; error == 0 && i < sizeof(options) / sizeof(options[0]); i++)
        error = ub_ctx_set_option(context, options[i][0], options[i][1]);
    if (error == 0)
        error = ub_ctx_set_option(
            context, "module-config:", config->dnssec ? "validator iterator" : "iterator");
    if (error == 0 && config->dnssec)
        error = ub_ctx_add_ta_file(context, config->trust_anchor);
    if (error == 0)
        error = set_servers(context, config);
    return error == 0 ? ub_ctx_async(context, 1) : error;
}

static void poll_free(uv_handle_t *handle)
{
    memory_free(handle);
}

static int watch(struct dns_ask *ask)
{
    uv_poll_t *poll = memory_zalloc(1, sizeof(*poll));
    if (poll == NULL)
        return ERR_NO_MEMORY;
    if (uv_poll_init(&ask->loop->uv, poll, ub_fd(ask->context)) != 0) {
        memory_free(poll);
        return ERR_IO;
    }
    poll->data = ask;
    ask->poll = poll;
    return uv_poll_start(poll, UV_READABLE, on_readable) == 0 ? 0 : ERR_IO;
}

static void ask_close(struct dns_ask *ask)
{
    if (ask->poll != NULL)
        uv_close((uv_handle_t *)ask->poll, poll_free);
    ask->poll = NULL;
    if (ask->context != NULL)
        ub_ctx_delete(ask->context);
    ask->context = NULL;
    ask->running = false;
}

static void look_at_resolv_conf(struct stat *seen)
{
    memset(seen, 0, sizeof(*seen));
    (void)stat(RESOLV_CONF, seen);
}

static int ask_open(struct dns_ask *ask)
{
    struct log *log = loop_log(ask->loop);
    look_at_resolv_conf(&ask->resolv);
    pthread_mutex_lock(&opening);
    ask->context = ub_ctx_create();
    int error = ask->context != NULL ? configure(ask->context, ask->config) : UB_NOMEM;
    pthread_mutex_unlock(&opening);
    if (ask->context == NULL)
        return ERR_NO_MEMORY;
    int status = error == 0 ? watch(ask) : ERR_UNREACHABLE;
    if (status == 0)
        return 0;
    log_error(log, LOG_DNS, "DNS cannot be used: %s%s", ub_strerror(error),
              ask->config->dnssec ? "; is dns.trust_anchor a file of DS or DNSKEY records?" : "");
    ask_close(ask);
    return status;
}

/* ---- checking ---- */

/* libunbound takes a file without any record, and then proves nothing. */
static bool has_anchor(const char *path)
{
    char line[4096];
    FILE *file = fopen(path, "re");
    bool found = false;
    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof(line), file) != NULL) {
        struct slice words = slice_from_string(line);
        words = slice_cut(&words, ';');
        while (!found && (words = slice_trim(words)).len > 0) {
            size_t len = strcspn(words.ptr, " \t\r\n;");
            struct slice word = slice_of(words.ptr, len < words.len ? len : words.len);
            found =
                slice_equal_nocase(word, SLICE("DS")) || slice_equal_nocase(word, SLICE("DNSKEY"));
            words = slice_from(words, word.len);
        }
    }
    (void)fclose(file);
    return found;
}

int dns_check(const struct dns_config *config)
{
    if (!config->dnssec)
        return 0;
    if (config->trust_anchor == NULL || !has_anchor(config->trust_anchor))
        return ERR_INVALID;
    pthread_mutex_lock(&opening);
    struct ub_ctx *context = ub_ctx_create();
    int error = context != NULL ? configure(context, config) : UB_NOMEM;
    /* What makes it read the file, short of a question. */
    if (error == 0)
        error = ub_ctx_zone_add(context, "trapezoid.invalid.", "static");
    ub_ctx_delete(context); /* takes NULL */
    pthread_mutex_unlock(&opening);
    if (error == UB_NOMEM)
        return ERR_NO_MEMORY;
    return error == 0 ? 0 : ERR_INVALID;
}

/* ---- as dns.c sees it ---- */

void dns_ask_free(struct dns_ask *ask)
{
    if (ask == NULL)
        return;
    ask_close(ask);
    memory_free(ask);
}

void dns_ask_configure(struct dns_ask *ask, const struct dns_config *config)
{
    ask_close(ask);
    ask->config = config;
    ask->reopen_ms = 0;
}

bool dns_ask_changed(struct dns_ask *ask)
{
    struct stat now;
    if (ask->context == NULL || ask->config->server_count > 0)
        return false;
    look_at_resolv_conf(&now);
    return now.st_ino != ask->resolv.st_ino || now.st_size != ask->resolv.st_size ||
           now.st_mtim.tv_sec != ask->resolv.st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != ask->resolv.st_mtim.tv_nsec;
}

/* The first question makes the thread. */
static int ask_libunbound(struct dns_ask *ask, const char *name, struct dns_question *question)
{
    int type = (int)question->failure->answer.type;
    if (ask->running)
        return ub_resolve_async(ask->context, name, type, CLASS_IN, question, on_result,
                                &question->id);
    pthread_mutex_lock(&opening);
    int error =
        ub_resolve_async(ask->context, name, type, CLASS_IN, question, on_result, &question->id);
    pthread_mutex_unlock(&opening);
    ask->running = error == 0;
    return error;
}

int dns_ask_start(struct dns_ask *ask, struct dns_question *question)
{
    char name[DNS_NAME_MAX + 2];
    uint64_t now_ms = loop_now_ms(ask->loop);
    if (ask->context == NULL) {
        if (now_ms < ask->reopen_ms)
            return ERR_UNREACHABLE;
        ask->reopen_ms = now_ms + REOPEN_MS;
        int status = ask_open(ask);
        if (status < 0)
            return status;
    }
    (void)slice_to_string(dns_question_name(question), name, sizeof(name));
    int error = ask_libunbound(ask, name, question);
    if (error == 0)
        return 0;
    if (error == UB_NOMEM)
        return ERR_NO_MEMORY;
    log_warn(loop_log(ask->loop), LOG_DNS, "libunbound takes no question: %s", ub_strerror(error));
    return ERR_UNREACHABLE;
}

void dns_ask_cancel(struct dns_ask *ask, struct dns_question *question)
{
    if (ask->context != NULL)
        (void)ub_cancel(ask->context, question->id);
}
