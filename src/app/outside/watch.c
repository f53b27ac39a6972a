#include "app/outside/watch.h"

#include <pthread.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"

struct outside_watch {
    struct outside_watch_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct app_config *config; /* owned */
    bool now;                  /* look at once */
    bool has_found;
    struct outside_found found;
    _Atomic bool ends;
};

static struct timespec after(uint32_t seconds)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += seconds;
    return at;
}

/* Waits until it is time to look; the configuration to look by is the caller's then. NULL: the end.
 */
static struct app_config *wait_for_time(struct outside_watch *watch)
{
    struct app_config *config = NULL;
    pthread_mutex_lock(&watch->lock);
    struct timespec until = after(watch->config->outside_interval_s);
    int error = 0;
    while (!atomic_load(&watch->ends) && !watch->now && error == 0)
        error = pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
    watch->now = false;
    if (!atomic_load(&watch->ends))
        config = config_ref(watch->config);
    pthread_mutex_unlock(&watch->lock);
    return config;
}

static void *run(void *user)
{
    struct outside_watch *watch = user;
    struct app_config *config;
    while ((config = wait_for_time(watch)) != NULL) {
        struct outside_found found;
        outside_find(config, watch->options.log, &watch->ends, &found);
        pthread_mutex_lock(&watch->lock);
        /* What was asked for by a configuration of before is asked again. */
        bool good = config == watch->config && !atomic_load(&watch->ends);
        if (good) {
            watch->found = found;
            watch->has_found = true;
        }
        pthread_mutex_unlock(&watch->lock);
        config_free(config);
        if (good)
            watch->options.on_found(watch->options.user);
    }
    return NULL;
}

static int init_sync(struct outside_watch *watch)
{
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic) != 0)
        return ERR_NO_MEMORY;
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&watch->lock, NULL);
    return 0;
}

static void destroy(struct outside_watch *watch)
{
    config_free(watch->config);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    memory_free(watch);
}

int outside_watch_new(const struct outside_watch_options *options, struct app_config *config,
                      struct outside_watch **ret_watch)
{
    struct outside_watch *watch = memory_zalloc(1, sizeof *watch);
    if (watch == NULL)
        return ERR_NO_MEMORY;
    watch->options = *options;
    if (init_sync(watch) < 0) {
        memory_free(watch);
        return ERR_NO_MEMORY;
    }
    watch->config = config_ref(config);
    if (pthread_create(&watch->thread, NULL, run, watch) != 0) {
        destroy(watch);
        return ERR_NO_MEMORY;
    }
    (void)pthread_setname_np(watch->thread, "outside");
    *ret_watch = watch;
    return 0;
}

void outside_watch_set(struct outside_watch *watch, struct app_config *config)
{
    pthread_mutex_lock(&watch->lock);
    struct app_config *before = watch->config;
    watch->config = config_ref(config);
    watch->now = true;
    watch->has_found = false;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    config_free(before);
}

bool outside_watch_take(struct outside_watch *watch, struct outside_found *ret_found)
{
    pthread_mutex_lock(&watch->lock);
    bool has = watch->has_found;
    if (has)
        *ret_found = watch->found;
    watch->has_found = false;
    pthread_mutex_unlock(&watch->lock);
    return has;
}

void outside_watch_free(struct outside_watch *watch)
{
    if (watch == NULL)
        return;
    pthread_mutex_lock(&watch->lock);
    atomic_store(&watch->ends, true);
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    (void)pthread_join(watch->thread, NULL);
    destroy(watch);
}
