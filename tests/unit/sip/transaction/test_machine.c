/* Every cell of the four tables, written down a second time from the RFCs. */
#include "sip/transaction/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct expected {
    enum sip_tx_event event;
    enum sip_tx_state next;
    unsigned actions;
    uint32_t start;
    uint32_t stop;
};

#define T(letter) SIP_TX_TIMER_BIT(letter)

/* The cells of a state: those of the list, and nothing for all other events. */
static void check_state(enum sip_tx_kind kind, enum sip_tx_state at, const struct expected *list,
                        size_t count)
{
    size_t found = 0;
    for (unsigned e = 0; e < SIP_TX_EVENTS; e++) {
        const struct sip_tx_row *row = sip_tx_row(kind, at, (enum sip_tx_event)e);
        const struct expected *want = NULL;
        for (size_t i = 0; i < count; i++)
            if ((unsigned)list[i].event == e)
                want = &list[i];
        if (want == NULL) {
            if (row != NULL)
                fail_msg("%s in %s is not ignored", sip_tx_event_name((enum sip_tx_event)e),
                         sip_tx_state_name(at));
            continue;
        }
        found++;
        assert_non_null(row);
        assert_int_equal(row->state, at);
        assert_int_equal(row->event, e);
        assert_int_equal(row->next, want->next);
        assert_int_equal(row->actions, want->actions);
        assert_int_equal(row->start, want->start);
        assert_int_equal(row->stop, want->stop);
        assert_true(strncmp(row->section, "3261 ", 5) == 0 ||
                    strncmp(row->section, "6026 ", 5) == 0);
    }
    assert_int_equal(found, count);
}

#define CHECK(kind, at, list) check_state(kind, at, list, sizeof(list) / sizeof *(list))

static void check_empty(enum sip_tx_kind kind, enum sip_tx_state at)
{
    check_state(kind, at, NULL, 0);
}

/* ---- INVITE client -------------------------------------------------------------------------- */

static void invite_client_in_calling(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 3261 section 17.1.1.2: pass the request on, start A (unreliable) and B */
        {SIP_TX_REQUEST, SIP_TX_CALLING, SIP_TX_SEND_REQUEST, T(A) | T(B), 0},
        /* RFC 3261 section 17.1.1.2: when timer A fires, retransmit and reset it */
        {SIP_TX_TIMER_A, SIP_TX_CALLING, SIP_TX_SEND_REQUEST, T(A), 0},
        /* RFC 3261 section 17.1.1.2: still Calling when timer B fires: inform the TU of a timeout
         */
        {SIP_TX_TIMER_B, SIP_TX_TERMINATED, SIP_TX_TELL_TIMEOUT, 0, T(A)},
        /* RFC 3261 section 17.1.1.2: a provisional response: Proceeding, no more retransmissions */
        {SIP_TX_1XX, SIP_TX_PROCEEDING, SIP_TX_PASS, 0, T(A) | T(B)},
        /* RFC 6026 section 8.4: 2xx: Accepted, timer M, passed up, no ACK */
        {SIP_TX_2XX, SIP_TX_ACCEPTED, SIP_TX_PASS, T(M), T(A) | T(B)},
        /* RFC 6026 section 8.4: 300-699: Completed, passed up, ACK generated, timer D */
        {SIP_TX_300_699, SIP_TX_COMPLETED, SIP_TX_SEND_ACK | SIP_TX_PASS, T(D), T(A) | T(B)},
        /* RFC 3261 section 17.1.4: a transport failure: inform the TU, Terminated */
        {SIP_TX_TRANSPORT_ERROR, SIP_TX_TERMINATED, SIP_TX_TELL_ERROR, 0, T(A) | T(B)},
    };
    CHECK(SIP_TX_INVITE_CLIENT, SIP_TX_CALLING, rows);
}

