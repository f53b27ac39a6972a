/* Changes and lists of accounts: for the command line, seldom used. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "service/account/internal.h"

#define PASSWORD_KINDS "abcdefghijkmnpqrstuvwxyz23456789" /* 32: a random byte gives one evenly */

/* Both forms that a phone may send: the user alone, and user@domain. */
static int make_digests(const struct accounts *accounts, const struct account_name *name,
                        struct slice password, struct store_account *account)
{
    if (password.len == 0 || password.len > ACCOUNT_PASSWORD_MAX)
        return ERR_RANGE;
    struct slice user = slice_of(name->text, name->user_length);
    struct account_name full = *name;
    bool has_full = name->length > name->user_length;
    if (!has_full)
        has_full = account_name_make(user, accounts_realm(accounts), &full) == 0;
    int status = account_digest_make(&accounts->digest, user, accounts_realm(accounts), password,
                                     &account->user);
    /* A realm that is no domain: nobody can send that form. */
    account->full = account->user;
    if (status == 0 && has_full)
        status = account_digest_make(&accounts->digest, account_name_slice(&full),
                                     accounts_realm(accounts), password, &account->full);
    return status;
}

static bool exists(struct accounts *accounts, const struct account_name *name,
                   int64_t *ret_created_ms)
{
    struct slice text = account_name_slice(name);
    uint64_t hash = hash_slice(&accounts->key, text);
    struct account_stripe *stripe = account_stripe_lock(accounts, hash);
    const struct account *account = account_find(stripe, hash, text);
    if (account != NULL)
        *ret_created_ms = account->created_ms;
    account_stripe_unlock(stripe);
    return account != NULL;
}

int accounts_add(struct accounts *accounts, struct slice name, struct slice password)
{
    struct account_name parsed;
    int status = account_name_parse(name, &parsed);
    if (status < 0)
        return status;
    struct store_account account = {.name = account_name_slice(&parsed),
                                    .realm = accounts_realm(accounts),
                                    .created_ms = (int64_t)clock_wall_ms()};
    status = make_digests(accounts, &parsed, password, &account);
    if (status < 0)
        return status;
    int64_t created_ms;
    pthread_mutex_lock(&accounts->change);
    status = exists(accounts, &parsed, &created_ms) ? ERR_EXISTS : 0;
    if (status == 0)
        status = store_account_put(accounts->store, &account);
    if (status == 0) {
        status = account_insert(accounts, &account, true);
        if (status < 0)
            store_account_remove(accounts->store, account.name);
    }
    pthread_mutex_unlock(&accounts->change);
    return status;
}

/* The new digests into the table. */
static void renew(struct accounts *accounts, const struct store_account *from)
{
    uint64_t hash = hash_slice(&accounts->key, from->name);
    struct account_stripe *stripe = account_stripe_lock(accounts, hash);
    struct account *account = account_find(stripe, hash, from->name);
    account->user = from->user;
    account->full = from->full;
    atomic_fetch_sub(&accounts->of_other_realms, !account->usable);
    account->usable = true;
    account_stripe_unlock(stripe);
}

int accounts_set_password(struct accounts *accounts, struct slice name, struct slice password)
{
    struct account_name parsed;
    if (account_name_parse(name, &parsed) < 0)
        return ERR_NOT_FOUND;
    struct store_account account = {.name = account_name_slice(&parsed),
                                    .realm = accounts_realm(accounts)};
    int status = make_digests(accounts, &parsed, password, &account);
    pthread_mutex_lock(&accounts->change);
    if (!exists(accounts, &parsed, &account.created_ms))
        status = ERR_NOT_FOUND;
    if (status == 0)
        status = store_account_put(accounts->store, &account);
    if (status == 0)
        renew(accounts, &account);
    pthread_mutex_unlock(&accounts->change);
    return status;
}

int accounts_remove(struct accounts *accounts, struct slice name)
{
    struct account_name parsed;
    if (account_name_parse(name, &parsed) < 0)
        return ERR_NOT_FOUND;
    struct slice text = account_name_slice(&parsed);
    pthread_mutex_lock(&accounts->change);
    int status = store_account_remove(accounts->store, text);
    if (status == 0) {
        uint64_t hash = hash_slice(&accounts->key, text);
        struct account_stripe *stripe = account_stripe_lock(accounts, hash);
        struct account *account = account_find(stripe, hash, text);
        if (account != NULL)
            table_remove(&stripe->table, &account->node);
        account_stripe_unlock(stripe);
        if (account != NULL) {
            atomic_fetch_sub(&accounts->count, 1);
            atomic_fetch_sub(&accounts->of_other_realms, !account->usable);
            atomic_fetch_sub(&accounts->with_domain, account_has_domain(account));
            account_hashes_remove(accounts, text);
        }
        memory_free(account);
    }
    pthread_mutex_unlock(&accounts->change);
    return status;
}

/* A list of all accounts, made under the locks and shown without them. */
struct entry {
    int64_t created_ms;
    uint8_t length;
    char name[ACCOUNT_NAME_MAX];
};

struct listing {
    struct entry *entries;
    size_t count;
};

static void list_one(struct table_node *node, void *user)
{
    struct listing *listing = user;
    const struct account *account = container_of(node, struct account, node);
    struct entry *entry = &listing->entries[listing->count++];
    entry->created_ms = account->created_ms;
    entry->length = account->name_length;
    memcpy(entry->name, account->name, account->name_length);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return slice_compare(slice_of(x->name, x->length), slice_of(y->name, y->length));
}

int accounts_each(struct accounts *accounts,
                  void (*visit)(void *user, struct slice name, int64_t created_ms), void *user)
{
    struct listing listing = {0};
    pthread_mutex_lock(&accounts->change);
    listing.entries = memory_alloc((accounts_count(accounts) + 1) * sizeof *listing.entries);
    if (listing.entries != NULL) {
        for (unsigned i = 0; i < ACCOUNT_STRIPES; i++) {
            pthread_mutex_lock(&accounts->stripes[i].lock);
            table_each(&accounts->stripes[i].table, list_one, &listing);
            pthread_mutex_unlock(&accounts->stripes[i].lock);
        }
    }
    pthread_mutex_unlock(&accounts->change);
    if (listing.entries == NULL)
        return ERR_NO_MEMORY;
    qsort(listing.entries, listing.count, sizeof *listing.entries, compare_entries);
    for (size_t i = 0; i < listing.count; i++)
        visit(user, slice_of(listing.entries[i].name, listing.entries[i].length),
              listing.entries[i].created_ms);
    memory_free(listing.entries);
    return 0;
}

int account_password_make(char *buf)
{
    static const char kinds[] = PASSWORD_KINDS;
    uint8_t bytes[ACCOUNT_PASSWORD_LENGTH];
    int status = random_secret(bytes, sizeof bytes);
    if (status < 0)
        return status;
    for (unsigned i = 0; i < ACCOUNT_PASSWORD_LENGTH; i++)
        buf[i] = kinds[bytes[i] % (sizeof kinds - 1)];
    buf[ACCOUNT_PASSWORD_LENGTH] = '\0';
    return 0;
}
