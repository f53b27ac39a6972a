/* Client transactions: RFC 3261 section 17.1. */
#include <assert.h>

#include "base/error.h"
#include "sip/transaction/layer.h"

static_assert(sizeof(struct sip_client_tx) <= 256, "they linger by the million");

/* ---- running ---- */

static void tell_failure(struct sip_client_tx *tx, const struct sip_tx_row *row,
                         enum sip_tx_failure failure)
{
    /* Figure 5 also tells of an ACK that could not be sent; the user has its final response then,
     * and there is nothing left that it could do. */
    if (row->state == SIP_TX_COMPLETED)
        return;
    if (tx->handler != NULL && tx->handler->on_failure != NULL)
        tx->handler->on_failure(tx, tx->tx.user, failure);
}

/* The machine learns of a failed send from the wheel, so that no callback comes from within a call
 * of the user. */
static void send_or_fail(struct sip_client_tx *tx, struct slice data)
{
    if (sip_tx_send(tx->tx.layer, &tx->flow, data) == 0)
        return;
    tx->tx.end_event = SIP_TX_TRANSPORT_ERROR;
    wheel_start(tx->tx.layer->wheel, &tx->tx.end, 0);
}

void sip_client_tx_drop_kept(struct sip_client_tx *tx)
{
    blocks_put(&tx->tx.layer->blocks, tx->kept, tx->kept_room);
    tx->kept = NULL;
    tx->cancel_waits = false;
}

static void drop_request(struct sip_client_tx *tx)
{
    blocks_put(&tx->tx.layer->blocks, tx->request, tx->request_len);
    tx->request = NULL;
}

/* 17.1.1.3. Without memory it is as if the ACK were lost: the response comes again. */
static void send_ack(struct sip_client_tx *tx, const struct sip_message *response)
{
    if (tx->cancel_waits)
        sip_client_tx_drop_kept(tx);
    if (tx->kept != NULL) {
        tx->tx.layer->counts[SIP_TX_COUNT_RETRANSMIT_OUT]++;
    } else if (sip_client_tx_keep_hop(tx, SIP_ACK, response, SLICE_NULL) != 0) {
        return;
    }
    send_or_fail(tx, slice_of(tx->kept, tx->kept_len));
}

static void act(struct sip_client_tx *tx, const struct sip_tx_row *row,
                const struct sip_message *response)
{
    uint64_t *counts = tx->tx.layer->counts;
    if (row->actions & SIP_TX_SEND_REQUEST) {
        counts[SIP_TX_COUNT_RETRANSMIT_OUT]++;
        send_or_fail(tx, sip_client_tx_request(tx));
    }
    if (row->actions & SIP_TX_SEND_ACK)
        send_ack(tx, response);
    if ((row->actions & SIP_TX_PASS) && tx->handler != NULL && tx->handler->on_response != NULL)
        tx->handler->on_response(tx, tx->tx.user, response);
    if (row->actions & SIP_TX_TELL_TIMEOUT) {
        counts[SIP_TX_COUNT_TIMEOUT]++;
        tell_failure(tx, row, SIP_TX_FAILED_TIMEOUT);
    }
    if (row->actions & SIP_TX_TELL_ERROR)
        tell_failure(tx, row, SIP_TX_FAILED_TRANSPORT);
}

/* Once the final response came, nothing is sent again but the ACK, which is written from the
 * request. */
static void release(struct sip_client_tx *tx)
{
    bool completed = tx->tx.state == SIP_TX_COMPLETED;
    if (!completed && tx->kept != NULL)
        sip_client_tx_drop_kept(tx);
    if (tx->request != NULL && (!completed || tx->tx.kind == SIP_TX_CLIENT || tx->kept != NULL))
        drop_request(tx);
}

static void settle(struct sip_client_tx *tx)
{
    switch (tx->tx.state) {
    case SIP_TX_CALLING:
    case SIP_TX_TRYING: break;
    case SIP_TX_PROCEEDING: sip_client_tx_proceed(tx); break;
    default: release(tx);
    }
}

void sip_client_tx_event(struct sip_client_tx *tx, enum sip_tx_event event,
                         const struct sip_message *response)
{
    const struct sip_tx_row *row =
        sip_tx_row((enum sip_tx_kind)tx->tx.kind, (enum sip_tx_state)tx->tx.state, event);
    if (row == NULL)
        return;
    tx->tx.busy++;
    sip_tx_enter(&tx->tx, row);
    act(tx, row, response);
    settle(tx);
    if (--tx->tx.busy == 0 && tx->tx.state == SIP_TX_TERMINATED)
        sip_client_tx_end(tx);
}

void sip_client_tx_end(struct sip_client_tx *tx)
{
    struct sip_transactions *t = tx->tx.layer;
    tx->tx.state = SIP_TX_TERMINATED;
    sip_tx_stop_timers(&tx->tx);
    if (tx->tx.reliable)
        sip_tx_connection_remove(tx);
    table_remove(&t->clients, &tx->tx.node);
    if (tx->kept != NULL)
        sip_client_tx_drop_kept(tx);
    if (tx->request != NULL)
        drop_request(tx);
    if (tx->handler != NULL && tx->handler->on_end != NULL)
        tx->handler->on_end(tx, tx->tx.user);
    pool_put(&t->client_pool, tx);
}

