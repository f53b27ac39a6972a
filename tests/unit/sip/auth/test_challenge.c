#include "sip/auth/challenge.h"
#include "sip/message/credentials.h"
#include "unit/sip/text.h"

/* RFC 8760 section 2.3: one line per algorithm, most preferred first. */
static void each_algorithm_has_its_line(void **state)
{
    (void)state;
    const enum sip_digest_algorithm algorithms[] = {SIP_DIGEST_SHA256, SIP_DIGEST_MD5};
    struct sip_challenge challenge = {.realm = SLICE("example.com"),
                                      .nonce = SLICE("abc"),
                                      .algorithms = algorithms,
                                      .algorithm_count = 2};
    char buffer[512];
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    sip_challenge_write(&w, &challenge);
    assert_slice(writer_slice(&w), "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"abc\", "
                                   "algorithm=SHA-256, qop=\"auth\"\r\n"
                                   "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"abc\", "
                                   "algorithm=MD5, qop=\"auth\"\r\n");
}

/* RFC 3261 sections 20.27, 25.1; RFC 7616 section 3.3. */
static void stale_and_odd_realms_read_back(void **state)
{
    (void)state;
    const enum sip_digest_algorithm algorithms[] = {SIP_DIGEST_MD5};
    struct sip_challenge challenge = {.proxy = true,
                                      .realm = SLICE("a \"b\" \\c"),
                                      .nonce = SLICE("n"),
                                      .stale = true,
                                      .algorithms = algorithms,
                                      .algorithm_count = 1};
    static const char name[] = "Proxy-Authenticate: ";
    char buffer[256];
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    sip_challenge_write(&w, &challenge);
    assert_true(slice_starts_with(writer_slice(&w), slice_from_string(name)));
    struct sip_credentials read;
    assert_int_equal(sip_credentials_parse(slice_from(writer_slice(&w), strlen(name)), &read), 0);
    assert_slice(read.realm, "a \\\"b\\\" \\\\c");
    assert_slice(read.stale, "true");
    assert_slice(read.qop, "auth");
    assert_slice(read.algorithm, "MD5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_algorithm_has_its_line),
        cmocka_unit_test(stale_and_odd_realms_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
