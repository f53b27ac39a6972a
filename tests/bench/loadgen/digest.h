/* The client's half of HTTP digest authentication as SIP uses it: RFC 7616, RFC 8760, qop=auth
 * only. */
#ifndef LOADGEN_DIGEST_H
#define LOADGEN_DIGEST_H

#include "text.h"

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_COUNT };

enum { DIGEST_HEX = 64 };

struct digest_challenge {
    enum digest_algorithm algorithm;
    struct span realm, nonce, opaque; /* opaque.ptr NULL: none was sent */
};

struct digest; /* owned by whoever made it; keeps the OpenSSL objects */

struct digest *digest_new(void);
void digest_free(struct digest *digest);

/* Reads one WWW-Authenticate value; false when it is no Digest challenge with realm, nonce,
 * qop=auth and an algorithm that we know. */
bool digest_challenge_read(struct span value, struct digest_challenge *ret_challenge);

/* Writes the hexadecimal hash of up to 6 parts with ':' between them; returns its length. */
size_t digest_hash(struct digest *digest, enum digest_algorithm algorithm, const struct span *parts,
                   unsigned count, char ret_hex[DIGEST_HEX]);

/* What a request is authorized with. */
struct digest_answer {
    struct span user, method, uri, cnonce;
    struct span ha1; /* hexadecimal */
};

/* Writes an Authorization header line with nc=00000001 (RFC 7616 section 3.4). */
void digest_authorize(struct digest *digest, const struct digest_challenge *challenge,
                      const struct digest_answer *answer, struct text *text);

#endif
