/* Challenges and credentials: WWW-Authenticate, Proxy-Authenticate, Authorization,
 * Proxy-Authorization, Authentication-Info. RFC 3261 section 25.1, RFC 7616, RFC 8760. */
#ifndef SIP_MESSAGE_CREDENTIALS_H
#define SIP_MESSAGE_CREDENTIALS_H

#include "sip/message/param.h"

/* String fields are without their quotes but with backslashes as sent. ptr is NULL when absent. */
struct sip_credentials {
    struct slice scheme; /* "Digest" */
    struct slice username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc,
        userhash;
    struct slice domain, stale; /* challenges only */
    struct slice params;        /* all after the scheme, as sent */
    bool digest;                /* scheme is Digest */
};

/* One header line's value. Unknown schemes parse with digest false and params unread. Any parameter
 * may come quoted or not. One of the fields above given twice: ERR_SYNTAX. */
int sip_credentials_parse(struct slice value, struct sip_credentials *ret_credentials);
/* The same value again: fields that are present, in a fixed order, quoted where RFC 3261 section
 * 25.1 and RFC 7616 section 3.4 ask for it; params as they are when digest is false. */
void sip_credentials_write(struct writer *w, const struct sip_credentials *credentials);

/* Authentication-Info (RFC 3261 section 20.6, RFC 7616 section 3.5). As above. */
struct sip_authentication_info {
    struct slice nextnonce, rspauth, cnonce, qop, nc;
};

/* ERR_SYNTAX. */
int sip_authentication_info_parse(struct slice value, struct sip_authentication_info *ret_info);
void sip_authentication_info_write(struct writer *w, const struct sip_authentication_info *info);

#endif
