#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "loop/tls/tls_private.h"
#include "unit/loop/tls/certificates.h"
#include "unit/loop/tls/ends.h"
#include <cmocka.h>

#define ALL ((size_t)1 << 20)

static struct certificate root, other_root;
static struct tls_config config; /* a server and client for example.com that trust each other */

static struct tls_pair pair_of(const char *name, const struct certificate_wish *wish)
{
    char file[64];
    struct certificate c = certificate_make(wish);
    struct tls_pair pair;
    (void)snprintf(file, sizeof(file), "%s.pem", name);
    pair.certificate = certificate_write(file, &c, NULL);
    (void)snprintf(file, sizeof(file), "%s.key", name);
    pair.key = certificate_write_key(file, &c);
    certificate_free(&c);
    return pair;
}

static int set_up(void **state)
{
    (void)state;
    root = certificate_make(&(struct certificate_wish){.subject = "Root", .authority = true});
    other_root =
        certificate_make(&(struct certificate_wish){.subject = "Other", .authority = true});
    config = (struct tls_config){.pair_count = 1, .verify = true};
    config.pairs[0] = pair_of(
        "example.com", &(struct certificate_wish){.names = "URI:sip:example.com", .issuer = &root});
    config.trust = certificate_write("root.pem", &root, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    certificate_free(&root);
    certificate_free(&other_root);
    certificates_clean();
    return 0;
}

static struct tls *open_tls(const struct tls_config *with)
{
    struct tls *tls = NULL;
    struct tls_fault fault = {0};
    int status = tls_new(with, &fault, &tls);
    if (status != 0)
        fail_msg("%d: %s", status, fault.text);
    return tls;
}

struct pair_of_ends {
    struct end client;
    struct end server;
};

static void open_ends(struct pair_of_ends *ends, struct tls *client, struct tls *server,
                      const char *name, size_t piece)
{
    end_open(&ends->server, server, true, "");
    end_open(&ends->client, client, false, name);
    ends_settle(&ends->client, &ends->server, piece);
}

static void free_ends(struct pair_of_ends *ends)
{
    end_free(&ends->client);
    end_free(&ends->server);
}

static void assert_open(const struct pair_of_ends *ends)
{
    assert_int_equal(ends->client.opened, 1);
    assert_int_equal(ends->server.opened, 1);
    assert_true(ends->client.status >= 0 && ends->server.status >= 0);
}

static void assert_talk(struct pair_of_ends *ends, size_t piece)
{
    end_send(&ends->client, "hello");
    end_send(&ends->client, " there");
    end_send(&ends->server, "well");
    ends_settle(&ends->client, &ends->server, piece);
    assert_int_equal(ends->server.in_length, 11);
    assert_memory_equal(ends->server.in, "hello there", 11);
    assert_int_equal(ends->client.in_length, 4);
    assert_memory_equal(ends->client.in, "well", 4);
}

static void two_ends_talk(void **state)
{
    (void)state;
    struct tls *tls = open_tls(&config);
    struct pair_of_ends ends;
    open_ends(&ends, tls, tls, "example.com", ALL);
    assert_open(&ends);
    assert_talk(&ends, ALL);
    assert_true(tls_layer.proves(ends.client.layer, SLICE("example.com")));
    assert_false(tls_layer.proves(ends.client.layer, SLICE("example.org")));
    assert_false(tls_layer.proves(ends.server.layer, SLICE("example.com")));
    tls_layer.close(ends.client.layer);
    ends_settle(&ends.client, &ends.server, ALL);
    assert_int_equal(ends.server.status, ERR_CLOSED);
    assert_int_equal(ends.server.layer->reason, STREAM_CLOSED_BY_PEER);
    free_ends(&ends);
    assert_int_equal(tls_count(tls, TLS_ACCEPTED), 1);
    assert_int_equal(tls_count(tls, TLS_CONNECTED), 1);
    tls_free(tls);
}

static void bytes_may_come_in_any_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 5, 6, 7, 100, 511, 1400};
    for (unsigned version = TLS_VERSION_1_2; version <= TLS_VERSION_1_3; version++) {
        for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
            struct tls_config with = config;
            with.version = version;
            struct tls *tls = open_tls(&with);
            struct pair_of_ends ends;
            open_ends(&ends, tls, tls, "example.com", pieces[i]);
            assert_open(&ends);
            assert_talk(&ends, pieces[i]);
            free_ends(&ends);
            tls_free(tls);
        }
    }
}

