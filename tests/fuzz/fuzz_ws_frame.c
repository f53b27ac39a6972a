/* WebSocket frames in pieces give the events of the same frames as a whole; messages are within
 * their bound, and go out and come in again as they were. The first byte sets the size of the
 * pieces and the side that reads. */
#include "base/hash.h"
#include "base/utf8.h"
#include "fuzz/require.h"
#include "loop/ws.h"

#define MESSAGE_MAX 6000u

struct events {
    unsigned count;
    uint64_t hash;
};

struct wire {
    size_t length;
    char bytes[MESSAGE_MAX + 16];
};

static int append(void *user, struct slice bytes)
{
    struct wire *wire = user;
    require(wire->length + bytes.len <= sizeof(wire->bytes));
    memcpy(wire->bytes + wire->length, bytes.ptr, bytes.len);
    wire->length += bytes.len;
    return 0;
}

static void send_again(struct ws_codec *codec, bool client, struct slice message)
{
    static struct wire wire;
    struct ws from, to;
    wire.length = 0;
    ws_init(&from, codec, client);
    ws_init(&to, codec, !client);
    require(ws_send_message(&from, message, append, &wire) == 0);
    struct slice input = slice_of(wire.bytes, wire.length);
    struct ws_event event = ws_next(&to, &input);
    require(event.kind == WS_MESSAGE && slice_equal(event.data, message));
    require(ws_next(&to, &input).kind == WS_MORE && !ws_waits(&to));
    ws_done(&from);
    ws_done(&to);
}

static void note(struct events *events, const struct ws_event *event)
{
    static const struct hash_key key = {1, 2};
    events->count++;
    events->hash = hash_mix(events->hash, event->kind);
    events->hash = hash_mix(events->hash, event->code);
    if (event->kind != WS_VIOLATION)
        events->hash = hash_mix(events->hash, hash_slice(&key, event->data));
}

static struct events read_all(struct ws_codec *codec, bool client, struct slice input, size_t piece)
{
    struct events events = {0};
    struct ws ws;
    ws_init(&ws, codec, client);
    while (input.len > 0) {
        size_t n = piece < input.len ? piece : input.len;
        char *copy = malloc(n);
        require(copy != NULL);
        memcpy(copy, input.ptr, n);
        struct slice some = slice_of(copy, n);
        struct ws_event event;
        while ((event = ws_next(&ws, &some)).kind != WS_MORE) {
            note(&events, &event);
            require(event.data.len <= (event.kind == WS_MESSAGE ? MESSAGE_MAX : 125));
            require((event.kind == WS_VIOLATION) == (event.why != NULL));
            if (event.kind == WS_MESSAGE && piece > n)
                send_again(codec, client, event.data);
        }
        require(some.len == 0);
        free(copy);
        input = slice_from(input, n);
    }
    ws_done(&ws);
    return events;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ws_codec codec;
    if (size < 1)
        return 0;
    struct slice input = slice_of((const char *)data + 1, size - 1);
    bool client = (data[0] & 1) != 0;
    require(ws_codec_init(&codec, MESSAGE_MAX, 0) == 0);
    struct events whole = read_all(&codec, client, input, SIZE_MAX);
    struct events pieces = read_all(&codec, client, input, 1 + data[0] / 2u);
    require(whole.count == pieces.count && whole.hash == pieces.hash);
    require(codec.blocks.bytes == 0 && codec.readers <= 1);
    ws_codec_done(&codec);
    return 0;
}
