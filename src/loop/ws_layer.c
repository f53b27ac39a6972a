#include "loop/ws_layer.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"

#define REQUEST_MAX 1024u /* bytes of a handshake that we ask for */

struct ws_shared {
    struct ws_codec codec;
    const struct ws_server_config *config; /* borrowed */
    unsigned users;                        /* the owner, and each connection */
    uint64_t counts[WS_COUNTS];
};

struct ws_layer {
    struct layer layer;
    struct ws_shared *shared; /* counted */
    struct ws ws;
    bool open;
    char key[WS_KEY_LENGTH]; /* a client's, until it is open */
    struct slice host;       /* a client's, until it is open; owned */
};

/* ---- shared ---- */

int ws_shared_new(const struct ws_server_config *config, uint32_t message_max,
                  struct ws_shared **ret_shared)
{
    struct ws_shared *shared = memory_zalloc(1, sizeof(*shared));
    if (shared == NULL)
        return ERR_NO_MEMORY;
    if (ws_codec_init(&shared->codec, message_max, 0) != 0) {
        ws_codec_done(&shared->codec);
        memory_free(shared);
        return ERR_NO_MEMORY;
    }
    shared->config = config;
    shared->users = 1;
    *ret_shared = shared;
    return 0;
}

void ws_shared_set(struct ws_shared *shared, const struct ws_server_config *config,
                   uint32_t message_max)
{
    shared->config = config;
    ws_codec_set_max(&shared->codec, message_max);
}

static void put(struct ws_shared *shared)
{
    if (--shared->users > 0)
        return;
    ws_codec_done(&shared->codec);
    memory_free(shared);
}

void ws_shared_release(struct ws_shared *shared)
{
    if (shared == NULL)
        return;
    shared->config = NULL;
    put(shared);
}

uint64_t ws_shared_count(const struct ws_shared *shared, unsigned which)
{
    assert(which < WS_COUNTS);
    return shared->counts[which];
}

/* ---- one connection ---- */

static struct ws_layer *of(struct layer *layer)
{
    return (struct ws_layer *)layer;
}

static int down(void *user, struct slice bytes)
{
    const struct ws_layer *l = user;
    return l->layer.host->down(l->layer.host->user, bytes);
}

static int fail(struct ws_layer *l, enum stream_reason reason, const char *why, int err)
{
    l->layer.reason = reason;
    l->layer.why = why;
    return err;
}

/* The Host of the handshake: who was asked for, else the address, with the port unless it is the
 * usual one of either transport (RFC 6455 section 4.1, item 4). */
static int copy_host(struct ws_layer *l, const struct layer_setup *setup)
{
    size_t size = setup->server.len + ADDRESS_TEXT_MAX;
    uint16_t port = address_port(setup->remote);
    struct writer w;
    char *copy = memory_alloc(size);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    writer_init(&w, copy, size);
    if (setup->server.len > 0)
        writer_put(&w, setup->server);
    else
        address_write_host(&w, setup->remote, true);
    if (port != 80 && port != 443) {
        writer_char(&w, ':');
        writer_u64(&w, port);
    }
    l->host = writer_slice(&w);
    return 0;
}

static void ws_layer_free(struct layer *layer)
{
    struct ws_layer *l = of(layer);
    union {
        const char *borrowed;
        char *owned;
    } host = {l->host.ptr};
    memory_free(host.owned);
    ws_done(&l->ws);
    put(l->shared);
    memory_free(l);
}

static int ws_layer_make(void *config, const struct layer_setup *setup, struct layer **ret_layer)
{
    struct ws_shared *shared = config;
    struct ws_layer *l = memory_zalloc(1, sizeof(*l));
    if (l == NULL)
        return ERR_NO_MEMORY;
    l->layer.type = &ws_layer_type;
    l->layer.host = setup->host;
    l->shared = shared;
    shared->users++;
    ws_init(&l->ws, &shared->codec, !setup->accepted);
    if (!setup->accepted && copy_host(l, setup) != 0) {
        ws_layer_free(&l->layer);
        return ERR_NO_MEMORY;
    }
    *ret_layer = &l->layer;
    return 0;
}

/* ---- opening ---- */

static int ws_layer_start(struct layer *layer)
{
    struct ws_layer *l = of(layer);
    char buffer[REQUEST_MAX];
    struct writer w;
    if (!l->ws.client)
        return 0;
    if (ws_key_new(l->key) != 0)
        return fail(l, STREAM_HANDSHAKE_FAILED, "no random key", ERR_IO);
    writer_init(&w, buffer, sizeof(buffer));
    ws_client_request(l->host, SLICE("/"), slice_of(l->key, sizeof(l->key)), &w);
    int err = writer_status(&w);
    return err != 0 ? fail(l, STREAM_HANDSHAKE_FAILED, "the request is too long", err)
                    : down(l, writer_slice(&w));
}

