#include "service/turn/credential_users.h"

#include "base/error.h"
#include "base/memory.h"

#include <openssl/crypto.h>
#include <stdlib.h>

int turn_user_parse(struct slice line, struct slice *ret_name, struct slice *ret_password)
{
    struct slice password = line;
    struct slice name = slice_cut(&password, ':');
    if (name.len == 0 || password.len == 0)
        return ERR_SYNTAX;
    *ret_name = name;
    *ret_password = password;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct turn_user *x = a, *y = b;
    return slice_compare(x->name, y->name);
}

static int make_user(struct turn_user *user, struct turn_hasher *hasher, struct slice realm,
                     struct slice line)
{
    struct slice password;
    int status = turn_user_parse(line, &user->name, &password);
    if (status == 0)
        status = turn_key_make(hasher, TURN_MD5, user->name, realm, password, user->md5);
    if (status == 0)
        status = turn_key_make(hasher, TURN_SHA256, user->name, realm, password, user->sha256);
    if (status == 0)
        status = turn_userhash_make(hasher, user->name, realm, user->userhash);
    return status;
}

/* A later line of the same name goes over an earlier one. */
static void add_user(struct turn_users *users, const struct turn_user *user)
{
    for (unsigned i = 0; i < users->count; i++) {
        if (slice_equal(users->users[i].name, user->name)) {
            users->users[i] = *user;
            return;
        }
    }
    users->users[users->count++] = *user;
}

static int compare_hashes(const void *a, const void *b, void *user)
{
    const struct turn_users *users = user;
    const uint32_t *x = a, *y = b;
    return memcmp(users->users[*x].userhash, users->users[*y].userhash, TURN_USERHASH_SIZE);
}

int turn_users_init(struct turn_users *users, struct turn_hasher *hasher, struct slice realm,
                    const struct slice *lines, unsigned count)
{
    *users = (struct turn_users){.users = memory_zalloc(count + 1, sizeof *users->users),
                                 .by_userhash = memory_zalloc(count + 1, sizeof(uint32_t))};
    int status = users->users == NULL || users->by_userhash == NULL ? ERR_NO_MEMORY : 0;
    for (unsigned i = 0; status == 0 && i < count; i++) {
        struct turn_user user;
        status = make_user(&user, hasher, realm, lines[i]);
        if (status == 0)
            add_user(users, &user);
    }
    if (status < 0) {
        turn_users_done(users);
        return status;
    }
    qsort(users->users, users->count, sizeof *users->users, compare_names);
    for (unsigned i = 0; i < users->count; i++)
        users->by_userhash[i] = i;
    qsort_r(users->by_userhash, users->count, sizeof *users->by_userhash, compare_hashes, users);
    return 0;
}

void turn_users_done(struct turn_users *users)
{
    if (users->users != NULL)
        OPENSSL_cleanse(users->users, users->count * sizeof *users->users);
    memory_free(users->users);
    memory_free(users->by_userhash);
    *users = (struct turn_users){0};
}

const struct turn_user *turn_users_find(const struct turn_users *users, struct slice name)
{
    const struct turn_user key = {.name = name};
    return users->count == 0
               ? NULL
               : bsearch(&key, users->users, users->count, sizeof *users->users, compare_names);
}

const struct turn_user *turn_users_find_hash(const struct turn_users *users,
                                             const uint8_t userhash[TURN_USERHASH_SIZE])
{
    unsigned low = 0, high = users->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const struct turn_user *user = &users->users[users->by_userhash[middle]];
        int order = memcmp(userhash, user->userhash, TURN_USERHASH_SIZE);
        if (order == 0)
            return user;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
