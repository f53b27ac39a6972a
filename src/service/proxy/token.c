/* Flow tokens (RFC 5626 section 5.2): a flow, written so that nobody else can make or change one.
 * In our Record-Route they hold for one Call-ID, in a Path for whoever has it. */
#include "base/base64.h"
#include "base/error.h"
#include "service/proxy/proxy_private.h"

#define PROOF_BYTES 8
#define BYTES_MAX   80

/* What the first byte says. */
enum { TRANSPORT_BITS = 0x0f, FOR_PATH = 0x10, IS_V6 = 0x20, CONNECTION = 0x40, INSTANCE = 0x80 };

struct bytes {
    uint8_t data[BYTES_MAX];
    size_t at, end;
    bool bad;
};

static void put(struct bytes *b, const void *data, size_t size)
{
    memcpy(b->data + b->at, data, size);
    b->at += size;
}

static void get(struct bytes *b, void *ret, size_t size)
{
    if (b->end - b->at < size) {
        b->bad = true;
        return;
    }
    memcpy(ret, b->data + b->at, size);
    b->at += size;
}

static void put_address(struct bytes *b, const struct address *a, bool v6)
{
    if (v6) {
        put(b, &a->in6.sin6_addr, sizeof(a->in6.sin6_addr));
        put(b, &a->in6.sin6_scope_id, sizeof(a->in6.sin6_scope_id));
        put(b, &a->in6.sin6_port, sizeof(a->in6.sin6_port));
    } else {
        put(b, &a->in4.sin_addr, sizeof(a->in4.sin_addr));
        put(b, &a->in4.sin_port, sizeof(a->in4.sin_port));
    }
}

static void get_address(struct bytes *b, struct address *a, bool v6)
{
    memset(a, 0, sizeof(*a));
    a->sa.sa_family = v6 ? AF_INET6 : AF_INET;
    if (v6) {
        get(b, &a->in6.sin6_addr, sizeof(a->in6.sin6_addr));
        get(b, &a->in6.sin6_scope_id, sizeof(a->in6.sin6_scope_id));
        get(b, &a->in6.sin6_port, sizeof(a->in6.sin6_port));
    } else {
        get(b, &a->in4.sin_addr, sizeof(a->in4.sin_addr));
        get(b, &a->in4.sin_port, sizeof(a->in4.sin_port));
    }
}

/* The key differs from that of the dialog token, which is made of the Call-ID alone. */
static uint64_t proof_of(const struct proxy *proxy, const struct sip_message *msg, const void *data,
                         size_t size)
{
    static const struct slice purpose = SLICE_LITERAL("flow token");
    struct hash_key key = {hash_slice(&proxy->token_key, purpose), proxy->token_key.k0};
    bool for_path = (*(const uint8_t *)data & FOR_PATH) != 0;
    struct hash_state hash;
    hash_begin(&hash, &key);
    hash_add(&hash, slice_of(data, size));
    hash_add(&hash, for_path ? SLICE_NULL : sip_message_value(msg, SIP_HEADER_CALL_ID));
    return hash_end(&hash);
}

void proxy_flow_write(const struct proxy *proxy, struct writer *w, const struct sip_message *msg,
                      const struct proxy_flow_token *token)
{
    const struct flow *flow = &token->flow;
    struct bytes b = {.end = sizeof(b.data)};
    bool v6 = address_is_v6(&flow->remote), stream = flow_reliable(flow);
    uint8_t first =
        (uint8_t)(flow->transport | (token->for_path ? FOR_PATH : 0) | (v6 ? IS_V6 : 0) |
                  (stream ? CONNECTION : 0) | (token->instance != 0 ? INSTANCE : 0));
    put(&b, &first, sizeof(first));
    put(&b, &flow->listener, sizeof(flow->listener));
    put_address(&b, &flow->remote, v6);
    put_address(&b, &flow->local, v6);
    if (stream) { /* a connection lives no longer than this process */
        put(&b, &proxy->run, sizeof(proxy->run));
        put(&b, &flow->worker, sizeof(flow->worker));
        put(&b, &flow->connection, sizeof(flow->connection));
        put(&b, &flow->generation, sizeof(flow->generation));
    }
    if (token->instance != 0)
        put(&b, &token->instance, sizeof(token->instance));
    uint64_t proof = proof_of(proxy, msg, b.data, b.at);
    put(&b, &proof, PROOF_BYTES);
    base64url_write(w, b.data, b.at);
}

static int read_flow(const struct proxy *proxy, struct bytes *b, struct proxy_flow_token *ret_token)
{
    struct flow flow = {0};
    uint8_t first = 0;
    uint32_t run = proxy->run, instance = 0;
    get(b, &first, sizeof(first));
    flow.transport = first & TRANSPORT_BITS;
    get(b, &flow.listener, sizeof(flow.listener));
    get_address(b, &flow.remote, (first & IS_V6) != 0);
    get_address(b, &flow.local, (first & IS_V6) != 0);
    if (first & CONNECTION) {
        get(b, &run, sizeof(run));
        get(b, &flow.worker, sizeof(flow.worker));
        get(b, &flow.connection, sizeof(flow.connection));
        get(b, &flow.generation, sizeof(flow.generation));
    }
    if (first & INSTANCE)
        get(b, &instance, sizeof(instance));
    if (b->bad || b->at != b->end)
        return ERR_INVALID;
    *ret_token = (struct proxy_flow_token){
        .flow = flow, .for_path = (first & FOR_PATH) != 0, .instance = instance};
    return run == proxy->run ? 0 : ERR_CLOSED;
}

int proxy_flow_read(const struct proxy *proxy, const struct sip_message *msg, struct slice text,
                    struct proxy_flow_token *ret_token)
{
    struct bytes b = {0};
    uint64_t proof;
    if (base64url_parse(text, b.data, sizeof(b.data), &b.end) < 0 || b.end <= PROOF_BYTES)
        return ERR_INVALID;
    b.end -= PROOF_BYTES;
    memcpy(&proof, b.data + b.end, PROOF_BYTES);
    if (proof != proof_of(proxy, msg, b.data, b.end))
        return ERR_INVALID;
    return read_flow(proxy, &b, ret_token);
}