static int opened(struct ws_layer *l)
{
    l->open = true;
    l->shared->counts[WS_HANDSHAKES]++;
    return l->layer.host->opened(l->layer.host->user);
}

static int refuse(struct ws_layer *l, enum ws_refusal refusal)
{
    char buffer[WS_ANSWER_MAX];
    struct writer w;
    l->shared->counts[WS_REFUSED]++;
    writer_init(&w, buffer, sizeof(buffer));
    (void)ws_server_answer(refusal, SLICE_NULL, &w);
    (void)down(l, writer_slice(&w));
    return fail(l, STREAM_HANDSHAKE_FAILED, ws_refusal_text(refusal), ERR_DENIED);
}

static int serve(struct ws_layer *l, struct slice head)
{
    char buffer[WS_ANSWER_MAX];
    struct writer w;
    enum ws_refusal refusal = ws_server_judge(l->shared->config, head);
    if (refusal != WS_ACCEPTED)
        return refuse(l, refusal);
    writer_init(&w, buffer, sizeof(buffer));
    int err = ws_server_answer(WS_ACCEPTED, head, &w);
    if (err != 0)
        return fail(l, STREAM_HANDSHAKE_FAILED, "no memory", err);
    err = down(l, writer_slice(&w));
    return err != 0 ? err : opened(l);
}

static int check_answer(struct ws_layer *l, struct slice head)
{
    int err = ws_client_judge(head, slice_of(l->key, sizeof(l->key)));
    if (err == 0)
        return opened(l);
    l->shared->counts[WS_REFUSED_THERE]++;
    return fail(l, STREAM_HANDSHAKE_FAILED,
                err == ERR_DENIED ? "the server refuses" : "the answer is not that of a WebSocket",
                err);
}

static long open_with(struct ws_layer *l, struct slice wire)
{
    long length = ws_head_length(wire);
    int err;
    if (length == 0)
        return 0;
    if (length > 0)
        err = l->ws.client ? check_answer(l, slice_of(wire.ptr, (size_t)length))
                           : serve(l, slice_of(wire.ptr, (size_t)length));
    else if (l->ws.client)
        err = check_answer(l, SLICE_NULL);
    else
        err = refuse(l, length == ERR_LIMIT ? WS_REFUSED_TOO_LARGE : WS_REFUSED_SYNTAX);
    return err != 0 ? err : length;
}

/* ---- open ---- */

/* RFC 6455 section 5.5.1: a Close is answered with its code. */
static int on_close(struct ws_layer *l, uint16_t code)
{
    (void)ws_send_close(&l->ws, code, down, l);
    return fail(l, STREAM_CLOSED_BY_PEER, NULL, ERR_CLOSED);
}

/* RFC 6455 section 7.1.7 */
static int on_violation(struct ws_layer *l, const struct ws_event *event)
{
    l->shared->counts[WS_VIOLATED]++;
    (void)ws_send_close(&l->ws, event->code, down, l);
    return fail(l, STREAM_LAYER_BROKEN, event->why, ERR_INVALID);
}

static int on_message(struct ws_layer *l)
{
    l->shared->counts[WS_MESSAGES_IN]++;
    return l->layer.host->up(l->layer.host->user, l->ws.message, l->ws.length);
}

static int take_event(struct ws_layer *l, const struct ws_event *event)
{
    switch (event->kind) {
    case WS_MESSAGE: return on_message(l);
    case WS_PING: l->shared->counts[WS_PINGS]++; return ws_send_pong(&l->ws, event->data, down, l);
    case WS_CLOSE: return on_close(l, event->code);
    case WS_VIOLATION: return on_violation(l, event);
    case WS_PONG:
    case WS_MORE: break;
    }
    return 0;
}

static long ws_layer_receive(struct layer *layer, char *wire, size_t length)
{
    struct ws_layer *l = of(layer);
    struct slice input = slice_of(wire, length);
    if (!l->open)
        return open_with(l, input);
    struct ws_event event;
    while ((event = ws_next(&l->ws, &input)).kind != WS_MORE) {
        int err = take_event(l, &event);
        if (err != 0)
            return err;
    }
    layer->half = ws_waits(&l->ws);
    return (long)length;
}

static int ws_layer_send(struct layer *layer, struct slice message)
{
    struct ws_layer *l = of(layer);
    l->shared->counts[WS_MESSAGES_OUT]++;
    return ws_send_message(&l->ws, message, down, l);
}

static void ws_layer_close(struct layer *layer)
{
    struct ws_layer *l = of(layer);
    (void)ws_send_close(&l->ws, WS_CODE_GOING_AWAY, down, l);
}

const struct layer_type ws_layer_type = {
    .name = "WebSocket",
    .messages = true,
    .make = ws_layer_make,
    .free = ws_layer_free,
    .start = ws_layer_start,
    .receive = ws_layer_receive,
    .send = ws_layer_send,
    .close = ws_layer_close,
};
