#include "sim/turn/client.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "sim/turn/turnd.h"
#include "stun/bytes.h"
#include "stun/channel.h"

#define RTO_US        (SIM_SECOND / 2)
#define TRIES         8
#define KEEP_US       (15 * SIM_SECOND) /* a NAT's mapping towards the server */
#define REFRESH_EVERY 16                /* of these: before permissions end, after 300 s */
#define LIFETIME_S    600
#define CHANNEL_OF(i) (0x4000u + (i))

/* ---- Requests ---- */

static void send_out(struct client *client, struct slice bytes)
{
    if (client->quiet)
        return;
    if (!client->over_tcp)
        (void)sim_udp_send(client->udp, &client->udp->local, &client->server, bytes);
    else if (client->tcp != NULL)
        (void)sim_tcp_send(client->tcp, bytes); /* the window never fills here */
}

static void write_ask(struct stun_writer *w, struct client_ask *ask)
{
    struct client *client = ask->client;
    struct client_peer *peer = &client->peers[ask->peer];
    switch (ask->method) {
    case STUN_ALLOCATE: stun_write_u32(w, STUN_REQUESTED_TRANSPORT, UINT32_C(17) << 24); break;
    case STUN_REFRESH: stun_write_u32(w, STUN_LIFETIME, ask->lifetime_s); break;
    case STUN_CHANNEL_BIND:
        stun_write_u32(w, STUN_CHANNEL_NUMBER, CHANNEL_OF(ask->peer) << 16);
        stun_write_address(w, STUN_XOR_PEER_ADDRESS, &peer->address);
        break;
    default: stun_write_address(w, STUN_XOR_PEER_ADDRESS, &peer->address);
    }
}

/* Anew, with another transaction ID. */
static void build(struct client_ask *ask)
{
    struct client *client = ask->client;
    struct stun_writer w;
    uint32_t id[4] = {htobe32(STUN_COOKIE)};
    for (unsigned i = 1; i < 4; i++)
        id[i] = (uint32_t)random_u64(&client->world->random);
    stun_write_begin(&w, ask->bytes, sizeof(ask->bytes), stun_type(STUN_REQUEST, ask->method), id);
    write_ask(&w, ask);
    if (client->nonce_len > 0) {
        stun_write(&w, STUN_USERNAME, SLICE(TURND_USER));
        stun_write(&w, STUN_REALM, slice_from_string(client->realm));
        stun_write(&w, STUN_NONCE, slice_of(client->nonce, client->nonce_len));
        stun_write_integrity(&w, &client->integrity, STUN_HMAC_SHA1,
                             slice_of((const char *)client->key, sizeof(client->key)));
    }
    ask->length = stun_write_end(&w).len;
    ask->tries = 0;
}

static void send_ask(struct client_ask *ask)
{
    struct client *client = ask->client;
    send_out(client, slice_of((const char *)ask->bytes, ask->length));
    uint64_t pause =
        client->over_tcp ? 40 * SIM_SECOND : RTO_US << (ask->tries < 4 ? ask->tries : 4);
    ask->tries++;
    sim_event_after(&client->world->events, &ask->again, pause);
}

static void on_again(struct sim_event *event)
{
    struct client_ask *ask = container_of(event, struct client_ask, again);
    if (ask->tries < TRIES) {
        send_ask(ask);
        return;
    }
    ask->used = false;
    ask->client->failure = "a request of TURN was not answered";
}

static void begin(struct client *client, unsigned method, uint32_t lifetime_s, unsigned peer)
{
    for (unsigned i = 0; i < CLIENT_ASKS; i++) {
        struct client_ask *ask = &client->asks[i];
        if (ask->used)
            continue;
        ask->used = true;
        ask->method = (uint16_t)method;
        ask->lifetime_s = lifetime_s;
        ask->peer = peer;
        build(ask);
        send_ask(ask);
        return;
    }
    client->failure = "too many requests of TURN at once";
}

/* ---- Answers ---- */

static void take_challenge(struct client *client, const struct stun_message *m)
{
    struct slice realm = stun_value(m, STUN_REALM), nonce = stun_value(m, STUN_NONCE);
    char text[128];
    struct writer w;
    if (realm.len == 0 || nonce.len == 0 || nonce.len > sizeof(client->nonce)) {
        client->failure = "a challenge without realm or nonce";
        return;
    }
    (void)slice_to_string(realm, client->realm, sizeof(client->realm));
    memcpy(client->nonce, nonce.ptr, nonce.len);
    client->nonce_len = nonce.len;
    writer_init(&w, text, sizeof(text));
    writer_format(&w, TURND_USER ":%s:" TURND_PASSWORD, client->realm);
    struct slice secret = writer_slice(&w);
    if (EVP_Digest(secret.ptr, secret.len, client->key, NULL, EVP_md5(), NULL) != 1)
        abort();
}

