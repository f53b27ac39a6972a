/* STUN messages and ChannelData, as datagrams and as frames. RFC 8489 section 5, RFC 8656 section
 * 12.4. */
#include "fuzz/check.h"
#include "stun/channel.h"
#include "stun/fingerprint.h"
#include "stun/write.h"

static struct stun_integrity integrity;

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return stun_integrity_init(&integrity);
}

/* All attributes of a, written once more, are read as they were. */
static void check_again(const struct stun_message *a)
{
    static uint8_t buffer[STUN_MESSAGE_MAX];
    struct stun_writer w;
    struct stun_message b;
    stun_write_begin(&w, buffer, sizeof(buffer), stun_type(a->class, a->method), stun_id(a));
    for (unsigned i = 0; i < STUN_ATTRIBUTE_COUNT; i++) {
        if (stun_has(a, i) && i != STUN_MESSAGE_INTEGRITY && i != STUN_MESSAGE_INTEGRITY_SHA256 &&
            i != STUN_FINGERPRINT)
            stun_write(&w, i, stun_value(a, i));
    }
    stun_write_integrity(&w, &integrity, STUN_HMAC_SHA1, SLICE("key"));
    stun_write_fingerprint(&w);
    struct slice bytes = stun_write_end(&w);
    if (bytes.ptr == NULL)
        return; /* it was almost as long as a message can be */
    FUZZ_CHECK(stun_parse(bytes, &b) == 0);
    FUZZ_CHECK(stun_integrity_check(&integrity, &b, STUN_HMAC_SHA1, SLICE("key")) == 0);
    FUZZ_CHECK(stun_fingerprint_check(&b) == 0);
    for (unsigned i = 0; i < STUN_ATTRIBUTE_COUNT; i++) {
        if (stun_has(a, i) && i != STUN_MESSAGE_INTEGRITY && i != STUN_MESSAGE_INTEGRITY_SHA256 &&
            i != STUN_FINGERPRINT)
            FUZZ_CHECK(slice_equal(stun_value(a, i), stun_value(&b, i)));
    }
}

static void check_message(struct slice input)
{
    struct stun_message m;
    if (stun_parse(input, &m) < 0)
        return;
    for (unsigned i = 0; i < STUN_ATTRIBUTE_COUNT; i++) {
        struct slice value = stun_value(&m, i);
        struct address address;
        fuzz_inside(input, value);
        (void)stun_get_address(&m, i, &address);
        for (unsigned n = 0; value.ptr != NULL && stun_next(&m, i, &value); n++) {
            fuzz_inside(input, value);
            FUZZ_CHECK(n < input.len / 4);
        }
    }
    unsigned code;
    struct slice reason = SLICE_NULL;
    uint16_t port;
    (void)stun_get_error(&m, &code, &reason);
    fuzz_inside(input, reason);
    (void)stun_get_response_port(&m, &port);
    (void)stun_integrity_check(&integrity, &m, STUN_HMAC_SHA1, SLICE("key"));
    (void)stun_integrity_check(&integrity, &m, STUN_HMAC_SHA256, SLICE("key"));
    (void)stun_fingerprint_check(&m);
    check_again(&m);
}

static void check_channel(struct slice input)
{
    uint16_t number;
    struct slice payload;
    size_t length = 0;
    if (channel_parse(input, &number, &payload) == 0) {
        fuzz_inside(input, payload);
        FUZZ_CHECK(channel_valid(number));
    }
    if (channel_frame(input, &length) == 0)
        FUZZ_CHECK(length <= input.len);
    if (stun_frame(input, &length) == 0)
        FUZZ_CHECK(length <= input.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of((const char *)data, size);
    check_message(input);
    check_channel(input);
    return 0;
}
