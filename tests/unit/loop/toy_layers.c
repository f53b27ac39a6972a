#include "unit/loop/toy_layers.h"

#include <stdlib.h>

#include "base/error.h"

struct toy {
    struct layer layer;
    bool accepted;
    bool open;
    bool escaped; /* the next byte of the wire stands for itself with its last bit turned */
    char *scratch;
};

static int toy_make(const struct layer_type *type, const struct layer_setup *setup,
                    struct layer **ret_layer)
{
    struct toy *toy = calloc(1, sizeof(*toy));
    if (toy == NULL)
        return ERR_NO_MEMORY;
    toy->layer.type = type;
    toy->layer.host = setup->host;
    toy->accepted = setup->accepted;
    toy->scratch = setup->scratch;
    *ret_layer = &toy->layer;
    return 0;
}

static void toy_free(struct layer *layer)
{
    free(layer);
}

static int down(struct layer *layer, struct slice wire)
{
    return layer->host->down(layer->host->user, wire);
}

static int opened(struct toy *toy)
{
    toy->open = true;
    return toy->layer.host->opened(toy->layer.host->user);
}

static int broken(struct toy *toy, enum stream_reason reason)
{
    toy->layer.reason = reason;
    toy->layer.why = "an X";
    return ERR_INVALID;
}

/* ---- cipher ---- */

static int cipher_make(void *config, const struct layer_setup *setup, struct layer **ret_layer)
{
    (void)config;
    return toy_make(&toy_cipher, setup, ret_layer);
}

static int cipher_start(struct layer *layer)
{
    struct toy *toy = (struct toy *)layer;
    return toy->accepted ? 0 : down(layer, SLICE("K"));
}

static int cipher_greet(struct toy *toy, char c)
{
    if (c != (toy->accepted ? 'K' : 'k'))
        return broken(toy, STREAM_HANDSHAKE_FAILED);
    if (toy->accepted && down(&toy->layer, SLICE("k")) < 0)
        return ERR_LIMIT;
    return opened(toy);
}

static long cipher_receive(struct layer *layer, char *wire, size_t length)
{
    struct toy *toy = (struct toy *)layer;
    size_t i = 0;
    int status = toy->open ? 0 : cipher_greet(toy, wire[i++]);
    if (status < 0)
        return status;
    size_t plain = 0;
    for (size_t n = i; n < length; n++) {
        if (wire[n] == 'X')
            return broken(toy, STREAM_LAYER_BROKEN);
        if (wire[n] == 'q')
            return broken(toy, STREAM_CLOSED_BY_PEER);
        if (wire[n] == 'e') {
            toy->escaped = true;
            continue;
        }
        toy->scratch[plain++] = (char)(wire[n] ^ 0x80 ^ (toy->escaped ? 1 : 0));
        toy->escaped = false;
    }
    if (plain > 0)
        status = layer->host->up(layer->host->user, toy->scratch, plain);
    return status < 0 ? status : (long)length;
}

static int cipher_send(struct layer *layer, struct slice plain)
{
    char *wire = malloc(plain.len * 2);
    size_t n = 0;
    if (wire == NULL)
        return ERR_LIMIT;
    for (size_t i = 0; i < plain.len; i++) {
        char c = (char)(plain.ptr[i] ^ 0x80);
        bool means_something = c == 'X' || c == 'q' || c == 'e';
        if (means_something)
            wire[n++] = 'e';
        wire[n++] = (char)(c ^ (means_something ? 1 : 0));
    }
    int status = down(layer, slice_of(wire, n));
    free(wire);
    return status;
}

static void cipher_close(struct layer *layer)
{
    (void)down(layer, SLICE("q"));
}

static bool cipher_proves(const struct layer *layer, struct slice domain)
{
    (void)layer;
    return slice_equal(domain, SLICE("toy.example"));
}

const struct layer_type toy_cipher = {
    .name = "toy cipher",
    .make = cipher_make,
    .free = toy_free,
    .start = cipher_start,
    .receive = cipher_receive,
    .send = cipher_send,
    .close = cipher_close,
    .proves = cipher_proves,
};

/* ---- framing ---- */

static int framing_make(void *config, const struct layer_setup *setup, struct layer **ret_layer)
{
    (void)config;
    return toy_make(&toy_framing, setup, ret_layer);
}

static int framing_start(struct layer *layer)
{
    struct toy *toy = (struct toy *)layer;
    return toy->accepted ? 0 : down(layer, SLICE("HI\n"));
}

static long framing_receive(struct layer *layer, char *wire, size_t length)
{
    struct toy *toy = (struct toy *)layer;
    int status = 0;
    if (wire[0] == 'X')
        return broken(toy, toy->open ? STREAM_LAYER_BROKEN : STREAM_HANDSHAKE_FAILED);
    if (!toy->open) {
        if (length < 3)
            return 0;
        if (toy->accepted)
            status = down(layer, SLICE("HI\n"));
        if (status == 0)
            status = opened(toy);
        return status < 0 ? status : 3;
    }
    size_t n = (unsigned char)wire[0];
    if (n == 0)
        return broken(toy, STREAM_CLOSED_BY_PEER);
    if (length < 1 + n)
        return 0;
    status = layer->host->up(layer->host->user, wire + 1, n);
    return status < 0 ? status : (long)n + 1;
}

static int framing_send(struct layer *layer, struct slice plain)
{
    char frame[256] = {(char)plain.len};
    if (plain.len > 255)
        return ERR_LIMIT;
    memcpy(frame + 1, plain.ptr, plain.len);
    return down(layer, slice_of(frame, plain.len + 1));
}

static void framing_close(struct layer *layer)
{
    (void)down(layer, slice_of("", 1));
}

const struct layer_type toy_framing = {
    .name = "toy framing",
    .messages = true,
    .make = framing_make,
    .free = toy_free,
    .start = framing_start,
    .receive = framing_receive,
    .send = framing_send,
    .close = framing_close,
};
