#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "service/turn/credential_key.h"
#include "service/turn/credential_token.h"
#include "service/turn/credential_users.h"

#include <cmocka.h>

/* The vectors' user name in UTF-8 and their password after OpaqueString. */
#define NAME     "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9"
#define PASSWORD "TheMatrIX"

static struct stun_integrity integrity;
static struct turn_hasher hasher;
static struct turn_token_opener opener;

static int set_up(void **state)
{
    (void)state;
    return stun_integrity_init(&integrity) < 0 || turn_hasher_init(&hasher) < 0 ||
           turn_token_opener_init(&opener) < 0;
}

static int tear_down(void **state)
{
    (void)state;
    stun_integrity_done(&integrity);
    turn_hasher_done(&hasher);
    turn_token_opener_done(&opener);
    return 0;
}

static struct slice load(const char *name, char *buffer, size_t size)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/unit/stun/vectors/%s", TESTS_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(buffer, 1, size, file);
    (void)fclose(file);
    return slice_of(buffer, n);
}

/* RFC 8489 section 9.2.2 */
static void the_key_of_the_rfc_example(void **state)
{
    static const uint8_t expected[] = {0x84, 0x93, 0xfb, 0xc5, 0x3b, 0xa5, 0x82, 0xfb,
                                       0x4c, 0x04, 0x4c, 0x45, 0x6b, 0xdc, 0x40, 0xeb};
    uint8_t key[32];
    (void)state;
    assert_int_equal(
        turn_key_make(&hasher, TURN_MD5, SLICE("user"), SLICE("realm"), SLICE("pass"), key), 0);
    assert_memory_equal(key, expected, sizeof expected);
}

/* RFC 5769 section 2.4 */
static void the_sample_with_long_term_credentials_is_signed_with_the_key(void **state)
{
    char buffer[256];
    uint8_t key[32];
    struct stun_message m;
    (void)state;
    assert_int_equal(
        stun_parse(load("rfc5769_2.4_longterm_request.bin", buffer, sizeof buffer), &m), 0);
    assert_true(slice_equal(stun_value(&m, STUN_USERNAME), SLICE(NAME)));
    assert_int_equal(turn_key_make(&hasher, TURN_MD5, stun_value(&m, STUN_USERNAME),
                                   stun_value(&m, STUN_REALM), SLICE(PASSWORD), key),
                     0);
    assert_int_equal(
        stun_integrity_check(&integrity, &m, STUN_HMAC_SHA1, slice_of((const char *)key, 16)), 0);
}

/* RFC 8489 appendix B.1. The length in its header is not that of its attributes, so that no parser
 * takes it; hash and signature are right as printed. */
static void the_sample_with_userhash_has_our_hash_and_key(void **state)
{
    enum { USERHASH_AT = 24, SIGNED = 120 };
    char buffer[256];
    uint8_t hash[TURN_USERHASH_SIZE], key[32], mac[STUN_HMAC_MAX];
    struct slice raw = load("rfc8489_B.1_sha256_userhash_request.bin", buffer, sizeof buffer);
    (void)state;
    assert_int_equal(raw.len, 156);
    assert_int_equal(turn_userhash_make(&hasher, SLICE(NAME), SLICE("example.org"), hash), 0);
    assert_memory_equal(hash, raw.ptr + USERHASH_AT, sizeof hash);
    assert_int_equal(turn_key_make(&hasher, TURN_SHA256, SLICE(NAME), SLICE("example.org"),
                                   SLICE(PASSWORD), key),
                     0);
    assert_int_equal(stun_integrity_sign(&integrity, STUN_HMAC_SHA256,
                                         slice_of((const char *)key, 32), slice_of(raw.ptr, SIGNED),
                                         SLICE_NULL, mac),
                     0);
    assert_memory_equal(mac, raw.ptr + SIGNED + 4, 32);
}

/* ---- RFC 7635 appendix A ---- */

#define SERVER   SLICE("blackdow.carleon.gov")
#define MAC_KEY  "ZksjpweoixXmvn67534m"
#define MADE_MS  UINT64_C(1410984813000) /* 92470300704768 >> 16 */
#define LIFETIME UINT64_C(3600)

static const char token256[] =
    "\x00\x0c\x68\x34\x6a\x33\x6b\x32\x6c\x32\x6e\x34\x62\x35\x61\x7e\xf1\x34\xa3\xd5\xe4\x4e\x9a"
    "\x19\xcc\x7d\xc1\x04\xb0\xc0\x3d\x03\xb2\xa5\x51\xd8\xfd\xf5\xcd\x3b\x6d\xca\x6f\x10\xcf\xb7"
    "\x7e\x5b\x2d\xde\xc8\x4d\x29\x3a\x5c\x50\x49\x93\x59\xf0\xc2\xe2\x6f\x76";
