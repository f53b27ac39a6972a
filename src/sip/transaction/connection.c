/* The client transactions of each stream connection, so that when one closes, only they are
 * touched. */
#include "base/error.h"
#include "sip/transaction/layer.h"

struct sip_tx_connection {
    struct table_node node;
    struct list clients;
    uint32_t connection;
    uint32_t generation;
    uint8_t transport; /* connections of streams and of SCTP are numbered apart */
    uint8_t worker;
    bool closed; /* its clients are being told: it is freed when that is done */
};

void sip_tx_connection_init(struct sip_transactions *t)
{
    pool_init(&t->connection_pool, sizeof(struct sip_tx_connection), 0);
}

static bool matches(const struct table_node *node, const void *user)
{
    const struct sip_tx_connection *c = container_of_const(node, struct sip_tx_connection, node);
    const struct flow *flow = user;
    return c->connection == flow->connection && c->generation == flow->generation &&
           c->worker == flow->worker && c->transport == flow->transport;
}

static uint64_t hash_of(const struct flow *flow)
{
    return hash_mix((uint64_t)flow->connection << 32 | flow->generation,
                    (uint64_t)flow->transport << 8 | flow->worker);
}

static struct sip_tx_connection *find(const struct sip_transactions *t, const struct flow *flow)
{
    struct table_node *node = table_find(&t->by_connection, hash_of(flow), matches, flow);
    return node != NULL ? container_of(node, struct sip_tx_connection, node) : NULL;
}

int sip_tx_connection_add(struct sip_client_tx *tx)
{
    struct sip_transactions *t = tx->tx.layer;
    const struct flow *flow = &tx->flow;
    list_init(&tx->on_connection);
    if (!flow_reliable(flow) || flow->connection == 0)
        return 0;
    struct sip_tx_connection *c = find(t, flow);
    if (c == NULL) {
        c = pool_get(&t->connection_pool);
        if (c == NULL)
            return ERR_NO_MEMORY;
        *c = (struct sip_tx_connection){.connection = flow->connection,
                                        .generation = flow->generation,
                                        .transport = flow->transport,
                                        .worker = flow->worker};
        list_init(&c->clients);
        table_add(&t->by_connection, &c->node, hash_of(flow));
    }
    list_append(&c->clients, &tx->on_connection);
    return 0;
}

void sip_tx_connection_remove(struct sip_client_tx *tx)
{
    struct sip_transactions *t = tx->tx.layer;
    struct list *neighbour = tx->on_connection.next;
    if (neighbour == &tx->on_connection)
        return;
    list_remove(&tx->on_connection);
    if (!list_empty(neighbour))
        return;
    /* Only the head of a list can be alone in it. */
    struct sip_tx_connection *c = container_of(neighbour, struct sip_tx_connection, clients);
    if (c->closed)
        return;
    table_remove(&t->by_connection, &c->node);
    pool_put(&t->connection_pool, c);
}

static void tell(struct sip_client_tx *tx)
{
    if (tx->tx.kind == SIP_TX_INVITE_CLIENT && tx->tx.state == SIP_TX_PROCEEDING &&
        tx->handler != NULL && tx->handler->on_connection_closed != NULL)
        tx->handler->on_connection_closed(tx, tx->tx.user);
    else
        sip_client_tx_event(tx, SIP_TX_TRANSPORT_ERROR, NULL);
}

void sip_transactions_on_connection_closed(struct sip_transactions *t, const struct flow *flow)
{
    struct sip_tx_connection *c = flow_reliable(flow) ? find(t, flow) : NULL;
    if (c == NULL)
        return;
    /* Out of the table first: what callbacks begin on the dead connection stands in a new entry. */
    table_remove(&t->by_connection, &c->node);
    c->closed = true;
    while (!list_empty(&c->clients)) {
        struct sip_client_tx *tx =
            container_of(c->clients.next, struct sip_client_tx, on_connection);
        list_remove(&tx->on_connection);
        tell(tx);
    }
    pool_put(&t->connection_pool, c);
}
