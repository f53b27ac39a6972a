#include "base/error.h"
#include "sip/message/credentials.h"
#include "unit/sip/text.h"

/* RFC 3261 section 20.44 and 25.1: the challenge of its example. */
static void challenges_are_read(void **state)
{
    (void)state;
    struct sip_credentials c;
    assert_int_equal(
        sip_credentials_parse(SLICE("Digest realm=\"atlanta.com\",\r\n "
                                    "domain=\"sip:boxesbybob.com\", qop=\"auth,auth-int\",\r\n"
                                    " nonce=\"f84f1cec41e6cbe5aea9c8e88d359\",\r\n opaque=\"\", "
                                    "stale=FALSE, algorithm=MD5"),
                              &c),
        0);
    assert_true(c.digest);
    assert_slice(c.scheme, "Digest");
    assert_slice(c.realm, "atlanta.com");
    assert_slice(c.domain, "sip:boxesbybob.com");
    assert_slice(c.qop, "auth,auth-int");
    assert_slice(c.nonce, "f84f1cec41e6cbe5aea9c8e88d359");
    assert_slice(c.opaque, "");
    assert_non_null(c.opaque.ptr);
    assert_slice(c.stale, "FALSE");
    assert_slice(c.algorithm, "MD5");
    assert_null(c.username.ptr);
}

/* RFC 3261 section 20.7 and 22.4. */
static void credentials_are_read(void **state)
{
    (void)state;
    struct sip_credentials c;
    assert_int_equal(
        sip_credentials_parse(
            SLICE("digest username = \"bo\\\"b\" ,realm=\"biloxi.com\", nonce=\"dcd98b=\","
                  "uri=\"sip:bob@biloxi.com\",qop=auth, NC=00000001, cnonce=\"0a4f113b\","
                  "response=\"6629fae49393a05397450978507c4ef1\", opaque=\"5ccc\",userhash=false, "
                  "x=y"),
            &c),
        0);
    assert_true(c.digest);
    assert_slice(c.username, "bo\\\"b");
    assert_slice(c.nonce, "dcd98b=");
    assert_slice(c.uri, "sip:bob@biloxi.com");
    assert_slice(c.qop, "auth");
    assert_slice(c.nc, "00000001");
    assert_slice(c.cnonce, "0a4f113b");
    assert_slice(c.response, "6629fae49393a05397450978507c4ef1");
    assert_slice(c.userhash, "false");
    /* As phones do: what should be quoted is not, and the other way round. */
    assert_int_equal(
        sip_credentials_parse(
            SLICE("Digest realm=a.b,qop=\"auth\",nc=\"00000001\",algorithm=\"MD5\""), &c),
        0);
    assert_slice(c.realm, "a.b");
    assert_slice(c.qop, "auth");
    assert_slice(c.algorithm, "MD5");
}

/* RFC 4475 section 3.3.7: an unknown scheme is well-formed. */
static void unknown_schemes_are_taken_unread(void **state)
{
    (void)state;
    struct sip_credentials c;
    assert_int_equal(sip_credentials_parse(SLICE("NoOneKnowsThisScheme opaque-data=here"), &c), 0);
    assert_false(c.digest);
    assert_slice(c.scheme, "NoOneKnowsThisScheme");
    assert_slice(c.params, "opaque-data=here");
    assert_int_equal(sip_credentials_parse(SLICE("Bearer abc.def/g=="), &c), 0);
    assert_slice(c.params, "abc.def/g==");
}

/* RFC 3261 section 25.1; RFC 7616 section 3.4: no parameter twice. */
static void malformed_credentials_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "Digest",
                                      "Digest ",
                                      "Digest,",
                                      "Digest realm",
                                      "Digest realm=",
                                      "Digest =\"x\"",
                                      "Digest realm=\"x",
                                      "Digest realm=\"x\" nonce=\"y\"",
                                      "Digest realm=\"x\",",
                                      "Digest realm=\"x\",,nonce=\"y\"",
                                      "Digest realm=\"x\";a=b",
                                      "Digest realm=\"x\", Realm=\"x\"",
                                      "Digest realm=\"\x01\"",
                                      "Digest realm=sip:a@b",
                                      "\"Digest\" realm=x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct slice input = text_new(bad[i], strlen(bad[i]));
        struct sip_credentials c;
        if (sip_credentials_parse(input, &c) != ERR_SYNTAX) {
            fail_msg("taken: %s", bad[i]);
        }
        text_free(input);
    }
}

static void check_written(const char *text, const char *expected)
{
    char buffer[256];
    struct writer w;
    struct sip_credentials c;
    writer_init(&w, buffer, sizeof(buffer));
    assert_int_equal(sip_credentials_parse(slice_from_string(text), &c), 0);
    sip_credentials_write(&w, &c);
    assert_slice(writer_slice(&w), expected);
}

/* RFC 3261 section 25.1: what is quoted and what is not. */
static void credentials_are_written_as_they_were_read(void **state)
{
    (void)state;
    check_written("Digest nc=\"00000001\",realm=a,username=\"x\\\"y\" , qop=\"auth\",stale=true",
                  "Digest username=\"x\\\"y\", realm=\"a\", qop=auth, nc=00000001, stale=true");
    check_written("Digest qop=\"auth,auth-int\",nonce=\"\"",
                  "Digest nonce=\"\", qop=\"auth,auth-int\"");
    check_written("X  y z", "X y z");
}

/* RFC 3261 section 20.6; RFC 7616 section 3.5. */
static void authentication_info_is_read_and_written(void **state)
{
    (void)state;
    char buffer[256];
    struct writer w;
    struct sip_authentication_info info;
    assert_int_equal(
        sip_authentication_info_parse(
            SLICE(
                " nextnonce=\"47364c23432d2e131a5fb210812c\", qop=auth,rspauth=\"ab\",nc=00000001,"
                "cnonce=\"c\""),
            &info),
        0);
    assert_slice(info.nextnonce, "47364c23432d2e131a5fb210812c");
    assert_slice(info.rspauth, "ab");
    assert_slice(info.nc, "00000001");
    writer_init(&w, buffer, sizeof(buffer));
    sip_authentication_info_write(&w, &info);
    assert_slice(writer_slice(&w), "nextnonce=\"47364c23432d2e131a5fb210812c\", qop=auth, "
                                   "rspauth=\"ab\", cnonce=\"c\", nc=00000001");
    assert_int_equal(sip_authentication_info_parse(SLICE(""), &info), ERR_SYNTAX);
    assert_int_equal(sip_authentication_info_parse(SLICE("nextnonce=\"a\" qop=auth"), &info),
                     ERR_SYNTAX);
    assert_int_equal(sip_authentication_info_parse(SLICE("nc=1,nc=1"), &info), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenges_are_read),
        cmocka_unit_test(credentials_are_read),
        cmocka_unit_test(unknown_schemes_are_taken_unread),
        cmocka_unit_test(malformed_credentials_are_refused),
        cmocka_unit_test(credentials_are_written_as_they_were_read),
        cmocka_unit_test(authentication_info_is_read_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
