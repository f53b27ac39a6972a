/* Tells the workers what the store has committed. */
#ifndef APP_SERVER_COMMITS_H
#define APP_SERVER_COMMITS_H

#include "base/log.h"
#include "loop/mesh.h"

struct commits {
    struct mesh *mesh; /* borrowed */
    unsigned sender;   /* the store's place in the mesh */
    struct log *log;   /* borrowed */
};

/* As store_writer_options.on_commit: user is a struct commits. On the store's thread. A worker
 * whose mailbox is full is waited for, but not for long: it is told with the next commit. */
void commits_announce(void *user, int64_t ticket, int status);

#endif
