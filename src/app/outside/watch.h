/* Looks for our outside address again and again, on a thread of its own: DNS and STUN take their
 * time. */
#ifndef APP_OUTSIDE_WATCH_H
#define APP_OUTSIDE_WATCH_H

#include "app/outside/find.h"

struct outside_watch;

struct outside_watch_options {
    struct log *log; /* borrowed */
    /* There is news to take; on the watch's thread. */
    void (*on_found)(void *user);
    void *user;
};

/* Looks first when the interval of config is over. config is kept (config_ref). ERR_NO_MEMORY. */
int outside_watch_new(const struct outside_watch_options *options, struct app_config *config,
                      struct outside_watch **ret_watch);
/* Another configuration from now on; looks at once. */
void outside_watch_set(struct outside_watch *watch, struct app_config *config);
/* The last result, unless it has been taken. */
bool outside_watch_take(struct outside_watch *watch, struct outside_found *ret_found);
/* Waits for the thread, which ends what it does. NULL is accepted. */
void outside_watch_free(struct outside_watch *watch);

#endif
