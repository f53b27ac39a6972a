#include "loop/mesh.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/mesh_private.h"
#include "loop/ring.h"

#define RING_BYTES_DEFAULT ((size_t)4 << 20)
#define MAILS_PER_TURN     512 /* of each sender */
#define RELEASE_EVERY      64  /* mails read before their room goes back to the sender */

struct receiver {
    _Alignas(RING_LINE) _Atomic bool sleeping;
    int wake_fd; /* owned */
};

/* What a sender counts; alone on its cache line. */
struct sender {
    _Alignas(RING_LINE) _Atomic uint64_t refused;
};

struct mesh {
    unsigned workers;
    unsigned places;            /* workers and those who only send */
    struct receiver *receivers; /* owned, one per worker */
    struct sender *senders;     /* owned, one per place */
    struct ring *rings;         /* owned; [from * workers + to] */
    struct bindings bindings;
};

static struct ring *ring_of(const struct mesh *mesh, unsigned from, unsigned to)
{
    return &mesh->rings[(size_t)from * mesh->workers + to];
}

static void *lines_alloc(size_t count, size_t size)
{
    void *p = memory_fail_now() ? NULL : aligned_alloc(RING_LINE, count * size);
    if (p != NULL)
        memset(p, 0, count * size);
    return p;
}

static int mesh_init(struct mesh *mesh, size_t ring_bytes)
{
    size_t rings = (size_t)mesh->places * mesh->workers;
    mesh->receivers = lines_alloc(mesh->workers, sizeof(struct receiver));
    mesh->senders = lines_alloc(mesh->places, sizeof(struct sender));
    mesh->rings = lines_alloc(rings, sizeof(struct ring));
    if (mesh->receivers == NULL || mesh->senders == NULL || mesh->rings == NULL)
        return ERR_NO_MEMORY;
    for (unsigned i = 0; i < mesh->workers; i++)
        mesh->receivers[i].wake_fd = -1;
    for (unsigned i = 0; i < mesh->workers; i++) {
        mesh->receivers[i].wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (mesh->receivers[i].wake_fd < 0)
            return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < rings; i++) {
        int err = ring_init(&mesh->rings[i], ring_bytes);
        if (err != 0)
            return err;
    }
    return 0;
}

int mesh_new(unsigned workers, unsigned senders, size_t ring_bytes, struct mesh **ret_mesh)
{
    assert(workers > 0);
    struct mesh *mesh = memory_zalloc(1, sizeof(*mesh));
    if (mesh == NULL)
        return ERR_NO_MEMORY;
    mesh->workers = workers;
    mesh->places = workers + senders;
    bindings_init(&mesh->bindings);
    int err = mesh_init(mesh, ring_bytes != 0 ? ring_bytes : RING_BYTES_DEFAULT);
    if (err != 0) {
        mesh_free(mesh);
        return err;
    }
    *ret_mesh = mesh;
    return 0;
}

void mesh_free(struct mesh *mesh)
{
    if (mesh == NULL)
        return;
    for (size_t i = 0; mesh->rings != NULL && i < (size_t)mesh->places * mesh->workers; i++)
        ring_done(&mesh->rings[i]);
    for (unsigned i = 0; mesh->receivers != NULL && i < mesh->workers; i++) {
        if (mesh->receivers[i].wake_fd > 0)
            (void)close(mesh->receivers[i].wake_fd);
    }
    memory_free(mesh->rings);
    memory_free(mesh->senders);
    memory_free(mesh->receivers);
    bindings_done(&mesh->bindings);
    memory_free(mesh);
}

unsigned mesh_workers(const struct mesh *mesh)
{
    return mesh->workers;
}

struct bindings *mesh_bindings(struct mesh *mesh)
{
    return &mesh->bindings;
}

int mesh_wake_fd(const struct mesh *mesh, unsigned worker)
{
    return mesh->receivers[worker].wake_fd;
}

void mesh_on_mail(struct loop *loop, enum mail_kind kind, mail_fn *handler, void *user)
{
    loop->mail[kind] = (struct mail_handler){handler, user};
}

/* ---- sending ---- */

int mesh_post(struct mesh *mesh, unsigned from, unsigned to, enum mail_kind kind,
              const struct slice *parts, size_t count)
{
    assert(from < mesh->places && to < mesh->workers);
    int err = ring_put(ring_of(mesh, from, to), kind, parts, count);
    if (err != 0) {
        _Atomic uint64_t *refused = &mesh->senders[from].refused;
        atomic_store_explicit(refused, atomic_load_explicit(refused, memory_order_relaxed) + 1,
                              memory_order_relaxed);
    }
    return err;
}

void mesh_flush(struct mesh *mesh, unsigned from)
{
    for (unsigned to = 0; to < mesh->workers; to++) {
        struct receiver *receiver = &mesh->receivers[to];
        if (!ring_publish(ring_of(mesh, from, to)) || !atomic_load(&receiver->sleeping))
            continue;
        /* Of several senders one wakes. */
        if (atomic_exchange(&receiver->sleeping, false)) {
            uint64_t one = 1;
            (void)!write(receiver->wake_fd, &one, sizeof(one));
        }
    }
}

uint64_t mesh_refused(const struct mesh *mesh)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < mesh->places; i++)
        sum += atomic_load_explicit(&mesh->senders[i].refused, memory_order_relaxed);
    return sum;
}

/* ---- receiving ---- */

bool mesh_sleep(struct mesh *mesh, unsigned worker)
{
    atomic_store(&mesh->receivers[worker].sleeping, true);
    for (unsigned from = 0; from < mesh->places; from++) {
        if (ring_waiting(ring_of(mesh, from, worker))) {
            mesh_awake(mesh, worker);
            return false;
        }
    }
    return true;
}

void mesh_awake(struct mesh *mesh, unsigned worker)
{
    atomic_store_explicit(&mesh->receivers[worker].sleeping, false, memory_order_relaxed);
}

static bool ring_deliver(struct ring *ring, unsigned from, const struct mail_handler *handlers)
{
    uint64_t at = ring_read_start(ring);
    uint64_t end = ring_read_end(ring);
    struct ring_record record;
    unsigned count = 0;
    while (count < MAILS_PER_TURN && ring_next(ring, &at, end, &record)) {
        const struct mail_handler *handler = &handlers[record.kind];
        if (handler->fn != NULL)
            handler->fn(handler->user, from, record.data);
        if (++count % RELEASE_EVERY == 0)
            ring_release(ring, at);
    }
    if (at != ring_read_start(ring))
        ring_release(ring, at);
    return at != end;
}

bool mesh_receive(struct mesh *mesh, unsigned worker, const struct mail_handler *handlers)
{
    bool left = false;
    for (unsigned from = 0; from < mesh->places; from++)
        left |= ring_deliver(ring_of(mesh, from, worker), from, handlers);
    return left;
}