static void invite_client_in_proceeding(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 3261 section 17.1.1.2: further provisional responses are passed up */
        {SIP_TX_1XX, SIP_TX_PROCEEDING, SIP_TX_PASS, 0, 0},
        /* RFC 6026 section 8.4 */
        {SIP_TX_2XX, SIP_TX_ACCEPTED, SIP_TX_PASS, T(M), T(CANCEL)},
        /* RFC 6026 section 8.4 */
        {SIP_TX_300_699, SIP_TX_COMPLETED, SIP_TX_SEND_ACK | SIP_TX_PASS, T(D), T(CANCEL)},
        /* RFC 3261 section 9.1: after a CANCEL the final response is awaited for 64*T1 */
        {SIP_TX_CANCEL, SIP_TX_PROCEEDING, 0, T(CANCEL), 0},
        /* RFC 3261 section 9.1: then the transaction counts as cancelled and is destroyed */
        {SIP_TX_TIMER_CANCEL, SIP_TX_TERMINATED, SIP_TX_TELL_TIMEOUT, 0, 0},
    };
    CHECK(SIP_TX_INVITE_CLIENT, SIP_TX_PROCEEDING, rows);
}

static void invite_client_in_completed(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 6026 section 8.4: a retransmitted 300-699: the ACK again, nothing to the TU */
        {SIP_TX_300_699, SIP_TX_COMPLETED, SIP_TX_SEND_ACK, 0, 0},
        /* RFC 6026 section 8.4: timer D: Terminated */
        {SIP_TX_TIMER_D, SIP_TX_TERMINATED, 0, 0, 0},
        /* RFC 6026 section 8.4, figure 5: transport error: inform TU, Terminated */
        {SIP_TX_TRANSPORT_ERROR, SIP_TX_TERMINATED, SIP_TX_TELL_ERROR, 0, T(D)},
    };
    CHECK(SIP_TX_INVITE_CLIENT, SIP_TX_COMPLETED, rows);
}

static void invite_client_in_accepted(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 6026 section 8.4: every 2xx is passed up; it is not acknowledged here */
        {SIP_TX_2XX, SIP_TX_ACCEPTED, SIP_TX_PASS, 0, 0},
        /* RFC 6026 section 8.4: timer M: Terminated */
        {SIP_TX_TIMER_M, SIP_TX_TERMINATED, 0, 0, 0},
    };
    CHECK(SIP_TX_INVITE_CLIENT, SIP_TX_ACCEPTED, rows);
}

/* RFC 3261 section 17.1.1.2: it has no other states; Terminated is destroyed at once */
static void invite_client_elsewhere(void **state)
{
    (void)state;
    check_empty(SIP_TX_INVITE_CLIENT, SIP_TX_TRYING);
    check_empty(SIP_TX_INVITE_CLIENT, SIP_TX_CONFIRMED);
    check_empty(SIP_TX_INVITE_CLIENT, SIP_TX_TERMINATED);
    assert_int_equal(sip_tx_machine(SIP_TX_INVITE_CLIENT)->initial, SIP_TX_CALLING);
}

/* ---- non-INVITE client ---------------------------------------------------------------------- */

static void client_in_trying(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 3261 section 17.1.2.2: set F, pass the request on, set E (unreliable) */
        {SIP_TX_REQUEST, SIP_TX_TRYING, SIP_TX_SEND_REQUEST, T(E) | T(F), 0},
        /* RFC 3261 section 17.1.2.2: timer E: retransmit, reset it */
        {SIP_TX_TIMER_E, SIP_TX_TRYING, SIP_TX_SEND_REQUEST, T(E), 0},
        /* RFC 3261 section 17.1.2.2: timer F: inform the TU of the timeout, Terminated */
        {SIP_TX_TIMER_F, SIP_TX_TERMINATED, SIP_TX_TELL_TIMEOUT, 0, T(E)},
        /* RFC 3261 section 17.1.2.2: provisional: passed up, Proceeding, E goes on */
        {SIP_TX_1XX, SIP_TX_PROCEEDING, SIP_TX_PASS, 0, 0},
        /* RFC 3261 section 17.1.2.2: final: passed up, Completed, timer K */
        {SIP_TX_2XX, SIP_TX_COMPLETED, SIP_TX_PASS, T(K), T(E) | T(F)},
        {SIP_TX_300_699, SIP_TX_COMPLETED, SIP_TX_PASS, T(K), T(E) | T(F)},
        /* RFC 3261 section 17.1.4 */
        {SIP_TX_TRANSPORT_ERROR, SIP_TX_TERMINATED, SIP_TX_TELL_ERROR, 0, T(E) | T(F)},
    };
    CHECK(SIP_TX_CLIENT, SIP_TX_TRYING, rows);
}