/* Everything that one side says after the handshake's first flight, cut once at every byte. */
static void a_flight_may_be_cut_anywhere(void **state)
{
    (void)state;
    struct tls *tls = open_tls(&config);
    size_t cut = 1, flight;
    do {
        struct pair_of_ends ends;
        end_open(&ends.server, tls, true, "");
        end_open(&ends.client, tls, false, "example.com");
        assert_true(end_carry(&ends.client, &ends.server, ALL));
        flight = ends.server.out_length;
        assert_true(end_carry(&ends.server, &ends.client, cut));
        ends_settle(&ends.client, &ends.server, ALL);
        assert_open(&ends);
        assert_talk(&ends, ALL);
        free_ends(&ends);
        cut += 13;
    } while (cut < flight);
    tls_free(tls);
}

static void long_messages_pass(void **state)
{
    (void)state;
    static char text[100001];
    memset(text, 'a', sizeof(text) - 1);
    struct tls *tls = open_tls(&config);
    struct pair_of_ends ends;
    open_ends(&ends, tls, tls, "example.com", ALL);
    end_send(&ends.client, text);
    ends_settle(&ends.client, &ends.server, 4096);
    assert_int_equal(ends.server.in_length, 100000);
    assert_memory_equal(ends.server.in, text, 100000);
    free_ends(&ends);
    tls_free(tls);
}

static void refused(const struct tls_config *client, const struct tls_config *server,
                    const char *name, const char *why)
{
    struct tls *from = open_tls(client), *to = open_tls(server);
    struct pair_of_ends ends;
    open_ends(&ends, from, to, name, ALL);
    assert_int_equal(ends.client.opened, 0);
    assert_true(ends.client.status < 0);
    assert_int_equal(ends.client.layer->reason, STREAM_VERIFY_FAILED);
    assert_non_null(strstr(ends.client.layer->why, why));
    /* The server is told. */
    assert_true(ends.server.status < 0);
    free_ends(&ends);
    tls_free(from);
    tls_free(to);
}

/* RFC 5922 section 7.3 */
static void a_server_must_prove_the_name(void **state)
{
    (void)state;
    struct tls_config server = config;
    refused(&config, &server, "example.org", "ostname mismatch");
    refused(&config, &server, "sip.example.com", "ostname mismatch");
    refused(&config, &server, "192.0.2.1", "ostname mismatch");
    refused(&config, &server, "", "ostname mismatch");
    server.pairs[0] = pair_of(
        "stranger", &(struct certificate_wish){.names = "DNS:example.com", .issuer = &other_root});
    refused(&config, &server, "example.com", "unable to get local issuer");
    server.pairs[0] = pair_of("self", &(struct certificate_wish){.names = "DNS:example.com"});
    refused(&config, &server, "example.com", "self");
    server.pairs[0] =
        pair_of("usage", &(struct certificate_wish){
                             .names = "DNS:example.com", .issuer = &root, .usage = "codeSigning"});
    refused(&config, &server, "example.com", "unsuitable certificate purpose");
}

static void an_expired_certificate_is_refused_by_the_client(void **state)
{
    (void)state;
    /* We do not show expired ones ourselves: the files are read past that check. */
    struct certificate old = certificate_make(&(struct certificate_wish){
        .names = "DNS:example.com", .issuer = &root, .from_days = -20, .to_days = -10});
    struct tls *tls = open_tls(&config);
    assert_int_equal(SSL_CTX_use_certificate(tls->contexts.servers[0], old.x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls->contexts.servers[0], old.key), 1);
    struct pair_of_ends ends;
    open_ends(&ends, tls, tls, "example.com", ALL);
    assert_int_equal(ends.client.layer->reason, STREAM_VERIFY_FAILED);
    assert_string_equal(ends.client.layer->why, "certificate has expired");
    free_ends(&ends);
    tls_free(tls);
    certificate_free(&old);
}

static void without_verify_any_server_will_do(void **state)
{
    (void)state;
    struct tls_config client = config;
    client.verify = false;
    client.trust = NULL;
    struct tls *from = open_tls(&client), *to = open_tls(&config);
    struct pair_of_ends ends;
    open_ends(&ends, from, to, "example.org", ALL);
    assert_open(&ends);
    assert_false(tls_layer.proves(ends.client.layer, SLICE("example.com")));
    free_ends(&ends);
    tls_free(from);
    tls_free(to);
}

