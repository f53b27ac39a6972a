/* Look-ups run in libuv's threads; results are handed out in the loop's own turn. */
#include "loop/names.h"

#include <netdb.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/loop_private.h"

#define NAMES_QUERIES   1000
#define NAMES_ADDRESSES 16
#define NAMES_HOST_MAX  255   /* RFC 1035 section 2.3.4 */
#define NAMES_TIMEOUT   10000 /* ms; a name server gets two tries in that */

struct names_query {
    struct names *owner;
    uv_getaddrinfo_t request;
    struct timer timer;
    struct list node; /* in running, then in finished */
    names_fn *done;   /* NULL: cancelled, or told already */
    void *user;
    bool finished; /* no thread works on it any more */
    int status;
    size_t count;
    struct address addresses[NAMES_ADDRESSES];
};

struct names {
    struct loop *loop;
    struct list running;
    struct list finished; /* done is due; a timed-out one stays in running for its thread */
    unsigned count;
    bool closing;
};

static void query_free(struct names_query *query)
{
    query->owner->count--;
    wheel_stop(&query->owner->loop->wheel, &query->timer);
    list_remove(&query->node);
    memory_free(query);
}

static int status_of(int uv_status)
{
    switch (uv_status) {
    case 0: return 0;
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_EAI_ADDRFAMILY: return ERR_NOT_FOUND;
    case UV_EAI_AGAIN: return ERR_TIMEOUT;
    default: return ERR_IO;
    }
}

static void take_addresses(struct names_query *query, const struct addrinfo *info)
{
    for (; info != NULL && query->count < NAMES_ADDRESSES; info = info->ai_next) {
        if (info->ai_family != AF_INET && info->ai_family != AF_INET6)
            continue;
        struct address *a = &query->addresses[query->count++];
        memset(a, 0, sizeof(*a));
        memcpy(a, info->ai_addr, info->ai_addrlen < sizeof(*a) ? info->ai_addrlen : sizeof(*a));
        address_set_port(a, 0);
    }
    if (query->status == 0 && query->count == 0)
        query->status = ERR_NOT_FOUND;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *info)
{
    struct names_query *query = request->data;
    struct names *names = query->owner;
    query->finished = true;
    if (query->done != NULL && !names->closing) {
        query->status = status_of(status);
        take_addresses(query, info);
        list_remove(&query->node);
        list_append(&names->finished, &query->node);
    } else {
        query_free(query);
    }
    uv_freeaddrinfo(info);
}

/* The thread may still be waiting for a server; its result will find nobody. */
static void on_timeout(struct timer *timer)
{
    struct names_query *query = container_of(timer, struct names_query, timer);
    names_fn *done = query->done;
    if (query->finished)
        return;
    query->done = NULL;
    (void)uv_cancel((uv_req_t *)&query->request);
    done(query->user, ERR_TIMEOUT, NULL, 0);
}

/* Only this takes queries from the list, whatever done does meanwhile. */
void names_deliver(struct names *names)
{
    list_for_each_safe(node, &names->finished)
    {
        struct names_query *query = container_of(node, struct names_query, node);
        names_fn *done = query->done;
        size_t count = query->status == 0 ? query->count : 0;
        query->done = NULL;
        if (done != NULL)
            done(query->user, query->status, count > 0 ? query->addresses : NULL, count);
        query_free(query);
    }
}

bool names_pending(const struct names *names)
{
    return !list_empty(&names->finished);
}

int names_lookup(struct loop *loop, struct slice host, names_fn *done, void *user,
                 struct names_query **ret_query)
{
    struct names *names = loop->names;
    char name[NAMES_HOST_MAX + 1];
    if (host.len == 0 || host.len > NAMES_HOST_MAX || memchr(host.ptr, 0, host.len) != NULL)
        return ERR_INVALID;
    if (names->count >= NAMES_QUERIES)
        return ERR_LIMIT;
    struct names_query *query = memory_zalloc(1, sizeof(*query));
    if (query == NULL)
        return ERR_NO_MEMORY;
    query->owner = names;
    query->done = done;
    query->user = user;
    query->request.data = query;
    timer_init(&query->timer, on_timeout);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    int err = uv_getaddrinfo(&loop->uv, &query->request, on_resolved,
                             slice_to_string(host, name, sizeof(name)), NULL, &hints);
    if (err != 0) {
        memory_free(query);
        return err == UV_ENOMEM ? ERR_NO_MEMORY : ERR_INVALID;
    }
    names->count++;
    list_append(&names->running, &query->node);
    wheel_start(&loop->wheel, &query->timer, NAMES_TIMEOUT);
    *ret_query = query;
    return 0;
}

void names_cancel(struct names_query *query)
{
    if (query == NULL || query->done == NULL)
        return;
    query->done = NULL;
    wheel_stop(&query->owner->loop->wheel, &query->timer);
    if (!query->finished)
        (void)uv_cancel((uv_req_t *)&query->request);
}

/* ---- making and freeing ---- */

int names_new(struct loop *loop, struct names **ret_names)
{
    struct names *names = memory_zalloc(1, sizeof(*names));
    if (names == NULL)
        return ERR_NO_MEMORY;
    names->loop = loop;
    list_init(&names->running);
    list_init(&names->finished);
    *ret_names = names;
    return 0;
}

bool names_close(struct names *names)
{
    if (names == NULL)
        return true;
    names->closing = true;
    list_for_each_safe(node, &names->finished)
        query_free(container_of(node, struct names_query, node));
    list_for_each(node, &names->running)
    {
        struct names_query *query = container_of(node, struct names_query, node);
        (void)uv_cancel((uv_req_t *)&query->request);
    }
    return names->count == 0;
}

void names_free(struct names *names)
{
    memory_free(names);
}
