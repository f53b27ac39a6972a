/* loop/mesh.h: mail between the loops of one host arrives in order, a little later. */
#include "loop/mesh.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "sim/world/sim_loop.h"

#define RING_BYTES ((size_t)4 << 20) /* that may wait between two places */

struct mail {
    struct list node;
    enum mail_kind kind;
    bool shown; /* mesh_flush was called since */
    size_t len;
    _Alignas(8) char bytes[];
};

struct ring {
    struct list mails;
    size_t bytes;
};

struct mesh {
    struct sim_host *host;
    unsigned workers;
    unsigned places;
    struct loop **loops; /* owned array; NULL: none yet */
    struct ring *rings;  /* owned; [from * workers + to] */
    uint64_t refused;
};

struct mesh *sim_mesh_new(struct sim_host *host, unsigned workers, unsigned senders)
{
    struct mesh *mesh = calloc(1, sizeof(*mesh));
    if (mesh == NULL)
        abort();
    mesh->host = host;
    mesh->workers = workers;
    mesh->places = workers + senders;
    mesh->loops = calloc(workers, sizeof(struct loop *));
    mesh->rings = calloc((size_t)mesh->places * workers, sizeof(struct ring));
    if (mesh->loops == NULL || mesh->rings == NULL)
        abort();
    for (size_t i = 0; i < (size_t)mesh->places * workers; i++)
        list_init(&mesh->rings[i].mails);
    return mesh;
}

static void forget(struct ring *ring)
{
    list_for_each_safe(node, &ring->mails)
    {
        list_remove(node);
        free(container_of(node, struct mail, node));
    }
    ring->bytes = 0;
}

void mesh_free(struct mesh *mesh)
{
    if (mesh == NULL)
        return;
    for (size_t i = 0; i < (size_t)mesh->places * mesh->workers; i++)
        forget(&mesh->rings[i]);
    free(mesh->rings);
    free(mesh->loops);
    free(mesh);
}

unsigned mesh_workers(const struct mesh *mesh)
{
    return mesh->workers;
}

struct sim_host *sim_mesh_host(const struct mesh *mesh)
{
    return mesh->host;
}

void sim_mesh_attach(struct mesh *mesh, struct loop *loop)
{
    mesh->loops[loop->config.worker] = loop;
}

void sim_mesh_detach(struct mesh *mesh, struct loop *loop)
{
    mesh->loops[loop->config.worker] = NULL;
}

void mesh_on_mail(struct loop *loop, enum mail_kind kind, mail_fn *handler, void *user)
{
    loop->mail[kind] = (struct mail_handler){handler, user};
}

int mesh_post(struct mesh *mesh, unsigned from, unsigned to, enum mail_kind kind,
              const struct slice *parts, size_t count)
{
    assert(from < mesh->places && to < mesh->workers);
    struct ring *ring = &mesh->rings[(size_t)from * mesh->workers + to];
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    if (len > RING_BYTES / 2 || ring->bytes + len > RING_BYTES) {
        mesh->refused++;
        return ERR_LIMIT;
    }
    struct mail *mail = malloc(sizeof(*mail) + len);
    if (mail == NULL)
        abort();
    mail->kind = kind;
    mail->shown = false;
    mail->len = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(mail->bytes + mail->len, parts[i].ptr, parts[i].len);
        mail->len += parts[i].len;
    }
    ring->bytes += len;
    list_append(&ring->mails, &mail->node);
    return 0;
}

void mesh_flush(struct mesh *mesh, unsigned from)
{
    for (unsigned to = 0; to < mesh->workers; to++) {
        struct ring *ring = &mesh->rings[(size_t)from * mesh->workers + to];
        bool news = false;
        list_for_each(node, &ring->mails)
        {
            struct mail *mail = container_of(node, struct mail, node);
            news |= !mail->shown;
            mail->shown = true;
        }
        if (news && mesh->loops[to] != NULL)
            sim_loop_wake(mesh->loops[to]);
    }
}

uint64_t mesh_refused(const struct mesh *mesh)
{
    return mesh->refused;
}

/* What is posted to oneself meanwhile waits for the next turn: it has not been shown. */
void sim_mesh_receive(struct mesh *mesh, struct loop *loop)
{
    for (unsigned from = 0; from < mesh->places; from++) {
        struct ring *ring = &mesh->rings[(size_t)from * mesh->workers + loop->config.worker];
        while (!list_empty(&ring->mails)) {
            struct mail *mail = container_of(ring->mails.next, struct mail, node);
            if (!mail->shown)
                break;
            list_remove(&mail->node);
            ring->bytes -= mail->len;
            const struct mail_handler *handler = &loop->mail[mail->kind];
            if (handler->fn != NULL)
                handler->fn(handler->user, from, slice_of(mail->bytes, mail->len));
            free(mail);
        }
    }
}