static void client_in_proceeding(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 3261 section 17.1.2.2: timer E in Proceeding: retransmit, reset to T2 */
        {SIP_TX_TIMER_E, SIP_TX_PROCEEDING, SIP_TX_SEND_REQUEST, T(E), 0},
        /* RFC 3261 section 17.1.2.2: timer F: the TU is informed, Terminated */
        {SIP_TX_TIMER_F, SIP_TX_TERMINATED, SIP_TX_TELL_TIMEOUT, 0, T(E)},
        /* RFC 3261 figure 6: a further 1xx goes to the TU */
        {SIP_TX_1XX, SIP_TX_PROCEEDING, SIP_TX_PASS, 0, 0},
        /* RFC 3261 section 17.1.2.2: final: passed up, Completed, timer K */
        {SIP_TX_2XX, SIP_TX_COMPLETED, SIP_TX_PASS, T(K), T(E) | T(F)},
        {SIP_TX_300_699, SIP_TX_COMPLETED, SIP_TX_PASS, T(K), T(E) | T(F)},
        /* RFC 3261 section 17.1.4, figure 6 */
        {SIP_TX_TRANSPORT_ERROR, SIP_TX_TERMINATED, SIP_TX_TELL_ERROR, 0, T(E) | T(F)},
    };
    CHECK(SIP_TX_CLIENT, SIP_TX_PROCEEDING, rows);
}

static void client_in_completed(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 3261 section 17.1.2.2: timer K: Terminated; retransmitted responses are swallowed */
        {SIP_TX_TIMER_K, SIP_TX_TERMINATED, 0, 0, 0},
    };
    CHECK(SIP_TX_CLIENT, SIP_TX_COMPLETED, rows);
}

/* RFC 3261 section 17.1.2.2: it has no other states */
static void client_elsewhere(void **state)
{
    (void)state;
    check_empty(SIP_TX_CLIENT, SIP_TX_CALLING);
    check_empty(SIP_TX_CLIENT, SIP_TX_ACCEPTED);
    check_empty(SIP_TX_CLIENT, SIP_TX_CONFIRMED);
    check_empty(SIP_TX_CLIENT, SIP_TX_TERMINATED);
    assert_int_equal(sip_tx_machine(SIP_TX_CLIENT)->initial, SIP_TX_TRYING);
}

/* ---- INVITE server -------------------------------------------------------------------------- */

static void invite_server_in_proceeding(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 3261 section 17.2.1: a retransmission: the most recent provisional response again */
        {SIP_TX_REQUEST, SIP_TX_PROCEEDING, SIP_TX_RESEND_RESPONSE, 0, 0},
        /* RFC 3261 section 17.2.1: each provisional response is passed on */
        {SIP_TX_1XX, SIP_TX_PROCEEDING, SIP_TX_SEND_RESPONSE, 0, 0},
        /* RFC 6026 sections 8.5, 8.7: 2xx: passed on, Accepted, timer L */
        {SIP_TX_2XX, SIP_TX_ACCEPTED, SIP_TX_SEND_RESPONSE, T(L), 0},
        /* RFC 3261 section 17.2.1: 300-699: passed on, Completed, G (unreliable) and H */
        {SIP_TX_300_699, SIP_TX_COMPLETED, SIP_TX_SEND_RESPONSE, T(G) | T(H), 0},
        /* RFC 6026 section 8.8: inform the TU, remain in the state */
        {SIP_TX_TRANSPORT_ERROR, SIP_TX_PROCEEDING, SIP_TX_TELL_ERROR, 0, 0},
    };
    CHECK(SIP_TX_INVITE_SERVER, SIP_TX_PROCEEDING, rows);
}

