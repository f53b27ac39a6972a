#include "service/turn/credential_key.h"

#include "base/error.h"

#include <openssl/evp.h>

#define REST_DIGITS_MAX 15 /* of an expiry; seconds beyond are in no calendar */

int turn_hasher_init(struct turn_hasher *hasher)
{
    *hasher = (struct turn_hasher){
        .md5 = EVP_MD_fetch(NULL, "MD5", NULL),
        .sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL),
        .context = EVP_MD_CTX_new(),
    };
    int status = hasher->context == NULL ? ERR_NO_MEMORY : 0;
    if (hasher->md5 == NULL || hasher->sha256 == NULL)
        status = ERR_UNSUPPORTED;
    if (status < 0)
        turn_hasher_done(hasher);
    return status;
}

void turn_hasher_done(struct turn_hasher *hasher)
{
    EVP_MD_CTX_free(hasher->context);
    EVP_MD_free(hasher->md5);
    EVP_MD_free(hasher->sha256);
    *hasher = (struct turn_hasher){0};
}

/* The parts with colons between them. */
static int digest(struct turn_hasher *hasher, const EVP_MD *md, const struct slice *parts,
                  unsigned count, uint8_t *ret_hash)
{
    bool good = EVP_DigestInit_ex2(hasher->context, md, NULL) == 1;
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            good = good && EVP_DigestUpdate(hasher->context, ":", 1) == 1;
        if (parts[i].len > 0)
            good = good && EVP_DigestUpdate(hasher->context, parts[i].ptr, parts[i].len) == 1;
    }
    return good && EVP_DigestFinal_ex(hasher->context, ret_hash, NULL) == 1 ? 0 : ERR_NO_MEMORY;
}

int turn_key_make(struct turn_hasher *hasher, enum turn_algorithm algorithm, struct slice name,
                  struct slice realm, struct slice password, uint8_t *ret_key)
{
    const struct slice parts[] = {name, realm, password};
    return digest(hasher, algorithm == TURN_MD5 ? hasher->md5 : hasher->sha256, parts, 3, ret_key);
}

int turn_userhash_make(struct turn_hasher *hasher, struct slice name, struct slice realm,
                       uint8_t ret_hash[TURN_USERHASH_SIZE])
{
    const struct slice parts[] = {name, realm};
    return digest(hasher, hasher->sha256, parts, 2, ret_hash);
}

bool turn_rest_parse(struct slice name, uint64_t *ret_expiry_s, struct slice *ret_user)
{
    uint64_t expiry = 0;
    size_t digits = 0;
    while (digits < name.len && name.ptr[digits] >= '0' && name.ptr[digits] <= '9' &&
           digits <= REST_DIGITS_MAX)
        expiry = expiry * 10 + (unsigned)(name.ptr[digits++] - '0');
    if (digits == 0 || digits > REST_DIGITS_MAX || (digits < name.len && name.ptr[digits] != ':'))
        return false;
    *ret_expiry_s = expiry;
    *ret_user = slice_from(name, digits + 1);
    return true;
}

int turn_rest_password(struct stun_integrity *integrity, struct slice secret, struct slice name,
                       char ret_password[TURN_REST_PASSWORD_MAX + 1])
{
    uint8_t mac[STUN_HMAC_MAX];
    int status = stun_integrity_sign(integrity, STUN_HMAC_SHA1, secret, name, SLICE_NULL, mac);
    if (status < 0)
        return status;
    (void)EVP_EncodeBlock((unsigned char *)ret_password, mac, (int)stun_hmac_size(STUN_HMAC_SHA1));
    return 0;
}
