#include "base/error.h"
#include "sip/auth/digest.h"
#include "unit/sip/text.h"

#include <jansson.h>

static struct sip_digest digest;

static int setup(void **state)
{
    (void)state;
    return sip_digest_init(&digest);
}

static int teardown(void **state)
{
    (void)state;
    sip_digest_done(&digest);
    return 0;
}

static struct slice text_of(const json_t *vector, const char *key)
{
    return slice_from_string(json_string_value(json_object_get(vector, key)));
}

static struct slice hex(const uint8_t *bytes, size_t len, char *buffer, size_t size)
{
    struct writer w;
    writer_init(&w, buffer, size);
    writer_hex_bytes(&w, bytes, len);
    return writer_slice(&w);
}

static void check_vector(const json_t *vector)
{
    const char *id = json_string_value(json_object_get(vector, "id"));
    bool wrong = strstr(id, "wrong") != NULL;
    struct sip_digest_input input = {.method = text_of(vector, "method"),
                                     .uri = text_of(vector, "uri"),
                                     .nonce = text_of(vector, "nonce"),
                                     .nc = text_of(vector, "nc"),
                                     .cnonce = text_of(vector, "cnonce"),
                                     .qop = text_of(vector, "qop")};
    struct slice name = wrong ? SLICE("SHA-512-256") : text_of(vector, "algorithm");
    assert_int_equal(sip_digest_algorithm_parse(name, &input.algorithm, &input.session), 0);
    uint8_t ha1[SIP_DIGEST_MAX];
    input.ha1 = ha1;
    assert_int_equal(sip_digest_ha1(&digest, input.algorithm, text_of(vector, "username"),
                                    text_of(vector, "realm"), text_of(vector, "password"), ha1),
                     0);
    int rc = sip_digest_verify(&digest, &input, text_of(vector, "response"));
    if (rc != (wrong ? ERR_DENIED : 0)) {
        fail_msg("%s: %d", id, rc);
    }
    if (json_object_get(vector, "userhash")) {
        uint8_t hash[SIP_DIGEST_MAX];
        char buffer[2 * SIP_DIGEST_MAX];
        assert_int_equal(sip_digest_userhash(&digest, input.algorithm, text_of(vector, "username"),
                                             text_of(vector, "realm"), hash),
                         0);
        bool same = slice_equal(hex(hash, sip_digest_size(input.algorithm), buffer, sizeof(buffer)),
                                text_of(vector, "userhash"));
        assert_int_equal(same, !wrong);
    }
}

/* RFC 2617 section 3.5, RFC 7616 sections 3.9.1 and 3.9.2. */
static void vectors_of_the_standards_verify(void **state)
{
    (void)state;
    json_error_t error;
    json_t *vectors =
        json_load_file(TESTS_DIR "/unit/sip/auth/vectors/digest_vectors.json", 0, &error);
    assert_non_null(vectors);
    assert_int_equal(json_array_size(vectors), 5);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        check_vector(json_array_get(vectors, i));
    }
    json_decref(vectors);
}

/* RFC 2617 section 3.5 without qop (RFC 2069): H(HA1:nonce:HA2), computed with md5sum. */
static void responses_without_qop_verify(void **state)
{
    (void)state;
    uint8_t ha1[SIP_DIGEST_MAX];
    const struct sip_digest_input input = {.algorithm = SIP_DIGEST_MD5,
                                           .ha1 = ha1,
                                           .method = SLICE("GET"),
                                           .uri = SLICE("/dir/index.html"),
                                           .nonce = SLICE("dcd98b7102dd2f0e8b11d0f600bfb0c093")};
    assert_int_equal(sip_digest_ha1(&digest, SIP_DIGEST_MD5, SLICE("Mufasa"),
                                    SLICE("testrealm@host.com"), SLICE("Circle Of Life"), ha1),
                     0);
    assert_int_equal(sip_digest_verify(&digest, &input, SLICE("670fd8c2df070c60b045671b8b24ff02")),
                     0);
}

/* RFC 7616 section 3.4.2: A1 of "-sess", computed with md5sum. */
static void session_algorithms_verify(void **state)
{
    (void)state;
    uint8_t ha1[SIP_DIGEST_MAX];
    const struct sip_digest_input input = {.algorithm = SIP_DIGEST_MD5,
                                           .session = true,
                                           .ha1 = ha1,
                                           .method = SLICE("GET"),
                                           .uri = SLICE("/dir/index.html"),
                                           .nonce = SLICE("dcd98b7102dd2f0e8b11d0f600bfb0c093"),
                                           .nc = SLICE("00000001"),
                                           .cnonce = SLICE("0a4f113b"),
                                           .qop = SLICE("auth")};
    assert_int_equal(sip_digest_ha1(&digest, SIP_DIGEST_MD5, SLICE("Mufasa"),
                                    SLICE("testrealm@host.com"), SLICE("Circle Of Life"), ha1),
                     0);
    assert_int_equal(sip_digest_verify(&digest, &input, SLICE("8e3825c57e897f5a0dec6c2d4e5059d0")),
                     0);
}

