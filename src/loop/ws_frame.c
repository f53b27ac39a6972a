/* Reading frames. wslay reads their heads and takes the masks off; what a frame may be and what
 * becomes of it is decided here. Its context has a buffer of 4 KiB, so a connection borrows one
 * only while it is within a frame. */
#include <assert.h>
#include <wslay/wslay.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "loop/ws_private.h"

#define MESSAGE_MAX    65535u
#define READERS_MAX    16384u
#define BLOCKS_MAX     ((size_t)256 << 20)
#define BLOCK_SMALLEST 1024u

struct ws_reader {
    struct ws_reader *next; /* in ws_codec.spare */
    wslay_frame_context_ptr wslay;
    struct slice input; /* what wslay has not seen yet */
    uint64_t fed;       /* bytes that it has seen */
    uint64_t done;      /* bytes of the frames that are whole */
    uint64_t payload;   /* bytes of the present frame's payload that came */
    bool in_frame;      /* its head is known */
    uint8_t opcode;
    bool last; /* of its message */
    char control[WS_CONTROL_MAX];
};

/* ---- readers ---- */

static ssize_t feed(uint8_t *buffer, size_t size, int flags, void *user)
{
    struct ws_reader *reader = user;
    size_t n = reader->input.len < size ? reader->input.len : size;
    (void)flags;
    if (n == 0)
        return -1;
    memcpy(buffer, reader->input.ptr, n);
    reader->input = slice_from(reader->input, n);
    reader->fed += n;
    return (ssize_t)n;
}

static struct ws_reader *reader_new(struct ws_codec *codec)
{
    static const struct wslay_frame_callbacks callbacks = {.recv_callback = feed};
    if (codec->readers >= codec->readers_max)
        return NULL;
    struct ws_reader *reader = memory_zalloc(1, sizeof(*reader));
    if (reader == NULL)
        return NULL;
    if (wslay_frame_context_init(&reader->wslay, &callbacks, reader) != 0) {
        memory_free(reader);
        return NULL;
    }
    codec->readers++;
    return reader;
}

static void reader_free(struct ws_codec *codec, struct ws_reader *reader)
{
    wslay_frame_context_free(reader->wslay);
    memory_free(reader);
    codec->readers--;
}

static struct ws_reader *reader_get(struct ws_codec *codec)
{
    struct ws_reader *reader = codec->spare;
    if (reader == NULL)
        return reader_new(codec);
    codec->spare = reader->next;
    reader->next = NULL;
    return reader;
}

/* One that ended within a frame is of no use to another connection; one spare is enough for those
 * whose frames come whole. */
static void reader_put(struct ws_codec *codec, struct ws_reader *reader)
{
    if (reader->fed != reader->done || codec->spare != NULL) {
        reader_free(codec, reader);
        return;
    }
    codec->spare = reader;
}

void ws_codec_set_max(struct ws_codec *codec, uint32_t message_max)
{
    codec->message_max = message_max != 0 ? message_max : MESSAGE_MAX;
}

int ws_codec_init(struct ws_codec *codec, uint32_t message_max, uint32_t readers_max)
{
    memset(codec, 0, sizeof(*codec));
    ws_codec_set_max(codec, message_max);
    codec->readers_max = readers_max != 0 ? readers_max : READERS_MAX;
    blocks_init(&codec->blocks, BLOCKS_MAX);
    return ws_sender_new(&codec->sender);
}

void ws_codec_done(struct ws_codec *codec)
{
    if (codec->spare != NULL)
        reader_free(codec, codec->spare);
    ws_sender_free(codec->sender);
    blocks_done(&codec->blocks);
    memset(codec, 0, sizeof(*codec));
}

/* ---- connections ---- */

void ws_init(struct ws *ws, struct ws_codec *codec, bool client)
{
    memset(ws, 0, sizeof(*ws));
    ws->codec = codec;
    ws->client = client;
}

static void forget_message(struct ws *ws)
{
    blocks_put(&ws->codec->blocks, ws->message, ws->size);
    ws->message = NULL;
    ws->length = ws->size = 0;
}

void ws_done(struct ws *ws)
{
    forget_message(ws);
    if (ws->reader != NULL)
        reader_put(ws->codec, ws->reader);
    ws->reader = NULL;
    ws->ended = true;
}

