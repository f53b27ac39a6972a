#include "sip/auth/nonce.h"

#include "base/error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define TIME_BYTES    6
#define NUMBER_BYTES  8
#define CLAIM_BYTES   (TIME_BYTES + NUMBER_BYTES)
#define BLOCK_BYTES   16
#define NONCE_BYTES   (CLAIM_BYTES + BLOCK_BYTES)
#define FUTURE_MAX_MS 1000 /* clocks of two workers are read at different times */

_Static_assert(NONCE_BYTES % 3 == 0 && NONCE_BYTES / 3 * 4 == SIP_NONCE_LENGTH, "no padding");

int sip_nonce_maker_init(struct sip_nonce_maker *maker, const uint8_t key[SIP_NONCE_KEY],
                         uint32_t lifetime_s)
{
    *maker = (struct sip_nonce_maker){
        .lifetime_ms = (uint64_t)(lifetime_s ? lifetime_s : SIP_NONCE_LIFETIME) * 1000};
    maker->cipher = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
    if (!maker->cipher) {
        return ERR_UNSUPPORTED;
    }
    maker->context = EVP_CIPHER_CTX_new();
    if (!maker->context || !EVP_EncryptInit_ex2(maker->context, maker->cipher, key, NULL, NULL) ||
        !EVP_CIPHER_CTX_set_padding(maker->context, 0)) {
        sip_nonce_maker_done(maker);
        return ERR_NO_MEMORY;
    }
    return 0;
}

void sip_nonce_maker_done(struct sip_nonce_maker *maker)
{
    EVP_CIPHER_CTX_free(maker->context);
    EVP_CIPHER_free(maker->cipher);
    *maker = (struct sip_nonce_maker){0};
}

/* The proof that a claim (time and number) is ours. All claims have the same length and fit one
 * block, and a block cipher is a sound keyed hash of messages of exactly one block (it is what CMAC
 * comes down to there). Unlike the HMAC contexts of the library, this one starts over without
 * allocating. */
static int make_proof(struct sip_nonce_maker *maker, const uint8_t *claim, uint8_t *ret_proof)
{
    uint8_t block[BLOCK_BYTES] = {0}, proof[BLOCK_BYTES];
    int length = 0;
    memcpy(block, claim, CLAIM_BYTES);
    if (!EVP_EncryptUpdate(maker->context, proof, &length, block, sizeof(block)) ||
        length != sizeof(proof)) {
        return ERR_NO_MEMORY;
    }
    memcpy(ret_proof, proof, sizeof(proof));
    return 0;
}

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
    for (size_t i = 0; i < count; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

/* base64url of RFC 4648 section 5: nothing in it needs escaping anywhere in SIP. */
static void encode(const uint8_t *bytes, char *text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < NONCE_BYTES; i += 3) {
        unsigned group = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | bytes[i + 2];
        *text++ = alphabet[group >> 18];
        *text++ = alphabet[group >> 12 & 63];
        *text++ = alphabet[group >> 6 & 63];
        *text++ = alphabet[group & 63];
    }
}

/* 64 for a character outside the alphabet. */
static unsigned decode_char(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0') + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : 64;
}

static bool decode(const char *text, uint8_t *bytes)
{
    unsigned seen = 0;
    for (size_t i = 0; i < NONCE_BYTES; i += 3, text += 4) {
        unsigned a = decode_char(text[0]), b = decode_char(text[1]);
        unsigned c = decode_char(text[2]), e = decode_char(text[3]);
        unsigned group = a << 18 | b << 12 | c << 6 | e;
        seen |= a | b | c | e;
        bytes[i] = (uint8_t)(group >> 16);
        bytes[i + 1] = (uint8_t)(group >> 8);
        bytes[i + 2] = (uint8_t)group;
    }
    return (seen & 64) == 0;
}

int sip_nonce_write(struct sip_nonce_maker *maker, uint64_t now_ms, uint64_t number,
                    char ret_text[SIP_NONCE_LENGTH])
{
    uint8_t bytes[NONCE_BYTES];
    put_number(bytes, TIME_BYTES, now_ms);
    put_number(bytes + TIME_BYTES, NUMBER_BYTES, number);
    int rc = make_proof(maker, bytes, bytes + CLAIM_BYTES);
    if (rc == 0) {
        encode(bytes, ret_text);
    }
    return rc;
}

int sip_nonce_verify(struct sip_nonce_maker *maker, struct slice text, uint64_t now_ms,
                     struct sip_nonce *ret_nonce)
{
    uint8_t bytes[NONCE_BYTES], proof[BLOCK_BYTES];
    if (text.len != SIP_NONCE_LENGTH || !decode(text.ptr, bytes)) {
        return ERR_DENIED;
    }
    int rc = make_proof(maker, bytes, proof);
    if (rc < 0) {
        return rc;
    }
    if (CRYPTO_memcmp(proof, bytes + CLAIM_BYTES, BLOCK_BYTES) != 0) {
        return ERR_DENIED;
    }
    ret_nonce->issued_ms = get_number(bytes, TIME_BYTES);
    ret_nonce->number = get_number(bytes + TIME_BYTES, NUMBER_BYTES);
    bool fresh = ret_nonce->issued_ms <= now_ms + FUTURE_MAX_MS &&
                 now_ms < ret_nonce->issued_ms + maker->lifetime_ms;
    return fresh ? 0 : ERR_STALE;
}