static const char token128[] =
    "\x00\x0c\x68\x34\x6a\x33\x6b\x32\x6c\x32\x6e\x34\x62\x35\x7f\xb9\xe9\x9f\x08\x27\xbe\x3d\xf1"
    "\xe1\xbd\x65\x14\x93\xd3\x03\x1d\x36\xdf\x57\x07\x97\x84\xae\xe5\xea\xcb\x65\xfa\xd4\xf2\x7f"
    "\xab\x1a\x3f\x97\x97\x4b\x69\xf8\x51\xb2\x4b\xf5\xaf\x09\xed\xa3\x57\xe0";

static struct turn_token_key key_of(const char *text)
{
    struct turn_token_key key;
    assert_int_equal(turn_token_key_parse(slice_from_string(text), &key), 0);
    return key;
}

/* The appendix's key, and its first half. */
#define KEY256 "k:A256GCM:SEdrajMyS0pHaXV5MDk4c2RmYXFiTmpPaWF6NzE5MjM="
#define KEY128 "k:A128GCM:SEdrajMyS0pHaXV5MDk4cw=="

static void the_sample_tokens_are_opened(void **state)
{
    const struct turn_token_key keys[] = {key_of(KEY256), key_of(KEY128)};
    const char *tokens[] = {token256, token128};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct turn_token token;
        struct slice sealed = slice_of(tokens[i], sizeof token256 - 1);
        assert_int_equal(turn_token_open(&opener, &keys[i], SERVER, sealed, MADE_MS, &token), 0);
        assert_int_equal(token.key_len, 20);
        assert_memory_equal(token.key, MAC_KEY, 20);
        assert_int_equal(token.until_ms, MADE_MS + (LIFETIME + 5) * 1000);
        assert_int_equal(turn_token_open(&opener, &keys[!i], SERVER, sealed, MADE_MS, &token),
                         ERR_DENIED);
    }
}

/* Section 6.2: the token is handed to clients in base64, and some send it so */
static void a_token_in_base64_is_opened(void **state)
{
    struct turn_token_key key = key_of(KEY256);
    struct turn_token token;
    (void)state;
    assert_int_equal(
        turn_token_open(&opener, &key, SERVER,
                        SLICE("AAxoNGozazJsMm40YjVhfvE0o9XkTpoZzH3BBLDAPQOypVHY/fXNO23KbxDPt35b"
                              "Ld7ITSk6XFBJk1nwwuJvdg=="),
                        MADE_MS, &token),
        0);
    assert_memory_equal(token.key, MAC_KEY, 20);
    assert_int_equal(turn_token_open(&opener, &key, SERVER, SLICE("AAxo*"), MADE_MS, &token),
                     ERR_DENIED);
}

/* Section 6.2: sealed, and for one server */
static void a_token_that_was_changed_or_is_for_another_server_is_refused(void **state)
{
    struct turn_token_key key = key_of(KEY256);
    struct turn_token token;
    char sealed[sizeof token256 - 1];
    (void)state;
    for (size_t i = 0; i < sizeof sealed; i++) {
        memcpy(sealed, token256, sizeof sealed);
        sealed[i] ^= 1;
        assert_int_equal(turn_token_open(&opener, &key, SERVER, slice_of(sealed, sizeof sealed),
                                         MADE_MS, &token),
                         ERR_DENIED);
        assert_int_equal(
            turn_token_open(&opener, &key, SERVER, slice_of(token256, i), MADE_MS, &token),
            ERR_DENIED);
    }
    assert_int_equal(turn_token_open(&opener, &key, SLICE("other.carleon.gov"),
                                     slice_of(token256, sizeof sealed), MADE_MS, &token),
                     ERR_DENIED);
    char more[sizeof token256 + 64] = {0};
    memcpy(more, token256, sizeof sealed);
    assert_int_equal(
        turn_token_open(&opener, &key, SERVER, slice_of(more, sizeof more), MADE_MS, &token),
        ERR_DENIED);
}

/* Section 7: lifetime + Delta > abs(RDnew - TS) */
static void a_token_is_taken_in_its_time_only(void **state)
{
    static const struct {
        int64_t away_ms;
        int status;
    } rows[] = {
        {0, 0},        {3604999, 0},          {3605000, ERR_STALE}, {3600000000, ERR_STALE},
        {-3604999, 0}, {-3605000, ERR_STALE},
    };
    struct turn_token_key key = key_of(KEY256);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct turn_token token;
        assert_int_equal(turn_token_open(&opener, &key, SERVER,
                                         slice_of(token256, sizeof token256 - 1),
                                         (uint64_t)((int64_t)MADE_MS + rows[i].away_ms), &token),
                         rows[i].status);
    }
}

