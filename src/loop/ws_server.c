#include "base/error.h"
#include "loop/ws_head.h"

struct refusal {
    unsigned status;
    struct slice phrase;
    struct slice text;
};

static const struct refusal refusals[WS_REFUSALS] = {
#define WS_REFUSAL_ROW(name, status, phrase, text)                                                 \
    [WS_REFUSED_##name] = {status, SLICE_LITERAL(phrase), SLICE_LITERAL(text)},
    WS_REFUSAL_LIST(WS_REFUSAL_ROW)
#undef WS_REFUSAL_ROW
};

const char *ws_refusal_text(enum ws_refusal refusal)
{
    return refusals[refusal].text.ptr;
}

struct request_line {
    struct slice method;
    struct slice target;
    struct slice version;
};

static bool split(struct slice line, struct request_line *ret)
{
    ret->method = slice_cut(&line, ' ');
    ret->target = slice_cut(&line, ' ');
    ret->version = line;
    return ret->method.len > 0 && ret->target.len > 0 &&
           slice_starts_with(ret->version, SLICE("HTTP/"));
}

/* The path of a request target in origin-form or absolute-form (RFC 7230 section 5.3), without the
 * query. */
static struct slice path_of(struct slice target)
{
    static const struct slice schemes[] = {SLICE_LITERAL("http://"), SLICE_LITERAL("https://"),
                                           SLICE_LITERAL("ws://"), SLICE_LITERAL("wss://")};
    for (unsigned i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (!slice_starts_with_nocase(target, schemes[i]))
            continue;
        struct slice rest = slice_from(target, schemes[i].len);
        target = slice_from(rest, slice_index(rest, '/'));
        if (target.len == 0)
            target = SLICE("/");
        break;
    }
    return slice_cut(&target, '?');
}

/* RFC 6455 section 10.2: a browser says which page connects; who is no browser says nothing, or
 * what he likes. */
static bool origin_allowed(const struct ws_server_config *config, const struct ws_field *origin)
{
    if (config->origin_count == 0 || origin->count == 0)
        return true;
    for (unsigned i = 0; i < config->origin_count; i++) {
        if (origin->count == 1 && slice_equal_nocase(config->origins[i], origin->value))
            return true;
    }
    return false;
}

static enum ws_refusal judge_request_line(const struct ws_server_config *config, struct slice line)
{
    struct request_line request;
    if (!split(line, &request))
        return WS_REFUSED_SYNTAX;
    if (!slice_equal(request.version, SLICE("HTTP/1.1")))
        return WS_REFUSED_VERSION_HTTP;
    if (!slice_equal(request.method, SLICE("GET")))
        return WS_REFUSED_METHOD;
    if (!slice_equal(path_of(request.target), config->path))
        return WS_REFUSED_PATH;
    return WS_ACCEPTED;
}

/* RFC 6455 section 4.2.1, items 2 to 8; RFC 7118 section 4.1. */
static enum ws_refusal judge_fields(const struct ws_server_config *config,
                                    const struct ws_head *head)
{
    const struct ws_field *f = head->fields;
    bool empty =
        f[WS_FIELD_LENGTH].count == 0 || (ws_head_single(head, WS_FIELD_LENGTH) &&
                                          slice_equal(f[WS_FIELD_LENGTH].value, SLICE("0")));
    if (!ws_head_single(head, WS_FIELD_HOST))
        return WS_REFUSED_HOST;
    if (!empty || f[WS_FIELD_ENCODING].count > 0)
        return WS_REFUSED_BODY;
    if (!f[WS_FIELD_UPGRADE].has_token)
        return WS_REFUSED_UPGRADE;
    if (!f[WS_FIELD_CONNECTION].has_token)
        return WS_REFUSED_CONNECTION;
    if (!ws_head_single(head, WS_FIELD_VERSION) ||
        !slice_equal(f[WS_FIELD_VERSION].value, SLICE("13")))
        return WS_REFUSED_VERSION;
    if (!ws_head_single(head, WS_FIELD_KEY) || !ws_key_valid(f[WS_FIELD_KEY].value))
        return WS_REFUSED_KEY;
    if (!origin_allowed(config, &f[WS_FIELD_ORIGIN]))
        return WS_REFUSED_ORIGIN;
    return f[WS_FIELD_PROTOCOL].has_token ? WS_ACCEPTED : WS_REFUSED_PROTOCOL;
}

enum ws_refusal ws_server_judge(const struct ws_server_config *config, struct slice text)
{
    struct ws_head head;
    switch (ws_head_parse(text, &head)) {
    case 0: break;
    case ERR_LIMIT: return WS_REFUSED_TOO_LARGE;
    default: return WS_REFUSED_SYNTAX;
    }
    enum ws_refusal refusal = judge_request_line(config, head.start);
    return refusal != WS_ACCEPTED ? refusal : judge_fields(config, &head);
}

/* RFC 6455 section 4.2.2, item 5 */
static int write_accepted(struct slice text, struct writer *w)
{
    struct ws_head head;
    char hash[WS_HASH_LENGTH];
    int err = ws_head_parse(text, &head);
    if (err == 0)
        err = ws_key_hash(head.fields[WS_FIELD_KEY].value, hash);
    if (err != 0)
        return err;
    writer_literal(w, "HTTP/1.1 101 Switching Protocols\r\n"
                      "Upgrade: websocket\r\n"
                      "Connection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: ");
    writer_bytes(w, hash, sizeof(hash));
    writer_literal(w, "\r\nSec-WebSocket-Protocol: sip\r\n\r\n");
    return 0;
}

/* Headers that the status asks for: RFC 7231 sections 6.5.5, 6.5.15; RFC 6455 section 4.4. */
static void write_extra(enum ws_refusal refusal, struct writer *w)
{
    if (refusal == WS_REFUSED_METHOD)
        writer_literal(w, "Allow: GET\r\n");
    if (refusal == WS_REFUSED_VERSION)
        writer_literal(w, "Sec-WebSocket-Version: 13\r\n");
    if (refusal == WS_REFUSED_UPGRADE || refusal == WS_REFUSED_VERSION)
        writer_literal(w, "Upgrade: websocket\r\nConnection: Upgrade, close\r\n");
    else
        writer_literal(w, "Connection: close\r\n");
}

int ws_server_answer(enum ws_refusal refusal, struct slice head, struct writer *w)
{
    if (refusal == WS_ACCEPTED)
        return write_accepted(head, w);
    const struct refusal *r = &refusals[refusal];
    writer_literal(w, "HTTP/1.1 ");
    writer_u64(w, r->status);
    writer_char(w, ' ');
    writer_put(w, r->phrase);
    writer_literal(w, "\r\n");
    write_extra(refusal, w);
    writer_literal(w, "Content-Type: text/plain\r\nContent-Length: ");
    writer_u64(w, r->text.len + 1);
    writer_literal(w, "\r\n\r\n");
    writer_put(w, r->text);
    writer_char(w, '\n');
    return 0;
}
