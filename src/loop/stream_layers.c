/* What lies between a connection's bytes and its user: the layers of loop/layer.h. */
#include "base/error.h"
#include "base/memory.h"
#include "loop/stream_private.h"

#define SERVER_MAX 255u
/* Of one turn, so that a storm of handshakes leaves the calls their time. */
#define OPENING_US_PER_TURN 1000u
/* What a layer may add to what is sent: room that is asked for first. */
#define OVERHEAD 1024u

/* A send that waits for the layers to open. */
struct held {
    struct held *next;
    uint32_t length;
    char bytes[];
};

struct stream_layers {
    struct layer_host cipher_host;
    struct layer_host framing_host;
    struct layer *cipher; /* owned; NULL: none, or not made yet */
    struct layer *framing;
    struct held *held_first; /* owned */
    struct held *held_last;
    uint32_t held; /* bytes */
    bool started;
    bool cipher_open;
    bool framing_open;
    uint8_t server_length;
    char server[];
};

bool stream_has_layers(const struct stream_options *options)
{
    return options->cipher.type != NULL || options->framing.type != NULL;
}

bool stream_layers_cipher(const struct stream *stream)
{
    return stream->layers != NULL && stream->profile->options.cipher.type != NULL;
}

bool stream_layers_frame(const struct stream *stream)
{
    return stream->layers != NULL && stream->profile->options.framing.type != NULL;
}

bool stream_layers_half(const struct stream *stream)
{
    const struct stream_layers *layers = stream->layers;
    return layers != NULL && ((layers->framing != NULL && layers->framing->half) ||
                              (layers->cipher != NULL && layers->cipher->half));
}

static bool alive(const struct stream *stream)
{
    return stream->state == STREAM_OPENING || stream->state == STREAM_IS_OPEN;
}

/* ---- failing ---- */

static void count_failure(struct streams *streams, enum stream_reason reason)
{
    switch (reason) {
    case STREAM_HANDSHAKE_FAILED: streams->counts[STREAM_HANDSHAKES_FAILED]++; break;
    case STREAM_VERIFY_FAILED: streams->counts[STREAM_VERIFY_REFUSED]++; break;
    case STREAM_LAYER_BROKEN: streams->counts[STREAM_LAYERS_BROKEN]++; break;
    default: break;
    }
}

/* Whom we called concerns the operator; who calls us may be anybody, as often as he likes. */
static void tell(const struct stream *stream, const struct layer *layer)
{
    struct log *log = stream->owner->loop->config.log;
    enum log_level level = stream->accepted ? LOG_DEBUG : LOG_INFO;
    char remote[ADDRESS_TEXT_MAX];
    if (layer->reason == STREAM_CLOSED_BY_PEER || !log_on(log, LOG_TRANSPORT, level))
        return;
    (void)address_text(&stream->flow.remote, remote);
    log_write(log, LOG_TRANSPORT, level, "%s: %s with %s%s%.*s: %s", layer->type->name,
              stream->state == STREAM_OPENING ? "handshake" : "connection", remote,
              stream->layers->server_length > 0 ? " for " : "", (int)stream->layers->server_length,
              stream->layers->server, layer->why != NULL ? layer->why : "failed");
}

/* A layer gave up. When that was because the stream ends anyway, nothing is left to do. */
static void layer_failed(struct stream *stream, const struct layer *layer)
{
    struct stream_layers *layers = stream->layers;
    if (!alive(stream))
        return;
    count_failure(stream->owner, layer->reason);
    tell(stream, layer);
    if (layer == layers->cipher)
        layers->cipher_open = false;
    layers->framing_open = false; /* it has said what it had to say, or has no way to */
    stream_finish(stream, layer->reason);
}

/* ---- what the layers ask for ---- */

static int cipher_down(void *user, struct slice wire)
{
    return stream_queue(user, wire);
}

static int framing_down(void *user, struct slice wire)
{
    struct stream *stream = user;
    struct layer *cipher = stream->layers->cipher;
    return cipher == NULL ? stream_queue(stream, wire) : cipher->type->send(cipher, wire);
}

static int cipher_up(void *user, char *plain, size_t length)
{
    return stream_input(user, plain, length);
}

static int framing_up(void *user, char *plain, size_t length)
{
    struct stream *stream = user;
    const struct stream_handler *handler = &stream->profile->options.handler;
    struct slice message = slice_of(plain, length);
    if (stream->state != STREAM_IS_OPEN)
        return ERR_CLOSED;
    stream->active_ms = stream->half_ms = streams_now(stream->owner);
    if (handler->on_message(handler->user, &stream->flow, message) < 0)
        stream_finish(stream, STREAM_BAD_INPUT);
    return stream->state == STREAM_IS_OPEN ? 0 : ERR_CLOSED;
}

