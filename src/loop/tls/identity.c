#include "loop/tls/identity.h"

#include <openssl/x509v3.h>

#include "base/address.h"
#include "base/ascii.h"

static struct slice text_of(const ASN1_STRING *string)
{
    return slice_of((const char *)ASN1_STRING_get0_data(string),
                    (size_t)ASN1_STRING_length(string));
}

/* "example.com." is the same name written absolutely. */
static struct slice without_dot(struct slice name)
{
    if (name.len > 1 && name.ptr[name.len - 1] == '.')
        name.len--;
    return name;
}

/* RFC 5922 section 7.2: whole names, case ignored, no wildcards. */
static bool same_name(struct slice a, struct slice b)
{
    return a.len > 0 && slice_equal_nocase(without_dot(a), without_dot(b));
}

/* The host of a "sip:" URI without user part. False: no domain identity (RFC 5922 section 7.1 step
 * 1). */
static bool host_of_uri(struct slice uri, struct slice *ret_host)
{
    if (!slice_starts_with_nocase(uri, SLICE("sip:")) || slice_index(uri, '@') < uri.len)
        return false;
    struct slice rest = slice_from(uri, 4);
    if (rest.len > 0 && rest.ptr[0] == '[') {
        size_t end = slice_index(rest, ']');
        *ret_host = slice_of(rest.ptr, end < rest.len ? end + 1 : 0);
        return end < rest.len;
    }
    size_t end = 0;
    while (end < rest.len && slice_index(SLICE(":;?"), rest.ptr[end]) == 3) /* a NUL is no end */
        end++;
    *ret_host = slice_of(rest.ptr, end);
    return end > 0;
}

static bool has_uris(const GENERAL_NAMES *names)
{
    struct slice host;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_URI && host_of_uri(text_of(name->d.uniformResourceIdentifier), &host))
            return true;
    }
    return false;
}

static bool uri_proves(const GENERAL_NAME *name, struct slice domain)
{
    struct slice host;
    return name->type == GEN_URI &&
           host_of_uri(text_of(name->d.uniformResourceIdentifier), &host) &&
           same_name(host, domain);
}

/* RFC 5922 section 7.1 step 1: dNSName counts only when there is no sip URI. */
static bool names_prove(const GENERAL_NAMES *names, struct slice domain)
{
    bool uris = has_uris(names);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (uris ? uri_proves(name, domain)
                 : name->type == GEN_DNS && same_name(text_of(name->d.dNSName), domain))
            return true;
    }
    return false;
}

static bool address_proves(const GENERAL_NAME *name, const struct address *address)
{
    struct slice host;
    struct address proven;
    if (name->type == GEN_URI)
        return host_of_uri(text_of(name->d.uniformResourceIdentifier), &host) &&
               address_parse_host(host, 0, &proven) == 0 && address_equal_host(&proven, address);
    if (name->type != GEN_IPADD)
        return false;
    struct slice bytes = text_of(name->d.iPAddress);
    struct slice wanted = address_is_v6(address)
                              ? slice_of((const char *)&address->in6.sin6_addr, 16)
                              : slice_of((const char *)&address->in4.sin_addr, 4);
    return slice_equal(bytes, wanted);
}

static bool addresses_prove(const GENERAL_NAMES *names, const struct address *address)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (address_proves(sk_GENERAL_NAME_value(names, i), address))
            return true;
    }
    return false;
}

static bool is_dns_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = ascii_lower((unsigned char)name.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
            slice_index(SLICE("-._"), (char)c) == 3)
            return false;
    }
    return name.len > 0;
}

/* RFC 5922 section 7.1 step 2: only where there is no subjectAltName at all. The last is the most
 * specific one. */
static bool common_name_proves(const X509 *certificate, struct slice domain)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int last = -1;
    for (int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); i >= 0;
         i = X509_NAME_get_index_by_NID(subject, NID_commonName, i))
        last = i;
    if (last < 0)
        return false;
    struct slice name = text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
    return is_dns_name(name) && same_name(name, domain);
}

bool tls_identity_proves(const X509 *certificate, struct slice domain)
{
    struct address address;
    bool numeric = address_parse_host(domain, 0, &address) == 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    if (names == NULL) {
        bool broken = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0;
        return !broken && !numeric && common_name_proves(certificate, domain);
    }
    bool proven = numeric ? addresses_prove(names, &address) : names_prove(names, domain);
    GENERAL_NAMES_free(names);
    return proven;
}
