/* Digest credentials as a phone makes them (RFC 7616, RFC 8760). */
#ifndef SIM_PHONE_DIGEST_H
#define SIM_PHONE_DIGEST_H

#include "base/slice.h"
#include "base/writer.h"

/* What a phone remembers of a challenge. */
struct digest_challenge {
    bool known;
    bool sha256;
    bool stale;
    char realm[128];
    char nonce[160];
    char opaque[128];
    uint32_t nc; /* used so far */
};

/* Takes the first challenge that it can answer of a WWW- or Proxy-Authenticate value. False: none.
 */
bool digest_read(struct slice value, struct digest_challenge *challenge);

struct digest_credentials {
    const char *header; /* "Authorization" or "Proxy-Authorization" */
    const char *user;
    const char *password;
    struct slice method;
    struct slice uri;
    bool no_qop; /* as RFC 2069 has it */
};

/* A whole header line with the next nonce count. */
void digest_write(struct writer *w, struct digest_challenge *challenge,
                  const struct digest_credentials *credentials);

#endif
