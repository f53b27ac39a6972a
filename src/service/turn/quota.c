#include "service/turn/quota.h"

#include "base/error.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/table.h"

#include <pthread.h>
#include <stdatomic.h>

#define BURST_NS      UINT64_C(1000000000) /* a second's worth may come at once */
#define USERS_INITIAL 64

struct turn_quota {
    _Atomic uint32_t allocations;
    _Atomic uint64_t bandwidth;
    pthread_mutex_t lock; /* of the table and of who is in it */
    struct table users;   /* of struct turn_quota_user, owned */
};

/* The bandwidth is kept as a virtual moment per way: until when what has gone lasts at the allowed
 * rate. It is one number, so that workers need no lock for it. */
struct turn_quota_user {
    struct table_node node;
    struct turn_quota *quota;
    uint64_t account;
    _Atomic uint32_t count; /* allocations; written under the lock */
    uint32_t kept;          /* further uses; under the lock */
    _Atomic uint64_t busy_ns[TURN_WAYS];
};

int turn_quota_new(const struct turn_quota_config *config, struct turn_quota **ret_quota)
{
    struct turn_quota *quota = memory_zalloc(1, sizeof *quota);
    if (quota == NULL)
        return ERR_NO_MEMORY;
    int status = table_init(&quota->users, USERS_INITIAL);
    if (status < 0) {
        memory_free(quota);
        return status;
    }
    pthread_mutex_init(&quota->lock, NULL);
    turn_quota_reload(quota, config);
    *ret_quota = quota;
    return 0;
}

static void forget(struct table_node *node, void *user)
{
    struct turn_quota *quota = user;
    table_remove(&quota->users, node);
    memory_free(container_of(node, struct turn_quota_user, node));
}

void turn_quota_free(struct turn_quota *quota)
{
    if (quota == NULL)
        return;
    table_each(&quota->users, forget, quota);
    table_done(&quota->users);
    pthread_mutex_destroy(&quota->lock);
    memory_free(quota);
}

void turn_quota_reload(struct turn_quota *quota, const struct turn_quota_config *config)
{
    atomic_store_explicit(&quota->allocations, config->allocations, memory_order_relaxed);
    atomic_store_explicit(&quota->bandwidth, config->bandwidth, memory_order_relaxed);
}

static bool is_account(const struct table_node *node, const void *key)
{
    const uint64_t *account = key;
    return container_of_const(node, struct turn_quota_user, node)->account == *account;
}

/* Under the lock. NULL without memory. */
static struct turn_quota_user *user_of(struct turn_quota *quota, uint64_t account)
{
    struct table_node *node = table_find(&quota->users, account, is_account, &account);
    if (node != NULL)
        return container_of(node, struct turn_quota_user, node);
    struct turn_quota_user *user = memory_zalloc(1, sizeof *user);
    if (user == NULL)
        return NULL;
    user->quota = quota;
    user->account = account;
    table_add(&quota->users, &user->node, account); /* it is a keyed hash already */
    return user;
}

int turn_quota_open(struct turn_quota *quota, uint64_t account, struct turn_quota_user **ret_user)
{
    uint32_t limit = atomic_load_explicit(&quota->allocations, memory_order_relaxed);
    int status = ERR_NO_MEMORY;
    pthread_mutex_lock(&quota->lock);
    struct turn_quota_user *user = user_of(quota, account);
    if (user != NULL) {
        uint32_t count = atomic_load_explicit(&user->count, memory_order_relaxed);
        status = limit > 0 && count >= limit ? ERR_LIMIT : 0;
        if (status == 0) {
            atomic_store_explicit(&user->count, count + 1, memory_order_relaxed);
            *ret_user = user;
        }
    }
    pthread_mutex_unlock(&quota->lock);
    return status;
}

/* Under the lock, which is given up. */
static void settle(struct turn_quota *quota, struct turn_quota_user *user)
{
    bool unused = user->kept == 0 && atomic_load_explicit(&user->count, memory_order_relaxed) == 0;
    if (unused)
        table_remove(&quota->users, &user->node);
    pthread_mutex_unlock(&quota->lock);
    if (unused)
        memory_free(user);
}

void turn_quota_close(struct turn_quota *quota, struct turn_quota_user *user)
{
    if (user == NULL)
        return;
    pthread_mutex_lock(&quota->lock);
    uint32_t count = atomic_load_explicit(&user->count, memory_order_relaxed);
    atomic_store_explicit(&user->count, count - 1, memory_order_relaxed);
    settle(quota, user);
}

void turn_quota_keep(struct turn_quota_user *user)
{
    pthread_mutex_lock(&user->quota->lock);
    user->kept++;
    pthread_mutex_unlock(&user->quota->lock);
}

void turn_quota_drop(struct turn_quota *quota, struct turn_quota_user *user)
{
    pthread_mutex_lock(&quota->lock);
    user->kept--;
    settle(quota, user);
}

uint32_t turn_quota_allocations(const struct turn_quota_user *user)
{
    return atomic_load_explicit(&user->count, memory_order_relaxed);
}

bool turn_quota_take(struct turn_quota_user *user, enum turn_way way, size_t bytes, uint64_t now_ms)
{
    uint64_t rate = atomic_load_explicit(&user->quota->bandwidth, memory_order_relaxed);
    if (rate == 0)
        return true;
    uint64_t now_ns = now_ms * 1000000;
    uint64_t cost_ns = (uint64_t)bytes * 1000000000 / rate;
    uint64_t busy_ns = atomic_load_explicit(&user->busy_ns[way], memory_order_relaxed);
    uint64_t next_ns;
    do {
        if (busy_ns > now_ns + BURST_NS)
            return false;
        next_ns = (busy_ns > now_ns ? busy_ns : now_ns) + cost_ns;
    } while (!atomic_compare_exchange_weak_explicit(&user->busy_ns[way], &busy_ns, next_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

uint64_t turn_quota_wait(const struct turn_quota_user *user, enum turn_way way, uint64_t now_ms)
{
    uint64_t busy_ns = atomic_load_explicit(&user->busy_ns[way], memory_order_relaxed);
    uint64_t free_ns = now_ms * 1000000 + BURST_NS;
    bool limited = atomic_load_explicit(&user->quota->bandwidth, memory_order_relaxed) > 0;
    return !limited || busy_ns <= free_ns ? 0 : (busy_ns - free_ns) / 1000000 + 1;
}