/* RFC 6066 section 3 */
static void a_server_shows_the_certificate_for_the_name_asked(void **state)
{
    (void)state;
    struct tls_config server = config;
    server.pairs[1] = pair_of(
        "example.org", &(struct certificate_wish){.names = "DNS:example.org", .issuer = &root});
    server.pair_count = 2;
    struct tls *tls = open_tls(&server);
    static const char *const names[] = {"example.com", "example.org", "EXAMPLE.org."};
    for (int i = 0; i < 3; i++) {
        struct pair_of_ends ends;
        open_ends(&ends, tls, tls, names[i], ALL);
        assert_open(&ends);
        free_ends(&ends);
    }
    tls_free(tls);
}

/* RFC 5922 section 7.4 */
static void a_server_may_ask_for_the_clients_certificate(void **state)
{
    (void)state;
    struct tls_config server = config, client = config, nobody = config, stranger = config;
    client.pairs[0] = pair_of(
        "client", &(struct certificate_wish){.names = "URI:sip:example.net", .issuer = &root});
    stranger.pairs[0] = pair_of(
        "strange client", &(struct certificate_wish){.names = "DNS:x.y", .issuer = &other_root});
    nobody.pair_count = 0;
    for (server.client = TLS_CLIENT_REQUEST; server.client <= TLS_CLIENT_REQUIRE; server.client++) {
        struct tls *to = open_tls(&server);
        const struct tls_config *configs[] = {&client, &nobody, &stranger};
        for (int i = 0; i < 3; i++) {
            struct tls *from = open_tls(configs[i]);
            struct pair_of_ends ends;
            bool good = i == 0 || (i == 1 && server.client == TLS_CLIENT_REQUEST);
            open_ends(&ends, from, to, "example.com", ALL);
            assert_int_equal(ends.server.opened, good);
            assert_int_equal(tls_layer.proves(ends.server.layer, SLICE("example.net")), i == 0);
            if (i == 2)
                assert_int_equal(ends.server.layer->reason, STREAM_VERIFY_FAILED);
            free_ends(&ends);
            tls_free(from);
        }
        tls_free(to);
    }
}

static void open_and_close(struct tls *client, struct tls *server)
{
    struct pair_of_ends ends;
    open_ends(&ends, client, server, "example.com", ALL);
    assert_open(&ends);
    assert_talk(&ends, ALL);
    assert_true(tls_layer.proves(ends.client.layer, SLICE("example.com")));
    free_ends(&ends);
}

static void a_second_connection_resumes_the_session(void **state)
{
    (void)state;
    for (unsigned version = TLS_VERSION_1_2; version <= TLS_VERSION_1_3; version++) {
        struct tls_config with = config;
        with.version = version;
        struct tls *client = open_tls(&with), *server = open_tls(&with);
        SSL_CTX_set_max_proto_version(client->contexts.client,
                                      version == TLS_VERSION_1_2 ? TLS1_2_VERSION : 0);
        for (unsigned i = 0; i < 3; i++) {
            open_and_close(client, server);
            assert_int_equal(tls_count(server, TLS_RESUMED), i);
            assert_int_equal(tls_count(client, TLS_RESUMED), i);
        }
        /* Another server's keys do not open the ticket: a handshake as if there were none. */
        struct tls *elsewhere = open_tls(&with);
        open_and_close(client, elsewhere);
        assert_int_equal(tls_count(elsewhere, TLS_RESUMED), 0);
        tls_free(elsewhere);
        tls_free(client);
        tls_free(server);
    }
}

static void what_was_proven_for_one_name_is_not_resumed_for_another(void **state)
{
    (void)state;
    struct tls *tls = open_tls(&config);
    struct pair_of_ends ends;
    open_and_close(tls, tls);
    open_ends(&ends, tls, tls, "example.org", ALL);
    assert_int_equal(ends.client.layer->reason, STREAM_VERIFY_FAILED);
    free_ends(&ends);
    tls_free(tls);
}

static void ticket_keys_are_replaced_and_known_for_a_while(void **state)
{
    (void)state;
    struct tls *client = open_tls(&config), *server = open_tls(&config);
    struct ticket_key *keys = server->tickets.keys;
    open_and_close(client, server);
    uint8_t first[16];
    memcpy(first, keys[0].name, sizeof(first));
    keys[0].made_ms -= 3700000; /* an hour and more ago; the machine may run for less: it wraps */
    open_and_close(client, server);
    assert_int_equal(tls_count(server, TLS_RESUMED), 1);
    assert_memory_not_equal(keys[0].name, first, sizeof(first));
    assert_memory_equal(keys[1].name, first, sizeof(first));
    keys[0].made_ms -= UINT64_C(3) * 3600000;
    open_and_close(client, server);
    assert_int_equal(tls_count(server, TLS_RESUMED), 1);
    tls_free(client);
    tls_free(server);
}

