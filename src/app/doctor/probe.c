#include "app/doctor/probe.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "stun/write.h"

#define BUFFER 4096

struct run {
    const struct probe *probe;
    int fd;
    SSL *ssl; /* owned; NULL without TLS */
    uint64_t until_us;
    char out[1024], in[BUFFER];
    size_t out_len, in_len;
};

static bool is_stream(const struct run *run)
{
    return run->probe->transport != TRANSPORT_UDP && run->probe->transport != TRANSPORT_DTLS;
}

static bool is_websocket(const struct run *run)
{
    return run->probe->transport == TRANSPORT_WS || run->probe->transport == TRANSPORT_WSS;
}

/* ---- The question ---- */

static void write_options(struct run *run, struct writer *w)
{
    struct address local = {0};
    socklen_t length = sizeof local;
    uint64_t random = 0;
    (void)getsockname(run->fd, &local.sa, &length);
    (void)random_secret(&random, sizeof random);
    writer_literal(w, "OPTIONS sip:");
    address_write(w, &run->probe->address);
    writer_literal(w, " SIP/2.0\r\nVia: SIP/2.0/");
    writer_put(w, transport_via_name(run->probe->transport));
    writer_char(w, ' ');
    address_write(w, &local);
    writer_literal(w, ";rport;branch=z9hG4bK");
    writer_hex(w, random, 16);
    writer_literal(w, "\r\nFrom: <sip:doctor@invalid>;tag=doctor\r\nTo: <sip:");
    address_write(w, &run->probe->address);
    writer_literal(w, ">\r\nCall-ID: ");
    writer_hex(w, random, 16);
    writer_literal(w, "\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\nContent-Length: 0\r\n\r\n");
}

