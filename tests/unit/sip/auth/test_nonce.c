#include "base/error.h"
#include "sip/auth/nonce.h"
#include "unit/sip/text.h"

#define NOW UINT64_C(1700000000000)

static const uint8_t key[SIP_NONCE_KEY] = {1, 2, 3};
static struct sip_nonce_maker maker;

static int setup(void **state)
{
    (void)state;
    return sip_nonce_maker_init(&maker, key, 0);
}

static int teardown(void **state)
{
    (void)state;
    sip_nonce_maker_done(&maker);
    return 0;
}

/* RFC 7616 section 3.3: nonce. */
static void a_nonce_carries_its_time_and_number(void **state)
{
    (void)state;
    char text[SIP_NONCE_LENGTH];
    struct sip_nonce nonce;
    assert_int_equal(sip_nonce_write(&maker, NOW, UINT64_MAX - 5, text), 0);
    struct slice copy = text_new(text, sizeof(text));
    assert_int_equal(sip_nonce_verify(&maker, copy, NOW + 1, &nonce), 0);
    assert_int_equal(nonce.issued_ms, NOW);
    assert_true(nonce.number == UINT64_MAX - 5);
    text_free(copy);
    for (size_t i = 0; i < sizeof(text); i++) {
        assert_true((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z') ||
                    (text[i] >= 'A' && text[i] <= 'Z') || text[i] == '-' || text[i] == '_');
    }
}

/* RFC 7616 section 3.3: stale; section 5.4: limited use. */
static void a_nonce_is_stale_after_its_lifetime(void **state)
{
    (void)state;
    char text[SIP_NONCE_LENGTH];
    struct slice s = slice_of(text, sizeof(text));
    struct sip_nonce nonce;
    assert_int_equal(sip_nonce_write(&maker, NOW, 1, text), 0);
    assert_int_equal(sip_nonce_verify(&maker, s, NOW, &nonce), 0);
    assert_int_equal(sip_nonce_verify(&maker, s, NOW + 299999, &nonce), 0);
    assert_int_equal(sip_nonce_verify(&maker, s, NOW + 300000, &nonce), ERR_STALE);
    assert_int_equal(sip_nonce_verify(&maker, s, NOW - 1000, &nonce), 0);
    assert_int_equal(sip_nonce_verify(&maker, s, NOW - 1001, &nonce), ERR_STALE);
}

/* RFC 7616 section 5.4: a nonce cannot be made or changed without the key. */
static void forged_nonces_are_denied(void **state)
{
    (void)state;
    char text[SIP_NONCE_LENGTH];
    struct slice s = slice_of(text, sizeof(text));
    struct sip_nonce nonce;
    assert_int_equal(sip_nonce_write(&maker, NOW, 77, text), 0);
    for (size_t i = 0; i < sizeof(text); i++) {
        char kept = text[i];
        for (unsigned c = 0; c < 256; c++) {
            text[i] = (char)c;
            int rc = sip_nonce_verify(&maker, s, NOW, &nonce);
            assert_int_equal(rc, (char)c == kept ? 0 : ERR_DENIED);
        }
        text[i] = kept;
    }
    assert_int_equal(sip_nonce_verify(&maker, slice_of(text, 39), NOW, &nonce), ERR_DENIED);
    assert_int_equal(sip_nonce_verify(&maker, SLICE_NULL, NOW, &nonce), ERR_DENIED);

    const uint8_t other_key[SIP_NONCE_KEY] = {1, 2, 4};
    struct sip_nonce_maker other;
    assert_int_equal(sip_nonce_maker_init(&other, other_key, 60), 0);
    assert_int_equal(sip_nonce_verify(&other, s, NOW, &nonce), ERR_DENIED);
    sip_nonce_maker_done(&other);
}

/* All workers share the key: what one wrote the other takes. */
static void workers_take_each_others_nonces(void **state)
{
    (void)state;
    char text[SIP_NONCE_LENGTH], again[SIP_NONCE_LENGTH];
    struct sip_nonce nonce;
    struct sip_nonce_maker other;
    assert_int_equal(sip_nonce_maker_init(&other, key, 60), 0);
    assert_int_equal(sip_nonce_write(&maker, NOW, 5, text), 0);
    assert_int_equal(sip_nonce_write(&other, NOW, 5, again), 0);
    assert_memory_equal(text, again, sizeof(text));
    assert_int_equal(sip_nonce_verify(&other, slice_of(text, sizeof(text)), NOW + 59999, &nonce),
                     0);
    assert_int_equal(sip_nonce_verify(&other, slice_of(text, sizeof(text)), NOW + 60000, &nonce),
                     ERR_STALE);
    sip_nonce_maker_done(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nonce_carries_its_time_and_number),
        cmocka_unit_test(a_nonce_is_stale_after_its_lifetime),
        cmocka_unit_test(forged_nonces_are_denied),
        cmocka_unit_test(workers_take_each_others_nonces),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