static void on_allocated(struct client *client, const struct stun_message *m)
{
    struct address relayed, mapped;
    if (stun_get_address(m, STUN_XOR_RELAYED_ADDRESS, &relayed) < 0 ||
        stun_get_address(m, STUN_XOR_MAPPED_ADDRESS, &mapped) < 0) {
        client->failure = "an allocation without an address";
        return;
    }
    client->relayed = relayed;
    client->mapped = mapped;
    client->has_relayed = true;
    client->has_mapped = !client->over_tcp;
    sim_event_after(&client->world->events, &client->keep, KEEP_US);
}

static void on_success(struct client_ask *ask, const struct stun_message *m)
{
    struct client *client = ask->client;
    struct client_peer *peer = &client->peers[ask->peer];
    switch (ask->method) {
    case STUN_ALLOCATE: on_allocated(client, m); break;
    case STUN_CREATE_PERMISSION: peer->permitted = true; break;
    case STUN_CHANNEL_BIND: peer->permitted = peer->bound = true; break;
    default: break;
    }
}

static void on_failure(struct client_ask *ask, unsigned code)
{
    struct client *client = ask->client;
    bool about_peer = ask->method == STUN_CREATE_PERMISSION || ask->method == STUN_CHANNEL_BIND;
    bool ended = ask->method == STUN_REFRESH && ask->lifetime_s == 0;
    if (about_peer && code == 403 && !client->peers[ask->peer].permitted)
        client->refused++;            /* a private address */
    else if (!(ended && code == 437)) /* done already, and the answer was lost */
        client->failure = "a request of TURN was refused";
}

static void on_response(struct client *client, const struct stun_message *m)
{
    unsigned code = 0;
    struct slice reason;
    for (unsigned i = 0; i < CLIENT_ASKS; i++) {
        struct client_ask *ask = &client->asks[i];
        if (!ask->used || memcmp(ask->bytes + 4, stun_id(m), STUN_ID_SIZE) != 0)
            continue;
        sim_event_cancel(&client->world->events, &ask->again);
        bool challenged = m->class == STUN_ERROR && stun_get_error(m, &code, &reason) == 0 &&
                          (code == 438 || (code == 401 && ask->length < 100));
        if (challenged) {
            take_challenge(client, m);
            build(ask);
            send_ask(ask);
            return;
        }
        ask->used = false;
        if (m->class == STUN_SUCCESS)
            on_success(ask, m);
        else
            on_failure(ask, code);
        return;
    }
}

static void on_message(struct client *client, struct slice bytes)
{
    struct stun_message m;
    struct address peer;
    uint16_t number;
    struct slice payload;
    if (channel_looks_like(bytes)) {
        bool good = channel_parse(bytes, &number, &payload) == 0 && number >= CHANNEL_OF(0) &&
                    number < CHANNEL_OF(client->peer_count);
        if (good)
            client->on_data(client->user, &client->peers[number - CHANNEL_OF(0)].address, payload);
        else
            client->failure = "ChannelData of no channel";
    } else if (stun_parse(bytes, &m) < 0) {
        client->failure = "a message that is none";
    } else if (m.class == STUN_SUCCESS || m.class == STUN_ERROR) {
        on_response(client, &m);
    } else if (m.method == STUN_DATA_INDICATION &&
               stun_get_address(&m, STUN_XOR_PEER_ADDRESS, &peer) == 0 && stun_has(&m, STUN_DATA)) {
        client->on_data(client->user, &peer, stun_value(&m, STUN_DATA));
    } else {
        client->failure = "a message that nobody asked for";
    }
}

void client_on_datagram(struct client *client, struct slice bytes)
{
    if (!client->quiet)
        on_message(client, bytes);
}

/* ---- The connection ---- */

static void on_open(void *user)
{
    struct client *client = user;
    begin(client, STUN_ALLOCATE, 0, 0);
}

static void on_bytes(void *user, struct slice bytes)
{
    struct client *client = user;
    if (bytes.len > sizeof(client->in) - client->in_len)
        abort();
    memcpy(client->in + client->in_len, bytes.ptr, bytes.len);
    client->in_len += bytes.len;
    for (;;) {
        struct slice in = slice_of((const char *)client->in, client->in_len);
        size_t length = 0;
        int status = channel_looks_like(in) ? channel_frame(in, &length) : stun_frame(in, &length);
        if (status < 0)
            client->failure = "what comes along the connection is no STUN";
        if (status < 0 || length == 0)
            return;
        on_message(client, slice_of(in.ptr, length));
        client->in_len -= length;
        memmove(client->in, client->in + length, client->in_len);
    }
}

