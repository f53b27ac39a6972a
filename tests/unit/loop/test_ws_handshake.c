#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "loop/ws.h"

#include <cmocka.h>

static const struct slice origins[] = {SLICE_LITERAL("https://phone.example.com"),
                                       SLICE_LITERAL("http://localhost:8080")};
static const struct ws_server_config plain = {.path = SLICE_LITERAL("/")};
static const struct ws_server_config strict = {
    .path = SLICE_LITERAL("/sip"), .origins = origins, .origin_count = 2};

#define KEY_FIELD "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define BASICS    "Host: sip-ws.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define SIP       "Sec-WebSocket-Protocol: sip\r\n"
#define V13       "Sec-WebSocket-Version: 13\r\n"
#define GET       "GET / HTTP/1.1\r\n"

static enum ws_refusal judge(const struct ws_server_config *config, const char *text)
{
    struct slice head = slice_from_string(text);
    long length = ws_head_length(head);
    if (length == ERR_SYNTAX)
        return WS_REFUSED_SYNTAX;
    assert_int_equal(length, head.len);
    return ws_server_judge(config, head);
}

/* RFC 7118 section 4.1 and 8.1, RFC 6455 section 1.3: the examples. */
static void the_examples_of_the_rfcs_are_accepted(void **state)
{
    (void)state;
    char buffer[WS_ANSWER_MAX];
    struct writer w;
    struct slice head = SLICE("GET / HTTP/1.1\r\n"
                              "Host: sip-ws.example.com\r\n"
                              "Upgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Origin: http://www.example.com\r\n"
                              "Sec-WebSocket-Protocol: sip\r\n"
                              "Sec-WebSocket-Version: 13\r\n\r\n");
    assert_int_equal(ws_server_judge(&plain, head), WS_ACCEPTED);
    writer_init(&w, buffer, sizeof(buffer));
    assert_int_equal(ws_server_answer(WS_ACCEPTED, head, &w), 0);
    assert_true(
        slice_equal(writer_slice(&w), SLICE("HTTP/1.1 101 Switching Protocols\r\n"
                                            "Upgrade: websocket\r\n"
                                            "Connection: Upgrade\r\n"
                                            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                                            "Sec-WebSocket-Protocol: sip\r\n\r\n")));
}

/* RFC 6455 section 4.2.1; RFC 7230 sections 3.2, 5.3: what may look different. */
static void what_means_the_same_is_accepted(void **state)
{
    (void)state;
    static const char *const heads[] = {
        GET "host:h\r\nupgrade:WebSocket\r\nconnection:keep-alive, UPGRADE\r\n"
            "sec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version:13\r\n"
            "sec-websocket-protocol:xmpp , sip\r\n\r\n",
        GET BASICS KEY_FIELD V13
        "Sec-WebSocket-Protocol: xmpp\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
        GET "Connection: keep-alive\r\nUpgrade: h2c\r\n" BASICS KEY_FIELD V13 SIP "\r\n",
        "GET /?token=1 HTTP/1.1\r\n" BASICS KEY_FIELD V13 SIP "\r\n",
        "GET http://sip-ws.example.com HTTP/1.1\r\n" BASICS KEY_FIELD V13 SIP "\r\n",
        "GET https://sip-ws.example.com/?a=/b HTTP/1.1\r\n" BASICS KEY_FIELD V13 SIP "\r\n",
        GET BASICS KEY_FIELD V13 SIP "Content-Length: 0\r\n\r\n",
        GET BASICS KEY_FIELD V13 SIP
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        "Cookie: a=b; c=d\r\nUser-Agent: Mozilla/5.0 (X11)\r\n\r\n",
    };
    for (unsigned i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        enum ws_refusal refusal = judge(&plain, heads[i]);
        if (refusal != WS_ACCEPTED)
            print_error("head %u: %d\n", i, refusal);
        assert_int_equal(refusal, WS_ACCEPTED);
    }
}

struct wrong {
    const char *head;
    enum ws_refusal refusal;
    const char *status;
    const char *has; /* in the answer */
};

