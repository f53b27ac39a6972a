#include "service/stun/link.h"

#include <openssl/crypto.h>

#include "base/error.h"
#include "stun/bytes.h"

/* magic and kind, asker, number, session (28 bytes); then what the kind has; then the MAC. The
 * first byte is none of STUN, ChannelData, DTLS (RFC 7983). */
#define MAGIC        0xf5747a00u /* the kind goes into its last byte */
#define CORNERS_SIZE (2 * LINK_ADDRESS_SIZE)
#define REQUEST_AT   (2 + LINK_ADDRESS_SIZE) /* behind port and client */

static void put64(uint8_t *at, uint64_t value)
{
    bytes_put32(at, (uint32_t)(value >> 32));
    bytes_put32(at + 4, (uint32_t)value);
}

static uint64_t get64(const char *at)
{
    return (uint64_t)bytes_get32(at) << 32 | bytes_get32(at + 4);
}

/* ---- Addresses: family, port, 16 bytes ---- */

static void put_address(uint8_t *at, const struct address *a)
{
    memset(at, 0, LINK_ADDRESS_SIZE);
    at[0] = address_is_v6(a) ? 6 : 4;
    bytes_put16(at + 1, address_port(a));
    if (address_is_v6(a))
        memcpy(at + 3, &a->in6.sin6_addr, 16);
    else
        memcpy(at + 3, &a->in4.sin_addr, 4);
}

static int get_address(const char *at, struct address *ret)
{
    struct address a;
    memset(&a, 0, sizeof a);
    if (at[0] == 6) {
        a.in6.sin6_family = AF_INET6;
        memcpy(&a.in6.sin6_addr, at + 3, 16);
    } else if (at[0] == 4) {
        a.in4.sin_family = AF_INET;
        memcpy(&a.in4.sin_addr, at + 3, 4);
    } else {
        return ERR_SYNTAX;
    }
    address_set_port(&a, bytes_get16(at + 1));
    *ret = a;
    return 0;
}

/* ---- Messages ---- */

static size_t write_body(const struct link_message *message, uint8_t *at)
{
    if (message->kind != LINK_REQUEST) {
        put_address(at, &message->corners.own);
        put_address(at + LINK_ADDRESS_SIZE, &message->corners.other);
        return CORNERS_SIZE;
    }
    bytes_put16(at, message->port);
    put_address(at + 2, &message->client);
    memcpy(at + REQUEST_AT, message->request.ptr, message->request.len);
    return REQUEST_AT + message->request.len;
}

int link_write(const struct link_message *message, struct stun_integrity *integrity,
               const struct link_key *key, uint8_t buffer[LINK_DATAGRAM_MAX])
{
    uint8_t mac[STUN_HMAC_MAX];
    if (message->kind == LINK_REQUEST &&
        (message->request.len == 0 || message->request.len > LINK_REQUEST_MAX))
        return ERR_LIMIT;
    bytes_put32(buffer, MAGIC | (uint32_t)message->kind);
    put64(buffer + 4, message->asker);
    put64(buffer + 12, message->number);
    put64(buffer + 20, message->session);
    size_t length = LINK_HEADER_SIZE + write_body(message, buffer + LINK_HEADER_SIZE);
    int status =
        stun_integrity_sign(integrity, STUN_HMAC_SHA256, slice_of(key->secret, key->length),
                            slice_of((const char *)buffer, length), SLICE_NULL, mac);
    if (status < 0)
        return status;
    memcpy(buffer + length, mac, LINK_MAC_SIZE);
    return (int)(length + LINK_MAC_SIZE);
}

static int parse_body(struct slice body, struct link_message *m)
{
    if (m->kind == LINK_REQUEST) {
        if (body.len <= REQUEST_AT || body.len > REQUEST_AT + LINK_REQUEST_MAX)
            return ERR_SYNTAX;
        m->port = bytes_get16(body.ptr);
        m->request = slice_from(body, REQUEST_AT);
        return get_address(body.ptr + 2, &m->client);
    }
    if (body.len != CORNERS_SIZE)
        return ERR_SYNTAX;
    int status = get_address(body.ptr, &m->corners.own);
    return status < 0 ? status : get_address(body.ptr + LINK_ADDRESS_SIZE, &m->corners.other);
}