static void drop_held(struct stream_layers *layers)
{
    while (layers->held_first != NULL) {
        struct held *held = layers->held_first;
        layers->held_first = held->next;
        memory_free(held);
    }
    layers->held_last = NULL;
    layers->held = 0;
}

static struct layer *top(const struct stream_layers *layers)
{
    return layers->framing != NULL ? layers->framing : layers->cipher;
}

static int send_held(struct stream *stream)
{
    struct stream_layers *layers = stream->layers;
    int status = 0;
    for (struct held *h = layers->held_first; h != NULL && status == 0; h = h->next)
        status = top(layers)->type->send(top(layers), slice_of(h->bytes, h->length));
    drop_held(layers);
    return status;
}

static int all_open(struct stream *stream)
{
    stream->owner->counts[STREAM_OPENING_NOW]--;
    stream->opening = false;
    stream->state = STREAM_IS_OPEN;
    int status = send_held(stream);
    if (status < 0) {
        stream_fail(stream, STREAM_IO_ERROR);
        return status;
    }
    stream_opened(stream);
    return stream->state == STREAM_IS_OPEN ? 0 : ERR_CLOSED;
}

static int framing_opened(void *user)
{
    struct stream *stream = user;
    stream->layers->framing_open = true;
    return stream->state == STREAM_OPENING ? all_open(stream) : ERR_CLOSED;
}

/* Errors of the upper layer end the stream here; the lower one only learns to stop. */
static int start_framing(struct stream *stream)
{
    struct layer *framing = stream->layers->framing;
    if (framing->type->start(framing) < 0)
        layer_failed(stream, framing);
    return alive(stream) ? 0 : ERR_CLOSED;
}

static int cipher_opened(void *user)
{
    struct stream *stream = user;
    stream->layers->cipher_open = true;
    if (stream->state != STREAM_OPENING)
        return ERR_CLOSED;
    return stream->layers->framing != NULL ? start_framing(stream) : all_open(stream);
}

/* ---- making ---- */

int stream_layers_prepare(struct stream *stream, struct slice server)
{
    if (!stream_has_layers(&stream->profile->options))
        return 0;
    size_t length = server.len < SERVER_MAX ? server.len : SERVER_MAX;
    struct stream_layers *layers = memory_zalloc(1, sizeof(*layers) + length);
    if (layers == NULL)
        return ERR_NO_MEMORY;
    layers->cipher_host = (struct layer_host){cipher_down, cipher_up, cipher_opened, stream};
    layers->framing_host = (struct layer_host){framing_down, framing_up, framing_opened, stream};
    if (length > 0)
        memcpy(layers->server, server.ptr, length);
    layers->server_length = (uint8_t)length;
    stream->layers = layers;
    return 0;
}

static int make(struct stream *stream, const struct stream_layer *layer,
                const struct layer_host *host, char **scratch, struct layer **ret_layer)
{
    if (layer->type == NULL)
        return 0;
    if (*scratch == NULL)
        *scratch = memory_alloc(LAYER_SCRATCH_BYTES);
    if (*scratch == NULL)
        return ERR_NO_MEMORY;
    struct layer_setup setup = {
        .host = host,
        .accepted = stream->accepted,
        .server = slice_of(stream->layers->server, stream->layers->server_length),
        .remote = &stream->flow.remote,
        .scratch = *scratch,
        .scratch_size = LAYER_SCRATCH_BYTES,
    };
    return layer->type->make(layer->config, &setup, ret_layer);
}

/* Both are made before the first starts. */
static int make_all(struct stream *stream)
{
    struct stream_layers *layers = stream->layers;
    struct streams *streams = stream->owner;
    const struct stream_options *options = &stream->profile->options;
    int err = make(stream, &options->cipher, &layers->cipher_host, &streams->cipher_scratch,
                   &layers->cipher);
    if (err == 0)
        err = make(stream, &options->framing, &layers->framing_host, &streams->framing_scratch,
                   &layers->framing);
    return err;
}

static void start(struct stream *stream)
{
    struct stream_layers *layers = stream->layers;
    layers->started = true;
    if (make_all(stream) != 0) {
        stream->owner->counts[STREAM_HANDSHAKES_FAILED]++;
        stream_fail(stream, STREAM_HANDSHAKE_FAILED);
        return;
    }
    if (layers->cipher == NULL)
        (void)start_framing(stream);
    else if (layers->cipher->type->start(layers->cipher) < 0)
        layer_failed(stream, layers->cipher);
}

