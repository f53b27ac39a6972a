/* What the files of the accounts share. */
#ifndef SERVICE_ACCOUNT_INTERNAL_H
#define SERVICE_ACCOUNT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/table.h"
#include "service/account/digest.h"
#include "service/account/hashed.h"
#include "service/account/name.h"

#define ACCOUNT_STRIPES 64

struct account {
    struct table_node node; /* first: a node is its account */
    struct store_ha1 user, full;
    int64_t created_ms;
    bool usable; /* the digests are of our realm */
    uint8_t name_length;
    char name[];
};

/* Part of the accounts under a lock of its own: two workers seldom want the same one. */
struct account_stripe {
    pthread_mutex_t lock;
    struct table table; /* of struct account, owned */
};

struct accounts {
    struct account_stripe stripes[ACCOUNT_STRIPES];
    struct hash_key key;
    struct store *store;
    struct account_digest digest;
    pthread_mutex_t change; /* one change at a time, from store to memory */
    _Atomic size_t count, of_other_realms;
    _Atomic size_t with_domain; /* those for one domain */
    struct account_hashes hashes;
    size_t realm_length;
    char realm[];
};

static inline struct slice account_name_of(const struct account *account)
{
    return slice_of(account->name, account->name_length);
}

static inline struct slice accounts_realm(const struct accounts *accounts)
{
    return slice_of(accounts->realm, accounts->realm_length);
}

/* Is it for one domain? */
static inline bool account_has_domain(const struct account *account)
{
    return slice_index(account_name_of(account), '@') < account->name_length;
}

/* Locks the stripe of a name; hash is that of the name. */
struct account_stripe *account_stripe_lock(struct accounts *accounts, uint64_t hash);
void account_stripe_unlock(struct account_stripe *stripe);
/* Under the stripe's lock. NULL when there is none. */
struct account *account_find(const struct account_stripe *stripe, uint64_t hash, struct slice name);
/* A new account into the table. usable: its digests are of our realm. ERR_NO_MEMORY. */
int account_insert(struct accounts *accounts, const struct store_account *from, bool usable);

#endif
