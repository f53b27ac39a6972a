#include "app/server/commits.h"

#include <unistd.h>

#include "app/server/worker.h"
#include "base/error.h"

#define TRIES  200
#define TRY_US 1000

void commits_announce(void *user, int64_t ticket, int status)
{
    const struct commits *commits = user;
    struct worker_commit commit;
    memset(&commit, 0, sizeof commit); /* its padding is sent too */
    commit.ticket = ticket;
    commit.status = status;
    struct slice part = slice_of((const char *)&commit, sizeof commit);
    for (unsigned to = 0; to < mesh_workers(commits->mesh); to++) {
        int posted = ERR_LIMIT;
        for (unsigned i = 0; posted < 0 && i < TRIES; i++) {
            posted = mesh_post(commits->mesh, commits->sender, to, MAIL_STORE, &part, 1);
            if (posted < 0) {
                mesh_flush(commits->mesh, commits->sender);
                (void)usleep(TRY_US);
            }
        }
        if (posted < 0)
            log_error(commits->log, LOG_STORE, "worker %u takes no news of commits", to);
    }
    mesh_flush(commits->mesh, commits->sender);
}
