/* What one user may have of the TURN server, on all workers together: allocations at a time, and
 * bytes per second each way (RFC 8656 sections 5 and 7.2: 486). Any thread. */
#ifndef SERVICE_TURN_QUOTA_H
#define SERVICE_TURN_QUOTA_H

#include "base/hash.h"

#include <stdbool.h>

struct turn_quota;
/* One user who has allocations. */
struct turn_quota_user;

/* Zero: no limit. */
struct turn_quota_config {
    uint32_t allocations; /* of one user at a time */
    uint64_t bandwidth;   /* bytes per second of one user, each way */
};

enum turn_way { TURN_TO_PEER, TURN_FROM_PEER, TURN_WAYS };

/* ERR_NO_MEMORY. */
int turn_quota_new(const struct turn_quota_config *config, struct turn_quota **ret_quota);
/* Its users are gone with it. NULL is accepted. */
void turn_quota_free(struct turn_quota *quota);
/* Takes effect at once, for the allocations that are there too. */
void turn_quota_reload(struct turn_quota *quota, const struct turn_quota_config *config);

/* One allocation more of account (struct turn_identity). *ret_user stays good until it is closed;
 * there is one for each user who has allocations, so memory is bounded by theirs. Errors: ERR_LIMIT
 * (486), ERR_NO_MEMORY (508). Takes a lock: seldom. */
int turn_quota_open(struct turn_quota *quota, uint64_t account, struct turn_quota_user **ret_user);
/* Another use of the same user, which counts as no allocation: he stays good until all are dropped.
 * user is open. */
void turn_quota_keep(struct turn_quota_user *user);
void turn_quota_drop(struct turn_quota *quota, struct turn_quota_user *user);
/* One allocation less. NULL is accepted. */
void turn_quota_close(struct turn_quota *quota, struct turn_quota_user *user);

/* May so many bytes go now? They are taken from what the user has left; a second's worth may come
 * at once. On the data path: no lock, and without a limit not one write. now_ms: of any clock that
 * all workers share and that never goes back. */
bool turn_quota_take(struct turn_quota_user *user, enum turn_way way, size_t bytes,
                     uint64_t now_ms);
/* Milliseconds until something may go again: for streams, which wait instead of losing. 0: now. */
uint64_t turn_quota_wait(const struct turn_quota_user *user, enum turn_way way, uint64_t now_ms);

/* For lists: how many allocations the user has now. */
uint32_t turn_quota_allocations(const struct turn_quota_user *user);

#endif
