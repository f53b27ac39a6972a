/* The users of turn.users: names, hashed names and keys, ready to compare. */
#ifndef SERVICE_TURN_CREDENTIAL_USERS_H
#define SERVICE_TURN_CREDENTIAL_USERS_H

#include "base/hash.h"
#include "service/turn/credential_key.h"

struct turn_user {
    struct slice name; /* borrowed from the list that it was made of */
    uint8_t userhash[TURN_USERHASH_SIZE];
    uint8_t md5[16], sha256[32];
};

struct turn_users {
    struct turn_user *users; /* owned, in order of name */
    uint32_t *by_userhash;   /* owned: indices, in order of userhash */
    unsigned count;
};

/* lines: "NAME:PASSWORD", borrowed as long as the users live; of two with one name the last counts.
 * Errors: ERR_SYNTAX, ERR_NO_MEMORY. */
int turn_users_init(struct turn_users *users, struct turn_hasher *hasher, struct slice realm,
                    const struct slice *lines, unsigned count);
void turn_users_done(struct turn_users *users);
/* NULL when there is none. */
const struct turn_user *turn_users_find(const struct turn_users *users, struct slice name);
const struct turn_user *turn_users_find_hash(const struct turn_users *users,
                                             const uint8_t userhash[TURN_USERHASH_SIZE]);

/* One line: name and password, both not empty. ERR_SYNTAX. */
int turn_user_parse(struct slice line, struct slice *ret_name, struct slice *ret_password);

#endif
