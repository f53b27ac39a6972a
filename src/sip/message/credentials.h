/* Challenges and credentials: WWW-Authenticate, Proxy-Authenticate, Authorization,
 * Proxy-Authorization, Authentication-Info. RFC 3261 section 25.1, RFC 7616, RFC 8760. */
#ifndef SIP_MESSAGE_CREDENTIALS_H
#define SIP_MESSAGE_CREDENTIALS_H

#include "sip/message/param.h"

/* String fields are without their quotes but with backslashes as sent. Empty when absent. */
struct sip_credentials {
    struct slice scheme; /* "Digest" */
    struct slice username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc,
        userhash;
    struct slice domain, stale; /* challenges only */
    struct slice params;        /* all after the scheme, as sent */
    bool digest;                /* scheme is Digest */
};

/* One header line's value. Unknown schemes parse with digest false. A parameter given twice:
 * ERR_SYNTAX. */
int sip_credentials_parse(struct slice value, struct sip_credentials *ret_credentials);

#endif
