/* label: threads */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/error.h"
#include "base/memory.h"
#include "service/account/account.h"

#include <cmocka.h>

static struct store *open_store(const char *path)
{
    struct store *store;
    struct store_options options = {.path = path};
    assert_int_equal(store_open(&options, &store), 0);
    return store;
}

static struct accounts *open_accounts(struct store *store, const char *realm)
{
    struct accounts *accounts;
    assert_int_equal(accounts_new(store, slice_from_string(realm), &accounts), 0);
    return accounts;
}

/* HA1 as hexadecimal text, or "none". */
static const char *ha1_of(struct accounts *accounts, const char *user, const char *domain,
                          unsigned algorithm)
{
    static char text[65];
    uint8_t ha1[32];
    if (accounts_ha1(accounts, slice_from_string(user), slice_from_string(domain), algorithm, ha1) <
        0)
        return "none";
    for (unsigned i = 0; i < (algorithm == 0 ? 16 : 32); i++)
        snprintf(text + 2 * i, 3, "%02x", ha1[i]);
    return text;
}

#define MUFASA_MD5    "3d78807defe7de2157e2b0b6573a855f"
#define MUFASA_SHA256 "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"

/* RFC 7616 section 3.9.1 gives username, realm and password; the hashes are of printf | md5sum and
 * printf | sha256sum. */
static void digests_are_those_of_the_rfc_example(void **state)
{
    (void)state;
    struct store *store = open_store(":memory:");
    struct accounts *accounts = open_accounts(store, "http-auth@example.org");
    assert_int_equal(accounts_add(accounts, SLICE("Mufasa"), SLICE("Circle of Life")), 0);
    assert_string_equal(ha1_of(accounts, "Mufasa", "example.org", 0), MUFASA_MD5);
    assert_string_equal(ha1_of(accounts, "Mufasa", "example.org", 1), MUFASA_SHA256);
    assert_string_equal(ha1_of(accounts, "Mufasa", "example.org", 2), "none");
    assert_string_equal(ha1_of(accounts, "mufasa", "example.org", 0), "none");
    accounts_free(accounts);
    store_close(store);
}

#define MD5_SHORT "b1726872c344b6dc8365b774f8fd6412"
#define MD5_FULL  "c79656e4f06dbae9fdf6727654273c65"
#define MD5_OTHER "2d34081271a883aef5f864df85802c3f"

static void a_phone_may_send_its_user_with_or_without_domain(void **state)
{
    (void)state;
    struct store *store = open_store(":memory:");
    struct accounts *accounts = open_accounts(store, "example.com");
    /* For one domain. */
    assert_int_equal(accounts_add(accounts, SLICE("alice@Example.COM"), SLICE("secret")), 0);
    assert_string_equal(ha1_of(accounts, "alice", "example.com", 0), MD5_SHORT);
    assert_string_equal(ha1_of(accounts, "alice@example.com", "example.com", 0), MD5_FULL);
    assert_string_equal(ha1_of(accounts, "alice", "example.net", 0), "none");
    assert_string_equal(ha1_of(accounts, "alice@example.net", "example.com", 0), "none");
    assert_int_equal(accounts_remove(accounts, SLICE("alice@example.com")), 0);
    /* For every domain: the realm is the one that the full form may name. */
    assert_int_equal(accounts_add(accounts, SLICE("alice"), SLICE("secret")), 0);
    assert_string_equal(ha1_of(accounts, "alice", "example.net", 0), MD5_SHORT);
    assert_string_equal(ha1_of(accounts, "alice@example.com", "example.net", 0), MD5_FULL);
    assert_string_equal(ha1_of(accounts, "alice@example.net", "example.net", 0), "none");
    /* The account of the domain goes before that of every domain. */
    assert_int_equal(accounts_add(accounts, SLICE("alice@example.com"), SLICE("other")), 0);
    assert_string_equal(ha1_of(accounts, "alice", "EXAMPLE.com", 0), MD5_OTHER);
    assert_string_equal(ha1_of(accounts, "alice", "example.net", 0), MD5_SHORT);
    accounts_free(accounts);
    store_close(store);
}

