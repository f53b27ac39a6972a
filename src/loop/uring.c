/* By the system calls themselves: what is used of the interface is small, and its library is not
 * everywhere. The kernel reads and writes the rings while we are within the call, and only then. */
#include "loop/uring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

/* Newer than some headers. */
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif

struct uring {
    int fd;     /* owned */
    char *ring; /* owned, mapped: both queues */
    size_t ring_size;
    struct io_uring_sqe *entries; /* owned, mapped */
    size_t entries_size;
    struct io_uring_params params;
    bool broken; /* it does what it should not */
};

static _Atomic uint32_t *at(const struct uring *uring, uint32_t offset)
{
    return (_Atomic uint32_t *)(void *)(uring->ring + offset);
}

static void *map(const struct uring *uring, size_t size, off_t offset)
{
    if (memory_fail_now())
        return NULL;
    void *mapped =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, uring->fd, offset);
    return mapped == MAP_FAILED ? NULL : mapped;
}

static int map_rings(struct uring *uring)
{
    const struct io_uring_params *p = &uring->params;
    size_t in = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
    size_t out = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
    if ((p->features & IORING_FEAT_SINGLE_MMAP) == 0)
        return ERR_UNSUPPORTED;
    uring->ring_size = in > out ? in : out;
    uring->entries_size = p->sq_entries * sizeof(struct io_uring_sqe);
    uring->ring = map(uring, uring->ring_size, IORING_OFF_SQ_RING);
    uring->entries = map(uring, uring->entries_size, IORING_OFF_SQES);
    if (uring->ring == NULL || uring->entries == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < p->sq_entries; i++)
        atomic_store_explicit(at(uring, p->sq_off.array + i * (uint32_t)sizeof(uint32_t)), i,
                              memory_order_relaxed);
    return 0;
}

int uring_new(struct uring **ret_uring)
{
    struct uring *uring = memory_zalloc(1, sizeof *uring);
    if (uring == NULL)
        return ERR_NO_MEMORY;
    uring->params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    uring->fd = (int)syscall(SYS_io_uring_setup, URING_SENDS, &uring->params);
    if (uring->fd < 0) { /* before Linux 6.1 */
        uring->params = (struct io_uring_params){0};
        uring->fd = (int)syscall(SYS_io_uring_setup, URING_SENDS, &uring->params);
    }
    int status = uring->fd < 0 ? ERR_UNSUPPORTED : map_rings(uring);
    if (status < 0) {
        uring_free(uring);
        return status;
    }
    *ret_uring = uring;
    return 0;
}

void uring_free(struct uring *uring)
{
    if (uring == NULL)
        return;
    if (uring->ring != NULL)
        (void)munmap(uring->ring, uring->ring_size);
    if (uring->entries != NULL)
        (void)munmap(uring->entries, uring->entries_size);
    if (uring->fd >= 0)
        (void)close(uring->fd);
    memory_free(uring);
}

static void fill(struct io_uring_sqe *entry, const struct uring_send *send, unsigned place)
{
    memset(entry, 0, sizeof *entry);
    entry->opcode = IORING_OP_SEND;
    entry->fd = send->fd;
    entry->addr = (uintptr_t)send->data.ptr;
    entry->len = (uint32_t)send->data.len;
    entry->msg_flags = MSG_DONTWAIT;
    entry->addr2 = (uintptr_t)send->remote;
    entry->addr_len = (uint16_t)address_length(send->remote);
    entry->user_data = place;
}

static unsigned take_results(const struct uring *uring, struct uring_send *sends, unsigned count)
{
    const struct io_uring_params *p = &uring->params;
    const struct io_uring_cqe *results =
        (const struct io_uring_cqe *)(const void *)(uring->ring + p->cq_off.cqes);
    uint32_t mask = p->cq_entries - 1, taken = 0;
    uint32_t head = atomic_load_explicit(at(uring, p->cq_off.head), memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(at(uring, p->cq_off.tail), memory_order_acquire);
    for (; head != tail; head++, taken++) {
        const struct io_uring_cqe *result = &results[head & mask];
        if (result->user_data < count)
            sends[result->user_data].result = result->res;
    }
    atomic_store_explicit(at(uring, p->cq_off.head), head, memory_order_release);
    return taken;
}

int uring_send_all(struct uring *uring, struct uring_send *sends, unsigned count)
{
    const struct io_uring_params *p = &uring->params;
    uint32_t mask = p->sq_entries - 1;
    uint32_t tail = atomic_load_explicit(at(uring, p->sq_off.tail), memory_order_relaxed);
    if (uring->broken)
        return ERR_UNSUPPORTED;
    for (unsigned i = 0; i < count; i++) {
        sends[i].result = -EAGAIN;
        fill(&uring->entries[(tail + i) & mask], &sends[i], i);
    }
    atomic_store_explicit(at(uring, p->sq_off.tail), tail + count, memory_order_release);
    long taken = syscall(SYS_io_uring_enter, uring->fd, count, count, IORING_ENTER_GETEVENTS, NULL,
                         (size_t)0);
    if (taken != (long)count) /* what is left must not go with a later call */
        atomic_store_explicit(at(uring, p->sq_off.tail), tail + (taken > 0 ? (uint32_t)taken : 0),
                              memory_order_release);
    uring->broken = take_results(uring, sends, count) != count;
    return taken > 0 ? 0 : ERR_UNSUPPORTED;
}
