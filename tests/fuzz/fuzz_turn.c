/* The TURN server in simulated time: clients that ask, send, bind, vanish and come again, peers,
 * ICMP errors, reloads, draining, and raw bytes in between. What a client learns from its answers
 * is kept here beside, and nothing may pass that it does not allow (RFC 8656 sections 9 to 12). */
#include "fuzz/check.h"
#include "fuzz/turn_world/turn_world.h"
#include "service/turn/turn.h"
#include "stun/bytes.h"
#include "stun/channel.h"
#include "stun/write.h"

#include <openssl/evp.h>

#define CLIENTS  4
#define HOSTS    8 /* peers' hosts of each family */
#define PORT_LOW 50000
#define PORTS    12
#define REALM    "fuzz"

struct client {
    struct flow flow;
    const char *user;
    char nonce[256];
    size_t nonce_len;
    struct address relayed[2];
    bool has[2];
    uint64_t permitted_until_ms[2][HOSTS];
    uint64_t asked_ms; /* the last Allocate or Refresh that was granted */
};

static struct {
    struct loop *loop;
    struct turn *turn;
    struct turn_ports *ports;
    struct turn_credentials *credentials;
    struct turn_quota *quota;
    struct turn_config config;
    struct client clients[CLIENTS];
    struct stun_integrity integrity;
    struct slice input;
    /* The answer to what was sent last. */
    uint8_t answer[2048];
    size_t answer_len;
    struct client *asking;
    bool to_peer_due, to_client_due;
} f;

static const struct slice users[] = {SLICE_LITERAL("alice:secret"), SLICE_LITERAL("bob:secret")};
static const struct turn_credential_config credential_config = {.realm = REALM,
                                                                .account_realm = "other",
                                                                .md5 = true,
                                                                .sha256 = true,
                                                                .users = users,
                                                                .user_count = 2};

/* ---- Input ---- */

static uint8_t take(void)
{
    if (f.input.len == 0)
        return 0;
    uint8_t byte = (uint8_t)f.input.ptr[0];
    f.input = slice_from(f.input, 1);
    return byte;
}

static struct slice take_some(size_t most)
{
    size_t length = take();
    length = length < most ? length : most;
    struct slice bytes = slice_of(f.input.ptr, length < f.input.len ? length : f.input.len);
    f.input = slice_from(f.input, bytes.len);
    return bytes;
}

static struct address peer_of(unsigned family, unsigned host, uint16_t port)
{
    struct address address;
    struct writer w;
    char text[64];
    writer_init(&w, text, sizeof text);
    writer_format(&w, family == 0 ? "198.51.100.%u" : "2001:db8::%x", host % HOSTS + 1);
    FUZZ_CHECK(address_parse_host(writer_slice(&w), port, &address) == 0);
    return address;
}

/* The number of a peer's host, or -1. */
static int host_of(const struct address *peer)
{
    for (unsigned i = 0; i < HOSTS; i++) {
        struct address other = peer_of(address_is_v6(peer), i, 0);
        if (address_equal_host(&other, peer))
            return (int)i;
    }
    return -1;
}

/* ---- What comes out ---- */

static struct client *owner_of(const struct address *relayed)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        for (unsigned k = 0; k < 2; k++) {
            if (f.clients[i].has[k] && address_equal(&f.clients[i].relayed[k], relayed))
                return &f.clients[i];
        }
    }
    return NULL;
}

/* Other relays of ours are peers, too. */
static bool is_relay(const struct address *peer)
{
    unsigned port = address_port(peer);
    return port >= PORT_LOW && port < PORT_LOW + PORTS && host_of(peer) < 0;
}

static void on_sent_to_peer(void *user, const struct address *from, const struct address *to,
                            struct slice data)
{
    (void)user, (void)data;
    const struct client *client = owner_of(from);
    int host = host_of(to);
    FUZZ_CHECK(f.to_peer_due && client != NULL && client == f.asking);
    FUZZ_CHECK(host >= 0 || is_relay(to));
    f.to_peer_due = false;
}

static int on_sent_to_client(void *user, const struct flow *flow, struct slice data)
{
    (void)user;
    FUZZ_CHECK(f.asking != NULL && address_equal(&flow->remote, &f.asking->flow.remote));
    FUZZ_CHECK(data.len >= CHANNEL_HEADER_SIZE);
    bool is_data = channel_looks_like(data) || bytes_get16(data.ptr) == 0x0017;
    /* One answer to a request, one message for a datagram. */
    FUZZ_CHECK(is_data == f.to_client_due);
    f.to_client_due = false;
    if (!is_data) {
        FUZZ_CHECK(f.answer_len == 0 && data.len <= sizeof f.answer);
        memcpy(f.answer, data.ptr, data.len);
        f.answer_len = data.len;
    }
    return 0;
}

