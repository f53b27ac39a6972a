/* Tells the workers what the store has committed. Nothing of it can get lost: what a worker does
 * not know yet lies in a box of its own until it takes it; a mail only says that something is
 * there. */
#ifndef APP_SERVER_COMMITS_H
#define APP_SERVER_COMMITS_H

#include <stdint.h>
#include "loop/mesh.h"

/* Everything up to ticket is durable (status 0) or could not be written (< 0). */
struct commit {
    int64_t ticket;
    int status;
};

#define COMMITS_KEPT 16 /* of one worker; see commits_announce */

struct commits_box;

struct commits {
    struct mesh *mesh;         /* borrowed */
    unsigned sender;           /* the store's place in the mesh */
    struct commits_box *boxes; /* owned; of each worker */
};

/* ERR_NO_MEMORY. */
int commits_init(struct commits *commits, struct mesh *mesh, unsigned sender);
/* Once nobody announces or takes any more. All zero is accepted. */
void commits_done(struct commits *commits);

/* As store_writer_options.on_commit: user is a struct commits. On the store's thread. A worker that
 * does not come to take its news finds them summed up: of one status the last ticket; and when good
 * and bad commits alternate more often than the box holds, the last ones count as failed, so that
 * nothing is called durable that is not. */
void commits_announce(void *user, int64_t ticket, int status);
/* What worker has not taken yet, oldest first; returns how many. At each MAIL_STORE, on the
 * worker's thread. */
unsigned commits_take(struct commits *commits, unsigned worker, struct commit ret[COMMITS_KEPT]);

#endif