static void invite_server_in_completed(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 3261 section 17.2.1: a request retransmission: the response again */
        {SIP_TX_REQUEST, SIP_TX_COMPLETED, SIP_TX_RESEND_RESPONSE, 0, 0},
        /* RFC 3261 section 17.2.1: ACK: Confirmed, G is ignored there, timer I */
        {SIP_TX_ACK, SIP_TX_CONFIRMED, 0, T(I), T(G) | T(H)},
        /* RFC 3261 section 17.2.1: timer G: the response again, reset */
        {SIP_TX_TIMER_G, SIP_TX_COMPLETED, SIP_TX_RESEND_RESPONSE, T(G), 0},
        /* RFC 3261 section 17.2.1: timer H: the ACK never came: tell the TU, Terminated */
        {SIP_TX_TIMER_H, SIP_TX_TERMINATED, SIP_TX_TELL_TIMEOUT, 0, T(G)},
        /* RFC 6026 section 8.8 */
        {SIP_TX_TRANSPORT_ERROR, SIP_TX_COMPLETED, SIP_TX_TELL_ERROR, 0, 0},
    };
    CHECK(SIP_TX_INVITE_SERVER, SIP_TX_COMPLETED, rows);
}

static void invite_server_in_accepted(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 6026 section 8.7: retransmissions of the INVITE are absorbed */
        {SIP_TX_REQUEST, SIP_TX_ACCEPTED, 0, 0, 0},
        /* RFC 6026 section 8.7: an ACK is passed up */
        {SIP_TX_ACK, SIP_TX_ACCEPTED, SIP_TX_PASS_ACK, 0, 0},
        /* RFC 6026 section 8.7: a further 2xx of the TU is passed on */
        {SIP_TX_2XX, SIP_TX_ACCEPTED, SIP_TX_SEND_RESPONSE, 0, 0},
        /* RFC 6026 section 8.7: timer L: Terminated */
        {SIP_TX_TIMER_L, SIP_TX_TERMINATED, 0, 0, 0},
        /* RFC 6026 section 8.8 */
        {SIP_TX_TRANSPORT_ERROR, SIP_TX_ACCEPTED, SIP_TX_TELL_ERROR, 0, 0},
    };
    CHECK(SIP_TX_INVITE_SERVER, SIP_TX_ACCEPTED, rows);
}

static void invite_server_in_confirmed(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 3261 section 17.2.1: further ACKs are absorbed */
        {SIP_TX_ACK, SIP_TX_CONFIRMED, 0, 0, 0},
        /* RFC 3261 section 17.2.1: timer I: Terminated */
        {SIP_TX_TIMER_I, SIP_TX_TERMINATED, 0, 0, 0},
    };
    CHECK(SIP_TX_INVITE_SERVER, SIP_TX_CONFIRMED, rows);
}

/* RFC 3261 section 17.2.1: it has no other states */
static void invite_server_elsewhere(void **state)
{
    (void)state;
    check_empty(SIP_TX_INVITE_SERVER, SIP_TX_CALLING);
    check_empty(SIP_TX_INVITE_SERVER, SIP_TX_TRYING);
    check_empty(SIP_TX_INVITE_SERVER, SIP_TX_TERMINATED);
    assert_int_equal(sip_tx_machine(SIP_TX_INVITE_SERVER)->initial, SIP_TX_PROCEEDING);
}

/* ---- non-INVITE server ---------------------------------------------------------------------- */

static void server_in_trying(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 3261 section 17.2.2: retransmissions are discarded */
        {SIP_TX_REQUEST, SIP_TX_TRYING, 0, 0, 0},
        /* RFC 3261 section 17.2.2: provisional: passed on, Proceeding */
        {SIP_TX_1XX, SIP_TX_PROCEEDING, SIP_TX_SEND_RESPONSE, 0, 0},
        /* RFC 3261 section 17.2.2, figure 8: final: passed on, Completed, timer J */
        {SIP_TX_2XX, SIP_TX_COMPLETED, SIP_TX_SEND_RESPONSE, T(J), 0},
        {SIP_TX_300_699, SIP_TX_COMPLETED, SIP_TX_SEND_RESPONSE, T(J), 0},
    };
    CHECK(SIP_TX_SERVER, SIP_TX_TRYING, rows);
}

