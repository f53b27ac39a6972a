/* Which server transaction a request belongs to: RFC 3261 section 17.2.3. */
#include "base/error.h"
#include "base/flow.h"
#include "sip/transaction/layer.h"

uint32_t sip_tx_method_hash(const struct sip_transactions *t, enum sip_method method,
                            struct slice name)
{
    return method == SIP_METHOD_OTHER ? (uint32_t)hash_slice(&t->key, name) : 0;
}

uint64_t sip_tx_tag_hash(const struct sip_transactions *t, struct slice tag)
{
    return hash_slice_nocase(&t->key, tag);
}

/* Section 20.42: an absent port is the default one. */
static uint16_t sent_by_port(const struct sip_via *via)
{
    enum transport transport = TRANSPORT_UDP;
    if (via->port != 0)
        return via->port;
    (void)transport_lookup(via->transport, &transport);
    return transport_default_port(transport);
}

static void add_sent_by(struct hash_state *hash, const struct sip_via *via)
{
    hash_add_nocase(hash, via->host);
    hash_add_u64(hash, sent_by_port(via));
}

/* Section 20.42: equal Via have the same protocol, sent-by and set of parameters. The order of
 * parameters does not count, so their hashes are added. */
static void add_whole_via(struct hash_state *hash, const struct hash_key *key,
                          const struct sip_via *via)
{
    uint64_t sum = 0;
    struct slice rest = via->params;
    struct sip_param param;
    while (sip_param_next(&rest, &param) > 0)
        sum += hash_mix(hash_slice_nocase(key, param.name), hash_slice_nocase(key, param.value));
    add_sent_by(hash, via);
    hash_add_nocase(hash, via->transport);
    hash_add_u64(hash, sum);
}

static struct hash128 key_hash(const struct hash_key *key, const struct sip_message *request)
{
    const struct sip_parts *parts = &request->parts;
    struct hash_state hash;
    hash_begin(&hash, key);
    hash_add(&hash, sip_message_value(request, SIP_HEADER_CALL_ID));
    hash_add_u64(&hash, parts->cseq.number);
    hash_add_nocase(&hash, parts->from.tag);
    /* Call-ID, CSeq number and From tag go in here too: clients that use a branch again for another
     * request (section 8.1.1.7 forbids it) get two transactions instead of a wrong answer. */
    if (parts->via.magic) {
        hash_add_nocase(&hash, parts->via.branch);
        add_sent_by(&hash, &parts->via);
    } else {
        /* Compared as bytes, not by section 19.1.4: a client repeats its own Request-URI. */
        hash_add(&hash, request->uri);
        add_whole_via(&hash, key, &parts->via);
    }
    return hash_end128(&hash);
}

void sip_transactions_expect(const struct sip_transactions *t, struct sip_message *request)
{
    struct hash128 hash = key_hash(&t->key, request);
    request->transaction[0] = hash.low;
    request->transaction[1] = hash.high;
    table_expect(&t->servers, hash.low);
}

int sip_server_key_of(const struct sip_transactions *t, const struct sip_message *request,
                      struct sip_server_key *ret_key)
{
    const struct sip_parts *parts = &request->parts;
    enum sip_method method = (enum sip_method)request->method;
    if (parts->via.value.len == 0 || parts->cseq.method_name.len == 0 || parts->from.uri.len == 0)
        return ERR_SYNTAX;
    struct hash128 hash = {.low = request->transaction[0], .high = request->transaction[1]};
    if ((hash.low | hash.high) == 0)
        hash = key_hash(&t->key, request);
    *ret_key = (struct sip_server_key){
        .hash = hash.low,
        .hash2 = hash.high,
        .check = parts->via.magic ? 0 : sip_tx_tag_hash(t, parts->to.tag),
        .method = request->method,
        .method_hash = sip_tx_method_hash(t, method, request->method_name),
        .rfc2543 = !parts->via.magic,
    };
    return 0;
}

struct wanted {
    const struct sip_server_key *key;
    enum sip_method method; /* SIP_METHOD_COUNT: any but CANCEL */
};

static bool method_fits(const struct sip_server_tx *tx, const struct wanted *wanted)
{
    if (wanted->method == SIP_METHOD_COUNT)
        return tx->tx.method != SIP_CANCEL;
    return tx->tx.method == wanted->method &&
           (wanted->method != SIP_METHOD_OTHER || tx->method_hash == wanted->key->method_hash);
}

static bool matches(const struct table_node *node, const void *user)
{
    const struct sip_server_tx *tx = container_of_const(node, struct sip_server_tx, tx.node);
    const struct wanted *wanted = user;
    const struct sip_server_key *key = wanted->key;
    if (tx->hash2 != key->hash2 || tx->tx.rfc2543 != key->rfc2543 || !method_fits(tx, wanted))
        return false;
    if (!key->rfc2543)
        return true;
    /* The To tag: of an ACK it is the one that our response brought. */
    return key->check == (key->method == SIP_ACK ? tx->response_tag : tx->check);
}

static struct sip_server_tx *find(const struct sip_transactions *t, const struct wanted *wanted)
{
    struct table_node *node = table_find(&t->servers, wanted->key->hash, matches, wanted);
    return node != NULL ? container_of(node, struct sip_server_tx, tx.node) : NULL;
}

struct sip_server_tx *sip_server_tx_find(const struct sip_transactions *t,
                                         const struct sip_server_key *key, enum sip_method method)
{
    return find(t, &(struct wanted){key, method});
}

struct sip_server_tx *sip_server_tx_find_cancelled(const struct sip_transactions *t,
                                                   const struct sip_server_key *key)
{
    struct sip_server_tx *tx = sip_server_tx_find(t, key, SIP_INVITE);
    return tx != NULL ? tx : find(t, &(struct wanted){key, SIP_METHOD_COUNT});
}
