/* name-addr / addr-spec with header parameters: From, To, Contact, Route, Record-Route, Path,
 * Refer-To ... RFC 3261 sections 20.10, 20.20, 20.30, 20.34, 20.39, 25.1. */
#ifndef SIP_MESSAGE_ADDRESS_H
#define SIP_MESSAGE_ADDRESS_H

#include "sip/message/param.h"
#include "sip/message/uri.h"

struct sip_address {
    struct slice display; /* as sent, quotes included; empty when none */
    struct slice uri;     /* between < and >, or the bare addr-spec */
    struct slice params;  /* header parameters, from their first ';' */
    struct slice tag;     /* of the tag parameter (RFC 3261 section 19.3); empty when absent */
    bool brackets;        /* name-addr form */
    bool star;            /* Contact: * (RFC 3261 section 10.2.2) */
    bool bad_tag;         /* a tag parameter has no value, or there is a second one */
};

/* One value (no comma list). A bare addr-spec ends at ';' '?' ',' as section 20 says: a '?' in it
 * is an error (RFC 4475 3.1.2.13). The URI itself is not parsed. star only when allow_star. Errors:
 * ERR_SYNTAX. */
int sip_address_parse(struct slice value, bool allow_star, struct sip_address *ret_address);

/* In name-addr form, which is right for every URI; "*" for star. */
void sip_address_write(struct writer *w, const struct sip_address *address);

/* Contact parameters (RFC 3261 section 10.2.1; RFC 5626 section 4.1). */
struct sip_contact {
    struct sip_address address;
    struct sip_uri uri;
    uint16_t q; /* thousandths, 1000 when absent */
    bool has_expires;
    uint32_t expires; /* seconds; malformed or over 2^32-1 counts as 3600 (section 10.2.1.1), with
                         has_expires set */
    struct slice instance; /* +sip.instance without its quotes, else empty */
    uint32_t reg_id;       /* 0 when absent */
};

/* "*" is taken: then only address.star is set and uri is empty. Errors: those of sip_uri_parse,
 * ERR_SYNTAX also for a bad q or reg-id. */
int sip_contact_parse(struct slice value, struct sip_contact *ret_contact);

/* "0.5" to 500: RFC 3261 qvalue. ERR_SYNTAX. */
int sip_qvalue_parse(struct slice text, uint16_t *ret_q);
void sip_qvalue_write(struct writer *w, uint16_t q);

#endif
