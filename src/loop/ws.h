/* WebSocket (RFC 6455) without I/O, as SIP uses it (RFC 7118): bytes go in, messages and bytes to
 * send come out.
 *
 *   ws_head.c    the header section of an HTTP request or response
 *   ws_key.c     Sec-WebSocket-Key and -Accept
 *   ws_server.c  the opening handshake, as the one who is asked
 *   ws_client.c  the opening handshake, as the one who asks
 *   ws_frame.c   frames, messages of several frames, control frames
 *   ws_send.c    frames to send
 *
 * One thread per ws_codec. */
#ifndef LOOP_WS_H
#define LOOP_WS_H

#include "base/pool.h"
#include "base/slice.h"
#include "base/writer.h"

#define WS_HEAD_MAX    8192u /* bytes of a handshake's header section */
#define WS_FIELDS_MAX  64u   /* its lines */
#define WS_ANSWER_MAX  512u  /* bytes of what a server answers to a handshake */
#define WS_KEY_LENGTH  24u   /* base64 of 16 bytes */
#define WS_HASH_LENGTH 28u   /* base64 of 20 bytes */

/* ---- opening handshake ---- */

/* Why a handshake is refused; the HTTP status that says so. name, status, phrase, what is wrong */
#define WS_REFUSAL_LIST(X)                                                                         \
    X(SYNTAX, 400, "Bad Request", "this is not an HTTP request")                                   \
    X(VERSION_HTTP, 505, "HTTP Version Not Supported", "HTTP/1.1 is needed")                       \
    X(TOO_LARGE, 431, "Request Header Fields Too Large", "the header section is too large")        \
    X(METHOD, 405, "Method Not Allowed", "only GET opens a WebSocket")                             \
    X(PATH, 404, "Not Found", "there is no WebSocket at this path")                                \
    X(HOST, 400, "Bad Request", "one Host is needed")                                              \
    X(BODY, 400, "Bad Request", "the request must not have a body")                                \
    X(UPGRADE, 426, "Upgrade Required", "only WebSocket is spoken here: Upgrade: websocket")       \
    X(CONNECTION, 400, "Bad Request", "Connection: Upgrade is missing")                            \
    X(VERSION, 426, "Upgrade Required", "Sec-WebSocket-Version must be 13")                        \
    X(KEY, 400, "Bad Request", "Sec-WebSocket-Key must be base64 of 16 bytes")                     \
    X(ORIGIN, 403, "Forbidden", "pages of this origin may not connect")                            \
    X(PROTOCOL, 400, "Bad Request", "Sec-WebSocket-Protocol must contain sip")

enum ws_refusal {
    WS_ACCEPTED,
#define WS_REFUSAL_ENUM(name, status, phrase, text) WS_REFUSED_##name,
    WS_REFUSAL_LIST(WS_REFUSAL_ENUM)
#undef WS_REFUSAL_ENUM
        WS_REFUSALS
};

struct ws_server_config {
    struct slice path;           /* the one path that is served; a query behind it is ignored */
    const struct slice *origins; /* pages that may connect; none: all */
    unsigned origin_count;
};

/* What is wrong, in words: a static string. */
const char *ws_refusal_text(enum ws_refusal refusal);
/* Bytes of the header section at the start of buffered, its empty line included; 0: more is needed.
 * ERR_LIMIT: longer than WS_HEAD_MAX. ERR_SYNTAX: does not begin with a letter, so it is no HTTP.
 */
long ws_head_length(struct slice buffered);
/* Judges a request's header section (RFC 6455 section 4.2.1, RFC 7118 section 4.1). */
enum ws_refusal ws_server_judge(const struct ws_server_config *config, struct slice text);
/* Writes the 101 (RFC 6455 section 4.2.2) to a head that was accepted, or the refusal: at most
 * WS_ANSWER_MAX bytes. ERR_NO_MEMORY. */
int ws_server_answer(enum ws_refusal refusal, struct slice head, struct writer *w);

/* A new random Sec-WebSocket-Key (RFC 6455 section 4.1). ERR_IO. */
int ws_key_new(char key[WS_KEY_LENGTH]);
/* What a server answers to it (RFC 6455 section 4.2.2). ERR_NO_MEMORY. */
int ws_key_hash(struct slice key, char hash[WS_HASH_LENGTH]);
/* Is it base64 of 16 bytes? */
bool ws_key_valid(struct slice key);

