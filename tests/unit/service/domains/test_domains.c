#include "base/error.h"
#include "service/domains/domains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct domains *make(const char *first, const char *second)
{
    struct slice names[2] = {slice_from_string(first), slice_from_string(second)};
    struct address addresses[2];
    struct domains *domains = NULL;
    assert_int_equal(address_parse(SLICE("192.0.2.1:5060"), &addresses[0]), 0);
    assert_int_equal(address_parse(SLICE("[::1]:5070"), &addresses[1]), 0);
    size_t count = first ? (second ? 2 : 1) : 0;
    assert_int_equal(domains_new(names, count, addresses, 2, &domains), 0);
    return domains;
}

static bool self(const struct domains *domains, const char *text)
{
    struct sip_uri uri;
    assert_int_equal(sip_uri_parse(slice_from_string(text), &uri), 0);
    return domains_is_self(domains, &uri);
}

static int aor(const struct domains *domains, const char *text, const char *expected)
{
    struct sip_uri uri;
    char buf[256];
    struct writer w;
    writer_init(&w, buf, sizeof(buf));
    assert_int_equal(sip_uri_parse(slice_from_string(text), &uri), 0);
    int status = domains_aor(domains, &uri, &w);
    if (status == 0) {
        assert_int_equal(writer_length(&w), strlen(expected));
        assert_memory_equal(buf, expected, strlen(expected));
    }
    return status;
}

/* RFC 3261 section 19.1.4: hosts compare without case. RFC 1035 section 3.1: a final dot changes
 * nothing. */
static void names_match_without_case_and_final_dot(void **state)
{
    struct domains *domains = make("Example.com", "b.example");
    struct slice domain;
    (void)state;
    assert_true(domains_local(domains, SLICE("EXAMPLE.COM"), 0, &domain));
    assert_true(slice_equal(domain, SLICE("example.com")));
    assert_true(domains_local(domains, SLICE("b.example."), 5099, &domain));
    assert_true(slice_equal(domain, SLICE("b.example")));
    assert_false(domains_local(domains, SLICE("example.co"), 0, &domain));
    assert_false(domains_local(domains, SLICE("xexample.com"), 0, &domain));
    assert_false(domains_local(domains, SLICE(""), 0, &domain));
    domains_free(domains);
}

static void an_address_of_ours_stands_for_the_first_domain(void **state)
{
    struct domains *domains = make("example.com", "b.example");
    struct slice domain;
    (void)state;
    assert_true(domains_local(domains, SLICE("192.0.2.1"), 5060, &domain));
    assert_true(slice_equal(domain, SLICE("example.com")));
    assert_true(domains_local(domains, SLICE("192.0.2.1"), 0, &domain));
    assert_true(domains_local(domains, SLICE("[::1]"), 5070, &domain));
    assert_true(domains_local(domains, SLICE("[0:0::1]"), 5070, &domain));
    assert_false(domains_local(domains, SLICE("192.0.2.1"), 5061, &domain));
    assert_false(domains_local(domains, SLICE("192.0.2.2"), 5060, &domain));
    domains_free(domains);
}

/* RFC 3261 section 16.4: a Route that names us; without a port the default one counts (19.1.2). */
static void self_needs_the_right_port(void **state)
{
    struct domains *domains = make("example.com", NULL);
    (void)state;
    assert_true(self(domains, "sip:192.0.2.1;lr"));
    assert_true(self(domains, "sip:192.0.2.1:5060;lr"));
    assert_true(self(domains, "sip:[::1]:5070;lr"));
    assert_false(self(domains, "sip:[::1];lr"));
    assert_false(self(domains, "sips:192.0.2.1;lr"));
    assert_true(self(domains, "sip:example.com;lr"));
    assert_true(self(domains, "sip:example.com:5070"));
    assert_false(self(domains, "sip:example.com:5999"));
    assert_false(self(domains, "tel:+15551234"));
    domains_free(domains);
}

