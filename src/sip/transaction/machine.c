#include "sip/transaction/machine.h"

#include <assert.h>
#include <stddef.h>

#include "sip/transaction/rows.h"

/* RFC 3261 section 17.1.1.2: timer D is at least 32 s, whatever T1 is here. */
#define TIMER_D_MIN_MS 32000

static const struct sip_tx_machine *const machines[SIP_TX_KINDS] = {
    [SIP_TX_INVITE_CLIENT] = &sip_tx_invite_client,
    [SIP_TX_CLIENT] = &sip_tx_client,
    [SIP_TX_INVITE_SERVER] = &sip_tx_invite_server,
    [SIP_TX_SERVER] = &sip_tx_server,
};

const struct sip_tx_machine *sip_tx_machine(enum sip_tx_kind kind)
{
    assert(kind < SIP_TX_KINDS);
    return machines[kind];
}

const struct sip_tx_row *sip_tx_row(enum sip_tx_kind kind, enum sip_tx_state state,
                                    enum sip_tx_event event)
{
    assert(state < SIP_TX_STATES && event < SIP_TX_EVENTS);
    const struct sip_tx_row *row = &sip_tx_machine(kind)->rows[state * SIP_TX_EVENTS + event];
    return row->section == NULL ? NULL : row;
}

uint32_t sip_tx_state_timers(enum sip_tx_kind kind, enum sip_tx_state state)
{
    assert(state < SIP_TX_STATES);
    return sip_tx_machine(kind)->timers[state];
}

static uint32_t doubled(uint32_t first_ms, unsigned times, uint32_t most_ms)
{
    uint64_t ms = times < 32 ? (uint64_t)first_ms << times : most_ms;
    return ms < most_ms ? (uint32_t)ms : most_ms;
}

uint32_t sip_tx_timer_ms(enum sip_tx_event timer, const struct sip_tx_times *times, bool reliable,
                         bool proceeding, unsigned before)
{
    uint32_t t1_64 = times->t1_ms * 64;
    switch (timer) {
    case SIP_TX_TIMER_A: /* 17.1.1.2: doubles without a bound of its own, timer B ends it */
        return reliable ? SIP_TX_NO_TIMER : doubled(times->t1_ms, before, t1_64);
    case SIP_TX_TIMER_E: /* 17.1.2.2 */
        if (reliable)
            return SIP_TX_NO_TIMER;
        return proceeding ? times->t2_ms : doubled(times->t1_ms, before, times->t2_ms);
    case SIP_TX_TIMER_G: /* 17.2.1 */
        return reliable ? SIP_TX_NO_TIMER : doubled(times->t1_ms, before, times->t2_ms);
    case SIP_TX_TIMER_D: /* 17.1.1.2 */
        if (reliable)
            return 0;
        return t1_64 > TIMER_D_MIN_MS ? t1_64 : TIMER_D_MIN_MS;
    case SIP_TX_TIMER_I: /* 17.2.1 */
    case SIP_TX_TIMER_K: /* 17.1.2.2 */ return reliable ? 0 : times->t4_ms;
    case SIP_TX_TIMER_J: /* 17.2.2 */ return reliable ? 0 : t1_64;
    case SIP_TX_TIMER_B:
    case SIP_TX_TIMER_F:
    case SIP_TX_TIMER_H:
    case SIP_TX_TIMER_L: /* RFC 6026 section 8.7 */
    case SIP_TX_TIMER_M: /* RFC 6026 section 8.4 */
    case SIP_TX_TIMER_CANCEL: /* 9.1 */ return t1_64;
    default: assert(!"a timer"); return SIP_TX_NO_TIMER;
    }
}

bool sip_tx_timer_resends(enum sip_tx_event timer)
{
    return timer == SIP_TX_TIMER_A || timer == SIP_TX_TIMER_E || timer == SIP_TX_TIMER_G;
}

uint32_t sip_tx_trying_ms(const struct sip_tx_times *times)
{
    assert(times->t1_ms > 0);
    uint32_t total = 0;
    uint32_t ms = 0;
    for (unsigned n = 0; ms < times->t2_ms; n++) {
        total += ms;
        ms = sip_tx_timer_ms(SIP_TX_TIMER_E, times, false, false, n);
    }
    return total;
}

enum sip_tx_event sip_tx_status_event(unsigned status)
{
    assert(status >= 100 && status <= 699);
    if (status < 200)
        return SIP_TX_1XX;
    return status < 300 ? SIP_TX_2XX : SIP_TX_300_699;
}

const char *sip_tx_state_name(enum sip_tx_state state)
{
    static const char *const names[SIP_TX_STATES] = {
        [SIP_TX_CALLING] = "Calling",       [SIP_TX_TRYING] = "Trying",
        [SIP_TX_PROCEEDING] = "Proceeding", [SIP_TX_COMPLETED] = "Completed",
        [SIP_TX_ACCEPTED] = "Accepted",     [SIP_TX_CONFIRMED] = "Confirmed",
        [SIP_TX_TERMINATED] = "Terminated",
    };
    assert(state < SIP_TX_STATES);
    return names[state];
}

const char *sip_tx_event_name(enum sip_tx_event event)
{
    static const char *const names[SIP_TX_EVENTS] = {
        [SIP_TX_REQUEST] = "request",
        [SIP_TX_ACK] = "ACK",
        [SIP_TX_1XX] = "1xx",
        [SIP_TX_2XX] = "2xx",
        [SIP_TX_300_699] = "300-699",
        [SIP_TX_TIMER_A] = "timer A",
        [SIP_TX_TIMER_B] = "timer B",
        [SIP_TX_TIMER_D] = "timer D",
        [SIP_TX_TIMER_E] = "timer E",
        [SIP_TX_TIMER_F] = "timer F",
        [SIP_TX_TIMER_G] = "timer G",
        [SIP_TX_TIMER_H] = "timer H",
        [SIP_TX_TIMER_I] = "timer I",
        [SIP_TX_TIMER_J] = "timer J",
        [SIP_TX_TIMER_K] = "timer K",
        [SIP_TX_TIMER_L] = "timer L",
        [SIP_TX_TIMER_M] = "timer M",
        [SIP_TX_TIMER_CANCEL] = "64*T1 after CANCEL",
        [SIP_TX_CANCEL] = "CANCEL sent",
        [SIP_TX_TRANSPORT_ERROR] = "transport error",
    };
    assert(event < SIP_TX_EVENTS);
    return names[event];
}
