/* The inside of a worker, shared by the files worker*.c only. */
#ifndef APP_SERVER_WORKER_PRIVATE_H
#define APP_SERVER_WORKER_PRIVATE_H

#include <pthread.h>

#include "app/server/worker.h"
#include "stack/prober.h"

struct worker {
    const struct worker_shared *shared; /* borrowed */
    unsigned index;
    struct loop *loop; /* owned, as all below */
    struct endpoint *endpoint;
    struct authenticator *authenticator;
    struct registrar *registrar;
    struct proxy *proxy;
    struct keepalive *keepalive;
    struct dispatch *dispatch;
    struct stun_server *stun;
    struct turn_credentials *turn_credentials;
    struct turn *turn; /* NULL: nothing is relayed */
    struct stun_server_turn turn_hook;
    struct prober *prober;                     /* worker 0 only */
    _Atomic(const struct settings *) settings; /* borrowed: in use by this worker */
    struct timer sweep;                        /* worker 0 only */
    struct timer drain;
    _Atomic bool drained; /* nothing is under way */
    pthread_t thread;
    bool started;
};

/* worker.c: no new requests, and a look now and then whether anything is under way. The thread goes
 * on all the same: the system still hands it what is meant for others. */
void worker_on_drain(struct timer *timer);
/* worker_services.c: every service goes over to settings. On the worker's thread. */
void worker_take_over(struct worker *worker, const struct settings *settings);
/* worker_mail.c: takes what the controlling thread and the store's thread post. */
void worker_listen_to_mail(struct worker *worker);

#endif
