#include "sip/transaction/transaction.h"

#include <assert.h>

#include "base/error.h"
#include "sip/transaction/layer.h"

#define TABLE_FIRST 1024 /* elements of a fresh table: it grows */

static int init_tables(struct sip_transactions *t)
{
    int rc = table_init(&t->clients, TABLE_FIRST);
    if (rc == 0)
        rc = table_init(&t->servers, TABLE_FIRST);
    if (rc == 0)
        rc = table_init(&t->by_connection, 0);
    return rc;
}

static void done_tables(struct sip_transactions *t)
{
    table_done(&t->clients);
    table_done(&t->servers);
    table_done(&t->by_connection);
}

int sip_transactions_init(struct sip_transactions *t, const struct sip_transactions_config *config,
                          struct wheel *wheel, struct random *random)
{
    assert(config->send != NULL);
    if (config->times.t1_ms == 0 || config->times.t2_ms == 0 || config->times.t4_ms == 0)
        return ERR_RANGE;
    *t = (struct sip_transactions){.config = *config, .wheel = wheel, .random = random};
    int rc = init_tables(t);
    if (rc != 0) {
        done_tables(t);
        return rc;
    }
    t->key = random_hash_key(random);
    pool_init(&t->client_pool, sizeof(struct sip_client_tx), 0);
    pool_init(&t->server_pool, sizeof(struct sip_server_tx), 0);
    sip_tx_connection_init(t);
    blocks_init(&t->blocks, config->memory_limit);
    return 0;
}

static void end_client(struct table_node *node, void *user)
{
    (void)user;
    sip_client_tx_end(container_of(node, struct sip_client_tx, tx.node));
}

static void end_server(struct table_node *node, void *user)
{
    (void)user;
    sip_server_tx_end(container_of(node, struct sip_server_tx, tx.node));
}

void sip_transactions_reload(struct sip_transactions *t,
                             const struct sip_transactions_config *config)
{
    t->config.times = config->times;
    t->config.limit = config->limit;
    t->config.memory_limit = config->memory_limit;
    t->blocks.limit = config->memory_limit;
}

void sip_transactions_done(struct sip_transactions *t)
{
    t->closing = true;
    table_each(&t->clients, end_client, NULL);
    table_each(&t->servers, end_server, NULL);
    assert(sip_transactions_count(t) == 0 && t->blocks.bytes == 0 && t->by_connection.count == 0);
    done_tables(t);
    pool_done(&t->client_pool);
    pool_done(&t->server_pool);
    pool_done(&t->connection_pool);
    blocks_done(&t->blocks);
}

size_t sip_transactions_count(const struct sip_transactions *t)
{
    return t->clients.count + t->servers.count;
}

static void count_unfinished(struct table_node *node, void *user)
{
    const struct sip_tx *tx = container_of(node, struct sip_tx, node);
    size_t *count = user;
    bool unfinished = tx->state == SIP_TX_CALLING || tx->state == SIP_TX_TRYING ||
                      tx->state == SIP_TX_PROCEEDING ||
                      (tx->kind == SIP_TX_INVITE_SERVER && tx->state == SIP_TX_COMPLETED);
    *count += unfinished ? 1 : 0;
}

size_t sip_transactions_unfinished(struct sip_transactions *t)
{
    size_t count = 0;
    table_each(&t->clients, count_unfinished, &count);
    table_each(&t->servers, count_unfinished, &count);
    return count;
}
