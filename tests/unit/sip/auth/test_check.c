#include "base/error.h"
#include "sip/auth/check.h"
#include "sip/message/credentials.h"
#include "unit/sip/text.h"

#include <openssl/crypto.h>

#define NOW UINT64_C(1700000100000)

/* A phone that answers our challenge as it is told to. */
struct phone {
    const char *user, *password, *realm, *uri, *nonce, *nc, *qop, *algorithm, *extra;
    const char *digest_uri; /* NULL: uri */
    const char *response;   /* NULL: the right one */
};

static struct random numbers;
static struct sip_replay *replay;
static struct sip_auth auth;
static struct sip_message message;
static struct sip_auth_result result;
static unsigned lookups;
static char nonce_text[SIP_NONCE_LENGTH + 1];
static unsigned long allocations;

static void *counted_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return malloc(size);
}

static void *counted_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return realloc(old, size);
}

static void counted_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    free(old);
}

static int lookup(void *user, struct slice name, struct slice realm,
                  enum sip_digest_algorithm algorithm, uint8_t *ret_ha1)
{
    (void)user;
    lookups++;
    if (!slice_equal(name, SLICE("alice")) && !slice_equal(name, SLICE("al\"ice"))) {
        return ERR_NOT_FOUND;
    }
    return sip_digest_ha1(&auth.digest, algorithm, name, realm, SLICE("secret"), ret_ha1);
}

static void open_auth(bool allow_no_qop)
{
    random_seed(&numbers, 7);
    assert_int_equal(sip_replay_new(1000, NOW - 50000, &replay), 0);
    struct sip_auth_options options = {.realm = SLICE("example.com"),
                                       .allow_no_qop = allow_no_qop,
                                       .replay = replay,
                                       .random = &numbers,
                                       .lookup = lookup};
    assert_int_equal(sip_auth_init(&auth, &options), 0);
    lookups = 0;
}

static int setup(void **state)
{
    (void)state;
    open_auth(false);
    return 0;
}