/* RFC 7616 section 3.3: names, "-sess", MD5 when there is none. */
static void algorithms_are_known_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sip_digest_algorithm algorithm;
        bool session;
    } known[] = {{"", SIP_DIGEST_MD5, false},
                 {"md5", SIP_DIGEST_MD5, false},
                 {"MD5-sess", SIP_DIGEST_MD5, true},
                 {"SHA-256", SIP_DIGEST_SHA256, false},
                 {"sha-256-SESS", SIP_DIGEST_SHA256, true},
                 {"SHA-512-256", SIP_DIGEST_SHA512_256, false},
                 {"SHA-512-256-sess", SIP_DIGEST_SHA512_256, true}};
    enum sip_digest_algorithm algorithm;
    bool session;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_int_equal(
            sip_digest_algorithm_parse(slice_from_string(known[i].text), &algorithm, &session), 0);
        assert_int_equal(algorithm, known[i].algorithm);
        assert_int_equal(session, known[i].session);
    }
    assert_int_equal(sip_digest_algorithm_parse(SLICE("AKAv1-MD5"), &algorithm, &session),
                     ERR_UNSUPPORTED);
    assert_int_equal(sip_digest_algorithm_parse(SLICE("-sess"), &algorithm, &session),
                     ERR_UNSUPPORTED);
    assert_slice(sip_digest_name(SIP_DIGEST_SHA512_256), "SHA-512-256");
}

/* RFC 7616 section 3.4.1. */
static void wrong_responses_are_refused(void **state)
{
    (void)state;
    uint8_t ha1[SIP_DIGEST_MAX] = {1}, response[SIP_DIGEST_MAX];
    char buffer[2 * SIP_DIGEST_MAX + 1];
    struct sip_digest_input input = {.algorithm = SIP_DIGEST_SHA256,
                                     .ha1 = ha1,
                                     .method = SLICE("INVITE"),
                                     .uri = SLICE("sip:b@h"),
                                     .nonce = SLICE("n"),
                                     .nc = SLICE("00000001"),
                                     .cnonce = SLICE("c"),
                                     .qop = SLICE("auth")};
    assert_int_equal(sip_digest_response(&digest, &input, response), 0);
    struct slice right = hex(response, 32, buffer, sizeof(buffer));
    assert_int_equal(sip_digest_verify(&digest, &input, right), 0);
    for (size_t i = 0; i < right.len; i++) {
        char kept = buffer[i];
        buffer[i] = kept == '0' ? '1' : '0';
        assert_int_equal(sip_digest_verify(&digest, &input, right), ERR_DENIED);
        buffer[i] = 'g';
        assert_int_equal(sip_digest_verify(&digest, &input, right), ERR_DENIED);
        buffer[i] = kept;
    }
    assert_int_equal(sip_digest_verify(&digest, &input, slice_of(buffer, 63)), ERR_DENIED);
    assert_int_equal(sip_digest_verify(&digest, &input, SLICE_NULL), ERR_DENIED);
    input.qop = SLICE("auth-int");
    assert_int_equal(sip_digest_verify(&digest, &input, right), ERR_UNSUPPORTED);
    input.qop = SLICE("auth");
    input.nc = SLICE("00000002");
    assert_int_equal(sip_digest_verify(&digest, &input, right), ERR_DENIED);
}

/* Inputs longer than the buffer they are gathered in give the same digest in any division. */
static void long_inputs_hash_like_short_ones(void **state)
{
    (void)state;
    static char text[2000];
    memset(text, 'x', sizeof(text));
    for (size_t whole = 500; whole < 2000; whole += 7) {
        uint8_t reference[SIP_DIGEST_MAX], divided[SIP_DIGEST_MAX];
        text[whole / 3] = text[whole / 2] = ':';
        assert_int_equal(sip_digest_userhash(&digest, SIP_DIGEST_SHA256, slice_of(text, whole / 3),
                                             slice_of(text + whole / 3 + 1, whole - whole / 3 - 1),
                                             reference),
                         0);
        assert_int_equal(sip_digest_ha1(&digest, SIP_DIGEST_SHA256, slice_of(text, whole / 3),
                                        slice_of(text + whole / 3 + 1, whole / 2 - whole / 3 - 1),
                                        slice_of(text + whole / 2 + 1, whole - whole / 2 - 1),
                                        divided),
                         0);
        assert_memory_equal(reference, divided, 32);
        text[whole / 3] = text[whole / 2] = 'x';
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_standards_verify),
        cmocka_unit_test(responses_without_qop_verify),
        cmocka_unit_test(session_algorithms_verify),
        cmocka_unit_test(algorithms_are_known_by_name),
        cmocka_unit_test(wrong_responses_are_refused),
        cmocka_unit_test(long_inputs_hash_like_short_ones),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
