/* WWW-Authenticate and Proxy-Authenticate lines. RFC 3261 sections 20.27, 20.44, 22; RFC 8760. */
#ifndef SIP_AUTH_CHALLENGE_H
#define SIP_AUTH_CHALLENGE_H

#include "sip/auth/digest.h"

struct sip_challenge {
    bool proxy;         /* Proxy-Authenticate (407), else WWW-Authenticate (401) */
    struct slice realm; /* plain text, quoted here */
    struct slice nonce; /* of sip_nonce_write */
    bool stale; /* the credentials were right but for their nonce: no need to ask the user */
    const enum sip_digest_algorithm *algorithms; /* borrowed; most preferred first */
    unsigned algorithm_count;
};

/* One whole line with CRLF per algorithm, in their order (RFC 8760 section 2.3). */
void sip_challenge_write(struct writer *w, const struct sip_challenge *challenge);

#endif
