/* Any bytes as a WebSocket handshake: judged the same in pieces as whole, and each refusal fits its
 * bound. The first byte says whether a server or a client looks. */
#include "base/error.h"
#include "fuzz/require.h"
#include "loop/ws.h"

static const struct slice origins[] = {SLICE_LITERAL("https://phone.example.com")};
static const struct ws_server_config configs[] = {
    {.path = SLICE_LITERAL("/")},
    {.path = SLICE_LITERAL("/sip"), .origins = origins, .origin_count = 1},
};

static void serve(const struct ws_server_config *config, struct slice head)
{
    char answer[WS_ANSWER_MAX];
    struct writer w;
    enum ws_refusal refusal = ws_server_judge(config, head);
    require(refusal < WS_REFUSALS);
    writer_init(&w, answer, sizeof(answer));
    require(ws_server_answer(refusal, head, &w) == 0);
    require(writer_status(&w) == 0);
    require(ws_head_length(writer_slice(&w)) > 0);
    if (refusal != WS_ACCEPTED)
        return;
    require(slice_starts_with(head, SLICE("GET ")));
    require(slice_starts_with(writer_slice(&w), SLICE("HTTP/1.1 101 ")));
    /* A client with another key does not take it. */
    require(ws_client_judge(writer_slice(&w), SLICE("AAAAAAAAAAAAAAAAAAAAAA==")) != 0 ||
            memmem(head.ptr, head.len, "AAAAAAAAAAAAAAAAAAAAAA==", 24) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice input = slice_of((const char *)data + 1, size - 1);
    long length = ws_head_length(input);
    require(length <= (long)input.len && length <= (long)WS_HEAD_MAX);
    for (size_t i = 0; i < input.len; i += 1 + i / 8) {
        long part = ws_head_length(slice_of(input.ptr, i));
        require(part == 0 || part == length || (part == ERR_LIMIT && length == ERR_LIMIT));
    }
    if (length <= 0)
        return 0;
    char *copy = malloc((size_t)length);
    require(copy != NULL);
    memcpy(copy, input.ptr, (size_t)length);
    struct slice head = slice_of(copy, (size_t)length);
    if (data[0] % 3 == 2)
        require(ws_client_judge(head, SLICE("dGhlIHNhbXBsZSBub25jZQ==")) <= 0);
    else
        serve(&configs[data[0] % 3], head);
    free(copy);
    return 0;
}