int link_parse(struct slice datagram, struct stun_integrity *integrity, const struct link_key *key,
               struct link_message *ret_message)
{
    uint8_t mac[STUN_HMAC_MAX];
    struct link_message m = {0};
    if (datagram.len < LINK_HEADER_SIZE + LINK_MAC_SIZE || datagram.len > LINK_DATAGRAM_MAX)
        return ERR_SYNTAX;
    uint32_t kind = bytes_get32(datagram.ptr) ^ MAGIC;
    if (kind < LINK_HELLO || kind > LINK_REQUEST)
        return ERR_SYNTAX;
    size_t length = datagram.len - LINK_MAC_SIZE;
    int status =
        stun_integrity_sign(integrity, STUN_HMAC_SHA256, slice_of(key->secret, key->length),
                            slice_of(datagram.ptr, length), SLICE_NULL, mac);
    if (status < 0)
        return status;
    if (CRYPTO_memcmp(mac, datagram.ptr + length, LINK_MAC_SIZE) != 0)
        return ERR_DENIED;
    m.kind = (enum link_kind)kind;
    m.asker = get64(datagram.ptr + 4);
    m.number = get64(datagram.ptr + 12);
    m.session = get64(datagram.ptr + 20);
    status = parse_body(slice_of(datagram.ptr + LINK_HEADER_SIZE, length - LINK_HEADER_SIZE), &m);
    if (status == 0)
        *ret_message = m;
    return status;
}

bool link_corners_agree(const struct link_corners *mine, const struct link_corners *theirs)
{
    uint16_t first = address_port(&mine->own), second = address_port(&mine->other);
    uint16_t their_first = address_port(&theirs->own), their_second = address_port(&theirs->other);
    return address_equal_host(&mine->own, &theirs->other) &&
           address_equal_host(&mine->other, &theirs->own) &&
           ((first == their_first && second == their_second) ||
            (first == their_second && second == their_first));
}

/* ---- The asker ---- */

void link_asker_init(struct link_asker *asker, struct random *random)
{
    *asker = (struct link_asker){.asker = random_u64(random)};
}

void link_ask(struct link_asker *asker, struct link_message *ret_hello)
{
    *ret_hello =
        (struct link_message){.kind = LINK_HELLO, .asker = asker->asker, .number = ++asker->hello};
}

int link_on_welcome(struct link_asker *asker, const struct link_message *welcome, uint64_t now_ms)
{
    if (welcome->asker != asker->asker || welcome->number != asker->hello || welcome->session == 0)
        return ERR_STALE;
    asker->session = welcome->session;
    asker->heard_ms = now_ms;
    return 0;
}

bool link_alive(const struct link_asker *asker, uint64_t now_ms)
{
    return asker->session != 0 && now_ms - asker->heard_ms < LINK_DEAD_MS;
}

void link_request(struct link_asker *asker, struct link_message *ret_request)
{
    *ret_request = (struct link_message){.kind = LINK_REQUEST,
                                         .asker = asker->asker,
                                         .number = ++asker->request,
                                         .session = asker->session};
}

/* ---- The one asked ---- */

static struct link_session *find(struct link_answerer *answerer, uint64_t asker)
{
    for (unsigned i = 0; i < LINK_SESSIONS; i++) {
        struct link_session *s = &answerer->sessions[i];
        if (s->session != 0 && s->asker == asker)
            return s;
    }
    return NULL;
}

static struct link_session *quietest(struct link_answerer *answerer)
{
    struct link_session *best = &answerer->sessions[0];
    for (unsigned i = 0; i < LINK_SESSIONS && best->session != 0; i++) {
        struct link_session *s = &answerer->sessions[i];
        if (s->session == 0 || s->used_ms < best->used_ms)
            best = s;
    }
    return best;
}

void link_on_hello(struct link_answerer *answerer, const struct link_message *hello,
                   struct random *random, uint64_t now_ms, struct link_message *ret_welcome)
{
    struct link_session *session = find(answerer, hello->asker);
    if (session == NULL) {
        session = quietest(answerer);
        *session = (struct link_session){.asker = hello->asker, .session = random_u64(random) | 1};
    }
    session->used_ms = now_ms;
    *ret_welcome = (struct link_message){.kind = LINK_WELCOME,
                                         .asker = hello->asker,
                                         .number = hello->number,
                                         .session = session->session};
}

int link_on_request(struct link_answerer *answerer, const struct link_message *request,
                    uint64_t now_ms)
{
    struct link_session *session = find(answerer, request->asker);
    if (session == NULL || session->session != request->session)
        return ERR_NOT_FOUND;
    if (request->number > session->highest) {
        uint64_t by = request->number - session->highest;
        session->seen = (by < LINK_WINDOW ? session->seen << by : 0) | 1;
        session->highest = request->number;
    } else {
        uint64_t behind = session->highest - request->number;
        if (behind >= LINK_WINDOW || session->seen >> behind & 1)
            return ERR_STALE;
        session->seen |= UINT64_C(1) << behind;
    }
    session->used_ms = now_ms;
    return 0;
}