static int setup_legacy(void **state)
{
    (void)state;
    open_auth(true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sip_auth_done(&auth);
    sip_replay_free(replay);
    return 0;
}

/* The nonce of a new challenge, as a C string. */
static const char *challenged(uint64_t now_ms)
{
    char buffer[512];
    struct writer w;
    struct sip_credentials read;
    writer_init(&w, buffer, sizeof(buffer));
    assert_int_equal(sip_auth_challenge(&auth, SIP_AUTH_OFFER_BEST_FIRST, true, false, now_ms, &w),
                     0);
    struct slice line = slice_from(writer_slice(&w), strlen("Proxy-Authenticate: "));
    line.len = slice_index(line, '\r');
    assert_int_equal(sip_credentials_parse(line, &read), 0);
    return slice_to_string(read.nonce, nonce_text, sizeof(nonce_text));
}

static struct phone alice(const char *nonce)
{
    return (struct phone){.user = "alice",
                          .password = "secret",
                          .realm = "example.com",
                          .uri = "sip:bob@example.com",
                          .nonce = nonce,
                          .nc = "00000001",
                          .qop = "auth",
                          .algorithm = "SHA-256"};
}

static struct slice right_response(const struct phone *p, char *buffer, size_t size)
{
    struct sip_digest_input input = {.method = SLICE("INVITE"),
                                     .uri =
                                         slice_from_string(p->digest_uri ? p->digest_uri : p->uri),
                                     .nonce = slice_from_string(p->nonce),
                                     .nc = slice_from_string(p->nc),
                                     .cnonce = SLICE("0a4f"),
                                     .qop = slice_from_string(p->qop)};
    uint8_t ha1[SIP_DIGEST_MAX], response[SIP_DIGEST_MAX];
    char plain[64];
    struct writer w;
    assert_int_equal(sip_digest_algorithm_parse(slice_from_string(p->algorithm), &input.algorithm,
                                                &input.session),
                     0);
    /* The user as typed, without the backslashes of the quoted string. */
    size_t length = 0;
    for (const char *c = p->user; *c; c++) {
        c += *c == '\\';
        plain[length++] = *c;
    }
    assert_int_equal(sip_digest_ha1(&auth.digest, input.algorithm, slice_of(plain, length),
                                    slice_from_string(p->realm), slice_from_string(p->password),
                                    ha1),
                     0);
    input.ha1 = ha1;
    assert_int_equal(sip_digest_response(&auth.digest, &input, response), 0);
    writer_init(&w, buffer, size);
    writer_hex_bytes(&w, response, sip_digest_size(input.algorithm));
    return writer_slice(&w);
}

static void write_credentials(struct writer *w, const struct phone *p)
{
    char hex[2 * SIP_DIGEST_MAX];
    writer_format(
        w, "Proxy-Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\"",
        p->user, p->realm, p->nonce, p->digest_uri ? p->digest_uri : p->uri);
    writer_literal(w, ", response=\"");
    writer_put(w,
               p->response ? slice_from_string(p->response) : right_response(p, hex, sizeof(hex)));
    writer_format(w, "\", algorithm=%s", p->algorithm);
    if (p->qop) {
        writer_format(w, ", qop=%s, nc=%s, cnonce=\"0a4f\"", p->qop, p->nc);
    }
    writer_format(w, "%s\r\n", p->extra ? p->extra : "");
}

/* Checks an INVITE with the given credential lines. */
static enum sip_auth_outcome check_lines(struct slice lines, const char *uri, uint64_t now_ms)
{
    static char buffer[4096];
    struct writer w;
    struct sip_fault fault;
    struct sip_limits limits = {0};
    writer_init(&w, buffer, sizeof(buffer));
    writer_format(&w, "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n", uri);
    writer_put(&w, lines);
    writer_literal(&w, "From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\n"
                       "Call-ID: x\r\nCSeq: 2 INVITE\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(sip_message_parse(writer_slice(&w), &limits, &message, &fault), 0);
    return sip_auth_check(&auth, &message, SIP_HEADER_PROXY_AUTHORIZATION, now_ms, &result);
}

static enum sip_auth_outcome check(const struct phone *p, uint64_t now_ms)
{
    char buffer[2048];
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    write_credentials(&w, p);
    return check_lines(writer_slice(&w), p->uri, now_ms);
}

/* RFC 3261 section 22.3, RFC 8760: every algorithm that was offered. */
static void right_credentials_are_taken_once(void **state)
{
    (void)state;
    static const char *const algorithms[] = {"SHA-256", "MD5", "SHA-256-sess", "MD5-sess"};
    for (size_t i = 0; i < 4; i++) {
        struct phone phone = alice(challenged(NOW));
        phone.algorithm = algorithms[i];
        assert_int_equal(check(&phone, NOW + 10), SIP_AUTH_OK);
        assert_slice(result.user, "alice");
        assert_int_equal(result.algorithm, i % 2 ? SIP_DIGEST_MD5 : SIP_DIGEST_SHA256);
        assert_false(result.stale);
        /* RFC 7616 section 5.5: the same again is a replay. */
        assert_int_equal(check(&phone, NOW + 20), SIP_AUTH_STALE);
        assert_true(result.stale);
        phone.nc = "0000000A";
        assert_int_equal(check(&phone, NOW + 30), SIP_AUTH_OK);
    }
}

/* RFC 3261 section 22.3: credentials for other realms and schemes are not ours to judge. */
static void credentials_of_others_are_left_alone(void **state)
{
    (void)state;
    char buffer[4096];
    struct writer w;
    struct phone phone = alice(challenged(NOW)), other = phone;
    other.realm = "example.org";
    assert_int_equal(check_lines(SLICE_NULL, "sip:bob@example.com", NOW), SIP_AUTH_NONE);
    assert_int_equal(check(&other, NOW), SIP_AUTH_NONE);
    assert_int_equal(check_lines(SLICE("Proxy-Authorization: NoOneKnowsThisScheme x=y\r\n"),
                                 "sip:bob@example.com", NOW),
                     SIP_AUTH_NONE);
    writer_init(&w, buffer, sizeof(buffer));
    writer_literal(&w, "Proxy-Authorization: NoOneKnowsThisScheme x=y\r\n");
    write_credentials(&w, &other);
    write_credentials(&w, &phone);
    assert_int_equal(check_lines(writer_slice(&w), phone.uri, NOW), SIP_AUTH_OK);
    /* An algorithm that we do not offer is passed over for one that we do. */
    phone.nc = "00000002";
    other = phone;
    other.algorithm = "SHA-512-256";
    writer_init(&w, buffer, sizeof(buffer));
    write_credentials(&w, &other);
    write_credentials(&w, &phone);
    assert_int_equal(check_lines(writer_slice(&w), phone.uri, NOW), SIP_AUTH_OK);
    assert_int_equal(check(&other, NOW), SIP_AUTH_NONE);
}

/* An unknown user and a wrong password look the same and take the same path. */
static void wrong_credentials_are_denied_alike(void **state)
{
    (void)state;
    struct phone phone = alice(challenged(NOW));
    phone.password = "guess";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_DENIED);
    assert_false(result.stale);
    phone = alice(nonce_text);
    phone.user = "nobody";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_DENIED);
    assert_false(result.stale);
    assert_int_equal(lookups, 2);
    phone = alice(nonce_text);
    phone.response = "";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_DENIED);
    phone = alice(nonce_text);
    phone.extra = ", userhash=true";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_DENIED);
    /* None of them used up the count. */
    phone = alice(nonce_text);
    assert_int_equal(check(&phone, NOW), SIP_AUTH_OK);
}