static void server_in_proceeding(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 3261 section 17.2.2: a retransmission: the most recent provisional response again */
        {SIP_TX_REQUEST, SIP_TX_PROCEEDING, SIP_TX_RESEND_RESPONSE, 0, 0},
        /* RFC 3261 section 17.2.2: further provisional responses are passed on */
        {SIP_TX_1XX, SIP_TX_PROCEEDING, SIP_TX_SEND_RESPONSE, 0, 0},
        /* RFC 3261 section 17.2.2: final: passed on, Completed, timer J */
        {SIP_TX_2XX, SIP_TX_COMPLETED, SIP_TX_SEND_RESPONSE, T(J), 0},
        {SIP_TX_300_699, SIP_TX_COMPLETED, SIP_TX_SEND_RESPONSE, T(J), 0},
        /* RFC 6026 section 8.8 */
        {SIP_TX_TRANSPORT_ERROR, SIP_TX_PROCEEDING, SIP_TX_TELL_ERROR, 0, 0},
    };
    CHECK(SIP_TX_SERVER, SIP_TX_PROCEEDING, rows);
}

static void server_in_completed(void **state)
{
    (void)state;
    static const struct expected rows[] = {
        /* RFC 3261 section 17.2.2: a retransmission: the final response again; others of the TU
         * are discarded */
        {SIP_TX_REQUEST, SIP_TX_COMPLETED, SIP_TX_RESEND_RESPONSE, 0, 0},
        /* RFC 3261 section 17.2.2: timer J: Terminated */
        {SIP_TX_TIMER_J, SIP_TX_TERMINATED, 0, 0, 0},
        /* RFC 6026 section 8.8 */
        {SIP_TX_TRANSPORT_ERROR, SIP_TX_COMPLETED, SIP_TX_TELL_ERROR, 0, 0},
    };
    CHECK(SIP_TX_SERVER, SIP_TX_COMPLETED, rows);
}

/* RFC 3261 section 17.2.2: it has no other states */
static void server_elsewhere(void **state)
{
    (void)state;
    check_empty(SIP_TX_SERVER, SIP_TX_CALLING);
    check_empty(SIP_TX_SERVER, SIP_TX_ACCEPTED);
    check_empty(SIP_TX_SERVER, SIP_TX_CONFIRMED);
    check_empty(SIP_TX_SERVER, SIP_TX_TERMINATED);
    assert_int_equal(sip_tx_machine(SIP_TX_SERVER)->initial, SIP_TX_TRYING);
}

/* ---- the two tables ------------------------------------------------------------------------- */

