/* Which worker gets a datagram. Sockets that share an address (SO_REUSEPORT) get datagrams by the
 * addresses in them: all of one peer's go to one worker. Here the system looks for a mark in the
 * datagram instead, and the text behind it names the worker; so each datagram arrives where it
 * belongs, and nothing needs to be passed on. Datagrams without the mark go by their addresses, and
 * a datagram that arrives elsewhere is no error: whoever gets it looks again (steer_worker). */
#ifndef LOOP_STEER_H
#define LOOP_STEER_H

#include "base/slice.h"

#define STEER_MARK  8  /* characters of a mark */
#define STEER_BYTES 24 /* of the text that count */
#define STEER_BASIS 0x811c9dc5u
#define STEER_PRIME 0x01000193u

/* FNV-1a: what a filter of the system can compute too. It has no key; who picks texts that name one
 * worker slows himself down. workers: not 0. */
static inline unsigned steer_worker(struct slice text, unsigned workers)
{
    uint32_t hash = STEER_BASIS;
    size_t count = text.len < STEER_BYTES ? text.len : STEER_BYTES;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ (uint8_t)text.ptr[i]) * STEER_PRIME;
    return (hash ^ hash >> 15) % workers;
}

/* Tells the system to steer the datagrams of a socket and of those that share its address; the
 * first one bound is worker 0's, and so on. mark: STEER_MARK characters at the start of a line,
 * within its first two kilobytes but not in the first line; the text follows it, after a blank or
 * at once, up to the end of the line. Errors: ERR_UNSUPPORTED (datagrams go by address as before).
 */
int steer_attach(int fd, const char *mark, unsigned workers);

#endif
