#include "service/account/account.h"

#include "base/error.h"
#include "base/memory.h"
#include "service/account/internal.h"

#define STRIPE_LEAST 4

static bool has_name(const struct table_node *node, const void *key)
{
    const struct account *account = (const void *)node;
    return slice_equal(account_name_of(account), *(const struct slice *)key);
}

struct account_stripe *account_stripe_lock(struct accounts *accounts, uint64_t hash)
{
    struct account_stripe *stripe = &accounts->stripes[hash >> 58];
    pthread_mutex_lock(&stripe->lock);
    return stripe;
}

void account_stripe_unlock(struct account_stripe *stripe)
{
    pthread_mutex_unlock(&stripe->lock);
}

struct account *account_find(const struct account_stripe *stripe, uint64_t hash, struct slice name)
{
    struct table_node *node = table_find(&stripe->table, hash, has_name, &name);
    return node == NULL ? NULL : container_of(node, struct account, node);
}

int account_insert(struct accounts *accounts, const struct store_account *from, bool usable)
{
    struct account *account = memory_zalloc(1, sizeof *account + from->name.len);
    if (account == NULL || account_hashes_add(accounts, from->name) < 0) {
        memory_free(account);
        return ERR_NO_MEMORY;
    }
    account->user = from->user;
    account->full = from->full;
    account->created_ms = from->created_ms;
    account->usable = usable;
    account->name_length = (uint8_t)from->name.len;
    memcpy(account->name, from->name.ptr, from->name.len);
    atomic_fetch_add(&accounts->with_domain, account_has_domain(account));
    uint64_t hash = hash_slice(&accounts->key, from->name);
    struct account_stripe *stripe = account_stripe_lock(accounts, hash);
    table_add(&stripe->table, &account->node, hash);
    account_stripe_unlock(stripe);
    atomic_fetch_add(&accounts->count, 1);
    atomic_fetch_add(&accounts->of_other_realms, !usable);
    return 0;
}

static int load(void *user, const struct store_account *account)
{
    struct accounts *accounts = user;
    struct account_name name;
    /* What was put into the file by hand may be no name at all: it can be nobody's. */
    if (account_name_parse(account->name, &name) < 0 ||
        !slice_equal(account_name_slice(&name), account->name))
        return 0;
    return account_insert(accounts, account, slice_equal(account->realm, accounts_realm(accounts)));
}

int accounts_new(struct store *store, struct slice realm, struct accounts **ret_accounts)
{
    struct accounts *accounts = memory_zalloc(1, sizeof *accounts + realm.len);
    if (accounts == NULL)
        return ERR_NO_MEMORY;
    accounts->store = store;
    accounts->realm_length = realm.len;
    memcpy(accounts->realm, realm.ptr, realm.len);
    pthread_mutex_init(&accounts->change, NULL);
    account_hashes_init(&accounts->hashes);
    for (unsigned i = 0; i < ACCOUNT_STRIPES; i++)
        pthread_mutex_init(&accounts->stripes[i].lock, NULL);
    int status = random_secret(&accounts->key, sizeof accounts->key);
    if (status == 0)
        status = account_digest_init(&accounts->digest);
    for (unsigned i = 0; i < ACCOUNT_STRIPES && status == 0; i++)
        status = table_init(&accounts->stripes[i].table, STRIPE_LEAST);
    if (status == 0)
        status = store_accounts_each(store, load, accounts);
    if (status < 0) {
        accounts_free(accounts);
        return status;
    }
    *ret_accounts = accounts;
    return 0;
}

static void free_account(struct table_node *node, void *user)
{
    struct table *table = user;
    table_remove(table, node);
    memory_free(container_of(node, struct account, node));
}

void accounts_free(struct accounts *accounts)
{
    if (accounts == NULL)
        return;
    for (unsigned i = 0; i < ACCOUNT_STRIPES; i++) {
        struct account_stripe *stripe = &accounts->stripes[i];
        if (stripe->table.buckets != NULL) {
            table_each(&stripe->table, free_account, &stripe->table);
            table_done(&stripe->table);
        }
        pthread_mutex_destroy(&stripe->lock);
    }
    account_hashes_done(&accounts->hashes);
    pthread_mutex_destroy(&accounts->change);
    account_digest_done(&accounts->digest);
    memory_free(accounts);
}

size_t accounts_count(const struct accounts *accounts)
{
    return atomic_load(&accounts->count);
}

size_t accounts_count_of_other_realms(const struct accounts *accounts)
{
    return atomic_load(&accounts->of_other_realms);
}

/* Copies the account's digests. ERR_NOT_FOUND when there is no such account. */
static int look_up(struct accounts *accounts, const struct account_name *name, bool full,
                   bool *ret_usable, struct store_ha1 *ret_ha1)
{
    struct slice text = account_name_slice(name);
    uint64_t hash = hash_slice(&accounts->key, text);
    struct account_stripe *stripe = account_stripe_lock(accounts, hash);
    const struct account *account = account_find(stripe, hash, text);
    if (account != NULL) {
        *ret_usable = account->usable;
        *ret_ha1 = full ? account->full : account->user;
    }
    account_stripe_unlock(stripe);
    return account == NULL ? ERR_NOT_FOUND : 0;
}

/* The account of user at domain, else the one of user in every domain. */
static int look_up_at(struct accounts *accounts, struct slice user, struct slice domain,
                      bool *ret_usable, struct store_ha1 *ret_ha1)
{
    struct account_name name;
    int status = ERR_NOT_FOUND;
    if (atomic_load_explicit(&accounts->with_domain, memory_order_relaxed) > 0)
        status = account_name_make(user, domain, &name);
    if (status == 0)
        status = look_up(accounts, &name, false, ret_usable, ret_ha1);
    if (status == 0)
        return 0;
    status = account_name_make(user, SLICE_NULL, &name);
    return status < 0 ? status : look_up(accounts, &name, false, ret_usable, ret_ha1);
}

/* username is user@domain. */
static int look_up_full(struct accounts *accounts, struct slice username, bool *ret_usable,
                        struct store_ha1 *ret_ha1)
{
    struct account_name name;
    int status = account_name_parse(username, &name);
    if (status == 0)
        status = look_up(accounts, &name, true, ret_usable, ret_ha1);
    if (status == 0)
        return 0;
    /* The account of every domain has the digest of user@realm besides. */
    size_t at = slice_index(username, '@');
    if (!slice_equal_nocase(slice_from(username, at + 1), accounts_realm(accounts)))
        return ERR_NOT_FOUND;
    status = account_name_make(slice_of(username.ptr, at), SLICE_NULL, &name);
    return status < 0 ? status : look_up(accounts, &name, true, ret_usable, ret_ha1);
}

int accounts_ha1(struct accounts *accounts, struct slice user, struct slice domain,
                 unsigned algorithm, uint8_t *ret_ha1)
{
    struct store_ha1 ha1;
    bool usable = false;
    int status;
    if (slice_index(user, '@') < user.len)
        status = look_up_full(accounts, user, &usable, &ha1);
    else
        status = look_up_at(accounts, user, domain, &usable, &ha1);
    if (status < 0 || !usable || algorithm > 1)
        return ERR_NOT_FOUND;
    if (algorithm == 0)
        memcpy(ret_ha1, ha1.md5, sizeof ha1.md5);
    else
        memcpy(ret_ha1, ha1.sha256, sizeof ha1.sha256);
    return 0;
}

bool accounts_known(struct accounts *accounts, struct slice user, struct slice domain)
{
    struct store_ha1 ha1;
    bool usable;
    return look_up_at(accounts, user, domain, &usable, &ha1) == 0;
}
