#include "loop/dtls/dtls_private.h"

#include <openssl/err.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

/* Beginning handshakes gets so much of a turn, so that a storm of them does not stop what is open.
 */
#define OPENING_US_PER_TURN 1000u
#define RETRANSMIT_MS_MAX   60000u /* RFC 6347 section 4.2.4.1 */

/* ---- The end ---- */

static void dispose(struct dtls_session *session)
{
    /* Else OpenSSL takes the session for a broken one. */
    SSL_set_shutdown(session->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(session->ssl);
    memory_free(session);
}

/* It may be in use further up: its memory goes in the next turn. */
static void leave(struct dtls_session *session)
{
    struct dtls *dtls = session->owner;
    struct wheel *wheel = loop_wheel(dtls->loop);
    dtls_leave(dtls, session);
    session->ended = true;
    wheel_stop(wheel, &session->retry);
    wheel_stop(wheel, &session->life);
    list_remove(&session->pending);
    list_append(&dtls->dead, &session->pending);
    wheel_start(wheel, &dtls->sweep, 0);
}

void dtls_bury(struct dtls *dtls)
{
    list_for_each_safe(node, &dtls->dead)
    {
        list_remove(node);
        dispose(container_of(node, struct dtls_session, pending));
    }
}

void dtls_session_end(struct dtls_session *session, enum stream_reason reason)
{
    const struct dtls_handler *handler = &session->owner->options.handler;
    struct flow flow = session->flow;
    bool tell = session->open && handler->on_close != NULL;
    if (session->ended)
        return;
    leave(session);
    if (tell)
        handler->on_close(handler->user, &flow, reason);
}

/* RFC 5246 section 7.2.1 */
static void say_goodbye(struct dtls_session *session)
{
    if (session->open)
        (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
}

void dtls_session_close(struct dtls_session *session)
{
    if (session->ended)
        return;
    say_goodbye(session);
    leave(session);
}

/* ---- Opening ---- */

static void note(const struct dtls_session *session, const char *why)
{
    char text[ADDRESS_TEXT_MAX];
    log_debug(loop_log(session->owner->loop), LOG_TRANSPORT, "DTLS: handshake with %s: %s",
              address_text(&session->flow.remote, text), why);
}

static const char *reason_of(const SSL *ssl)
{
    long verified = SSL_get_verify_result(ssl);
    const char *text = verified != X509_V_OK ? X509_verify_cert_error_string(verified)
                                             : ERR_reason_error_string(ERR_peek_error());
    return text != NULL ? text : "failed";
}

static void arm_retry(struct dtls_session *session)
{
    struct timeval left;
    struct wheel *wheel = loop_wheel(session->owner->loop);
    if (DTLSv1_get_timeout(session->ssl, &left) == 1)
        wheel_start(wheel, &session->retry,
                    (uint64_t)left.tv_sec * 1000 + (uint64_t)left.tv_usec / 1000 + 1);
    else
        wheel_stop(wheel, &session->retry);
}

static void handshake(struct dtls_session *session)
{
    struct dtls *dtls = session->owner;
    ERR_clear_error();
    int n = SSL_do_handshake(session->ssl);
    if (n == 1) {
        session->open = true;
        dtls_count(dtls, DTLS_ACCEPTED);
        wheel_start(loop_wheel(dtls->loop), &session->life, dtls->options.limits.idle_ms);
    } else if (SSL_get_error(session->ssl, n) != SSL_ERROR_WANT_READ) {
        dtls_count(dtls, DTLS_FAILED);
        note(session, reason_of(session->ssl));
        ERR_clear_error();
        dtls_session_end(session, STREAM_HANDSHAKE_FAILED);
        return;
    }
    arm_retry(session);
}

static void on_retry(struct timer *timer)
{
    struct dtls_session *session = container_of(timer, struct dtls_session, retry);
    ERR_clear_error();
    if (DTLSv1_handle_timeout(session->ssl) >= 0) {
        arm_retry(session);
        return;
    }
    ERR_clear_error();
    dtls_count(session->owner, DTLS_LATE);
    dtls_session_end(session, STREAM_HANDSHAKE_TIMEOUT);
}

static void on_life(struct timer *timer)
{
    struct dtls_session *session = container_of(timer, struct dtls_session, life);
    struct dtls *dtls = session->owner;
    if (!session->open) {
        dtls_count(dtls, DTLS_LATE);
        note(session, "takes too long");
        dtls_session_end(session, STREAM_HANDSHAKE_TIMEOUT);
        return;
    }
    uint64_t idle = loop_now_ms(dtls->loop) - session->active_ms;
    uint32_t limit = dtls->options.limits.idle_ms;
    if (idle < limit) {
        wheel_start(loop_wheel(dtls->loop), &session->life, limit - idle);
        return;
    }
    dtls_count(dtls, DTLS_IDLE);
    say_goodbye(session);
    dtls_session_end(session, STREAM_IDLE);
}

/* RFC 6347 section 4.2.4.1; in microseconds, 0 before the first. */
static unsigned on_retransmit(SSL *ssl, unsigned last_us)
{
    const struct dtls_wire *wire = SSL_get_app_data(ssl);
    unsigned first_us = wire->owner->options.limits.retransmit_ms * 1000;
    if (last_us == 0)
        return first_us;
    return last_us < RETRANSMIT_MS_MAX * 1000 / 2 ? last_us * 2 : RETRANSMIT_MS_MAX * 1000;
}

int dtls_session_new(struct dtls *dtls, const struct flow *flow, SSL *ssl, const char *random)
{
    struct dtls_session *session = memory_zalloc(1, sizeof *session);
    if (session == NULL) {
        SSL_free(ssl);
        return ERR_NO_MEMORY;
    }
    session->owner = dtls;
    session->ssl = ssl;
    session->flow = *flow;
    session->flow.transport = TRANSPORT_DTLS;
    session->wire =
        (struct dtls_wire){.cookies = {dtls_cookie_write}, .owner = dtls, .flow = &session->flow};
    session->active_ms = loop_now_ms(dtls->loop);
    memcpy(session->random, random, DTLS_RANDOM_SIZE);
    list_init(&session->pending);
    timer_init(&session->retry, on_retry);
    timer_init(&session->life, on_life);
    int status = dtls_enter(dtls, session);
    if (status < 0) {
        dispose(session);
        return status;
    }
    BIO_set_data(SSL_get_rbio(ssl), &session->wire);
    SSL_set_app_data(ssl, &session->wire);
    DTLS_set_timer_cb(ssl, on_retransmit);
    wheel_start(loop_wheel(dtls->loop), &session->life, dtls->options.limits.handshake_ms);
    list_append(&dtls->pending, &session->pending);
    return 0;
}

static bool has_time(struct dtls *dtls)
{
    uint64_t turn = loop_now_us(dtls->loop);
    if (turn != dtls->turn_us)
        dtls->opening_us = 0;
    dtls->turn_us = turn;
    return dtls->opening_us < OPENING_US_PER_TURN;
}

void dtls_open_pending(struct dtls *dtls)
{
    while (!list_empty(&dtls->pending) && has_time(dtls)) {
        struct dtls_session *session =
            container_of(dtls->pending.next, struct dtls_session, pending);
        uint64_t since_us = clock_monotonic_us();
        list_remove(&session->pending);
        handshake(session);
        dtls->opening_us += clock_monotonic_us() - since_us;
    }
    if (!list_empty(&dtls->pending))
        wheel_start(loop_wheel(dtls->loop), &dtls->sweep, 0);
}

void dtls_on_sweep(struct timer *timer)
{
    struct dtls *dtls = container_of(timer, struct dtls, sweep);
    dtls_bury(dtls);
    dtls_open_pending(dtls);
}

/* ---- Open ---- */

/* RFC 6347 section 4.1.2.7: what does not verify is passed over, and the session goes on. */
static void read_all(struct dtls_session *session)
{
    struct dtls *dtls = session->owner;
    const struct dtls_handler *handler = &dtls->options.handler;
    while (!session->ended) {
        size_t n;
        ERR_clear_error();
        int read = SSL_read_ex(session->ssl, dtls->plain, DTLS_PAYLOAD_MAX, &n);
        if (read == 1) {
            session->active_ms = loop_now_ms(dtls->loop);
            handler->on_datagram(handler->user, &session->flow, slice_of(dtls->plain, n));
            continue;
        }
        int error = SSL_get_error(session->ssl, read);
        ERR_clear_error();
        if (error == SSL_ERROR_WANT_READ)
            return;
        if (error == SSL_ERROR_ZERO_RETURN)
            say_goodbye(session);
        else
            dtls_count(dtls, DTLS_BROKEN);
        dtls_session_end(session, error == SSL_ERROR_ZERO_RETURN ? STREAM_CLOSED_BY_PEER
                                                                 : STREAM_LAYER_BROKEN);
    }
}

void dtls_session_receive(struct dtls_session *session, struct slice data)
{
    if (!list_empty(&session->pending))
        return; /* its ClientHello, once more */
    session->wire.in = data;
    if (!session->open)
        handshake(session);
    if (session->open)
        read_all(session);
    session->wire.in = SLICE_NULL;
}
