#include "service/account/hashed.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/writer.h"
#include "service/account/internal.h"

#define FORMS 2 /* user, user@domain */

/* One name that phones send. Accounts of several domains share that of the user alone. */
struct hashed_name {
    struct table_node node;
    uint8_t hash[ACCOUNT_USERHASH_SIZE];
    uint32_t uses;
    uint8_t length;
    char text[];
};

static bool has_hash(const struct table_node *node, const void *key)
{
    const struct hashed_name *name = container_of_const(node, struct hashed_name, node);
    return memcmp(name->hash, key, sizeof name->hash) == 0;
}

static uint64_t place_of(const struct accounts *accounts, const uint8_t *hash)
{
    return hash_slice(&accounts->key, slice_of((const char *)hash, ACCOUNT_USERHASH_SIZE));
}

/* Under the lock. */
static struct hashed_name *find(struct accounts *accounts, const uint8_t *hash)
{
    struct table_node *node =
        table_find(&accounts->hashes.table, place_of(accounts, hash), has_hash, hash);
    return node == NULL ? NULL : container_of(node, struct hashed_name, node);
}

void account_hashes_init(struct account_hashes *hashes)
{
    pthread_mutex_init(&hashes->lock, NULL);
}

static void free_name(struct table_node *node, void *user)
{
    struct table *table = user;
    table_remove(table, node);
    memory_free(container_of(node, struct hashed_name, node));
}

void account_hashes_done(struct account_hashes *hashes)
{
    if (hashes->table.buckets != NULL) {
        table_each(&hashes->table, free_name, &hashes->table);
        table_done(&hashes->table);
    }
    pthread_mutex_destroy(&hashes->lock);
}

/* ---- Changes ---- */

/* As accounts_ha1 takes them. Returns how many. */
static unsigned forms_of(const struct accounts *accounts, struct slice text,
                         struct account_name forms[FORMS])
{
    size_t at = slice_index(text, '@');
    struct slice user = slice_of(text.ptr, at);
    struct slice domain = at < text.len ? slice_from(text, at + 1) : accounts_realm(accounts);
    unsigned count = 0;
    count += account_name_make(user, SLICE_NULL, &forms[count]) == 0;
    count += account_name_make(user, domain, &forms[count]) == 0;
    return count;
}

/* H(username ":" realm) */
static int make_hash(const struct accounts *accounts, struct slice name,
                     uint8_t ret_hash[ACCOUNT_USERHASH_SIZE])
{
    char text[1024];
    struct writer w;
    writer_init(&w, text, sizeof text);
    writer_put(&w, name);
    writer_char(&w, ':');
    writer_put(&w, accounts_realm(accounts));
    if (writer_status(&w) < 0)
        return ERR_RANGE;
    bool good =
        EVP_Digest(text, writer_length(&w), ret_hash, NULL, accounts->digest.sha256, NULL) == 1;
    return good ? 0 : ERR_NO_MEMORY;
}

static int add_name(struct accounts *accounts, struct slice text)
{
    uint8_t hash[ACCOUNT_USERHASH_SIZE];
    int status = make_hash(accounts, text, hash);
    if (status < 0)
        return status == ERR_RANGE ? 0 : status; /* a realm of that length has no users by hash */
    pthread_mutex_lock(&accounts->hashes.lock);
    struct hashed_name *name = find(accounts, hash);
    if (name == NULL) {
        name = memory_zalloc(1, sizeof *name + text.len);
        if (name != NULL) {
            memcpy(name->hash, hash, sizeof hash);
            memcpy(name->text, text.ptr, text.len);
            name->length = (uint8_t)text.len;
            table_add(&accounts->hashes.table, &name->node, place_of(accounts, hash));
        }
    }
    if (name != NULL)
        name->uses++;
    pthread_mutex_unlock(&accounts->hashes.lock);
    return name == NULL ? ERR_NO_MEMORY : 0;
}

static void remove_name(struct accounts *accounts, struct slice text)
{
    uint8_t hash[ACCOUNT_USERHASH_SIZE];
    if (make_hash(accounts, text, hash) < 0)
        return;
    pthread_mutex_lock(&accounts->hashes.lock);
    struct hashed_name *name = find(accounts, hash);
    if (name != NULL && --name->uses == 0)
        free_name(&name->node, &accounts->hashes.table);
    pthread_mutex_unlock(&accounts->hashes.lock);
}

/* Whether they are kept yet or not. */
static int add(struct accounts *accounts, struct slice text)
{
    struct account_name forms[FORMS];
    unsigned count = forms_of(accounts, text, forms);
    for (unsigned i = 0; i < count; i++) {
        int status = add_name(accounts, account_name_slice(&forms[i]));
        if (status == 0)
            continue;
        while (i-- > 0)
            remove_name(accounts, account_name_slice(&forms[i]));
        return status;
    }
    return 0;
}

int account_hashes_add(struct accounts *accounts, struct slice name)
{
    return atomic_load(&accounts->hashes.kept) ? add(accounts, name) : 0;
}

void account_hashes_remove(struct accounts *accounts, struct slice name)
{
    struct account_name forms[FORMS];
    unsigned count = atomic_load(&accounts->hashes.kept) ? forms_of(accounts, name, forms) : 0;
    for (unsigned i = 0; i < count; i++)
        remove_name(accounts, account_name_slice(&forms[i]));
}

/* ---- All of them ---- */

struct keeping {
    struct accounts *accounts;
    int status;
};

static void keep_one(struct table_node *node, void *user)
{
    struct keeping *keeping = user;
    const struct account *account = container_of(node, struct account, node);
    if (keeping->status == 0)
        keeping->status = add(keeping->accounts, account_name_of(account));
}

static int keep_all(struct accounts *accounts)
{
    struct keeping keeping = {.accounts = accounts};
    keeping.status = table_init(&accounts->hashes.table, FORMS * atomic_load(&accounts->count) + 1);
    for (unsigned i = 0; i < ACCOUNT_STRIPES && keeping.status == 0; i++) {
        struct account_stripe *stripe = &accounts->stripes[i];
        pthread_mutex_lock(&stripe->lock);
        table_each(&stripe->table, keep_one, &keeping);
        pthread_mutex_unlock(&stripe->lock);
    }
    if (keeping.status < 0 && accounts->hashes.table.buckets != NULL) {
        table_each(&accounts->hashes.table, free_name, &accounts->hashes.table);
        table_done(&accounts->hashes.table);
        accounts->hashes.table = (struct table){0};
    }
    return keeping.status;
}

int accounts_keep_hashes(struct accounts *accounts)
{
    int status = 0;
    pthread_mutex_lock(&accounts->change);
    if (!atomic_load(&accounts->hashes.kept))
        status = keep_all(accounts);
    if (status == 0)
        atomic_store(&accounts->hashes.kept, true);
    pthread_mutex_unlock(&accounts->change);
    return status;
}

int accounts_name_of_hash(struct accounts *accounts, const uint8_t userhash[ACCOUNT_USERHASH_SIZE],
                          char buf[ACCOUNT_NAME_MAX], size_t *ret_length)
{
    if (!atomic_load(&accounts->hashes.kept))
        return ERR_NOT_FOUND;
    pthread_mutex_lock(&accounts->hashes.lock);
    const struct hashed_name *name = find(accounts, userhash);
    if (name != NULL) {
        memcpy(buf, name->text, name->length);
        *ret_length = name->length;
    }
    pthread_mutex_unlock(&accounts->hashes.lock);
    return name == NULL ? ERR_NOT_FOUND : 0;
}