bool ws_waits(const struct ws *ws)
{
    return ws->reader != NULL || ws->opcode != 0;
}

/* ---- what may come ---- */

static struct ws_event violation(uint16_t code, const char *why)
{
    return (struct ws_event){.kind = WS_VIOLATION, .code = code, .why = why};
}

static const struct ws_event nothing = {.kind = WS_MORE};

static bool is_control(uint8_t opcode)
{
    return (opcode & 8) != 0;
}

/* RFC 6455 sections 5.1, 5.2, 5.4, 5.5. */
static struct ws_event check_frame(const struct ws *ws, const struct wslay_frame_iocb *frame)
{
    bool data = frame->opcode == WSLAY_TEXT_FRAME || frame->opcode == WSLAY_BINARY_FRAME;
    bool control = frame->opcode == WSLAY_CONNECTION_CLOSE || frame->opcode == WSLAY_PING ||
                   frame->opcode == WSLAY_PONG;
    if (frame->rsv != 0)
        return violation(WS_CODE_PROTOCOL, "reserved bits are set");
    if ((frame->mask != 0) == ws->client)
        return violation(WS_CODE_PROTOCOL,
                         ws->client ? "the server masks" : "the client does not mask");
    if (!data && !control && frame->opcode != WSLAY_CONTINUATION_FRAME)
        return violation(WS_CODE_PROTOCOL, "unknown opcode");
    if (control && (!frame->fin || frame->payload_length > WS_CONTROL_MAX))
        return violation(WS_CODE_PROTOCOL, "control frame in pieces or too long");
    if (data && ws->opcode != 0)
        return violation(WS_CODE_PROTOCOL, "a new message within another");
    if (frame->opcode == WSLAY_CONTINUATION_FRAME && ws->opcode == 0)
        return violation(WS_CODE_PROTOCOL, "continuation of nothing");
    /* What came already may be more than a bound that was lowered since. */
    uint32_t max = ws->codec->message_max;
    if (!control && (ws->length > max || frame->payload_length > max - ws->length))
        return violation(WS_CODE_TOO_BIG, "message too large");
    return nothing;
}

