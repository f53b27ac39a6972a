#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/error.h"
#include "base/memory.h"
#include "unit/store/fixture.h"

#include <cmocka.h>

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_new_store_is_for_its_owner_only(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    mode_t before = umask(0);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    store_fixture_wait(&f, store_fixture_put(&f, 1, 1, 0));
    umask(before);
    const char *const suffixes[] = {"", "-wal", "-shm"};
    for (unsigned i = 0; i < 3; i++) {
        char path[128];
        struct stat info;
        snprintf(path, sizeof path, "%s%s", f.path, suffixes[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    store_fixture_done(&f);
}

static void a_store_in_use_is_refused_to_another_process(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store_options options = {.path = f.path, .log = &f.log};
        struct store *store;
        _exit(store_open(&options, &store) == ERR_BUSY ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    /* What the child closed must not have taken our own lock away. */
    struct store *second;
    struct store_options options = {.path = f.path, .log = &f.log};
    assert_int_equal(store_open(&options, &second), ERR_BUSY);
    store_fixture_close(&f);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    store_fixture_done(&f);
}

static void what_is_not_ours_is_refused_and_left_alone(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    run_sql(f.path, "CREATE TABLE holidays (day TEXT)");
    assert_int_equal(store_fixture_open(&f, -1), ERR_INVALID);
    assert_true(store_fixture_logged(&f, "database of another program"));
    run_sql(f.path, "INSERT INTO holidays VALUES ('1 May')");
    assert_int_equal(unlink(f.path), 0);

    write_file(f.path, "Dear diary, this is a long text that is no database at all.");
    assert_int_equal(store_fixture_open(&f, -1), ERR_INVALID);
    assert_true(store_fixture_logged(&f, "not a database"));
    struct stat info;
    assert_int_equal(stat(f.path, &info), 0);
    assert_int_equal(info.st_size, 59);
    store_fixture_done(&f);
}

/* Version 1 did not know whose phone has GRUUs. */
static void an_older_version_is_brought_up_to_date(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    store_fixture_wait(&f, store_fixture_put(&f, 1, 7, 0));
    store_fixture_close(&f);
    run_sql(f.path, "ALTER TABLE binding DROP COLUMN gruu; PRAGMA user_version = 1");
    assert_int_equal(store_fixture_open(&f, -1), 0);
    const struct store_read *read = store_fixture_read(&f, T0);
    assert_int_equal(read->count, 1);
    assert_int_equal(read->cseq[1], 7);
    store_fixture_done(&f);
}

static void a_newer_version_is_refused(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    store_fixture_close(&f);
    run_sql(f.path, "PRAGMA user_version = 99");
    assert_int_equal(store_fixture_open(&f, -1), ERR_INVALID);
    assert_true(store_fixture_logged(&f, "newer version (schema 99"));
    store_fixture_done(&f);
}

static void a_path_that_cannot_be_opened_says_why(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    char good[96];
    memcpy(good, f.path, sizeof good);
    snprintf(f.path, sizeof f.path, "%s/no/store.db", f.directory);
    assert_int_equal(store_fixture_open(&f, -1), ERR_IO);
    assert_true(store_fixture_logged(&f, "No such file or directory"));
    snprintf(f.path, sizeof f.path, "%s", f.directory);
    assert_int_equal(store_fixture_open(&f, -1), ERR_IO);
    assert_true(store_fixture_logged(&f, "Is a directory"));
    memcpy(f.path, good, sizeof good);
    store_fixture_done(&f);
}

static void a_file_that_others_can_read_is_reported(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    assert_false(store_fixture_logged(&f, "read by others"));
    store_fixture_close(&f);
    assert_int_equal(chmod(f.path, 0644), 0);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    assert_true(store_fixture_logged(&f, "read by others"));
    store_fixture_done(&f);
}

static void a_secret_is_made_once_and_kept(void **state)
{
    (void)state;
    struct store_fixture f;
    uint8_t first[32], second[32], other[32], longer[33];
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    assert_int_equal(store_secret(f.store, "nonce", first, sizeof first), 0);
    store_fixture_close(&f);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    assert_int_equal(store_secret(f.store, "nonce", second, sizeof second), 0);
    assert_memory_equal(first, second, sizeof first);
    assert_int_equal(store_secret(f.store, "other", other, sizeof other), 0);
    assert_memory_not_equal(first, other, sizeof first);
    assert_int_equal(store_secret(f.store, "nonce", longer, sizeof longer), ERR_INVALID);
    store_fixture_done(&f);
}

static int append_name(void *user, const struct store_account *account)
{
    char *names = user;
    size_t used = strlen(names);
    snprintf(names + used, 128 - used, "%.*s/%.*s/%02x%02x%02x%02x/%d ", SLICE_ARG(account->name),
             SLICE_ARG(account->realm), account->user.md5[0], account->user.sha256[31],
             account->full.md5[15], account->full.sha256[0], (int)account->created_ms);
    return account->created_ms == 3 ? -99 : 0;
}

static void accounts_are_kept_by_name(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    struct store_account account = {
        .name = SLICE("bob@example.com"), .realm = SLICE("example.com"), .created_ms = 1};
    account.user.md5[0] = 0xa1;
    account.user.sha256[31] = 0xb2;
    account.full.md5[15] = 0xc3;
    account.full.sha256[0] = 0xd4;
    assert_int_equal(store_account_put(f.store, &account), 0);
    account.name = SLICE("alice");
    account.created_ms = 9;
    assert_int_equal(store_account_put(f.store, &account), 0);
    account.created_ms = 2;
    assert_int_equal(store_account_put(f.store, &account), 0);
    store_fixture_close(&f);
    assert_int_equal(store_fixture_open(&f, -1), 0);
    char names[128] = "";
    assert_int_equal(store_accounts_each(f.store, append_name, names), 0);
    assert_string_equal(names,
                        "alice/example.com/a1b2c3d4/2 bob@example.com/example.com/a1b2c3d4/1 ");
    account.name = SLICE("aaron");
    account.created_ms = 3;
    assert_int_equal(store_account_put(f.store, &account), 0);
    names[0] = '\0';
    assert_int_equal(store_accounts_each(f.store, append_name, names), -99);
    assert_string_equal(names, "aaron/example.com/a1b2c3d4/3 ");
    assert_int_equal(store_account_remove(f.store, SLICE("aaron")), 0);
    assert_int_equal(store_account_remove(f.store, SLICE("aaron")), ERR_NOT_FOUND);
    store_fixture_done(&f);
}

static void a_store_in_memory_keeps_accounts_and_takes_no_bindings(void **state)
{
    (void)state;
    struct store_fixture f;
    store_fixture_init(&f);
    char path[96];
    memcpy(path, f.path, sizeof path);
    snprintf(f.path, sizeof f.path, ":memory:");
    assert_int_equal(store_fixture_open(&f, 0), 0);
    assert_int_equal(store_fixture_put(&f, 1, 1, 0), 0);
    assert_int_equal(store_fixture_read(&f, T0)->count, 0);
    struct store_account account = {.name = SLICE("alice"), .realm = SLICE("a")};
    assert_int_equal(store_account_put(f.store, &account), 0);
    char names[128] = "";
    assert_int_equal(store_accounts_each(f.store, append_name, names), 0);
    assert_string_equal(names, "alice/a/00000000/0 ");
    memcpy(f.path, path, sizeof path);
    store_fixture_done(&f);
}

static void out_of_memory_while_opening_leaves_nothing(void **state)
{
    (void)state;
    struct store_fixture f;
    size_t n = 0;
    bool hit;
    store_fixture_init(&f);
    assert_int_equal(store_fixture_open(&f, 0), 0);
    store_fixture_wait(&f, store_fixture_put(&f, 1, 1, 0));
    store_fixture_close(&f);
    do {
        memory_fail_after(n++);
        int status = store_fixture_open(&f, 0);
        hit = memory_fail_hit();
        assert_int_equal(status, hit ? ERR_NO_MEMORY : 0);
        store_fixture_close(&f);
    } while (hit);
    assert_true(!MEMORY_FAULTS || n > 3);
    store_fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_store_is_for_its_owner_only),
        cmocka_unit_test(a_store_in_use_is_refused_to_another_process),
        cmocka_unit_test(what_is_not_ours_is_refused_and_left_alone),
        cmocka_unit_test(an_older_version_is_brought_up_to_date),
        cmocka_unit_test(a_newer_version_is_refused),
        cmocka_unit_test(a_path_that_cannot_be_opened_says_why),
        cmocka_unit_test(a_file_that_others_can_read_is_reported),
        cmocka_unit_test(a_secret_is_made_once_and_kept),
        cmocka_unit_test(accounts_are_kept_by_name),
        cmocka_unit_test(a_store_in_memory_keeps_accounts_and_takes_no_bindings),
        cmocka_unit_test(out_of_memory_while_opening_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
