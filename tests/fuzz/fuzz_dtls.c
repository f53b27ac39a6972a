/* What may come in on a DTLS socket: from strangers, in a handshake whose address is proven, in an
 * open session. The first byte says which; then datagrams, each behind a byte that says from whom,
 * and two with its length. */
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/require.h"
#include "loop/dtls/dtls_private.h"
#include "loop/udp_private.h"

#define SESSIONS 8u
#define TURNS    12u /* of datagrams, for a handshake without loss */

enum start { STRANGER, PROVEN, OPEN, STARTS };

static struct loop *loop;
static struct tls *tls;
static struct dtls *dtls;
static metric counts[DTLS_COUNTS];
static SSL_CTX *context;
static int fd;
static struct flow flow;
static struct slice said; /* by the client, whole: what the handler may see */
static char last[2048];   /* datagram of the client */
static size_t last_length;
static uint64_t now_ms;

/* ---- The client: what it writes is handed over, what it reads comes from its socket ---- */

static int on_write(BIO *bio, const char *data, size_t length, size_t *ret_written)
{
    (void)bio;
    *ret_written = length;
    require(length <= sizeof last);
    memcpy(last, data, length);
    last_length = length;
    return 1;
}

static int on_read(BIO *bio, char *buf, size_t size, size_t *ret_read)
{
    ssize_t n = recv(fd, buf, size, MSG_DONTWAIT);
    BIO_clear_retry_flags(bio);
    if (n < 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *ret_read = (size_t)n;
    return 1;
}

static long on_control(BIO *bio, int command, long number, void *data)
{
    (void)bio, (void)number, (void)data;
    return command == BIO_CTRL_FLUSH;
}

static SSL *client_new(void)
{
    static BIO_METHOD *method;
    if (method == NULL) {
        method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "client");
        BIO_meth_set_read_ex(method, on_read);
        BIO_meth_set_write_ex(method, on_write);
        BIO_meth_set_ctrl(method, on_control);
    }
    SSL *ssl = SSL_new(context);
    BIO *bio = BIO_new(method);
    require(ssl != NULL && bio != NULL);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_mtu(ssl, 1200);
    SSL_set_connect_state(ssl);
    return ssl;
}

static void deliver(const struct flow *from, const char *data, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);
    require(copy != NULL);
    if (length > 0)
        memcpy(copy, data, length);
    dtls->opening_us = 0; /* the loop takes no turns here */
    dtls_on_datagram(dtls, from, slice_of(copy, length));
    free(copy);
    udp_flush(dtls->udp);
    require(metric_get(&counts[DTLS_SESSIONS]) <= SESSIONS);
}

/* Each flight fits one datagram but for the last ones of the client, which it repeats if needed. */
static bool shake_hands(SSL *client, enum start start)
{
    for (unsigned i = 0; i < TURNS && start != STRANGER; i++) {
        last_length = 0;
        ERR_clear_error();
        if (SSL_do_handshake(client) == 1)
            return true;
        if (last_length > 0)
            deliver(&flow, last, last_length);
        if (start == PROVEN && metric_get(&counts[DTLS_SESSIONS]) > 0)
            return false;
    }
    return false;
}

/* ---- The server ---- */

static void on_datagram(void *user, const struct flow *from, struct slice data)
{
    (void)user;
    require(slice_equal(data, said));
    require(dtls_send(dtls, from, data) <= 0);
}

static void make_tls(void)
{
    static const struct slice name = SLICE_LITERAL("example.com");
    char folder[] = "/tmp/fuzz-dtls-XXXXXX", certificate[64], key[64];
    struct tls_fault fault;
    require(mkdtemp(folder) != NULL);
    (void)snprintf(certificate, sizeof certificate, "%s/c.pem", folder);
    (void)snprintf(key, sizeof key, "%s/k.pem", folder);
    struct tls_make make = {
        .certificate = certificate, .key = key, .names = &name, .name_count = 1};
    require(tls_make(&make, &fault) == 0);
    struct tls_config config = {.pairs = {{certificate, key}}, .pair_count = 1};
    require(tls_new(&config, &fault, &tls) == 0);
    (void)unlink(certificate);
    (void)unlink(key);
    (void)rmdir(folder);
}

static void make_client(void)
{
    struct address local;
    socklen_t length = sizeof local;
    require(address_parse(SLICE("127.0.0.1:0"), &local) == 0);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    require(fd >= 0 && bind(fd, &local.sa, address_length(&local)) == 0);
    require(getsockname(fd, &local.sa, &length) == 0);
    flow = (struct flow){.transport = TRANSPORT_UDP, .local = dtls_local(dtls), .remote = local};
    context = SSL_CTX_new(DTLS_client_method());
    require(context != NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct loop_config config = {0};
    (void)argc, (void)argv;
    make_tls();
    require(loop_new(&config, &loop) == 0);
    struct dtls_options options = {.tls = tls,
                                   .limits = {.sessions = SESSIONS, .per_source = 4},
                                   .handler = {.on_datagram = on_datagram},
                                   .counts = counts};
    require(address_parse(SLICE("127.0.0.1:0"), &options.local) == 0);
    require(dtls_open(loop, &options, &dtls) == 0);
    make_client();
    now_ms = loop_now_ms(loop);
    return 0;
}

static void act(SSL *client, bool open, unsigned how, struct slice data)
{
    struct flow stranger = flow;
    size_t written;
    switch (how % 4) {
    case 0: deliver(&flow, data.ptr, data.len); break;
    case 1:
        address_set_port(&stranger.remote, (uint16_t)(how | 1));
        deliver(&stranger, data.ptr, data.len);
        break;
    case 2: /* the client says it; with one bit changed when how says so */
        if (!open || data.len == 0 || data.len > 1200 ||
            SSL_write_ex(client, data.ptr, data.len, &written) != 1)
            break;
        said = data;
        if (how & 0x80)
            last[(size_t)data.ptr[0] % last_length] ^= 1;
        deliver(&flow, last, last_length);
        deliver(&flow, last, last_length); /* RFC 6347 section 4.1.2.6: counts once at most */
        said = SLICE_NULL;
        break;
    default:
        now_ms += how * 8;
        (void)wheel_advance(loop_wheel(loop), now_ms);
        udp_flush(dtls->udp);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char rest[2048];
    if (size < 1)
        return 0;
    enum start start = (enum start)(data[0] % STARTS);
    SSL *client = client_new();
    bool open = shake_hands(client, start);
    require(open == (start == OPEN));
    struct slice left = slice_of((const char *)data + 1, size - 1);
    while (left.len >= 3) {
        size_t n = ((size_t)(uint8_t)left.ptr[1] << 8 | (uint8_t)left.ptr[2]) % 2048;
        unsigned how = (uint8_t)left.ptr[0];
        left = slice_from(left, 3);
        if (n > left.len)
            n = left.len;
        act(client, open, how, slice_of(left.ptr, n));
        left = slice_from(left, n);
    }
    for (uint32_t i = 1; i <= dtls->slot_count; i++) {
        if (dtls->slots[i].session != NULL)
            dtls_session_close(dtls->slots[i].session);
    }
    udp_flush(dtls->udp);
    dtls_bury(dtls);
    require(metric_get(&counts[DTLS_SESSIONS]) == 0);
    while (recv(fd, rest, sizeof rest, MSG_DONTWAIT) >= 0)
        ;
    SSL_set_quiet_shutdown(client, 1);
    SSL_free(client);
    ERR_clear_error();
    return 0;
}
