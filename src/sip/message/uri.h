/* SIP, SIPS and tel URIs, others by scheme only. RFC 3261 sections 19.1, 25.1; RFC 3966; RFC 5954
 * (IPv6). */
#ifndef SIP_MESSAGE_URI_H
#define SIP_MESSAGE_URI_H

#include "base/hash.h"
#include "base/slice.h"
#include "base/writer.h"

#define SIP_URI_PARTS_MAX 64 /* parameters, and headers, of one URI */

enum sip_uri_scheme { SIP_URI_SIP, SIP_URI_SIPS, SIP_URI_TEL, SIP_URI_OTHER };

struct sip_uri {
    enum sip_uri_scheme scheme;
    struct slice raw; /* the whole URI */
    struct slice scheme_name;
    struct slice user; /* still escaped; tel: the number without parameters; other schemes: all
                          after the colon */
    struct slice
        password;         /* still escaped; ptr is NULL when there is none, not even an empty one */
    struct slice host;    /* IPv6 with its brackets */
    struct slice params;  /* from the first ';' to '?' or the end; for sip and sips, ptr is where
                             they are or would stand */
    struct slice headers; /* after '?', empty when none */
    uint16_t port;        /* 0 when not given */
    bool has_user;        /* an '@' was there */
    bool lr;              /* loose-router parameter (RFC 3261 section 19.1.1) */
    bool user_phone;      /* user=phone */
    struct slice transport; /* value of transport=, else empty */
    struct slice maddr;     /* value of maddr=, else empty */
};

/* The whole slice must be one URI. Errors: ERR_SYNTAX, ERR_RANGE (port), ERR_LIMIT (over
 * SIP_URI_PARTS_MAX). Unknown schemes are taken as they are when their characters are legal. Beyond
 * the grammar, as it is seen: '#' in a user, '_' in a host, a local tel number without
 * phone-context. A parameter given twice with different values is ERR_SYNTAX. */
int sip_uri_parse(struct slice text, struct sip_uri *ret_uri);

/* RFC 3261 section 19.1.4, or RFC 3966 section 4 for tel; other schemes compare byte for byte. */
bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b);

/* A parameter by name (case ignored); its value is still escaped, empty when it has none. */
bool sip_uri_param(const struct sip_uri *uri, struct slice name, struct slice *ret_value);

/* Undoes %XX once; an escaped NUL stays a NUL byte (RFC 4475 section 3.1.1.4). */
void sip_unescape_write(struct writer *w, struct slice escaped);

/* The canonical address-of-record of RFC 3261 section 10.3 step 5: scheme and host in lower case,
 * user unescaped and then escaped only where needed, no password, no parameters, no headers, no
 * port unless one was given other than the default: "sip:user@host". sips counts as sip. Errors:
 * ERR_UNSUPPORTED (not sip, sips), ERR_LIMIT. */
int sip_uri_write_aor(struct writer *w, const struct sip_uri *uri);
/* user part in its canonical escaping only. */
void sip_uri_write_user(struct writer *w, struct slice escaped_user);

/* The URI as a Request-URI may hold it (RFC 3261 sections 16.5, 19.1.1 table 1): without headers
 * and without method parameter. */
void sip_uri_write_request(struct writer *w, const struct sip_uri *uri);

/* The same without maddr, port and transport: what is left of a URI whose maddr names this very
 * proxy (16.4). sip and sips only. */
void sip_uri_write_reached(struct writer *w, const struct sip_uri *uri);

/* A text that is the same only for URIs that are equal (19.1.4), for use as a key. A parameter that
 * only one of two equal URIs has makes their keys differ: then sip_uri_equal tells. */
void sip_uri_write_key(struct writer *w, const struct sip_uri *uri);

#endif
