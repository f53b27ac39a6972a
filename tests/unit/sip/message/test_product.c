#include "base/error.h"
#include "sip/message/product.h"
#include "unit/sip/text.h"

/* RFC 3261 sections 20.35, 20.41 and 25.1. */
static void products_and_comments_are_read_and_written(void **state)
{
    (void)state;
    char buffer[128];
    struct writer w;
    struct sip_product product;
    struct slice rest = SLICE("Softphone Beta1.5 / 2\r\n (x (y)) z");
    writer_init(&w, buffer, sizeof(buffer));
    assert_int_equal(sip_product_next(&rest, &product), 1);
    assert_slice(product.name, "Softphone");
    assert_slice(product.version, "");
    assert_int_equal(sip_product_next(&rest, &product), 1);
    assert_slice(product.name, "Beta1.5");
    assert_slice(product.version, "2");
    sip_product_write(&w, &product);
    assert_int_equal(sip_product_next(&rest, &product), 1);
    assert_slice(product.comment, "(x (y))");
    assert_slice(product.name, "");
    sip_product_write(&w, &product);
    assert_slice(writer_slice(&w), "Beta1.5/2(x (y))");
    assert_int_equal(sip_product_next(&rest, &product), 1);
    assert_int_equal(sip_product_next(&rest, &product), 0);
}

/* RFC 3261 section 25.1. */
static void malformed_products_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"a/", "/b", "a/b/c", "(a", "a(b)", "(a)b", "a,b", "(\x7f)"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct slice input = text_new(bad[i], strlen(bad[i])), rest = input;
        struct sip_product product;
        if (sip_product_next(&rest, &product) != ERR_SYNTAX) {
            fail_msg("taken: %s", bad[i]);
        }
        text_free(input);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_and_comments_are_read_and_written),
        cmocka_unit_test(malformed_products_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
