#include <unistd.h>

#include "app/server/worker_private.h"
#include "base/error.h"
#include "base/memory.h"

#define ASK_CHECK_US 100

enum { MAIL_RELOAD, MAIL_DRAIN, MAIL_RELAYS };

/* What MAIL_CONTROL carries. */
struct worker_mail {
    int what;
    const struct settings *settings;
    struct question *question;
};

/* Whoever of asker and worker is the last to let go of it frees it. */
struct question {
    _Atomic unsigned holders;
    _Atomic bool answered;
    uint64_t after;
    unsigned max, count;
    struct turn_relay_info infos[];
};

/* ---- The worker ---- */

static void let_go(struct question *question)
{
    if (atomic_fetch_sub(&question->holders, 1) == 1)
        memory_free(question);
}

static void answer(const struct worker *worker, struct question *question)
{
    if (worker->turn != NULL)
        question->count = turn_list(worker->turn, question->after, question->infos, question->max);
    atomic_store(&question->answered, true);
    let_go(question);
}

static void on_control(void *user, unsigned from, struct slice data)
{
    struct worker *worker = user;
    struct worker_mail mail;
    (void)from;
    memcpy(&mail, data.ptr, sizeof mail);
    if (mail.what == MAIL_RELOAD)
        worker_take_over(worker, mail.settings);
    else if (mail.what == MAIL_RELAYS)
        answer(worker, mail.question);
    else
        worker_on_drain(&worker->drain);
}

static void on_commits(void *user, unsigned from, struct slice data)
{
    struct worker *worker = user;
    struct commit commits[COMMITS_KEPT];
    (void)from;
    (void)data;
    unsigned count = commits_take(worker->shared->commits, worker->index, commits);
    for (unsigned i = 0; i < count; i++)
        registrar_on_commit(worker->registrar, commits[i].ticket, commits[i].status);
}

void worker_listen_to_mail(struct worker *worker)
{
    mesh_on_mail(worker->loop, MAIL_CONTROL, on_control, worker);
    mesh_on_mail(worker->loop, MAIL_STORE, on_commits, worker);
}

/* ---- The controlling thread ---- */

static int post(struct worker *worker, const struct worker_mail *mail)
{
    const struct worker_shared *shared = worker->shared;
    struct slice part = slice_of((const char *)mail, sizeof *mail);
    int status = mesh_post(shared->mesh, shared->sender, worker->index, MAIL_CONTROL, &part, 1);
    if (status == 0)
        mesh_flush(shared->mesh, shared->sender);
    return status;
}

int worker_reload(struct worker *worker, const struct settings *settings)
{
    return post(worker, &(struct worker_mail){.what = MAIL_RELOAD, .settings = settings});
}

int worker_drain(struct worker *worker)
{
    return post(worker, &(struct worker_mail){.what = MAIL_DRAIN});
}

int worker_relays(struct worker *worker, uint64_t after, struct turn_relay_info *ret_infos,
                  unsigned max, unsigned *ret_count)
{
    struct question *question =
        memory_zalloc(1, sizeof *question + max * sizeof question->infos[0]);
    if (question == NULL)
        return ERR_NO_MEMORY;
    question->holders = 2;
    question->after = after;
    question->max = max;
    int status = post(worker, &(struct worker_mail){.what = MAIL_RELAYS, .question = question});
    if (status < 0) {
        memory_free(question);
        return status;
    }
    for (unsigned waited_us = 0;
         waited_us < WORKER_ASK_MS * 1000 && !atomic_load(&question->answered);
         waited_us += ASK_CHECK_US)
        (void)usleep(ASK_CHECK_US);
    status = atomic_load(&question->answered) ? 0 : ERR_TIMEOUT;
    if (status == 0) {
        memcpy(ret_infos, question->infos, question->count * sizeof *ret_infos);
        *ret_count = question->count;
    }
    let_go(question);
    return status;
}
