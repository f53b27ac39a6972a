/* As much of STUN and TURN as a client needs (RFC 8489, RFC 8656), written for the generator alone.
 */
#ifndef TURNLOAD_STUN_H
#define TURNLOAD_STUN_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STUN_BINDING = 0x0001,
    STUN_ALLOCATE = 0x0003,
    STUN_REFRESH = 0x0004,
    STUN_SEND = 0x0016,
    STUN_DATA = 0x0017,
    STUN_CREATE_PERMISSION = 0x0008,
    STUN_CHANNEL_BIND = 0x0009,
    STUN_SUCCESS = 0x0100,
    STUN_ERROR = 0x0110,
    STUN_COOKIE = 0x2112a442
};

struct stun_out {
    uint8_t *at;
    size_t length;
};

struct stun_credentials {
    const char *user, *password;
    char realm[256];
    char nonce[256];
    uint8_t key[16]; /* MD5 of user:realm:password */
};

void stun_begin(struct stun_out *out, void *buffer, uint16_t type, const uint8_t id[12]);
void stun_add(struct stun_out *out, uint16_t type, const void *value, size_t length);
/* XORed (IPv4). */
void stun_add_address(struct stun_out *out, uint16_t type, uint32_t host, uint16_t port);
/* USERNAME, REALM, NONCE, MESSAGE-INTEGRITY. */
void stun_sign(struct stun_out *out, const struct stun_credentials *credentials);
void stun_make_key(struct stun_credentials *credentials);

/* A value's place, NULL when there is none. */
const uint8_t *stun_find(const void *message, size_t length, uint16_t type, size_t *ret_length);
/* XORed (IPv4); 0 when there is none. */
int stun_find_address(const void *message, size_t length, uint16_t type, struct sockaddr_in *ret);
uint16_t stun_u16(const void *at);
uint32_t stun_u32(const void *at);
void stun_put16(void *at, uint16_t value);
void stun_put32(void *at, uint32_t value);

#endif
