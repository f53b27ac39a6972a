/* Two ends of TLS in memory: what one sends down waits until it is carried to the other. */
#ifndef UNIT_LOOP_TLS_ENDS_H
#define UNIT_LOOP_TLS_ENDS_H

#include "base/slice.h"
#include "loop/tls/tls.h"

#define END_BYTES ((size_t)1 << 20)

struct end {
    struct layer *layer;
    struct layer_host host;
    char *out; /* sent down, not carried yet */
    size_t out_length;
    char *in; /* plain bytes that came up */
    size_t in_length;
    unsigned opened;
    long status; /* of the last call: negative when it has ended */
    bool full;   /* down refuses */
};

/* server: the name asked for. Nothing is carried yet. */
void end_open(struct end *end, struct tls *tls, bool accepted, const char *server);
void end_free(struct end *end);
/* At most max bytes from one to the other, in one piece; false when there is nothing, or the other
 * has ended. */
bool end_carry(struct end *from, struct end *to, size_t max);
/* Both ways until nothing moves, in pieces of at most max bytes. */
void ends_settle(struct end *a, struct end *b, size_t max);
void end_send(struct end *end, const char *text);

#endif
