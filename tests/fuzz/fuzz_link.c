/* Anything that may come in on the link of two STUN servers, signed rightly or not. The first byte
 * says whether it is signed, the second the time that passes. */
#include "fuzz/require.h"
#include "service/stun/link.h"

static struct stun_integrity integrity;
static struct link_key key = {.secret = "0123456789abcdef", .length = 16};
static struct link_answerer answerer;
static struct link_asker asker;
static struct random random_source;
static uint64_t now_ms;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    random_seed(&random_source, 1);
    link_asker_init(&asker, &random_source);
    require(stun_integrity_init(&integrity) == 0);
    return 0;
}

/* What was read can be written again, and reads the same. */
static void repeat(const struct link_message *m)
{
    uint8_t buffer[LINK_DATAGRAM_MAX];
    struct link_message again;
    int length = link_write(m, &integrity, &key, buffer);
    require(length > 0 && length <= (int)LINK_DATAGRAM_MAX);
    struct slice datagram = slice_of((const char *)buffer, (size_t)length);
    require(link_parse(datagram, &integrity, &key, &again) == 0);
    require(again.kind == m->kind && again.asker == m->asker && again.number == m->number &&
            again.session == m->session);
    require(m->kind != LINK_REQUEST || slice_equal(again.request, m->request));
}

static void act(const struct link_message *m)
{
    struct link_message welcome;
    if (m->kind == LINK_HELLO) {
        link_on_hello(&answerer, m, &random_source, now_ms, &welcome);
        require(welcome.session != 0 && welcome.number == m->number);
    } else if (m->kind == LINK_WELCOME) {
        if (link_on_welcome(&asker, m, now_ms) == 0)
            require(link_alive(&asker, now_ms));
    } else if (link_on_request(&answerer, m, now_ms) == 0) {
        require(link_on_request(&answerer, m, now_ms) < 0); /* once only */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t datagram[LINK_DATAGRAM_MAX + 8], mac[STUN_HMAC_MAX];
    struct link_message m;
    if (size < 2)
        return 0;
    bool is_signed = (data[0] & 1) != 0;
    now_ms += data[1];
    data += 2;
    size -= 2;
    if (size > LINK_DATAGRAM_MAX - LINK_MAC_SIZE)
        return 0;
    if (size > 0)
        memcpy(datagram, data, size);
    if (is_signed) {
        require(stun_integrity_sign(&integrity, STUN_HMAC_SHA256, slice_of(key.secret, key.length),
                                    slice_of((const char *)datagram, size), SLICE_NULL, mac) == 0);
        memcpy(datagram + size, mac, LINK_MAC_SIZE);
        size += LINK_MAC_SIZE;
    }
    if (link_parse(slice_of((const char *)datagram, size), &integrity, &key, &m) < 0)
        return 0;
    repeat(&m);
    act(&m);
    return 0;
}
