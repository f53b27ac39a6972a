/* Comparison of URIs. RFC 3261 section 19.1.4, RFC 5954 section 4.2. */
#include "base/address.h"
#include "sip/message/uri.h"
#include "sip/message/uri_part.h"

/* RFC 5954 section 4.2: addresses are compared as numbers, names as text without case. */
static bool hosts_equal(struct slice a, struct slice b)
{
    if (slice_equal_nocase(a, b)) {
        return true;
    }
    struct address x, y;
    return address_parse_host(a, 0, &x) == 0 && address_parse_host(b, 0, &y) == 0 &&
           address_equal_host(&x, &y);
}

/* Parameters that may not be in one URI only: user, ttl, method, maddr by the rules of section
 * 19.1.4, transport by its examples. */
static bool never_ignored(struct slice name)
{
    return sip_escaped_equal_nocase(name, SLICE("transport")) ||
           sip_escaped_equal_nocase(name, SLICE("user")) ||
           sip_escaped_equal_nocase(name, SLICE("maddr")) ||
           sip_escaped_equal_nocase(name, SLICE("method")) ||
           sip_escaped_equal_nocase(name, SLICE("ttl"));
}

static bool find_param(struct slice params, struct slice name, struct sip_uri_part *ret_part)
{
    struct sip_uri_part part;
    while (sip_uri_param_next(&params, &part)) {
        if (sip_escaped_equal_nocase(part.name, name)) {
            *ret_part = part;
            return true;
        }
    }
    return false;
}

/* "Any uri-parameter appearing in both URIs must match." */
static bool params_fit(struct slice a, struct slice b)
{
    struct sip_uri_part mine, other;
    while (sip_uri_param_next(&a, &mine)) {
        if (!find_param(b, mine.name, &other)) {
            if (never_ignored(mine.name)) {
                return false;
            }
        } else if (mine.has_value != other.has_value ||
                   !sip_escaped_equal_nocase(mine.value, other.value)) {
            return false;
        }
    }
    return true;
}

/* Takes the header equal to wanted out of those not yet taken; false when there is none. */
static bool take_header(struct slice headers, const struct sip_uri_part *wanted, uint64_t *taken)
{
    struct sip_uri_part part;
    for (unsigned i = 0; sip_uri_header_next(&headers, &part); i++) {
        uint64_t bit = UINT64_C(1) << i;
        if (!(*taken & bit) && sip_escaped_equal_nocase(part.name, wanted->name) &&
            sip_escaped_equal_nocase(part.value, wanted->value)) {
            *taken |= bit;
            return true;
        }
    }
    return false;
}

static unsigned count_headers(struct slice headers)
{
    struct sip_uri_part part;
    unsigned count = 0;
    while (sip_uri_header_next(&headers, &part)) {
        count++;
    }
    return count;
}

/* "URI header components are never ignored"; their order does not matter. */
static bool headers_equal(struct slice a, struct slice b)
{
    if (count_headers(a) != count_headers(b)) {
        return false;
    }
    uint64_t taken = 0;
    struct sip_uri_part part;
    while (sip_uri_header_next(&a, &part)) {
        if (!take_header(b, &part, &taken)) {
            return false;
        }
    }
    return true;
}

static bool sip_equal(const struct sip_uri *a, const struct sip_uri *b)
{
    return a->has_user == b->has_user && a->port == b->port &&
           (a->password.ptr != NULL) == (b->password.ptr != NULL) &&
           sip_escaped_equal(a->user, b->user) && sip_escaped_equal(a->password, b->password) &&
           hosts_equal(a->host, b->host) && params_fit(a->params, b->params) &&
           params_fit(b->params, a->params) && headers_equal(a->headers, b->headers);
}

bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b)
{
    if (a->scheme != b->scheme) {
        return false; /* "A SIP and SIPS URI are never equivalent." */
    }
    switch (a->scheme) {
    case SIP_URI_SIP:
    case SIP_URI_SIPS: return sip_equal(a, b);
    case SIP_URI_TEL: return sip_tel_equal(a, b);
    case SIP_URI_OTHER: break;
    }
    return slice_equal(a->raw, b->raw);
}