static const struct wrong wrongs[] = {
    {"GET / HTTP/1.0\r\n" BASICS KEY_FIELD V13 SIP "\r\n", WS_REFUSED_VERSION_HTTP, "505", ""},
    {"POST / HTTP/1.1\r\n" BASICS KEY_FIELD V13 SIP "\r\n", WS_REFUSED_METHOD, "405",
     "\r\nAllow: GET\r\n"},
    {"get / HTTP/1.1\r\n" BASICS KEY_FIELD V13 SIP "\r\n", WS_REFUSED_METHOD, "405", ""},
    {"GET /ws HTTP/1.1\r\n" BASICS KEY_FIELD V13 SIP "\r\n", WS_REFUSED_PATH, "404", ""},
    {"GET  HTTP/1.1\r\n" BASICS KEY_FIELD V13 SIP "\r\n", WS_REFUSED_SYNTAX, "400", ""},
    {"GET /\r\n" BASICS KEY_FIELD V13 SIP "\r\n", WS_REFUSED_SYNTAX, "400", ""},
    {"INVITE sip:a@b SIP/2.0\r\n" BASICS "\r\n", WS_REFUSED_SYNTAX, "400", ""},
    {"\x16\x03\x01 hello\r\n\r\n", WS_REFUSED_SYNTAX, "400", ""},
    {"\r\n\r\n", WS_REFUSED_SYNTAX, "400", ""},
    {GET "Upgrade: websocket\r\nConnection: Upgrade\r\n" KEY_FIELD V13 SIP "\r\n", WS_REFUSED_HOST,
     "400", ""},
    {GET "Host: a\r\n" BASICS KEY_FIELD V13 SIP "\r\n", WS_REFUSED_HOST, "400", ""},
    {GET BASICS KEY_FIELD V13 SIP "Content-Length: 5\r\n\r\n", WS_REFUSED_BODY, "400", ""},
    {GET BASICS KEY_FIELD V13 SIP "Transfer-Encoding: chunked\r\n\r\n", WS_REFUSED_BODY, "400", ""},
    {GET "Host: a\r\n\r\n", WS_REFUSED_UPGRADE, "426", "\r\nUpgrade: websocket\r\n"},
    {GET "Host: a\r\nUpgrade: websockets\r\nConnection: Upgrade\r\n" KEY_FIELD V13 SIP "\r\n",
     WS_REFUSED_UPGRADE, "426", "\r\nUpgrade: websocket\r\n"},
    {GET "Host: a\r\nUpgrade: websocket\r\nConnection: close\r\n" KEY_FIELD V13 SIP "\r\n",
     WS_REFUSED_CONNECTION, "400", ""},
    {GET BASICS KEY_FIELD SIP "\r\n", WS_REFUSED_VERSION, "426",
     "\r\nSec-WebSocket-Version: 13\r\n"},
    {GET BASICS KEY_FIELD SIP "Sec-WebSocket-Version: 8\r\n\r\n", WS_REFUSED_VERSION, "426",
     "\r\nSec-WebSocket-Version: 13\r\n"},
    {GET BASICS KEY_FIELD SIP V13 V13 "\r\n", WS_REFUSED_VERSION, "426", ""},
    {GET BASICS V13 SIP "\r\n", WS_REFUSED_KEY, "400", ""},
    {GET BASICS KEY_FIELD KEY_FIELD V13 SIP "\r\n", WS_REFUSED_KEY, "400", ""},
    {GET BASICS V13 SIP "Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n", WS_REFUSED_KEY, "400", ""},
    {GET BASICS V13 SIP "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n\r\n", WS_REFUSED_KEY,
     "400", ""},
    {GET BASICS V13 SIP "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25*ZQ==\r\n\r\n", WS_REFUSED_KEY,
     "400", ""},
    {GET BASICS KEY_FIELD V13 "\r\n", WS_REFUSED_PROTOCOL, "400", ""},
    {GET BASICS KEY_FIELD V13 "Sec-WebSocket-Protocol: sips, xmpp\r\n\r\n", WS_REFUSED_PROTOCOL,
     "400", ""},
    {GET BASICS KEY_FIELD V13 SIP "Folded: a\r\n b\r\n\r\n", WS_REFUSED_SYNTAX, "400", ""},
    {GET BASICS KEY_FIELD V13 SIP "No colon\r\n\r\n", WS_REFUSED_SYNTAX, "400", ""},
    {GET BASICS KEY_FIELD V13 SIP "Blank : a\r\n\r\n", WS_REFUSED_SYNTAX, "400", ""},
    {GET BASICS KEY_FIELD V13 SIP "A: b\nc: d\r\n\r\n", WS_REFUSED_SYNTAX, "400", ""},
    {GET BASICS KEY_FIELD V13 SIP "A: b\x01\r\n\r\n", WS_REFUSED_SYNTAX, "400", ""},
};