/* ---- Requests ---- */

static void sign(struct stun_writer *w, const struct client *client)
{
    char text[128];
    struct writer key_text;
    uint8_t key[16];
    unsigned size = sizeof key;
    writer_init(&key_text, text, sizeof text);
    writer_format(&key_text, "%s:" REALM ":secret", client->user);
    FUZZ_CHECK(EVP_Digest(text, writer_length(&key_text), key, &size, EVP_md5(), NULL) == 1);
    stun_write(w, STUN_USERNAME, slice_from_string(client->user));
    stun_write(w, STUN_REALM, SLICE(REALM));
    stun_write(w, STUN_NONCE, slice_of(client->nonce, client->nonce_len));
    stun_write_integrity(w, &f.integrity, STUN_HMAC_SHA1, slice_of((const char *)key, sizeof key));
}

static void write_peer(struct stun_writer *w)
{
    uint8_t what = take();
    struct address peer = peer_of(what >> 7, what & 7, (uint16_t)(take() % 4));
    const struct client *other = &f.clients[what % CLIENTS];
    if ((what & 0x60) == 0x60 && other->has[what >> 7])
        peer = other->relayed[what >> 7];
    else if ((what & 0x60) == 0x20)
        (void)address_parse_host(SLICE("127.0.0.1"), 1, &peer);
    stun_write_address(w, STUN_XOR_PEER_ADDRESS, &peer);
}

static void write_attributes(struct stun_writer *w)
{
    uint8_t which = take();
    if (which & 1)
        stun_write_u32(w, STUN_REQUESTED_TRANSPORT, (uint32_t)(which & 0x80 ? 6 : 17) << 24);
    if (which & 2)
        write_peer(w);
    if (which & 4)
        stun_write_u32(w, STUN_CHANNEL_NUMBER, (uint32_t)(CHANNEL_FIRST + take() % 4) << 16);
    if (which & 8)
        stun_write_u32(w, STUN_LIFETIME, take() * 30u);
    if (which & 16)
        stun_write_u32(w, STUN_REQUESTED_ADDRESS_FAMILY, (uint32_t)(take() % 4) << 24);
    if (which & 32)
        stun_write_u32(w, STUN_ADDITIONAL_ADDRESS_FAMILY, (uint32_t)(take() % 4) << 24);
    if (which & 64) {
        char even = (char)take();
        stun_write(w, STUN_EVEN_PORT, slice_of(&even, 1));
    }
    if (which == 0x81)
        stun_write(w, STUN_RESERVATION_TOKEN, SLICE("12345678"));
    if ((which & 0x82) == 0x82)
        write_peer(w);
}

static void learn(struct client *client, const struct stun_message *request)
{
    struct stun_message answer;
    uint64_t now_ms = loop_now_ms(f.loop);
    FUZZ_CHECK(f.answer_len > 0); /* every request is answered, once */
    FUZZ_CHECK(stun_parse(slice_of((const char *)f.answer, f.answer_len), &answer) == 0);
    FUZZ_CHECK(answer.method == request->method &&
               memcmp(stun_id(&answer), stun_id(request), STUN_ID_SIZE) == 0);
    struct slice nonce = stun_value(&answer, STUN_NONCE);
    if (nonce.len > 0 && nonce.len <= sizeof client->nonce) {
        memcpy(client->nonce, nonce.ptr, nonce.len);
        client->nonce_len = nonce.len;
    }
    if (answer.class != STUN_SUCCESS)
        return;
    if (answer.method == STUN_ALLOCATE || answer.method == STUN_REFRESH)
        client->asked_ms = now_ms;
    struct slice value = stun_value(&answer, STUN_XOR_RELAYED_ADDRESS);
    if (answer.method == STUN_ALLOCATE)
        memset(client->permitted_until_ms, 0, sizeof client->permitted_until_ms);
    for (bool more = value.ptr != NULL; more;
         more = stun_next(&answer, STUN_XOR_RELAYED_ADDRESS, &value)) {
        struct address relayed;
        FUZZ_CHECK(stun_address_parse(&answer, value, true, &relayed) == 0);
        client->relayed[address_is_v6(&relayed)] = relayed;
        client->has[address_is_v6(&relayed)] = true;
    }
    if (answer.method != STUN_CREATE_PERMISSION && answer.method != STUN_CHANNEL_BIND)
        return;
    value = stun_value(request, STUN_XOR_PEER_ADDRESS);
    bool several = answer.method == STUN_CREATE_PERMISSION;
    for (bool more = value.ptr != NULL; more;
         more = several && stun_next(request, STUN_XOR_PEER_ADDRESS, &value)) {
        struct address peer;
        FUZZ_CHECK(stun_address_parse(request, value, true, &peer) == 0);
        FUZZ_CHECK(!address_is_loopback(&peer));
        int host = host_of(&peer);
        if (host >= 0)
            client->permitted_until_ms[address_is_v6(&peer)][host] =
                now_ms + TURN_PERMISSION_S * UINT64_C(1000);
    }
}

