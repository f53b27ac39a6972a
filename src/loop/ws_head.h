/* The header section of an HTTP/1.1 message, as far as a WebSocket handshake needs it (RFC 7230).
 * Nothing outside src/loop includes this. */
#ifndef LOOP_WS_HEAD_H
#define LOOP_WS_HEAD_H

#include "loop/ws.h"

/* name of the constant, field name, token that a list is searched for, its case counts */
#define WS_FIELD_LIST(X)                                                                           \
    X(HOST, "Host", "", false)                                                                     \
    X(UPGRADE, "Upgrade", "websocket", false)                                                      \
    X(CONNECTION, "Connection", "Upgrade", false)                                                  \
    X(KEY, "Sec-WebSocket-Key", "", false)                                                         \
    X(ACCEPT, "Sec-WebSocket-Accept", "", false)                                                   \
    X(VERSION, "Sec-WebSocket-Version", "", false)                                                 \
    X(PROTOCOL, "Sec-WebSocket-Protocol", "sip", true)                                             \
    X(EXTENSIONS, "Sec-WebSocket-Extensions", "", false)                                           \
    X(ORIGIN, "Origin", "", false)                                                                 \
    X(LENGTH, "Content-Length", "", false)                                                         \
    X(ENCODING, "Transfer-Encoding", "", false)

enum ws_field_id {
#define WS_FIELD_ENUM(id, name, token, exact) WS_FIELD_##id,
    WS_FIELD_LIST(WS_FIELD_ENUM)
#undef WS_FIELD_ENUM
        WS_FIELDS
};

struct ws_field {
    unsigned count;     /* lines of that name */
    struct slice value; /* of the last one */
    bool has_token;     /* the list of all lines together has it */
};

struct ws_head {
    struct slice start; /* request line or status line, without CRLF */
    struct ws_field fields[WS_FIELDS];
};

/* ERR_SYNTAX, ERR_LIMIT (WS_FIELDS_MAX). */
int ws_head_parse(struct slice text, struct ws_head *ret_head);
/* Exactly one line of that name. */
bool ws_head_single(const struct ws_head *head, enum ws_field_id id);

#endif
