/* loop/names.h from the world's table of names. */
#include "loop/names.h"

#include <stdlib.h>

#include "base/error.h"
#include "sim/world/sim_loop.h"

#define QUERIES_MAX 1000
#define HOST_MAX    255
#define TIMEOUT_US  (10 * SIM_SECOND)
#define UNKNOWN_US  20000

struct names_query {
    struct sim_event event;
    struct list node;
    struct loop *loop;
    names_fn *done;
    void *user;
    int status;
    unsigned count;
    struct address addresses[4];
};

static void query_free(struct names_query *query)
{
    sim_event_cancel(&query->loop->world->events, &query->event);
    list_remove(&query->node);
    query->loop->query_count--;
    free(query);
}

static void on_answer(struct sim_event *event)
{
    struct names_query *query = container_of(event, struct names_query, event);
    list_remove(&query->node);
    list_append(&query->loop->queries_done, &query->node);
    sim_loop_wake(query->loop);
}

static uint64_t answer(struct names_query *query, const struct sim_name *name)
{
    if (name == NULL) {
        query->status = ERR_NOT_FOUND;
        return UNKNOWN_US;
    }
    query->status = name->status;
    query->count = name->status == 0 ? name->count : 0;
    memcpy(query->addresses, name->addresses, sizeof(query->addresses));
    return name->status == ERR_TIMEOUT ? TIMEOUT_US : name->delay_us;
}

int names_lookup(struct loop *loop, struct slice host, names_fn *done, void *user,
                 struct names_query **ret_query)
{
    if (host.len == 0 || host.len > HOST_MAX || memchr(host.ptr, 0, host.len) != NULL)
        return ERR_INVALID;
    if (loop->query_count >= QUERIES_MAX)
        return ERR_LIMIT;
    struct names_query *query = calloc(1, sizeof(*query));
    if (query == NULL)
        return ERR_NO_MEMORY;
    query->loop = loop;
    query->done = done;
    query->user = user;
    loop->query_count++;
    list_append(&loop->queries, &query->node);
    sim_event_init(&query->event, on_answer);
    uint64_t delay = answer(query, sim_name_find(loop->world, host.ptr, host.len));
    sim_event_after(&loop->world->events, &query->event, delay);
    *ret_query = query;
    return 0;
}

void names_cancel(struct names_query *query)
{
    if (query != NULL)
        query_free(query);
}

void sim_names_deliver(struct loop *loop)
{
    while (!list_empty(&loop->queries_done)) {
        struct names_query *query = container_of(loop->queries_done.next, struct names_query, node);
        struct names_query answered = *query;
        query_free(query);
        answered.done(answered.user, answered.status, answered.count ? answered.addresses : NULL,
                      answered.count);
    }
}

void sim_names_close(struct loop *loop)
{
    while (!list_empty(&loop->queries))
        query_free(container_of(loop->queries.next, struct names_query, node));
    while (!list_empty(&loop->queries_done))
        query_free(container_of(loop->queries_done.next, struct names_query, node));
}