static void known_says_whether_there_is_an_account(void **state)
{
    (void)state;
    struct store *store = open_store(":memory:");
    struct accounts *accounts = open_accounts(store, "example.com");
    assert_int_equal(accounts_add(accounts, SLICE("alice"), SLICE("x")), 0);
    assert_int_equal(accounts_add(accounts, SLICE("bob@example.com"), SLICE("x")), 0);
    assert_true(accounts_known(accounts, SLICE("alice"), SLICE("anywhere.org")));
    assert_true(accounts_known(accounts, SLICE("bob"), SLICE("Example.com")));
    assert_false(accounts_known(accounts, SLICE("bob"), SLICE("example.net")));
    assert_false(accounts_known(accounts, SLICE("Alice"), SLICE("example.com")));
    assert_false(accounts_known(accounts, SLICE(""), SLICE("example.com")));
    /* A domain that can be in no account's name. */
    assert_true(accounts_known(accounts, SLICE("alice"), SLICE("[2001:db8::1]")));
    assert_false(accounts_known(accounts, SLICE("bob"), SLICE("[2001:db8::1]")));
    accounts_free(accounts);
    store_close(store);
}

static void names_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct store *store = open_store(":memory:");
    struct accounts *accounts = open_accounts(store, "example.com");
    static const char *const bad[] = {"",     "a b",  "a:b", "a@",  "@b",    "a@b@c", "a\"b",
                                      "a\\b", "a\nb", "a<b", "a>b", "a@b c", "a@b/c", "a\x7f"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(accounts_add(accounts, slice_from_string(bad[i]), SLICE("x")), ERR_SYNTAX);
    char longest[ACCOUNT_NAME_MAX + 1];
    memset(longest, 'a', sizeof longest);
    assert_int_equal(accounts_add(accounts, slice_of(longest, sizeof longest), SLICE("x")),
                     ERR_SYNTAX);
    assert_int_equal(accounts_add(accounts, slice_of(longest, sizeof longest - 1), SLICE("x")), 0);
    assert_int_equal(accounts_add(accounts, SLICE("+4930#12*;a=b,\xc3\xa4"), SLICE("x")), 0);
    assert_int_equal(accounts_add(accounts, SLICE("alice"), SLICE("")), ERR_RANGE);
    assert_int_equal(accounts_count(accounts), 2);
    accounts_free(accounts);
    store_close(store);
}

static void append_name(void *user, struct slice name, int64_t created_ms)
{
    char *names = user;
    assert_true(created_ms > 1600000000000);
    size_t used = strlen(names);
    snprintf(names + used, 128 - used, "%.*s ", SLICE_ARG(name));
}

static void accounts_survive_and_change(void **state)
{
    (void)state;
    char directory[] = "/tmp/trapezoid-account-XXXXXX", path[64], command[80];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/store.db", directory);
    struct store *store = open_store(path);
    struct accounts *accounts = open_accounts(store, "example.com");
    assert_int_equal(accounts_add(accounts, SLICE("bob"), SLICE("first")), 0);
    assert_int_equal(accounts_add(accounts, SLICE("alice"), SLICE("secret")), 0);
    assert_int_equal(accounts_add(accounts, SLICE("carol"), SLICE("x")), 0);
    assert_int_equal(accounts_add(accounts, SLICE("bob"), SLICE("x")), ERR_EXISTS);
    assert_int_equal(accounts_set_password(accounts, SLICE("dora"), SLICE("x")), ERR_NOT_FOUND);
    assert_int_equal(accounts_set_password(accounts, SLICE("bob"), SLICE("second")), 0);
    assert_int_equal(accounts_remove(accounts, SLICE("carol")), 0);
    assert_int_equal(accounts_remove(accounts, SLICE("carol")), ERR_NOT_FOUND);
    char second[65];
    snprintf(second, sizeof second, "%s", ha1_of(accounts, "bob", "a", 1));
    accounts_free(accounts);
    store_close(store);

    store = open_store(path);
    accounts = open_accounts(store, "example.com");
    char names[128] = "";
    assert_int_equal(accounts_each(accounts, append_name, names), 0);
    assert_string_equal(names, "alice bob ");
    assert_string_equal(ha1_of(accounts, "bob", "a", 1), second);
    assert_string_equal(ha1_of(accounts, "alice", "a", 0), MD5_SHORT);
    accounts_free(accounts);

    /* Another realm: known, but no digest fits until there is a new password. */
    accounts = open_accounts(store, "example.net");
    assert_int_equal(accounts_count_of_other_realms(accounts), 2);
    assert_true(accounts_known(accounts, SLICE("alice"), SLICE("a")));
    assert_string_equal(ha1_of(accounts, "alice", "a", 0), "none");
    assert_int_equal(accounts_set_password(accounts, SLICE("alice"), SLICE("secret")), 0);
    assert_int_equal(accounts_count_of_other_realms(accounts), 1);
    assert_string_not_equal(ha1_of(accounts, "alice", "a", 0), "none");
    assert_int_equal(accounts_remove(accounts, SLICE("bob")), 0);
    assert_int_equal(accounts_count_of_other_realms(accounts), 0);
    accounts_free(accounts);
    store_close(store);
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (unsigned i = 0; i < 3; i++) {
        snprintf(command, sizeof command, "%s%s", path, suffixes[i]);
        unlink(command);
    }
    assert_int_equal(rmdir(directory), 0);
}

