#include "app/server/commits.h"

#include <assert.h>
#include <pthread.h>

#include "base/error.h"
#include "base/memory.h"

struct commits_box {
    pthread_mutex_t lock;
    bool rung; /* a mail is under way */
    unsigned count;
    struct commit items[COMMITS_KEPT]; /* tickets rise */
};

int commits_init(struct commits *commits, struct mesh *mesh, unsigned sender)
{
    struct commits_box *boxes = memory_zalloc(mesh_workers(mesh), sizeof *boxes);
    if (boxes == NULL)
        return ERR_NO_MEMORY;
    for (unsigned i = 0; i < mesh_workers(mesh); i++)
        pthread_mutex_init(&boxes[i].lock, NULL);
    *commits = (struct commits){.mesh = mesh, .sender = sender, .boxes = boxes};
    return 0;
}

void commits_done(struct commits *commits)
{
    if (commits->boxes == NULL)
        return;
    for (unsigned i = 0; i < mesh_workers(commits->mesh); i++)
        pthread_mutex_destroy(&commits->boxes[i].lock);
    memory_free(commits->boxes);
    commits->boxes = NULL;
}

static void add(struct commits_box *box, const struct commit *news)
{
    struct commit *last = box->count > 0 ? &box->items[box->count - 1] : NULL;
    /* Who waited for a ticket that failed is told so, even if a later try went well. */
    if (last != NULL && news->ticket <= last->ticket)
        return;
    bool same = last != NULL && (last->status < 0) == (news->status < 0);
    if (!same && box->count < COMMITS_KEPT) {
        box->items[box->count++] = *news;
        return;
    }
    last->ticket = news->ticket;
    if (!same)
        last->status = ERR_IO;
}

/* There is never more than one such mail in the ring, and the ring carries nothing else. */
static void ring(struct commits *commits, unsigned worker)
{
    struct slice nothing = SLICE("news");
    int posted = mesh_post(commits->mesh, commits->sender, worker, MAIL_STORE, &nothing, 1);
    assert(posted == 0);
    (void)posted;
}

void commits_announce(void *user, int64_t ticket, int status)
{
    struct commits *commits = user;
    for (unsigned i = 0; i < mesh_workers(commits->mesh); i++) {
        struct commits_box *box = &commits->boxes[i];
        pthread_mutex_lock(&box->lock);
        add(box, &(struct commit){ticket, status});
        bool rung = box->rung;
        box->rung = true;
        pthread_mutex_unlock(&box->lock);
        if (!rung)
            ring(commits, i);
    }
    mesh_flush(commits->mesh, commits->sender);
}

unsigned commits_take(struct commits *commits, unsigned worker, struct commit ret[COMMITS_KEPT])
{
    struct commits_box *box = &commits->boxes[worker];
    pthread_mutex_lock(&box->lock);
    unsigned count = box->count;
    memcpy(ret, box->items, count * sizeof *ret);
    box->count = 0;
    box->rung = false;
    pthread_mutex_unlock(&box->lock);
    return count;
}
