/* Sends on many sockets by one system call: what sendmmsg is for one socket, the kernel's io_uring
 * is for several. Each call runs to its end within the submission; nothing stays under way. */
#ifndef LOOP_URING_H
#define LOOP_URING_H

#include "base/address.h"

#define URING_SENDS 64 /* at once */

struct uring;

struct uring_send {
    int fd;
    int result; /* out: bytes, or a negative errno */
    struct slice data;
    const struct address *remote;
};

/* ERR_UNSUPPORTED: the kernel has none, or does not let us. ERR_NO_MEMORY. */
int uring_new(struct uring **ret_uring);
/* NULL is accepted. */
void uring_free(struct uring *uring);
/* Sends all, in order, without waiting; at most URING_SENDS. ERR_UNSUPPORTED: nothing was sent, and
 * nothing will be by this ring. One thread. */
int uring_send_all(struct uring *uring, struct uring_send *sends, unsigned count);

#endif
