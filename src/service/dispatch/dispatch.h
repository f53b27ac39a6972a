/* The front desk of one worker: which service takes a request? REGISTER for our domains: registrar;
 * OPTIONS to the server itself: answered here; all else: proxy. Installs itself as the endpoint's
 * user. */
#ifndef SERVICE_DISPATCH_DISPATCH_H
#define SERVICE_DISPATCH_DISPATCH_H

#include "service/keepalive/keepalive.h"
#include "service/proxy/proxy.h"
#include "service/registrar/registrar.h"

struct dispatch;

/* What it hands requests to; borrowed. */
struct dispatch_parts {
    struct endpoint *endpoint;
    struct registrar *registrar;
    struct proxy *proxy;
    struct location *location;
    const struct domains *domains;
    struct keepalive *keepalive; /* NULL: none */
};

int dispatch_new(const struct dispatch_parts *parts, struct dispatch **ret_dispatch);
void dispatch_free(struct dispatch *dispatch);
void dispatch_reload(struct dispatch *dispatch, const struct domains *domains);

#endif