/* A request's header section; host with port if that is not the default one. */
void ws_client_request(struct slice host, struct slice path, struct slice key, struct writer *w);
/* Is text the header section of the response to the request with that key? ERR_SYNTAX, ERR_DENIED
 * (not 101), ERR_INVALID (101, but not ours). RFC 6455 section 4.1, RFC 7118 section 4.1. */
int ws_client_judge(struct slice text, struct slice key);

/* ---- messages ---- */

/* RFC 6455 section 7.4.1 */
enum ws_code {
    WS_CODE_NORMAL = 1000,
    WS_CODE_GOING_AWAY = 1001,
    WS_CODE_PROTOCOL = 1002,
    WS_CODE_NONE = 1005, /* a Close without a code; never sent */
    WS_CODE_BAD_TEXT = 1007,
    WS_CODE_POLICY = 1008,
    WS_CODE_TOO_BIG = 1009,
    WS_CODE_INTERNAL = 1011
};

struct ws_reader;
struct ws_sender;

/* What all connections of a worker share. */
struct ws_codec {
    uint32_t message_max;     /* bytes of a message, of all its frames together */
    uint32_t readers_max;     /* connections that may be within a frame at once */
    uint32_t readers;         /* that exist */
    struct ws_reader *spare;  /* owned; list of those that no connection uses */
    struct ws_sender *sender; /* owned */
    struct blocks blocks;     /* of messages that come in pieces */
};

/* One connection: small, since most are idle. The rest is there while a frame or message is not
 * whole. */
struct ws {
    struct ws_codec *codec;   /* borrowed */
    struct ws_reader *reader; /* owned, or NULL: between frames */
    char *message;            /* owned; what has come of the message, or NULL */
    uint32_t length;
    uint32_t size;
    uint8_t opcode; /* of a message whose last frame has not begun yet; 0: none */
    bool client;    /* we asked: we mask, the peer does not */
    bool ended;     /* a Close came, or a violation: nothing more is read */
};

enum ws_event_kind {
    WS_MORE,     /* all is read: give more bytes */
    WS_MESSAGE,  /* data */
    WS_PING,     /* answer with a Pong of the same data (RFC 6455 section 5.5.2) */
    WS_PONG,     /* nothing to do */
    WS_CLOSE,    /* the peer closes with code: answer with the same, end the connection (5.5.1) */
    WS_VIOLATION /* send a Close with code, end the connection (7.1.7) */
};

struct ws_event {
    enum ws_event_kind kind;
    uint16_t code;     /* WS_CLOSE, WS_VIOLATION: enum ws_code */
    struct slice data; /* until the next call */
    const char *why;   /* WS_VIOLATION: static text for the log */
};

/* Zero means the default: 65,535 bytes, 16,384 readers. */
int ws_codec_init(struct ws_codec *codec, uint32_t message_max, uint32_t readers_max);
/* For messages that begin from now on; 0 is the default. */
void ws_codec_set_max(struct ws_codec *codec, uint32_t message_max);
/* No connection may use it any more. Harmless on one that is all zero. */
void ws_codec_done(struct ws_codec *codec);

void ws_init(struct ws *ws, struct ws_codec *codec, bool client);
void ws_done(struct ws *ws);
/* Reads from *input, which is moved on, up to the next event. To be called until WS_MORE, also with
 * no input left; after WS_CLOSE or WS_VIOLATION it returns WS_MORE and swallows all. */
struct ws_event ws_next(struct ws *ws, struct slice *input);
/* Is a frame or message begun and not whole? */
bool ws_waits(const struct ws *ws);

/* Takes bytes to send; 0, or a negative code which is then returned by the function that sends. */
typedef int ws_output_fn(void *user, struct slice bytes);

/* A message as one frame: text when it is UTF-8, else binary (RFC 7118 section 4.2). */
int ws_send_message(struct ws *ws, struct slice message, ws_output_fn *output, void *user);
int ws_send_ping(struct ws *ws, struct slice data, ws_output_fn *output, void *user);
int ws_send_pong(struct ws *ws, struct slice data, ws_output_fn *output, void *user);
/* WS_CODE_NONE: without a code. */
int ws_send_close(struct ws *ws, uint16_t code, ws_output_fn *output, void *user);

#endif
