/* loop/dtls/dtls.h in the simulated world, which has no ciphers: nobody listens for it there. */
#include "loop/dtls/dtls.h"

#include "base/error.h"

int dtls_open(struct loop *loop, const struct dtls_options *options, struct dtls **ret_dtls)
{
    (void)loop, (void)options, (void)ret_dtls;
    return ERR_UNSUPPORTED;
}

void dtls_close(struct dtls *dtls)
{
    (void)dtls;
}

struct address dtls_local(const struct dtls *dtls)
{
    (void)dtls;
    return (struct address){0};
}

int dtls_send(struct dtls *dtls, const struct flow *flow, struct slice data)
{
    (void)dtls, (void)flow, (void)data;
    return ERR_CLOSED;
}

void dtls_end(struct dtls *dtls, const struct flow *flow)
{
    (void)dtls, (void)flow;
}

void dtls_reload(struct dtls *dtls, const struct dtls_limits *limits)
{
    (void)dtls, (void)limits;
}