static void a_made_password_can_be_typed(void **state)
{
    (void)state;
    char one[ACCOUNT_PASSWORD_LENGTH + 1], two[ACCOUNT_PASSWORD_LENGTH + 1];
    unsigned seen[256] = {0};
    for (unsigned i = 0; i < 2000; i++) {
        assert_int_equal(account_password_make(one), 0);
        assert_int_equal(strlen(one), ACCOUNT_PASSWORD_LENGTH);
        for (unsigned c = 0; c < ACCOUNT_PASSWORD_LENGTH; c++)
            seen[(unsigned char)one[c]]++;
    }
    assert_int_equal(account_password_make(two), 0);
    assert_string_not_equal(one, two);
    unsigned kinds = 0;
    for (unsigned c = 0; c < 256; c++) {
        /* 1,250 of each of 32 kinds are to be expected. */
        assert_true(seen[c] == 0 || (seen[c] > 1000 && seen[c] < 1500));
        kinds += seen[c] != 0;
    }
    assert_int_equal(kinds, 32);
    assert_true(seen['l'] == 0 && seen['o'] == 0 && seen['0'] == 0 && seen['1'] == 0);
}

/* The name of a hash of text, or "nobody". */
static const char *name_of(struct accounts *accounts, const char *text)
{
    static char buf[ACCOUNT_NAME_MAX + 1];
    uint8_t hash[ACCOUNT_USERHASH_SIZE];
    size_t length;
    assert_int_equal(EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL), 1);
    if (accounts_name_of_hash(accounts, hash, buf, &length) < 0)
        return "nobody";
    buf[length] = '\0';
    return buf;
}

/* RFC 8489 section 14.4 */
static void names_are_found_by_their_hash(void **state)
{
    (void)state;
    struct store *store = open_store(":memory:");
    struct accounts *accounts = open_accounts(store, "example.org");
    assert_int_equal(accounts_add(accounts, SLICE("alice"), SLICE("x")), 0);
    assert_string_equal(name_of(accounts, "alice:example.org"), "nobody");
    assert_int_equal(accounts_keep_hashes(accounts), 0);
    assert_int_equal(accounts_keep_hashes(accounts), 0);
    assert_string_equal(name_of(accounts, "alice:example.org"), "alice");
    assert_string_equal(name_of(accounts, "alice@example.org:example.org"), "alice@example.org");
    assert_string_equal(name_of(accounts, "alice:example.com"), "nobody");
    assert_string_equal(name_of(accounts, "bob:example.org"), "nobody");
    /* Two accounts, one user part. */
    assert_int_equal(accounts_add(accounts, SLICE("bob@a.example"), SLICE("x")), 0);
    assert_int_equal(accounts_add(accounts, SLICE("bob@b.example"), SLICE("x")), 0);
    assert_string_equal(name_of(accounts, "bob:example.org"), "bob");
    assert_string_equal(name_of(accounts, "bob@b.example:example.org"), "bob@b.example");
    assert_int_equal(accounts_remove(accounts, SLICE("bob@b.example")), 0);
    assert_string_equal(name_of(accounts, "bob@b.example:example.org"), "nobody");
    assert_string_equal(name_of(accounts, "bob:example.org"), "bob");
    assert_int_equal(accounts_remove(accounts, SLICE("bob@a.example")), 0);
    assert_string_equal(name_of(accounts, "bob:example.org"), "nobody");
    assert_string_equal(name_of(accounts, "alice:example.org"), "alice");
    accounts_free(accounts);
    store_close(store);
}

