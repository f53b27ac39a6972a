/* Connections with peers at the worker of their allocation, and what flows belong to. */
#include "base/error.h"
#include "base/memory.h"
#include "service/turn/tcp_private.h"

/* ---- Ends ---- */

static uint64_t hash_of_flow(const struct turn_tcp_worker *worker, const struct flow *flow)
{
    return hash_mix(worker->turn->seed, (uint64_t)flow->generation << 32 | flow->connection);
}

static bool is_end(const struct table_node *node, const void *key)
{
    const struct flow *flow = key;
    const struct turn_end *end = container_of_const(node, struct turn_end, node);
    return end->flow.connection == flow->connection && end->flow.generation == flow->generation;
}

struct turn_end *turn_end_find(struct turn_tcp_worker *worker, const struct flow *flow)
{
    struct table_node *node = table_find(&worker->ends, hash_of_flow(worker, flow), is_end, flow);
    return node == NULL ? NULL : container_of(node, struct turn_end, node);
}

void turn_end_add(struct turn_tcp_worker *worker, struct turn_end *end, const struct flow *flow,
                  enum turn_end_role role)
{
    end->flow = *flow;
    end->role = (uint8_t)role;
    table_add(&worker->ends, &end->node, hash_of_flow(worker, flow));
}

void turn_end_remove(struct turn_tcp_worker *worker, struct turn_end *end)
{
    table_remove(&worker->ends, &end->node);
}

/* ---- Connections ---- */

static bool is_connection(const struct table_node *node, const void *key)
{
    const uint32_t *id = key;
    return container_of_const(node, struct turn_tcp_connection, node)->id == *id;
}

struct turn_tcp_connection *turn_tcp_find(struct turn_tcp_worker *worker, uint32_t id)
{
    struct table_node *node =
        table_find(&worker->connections, hash_mix(worker->turn->seed, id), is_connection, &id);
    return node == NULL ? NULL : container_of(node, struct turn_tcp_connection, node);
}

/* Section 5.2: unique; the worker's number comes first, so that any worker knows whom to ask. */
static uint32_t next_id(struct turn_tcp_worker *worker)
{
    uint32_t mask = (UINT32_C(1) << TURN_TCP_SEQUENCE_BITS) - 1;
    uint32_t above = (uint32_t)loop_worker(worker->turn->loop) << TURN_TCP_SEQUENCE_BITS;
    uint32_t id;
    do {
        id = above | (++worker->sequence & mask);
    } while (turn_tcp_find(worker, id) != NULL);
    return id;
}

/* Sections 5.2, 5.3: nobody wants it. An ending one tells its holder again. */
static void on_timer(struct timer *timer)
{
    struct turn_tcp_connection *connection = container_of(timer, struct turn_tcp_connection, timer);
    struct turn_tcp_worker *worker = connection->worker;
    if (connection->state == TURN_TCP_ENDING) {
        if (turn_tcp_tell_end(worker, connection->holder, connection->id) == 0)
            turn_tcp_connection_free(connection);
        else
            wheel_start(loop_wheel(worker->turn->loop), timer, TURN_TCP_RETRY_MS);
        return;
    }
    turn_tcp_close_stream(worker, &connection->end.flow);
    turn_tcp_connection_free(connection);
}

struct turn_tcp_connection *turn_tcp_connection_new(struct turn_tcp *tcp,
                                                    const struct address *peer)
{
    struct turn *turn = tcp->allocation->turn;
    struct turn_tcp_worker *worker = turn->tcp;
    struct turn_tcp_connection *connection = NULL;
    if (tcp->count == TURN_TCP_CONNECTIONS_MAX || !turn_ports_file_take(turn->parts.ports))
        return NULL;
    connection = memory_zalloc(1, sizeof *connection);
    if (connection == NULL) {
        turn_ports_file_give(turn->parts.ports);
        return NULL;
    }
    connection->worker = worker;
    connection->tcp = tcp;
    connection->peer = *peer;
    connection->id = next_id(worker);
    timer_init(&connection->timer, on_timer);
    table_add(&worker->connections, &connection->node, hash_mix(turn->seed, connection->id));
    list_append(&tcp->connections, &connection->link);
    tcp->count++;
    turn_count(turn, TURN_CONNECTIONS, 1);
    return connection;
}

void turn_tcp_connection_free(struct turn_tcp_connection *connection)
{
    struct turn_tcp_worker *worker = connection->worker;
    if (connection->state <= TURN_TCP_PENDING && connection->end.flow.connection != 0)
        turn_end_remove(worker, &connection->end);
    wheel_stop(loop_wheel(worker->turn->loop), &connection->timer);
    table_remove(&worker->connections, &connection->node);
    list_remove(&connection->link);
    if (connection->tcp != NULL) {
        connection->tcp->count--;
        turn_count(worker->turn, TURN_CONNECTIONS, -1);
    }
    turn_ports_file_give(worker->turn->parts.ports);
    memory_free(connection);
}

void turn_tcp_connection_end(struct turn_tcp_connection *connection)
{
    struct turn_tcp_worker *worker = connection->worker;
    if (connection->state <= TURN_TCP_PENDING) {
        turn_tcp_close_stream(worker, &connection->end.flow);
        turn_tcp_connection_free(connection);
        return;
    }
    uint32_t id = connection->id;
    if (connection->holder == loop_worker(worker->turn->loop)) {
        turn_tcp_connection_free(connection);
        turn_tcp_pair_end(worker, id);
    } else if (turn_tcp_tell_end(worker, connection->holder, id) == 0) {
        turn_tcp_connection_free(connection);
    } else {
        list_remove(&connection->link);
        connection->tcp->count--;
        turn_count(worker->turn, TURN_CONNECTIONS, -1);
        connection->tcp = NULL;
        connection->state = TURN_TCP_ENDING;
        wheel_start(loop_wheel(worker->turn->loop), &connection->timer, TURN_TCP_RETRY_MS);
    }
}
