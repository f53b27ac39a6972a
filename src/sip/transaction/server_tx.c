/* Server transactions: RFC 3261 section 17.2. */
#include <assert.h>

#include "base/error.h"
#include "sip/transaction/layer.h"

static_assert(sizeof(struct sip_server_tx) <= 256, "they linger by the million");

/* ---- running ---- */

static void tell_failure(struct sip_server_tx *tx, enum sip_tx_failure failure)
{
    if (tx->told)
        return;
    tx->told = true;
    if (tx->handler != NULL && tx->handler->on_failure != NULL)
        tx->handler->on_failure(tx, tx->tx.user, failure);
}

static void drop_response(struct sip_server_tx *tx)
{
    blocks_put(&tx->tx.layer->blocks, tx->response, tx->response_len);
    tx->response = NULL;
}

static void resend(struct sip_server_tx *tx)
{
    if (tx->response == NULL)
        return;
    tx->tx.layer->counts[SIP_TX_COUNT_RETRANSMIT_OUT]++;
    if (sip_tx_send(tx->tx.layer, &tx->flow, slice_of(tx->response, tx->response_len)) != 0)
        sip_server_tx_event(tx, SIP_TX_TRANSPORT_ERROR);
}

static void leave(struct sip_server_tx *tx)
{
    if (--tx->tx.busy == 0 && tx->tx.state == SIP_TX_TERMINATED)
        sip_server_tx_end(tx);
}

/* Would the machine send its last response again in this state? */
static bool resends(const struct sip_server_tx *tx)
{
    enum sip_tx_kind kind = (enum sip_tx_kind)tx->tx.kind;
    const struct sip_tx_row *row =
        sip_tx_row(kind, (enum sip_tx_state)tx->tx.state, SIP_TX_REQUEST);
    if (row == NULL || (row->actions & SIP_TX_RESEND_RESPONSE) == 0)
        return false;
    /* Timer J is 0 on reliable transports (17.2.2). */
    return kind != SIP_TX_SERVER || tx->tx.state != SIP_TX_COMPLETED || !tx->tx.reliable;
}

void sip_server_tx_event(struct sip_server_tx *tx, enum sip_tx_event event)
{
    const struct sip_tx_row *row =
        sip_tx_row((enum sip_tx_kind)tx->tx.kind, (enum sip_tx_state)tx->tx.state, event);
    if (row == NULL)
        return;
    tx->tx.busy++;
    sip_tx_enter(&tx->tx, row);
    if (row->actions & SIP_TX_RESEND_RESPONSE)
        resend(tx);
    else if (tx->response != NULL && !resends(tx))
        drop_response(tx);
    if (row->actions & SIP_TX_TELL_TIMEOUT) {
        tx->tx.layer->counts[SIP_TX_COUNT_TIMEOUT]++;
        tell_failure(tx, SIP_TX_FAILED_TIMEOUT);
    }
    if (row->actions & SIP_TX_TELL_ERROR)
        tell_failure(tx, SIP_TX_FAILED_TRANSPORT);
    leave(tx);
}

void sip_server_tx_end(struct sip_server_tx *tx)
{
    struct sip_transactions *t = tx->tx.layer;
    tx->tx.state = SIP_TX_TERMINATED;
    sip_tx_stop_timers(&tx->tx);
    table_remove(&t->servers, &tx->tx.node);
    if (tx->response != NULL)
        drop_response(tx);
    if (tx->handler != NULL && tx->handler->on_end != NULL)
        tx->handler->on_end(tx, tx->tx.user);
    pool_put(&t->server_pool, tx);
}

static void on_resend(struct timer *timer)
{
    sip_server_tx_event(container_of(timer, struct sip_server_tx, tx.resend), SIP_TX_TIMER_G);
}

static void on_end(struct timer *timer)
{
    struct sip_server_tx *tx = container_of(timer, struct sip_server_tx, tx.end);
    sip_server_tx_event(tx, (enum sip_tx_event)tx->tx.end_event);
}

/* ---- beginning ---- */