static void localhost_is_ours_when_we_listen_on_loopback(void **state)
{
    struct domains *domains = make(NULL, NULL);
    struct slice domain;
    struct address outside;
    (void)state;
    assert_true(domains_local(domains, SLICE("localhost"), 5070, &domain));
    assert_true(slice_equal(domain, SLICE("localhost")));
    assert_false(domains_local(domains, SLICE("localhost"), 5099, &domain));
    domains_free(domains);
    assert_int_equal(address_parse(SLICE("192.0.2.1:5060"), &outside), 0);
    assert_int_equal(domains_new(NULL, 0, &outside, 1, &domains), 0);
    assert_false(domains_local(domains, SLICE("localhost"), 5060, &domain));
    domains_free(domains);
}

/* RFC 3261 section 10.3 step 5. */
static void the_address_of_record_is_canonical(void **state)
{
    struct domains *domains = make("example.com", NULL);
    (void)state;
    assert_int_equal(aor(domains, "sips:al%69ce:secret@EXAMPLE.com:5060;transport=tcp?x=y",
                         "sip:alice@example.com"),
                     0);
    assert_int_equal(aor(domains, "sip:alice@192.0.2.1", "sip:alice@example.com"), 0);
    assert_int_equal(aor(domains, "sip:Alice@example.com", "sip:Alice@example.com"), 0);
    assert_int_equal(aor(domains, "sip:example.com", "sip:example.com"), 0);
    assert_int_equal(aor(domains, "sip:alice@elsewhere.example", ""), ERR_NOT_FOUND);
    assert_int_equal(aor(domains, "tel:+15551234", ""), ERR_UNSUPPORTED);
    domains_free(domains);
}

/* RFC 3261 section 25.1: an IPv6 reference has no scope. */
static void a_link_local_address_of_ours_needs_no_scope(void **state)
{
    struct address address;
    struct domains *domains = NULL;
    struct slice domain;
    (void)state;
    assert_int_equal(address_parse_host(SLICE("fe80::1"), 5060, &address), 0);
    address.in6.sin6_scope_id = 3;
    assert_int_equal(domains_new(NULL, 0, &address, 1, &domains), 0);
    assert_true(domains_local(domains, SLICE("[fe80::1]"), 5060, &domain));
    assert_true(domains_local(domains, SLICE("[FE80:0::1]"), 0, &domain));
    assert_false(domains_local(domains, SLICE("[fe80::2]"), 5060, &domain));
    assert_false(domains_local(domains, SLICE("[fe80::1]"), 5070, &domain));
    domains_free(domains);
}

static void bad_and_double_names(void **state)
{
    struct slice empty[] = {SLICE_LITERAL(" ")};
    struct slice twice[] = {SLICE_LITERAL("a.example"), SLICE_LITERAL("A.example.")};
    struct slice domain;
    struct domains *domains = NULL;
    (void)state;
    assert_int_equal(domains_new(empty, 1, NULL, 0, &domains), ERR_SYNTAX);
    assert_null(domains);
    assert_int_equal(domains_new(NULL, DOMAINS_MAX + 1, NULL, 0, &domains), ERR_LIMIT);
    assert_int_equal(domains_new(twice, 2, NULL, 0, &domains), 0);
    assert_true(domains_local(domains, SLICE("a.EXAMPLE"), 0, &domain));
    assert_true(slice_equal(domains_primary(domains), SLICE("a.example")));
    domains_free(domains);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_match_without_case_and_final_dot),
        cmocka_unit_test(an_address_of_ours_stands_for_the_first_domain),
        cmocka_unit_test(self_needs_the_right_port),
        cmocka_unit_test(localhost_is_ours_when_we_listen_on_loopback),
        cmocka_unit_test(the_address_of_record_is_canonical),
        cmocka_unit_test(a_link_local_address_of_ours_needs_no_scope),
        cmocka_unit_test(bad_and_double_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
