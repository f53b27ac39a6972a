/* Ending an INVITE before its final response: RFC 3261 section 9.1. */
#include "base/error.h"
#include "sip/message/via.h"
#include "sip/transaction/layer.h"

/* The wait for the final response begins, whether the CANCEL could be sent or not: without it the
 * transaction might never end. */
static void begin_wait(struct sip_client_tx *tx)
{
    tx->cancelled = true;
    sip_client_tx_event(tx, SIP_TX_CANCEL, NULL);
}

static int begin_transaction(struct sip_client_tx *tx, struct slice request)
{
    struct sip_client_tx *cancel;
    struct sip_client_tx_start start = {
        .flow = tx->flow,
        .request = request,
        .method = SIP_CANCEL,
        .branch = {.worker = tx->tx.layer->config.worker,
                   .key = tx->tx.node.hash,
                   .loop = tx->loop},
    };
    return sip_client_tx_create(tx->tx.layer, &start, true, &cancel);
}

static int send_cancel(struct sip_client_tx *tx)
{
    int rc = begin_transaction(tx, slice_of(tx->kept, tx->kept_len));
    sip_client_tx_drop_kept(tx);
    return rc;
}

void sip_client_tx_proceed(struct sip_client_tx *tx)
{
    if (tx->tx.kind != SIP_TX_INVITE_CLIENT || tx->cancelled)
        return;
    if (tx->cancel_waits)
        (void)send_cancel(tx);
    else if (tx->handler != NULL)
        return;
    begin_wait(tx); /* without a user nobody runs timer C */
}

int sip_client_tx_cancel(struct sip_client_tx *tx, struct slice extra)
{
    if (tx->tx.kind != SIP_TX_INVITE_CLIENT)
        return ERR_UNSUPPORTED;
    if (tx->tx.layer->closing)
        return ERR_CLOSED;
    bool calling = tx->tx.state == SIP_TX_CALLING;
    if (tx->cancelled || tx->cancel_waits || (!calling && tx->tx.state != SIP_TX_PROCEEDING))
        return 0;
    int rc = sip_client_tx_keep_hop(tx, SIP_CANCEL, NULL, extra);
    tx->cancel_waits = rc == 0;
    if (calling)
        return rc;
    if (rc == 0)
        rc = send_cancel(tx);
    begin_wait(tx);
    return rc;
}

void sip_client_tx_abandon(struct sip_client_tx *tx)
{
    tx->handler = NULL;
    if (tx->tx.state == SIP_TX_PROCEEDING && !tx->tx.layer->closing)
        sip_client_tx_proceed(tx);
}
