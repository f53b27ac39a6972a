#include "base/error.h"
#include "loop/ws_head.h"

void ws_client_request(struct slice host, struct slice path, struct slice key, struct writer *w)
{
    writer_literal(w, "GET ");
    writer_put(w, path);
    writer_literal(w, " HTTP/1.1\r\nHost: ");
    writer_put(w, host);
    writer_literal(w, "\r\n"
                      "Upgrade: websocket\r\n"
                      "Connection: Upgrade\r\n"
                      "Sec-WebSocket-Key: ");
    writer_put(w, key);
    writer_literal(w, "\r\n"
                      "Sec-WebSocket-Protocol: sip\r\n"
                      "Sec-WebSocket-Version: 13\r\n\r\n");
}

/* RFC 6455 section 4.1, "the client MUST validate the server's response": items 1 to 6. */
int ws_client_judge(struct slice text, struct slice key)
{
    struct ws_head head;
    char hash[WS_HASH_LENGTH];
    if (ws_head_parse(text, &head) != 0 || !slice_starts_with(head.start, SLICE("HTTP/1.1 ")))
        return ERR_SYNTAX;
    struct slice status = slice_from(head.start, sizeof("HTTP/1.1 ") - 1);
    if (!slice_equal(slice_cut(&status, ' '), SLICE("101")))
        return ERR_DENIED;
    int err = ws_key_hash(key, hash);
    if (err != 0)
        return err;
    const struct ws_field *f = head.fields;
    bool ours = slice_equal_nocase(f[WS_FIELD_UPGRADE].value, SLICE("websocket")) &&
                f[WS_FIELD_CONNECTION].has_token && ws_head_single(&head, WS_FIELD_ACCEPT) &&
                slice_equal(f[WS_FIELD_ACCEPT].value, slice_of(hash, sizeof(hash)));
    /* We asked for no extension, and for one subprotocol. */
    bool agreed = f[WS_FIELD_EXTENSIONS].count == 0 && ws_head_single(&head, WS_FIELD_PROTOCOL) &&
                  slice_equal(f[WS_FIELD_PROTOCOL].value, SLICE("sip"));
    return ours && agreed ? 0 : ERR_INVALID;
}