static void write_question(struct run *run)
{
    struct writer w;
    uint8_t id[STUN_ID_SIZE] = {0x21, 0x12, 0xa4, 0x42};
    struct stun_writer stun;
    writer_init(&w, run->out, sizeof run->out);
    if (run->probe->stun) {
        (void)random_secret(id + 4, sizeof id - 4);
        stun_write_begin(&stun, run->out, sizeof run->out, stun_type(STUN_REQUEST, STUN_BINDING),
                         id);
        run->out_len = stun_write_end(&stun).len;
        return;
    }
    if (is_websocket(run)) /* any answer shows that HTTP is spoken; no WebSocket is opened */
        writer_literal(&w, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    else
        write_options(run, &w);
    run->out_len = writer_length(&w);
}

/* ---- Bytes ---- */

static int wait_for(struct run *run, short events)
{
    for (;;) {
        uint64_t now_us = clock_monotonic_us();
        struct pollfd fd = {.fd = run->fd, .events = events};
        if (now_us >= run->until_us)
            return ERR_TIMEOUT;
        int count = poll(&fd, 1, (int)((run->until_us - now_us) / 1000) + 1);
        if (count > 0)
            return 0;
        if (count < 0 && errno != EINTR)
            return ERR_IO;
    }
}

static int open_socket(struct run *run)
{
    const struct address *to = &run->probe->address;
    int type = (is_stream(run) ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
    run->fd = socket(to->sa.sa_family, type, 0);
    if (run->fd < 0)
        return ERR_IO;
    if (connect(run->fd, &to->sa, address_length(to)) < 0 && errno != EINPROGRESS)
        return ERR_UNREACHABLE;
    int error = 0;
    socklen_t length = sizeof error;
    int status = is_stream(run) ? wait_for(run, POLLOUT) : 0;
    if (status == 0 && getsockopt(run->fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error)
        status = ERR_UNREACHABLE;
    return status;
}

/* Does it until it is done, the far end fails, or time is over. */
static int repeat_tls(struct run *run, int (*step)(SSL *ssl))
{
    for (;;) {
        int result = step(run->ssl);
        if (result > 0)
            return 0;
        int error = SSL_get_error(run->ssl, result);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            return ERR_INVALID;
        int status = wait_for(run, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
        if (status < 0)
            return status;
    }
}

/* The socket is connected, which OpenSSL wants to be told of datagrams. */
static int use_socket(struct run *run, bool dtls)
{
    BIO *bio = dtls ? BIO_new_dgram(run->fd, BIO_NOCLOSE) : BIO_new_socket(run->fd, BIO_NOCLOSE);
    if (bio == NULL)
        return ERR_NO_MEMORY;
    if (dtls) {
        struct address to = run->probe->address;
        (void)BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &to);
    }
    SSL_set_bio(run->ssl, bio, bio);
    return 0;
}

static int open_tls(struct run *run)
{
    bool dtls = run->probe->transport == TRANSPORT_DTLS;
    if (!dtls && !transport_secure(run->probe->transport))
        return 0;
    SSL_CTX *context = SSL_CTX_new(dtls ? DTLS_client_method() : TLS_client_method());
    if (context == NULL)
        return ERR_NO_MEMORY;
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL); /* it is looked at by itself */
    run->ssl = SSL_new(context);
    SSL_CTX_free(context);
    if (run->ssl == NULL || use_socket(run, dtls) < 0)
        return ERR_NO_MEMORY;
    return repeat_tls(run, SSL_connect);
}

static int send_question(struct run *run)
{
    size_t sent = 0;
    if (run->ssl != NULL)
        return SSL_write_ex(run->ssl, run->out, run->out_len, &sent) == 1 ? 0 : ERR_IO;
    return send(run->fd, run->out, run->out_len, MSG_NOSIGNAL) == (ssize_t)run->out_len
               ? 0
               : ERR_UNREACHABLE;
}

/* More bytes of the answer. */
static int receive(struct run *run)
{
    size_t space = sizeof run->in - run->in_len;
    if (space == 0)
        return ERR_INVALID;
    size_t got = 0;
    if (run->ssl != NULL && SSL_read_ex(run->ssl, run->in + run->in_len, space, &got) == 1) {
        run->in_len += got;
        return 0;
    }
    if (run->ssl != NULL && SSL_get_error(run->ssl, 0) == SSL_ERROR_ZERO_RETURN)
        return ERR_INVALID;
    int status = wait_for(run, POLLIN);
    if (status < 0 || run->ssl != NULL)
        return status;
    ssize_t len = recv(run->fd, run->in + run->in_len, space, 0);
    if (len <= 0)
        return len < 0 && errno == ECONNREFUSED ? ERR_UNREACHABLE : ERR_INVALID;
    run->in_len += (size_t)len;
    return 0;
}

/* ---- The answer ---- */

/* 1: it is there; 0: more is needed. ERR_INVALID. */
static int judge(const struct run *run, struct probe_answer *answer)
{
    struct slice in = slice_of(run->in, run->in_len);
    struct stun_message message;
    uint32_t status;
    if (run->probe->stun) {
        if (run->in_len < STUN_HEADER_SIZE)
            return 0;
        return stun_parse(in, &message) == 0 && message.class == STUN_SUCCESS &&
                       memcmp(stun_id(&message), run->out + 4, STUN_ID_SIZE) == 0
                   ? 1
                   : ERR_INVALID;
    }
    struct slice version = is_websocket(run) ? SLICE("HTTP/1.1 ") : SLICE("SIP/2.0 ");
    if (in.len < version.len + 3)
        return 0;
    if (!slice_starts_with(in, version) ||
        slice_to_u32(slice_of(in.ptr + version.len, 3), 999, &status) < 0)
        return ERR_INVALID;
    answer->status = status;
    return 1;
}

/* On one machine nothing is lost but what is too much: once is enough. */
static int ask(struct run *run, struct probe_answer *answer)
{
    write_question(run);
    int status = send_question(run), done = 0;
    while (status == 0 && done == 0) {
        status = receive(run);
        if (status == 0)
            done = judge(run, answer);
    }
    return status < 0 ? status : done < 0 ? done : 0;
}

int probe_run(const struct probe *probe, struct probe_answer *ret_answer)
{
    struct run run = {.probe = probe, .fd = -1};
    struct probe_answer answer = {0};
    if (probe->transport == TRANSPORT_SCTP)
        return ERR_UNSUPPORTED;
    run.until_us = clock_monotonic_us() + PROBE_WAIT_MS * 1000u;
    int status = open_socket(&run);
    if (status == 0)
        status = open_tls(&run);
    if (status == 0)
        status = ask(&run, &answer);
    if (run.ssl != NULL)
        answer.certificate = SSL_get1_peer_certificate(run.ssl);
    SSL_free(run.ssl);
    if (run.fd >= 0)
        (void)close(run.fd);
    if (status < 0) {
        X509_free(answer.certificate);
        return status;
    }
    *ret_answer = answer;
    return 0;
}
