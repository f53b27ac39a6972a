/* What a stranger may send to a TLS port, in pieces of any size, and certificates that he may show.
 * The first byte says which of the two, and the size of the pieces. */
#include <openssl/x509.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz/require.h"
#include "loop/tls/identity.h"
#include "loop/tls/tls.h"

static char scratch[LAYER_SCRATCH_BYTES];
static struct tls *tls;
static size_t sent;
static bool opened;

static int on_down(void *user, struct slice wire)
{
    (void)user;
    sent += wire.len;
    return 0;
}

static int on_up(void *user, char *plain, size_t length)
{
    (void)user, (void)plain, (void)length;
    require(opened);
    return 0;
}

static int on_opened(void *user)
{
    (void)user;
    opened = true;
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const struct slice name = SLICE_LITERAL("example.com");
    char folder[] = "/tmp/fuzz-tls-XXXXXX", certificate[64], key[64];
    struct tls_fault fault;
    (void)argc, (void)argv;
    require(mkdtemp(folder) != NULL);
    (void)snprintf(certificate, sizeof certificate, "%s/c.pem", folder);
    (void)snprintf(key, sizeof key, "%s/k.pem", folder);
    struct tls_make make = {
        .certificate = certificate, .key = key, .names = &name, .name_count = 1};
    require(tls_make(&make, &fault) == 0);
    struct tls_config config = {.pairs = {{certificate, key}},
                                .pair_count = 1,
                                .trust = certificate,
                                .client = TLS_CLIENT_REQUEST};
    require(tls_new(&config, &fault, &tls) == 0);
    (void)unlink(certificate);
    (void)unlink(key);
    (void)rmdir(folder);
    return 0;
}

/* Nobody opens a connection without keys, and what is answered is of the size of a handshake. */
static void connect_with(struct slice stream, size_t piece)
{
    static const struct layer_host host = {on_down, on_up, on_opened, NULL};
    struct address remote;
    struct layer *layer;
    require(address_parse(SLICE("192.0.2.1:5061"), &remote) == 0);
    struct layer_setup setup = {.host = &host,
                                .accepted = true,
                                .remote = &remote,
                                .scratch = scratch,
                                .scratch_size = sizeof scratch};
    sent = 0;
    opened = false;
    require(tls_layer.make(tls, &setup, &layer) == 0);
    require(tls_layer.start(layer) == 0);
    while (stream.len > 0) {
        size_t n = stream.len < piece ? stream.len : piece;
        char *wire = malloc(n);
        require(wire != NULL);
        memcpy(wire, stream.ptr, n);
        long taken = tls_layer.receive(layer, wire, n);
        free(wire);
        require(taken < 0 || taken == (long)n);
        require(taken >= 0 || layer->reason >= STREAM_HANDSHAKE_FAILED);
        if (taken < 0)
            break;
        stream = slice_from(stream, n);
    }
    require(!opened && sent < 16384);
    tls_layer.free(layer);
}

static void look_at(struct slice der)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
    if (certificate == NULL)
        return;
    (void)tls_identity_proves(certificate, SLICE("example.com"));
    (void)tls_identity_proves(certificate, SLICE("192.0.2.1"));
    (void)tls_identity_proves(certificate, SLICE("[2001:db8::1]"));
    require(!tls_identity_proves(certificate, SLICE("")));
    X509_free(certificate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice rest = slice_of((const char *)data + 1, size - 1);
    if (data[0] >= 128)
        look_at(rest);
    else
        connect_with(rest, (size_t)data[0] * 8 + 1);
    return 0;
}