static void ask(struct client *client)
{
    static const uint16_t methods[] = {STUN_ALLOCATE, STUN_REFRESH, STUN_CREATE_PERMISSION,
                                       STUN_CHANNEL_BIND};
    uint8_t buffer[1024], id[STUN_ID_SIZE] = {0x21, 0x12, 0xa4, 0x42};
    uint8_t how = take();
    struct stun_writer w;
    struct stun_message request;
    id[15] = how >> 4; /* the same now and then: a retransmission */
    stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_REQUEST, methods[how % 4]), id);
    write_attributes(&w);
    if (client->nonce_len > 0)
        sign(&w, client);
    struct slice message = stun_write_end(&w);
    FUZZ_CHECK(stun_parse(message, &request) == 0);
    f.answer_len = 0;
    turn_on_message(f.turn, &client->flow, message);
    learn(client, &request);
}

/* ---- Data ---- */

static void send_raw(struct client *client)
{
    char *exact;
    struct slice bytes = take_some(200);
    exact = malloc(bytes.len + 1); /* the sanitizer sees who reads on */
    FUZZ_CHECK(exact != NULL);
    if (bytes.len > 0)
        memcpy(exact, bytes.ptr, bytes.len);
    f.answer_len = 0;
    f.to_peer_due = true;
    turn_on_message(f.turn, &client->flow, slice_of(exact, bytes.len));
    free(exact);
}

static void send_indication(struct client *client)
{
    uint8_t buffer[512], id[STUN_ID_SIZE] = {0x21, 0x12, 0xa4, 0x42};
    struct stun_writer w;
    stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_INDICATION, STUN_SEND), id);
    write_peer(&w);
    stun_write(&w, STUN_DATA, take_some(64));
    f.to_peer_due = true;
    turn_on_message(f.turn, &client->flow, stun_write_end(&w));
}

static void send_channel(struct client *client)
{
    uint8_t number = take();
    struct slice payload = take_some(64);
    char buffer[CHANNEL_HEADER_SIZE + 64];
    channel_write_header(buffer, (uint16_t)(CHANNEL_FIRST + number % 4), payload.len);
    if (payload.len > 0)
        memcpy(buffer + CHANNEL_HEADER_SIZE, payload.ptr, payload.len);
    f.to_peer_due = true;
    turn_on_message(f.turn, &client->flow, slice_of(buffer, CHANNEL_HEADER_SIZE + payload.len));
}

/* Nothing passes that was not permitted within 300 s (section 9). */
static void from_peer(struct client *client)
{
    uint8_t what = take();
    unsigned family = what >> 7, host = what & 7;
    struct address peer = peer_of(family, host, (uint16_t)(take() % 4 + 1));
    if (!client->has[family])
        return;
    f.to_client_due = true;
    if (what & 0x40) {
        struct port_error error = {.remote = peer, .type = take(), .code = take()};
        (void)turn_world_complain(f.loop, &client->relayed[family], &error);
    } else {
        (void)turn_world_deliver(f.loop, &client->relayed[family], &peer, take_some(64));
    }
    bool passed = !f.to_client_due;
    FUZZ_CHECK(!passed || client->permitted_until_ms[family][host] > loop_now_ms(f.loop));
}

/* ---- All of it ---- */

static void reload(void)
{
    uint8_t how = take();
    f.config.policy.deny.count = 0;
    if (how & 1)
        FUZZ_CHECK(turn_net_parse(SLICE("198.51.100.0/30"),
                                  &f.config.policy.deny.items[f.config.policy.deny.count++]) == 0);
    f.config.permissions = how & 2 ? 2 : 16;
    f.config.channels = how & 4 ? 1 : 16;
    turn_ports_drain(f.ports, (how & 8) != 0);
    turn_reload(f.turn, &f.config, NULL);
}

