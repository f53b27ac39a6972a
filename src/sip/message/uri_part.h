/* What the URI files share: the walk over parameters and headers that uri_parse.c has checked, and
 * comparison under escaping. Inside src/sip/message only. */
#ifndef SIP_MESSAGE_URI_PART_H
#define SIP_MESSAGE_URI_PART_H

#include "base/writer.h"
#include "sip/message/uri.h"

struct sip_uri_part {
    struct slice name;
    struct slice value; /* still escaped */
    bool has_value;
};

/* Cuts the next ";name=value" (or "name=value" before '&', for headers) off *rest; false at the
 * end. */
bool sip_uri_param_next(struct slice *rest, struct sip_uri_part *ret_part);
bool sip_uri_header_next(struct slice *rest, struct sip_uri_part *ret_part);

/* RFC 3261 section 19.1.4: %XX equals the character it stands for unless that is reserved. */
bool sip_escaped_equal(struct slice a, struct slice b);
/* The same, case ignored. */
bool sip_escaped_equal_nocase(struct slice a, struct slice b);

/* Checks one host: name, IPv4 address, or IPv6 address in brackets (RFC 3261 section 25.1, RFC
 * 5954). ERR_SYNTAX. */
int sip_host_check(struct slice host);

/* tel.c: text is what follows "tel:". Sets user, params. RFC 3966 section 3. ERR_SYNTAX, ERR_LIMIT.
 */
int sip_tel_parse(struct slice text, struct sip_uri *uri);
/* RFC 3966 section 4. */
bool sip_tel_equal(const struct sip_uri *a, const struct sip_uri *b);

#endif