static void on_gone(void *user)
{
    struct client *client = user;
    client->tcp = NULL;
    if (!client->released)
        client->failure = "the connection was ended";
}

static void on_room(void *user)
{
    (void)user;
}

static const struct sim_tcp_handler tcp_handler = {on_open, on_bytes, on_gone, on_gone, on_room};

/* ---- Peers ---- */

static void ask_for(struct client *client, unsigned peer)
{
    begin(client, client->channels ? STUN_CHANNEL_BIND : STUN_CREATE_PERMISSION, 0, peer);
}

void client_permit(struct client *client, const struct address *peer)
{
    if (client->peer_count == CLIENT_PEERS)
        abort();
    client->peers[client->peer_count] = (struct client_peer){.address = *peer};
    ask_for(client, client->peer_count++);
}

void client_send(struct client *client, const struct address *peer, struct slice data)
{
    uint8_t buffer[512];
    struct stun_writer w;
    uint32_t id[4] = {htobe32(STUN_COOKIE), 1, 2, (uint32_t)random_u64(&client->world->random)};
    for (unsigned i = 0; i < client->peer_count; i++) {
        if (!client->peers[i].bound || !address_equal(&client->peers[i].address, peer))
            continue;
        size_t whole = CHANNEL_HEADER_SIZE + data.len;
        memset(buffer, 0, sizeof(buffer));
        channel_write_header(buffer, (uint16_t)CHANNEL_OF(i), data.len);
        memcpy(buffer + CHANNEL_HEADER_SIZE, data.ptr, data.len);
        send_out(client, slice_of((const char *)buffer,
                                  client->over_tcp ? (whole + 3) & ~(size_t)3 : whole));
        return;
    }
    stun_write_begin(&w, buffer, sizeof(buffer), stun_type(STUN_INDICATION, STUN_SEND), id);
    stun_write_address(&w, STUN_XOR_PEER_ADDRESS, peer);
    stun_write(&w, STUN_DATA, data);
    send_out(client, stun_write_end(&w));
}

/* ---- Life ---- */

static void refresh(struct client *client)
{
    begin(client, STUN_REFRESH, LIFETIME_S, 0);
    for (unsigned i = 0; i < client->peer_count; i++) {
        if (client->peers[i].permitted)
            ask_for(client, i);
    }
}

/* RFC 8489 section 6.3.2: a Binding indication keeps the mapping. */
static void on_keep(struct sim_event *event)
{
    struct client *client = container_of(event, struct client, keep);
    struct stun_writer w;
    uint8_t buffer[STUN_HEADER_SIZE];
    uint32_t id[4] = {htobe32(STUN_COOKIE), 3, 4, ++client->kept};
    if (client->kept % REFRESH_EVERY == 0) {
        refresh(client);
    } else {
        stun_write_begin(&w, buffer, sizeof(buffer), stun_type(STUN_INDICATION, STUN_BINDING), id);
        send_out(client, stun_write_end(&w));
    }
    sim_event_after(&client->world->events, &client->keep, KEEP_US);
}

void client_start(struct client *client, struct sim_udp *udp, const struct address *server,
                  bool over_tcp, bool channels)
{
    client->world = udp->host->world;
    client->udp = udp;
    client->server = *server;
    client->over_tcp = over_tcp;
    client->channels = channels;
    sim_event_init(&client->keep, on_keep);
    for (unsigned i = 0; i < CLIENT_ASKS; i++) {
        client->asks[i].client = client;
        sim_event_init(&client->asks[i].again, on_again);
    }
    if (stun_integrity_init(&client->integrity) < 0)
        abort();
    if (over_tcp)
        client->tcp = sim_tcp_connect(udp->host, server, &tcp_handler, client);
    else
        begin(client, STUN_ALLOCATE, 0, 0);
}

static void stop(struct client *client)
{
    sim_event_cancel(&client->world->events, &client->keep);
    for (unsigned i = 0; i < CLIENT_ASKS; i++) {
        sim_event_cancel(&client->world->events, &client->asks[i].again);
        client->asks[i].used = false;
    }
}

void client_release(struct client *client)
{
    stop(client);
    client->released = true;
    begin(client, STUN_REFRESH, 0, 0);
}

void client_die(struct client *client)
{
    stop(client);
    client->quiet = true;
    if (client->tcp != NULL)
        sim_tcp_abort(client->tcp);
    client->tcp = NULL;
}

void client_done(struct client *client)
{
    stop(client);
    if (client->tcp != NULL)
        sim_tcp_abort(client->tcp);
    stun_integrity_done(&client->integrity);
}