/* RFC 6455 sections 4.2.1, 4.2.2, 4.4; RFC 7231 sections 6.5.5, 6.5.15. */
static void each_refusal_has_its_status(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        const struct wrong *wrong = &wrongs[i];
        char buffer[WS_ANSWER_MAX + 1];
        struct writer w;
        enum ws_refusal refusal = judge(&plain, wrong->head);
        if (refusal != wrong->refusal)
            print_error("row %u: refusal %d\n", i, refusal);
        assert_int_equal(refusal, wrong->refusal);
        writer_init(&w, buffer, WS_ANSWER_MAX);
        assert_int_equal(ws_server_answer(refusal, slice_from_string(wrong->head), &w), 0);
        assert_int_equal(writer_status(&w), 0);
        buffer[writer_length(&w)] = '\0';
        assert_int_equal(memcmp(buffer, "HTTP/1.1 ", 9), 0);
        assert_int_equal(memcmp(buffer + 9, wrong->status, 3), 0);
        assert_non_null(strstr(buffer, wrong->has));
        assert_non_null(strstr(buffer, "close\r\n"));
        /* The body is as long as it says. */
        const char *body = strstr(buffer, "\r\n\r\n") + 4;
        const char *length = strstr(buffer, "Content-Length: ") + strlen("Content-Length: ");
        assert_int_equal(strlen(body), strtoul(length, NULL, 10));
    }
}

/* RFC 6455 sections 10.2, 4.2.2 item 4. */
static void only_pages_of_listed_origins_may_connect(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        enum ws_refusal refusal;
    } rows[] = {
        {"Origin: https://phone.example.com\r\n", WS_ACCEPTED},
        {"Origin: http://LOCALHOST:8080\r\n", WS_ACCEPTED},
        {"", WS_ACCEPTED}, /* no browser */
        {"Origin: https://phone.example.com.evil.example\r\n", WS_REFUSED_ORIGIN},
        {"Origin: null\r\n", WS_REFUSED_ORIGIN},
        {"Origin: http://localhost:8080\r\nOrigin: http://localhost:8080\r\n", WS_REFUSED_ORIGIN},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char head[1024];
        snprintf(head, sizeof(head), "GET /sip HTTP/1.1\r\n" BASICS KEY_FIELD V13 SIP "%s\r\n",
                 rows[i].fields);
        assert_int_equal(judge(&strict, head), rows[i].refusal);
    }
}

/* The bounds of the header section. */
static void a_header_section_has_bounds(void **state)
{
    (void)state;
    static char head[WS_HEAD_MAX + 100];
    size_t at = (size_t)snprintf(head, sizeof(head), GET BASICS KEY_FIELD V13 SIP);
    for (unsigned i = 6; i < WS_FIELDS_MAX + 1; i++)
        at += (size_t)snprintf(head + at, sizeof(head) - at, "X: y\r\n");
    snprintf(head + at, sizeof(head) - at, "\r\n");
    assert_int_equal(judge(&plain, head), WS_REFUSED_TOO_LARGE);
    (void)snprintf(head + at - strlen("X: y\r\n"), 3, "\r\n");
    assert_int_equal(judge(&plain, head), WS_ACCEPTED);
    memset(head, 'a', sizeof(head));
    for (size_t i = 0; i < WS_HEAD_MAX; i += 37)
        assert_int_equal(ws_head_length(slice_of(head, i)), 0);
    assert_int_equal(ws_head_length(slice_of(head, WS_HEAD_MAX)), ERR_LIMIT);
    assert_int_equal(ws_head_length(slice_of(head, sizeof(head))), ERR_LIMIT);
    memcpy(head + WS_HEAD_MAX - 3, "\r\n\r\n", 4);
    assert_int_equal(ws_head_length(slice_of(head, sizeof(head))), ERR_LIMIT);
    memcpy(head + WS_HEAD_MAX - 4, "\r\n\r\n", 4);
    assert_int_equal(ws_head_length(slice_of(head, sizeof(head))), WS_HEAD_MAX);
}

