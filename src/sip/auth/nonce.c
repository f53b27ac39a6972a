#include "sip/auth/nonce.h"

#include "base/base64.h"
#include "base/error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define TIME_BYTES    6
#define NUMBER_BYTES  8
#define CLAIM_BYTES   (TIME_BYTES + NUMBER_BYTES)
#define BLOCK_BYTES   16
#define NONCE_BYTES   (CLAIM_BYTES + BLOCK_BYTES)
#define FUTURE_MAX_MS 1000 /* clocks of two workers are read at different times */

_Static_assert(NONCE_BYTES % 3 == 0 && BASE64URL_LENGTH(NONCE_BYTES) == SIP_NONCE_LENGTH,
               "no padding");

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

int sip_nonce_write(struct sip_nonce_maker *maker, uint64_t now_ms, uint64_t number,
                    char ret_text[SIP_NONCE_LENGTH])
{
    uint8_t bytes[NONCE_BYTES];
    put_number(bytes, TIME_BYTES, now_ms);
    put_number(bytes + TIME_BYTES, NUMBER_BYTES, number);
    int rc = make_proof(maker, bytes, bytes + CLAIM_BYTES);
    if (rc == 0) {
        struct writer w;
        writer_init(&w, ret_text, SIP_NONCE_LENGTH);
        base64url_write(&w, bytes, sizeof(bytes));
    }
    return rc;
}

int sip_nonce_verify(struct sip_nonce_maker *maker, struct slice text, uint64_t now_ms,
                     struct sip_nonce *ret_nonce)
{
    uint8_t bytes[NONCE_BYTES], proof[BLOCK_BYTES];
    size_t length;
    if (text.len != SIP_NONCE_LENGTH || base64url_parse(text, bytes, sizeof(bytes), &length) < 0) {
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