static void reload_changes_new_connections_only(void **state)
{
    (void)state;
    struct tls_config next = config;
    struct tls_fault fault;
    struct tls *client = open_tls(&config), *server = open_tls(&config);
    struct pair_of_ends old, ends;
    open_ends(&old, client, server, "example.com", ALL);
    next.pairs[0] = pair_of(
        "next", &(struct certificate_wish){.names = "URI:sip:example.org", .issuer = &root});
    assert_int_equal(tls_reload(server, &next, &fault), 0);
    assert_talk(&old, ALL);
    open_ends(&ends, client, server, "example.com", ALL);
    assert_int_equal(ends.client.layer->reason, STREAM_VERIFY_FAILED);
    free_ends(&ends);
    open_ends(&ends, client, server, "example.org", ALL);
    assert_open(&ends);
    free_ends(&ends);
    /* What cannot be used changes nothing. */
    next.pairs[0].key = config.pairs[0].key;
    assert_int_equal(tls_reload(server, &next, &fault), ERR_INVALID);
    open_ends(&ends, client, server, "example.org", ALL);
    assert_open(&ends);
    free_ends(&ends);
    free_ends(&old);
    tls_free(client);
    tls_free(server);
}

static void assert_fault(const struct tls_config *with, enum tls_part part, const char *text)
{
    struct tls_fault fault = {0};
    struct tls *tls = NULL;
    assert_int_equal(tls_new(with, &fault, &tls), ERR_INVALID);
    assert_int_equal(fault.part, part);
    if (strstr(fault.text, text) == NULL)
        fail_msg("%s", fault.text);
}

static void files_that_are_wrong_are_refused(void **state)
{
    (void)state;
    struct tls_config with = config;
    with.pairs[0].certificate = "/nowhere/certificate.pem";
    assert_fault(&with, TLS_PART_CERTIFICATE,
                 "/nowhere/certificate.pem cannot be read: No such file");
    with.pairs[0].certificate = certificate_write_text("text", "hello\n");
    assert_fault(&with, TLS_PART_CERTIFICATE, "holds no certificate");
    with.pairs[0].certificate = config.pairs[0].key;
    assert_fault(&with, TLS_PART_CERTIFICATE, "holds no certificate");
    with = config;
    with.pairs[0].key = "/nowhere/key.pem";
    assert_fault(&with, TLS_PART_KEY, "/nowhere/key.pem cannot be read: No such file");
    with.pairs[0].key = config.pairs[0].certificate;
    assert_fault(&with, TLS_PART_KEY, "holds no private key");
    with.pairs[0].key = pair_of("another", &(struct certificate_wish){.subject = "x"}).key;
    assert_fault(&with, TLS_PART_KEY, "does not belong to the certificate in");
    with.pairs[0] = pair_of(
        "expired", &(struct certificate_wish){.subject = "x", .from_days = -20, .to_days = -10});
    assert_fault(&with, TLS_PART_CERTIFICATE, "expired on 2");
    with.pairs[0] = pair_of("early", &(struct certificate_wish){.subject = "x", .from_days = 10});
    assert_fault(&with, TLS_PART_CERTIFICATE, "is good from 2");
    with = config;
    with.trust = "/nowhere/trust.pem";
    assert_fault(&with, TLS_PART_TRUST, "/nowhere/trust.pem cannot be read");
    with.trust = certificate_write_text("empty", "");
    assert_fault(&with, TLS_PART_TRUST, "cannot be used");
}

static void a_key_with_a_password_is_refused(void **state)
{
    (void)state;
    struct tls_config with = config;
    struct certificate c = certificate_make(&(struct certificate_wish){.subject = "x"});
    const char *path = certificate_write_text("locked.key", "");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    char password[] = "secret";
    PEM_write_PKCS8PrivateKey(file, c.key, EVP_aes_128_cbc(), password, 6, NULL, NULL);
    fclose(file);
    with.pairs[0].key = path;
    assert_fault(&with, TLS_PART_KEY, "asks for a password");
    certificate_free(&c);
}

