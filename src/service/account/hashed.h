/* Usernames by their hash (RFC 8489 section 14.4), kept only once somebody asks for it. */
#ifndef SERVICE_ACCOUNT_HASHED_H
#define SERVICE_ACCOUNT_HASHED_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/table.h"
#include "service/account/name.h"

struct accounts;

struct account_hashes {
    pthread_mutex_t lock;
    struct table table; /* of names, owned; under the lock */
    _Atomic bool kept;  /* changes under accounts->change */
};

void account_hashes_init(struct account_hashes *hashes);
void account_hashes_done(struct account_hashes *hashes);
/* The forms in which a phone may send the name of an account, once more or once less; nothing where
 * hashes are not kept. ERR_NO_MEMORY: as if it had not been called. */
int account_hashes_add(struct accounts *accounts, struct slice name);
void account_hashes_remove(struct accounts *accounts, struct slice name);

#endif
