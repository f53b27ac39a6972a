#include "unit/loop/tls/ends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include <cmocka.h>

static char scratch[LAYER_SCRATCH_BYTES];

static int on_down(void *user, struct slice wire)
{
    struct end *end = user;
    if (end->full)
        return ERR_LIMIT;
    assert_true(end->out_length + wire.len <= END_BYTES);
    memcpy(end->out + end->out_length, wire.ptr, wire.len);
    end->out_length += wire.len;
    return 0;
}

static int on_up(void *user, char *plain, size_t length)
{
    struct end *end = user;
    assert_true(end->in_length + length <= END_BYTES);
    memcpy(end->in + end->in_length, plain, length);
    end->in_length += length;
    memset(plain, 0, length); /* the layer above may do that */
    return 0;
}

static int on_opened(void *user)
{
    ((struct end *)user)->opened++;
    return 0;
}

void end_open(struct end *end, struct tls *tls, bool accepted, const char *server)
{
    struct address remote;
    assert_int_equal(address_parse(SLICE("192.0.2.1:5061"), &remote), 0);
    *end = (struct end){.out = malloc(END_BYTES), .in = malloc(END_BYTES)};
    end->host = (struct layer_host){on_down, on_up, on_opened, end};
    struct layer_setup setup = {.host = &end->host,
                                .accepted = accepted,
                                .server = slice_from_string(server),
                                .remote = &remote,
                                .scratch = scratch,
                                .scratch_size = sizeof(scratch)};
    assert_int_equal(tls_layer.make(tls, &setup, &end->layer), 0);
    end->status = tls_layer.start(end->layer);
}

void end_free(struct end *end)
{
    tls_layer.free(end->layer);
    free(end->in);
    free(end->out);
}

bool end_carry(struct end *from, struct end *to, size_t max)
{
    if (from->out_length == 0 || to->status < 0)
        return false;
    size_t n = from->out_length < max ? from->out_length : max;
    /* A copy of its own: what is read past its end is noticed. */
    char *piece = malloc(n);
    memcpy(piece, from->out, n);
    memmove(from->out, from->out + n, from->out_length - n);
    from->out_length -= n;
    to->status = tls_layer.receive(to->layer, piece, n);
    assert_true(to->status < 0 || to->status == (long)n);
    free(piece);
    return true;
}

void ends_settle(struct end *a, struct end *b, size_t max)
{
    while (end_carry(a, b, max) || end_carry(b, a, max)) {
    }
}

void end_send(struct end *end, const char *text)
{
    assert_int_equal(tls_layer.send(end->layer, slice_from_string(text)), 0);
}