int sip_server_tx_new(struct sip_transactions *t, const struct sip_message *request,
                      const struct flow *flow, const struct sip_server_tx_user *handler, void *user,
                      struct sip_server_tx **ret_tx)
{
    assert(request->method != SIP_ACK);
    struct sip_server_key key;
    int rc = sip_tx_may_begin(t);
    if (rc == 0)
        rc = sip_server_key_of(t, request, &key);
    if (rc != 0)
        return rc;
    struct sip_server_tx *tx = pool_get(&t->server_pool);
    if (tx == NULL) {
        t->counts[SIP_TX_COUNT_REFUSED]++;
        return ERR_NO_MEMORY;
    }
    enum sip_tx_kind kind = key.method == SIP_INVITE ? SIP_TX_INVITE_SERVER : SIP_TX_SERVER;
    *tx = (struct sip_server_tx){
        .tx = {.layer = t,
               .user = user,
               .kind = (uint8_t)kind,
               .state = sip_tx_machine(kind)->initial,
               .method = key.method,
               .reliable = flow_reliable(flow),
               .rfc2543 = key.rfc2543},
        .handler = handler,
        .flow = *flow,
        .method_hash = key.method_hash,
        .hash2 = key.hash2,
        .check = key.check,
    };
    timer_init(&tx->tx.resend, on_resend);
    timer_init(&tx->tx.end, on_end);
    table_add(&t->servers, &tx->tx.node, key.hash);
    t->counts[SIP_TX_COUNT_SERVER]++;
    *ret_tx = tx;
    return 0;
}

/* ---- responding ---- */

/* RFC 4320 section 4: to a non-INVITE no provisional response but 100, and no 408. */
static bool forbidden(const struct sip_server_tx *tx, unsigned status)
{
    return tx->tx.kind == SIP_TX_SERVER && ((status > 100 && status < 200) || status == 408);
}

/* Keeps the response if it may have to be sent again; the one before it is not needed any more. */
static int keep(struct sip_server_tx *tx, struct slice response)
{
    if (tx->response != NULL)
        drop_response(tx);
    if (!resends(tx))
        return 0;
    tx->response = blocks_get(&tx->tx.layer->blocks, response.len);
    if (tx->response == NULL)
        return ERR_NO_MEMORY;
    memcpy(tx->response, response.ptr, response.len);
    tx->response_len = (uint32_t)response.len;
    return 0;
}

/* The ACK of an RFC 2543 client is told by the To tag of the response (17.2.3). */
static void note_tag(struct sip_server_tx *tx, struct slice response)
{
    struct sip_message msg;
    struct sip_fault fault;
    struct sip_address to = {0};
    if (sip_message_parse(response, &sip_tx_no_limits, &msg, &fault) == 0)
        (void)sip_address_parse(sip_message_value(&msg, SIP_HEADER_TO), false, &to);
    tx->response_tag = sip_tx_tag_hash(tx->tx.layer, to.tag); /* no tag and no To are the same */
}

int sip_server_tx_respond(struct sip_server_tx *tx, unsigned status, struct slice response)
{
    struct sip_transactions *t = tx->tx.layer;
    if (t->closing)
        return ERR_CLOSED;
    const struct sip_tx_row *row = NULL;
    if (status >= 100 && status <= 699 && response.len <= UINT32_MAX && !forbidden(tx, status))
        row = sip_tx_row((enum sip_tx_kind)tx->tx.kind, (enum sip_tx_state)tx->tx.state,
                         sip_tx_status_event(status));
    if (row == NULL) {
        t->counts[SIP_TX_COUNT_REFUSED]++;
        return ERR_INVALID;
    }
    sip_tx_enter(&tx->tx, row);
    if (tx->tx.rfc2543 && tx->tx.kind == SIP_TX_INVITE_SERVER && status > 100)
        note_tag(tx, response);
    int kept = keep(tx, response);
    int sent = sip_tx_send(t, &tx->flow, response);
    return sent != 0 ? sent : kept;
}

void sip_server_tx_abandon(struct sip_server_tx *tx)
{
    tx->handler = NULL;
    bool unanswered = tx->tx.state == SIP_TX_TRYING || tx->tx.state == SIP_TX_PROCEEDING;
    if (!unanswered || tx->tx.layer->closing)
        return;
    tx->tx.state = SIP_TX_TERMINATED;
    if (tx->tx.busy == 0)
        sip_server_tx_end(tx);
}

/* ---- reading ---- */

enum sip_tx_state sip_server_tx_state(const struct sip_server_tx *tx)
{
    return (enum sip_tx_state)tx->tx.state;
}

const struct flow *sip_server_tx_flow(const struct sip_server_tx *tx)
{
    return &tx->flow;
}

void *sip_server_tx_user_data(const struct sip_server_tx *tx)
{
    return tx->tx.user;
}

void *sip_server_tx_user_of(const struct sip_server_tx *tx,
                            const struct sip_server_tx_user *handler)
{
    return tx->handler == handler ? tx->tx.user : NULL;
}
