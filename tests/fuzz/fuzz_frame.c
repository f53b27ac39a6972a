/* A stream in pieces gives the frames of the stream as a whole, and what is framed is what the
 * parser takes. The first byte sets the size of the pieces. */
#include "fuzz/require.h"
#include "sip/message/frame.h"

#define FRAMES_MAX 64

static const struct sip_limits limits = {.message = 2048, .body = 1024};
static struct sip_message msg;

struct frames {
    unsigned count;
    struct sip_frame list[FRAMES_MAX];
};

/* Each look sees a copy that ends where the bytes end, so that an over-read is found. */
static struct sip_frame look(struct slice buffered, size_t *scanned)
{
    char *copy = malloc(buffered.len + 1);
    require(copy != NULL);
    if (buffered.len > 0) {
        memcpy(copy + 1, buffered.ptr, buffered.len);
    }
    struct sip_frame frame = sip_frame_next(slice_of(copy + 1, buffered.len), &limits, scanned);
    free(copy);
    return frame;
}

static void cut(struct slice stream, size_t piece, struct frames *ret_frames)
{
    size_t start = 0;
    size_t have = piece < stream.len ? piece : stream.len;
    size_t scanned = 0;
    ret_frames->count = 0;
    while (ret_frames->count < FRAMES_MAX) {
        struct slice buffered = slice_of(stream.ptr + start, have - start);
        struct sip_frame frame = look(buffered, &scanned);
        require(frame.length <= buffered.len);
        if (frame.kind == SIP_FRAME_MORE) {
            require(frame.length == 0);
            if (have == stream.len) {
                /* Three quarters of a ping: in pieces its first CRLF may have been a pong. */
                if (slice_equal(buffered, SLICE("\r\n\r"))) {
                    ret_frames->list[ret_frames->count++] =
                        (struct sip_frame){SIP_FRAME_PONG, 2, {0}};
                }
                return;
            }
            have = stream.len - have > piece ? have + piece : stream.len;
            continue;
        }
        /* Two CRLFs that come apart are two pongs: a ping counts as the same. */
        if (frame.kind == SIP_FRAME_PING) {
            frame.kind = SIP_FRAME_PONG;
            frame.length = 2;
        }
        ret_frames->list[ret_frames->count++] = frame;
        if (frame.kind == SIP_FRAME_BAD) {
            require(frame.fault.reason != NULL);
            return;
        }
        require(frame.length > 0);
        start += frame.length;
        scanned = 0;
    }
}

static void require_same(const struct frames *whole, const struct frames *pieces)
{
    require(whole->count == pieces->count);
    for (unsigned i = 0; i < whole->count; i++) {
        require(whole->list[i].kind == pieces->list[i].kind);
        /* The end of an overlong header section may not have come yet. */
        require(whole->list[i].kind == SIP_FRAME_BAD ||
                whole->list[i].length == pieces->list[i].length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frames whole;
    static struct frames pieces;
    if (size < 1) {
        return 0;
    }
    struct slice stream = slice_of((const char *)data + 1, size - 1);
    cut(stream, stream.len, &whole);
    cut(stream, (size_t)data[0] + 1, &pieces);
    require_same(&whole, &pieces);
    size_t start = 0;
    for (unsigned i = 0; i < whole.count; i++) {
        struct slice frame = slice_of(stream.ptr + start, whole.list[i].length);
        struct sip_fault fault;
        if (whole.list[i].kind == SIP_FRAME_MESSAGE &&
            sip_message_parse(frame, &limits, &msg, &fault) == 0) {
            require(slice_equal(msg.raw, frame));
        }
        start += frame.len;
    }
    return 0;
}
