/* Responses that arrive: RFC 3261 section 17.1.3. */
#include "sip/transaction/layer.h"

static bool matches(const struct table_node *node, const void *user)
{
    const struct sip_client_tx *tx = container_of_const(node, struct sip_client_tx, tx.node);
    const struct sip_client_key *key = user;
    return tx->loop == key->loop && tx->tx.method == key->method &&
           tx->method_hash == key->method_hash;
}

struct sip_client_tx *sip_client_tx_find(const struct sip_transactions *t,
                                         const struct sip_client_key *key)
{
    struct table_node *node = table_find(&t->clients, key->hash, matches, key);
    return node != NULL ? container_of(node, struct sip_client_tx, tx.node) : NULL;
}

/* The transaction by the branch of the top Via and the method of CSeq, or NULL. */
static struct sip_client_tx *match(const struct sip_transactions *t,
                                   const struct sip_message *response)
{
    const struct sip_cseq *cseq = &response->parts.cseq;
    struct sip_branch branch;
    if (cseq->method_name.len == 0 || sip_branch_parse(response->parts.via.branch, &branch) != 0)
        return NULL;
    struct sip_client_key key = {
        .hash = sip_client_key_hash(branch.key, cseq->method),
        .loop = branch.loop,
        .method_hash = sip_tx_method_hash(t, cseq->method, cseq->method_name),
        .method = (uint8_t)cseq->method,
    };
    return sip_client_tx_find(t, &key);
}

bool sip_transactions_on_response(struct sip_transactions *t, const struct sip_message *response)
{
    struct sip_client_tx *tx = match(t, response);
    if (tx == NULL || response->status < 100 || response->status > 699)
        return false;
    if (tx->tx.state == SIP_TX_COMPLETED || tx->tx.state == SIP_TX_ACCEPTED)
        t->counts[SIP_TX_COUNT_RETRANSMIT_IN]++;
    sip_client_tx_event(tx, sip_tx_status_event(response->status), response);
    return true;
}