static void keys_of_tokens_are_checked(void **state)
{
    static const char *const bad[] = {
        "",
        "k",
        "k:A256GCM",
        "k:A256GCM:",
        ":A256GCM:SEdrajMyS0pHaXV5MDk4c2RmYXFiTmpPaWF6NzE5MjM=",
        "k:A256GCM:SEdrajMyS0pHaXV5MDk4cw==",
        "k:A128GCM:SEdrajMyS0pHaXV5MDk4c2RmYXFiTmpPaWF6NzE5MjM=",
        "k:A192GCM:SEdrajMyS0pHaXV5MDk4cw==",
        "k:A128GCM:SEdrajMyS0pHaXV5MDk4c!==",
        "0123456789012345678901234567890123:A128GCM:SEdrajMyS0pHaXV5MDk4cw==",
    };
    struct turn_token_key key;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(turn_token_key_parse(slice_from_string(bad[i]), &key), ERR_SYNTAX);
}

/* ---- turn.users ---- */

static void users_are_found_by_name_and_by_hash(void **state)
{
    enum { COUNT = 50 };
    char text[COUNT][16];
    struct slice lines[COUNT];
    struct turn_users users;
    (void)state;
    for (unsigned i = 0; i < COUNT; i++)
        lines[i] =
            slice_of(text[i], (size_t)snprintf(text[i], sizeof text[i], "u%u:p", i * 11 % 49));
    assert_int_equal(turn_users_init(&users, &hasher, SLICE("r"), lines, COUNT), 0);
    assert_int_equal(users.count, 49); /* u0 stands there twice */
    for (unsigned i = 0; i < 49; i++) {
        char name[8];
        uint8_t hash[TURN_USERHASH_SIZE];
        struct slice wanted = slice_of(name, (size_t)snprintf(name, sizeof name, "u%u", i));
        const struct turn_user *user = turn_users_find(&users, wanted);
        assert_non_null(user);
        assert_true(slice_equal(user->name, wanted));
        assert_int_equal(turn_userhash_make(&hasher, wanted, SLICE("r"), hash), 0);
        assert_ptr_equal(turn_users_find_hash(&users, hash), user);
    }
    assert_null(turn_users_find(&users, SLICE("u")));
    assert_null(turn_users_find(&users, SLICE("u49")));
    turn_users_done(&users);
    assert_int_equal(turn_users_init(&users, &hasher, SLICE("r"), NULL, 0), 0);
    assert_null(turn_users_find(&users, SLICE("u1")));
    turn_users_done(&users);
}

static void of_two_lines_with_one_name_the_last_counts(void **state)
{
    const struct slice lines[] = {SLICE("a:first"), SLICE("b:x"), SLICE("a:second")};
    struct turn_users users;
    uint8_t key[32];
    (void)state;
    assert_int_equal(turn_users_init(&users, &hasher, SLICE("r"), lines, 3), 0);
    assert_int_equal(
        turn_key_make(&hasher, TURN_SHA256, SLICE("a"), SLICE("r"), SLICE("second"), key), 0);
    assert_memory_equal(turn_users_find(&users, SLICE("a"))->sha256, key, 32);
    turn_users_done(&users);
}

static void a_line_without_name_or_password_is_refused(void **state)
{
    static const char *const bad[] = {"", ":", "a", "a:", ":p"};
    struct turn_users users;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct slice line = slice_from_string(bad[i]);
        assert_int_equal(turn_users_init(&users, &hasher, SLICE("r"), &line, 1), ERR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_of_the_rfc_example),
        cmocka_unit_test(the_sample_with_long_term_credentials_is_signed_with_the_key),
        cmocka_unit_test(the_sample_with_userhash_has_our_hash_and_key),
        cmocka_unit_test(the_sample_tokens_are_opened),
        cmocka_unit_test(a_token_in_base64_is_opened),
        cmocka_unit_test(a_token_that_was_changed_or_is_for_another_server_is_refused),
        cmocka_unit_test(a_token_is_taken_in_its_time_only),
        cmocka_unit_test(keys_of_tokens_are_checked),
        cmocka_unit_test(users_are_found_by_name_and_by_hash),
        cmocka_unit_test(of_two_lines_with_one_name_the_last_counts),
        cmocka_unit_test(a_line_without_name_or_password_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