static void out_of_memory_changes_nothing(void **state)
{
    (void)state;
    struct store *store = open_store(":memory:");
    size_t n = 0;
    bool hit;
    do {
        struct accounts *accounts = NULL;
        memory_fail_after(n++);
        int status = accounts_new(store, SLICE("example.com"), &accounts);
        if (status == 0)
            status = accounts_keep_hashes(accounts);
        if (status == 0)
            status = accounts_add(accounts, SLICE("alice"), SLICE("x"));
        hit = memory_fail_hit();
        assert_int_equal(status, hit ? ERR_NO_MEMORY : 0);
        accounts_free(accounts);
    } while (hit);
    accounts_free(NULL);
    store_close(store);
}

struct shared {
    struct accounts *accounts;
    _Atomic bool stop;
    _Atomic unsigned wrong;
};

/* The account always has one of two passwords. */
static void *look_up(void *user)
{
    struct shared *shared = user;
    uint8_t ha1[16], hash[ACCOUNT_USERHASH_SIZE];
    char name[ACCOUNT_NAME_MAX];
    size_t length;
    static const char text[] = "alice:example.com";
    assert_int_equal(EVP_Digest(text, sizeof text - 1, hash, NULL, EVP_sha256(), NULL), 1);
    while (!atomic_load(&shared->stop)) {
        int status = accounts_ha1(shared->accounts, SLICE("alice"), SLICE("a"), 0, ha1);
        if (status != 0 || (ha1[0] != 0xb1 && ha1[0] != 0x2d))
            atomic_fetch_add(&shared->wrong, 1);
        accounts_known(shared->accounts, SLICE("u7"), SLICE("a"));
        if (accounts_name_of_hash(shared->accounts, hash, name, &length) == 0 &&
            !slice_equal(slice_of(name, length), SLICE("alice")))
            atomic_fetch_add(&shared->wrong, 1);
    }
    return NULL;
}

static void lookups_go_on_while_accounts_change(void **state)
{
    (void)state;
    struct store *store = open_store(":memory:");
    struct shared shared = {.accounts = open_accounts(store, "example.com")};
    pthread_t threads[3];
    char name[16];
    assert_int_equal(accounts_add(shared.accounts, SLICE("alice"), SLICE("secret")), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up, &shared), 0);
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "u%u", i % 100);
        if (i == 1000)
            assert_int_equal(accounts_keep_hashes(shared.accounts), 0);
        accounts_add(shared.accounts, slice_from_string(name), SLICE("x"));
        if (i % 3 == 0)
            accounts_remove(shared.accounts, slice_from_string(name));
        assert_int_equal(accounts_set_password(shared.accounts, SLICE("alice"),
                                               i % 2 ? SLICE("secret") : SLICE("other")),
                         0);
    }
    atomic_store(&shared.stop, true);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.wrong, 0);
    accounts_free(shared.accounts);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_rfc_example),
        cmocka_unit_test(a_phone_may_send_its_user_with_or_without_domain),
        cmocka_unit_test(known_says_whether_there_is_an_account),
        cmocka_unit_test(names_that_cannot_be_are_refused),
        cmocka_unit_test(accounts_survive_and_change),
        cmocka_unit_test(a_made_password_can_be_typed),
        cmocka_unit_test(names_are_found_by_their_hash),
        cmocka_unit_test(out_of_memory_changes_nothing),
        cmocka_unit_test(lookups_go_on_while_accounts_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
