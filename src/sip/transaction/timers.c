/* What both sides share: entering a state, timers, sending. */
#include "base/error.h"
#include "sip/transaction/layer.h"

static bool is_first(uint32_t timers, unsigned *ret_event)
{
    if (timers == 0)
        return false;
    *ret_event = (unsigned)__builtin_ctz(timers);
    return true;
}

static void start_timer(struct sip_tx *tx, enum sip_tx_event timer)
{
    struct sip_transactions *t = tx->layer;
    uint32_t ms = sip_tx_timer_ms(timer, &t->config.times, tx->reliable,
                                  tx->state == SIP_TX_PROCEEDING, tx->resends);
    if (ms == SIP_TX_NO_TIMER)
        return;
    if (sip_tx_timer_resends(timer)) {
        tx->resends += tx->resends < UINT8_MAX;
        wheel_start(t->wheel, &tx->resend, ms);
    } else {
        tx->end_event = (uint8_t)timer;
        wheel_start(t->wheel, &tx->end, ms);
    }
}

void sip_tx_enter(struct sip_tx *tx, const struct sip_tx_row *row)
{
    tx->state = row->next;
    unsigned timer = 0;
    for (uint32_t stop = row->stop; is_first(stop, &timer); stop &= stop - 1) {
        bool resends = sip_tx_timer_resends((enum sip_tx_event)timer);
        wheel_stop(tx->layer->wheel, resends ? &tx->resend : &tx->end);
    }
    for (uint32_t start = row->start; is_first(start, &timer); start &= start - 1)
        start_timer(tx, (enum sip_tx_event)timer);
}

void sip_tx_stop_timers(struct sip_tx *tx)
{
    wheel_stop(tx->layer->wheel, &tx->resend);
    wheel_stop(tx->layer->wheel, &tx->end);
}

int sip_tx_send(struct sip_transactions *t, const struct flow *flow, struct slice data)
{
    int rc = t->config.send(t->config.user, flow, data);
    if (rc >= 0)
        return 0;
    t->counts[SIP_TX_COUNT_TRANSPORT_ERROR]++;
    return ERR_UNREACHABLE;
}

int sip_tx_may_begin(struct sip_transactions *t)
{
    if (t->closing)
        return ERR_CLOSED;
    if (t->config.limit == 0 || sip_transactions_count(t) < t->config.limit)
        return 0;
    t->counts[SIP_TX_COUNT_REFUSED]++;
    return ERR_LIMIT;
}
