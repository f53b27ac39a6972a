#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509v3.h>

#include "loop/tls/identity.h"
#include "unit/loop/tls/certificates.h"
#include <cmocka.h>

struct row {
    const char *subject;
    const char *names;
    const char *domain;
    bool proven;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct certificate c = certificate_make(
            &(struct certificate_wish){.subject = rows[i].subject, .names = rows[i].names});
        if (tls_identity_proves(c.x509, slice_from_string(rows[i].domain)) != rows[i].proven)
            fail_msg("row %zu: %s with %s for %s", i, rows[i].names, rows[i].subject,
                     rows[i].domain);
        certificate_free(&c);
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

/* RFC 5922 section 7.1 step 1 */
static void a_sip_uri_without_user_is_an_identity(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {NULL, "URI:sip:example.com", "example.com", true},
        {NULL, "URI:SIP:example.com", "example.com", true},
        {NULL, "URI:sip:example.com:5061;transport=tls", "example.com", true},
        {NULL, "URI:sip:example.org,URI:sip:example.com", "example.com", true},
        {NULL, "URI:sip:alice@example.com", "example.com", false},
        {NULL, "URI:sips:example.com", "example.com", false},
        {NULL, "URI:https://example.com", "example.com", false},
        {NULL, "URI:im:example.com", "example.com", false},
        {NULL, "email:example@example.com", "example.com", false},
    };
    CHECK(rows);
}

/* RFC 5922 section 7.1 step 1 */
static void a_dns_name_counts_where_there_is_no_sip_uri(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {NULL, "DNS:example.com", "example.com", true},
        {NULL, "DNS:example.org,DNS:example.com", "example.com", true},
        {NULL, "URI:sip:example.org,DNS:example.com", "example.com", false},
        {NULL, "URI:sip:example.org,DNS:example.com", "example.org", true},
        /* These are no such URIs. */
        {NULL, "URI:sip:alice@example.org,DNS:example.com", "example.com", true},
        {NULL, "URI:https://example.org,DNS:example.com", "example.com", true},
    };
    CHECK(rows);
}

/* RFC 5922 section 7.1 step 2 */
static void the_common_name_counts_where_there_is_no_alternative_name(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"example.com", NULL, "example.com", true},
        {"Example Company", NULL, "example.com", false},
        {"example.com", "DNS:example.org", "example.com", false},
        {"example.com", "URI:https://example.org", "example.com", false},
        {"example.com", "IP:192.0.2.1", "example.com", false},
        {"192.0.2.1", NULL, "192.0.2.1", false},
        {NULL, NULL, "example.com", false},
    };
    CHECK(rows);
}

/* RFC 5922 section 7.2 */
static void names_are_compared_whole_and_without_case(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {NULL, "DNS:EXAMPLE.com", "example.COM", true},
        {NULL, "DNS:example.com", "example.com.", true},
        {NULL, "DNS:example.com", "sip.example.com", false},
        {NULL, "DNS:sip.example.com", "example.com", false},
        {NULL, "DNS:example.com", "example.co", false},
        {NULL, "DNS:example.com", "", false},
        {NULL, "DNS:*.example.com", "sip.example.com", false},
        {NULL, "DNS:*.example.com", "*.example.com", true},
        {NULL, "DNS:.example.com", "sip.example.com", false},
        {NULL, "URI:sip:*.example.com", "sip.example.com", false},
        {"*.example.com", NULL, "sip.example.com", false},
        {NULL, "DNS:xn--bcher-kva.example", "XN--bcher-kva.example", true},
    };
    CHECK(rows);
}

static void a_numeric_address_is_proven_by_an_address(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {NULL, "IP:192.0.2.1", "192.0.2.1", true},
        {NULL, "IP:192.0.2.2", "192.0.2.1", false},
        {NULL, "IP:2001:db8::1", "[2001:0db8::1]", true},
        {NULL, "IP:2001:db8::1", "2001:db8::1", true},
        {NULL, "IP:2001:db8::1", "192.0.2.1", false},
        {NULL, "URI:sip:192.0.2.1", "192.0.2.1", true},
        {NULL, "URI:sip:[2001:db8::1]:5061", "[2001:db8::1]", true},
        {NULL, "DNS:192.0.2.1", "192.0.2.1", false},
        {NULL, "IP:192.0.2.1", "example.com", false},
        {NULL, "URI:sip:example.com,IP:192.0.2.1", "192.0.2.1", true},
    };
    CHECK(rows);
}

static void put_names(X509 *x509, GENERAL_NAMES *names)
{
    assert_int_equal(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE),
                     1);
    GENERAL_NAMES_free(names);
}

static GENERAL_NAMES *one_name(int type, const char *text, int length)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    assert_true(names != NULL && name != NULL && string != NULL);
    assert_int_equal(ASN1_STRING_set(string, text, length), 1);
    GENERAL_NAME_set0_value(name, type, string);
    sk_GENERAL_NAME_push(names, name);
    return names;
}

static void a_nul_ends_no_name(void **state)
{
    (void)state;
    static const struct {
        int type;
        const char *text;
        int length;
    } rows[] = {
        {GEN_DNS, "example.com\0.evil.example", 25},
        {GEN_URI, "sip:example.com\0.evil.example", 29},
        {GEN_URI, "sip:\0example.com", 16},
        {GEN_URI, "sip:", 4},
        {GEN_URI, "sip:[", 5},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct certificate c = certificate_make(&(struct certificate_wish){.subject = "x"});
        put_names(c.x509, one_name(rows[i].type, rows[i].text, rows[i].length));
        assert_false(tls_identity_proves(c.x509, SLICE("example.com")));
        certificate_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sip_uri_without_user_is_an_identity),
        cmocka_unit_test(a_dns_name_counts_where_there_is_no_sip_uri),
        cmocka_unit_test(the_common_name_counts_where_there_is_no_alternative_name),
        cmocka_unit_test(names_are_compared_whole_and_without_case),
        cmocka_unit_test(a_numeric_address_is_proven_by_an_address),
        cmocka_unit_test(a_nul_ends_no_name),
    };
    return cmocka_run_group_tests_name("tls identity", tests, NULL, NULL);
}
