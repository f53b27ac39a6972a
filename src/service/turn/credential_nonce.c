#include "service/turn/credential_nonce.h"

#include "base/base64.h"
#include "base/error.h"

#include <openssl/crypto.h>

#define COOKIE        "obMatJos2"
#define COOKIE_LENGTH 13 /* with four characters of features */
#define FEATURE_BYTES 3
#define TIME_BYTES    6
#define PROOF_BYTES   18
#define CLAIM_BYTES   (TIME_BYTES + PROOF_BYTES)
#define FUTURE_MAX_MS 1000 /* clocks of two workers are read at different times */
#define SOURCE_BYTES  (1 + 1 + 16 + 2)
#define SUBJECT_BYTES (TIME_BYTES + FEATURE_BYTES + 1 + SOURCE_BYTES)

_Static_assert(COOKIE_LENGTH + BASE64URL_LENGTH(CLAIM_BYTES) == TURN_NONCE_SIZE, "its size");
_Static_assert(CLAIM_BYTES % 3 == 0, "no padding");

static void put_number(uint8_t *bytes, size_t count, uint64_t value)
{
    while (count-- > 0) {
        bytes[count] = (uint8_t)value;
        value >>= 8;
    }
}

static uint64_t get_number(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* Everything that a nonce is bound to, in a form of one length. */
static int make_proof(const struct turn_nonce_maker *maker, const struct flow *source,
                      uint64_t time_ms, uint8_t *ret_proof)
{
    uint8_t subject[SUBJECT_BYTES] = {0}, mac[STUN_HMAC_MAX];
    uint8_t *at = subject;
    struct address remote = source->remote;
    address_unmap(&remote);
    put_number(at, TIME_BYTES, time_ms);
    at += TIME_BYTES;
    put_number(at, FEATURE_BYTES, maker->features);
    at += FEATURE_BYTES;
    *at++ = maker->offer;
    *at++ = source->transport;
    *at++ = address_is_v6(&remote);
    if (address_is_v6(&remote))
        memcpy(at, &remote.in6.sin6_addr, 16);
    else
        memcpy(at, &remote.in4.sin_addr, 4);
    at += 16;
    put_number(at, 2, address_port(&remote));
    int status = stun_integrity_sign(
        maker->integrity, STUN_HMAC_SHA256, slice_of((const char *)maker->key, sizeof maker->key),
        slice_of((const char *)subject, sizeof subject), SLICE_NULL, mac);
    if (status == 0)
        memcpy(ret_proof, mac, PROOF_BYTES);
    return status;
}

int turn_nonce_write(const struct turn_nonce_maker *maker, const struct flow *source,
                     uint64_t now_ms, char ret_text[TURN_NONCE_SIZE])
{
    uint8_t features[FEATURE_BYTES], claim[CLAIM_BYTES];
    struct writer w;
    int status = make_proof(maker, source, now_ms, claim + TIME_BYTES);
    if (status < 0)
        return status;
    put_number(claim, TIME_BYTES, now_ms);
    put_number(features, FEATURE_BYTES, maker->features);
    writer_init(&w, ret_text, TURN_NONCE_SIZE);
    writer_literal(&w, COOKIE);
    /* The features are base64 as such; their lower bits are 0, so that the alphabet for URLs, which
     * differs in its last two characters, writes the same. */
    base64url_write(&w, features, sizeof features);
    base64url_write(&w, claim, sizeof claim);
    return 0;
}

int turn_nonce_check(const struct turn_nonce_maker *maker, struct slice text,
                     const struct flow *source, uint64_t now_ms)
{
    uint8_t features[FEATURE_BYTES], claim[CLAIM_BYTES], proof[PROOF_BYTES];
    size_t feature_length, claim_length;
    if (text.len != TURN_NONCE_SIZE || !slice_starts_with(text, SLICE(COOKIE)))
        return ERR_STALE;
    struct slice first = slice_of(text.ptr + sizeof COOKIE - 1, COOKIE_LENGTH - sizeof COOKIE + 1);
    if (base64url_parse(first, features, sizeof features, &feature_length) < 0 ||
        base64url_parse(slice_from(text, COOKIE_LENGTH), claim, sizeof claim, &claim_length) < 0 ||
        get_number(features, sizeof features) != maker->features)
        return ERR_STALE;
    uint64_t issued_ms = get_number(claim, TIME_BYTES);
    int status = make_proof(maker, source, issued_ms, proof);
    if (status < 0)
        return status;
    bool ours = CRYPTO_memcmp(proof, claim + TIME_BYTES, sizeof proof) == 0;
    bool fresh = issued_ms <= now_ms + FUTURE_MAX_MS && now_ms < issued_ms + maker->lifetime_ms;
    return ours && fresh ? 0 : ERR_STALE;
}
