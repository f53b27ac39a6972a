/* base64url: RFC 4648 sections 5 and 10. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/error.h"

static const struct {
    const char *bytes, *text;
} pairs[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
             {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"}};

/* RFC 4648 section 10 */
static void the_vectors_of_the_rfc_in_both_directions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char text[16], bytes[8];
        size_t length, expected = strlen(pairs[i].bytes);
        struct writer w;
        writer_init(&w, text, sizeof(text));
        base64url_write(&w, pairs[i].bytes, expected);
        assert_true(slice_equal(writer_slice(&w), slice_from_string(pairs[i].text)));
        assert_int_equal(writer_length(&w), BASE64URL_LENGTH(expected));
        assert_int_equal(base64url_parse(writer_slice(&w), bytes, sizeof(bytes), &length), 0);
        assert_int_equal(length, expected);
        assert_memory_equal(bytes, pairs[i].bytes, expected);
    }
}

/* RFC 4648 sections 3.3 and 3.5 */
static void what_no_encoder_writes_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z", "Zm9vY", "Zh", "Zm9", "Zg==", "Z m8", "Zm+/", "Zm8\xff"};
    char bytes[8];
    size_t length;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(base64url_parse(slice_from_string(bad[i]), bytes, 8, &length), ERR_SYNTAX);
    assert_int_equal(base64url_parse(SLICE("Zm9vYmFy"), bytes, 5, &length), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_in_both_directions),
        cmocka_unit_test(what_no_encoder_writes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