/* Never whole before its last byte. */
static void a_header_section_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct slice head = SLICE(GET BASICS KEY_FIELD V13 SIP "\r\n\x81\x80");
    for (size_t i = 0; i < head.len - 2; i++)
        assert_int_equal(ws_head_length(slice_of(head.ptr, i)), 0);
    assert_int_equal(ws_head_length(head), head.len - 2);
}

/* RFC 6455 section 4.1 */
static void a_client_asks_what_a_server_accepts(void **state)
{
    (void)state;
    char key[2][WS_KEY_LENGTH], request[512], answer[WS_ANSWER_MAX];
    struct writer w, a;
    assert_int_equal(ws_key_new(key[0]), 0);
    assert_int_equal(ws_key_new(key[1]), 0);
    assert_memory_not_equal(key[0], key[1], WS_KEY_LENGTH);
    struct slice mine = slice_of(key[0], WS_KEY_LENGTH);
    assert_true(ws_key_valid(mine));
    writer_init(&w, request, sizeof(request));
    ws_client_request(SLICE("[::1]:8080"), SLICE("/sip"), mine, &w);
    assert_int_equal(ws_head_length(writer_slice(&w)), writer_length(&w));
    assert_int_equal(ws_server_judge(&strict, writer_slice(&w)), WS_ACCEPTED);
    writer_init(&a, answer, sizeof(answer));
    assert_int_equal(ws_server_answer(WS_ACCEPTED, writer_slice(&w), &a), 0);
    assert_int_equal(ws_client_judge(writer_slice(&a), mine), 0);
    assert_int_equal(ws_client_judge(writer_slice(&a), slice_of(key[1], WS_KEY_LENGTH)),
                     ERR_INVALID);
}

#define SWITCH  "HTTP/1.1 101 Switching Protocols\r\n"
#define ACCEPT  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define UPGRADE "Upgrade: WebSocket\r\nConnection: upgrade\r\n"

/* RFC 6455 section 4.1, what a client must validate. */
static void a_client_looks_at_the_answer(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        int status;
    } rows[] = {
        {SWITCH UPGRADE ACCEPT SIP "\r\n", 0},
        {"HTTP/1.1 101\r\n" UPGRADE ACCEPT SIP "\r\n", 0},
        {"HTTP/1.1 404 Not Found\r\n\r\n", ERR_DENIED},
        {"HTTP/1.1 1010 x\r\n" UPGRADE ACCEPT SIP "\r\n", ERR_DENIED},
        {"SIP/2.0 101 x\r\n" UPGRADE ACCEPT SIP "\r\n", ERR_SYNTAX},
        {SWITCH ACCEPT SIP "\r\n", ERR_INVALID},
        {SWITCH UPGRADE SIP "\r\n", ERR_INVALID},
        {SWITCH UPGRADE "Sec-WebSocket-Accept: AAAALMBiTxaQ9kYGzzhZRbK+xOo=\r\n" SIP "\r\n",
         ERR_INVALID},
        {SWITCH UPGRADE ACCEPT "\r\n", ERR_INVALID},
        {SWITCH UPGRADE ACCEPT "Sec-WebSocket-Protocol: xmpp\r\n\r\n", ERR_INVALID},
        {SWITCH UPGRADE ACCEPT SIP "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
         ERR_INVALID},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status =
            ws_client_judge(slice_from_string(rows[i].head), SLICE("dGhlIHNhbXBsZSBub25jZQ=="));
        if (status != rows[i].status)
            print_error("row %u\n", i);
        assert_int_equal(status, rows[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfcs_are_accepted),
        cmocka_unit_test(what_means_the_same_is_accepted),
        cmocka_unit_test(each_refusal_has_its_status),
        cmocka_unit_test(only_pages_of_listed_origins_may_connect),
        cmocka_unit_test(a_header_section_has_bounds),
        cmocka_unit_test(a_header_section_may_come_byte_by_byte),
        cmocka_unit_test(a_client_asks_what_a_server_accepts),
        cmocka_unit_test(a_client_looks_at_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