/* What an attacker may send instead of a handshake, or in the middle of it. */
static void garbage_ends_the_handshake(void **state)
{
    (void)state;
    static const struct slice inputs[] = {
        SLICE_LITERAL("REGISTER sip:example.com SIP/2.0\r\n\r\n"),
        SLICE_LITERAL("GET / HTTP/1.1\r\n\r\n"),
        SLICE_LITERAL("\r\n\r\n\r\n\r\n\r\n"),
        SLICE_LITERAL("\x16\x03\x01\xff\xff\x01\x00\xff\xfb"),     /* a record of 65,535 bytes */
        SLICE_LITERAL("\x17\x03\x03\x00\x05hello"),                /* data before a handshake */
        SLICE_LITERAL("\x15\x03\x01\x00\x02\x02\x28"),             /* an alert */
        SLICE_LITERAL("\x16\x03\x01\x00\x04\x01\xff\xff\xff\x00"), /* a hello of 16 MB */
        SLICE_LITERAL("\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00"), /* a server's hello */
    };
    struct tls *tls = open_tls(&config);
    for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++) {
        struct end server;
        char wire[64];
        end_open(&server, tls, true, "");
        memcpy(wire, inputs[i].ptr, inputs[i].len);
        server.status = tls_layer.receive(server.layer, wire, inputs[i].len);
        if (server.status >= 0)
            fail_msg("input %zu", i);
        assert_int_equal(server.layer->reason, STREAM_HANDSHAKE_FAILED);
        assert_int_equal(server.opened, 0);
        end_free(&server);
    }
    tls_free(tls);
}

static void garbage_ends_an_open_connection(void **state)
{
    (void)state;
    struct tls *tls = open_tls(&config);
    static const char *const inputs[] = {
        "INVITE sip:x SIP/2.0\r\n", "\x17\x03\x03\x00\x20this record was never encrypted!",
        "\x17\x03\x03\x48\x01" /* 18,433 bytes: more than any record has */};
    for (int i = 0; i < 3; i++) {
        struct pair_of_ends ends;
        char wire[64];
        size_t length = strlen(inputs[i]) + (i == 1 ? 1 : 0);
        if (i == 1)
            length = 37;
        open_ends(&ends, tls, tls, "example.com", ALL);
        memcpy(wire, inputs[i], length);
        assert_true(tls_layer.receive(ends.server.layer, wire, length) < 0);
        assert_int_equal(ends.server.layer->reason, STREAM_LAYER_BROKEN);
        free_ends(&ends);
    }
    tls_free(tls);
}

/* RFC 5746: it may be refused, and always is. */
static void a_client_cannot_renegotiate(void **state)
{
    (void)state;
    struct tls *client = open_tls(&config), *server = open_tls(&config);
    SSL_CTX_set_max_proto_version(client->contexts.client, TLS1_2_VERSION);
    SSL_CTX_clear_options(client->contexts.client, SSL_OP_NO_RENEGOTIATION);
    struct pair_of_ends ends;
    open_ends(&ends, client, server, "example.com", ALL);
    assert_open(&ends);
    SSL *ssl = ((struct tls_connection *)(void *)ends.client.layer)->ssl;
    assert_int_equal(SSL_renegotiate(ssl), 1);
    (void)SSL_do_handshake(ssl);
    assert_true(ends.client.out_length > 0);
    assert_true(end_carry(&ends.client, &ends.server, ALL));
    assert_true(ends.server.status < 0); /* it is told no, and that was it */
    assert_int_equal(ends.server.layer->reason, STREAM_LAYER_BROKEN);
    assert_int_equal(ends.server.opened, 1);
    assert_true(ends.server.out_length > 0 && ends.server.out_length < 64);
    free_ends(&ends);
    tls_free(client);
    tls_free(server);
}

static void old_versions_are_not_spoken(void **state)
{
    (void)state;
    struct tls_config strict = config;
    strict.version = TLS_VERSION_1_3;
    struct tls *client = open_tls(&config), *server = open_tls(&strict);
    SSL_CTX_set_max_proto_version(client->contexts.client, TLS1_2_VERSION);
    struct pair_of_ends ends;
    open_ends(&ends, client, server, "example.com", ALL);
    assert_int_equal(ends.server.layer->reason, STREAM_HANDSHAKE_FAILED);
    assert_int_equal(ends.server.opened + ends.client.opened, 0);
    free_ends(&ends);
    tls_free(client);
    tls_free(server);
}

