#include "stun/integrity.h"

#include "base/error.h"
#include "stun/bytes.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

static const struct {
    char digest[12]; /* the library takes no pointer to constants */
    size_t size;
    enum stun_attribute attribute;
} hmacs[STUN_HMAC_COUNT] = {
    [STUN_HMAC_SHA1] = {"SHA1", 20, STUN_MESSAGE_INTEGRITY},
    [STUN_HMAC_SHA256] = {"SHA2-256", 32, STUN_MESSAGE_INTEGRITY_SHA256},
};

int stun_integrity_init(struct stun_integrity *integrity)
{
    *integrity = (struct stun_integrity){0};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    int status = mac == NULL ? ERR_UNSUPPORTED : 0;
    for (unsigned i = 0; status == 0 && i < STUN_HMAC_COUNT; i++) {
        char digest[sizeof(hmacs[i].digest)];
        memcpy(digest, hmacs[i].digest, sizeof(digest));
        OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
        integrity->contexts[i] = EVP_MAC_CTX_new(mac);
        if (integrity->contexts[i] == NULL)
            status = ERR_NO_MEMORY;
        else if (EVP_MAC_CTX_set_params(integrity->contexts[i], params) != 1)
            status = ERR_UNSUPPORTED;
    }
    EVP_MAC_free(mac);
    if (status < 0)
        stun_integrity_done(integrity);
    return status;
}

void stun_integrity_done(struct stun_integrity *integrity)
{
    for (unsigned i = 0; i < STUN_HMAC_COUNT; i++)
        EVP_MAC_CTX_free(integrity->contexts[i]);
    *integrity = (struct stun_integrity){0};
}

size_t stun_hmac_size(enum stun_hmac hmac)
{
    return hmacs[hmac].size;
}

int stun_integrity_sign(struct stun_integrity *integrity, enum stun_hmac hmac, struct slice key,
                        struct slice a, struct slice b, uint8_t *ret_mac)
{
    static const unsigned char none;
    EVP_MAC_CTX *context = integrity->contexts[hmac];
    /* A NULL key would mean the last one. */
    const unsigned char *secret = key.len > 0 ? (const unsigned char *)key.ptr : &none;
    size_t size;
    uint8_t mac[STUN_HMAC_MAX];
    if (EVP_MAC_init(context, secret, key.len, NULL) != 1 ||
        EVP_MAC_update(context, (const unsigned char *)a.ptr, a.len) != 1 ||
        (b.len > 0 && EVP_MAC_update(context, (const unsigned char *)b.ptr, b.len) != 1) ||
        EVP_MAC_final(context, mac, &size, sizeof(mac)) != 1)
        return ERR_NO_MEMORY;
    memcpy(ret_mac, mac, hmacs[hmac].size);
    return 0;
}

/* The signed length is that of a message which ends with the MAC: a fingerprint that follows is
 * left out (section 14.5). */
int stun_integrity_check(struct stun_integrity *integrity, const struct stun_message *message,
                         enum stun_hmac hmac, struct slice key)
{
    struct slice value = stun_value(message, hmacs[hmac].attribute);
    uint8_t mac[STUN_HMAC_MAX], header[4];
    if (value.ptr == NULL)
        return ERR_NOT_FOUND;
    if (value.len % 4 != 0)
        return ERR_DENIED;
    size_t at = message->spans[hmacs[hmac].attribute].at;
    memcpy(header, message->raw.ptr, 2);
    bytes_put16(header + 2, (uint16_t)(at + value.len - STUN_HEADER_SIZE));
    int status = stun_integrity_sign(
        integrity, hmac, key, slice_of((const char *)header, sizeof(header)),
        slice_of(message->raw.ptr + sizeof(header), at - 4 - sizeof(header)), mac);
    if (status < 0)
        return status;
    return CRYPTO_memcmp(mac, value.ptr, value.len) == 0 ? 0 : ERR_DENIED;
}