/* An allocation that nobody has refreshed for the longest lifetime is gone. */
static void check_ends(void)
{
    struct turn_relay_info infos[CLIENTS + 1];
    unsigned count = turn_list(f.turn, 0, infos, CLIENTS + 1), relays = 0;
    FUZZ_CHECK(count <= CLIENTS);
    FUZZ_CHECK(metric_get(&turn_metrics(f.turn)[TURN_ALLOCATIONS]) == (int64_t)count);
    for (unsigned i = 0; i < count; i++) {
        FUZZ_CHECK(infos[i].relay_count >= 1);
        relays += infos[i].relay_count;
    }
    FUZZ_CHECK(turn_world_bound(f.loop) >= relays);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &f.clients[i];
        bool found[2] = {false, false};
        for (unsigned k = 0; k < count; k++) {
            if (!address_equal(&infos[k].client.remote, &client->flow.remote))
                continue;
            for (unsigned n = 0; n < infos[k].relay_count; n++)
                found[address_is_v6(&infos[k].relays[n])] = true;
            FUZZ_CHECK(loop_now_ms(f.loop) <=
                       client->asked_ms + f.config.lifetime_max_s * UINT64_C(1000));
        }
        memcpy(client->has, found, sizeof found);
    }
}

static void step(void)
{
    uint8_t what = take();
    struct client *client = &f.clients[(what >> 4) % CLIENTS];
    f.asking = client;
    f.to_peer_due = f.to_client_due = false;
    f.answer_len = 0;
    switch (what & 15) {
    case 0:
    case 1: turn_world_advance(f.loop, take() * UINT64_C(100)); break;
    case 2: turn_world_advance(f.loop, take() * UINT64_C(10000)); break;
    case 3: send_raw(client); break;
    case 4:
    case 5: send_indication(client); break;
    case 6:
    case 7: send_channel(client); break;
    case 8:
    case 9: from_peer(client); break;
    case 10: reload(); break;
    case 11: turn_on_close(f.turn, &client->flow); break;
    default: ask(client); break;
    }
    check_ends();
}

static void set_up(void)
{
    static const struct turn_quota_config quota = {.allocations = 3};
    static const struct turn_credential_secret secret;
    memset(&f.config, 0, sizeof f.config);
    memset(f.clients, 0, sizeof f.clients);
    f.to_peer_due = f.to_client_due = false;
    f.config = (struct turn_config){.enabled = true,
                                    .relay_count = 2,
                                    .port_low = PORT_LOW,
                                    .port_high = PORT_LOW + PORTS - 1,
                                    .lifetime_s = 60,
                                    .lifetime_max_s = 3600,
                                    .allocations = 4,
                                    .permissions = 16,
                                    .channels = 16,
                                    .software = "Trapezoid"};
    FUZZ_CHECK(address_parse_host(SLICE("203.0.113.1"), 0, &f.config.relays[0]) == 0);
    FUZZ_CHECK(address_parse_host(SLICE("2001:db8:1::1"), 0, &f.config.relays[1]) == 0);
    f.loop = turn_world_new(on_sent_to_peer, NULL);
    FUZZ_CHECK(turn_ports_new(&f.config, &f.ports) == 0);
    FUZZ_CHECK(turn_quota_new(&quota, &f.quota) == 0);
    FUZZ_CHECK(turn_credentials_new(&credential_config, &secret, NULL, NULL, &f.credentials) == 0);
    struct turn_parts parts = {.loop = f.loop,
                               .ports = f.ports,
                               .credentials = f.credentials,
                               .quota = f.quota,
                               .send = on_sent_to_client};
    FUZZ_CHECK(turn_new(&f.config, &parts, &f.turn) == 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &f.clients[i];
        client->user = i % 2 == 0 ? "alice" : "bob";
        client->flow.transport = TRANSPORT_UDP;
        FUZZ_CHECK(address_parse_host(i < 3 ? SLICE("192.0.2.1") : SLICE("2001:db8:2::1"),
                                      (uint16_t)(4000 + i), &client->flow.remote) == 0);
        FUZZ_CHECK(address_parse_host(i < 3 ? SLICE("203.0.113.1") : SLICE("2001:db8:1::1"), 3478,
                                      &client->flow.local) == 0);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return stun_integrity_init(&f.integrity);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    f.input = slice_of((const char *)data, size);
    set_up();
    for (unsigned i = 0; i < CLIENTS; i++) { /* everybody learns a nonce */
        struct slice rest = f.input;
        f.input = SLICE_NULL;
        f.asking = &f.clients[i];
        ask(&f.clients[i]);
        f.input = rest;
    }
    while (f.input.len > 0)
        step();
    f.asking = NULL;
    turn_free(f.turn);
    turn_ports_free(f.ports);
    turn_quota_free(f.quota);
    turn_credentials_free(f.credentials);
    FUZZ_CHECK(turn_world_bound(f.loop) == 0);
    turn_world_free(f.loop);
    return 0;
}
