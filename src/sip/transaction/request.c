/* Requests that arrive: RFC 3261 section 17.2.3, CANCEL by section 9.2. */
#include "sip/transaction/layer.h"

static enum sip_request_match invalid(struct sip_transactions *t)
{
    t->counts[SIP_TX_COUNT_REFUSED]++;
    return SIP_REQUEST_INVALID;
}

static enum sip_request_match on_ack(struct sip_server_tx *tx, struct sip_server_tx **ret_tx)
{
    const struct sip_tx_row *row =
        sip_tx_row(SIP_TX_INVITE_SERVER, (enum sip_tx_state)tx->tx.state, SIP_TX_ACK);
    if (row != NULL && (row->actions & SIP_TX_PASS_ACK)) {
        *ret_tx = tx;
        return SIP_REQUEST_ACK;
    }
    sip_server_tx_event(tx, SIP_TX_ACK);
    return SIP_REQUEST_ABSORBED;
}

bool sip_transactions_know(const struct sip_transactions *t, const struct sip_message *request)
{
    struct sip_server_key key;
    return sip_server_key_of(t, request, &key) == 0 &&
           sip_server_tx_find(t, &key, (enum sip_method)key.method) != NULL;
}

enum sip_request_match sip_transactions_on_request(struct sip_transactions *t,
                                                   const struct sip_message *request,
                                                   struct sip_server_tx **ret_tx)
{
    struct sip_server_key key;
    *ret_tx = NULL;
    if (sip_server_key_of(t, request, &key) != 0)
        return invalid(t);
    bool ack = key.method == SIP_ACK;
    struct sip_server_tx *tx =
        sip_server_tx_find(t, &key, ack ? SIP_INVITE : (enum sip_method)key.method);
    if (tx == NULL) {
        if (key.method == SIP_CANCEL) {
            *ret_tx = sip_server_tx_find_cancelled(t, &key);
            return SIP_REQUEST_CANCEL;
        }
        return ack ? SIP_REQUEST_ACK : SIP_REQUEST_NEW;
    }
    if (ack)
        return on_ack(tx, ret_tx);
    t->counts[SIP_TX_COUNT_RETRANSMIT_IN]++;
    sip_server_tx_event(tx, SIP_TX_REQUEST);
    return SIP_REQUEST_ABSORBED;
}