/* Codes that may be on the wire: RFC 6455 section 7.4. */
static bool code_allowed(unsigned code)
{
    if (code >= 3000)
        return code <= 4999;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

/* RFC 6455 section 5.5.1 */
static struct ws_event on_close(struct slice payload)
{
    struct ws_event event = {.kind = WS_CLOSE, .code = WS_CODE_NONE};
    if (payload.len == 0)
        return event;
    if (payload.len == 1)
        return violation(WS_CODE_PROTOCOL, "half a code in Close");
    event.code = (uint16_t)((unsigned char)payload.ptr[0] << 8 | (unsigned char)payload.ptr[1]);
    event.data = slice_from(payload, 2);
    if (!code_allowed(event.code))
        return violation(WS_CODE_PROTOCOL, "a code in Close that must not be sent");
    if (!utf8_valid(event.data))
        return violation(WS_CODE_BAD_TEXT, "the reason in Close is not UTF-8");
    return event;
}

/* RFC 6455 section 8.1 */
static struct ws_event on_message(uint8_t opcode, struct slice data)
{
    if (opcode == WSLAY_TEXT_FRAME && !utf8_valid(data))
        return violation(WS_CODE_BAD_TEXT, "text is not UTF-8");
    return (struct ws_event){.kind = WS_MESSAGE, .data = data};
}

/* ---- reading ---- */

/* Room for length bytes in all; memory is taken for bytes that came, not for those announced. */
static int reserve(struct ws *ws, size_t length)
{
    if (length <= ws->size)
        return 0;
    uint32_t size = ws->size > 0 ? ws->size : BLOCK_SMALLEST;
    while (size < length)
        size *= 2;
    char *block = blocks_get(&ws->codec->blocks, size);
    if (block == NULL)
        return ERR_NO_MEMORY;
    if (ws->length > 0)
        memcpy(block, ws->message, ws->length);
    blocks_put(&ws->codec->blocks, ws->message, ws->size);
    ws->message = block;
    ws->size = size;
    return 0;
}

/* A piece of the present frame's payload. */
static struct ws_event take(struct ws *ws, struct slice piece)
{
    struct ws_reader *reader = ws->reader;
    if (piece.len == 0)
        return nothing;
    if (is_control(reader->opcode)) {
        memcpy(reader->control + reader->payload, piece.ptr, piece.len);
    } else {
        if (reserve(ws, ws->length + piece.len) != 0)
            return violation(WS_CODE_INTERNAL, "no memory for a message");
        memcpy(ws->message + ws->length, piece.ptr, piece.len);
        ws->length += (uint32_t)piece.len;
    }
    return nothing;
}

static struct ws_event end_frame(struct ws *ws)
{
    struct ws_reader *reader = ws->reader;
    struct slice control = slice_of(reader->control, reader->payload);
    switch (reader->opcode) {
    case WSLAY_CONNECTION_CLOSE: return on_close(control);
    case WSLAY_PING: return (struct ws_event){.kind = WS_PING, .data = control};
    case WSLAY_PONG: return (struct ws_event){.kind = WS_PONG, .data = control};
    default: break;
    }
    uint8_t opcode = ws->opcode;
    if (!reader->last)
        return nothing;
    ws->opcode = 0;
    return on_message(opcode, slice_of(ws->message, ws->length));
}

static size_t head_bytes(const struct wslay_frame_iocb *frame)
{
    size_t length = frame->payload_length < 126 ? 0 : frame->payload_length <= UINT16_MAX ? 2 : 8;
    return 2 + length + (frame->mask ? 4 : 0);
}

static struct ws_event take_frame(struct ws *ws, const struct wslay_frame_iocb *frame)
{
    struct ws_reader *reader = ws->reader;
    struct slice piece = slice_of((const char *)frame->data, frame->data_length);
    if (!reader->in_frame) {
        struct ws_event event = check_frame(ws, frame);
        if (event.kind != WS_MORE)
            return event;
        reader->in_frame = true;
        reader->opcode = frame->opcode;
        reader->last = frame->fin != 0;
        reader->payload = 0;
        if (frame->opcode == WSLAY_TEXT_FRAME || frame->opcode == WSLAY_BINARY_FRAME)
            ws->opcode = frame->opcode;
    }
    bool whole = reader->payload + piece.len == frame->payload_length;
    if (whole) {
        reader->in_frame = false;
        reader->done += head_bytes(frame) + frame->payload_length;
    }
    struct ws_event event = take(ws, piece);
    reader->payload += piece.len;
    return event.kind == WS_MORE && whole ? end_frame(ws) : event;
}

static struct ws_event end(struct ws *ws, struct ws_event event)
{
    if (event.kind == WS_CLOSE || event.kind == WS_VIOLATION)
        ws->ended = true;
    return event;
}

/* All is read: between frames the reader goes back. */
static struct ws_event settle(struct ws *ws)
{
    if (ws->reader->fed == ws->reader->done) {
        reader_put(ws->codec, ws->reader);
        ws->reader = NULL;
    }
    return nothing;
}

struct ws_event ws_next(struct ws *ws, struct slice *input)
{
    /* The message of the last call. */
    if (ws->opcode == 0)
        forget_message(ws);
    if (ws->ended)
        *input = slice_from(*input, input->len);
    if (ws->ended || (ws->reader == NULL && input->len == 0))
        return nothing;
    if (ws->reader == NULL && (ws->reader = reader_get(ws->codec)) == NULL)
        return end(ws, violation(WS_CODE_INTERNAL, "no memory for a frame"));
    ws->reader->input = *input;
    struct ws_event event = nothing;
    while (event.kind == WS_MORE) {
        struct wslay_frame_iocb frame;
        memset(&frame, 0, sizeof(frame));
        ssize_t n = wslay_frame_recv(ws->reader->wslay, &frame);
        if (n == WSLAY_ERR_WANT_READ)
            break;
        event = n < 0 ? violation(WS_CODE_PROTOCOL, "malformed frame") : take_frame(ws, &frame);
    }
    *input = ws->reader->input;
    return event.kind == WS_MORE ? settle(ws) : end(ws, event);
}
