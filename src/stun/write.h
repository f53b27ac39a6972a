/* STUN messages as they go. Write all, check once at the end: errors are sticky. */
#ifndef STUN_WRITE_H
#define STUN_WRITE_H

#include "stun/integrity.h"
#include "stun/message.h"

struct stun_writer {
    uint8_t *start; /* borrowed */
    size_t length;  /* written so far */
    size_t size;
    bool overflow;
};

/* id: STUN_ID_SIZE bytes: cookie and transaction ID, or 128 bits of RFC 3489. */
void stun_write_begin(struct stun_writer *w, void *buffer, size_t size, uint16_t type,
                      const void *id);
/* A response to request: its method and ID. */
void stun_write_response(struct stun_writer *w, void *buffer, size_t size,
                         const struct stun_message *request, enum stun_class class);
/* Padding is zero (RFC 8489 section 14). */
void stun_write(struct stun_writer *w, enum stun_attribute attribute, struct slice value);
void stun_write_u32(struct stun_writer *w, enum stun_attribute attribute, uint32_t value);
/* XORed where the attribute's name begins with XOR. */
void stun_write_address(struct stun_writer *w, enum stun_attribute attribute,
                        const struct address *address);
/* RFC 8489 section 14.8. */
void stun_write_error(struct stun_writer *w, unsigned code, struct slice reason);
/* RFC 8489 section 14.13. */
void stun_write_unknown(struct stun_writer *w, const uint16_t *types, size_t count);
/* MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 over all that was written (sections 14.5, 14.6).
 * Failures of the library count as overflow. */
void stun_write_integrity(struct stun_writer *w, struct stun_integrity *integrity,
                          enum stun_hmac hmac, struct slice key);
/* Section 14.7; nothing may follow. */
void stun_write_fingerprint(struct stun_writer *w);
/* The whole message, or empty when it did not fit. */
struct slice stun_write_end(struct stun_writer *w);

#endif