/* Who has connected to us speaks first: until then there is nothing to keep for him. */
void stream_layers_open(struct stream *stream)
{
    stream->state = STREAM_OPENING;
    stream->entered_ms = streams_now(stream->owner);
    stream->opening = true;
    stream->owner->counts[STREAM_OPENING_NOW]++;
    stream_watch(stream);
    if (!stream->accepted)
        start(stream);
}

void stream_layers_free(struct stream *stream)
{
    struct stream_layers *layers = stream->layers;
    if (layers == NULL)
        return;
    if (layers->framing != NULL)
        layers->framing->type->free(layers->framing);
    if (layers->cipher != NULL)
        layers->cipher->type->free(layers->cipher);
    drop_held(layers);
    memory_free(layers);
    stream->layers = NULL;
}

void stream_layers_close(struct stream *stream)
{
    struct stream_layers *layers = stream->layers;
    drop_held(layers);
    if (stream->peer_ended)
        return;
    if (layers->framing_open)
        layers->framing->type->close(layers->framing);
    if (layers->cipher_open)
        layers->cipher->type->close(layers->cipher);
}

/* ---- both ways through ---- */

bool stream_opening_may_read(struct stream *stream)
{
    struct streams *streams = stream->owner;
    if (streams->opening_us < OPENING_US_PER_TURN)
        return true;
    if (list_empty(&stream->ready))
        list_append(&streams->opening, &stream->ready);
    return false;
}

void stream_layers_receive(struct stream *stream, char *wire, size_t length)
{
    struct stream_layers *layers = stream->layers;
    struct streams *streams = stream->owner;
    uint64_t began = stream->state == STREAM_OPENING ? uv_hrtime() : 0;
    if (!layers->started)
        start(stream);
    struct layer *cipher = layers->cipher;
    if (alive(stream) && cipher->type->receive(cipher, wire, length) < 0)
        layer_failed(stream, cipher);
    if (began != 0)
        streams->opening_us += (uv_hrtime() - began) / 1000;
}

long stream_layers_take(struct stream *stream, char *bytes, size_t length)
{
    struct stream_layers *layers = stream->layers;
    if (!layers->started) /* without a cipher */
        start(stream);
    struct layer *framing = layers->framing;
    if (!alive(stream))
        return 0;
    long taken = framing->type->receive(framing, bytes, length);
    if (taken < 0) {
        layer_failed(stream, framing);
        return 0;
    }
    return taken;
}

static int hold(struct stream *stream, struct slice data)
{
    struct stream_layers *layers = stream->layers;
    struct held *held = memory_alloc(sizeof(*held) + data.len);
    if (held == NULL)
        return ERR_LIMIT;
    held->next = NULL;
    held->length = (uint32_t)data.len;
    memcpy(held->bytes, data.ptr, data.len);
    if (layers->held_last != NULL)
        layers->held_last->next = held;
    else
        layers->held_first = held;
    layers->held_last = held;
    layers->held += (uint32_t)data.len;
    return 0;
}

/* Room is asked for first: what a cipher has begun to send cannot be taken back. */
static bool has_room(const struct stream *stream, size_t length)
{
    uint32_t limit = stream->profile->options.limits.send_queue;
    uint64_t used = (uint64_t)stream->queued + stream->layers->held;
    return length <= limit && used + length + length / 16 + OVERHEAD <= limit;
}

int stream_layers_send(struct stream *stream, struct slice data)
{
    struct stream_layers *layers = stream->layers;
    int status = ERR_LIMIT;
    if (data.len == 0)
        return 0;
    if (has_room(stream, data.len) && stream->state != STREAM_IS_OPEN)
        status = hold(stream, data);
    else if (has_room(stream, data.len))
        status = top(layers)->type->send(top(layers), data);
    if (status == ERR_LIMIT)
        stream->owner->counts[STREAM_SEND_FULL]++;
    else if (status < 0)
        stream_fail(stream, STREAM_IO_ERROR);
    return status;
}

bool stream_proves(struct loop *loop, const struct flow *flow, struct slice domain)
{
    const struct stream *stream = stream_of_flow(loop, flow);
    if (stream == NULL || stream->state != STREAM_IS_OPEN || stream->layers == NULL)
        return false;
    const struct layer *cipher = stream->layers->cipher;
    return cipher != NULL && cipher->type->proves != NULL && cipher->type->proves(cipher, domain);
}