/* RFC 7616 section 3.3: stale is said only when all but the nonce was right. */
static void old_and_foreign_nonces_are_told_apart(void **state)
{
    (void)state;
    struct phone phone = alice(challenged(NOW));
    assert_int_equal(check(&phone, NOW + 300000), SIP_AUTH_STALE);
    assert_true(result.stale);
    phone.password = "guess";
    assert_int_equal(check(&phone, NOW + 300000), SIP_AUTH_DENIED);
    assert_false(result.stale);
    phone = alice("dcd98b7102dd2f0e8b11d0f600bfb0c093");
    assert_int_equal(check(&phone, NOW), SIP_AUTH_FORGED);
    assert_true(result.stale);
    phone.password = "guess";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_FORGED);
    assert_false(result.stale);
    /* Issued before the table of counts began: it may have been used. */
    phone = alice(challenged(NOW - 60000));
    assert_int_equal(check(&phone, NOW), SIP_AUTH_STALE);
    assert_true(result.stale);
}

/* RFC 7616 section 3.4.6; RFC 3261 section 22.4. */
static void the_uri_of_the_credentials_is_that_of_the_request(void **state)
{
    (void)state;
    struct phone phone = alice(challenged(NOW));
    phone.digest_uri = "sip:eve@example.com";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_MALFORMED);
    assert_non_null(result.reason);
    phone.digest_uri = "bob";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_MALFORMED);
    phone.digest_uri = "sip:bob@EXAMPLE.com;x";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_OK);
}

/* RFC 7616 section 3.4: what a response must hold. */
static void incomplete_credentials_are_malformed(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "Digest realm=\"example.com\"",
        "Digest realm=\"example.com\", username=\"a\", nonce=\"n\", uri=\"sip:bob@example.com\"",
        "Digest realm=\"example.com\", username=\"a\", nonce=\"n\", uri=\"sip:bob@example.com\", "
        "response=\"x\"",
        "Digest realm=\"example.com\", username=\"a\", nonce=\"n\", uri=\"sip:bob@example.com\", "
        "response=\"x\", qop=auth",
        "Digest realm=\"example.com\", username=\"a\", nonce=\"n\", uri=\"sip:bob@example.com\", "
        "response=\"x\", qop=auth, nc=1, cnonce=\"c\"",
        "Digest realm=\"example.com\", username=\"a\", nonce=\"n\", uri=\"sip:bob@example.com\", "
        "response=\"x\", qop=auth, nc=00000000, cnonce=\"c\"",
        "Digest realm=\"example.com\", username=\"a\", nonce=\"n\", uri=\"sip:bob@example.com\", "
        "response=\"x\", qop=auth, nc=0000000g, cnonce=\"c\"",
        "Digest realm=\"example.com\", username=\"a\", nonce=\"n\", uri=\"sip:bob@example.com\", "
        "response=\"x\", qop=auth-int, nc=00000001, cnonce=\"c\"",
        "Digest realm=\"example.com\", username=\"a\", nonce=\"n\", uri=\"sip:bob@example.com\", "
        "response=\"x\", algorithm=MD5-sess",
        "Digest realm=\"example.com\", username=\"a",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char buffer[512];
        struct writer w;
        writer_init(&w, buffer, sizeof(buffer));
        writer_format(&w, "Proxy-Authorization: %s\r\n", lines[i]);
        if (check_lines(writer_slice(&w), "sip:bob@example.com", NOW) != SIP_AUTH_MALFORMED) {
            fail_msg("not malformed: %s", lines[i]);
        }
        assert_non_null(result.reason);
    }
    assert_int_equal(lookups, 0);
}