static void on_resend(struct timer *timer)
{
    struct sip_client_tx *tx = container_of(timer, struct sip_client_tx, tx.resend);
    sip_client_tx_event(tx, tx->tx.kind == SIP_TX_INVITE_CLIENT ? SIP_TX_TIMER_A : SIP_TX_TIMER_E,
                        NULL);
}

static void on_end(struct timer *timer)
{
    struct sip_client_tx *tx = container_of(timer, struct sip_client_tx, tx.end);
    sip_client_tx_event(tx, (enum sip_tx_event)tx->tx.end_event, NULL);
}

/* ---- beginning ---- */

static struct slice method_name(const struct sip_client_tx_start *start)
{
    struct slice rest = start->request;
    return slice_cut(&rest, ' ');
}

/* A non-INVITE on a reliable transport is never sent again, and has neither ACK nor CANCEL. */
static int keep_request(struct sip_client_tx *tx, struct slice request)
{
    if (tx->tx.kind == SIP_TX_CLIENT && tx->tx.reliable)
        return 0;
    tx->request = blocks_get(&tx->tx.layer->blocks, request.len);
    if (tx->request == NULL)
        return ERR_NO_MEMORY;
    memcpy(tx->request, request.ptr, request.len);
    tx->request_len = (uint32_t)request.len;
    return 0;
}

static int prepare(struct sip_client_tx *tx, struct sip_transactions *t,
                   const struct sip_client_tx_start *start, const struct sip_client_key *key)
{
    bool invite = start->method == SIP_INVITE;
    enum sip_tx_kind kind = invite ? SIP_TX_INVITE_CLIENT : SIP_TX_CLIENT;
    *tx = (struct sip_client_tx){
        .tx = {.layer = t,
               .user = start->user,
               .kind = (uint8_t)kind,
               .state = sip_tx_machine(kind)->initial,
               .method = key->method,
               .reliable = flow_reliable(&start->flow)},
        .handler = start->handler,
        .loop = key->loop,
        .method_hash = key->method_hash,
        .flow = start->flow,
    };
    timer_init(&tx->tx.resend, on_resend);
    timer_init(&tx->tx.end, on_end);
    int rc = keep_request(tx, start->request);
    if (rc == 0)
        rc = sip_tx_connection_add(tx);
    if (rc != 0 && tx->request != NULL)
        drop_request(tx);
    return rc;
}

int sip_client_tx_create(struct sip_transactions *t, const struct sip_client_tx_start *start,
                         bool exempt, struct sip_client_tx **ret_tx)
{
    assert(start->method != SIP_ACK);
    if (start->request.len > UINT32_MAX)
        return ERR_LIMIT;
    int rc = exempt && !t->closing ? 0 : sip_tx_may_begin(t);
    if (rc != 0)
        return rc;
    struct sip_client_key key = {
        .hash = sip_client_key_hash(start->branch.key, start->method),
        .loop = start->branch.loop,
        .method_hash = sip_tx_method_hash(t, start->method, method_name(start)),
        .method = (uint8_t)start->method,
    };
    struct sip_client_tx *tx = pool_get(&t->client_pool);
    rc = tx != NULL ? prepare(tx, t, start, &key) : ERR_NO_MEMORY;
    if (rc != 0) {
        pool_put(&t->client_pool, tx);
        t->counts[SIP_TX_COUNT_REFUSED]++;
        return rc;
    }
    table_add(&t->clients, &tx->tx.node, key.hash);
    t->counts[SIP_TX_COUNT_CLIENT]++;
    sip_tx_enter(&tx->tx, sip_tx_row((enum sip_tx_kind)tx->tx.kind, (enum sip_tx_state)tx->tx.state,
                                     SIP_TX_REQUEST));
    send_or_fail(tx, start->request);
    *ret_tx = tx;
    return 0;
}

int sip_client_tx_new(struct sip_transactions *t, const struct sip_client_tx_start *start,
                      struct sip_client_tx **ret_tx)
{
    return sip_client_tx_create(t, start, false, ret_tx);
}

void sip_client_tx_hush(struct sip_client_tx *tx)
{
    wheel_stop(tx->tx.layer->wheel, &tx->tx.resend);
}

/* ---- reading ---- */

enum sip_tx_state sip_client_tx_state(const struct sip_client_tx *tx)
{
    return (enum sip_tx_state)tx->tx.state;
}

const struct flow *sip_client_tx_flow(const struct sip_client_tx *tx)
{
    return &tx->flow;
}

struct slice sip_client_tx_request(const struct sip_client_tx *tx)
{
    return tx->request != NULL ? slice_of(tx->request, tx->request_len) : SLICE_NULL;
}
