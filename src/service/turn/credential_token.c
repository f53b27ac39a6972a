#include "service/turn/credential_token.h"

#include "base/base64.h"
#include "base/error.h"
#include "stun/bytes.h"

#include <openssl/evp.h>

#define NONCE_SIZE 12 /* RFC 5116 section 5.1 */
#define TAG_SIZE   16
#define TAIL_SIZE  12 /* timestamp and lifetime */
#define BLOCK_MAX  (2 + TURN_TOKEN_MAC_MAX + TAIL_SIZE)
#define TOKEN_MAX  (2 + NONCE_SIZE + BLOCK_MAX + TAG_SIZE)
#define FRACTIONS  64000 /* of a second in the low 16 bits of a timestamp */

/* Standard base64 with its padding, or that for URLs. */
static int decode_base64(struct slice text, void *buf, size_t size, size_t *ret_len)
{
    char url[BASE64URL_LENGTH(TOKEN_MAX) + 1];
    while (text.len > 0 && text.ptr[text.len - 1] == '=')
        text.len--;
    if (text.len > sizeof url)
        return ERR_LIMIT;
    for (size_t i = 0; i < text.len; i++)
        url[i] = (char)(text.ptr[i] == '+' ? '-' : text.ptr[i] == '/' ? '_' : text.ptr[i]);
    return base64url_parse(slice_of(url, text.len), buf, size, ret_len);
}

int turn_token_key_parse(struct slice text, struct turn_token_key *ret_key)
{
    struct turn_token_key key = {0};
    struct slice rest = text;
    size_t length;
    key.kid = slice_cut(&rest, ':');
    struct slice algorithm = slice_cut(&rest, ':');
    key.aes256 = slice_equal(algorithm, SLICE("A256GCM"));
    if (key.kid.len == 0 || key.kid.len > TURN_TOKEN_KID_MAX ||
        !(key.aes256 || slice_equal(algorithm, SLICE("A128GCM"))) ||
        decode_base64(rest, key.key, sizeof key.key, &length) < 0 ||
        length != (key.aes256 ? 32u : 16u))
        return ERR_SYNTAX;
    *ret_key = key;
    return 0;
}

int turn_token_opener_init(struct turn_token_opener *opener)
{
    *opener = (struct turn_token_opener){
        .aes128 = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL),
        .aes256 = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL),
        .context = EVP_CIPHER_CTX_new(),
    };
    int status = opener->context == NULL ? ERR_NO_MEMORY : 0;
    if (opener->aes128 == NULL || opener->aes256 == NULL)
        status = ERR_UNSUPPORTED;
    if (status < 0)
        turn_token_opener_done(opener);
    return status;
}

void turn_token_opener_done(struct turn_token_opener *opener)
{
    EVP_CIPHER_CTX_free(opener->context);
    EVP_CIPHER_free(opener->aes128);
    EVP_CIPHER_free(opener->aes256);
    *opener = (struct turn_token_opener){0};
}

/* RFC 5116 section 5.1: the ciphertext ends with the tag. Returns the length, or an error. */
static int decrypt(struct turn_token_opener *opener, const struct turn_token_key *key,
                   const uint8_t *nonce, struct slice name, struct slice sealed, uint8_t *ret_block)
{
    EVP_CIPHER_CTX *c = opener->context;
    const EVP_CIPHER *cipher = key->aes256 ? opener->aes256 : opener->aes128;
    uint8_t tag[TAG_SIZE];
    int length = (int)(sealed.len - TAG_SIZE), part = 0;
    memcpy(tag, sealed.ptr + length, TAG_SIZE);
    if (EVP_DecryptInit_ex2(c, cipher, key->key, nonce, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) != 1 ||
        EVP_DecryptUpdate(c, NULL, &part, (const unsigned char *)name.ptr, (int)name.len) != 1 ||
        EVP_DecryptUpdate(c, ret_block, &part, (const unsigned char *)sealed.ptr, length) != 1)
        return ERR_NO_MEMORY;
    return EVP_DecryptFinal_ex(c, ret_block + part, &part) == 1 ? length : ERR_DENIED;
}

/* 48 bits of seconds, 16 bits of 1/64000 seconds. */
static uint64_t timestamp_ms(const uint8_t *at)
{
    uint64_t value = (uint64_t)bytes_get32(at) << 32 | bytes_get32(at + 4);
    return (value >> 16) * 1000 + (value & 0xffff) * 1000 / FRACTIONS;
}

/* Section 7: lifetime + Delta > abs(RDnew - TS). */
static int read_block(const uint8_t *block, size_t length, uint64_t now_ms,
                      struct turn_token *ret_token)
{
    size_t key_len = length < 2 ? 0 : bytes_get16(block);
    if (key_len == 0 || key_len > TURN_TOKEN_MAC_MAX || length != 2 + key_len + TAIL_SIZE)
        return ERR_DENIED;
    const uint8_t *tail = block + 2 + key_len;
    uint64_t issued_ms = timestamp_ms(tail);
    uint64_t window_ms = ((uint64_t)bytes_get32(tail + 8) + TURN_TOKEN_DELTA_S) * 1000;
    uint64_t away_ms = now_ms > issued_ms ? now_ms - issued_ms : issued_ms - now_ms;
    if (window_ms <= away_ms)
        return ERR_STALE;
    struct turn_token token = {.key_len = (uint8_t)key_len,
                               .until_ms = now_ms + window_ms - away_ms};
    memcpy(token.key, block + 2, key_len);
    *ret_token = token;
    return 0;
}

int turn_token_open(struct turn_token_opener *opener, const struct turn_token_key *key,
                    struct slice server_name, struct slice token, uint64_t now_ms,
                    struct turn_token *ret_token)
{
    uint8_t raw[TOKEN_MAX], block[BLOCK_MAX];
    /* A token begins with the length of a nonce, so with a zero byte; base64 never does. */
    if (token.len > 0 && token.ptr[0] != '\0') {
        size_t length;
        if (decode_base64(token, raw, sizeof raw, &length) < 0)
            return ERR_DENIED;
        token = slice_of((const char *)raw, length);
    }
    if (token.len < 2 + NONCE_SIZE + TAG_SIZE || token.len > TOKEN_MAX ||
        bytes_get16(token.ptr) != NONCE_SIZE)
        return ERR_DENIED;
    const uint8_t *nonce = (const uint8_t *)token.ptr + 2;
    int length = decrypt(opener, key, nonce, server_name, slice_from(token, 2 + NONCE_SIZE), block);
    return length < 0 ? length : read_block(block, (size_t)length, now_ms, ret_token);
}
