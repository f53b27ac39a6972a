/* Where UDP brings no answer: does the server answer over TCP or TLS? Then a relay can be reached.
 */
#ifndef APP_NAT_STREAM_H
#define APP_NAT_STREAM_H

#include "base/address.h"
#include "base/random.h"

#define NAT_STREAMS         3u
#define NAT_STREAM_TLS_PORT 5349u /* RFC 8489 section 18.4 */

enum nat_stream_state {
    NAT_STREAM_ANSWERED,
    NAT_STREAM_REFUSED, /* the host is there, nobody listens */
    NAT_STREAM_SILENT,  /* nothing came back */
    NAT_STREAM_STRANGE, /* connected, but it is no STUN server, or no TLS */
};

struct nat_stream {
    struct address server;
    bool tls;
    enum nat_stream_state state;
    struct address mapped; /* where it was answered */
};

/* Asks all of streams[0..count) at once, for at most timeout_ms each: server and tls are given, the
 * rest is set. Certificates are not checked: nothing is told to the server, and only that it
 * answers counts. */
void nat_streams_try(struct nat_stream *streams, unsigned count, const char *name,
                     unsigned timeout_ms, struct random *random);

#endif
