/* Datagrams that the system drops unread (a filter of the socket: classic BPF, which needs no
 * privilege). For a flood of which every answer would cost more than is left. */
#ifndef LOOP_SIFT_H
#define LOOP_SIFT_H

#include <stdint.h>

#define SIFT_MARK  11     /* characters */
#define SIFT_REACH 512    /* bytes of a datagram within which the mark is looked for */
#define SIFT_ALL   65536u /* shares are parts of this */

struct sift {
    const char
        *marked;      /* datagrams that start so (4 characters) and have mark in them are dropped */
    const char *mark; /* SIFT_MARK characters, not within the first 32 */
    const char *thinned; /* of those that start so (4 characters) a share is dropped, by chance */
    uint32_t share;
};

/* Replaces what was attached before. Errors: ERR_UNSUPPORTED. */
int sift_attach(int fd, const struct sift *sift);
void sift_detach(int fd);

#endif
