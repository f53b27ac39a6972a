/* Writing frames. One wslay context serves all connections of a worker: each frame is written as a
 * whole, so it is always between frames. */
#include <assert.h>
#include <wslay/wslay.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/utf8.h"
#include "loop/ws_private.h"

struct ws_sender {
    wslay_frame_context_ptr wslay;
    ws_output_fn *output; /* of the present frame */
    void *user;
    int status; /* the first error of output; the rest of the frame is dropped */
};

static ssize_t put(const uint8_t *data, size_t length, int flags, void *user)
{
    struct ws_sender *sender = user;
    (void)flags;
    if (sender->status == 0 && length > 0)
        sender->status = sender->output(sender->user, slice_of((const char *)data, length));
    return (ssize_t)length;
}

/* RFC 6455 section 5.3: nobody may foresee a mask. */
static int make_mask(uint8_t *mask, size_t length, void *user)
{
    struct ws_sender *sender = user;
    int err = random_secret(mask, length);
    if (err != 0 && sender->status == 0)
        sender->status = err;
    return 0;
}

int ws_sender_new(struct ws_sender **ret_sender)
{
    static const struct wslay_frame_callbacks callbacks = {.send_callback = put,
                                                           .genmask_callback = make_mask};
    struct ws_sender *sender = memory_zalloc(1, sizeof(*sender));
    if (sender == NULL)
        return ERR_NO_MEMORY;
    if (wslay_frame_context_init(&sender->wslay, &callbacks, sender) != 0) {
        memory_free(sender);
        return ERR_NO_MEMORY;
    }
    *ret_sender = sender;
    return 0;
}

void ws_sender_free(struct ws_sender *sender)
{
    if (sender == NULL)
        return;
    wslay_frame_context_free(sender->wslay);
    memory_free(sender);
}

static int send_frame(struct ws *ws, uint8_t opcode, struct slice data, ws_output_fn *output,
                      void *user)
{
    struct ws_sender *sender = ws->codec->sender;
    struct wslay_frame_iocb frame = {.fin = 1,
                                     .opcode = opcode,
                                     .mask = ws->client,
                                     .payload_length = data.len,
                                     .data = (const uint8_t *)data.ptr,
                                     .data_length = data.len};
    sender->output = output;
    sender->user = user;
    sender->status = 0;
    do {
        ssize_t n = wslay_frame_send(sender->wslay, &frame);
        assert(n >= 0);
        if (n > 0)
            frame.data += n;
        frame.data_length -= (size_t)n;
    } while (frame.data_length > 0);
    return sender->status;
}

int ws_send_message(struct ws *ws, struct slice message, ws_output_fn *output, void *user)
{
    uint8_t opcode = utf8_valid(message) ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME;
    return send_frame(ws, opcode, message, output, user);
}

int ws_send_ping(struct ws *ws, struct slice data, ws_output_fn *output, void *user)
{
    assert(data.len <= WS_CONTROL_MAX);
    return send_frame(ws, WSLAY_PING, data, output, user);
}

int ws_send_pong(struct ws *ws, struct slice data, ws_output_fn *output, void *user)
{
    assert(data.len <= WS_CONTROL_MAX);
    return send_frame(ws, WSLAY_PONG, data, output, user);
}

int ws_send_close(struct ws *ws, uint16_t code, ws_output_fn *output, void *user)
{
    char payload[2] = {(char)(code >> 8), (char)(code & 0xff)};
    struct slice data = slice_of(payload, code == WS_CODE_NONE ? 0 : sizeof(payload));
    return send_frame(ws, WSLAY_CONNECTION_CLOSE, data, output, user);
}
