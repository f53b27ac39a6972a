/* TCP relays of an allocation and of a worker, as wholes. */
#include "service/turn/tcp.h"

#include "base/error.h"
#include "base/memory.h"
#include "service/turn/tcp_private.h"

/* ---- Workers ---- */

int turn_tcp_worker_new(struct turn *turn, struct turn_tcp_worker **ret_worker)
{
    struct turn_tcp_worker *worker = memory_zalloc(1, sizeof *worker);
    if (worker == NULL)
        return ERR_NO_MEMORY;
    worker->turn = turn;
    worker->sequence = (uint32_t)random_u64(loop_random(turn->loop));
    int status = table_init(&worker->ends, 0);
    if (status == 0)
        status = table_init(&worker->connections, 0);
    if (status == 0)
        status = table_init(&worker->pairs, 0);
    if (status < 0) {
        turn_tcp_worker_free(worker);
        return status;
    }
    turn_tcp_listen_to_mail(worker);
    *ret_worker = worker;
    return 0;
}

/* Connections with workers that were never told. */
static void forget_connection(struct table_node *node, void *user)
{
    struct turn_tcp_worker *worker = user;
    struct turn_tcp_connection *connection = container_of(node, struct turn_tcp_connection, node);
    wheel_stop(loop_wheel(worker->turn->loop), &connection->timer);
    table_remove(&worker->connections, node);
    memory_free(connection);
}

static void forget_pair(struct table_node *node, void *user)
{
    struct turn_tcp_worker *worker = user;
    struct turn_tcp_pair *pair = container_of(node, struct turn_tcp_pair, node);
    wheel_stop(loop_wheel(worker->turn->loop), &pair->timer);
    table_remove(&worker->pairs, node);
    turn_quota_drop(worker->turn->parts.quota, pair->quota);
    memory_free(pair);
}

void turn_tcp_worker_free(struct turn_tcp_worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->connections.buckets != NULL) {
        table_each(&worker->connections, forget_connection, worker);
        table_done(&worker->connections);
    }
    if (worker->pairs.buckets != NULL) {
        table_each(&worker->pairs, forget_pair, worker);
        table_done(&worker->pairs);
    }
    if (worker->ends.buckets != NULL)
        table_done(&worker->ends);
    memory_free(worker);
}

/* ---- Allocations ---- */

unsigned turn_tcp_examine(const struct turn_request *request)
{
    const struct stun_message *message = request->message;
    if (!request->turn->config->tcp)
        return 442;
    if (!turn_tcp_is_stream(request->flow) || stun_has(message, STUN_DONT_FRAGMENT) ||
        stun_has(message, STUN_EVEN_PORT) || stun_has(message, STUN_RESERVATION_TOKEN))
        return 400;
    return 0;
}

/* NULL: there is none of that family. */
static struct turn_tcp_connection *first_of(const struct turn_tcp *tcp, bool v6)
{
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): what was freed has left the list */
    list_for_each(link, &tcp->connections)
    {
        struct turn_tcp_connection *connection =
            container_of(link, struct turn_tcp_connection, link);
        if (address_is_v6(&connection->peer) == v6)
            return connection;
    }
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    return NULL;
}

void turn_tcp_close(struct turn_tcp *tcp, unsigned family)
{
    struct turn_tcp_connection *connection;
    if (tcp->listeners[family] != NULL) {
        stream_listener_close(tcp->listeners[family]);
        turn_ports_file_give(tcp->allocation->turn->parts.ports);
    }
    tcp->listeners[family] = NULL;
    while ((connection = first_of(tcp, family == TURN_V6)) != NULL)
        turn_tcp_connection_end(connection);
}

void turn_tcp_free(struct turn_tcp *tcp)
{
    for (unsigned i = 0; tcp != NULL && i < TURN_FAMILIES; i++)
        turn_tcp_close(tcp, i);
    memory_free(tcp);
}

unsigned turn_tcp_count(const struct turn_tcp *tcp)
{
    return tcp->count;
}