#define TIMERS(first, last)                                                                        \
    ((UINT32_MAX >> (31 - SIP_TX_TIMER_##last)) & ~((UINT32_C(1) << SIP_TX_TIMER_##first) - 1))
#define ALL_TIMERS TIMERS(A, CANCEL)

static bool is_timer(unsigned event)
{
    return event < 32 && (ALL_TIMERS >> event & 1) != 0;
}

struct walk {
    enum sip_tx_kind kind;
    uint32_t running[SIP_TX_STATES]; /* timers seen running on any way into the state */
    unsigned depth;
};

/* Follows every row from a state with these timers running. */
static void walk_from(struct walk *walk, uint8_t at, uint32_t running)
{
    assert_int_equal(running & ~sip_tx_state_timers(walk->kind, (enum sip_tx_state)at), 0);
    if (walk->depth > 6)
        return;
    walk->running[at] |= running;
    walk->depth++;
    for (unsigned e = 0; e < SIP_TX_EVENTS; e++) {
        const struct sip_tx_row *row =
            sip_tx_row(walk->kind, (enum sip_tx_state)at, (enum sip_tx_event)e);
        if (row == NULL || (is_timer(e) && (running >> e & 1) == 0))
            continue;
        uint32_t left = is_timer(e) ? running & ~(UINT32_C(1) << e) : running;
        walk_from(walk, row->next, (left & ~row->stop) | row->start);
    }
    walk->depth--;
}

/* RFC 3261 table 4, RFC 6026 section 8.11: the rows start and stop exactly the timers that
 * sip_tx_state_timers allows in the state they lead to */
static void rows_and_state_timers_agree(void **state)
{
    (void)state;
    for (unsigned k = 0; k < SIP_TX_KINDS; k++) {
        struct walk walk = {.kind = (enum sip_tx_kind)k};
        walk_from(&walk, sip_tx_machine(walk.kind)->initial, 0);
        for (unsigned s = 0; s < SIP_TX_STATES; s++)
            assert_int_equal(walk.running[s], sip_tx_state_timers(walk.kind, (enum sip_tx_state)s));
    }
}

/* A timer that may run in a state has a row there, and one that may not has none. */
static void a_timer_has_a_row_where_it_may_run_and_only_there(void **state)
{
    (void)state;
    for (unsigned k = 0; k < SIP_TX_KINDS; k++)
        for (unsigned s = 0; s < SIP_TX_STATES; s++)
            for (unsigned e = 0; e < SIP_TX_EVENTS; e++)
                if (is_timer(e))
                    assert_int_equal(
                        sip_tx_row((enum sip_tx_kind)k, (enum sip_tx_state)s,
                                   (enum sip_tx_event)e) != NULL,
                        sip_tx_state_timers((enum sip_tx_kind)k, (enum sip_tx_state)s) >> e & 1);
}

/* The layer keeps one timer that sends again and one that ends a state. */
static void no_state_has_two_timers_of_one_sort(void **state)
{
    (void)state;
    for (unsigned k = 0; k < SIP_TX_KINDS; k++) {
        for (unsigned s = 0; s < SIP_TX_STATES; s++) {
            unsigned again = 0;
            unsigned end = 0;
            for (unsigned e = 0; e < SIP_TX_EVENTS; e++) {
                if ((sip_tx_state_timers((enum sip_tx_kind)k, (enum sip_tx_state)s) >> e & 1) == 0)
                    continue;
                if (sip_tx_timer_resends((enum sip_tx_event)e))
                    again++;
                else
                    end++;
            }
            assert_true(again <= 1 && end <= 1);
        }
    }
}

/* ---- durations ------------------------------------------------------------------------------ */

static const struct sip_tx_times defaults = {500, 4000, 5000};

static uint32_t first(enum sip_tx_event timer, bool reliable)
{
    return sip_tx_timer_ms(timer, &defaults, reliable, false, 0);
}

/* RFC 3261 table 4, RFC 6026 section 8.11 */
static void timers_last_as_table_4_says(void **state)
{
    (void)state;
    static const struct {
        enum sip_tx_event timer;
        uint32_t unreliable;
        uint32_t reliable;
    } rows[] = {
        {SIP_TX_TIMER_A, 500, SIP_TX_NO_TIMER},
        {SIP_TX_TIMER_B, 32000, 32000},
        {SIP_TX_TIMER_D, 32000, 0},
        {SIP_TX_TIMER_E, 500, SIP_TX_NO_TIMER},
        {SIP_TX_TIMER_F, 32000, 32000},
        {SIP_TX_TIMER_G, 500, SIP_TX_NO_TIMER},
        {SIP_TX_TIMER_H, 32000, 32000},
        {SIP_TX_TIMER_I, 5000, 0},
        {SIP_TX_TIMER_J, 32000, 0},
        {SIP_TX_TIMER_K, 5000, 0},
        {SIP_TX_TIMER_L, 32000, 32000},
        {SIP_TX_TIMER_M, 32000, 32000},
        {SIP_TX_TIMER_CANCEL, 32000, 32000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(first(rows[i].timer, false), rows[i].unreliable);
        assert_int_equal(first(rows[i].timer, true), rows[i].reliable);
    }
}

/* RFC 3261 section 17.1.1.2: at least 32 s, whatever T1 is; longer with a longer T1 */
static void timer_d_is_at_least_32_seconds(void **state)
{
    (void)state;
    struct sip_tx_times quick = {10, 40, 50};
    struct sip_tx_times slow = {1000, 8000, 5000};
    assert_int_equal(sip_tx_timer_ms(SIP_TX_TIMER_D, &quick, false, false, 0), 32000);
    assert_int_equal(sip_tx_timer_ms(SIP_TX_TIMER_D, &slow, false, false, 0), 64000);
}

static void check_series(enum sip_tx_event timer, bool proceeding, const uint32_t *series,
                         size_t count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(sip_tx_timer_ms(timer, &defaults, false, proceeding, i), series[i]);
    /* However long it goes on: no more than 64*T1. */
    assert_true(sip_tx_timer_ms(timer, &defaults, false, proceeding, 255) <= 32000);
}

/* RFC 3261 section 17.1.1.2: intervals double after each transmission */
static void timer_a_doubles(void **state)
{
    (void)state;
    static const uint32_t series[] = {500, 1000, 2000, 4000, 8000, 16000, 32000};
    check_series(SIP_TX_TIMER_A, false, series, 7);
}

/* RFC 3261 section 17.1.2.2: 500 ms, 1 s, 2 s, 4 s, 4 s, 4 s ...; T2 in Proceeding */
static void timer_e_doubles_up_to_t2(void **state)
{
    (void)state;
    static const uint32_t trying[] = {500, 1000, 2000, 4000, 4000, 4000};
    static const uint32_t proceeding[] = {4000, 4000, 4000};
    check_series(SIP_TX_TIMER_E, false, trying, 6);
    check_series(SIP_TX_TIMER_E, true, proceeding, 3);
}

/* RFC 3261 section 17.2.1: doubles up to T2 */
static void timer_g_doubles_up_to_t2(void **state)
{
    (void)state;
    static const uint32_t series[] = {500, 1000, 2000, 4000, 4000, 4000};
    check_series(SIP_TX_TIMER_G, false, series, 6);
}

/* RFC 4320 section 4.1: 0.5 + 1 + 2 s until timer E is reset to T2 */
static void the_100_of_a_non_invite_waits_until_timer_e_reaches_t2(void **state)
{
    (void)state;
    assert_int_equal(sip_tx_trying_ms(&defaults), 3500);
    struct sip_tx_times equal = {500, 500, 5000};
    assert_int_equal(sip_tx_trying_ms(&equal), 0);
}

/* RFC 3261 section 7.2: the classes of status codes */
static void a_status_belongs_to_the_event_of_its_class(void **state)
{
    (void)state;
    assert_int_equal(sip_tx_status_event(100), SIP_TX_1XX);
    assert_int_equal(sip_tx_status_event(199), SIP_TX_1XX);
    assert_int_equal(sip_tx_status_event(200), SIP_TX_2XX);
    assert_int_equal(sip_tx_status_event(299), SIP_TX_2XX);
    assert_int_equal(sip_tx_status_event(300), SIP_TX_300_699);
    assert_int_equal(sip_tx_status_event(699), SIP_TX_300_699);
}

static void states_and_events_have_their_own_names(void **state)
{
    (void)state;
    for (unsigned a = 0; a < SIP_TX_STATES; a++)
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(sip_tx_state_name((enum sip_tx_state)a),
                                    sip_tx_state_name((enum sip_tx_state)b));
    for (unsigned a = 0; a < SIP_TX_EVENTS; a++)
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(sip_tx_event_name((enum sip_tx_event)a),
                                    sip_tx_event_name((enum sip_tx_event)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invite_client_in_calling),
        cmocka_unit_test(invite_client_in_proceeding),
        cmocka_unit_test(invite_client_in_completed),
        cmocka_unit_test(invite_client_in_accepted),
        cmocka_unit_test(invite_client_elsewhere),
        cmocka_unit_test(client_in_trying),
        cmocka_unit_test(client_in_proceeding),
        cmocka_unit_test(client_in_completed),
        cmocka_unit_test(client_elsewhere),
        cmocka_unit_test(invite_server_in_proceeding),
        cmocka_unit_test(invite_server_in_completed),
        cmocka_unit_test(invite_server_in_accepted),
        cmocka_unit_test(invite_server_in_confirmed),
        cmocka_unit_test(invite_server_elsewhere),
        cmocka_unit_test(server_in_trying),
        cmocka_unit_test(server_in_proceeding),
        cmocka_unit_test(server_in_completed),
        cmocka_unit_test(server_elsewhere),
        cmocka_unit_test(rows_and_state_timers_agree),
        cmocka_unit_test(a_timer_has_a_row_where_it_may_run_and_only_there),
        cmocka_unit_test(no_state_has_two_timers_of_one_sort),
        cmocka_unit_test(timers_last_as_table_4_says),
        cmocka_unit_test(timer_d_is_at_least_32_seconds),
        cmocka_unit_test(timer_a_doubles),
        cmocka_unit_test(timer_e_doubles_up_to_t2),
        cmocka_unit_test(timer_g_doubles_up_to_t2),
        cmocka_unit_test(the_100_of_a_non_invite_waits_until_timer_e_reaches_t2),
        cmocka_unit_test(a_status_belongs_to_the_event_of_its_class),
        cmocka_unit_test(states_and_events_have_their_own_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
