#include "stun.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint16_t stun_u16(const void *at)
{
    const uint8_t *b = at;
    return (uint16_t)(b[0] << 8 | b[1]);
}

uint32_t stun_u32(const void *at)
{
    const uint8_t *b = at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

void stun_put16(void *at, uint16_t value)
{
    uint8_t *b = at;
    b[0] = (uint8_t)(value >> 8);
    b[1] = (uint8_t)value;
}

void stun_put32(void *at, uint32_t value)
{
    stun_put16(at, (uint16_t)(value >> 16));
    stun_put16((uint8_t *)at + 2, (uint16_t)value);
}

void stun_begin(struct stun_out *out, void *buffer, uint16_t type, const uint8_t id[12])
{
    *out = (struct stun_out){buffer, 20};
    stun_put16(out->at, type);
    stun_put16(out->at + 2, 0);
    stun_put32(out->at + 4, STUN_COOKIE);
    memcpy(out->at + 8, id, 12);
}

void stun_add(struct stun_out *out, uint16_t type, const void *value, size_t length)
{
    uint8_t *at = out->at + out->length;
    size_t padded = (length + 3) & ~(size_t)3;
    stun_put16(at, type);
    stun_put16(at + 2, (uint16_t)length);
    memset(at + 4, 0, padded);
    if (length > 0)
        memcpy(at + 4, value, length);
    out->length += 4 + padded;
    stun_put16(out->at + 2, (uint16_t)(out->length - 20));
}

void stun_add_address(struct stun_out *out, uint16_t type, uint32_t host, uint16_t port)
{
    uint8_t value[8] = {0, 1};
    stun_put16(value + 2, port ^ (STUN_COOKIE >> 16));
    stun_put32(value + 4, host ^ STUN_COOKIE);
    stun_add(out, type, value, sizeof value);
}

void stun_make_key(struct stun_credentials *credentials)
{
    char text[1024];
    int length = snprintf(text, sizeof text, "%s:%s:%s", credentials->user, credentials->realm,
                          credentials->password);
    unsigned size = sizeof credentials->key;
    if (length < 0 || (size_t)length >= sizeof text ||
        EVP_Digest(text, (size_t)length, credentials->key, &size, EVP_md5(), NULL) != 1)
        abort();
}

void stun_sign(struct stun_out *out, const struct stun_credentials *credentials)
{
    uint8_t mac[20];
    unsigned size = sizeof mac;
    stun_add(out, 0x0006, credentials->user, strlen(credentials->user));
    stun_add(out, 0x0014, credentials->realm, strlen(credentials->realm));
    stun_add(out, 0x0015, credentials->nonce, strlen(credentials->nonce));
    stun_put16(out->at + 2, (uint16_t)(out->length - 20 + 24));
    HMAC(EVP_sha1(), credentials->key, sizeof credentials->key, out->at, out->length, mac, &size);
    stun_add(out, 0x0008, mac, sizeof mac);
}

const uint8_t *stun_find(const void *message, size_t length, uint16_t type, size_t *ret_length)
{
    const uint8_t *start = message;
    for (size_t at = 20; at + 4 <= length;) {
        size_t size = stun_u16(start + at + 2);
        if (at + 4 + size > length)
            return NULL;
        if (stun_u16(start + at) == type) {
            *ret_length = size;
            return start + at + 4;
        }
        at += 4 + ((size + 3) & ~(size_t)3);
    }
    return NULL;
}

int stun_find_address(const void *message, size_t length, uint16_t type, struct sockaddr_in *ret)
{
    size_t size;
    const uint8_t *value = stun_find(message, length, type, &size);
    if (!value || size != 8 || value[1] != 1)
        return 0;
    *ret = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(stun_u16(value + 2) ^ (STUN_COOKIE >> 16)),
        .sin_addr.s_addr = htonl(stun_u32(value + 4) ^ STUN_COOKIE),
    };
    return 1;
}
