/* TCP relays (RFC 6062): relayed addresses that listen, connections with peers, and the clients'
 * data connections that they are joined with. The worker of the allocation owns its connections
 * with peers until a ConnectionBind comes; the pair then lives at the worker of the client's data
 * connection, and the descriptor of the peer's goes there. The system's buffers hold what a peer
 * sends before that. */
#ifndef SERVICE_TURN_TCP_H
#define SERVICE_TURN_TCP_H

#include "service/turn/turn_private.h"

#define TURN_TCP_CONNECTIONS_MAX 64    /* of one allocation at a time; beyond: 508, or closed */
#define TURN_TCP_CONNECT_MS      30000 /* section 5.2: at least */
#define TURN_TCP_BIND_MS         30000 /* sections 5.2, 5.3 */
#define TURN_TCP_QUEUE           (128u << 10) /* bytes that wait before a side is read no more */
#define TURN_TCP_STALL_MS        300000       /* a side that takes nothing for so long is gone */

struct turn_tcp;        /* of an allocation */
struct turn_tcp_worker; /* of a worker */

/* ERR_NO_MEMORY. */
int turn_tcp_worker_new(struct turn *turn, struct turn_tcp_worker **ret_worker);
/* After all allocations have ended. NULL is accepted. */
void turn_tcp_worker_free(struct turn_tcp_worker *worker);

/* ---- Of allocations ---- */

/* May this Allocate for TCP go on? 0, or the code of the error response (section 5.1). */
unsigned turn_tcp_examine(const struct turn_request *request);
/* Makes the allocation one for TCP and listens at place, which stays the caller's. ERR_EXISTS:
 * another port will do; ERR_NO_MEMORY, ERR_LIMIT, ERR_IO. */
int turn_tcp_listen(struct turn_allocation *allocation, const struct address *place);
/* The relayed address of a family ends, with its connections. */
void turn_tcp_close(struct turn_tcp *tcp, unsigned family);
/* Frees it; all is closed. NULL is accepted. */
void turn_tcp_free(struct turn_tcp *tcp);
/* Connections now. */
unsigned turn_tcp_count(const struct turn_tcp *tcp);

/* ---- Requests ---- */

void turn_on_connect(struct turn_request *request);
/* Before it is known who asks: the worker that the CONNECTION-ID names decides. */
void turn_on_connection_bind(struct turn_request *request);

#endif