/* What a sender makes long does not make us work. */
static void overlong_values_cost_nothing(void **state)
{
    (void)state;
    char longer[300];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    struct phone phone = alice(longer);
    phone.response = "00";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_MALFORMED);
    phone = alice(challenged(NOW));
    phone.user = longer;
    phone.response = "00";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_DENIED);
    assert_int_equal(lookups, 0);
}

/* RFC 2069 clients send no qop and no count: then a nonce is good once. */
static void without_qop_a_nonce_is_good_once(void **state)
{
    (void)state;
    struct phone phone = alice(challenged(NOW));
    phone.qop = NULL;
    phone.algorithm = "MD5";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_OK);
    assert_int_equal(check(&phone, NOW), SIP_AUTH_STALE);
    phone = alice(challenged(NOW));
    phone.qop = NULL;
    phone.password = "guess";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_DENIED);
}

/* RFC 3261 section 25.1: the username is a quoted-string. */
static void usernames_are_looked_up_without_backslashes(void **state)
{
    (void)state;
    struct phone phone = alice(challenged(NOW));
    phone.user = "al\\\"ice";
    assert_int_equal(check(&phone, NOW), SIP_AUTH_OK);
    assert_slice(result.user, "al\"ice");
}

/* Hot paths do not allocate, but for what OpenSSL 3.0 does per hash: HA1 of lookup, HA2, response.
 */
static void checking_and_challenging_allocate_nothing(void **state)
{
    (void)state;
    enum { ROUNDS = 100, HASHES = 3 };
    char lines[2048], buffer[512];
    struct writer w;
    struct phone phone = alice(challenged(NOW));
    writer_init(&w, lines, sizeof(lines));
    write_credentials(&w, &phone);
    assert_int_equal(check_lines(writer_slice(&w), phone.uri, NOW), SIP_AUTH_OK);
    assert_true(allocations > 0);
    unsigned long before = allocations;
    for (unsigned i = 0; i < ROUNDS; i++) {
        assert_int_equal(
            sip_auth_check(&auth, &message, SIP_HEADER_PROXY_AUTHORIZATION, NOW, &result),
            SIP_AUTH_STALE);
    }
    assert_true(allocations - before <= (unsigned long)ROUNDS * HASHES);
    before = allocations;
    for (unsigned i = 0; i < ROUNDS; i++) {
        writer_init(&w, buffer, sizeof(buffer));
        assert_int_equal(sip_auth_challenge(&auth, SIP_AUTH_OFFER_BEST_FIRST, true, true, NOW, &w),
                         0);
    }
    assert_int_equal(allocations, before);
}

/* RFC 8760 section 2.3; the other orders are for clients that do not follow section 2.4 */
static void a_challenge_offers_in_the_order_asked_for(void **state)
{
    static const struct {
        enum sip_auth_offer offer;
        bool sha256;
        bool md5_first;
    } rows[] = {
        {SIP_AUTH_OFFER_BEST_FIRST, true, false},
        {SIP_AUTH_OFFER_LAST_FIRST, true, true},
        {SIP_AUTH_OFFER_LAST_ONLY, false, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char lines[1024];
        struct writer w;
        writer_init(&w, lines, sizeof(lines) - 1);
        assert_int_equal(sip_auth_challenge(&auth, rows[i].offer, false, false, NOW, &w), 0);
        *w.at = '\0';
        const char *sha256 = strstr(lines, "algorithm=SHA-256,");
        const char *md5 = strstr(lines, "algorithm=MD5,");
        assert_non_null(md5);
        assert_int_equal(sha256 != NULL, rows[i].sha256);
        if (sha256 != NULL)
            assert_int_equal(md5 < sha256, rows[i].md5_first);
    }
}

int main(void)
{
    if (!CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free)) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(right_credentials_are_taken_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_challenge_offers_in_the_order_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(credentials_of_others_are_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_credentials_are_denied_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(old_and_foreign_nonces_are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(the_uri_of_the_credentials_is_that_of_the_request, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(incomplete_credentials_are_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(overlong_values_cost_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(without_qop_a_nonce_is_good_once, setup_legacy, teardown),
        cmocka_unit_test_setup_teardown(usernames_are_looked_up_without_backslashes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(checking_and_challenging_allocate_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