static void a_full_queue_ends_the_handshake(void **state)
{
    (void)state;
    struct tls *tls = open_tls(&config);
    struct pair_of_ends ends;
    end_open(&ends.server, tls, true, "");
    end_open(&ends.client, tls, false, "example.com");
    ends.server.full = true;
    ends_settle(&ends.client, &ends.server, ALL);
    assert_true(ends.server.status < 0);
    assert_int_equal(ends.server.opened, 0);
    free_ends(&ends);
    tls_free(tls);
}

/* RFC 7301: who offers what we do not know is served all the same. */
static void protocols_are_agreed_on_or_ignored(void **state)
{
    (void)state;
    static const struct {
        const char *offer, *agreed;
    } rows[] = {{"\5sip/2", "sip/2"},
                {"\3foo\3sip", "sip"},
                {"\2h2\10http/1.1", "http/1.1"},
                {"\3foo", ""}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tls *tls = open_tls(&config);
        SSL_CTX_set_alpn_protos(tls->contexts.client, (const unsigned char *)rows[i].offer,
                                (unsigned)strlen(rows[i].offer));
        struct pair_of_ends ends;
        const unsigned char *name;
        unsigned length;
        open_ends(&ends, tls, tls, "example.com", ALL);
        assert_open(&ends);
        SSL_get0_alpn_selected(((struct tls_connection *)(void *)ends.client.layer)->ssl, &name,
                               &length);
        assert_true(
            slice_equal(slice_of((const char *)name, length), slice_from_string(rows[i].agreed)));
        free_ends(&ends);
        tls_free(tls);
    }
}

static void a_certificate_of_our_own_is_made(void **state)
{
    (void)state;
    struct tls_fault fault;
    const struct slice names[] = {SLICE("example.com"), SLICE("192.0.2.1"), SLICE("[2001:db8::1]")};
    struct tls_make make = {.certificate = certificate_write_text("own.pem", ""),
                            .key = certificate_write_text("own.key", ""),
                            .names = names,
                            .name_count = 3};
    assert_int_equal(tls_make(&make, &fault), ERR_INVALID); /* both are there */
    assert_non_null(strstr(fault.text, "File exists"));
    assert_int_equal(remove(make.key), 0);
    assert_int_equal(tls_make(&make, &fault), ERR_INVALID); /* one is */
    assert_int_equal(remove(make.certificate), 0);
    assert_int_equal(tls_make(&make, &fault), 0);
    struct stat is;
    assert_int_equal(stat(make.key, &is), 0);
    assert_int_equal(is.st_mode & 0777, 0600);
    struct tls_config own = {.pair_count = 1, .verify = true, .trust = make.certificate};
    own.pairs[0] = (struct tls_pair){make.certificate, make.key};
    struct tls *tls = open_tls(&own);
    for (int i = 0; i < 3; i++) {
        struct pair_of_ends ends;
        char name[32];
        open_ends(&ends, tls, tls, slice_to_string(names[i], name, sizeof(name)), ALL);
        assert_open(&ends);
        free_ends(&ends);
    }
    tls_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_ends_talk),
        cmocka_unit_test(bytes_may_come_in_any_pieces),
        cmocka_unit_test(a_flight_may_be_cut_anywhere),
        cmocka_unit_test(long_messages_pass),
        cmocka_unit_test(a_server_must_prove_the_name),
        cmocka_unit_test(an_expired_certificate_is_refused_by_the_client),
        cmocka_unit_test(without_verify_any_server_will_do),
        cmocka_unit_test(a_server_shows_the_certificate_for_the_name_asked),
        cmocka_unit_test(a_server_may_ask_for_the_clients_certificate),
        cmocka_unit_test(a_second_connection_resumes_the_session),
        cmocka_unit_test(what_was_proven_for_one_name_is_not_resumed_for_another),
        cmocka_unit_test(ticket_keys_are_replaced_and_known_for_a_while),
        cmocka_unit_test(reload_changes_new_connections_only),
        cmocka_unit_test(files_that_are_wrong_are_refused),
        cmocka_unit_test(a_key_with_a_password_is_refused),
        cmocka_unit_test(garbage_ends_the_handshake),
        cmocka_unit_test(garbage_ends_an_open_connection),
        cmocka_unit_test(a_client_cannot_renegotiate),
        cmocka_unit_test(old_versions_are_not_spoken),
        cmocka_unit_test(a_full_queue_ends_the_handshake),
        cmocka_unit_test(protocols_are_agreed_on_or_ignored),
        cmocka_unit_test(a_certificate_of_our_own_is_made),
    };
    return cmocka_run_group_tests_name("tls", tests, set_up, tear_down);
}
