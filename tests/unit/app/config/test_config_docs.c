/* The schema describes itself, and docs/config.md is what it says. */
#include "app/config/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void the_reference_page_is_up_to_date(void **state)
{
    (void)state;
    char *made = malloc(CONFIG_PRINT_MAX);
    char *kept = calloc(1, CONFIG_PRINT_MAX);
    struct writer w;
    writer_init(&w, made, CONFIG_PRINT_MAX - 1);
    assert_int_equal(config_markdown(&w), 0);
    *w.at = '\0';
    FILE *file = fopen(TESTS_DIR "/../docs/config.md", "r");
    assert_non_null(file);
    assert_true(fread(kept, 1, CONFIG_PRINT_MAX - 1, file) > 0);
    fclose(file);
    /* If this fails: trapezoid config docs > docs/config.md */
    assert_string_equal(made, kept);
    free(made);
    free(kept);
}

static void every_key_is_one_documented_sentence_with_a_place_of_its_own(void **state)
{
    (void)state;
    const struct config_key *key;
    for (unsigned i = 0; (key = config_key_at(i)) != NULL; i++) {
        size_t help = strlen(key->help);
        if (help < 20 || key->help[help - 1] != '.')
            fail_msg("%s: help is no sentence", key->name);
        if ((key->type == CONFIG_ENUM || key->type == CONFIG_FLAGS) && key->words == NULL)
            fail_msg("%s: no words", key->name);
        for (unsigned j = 0; j < i; j++) {
            const struct config_key *other = config_key_at(j);
            if (strcmp(key->name, other->name) == 0 || key->offset == other->offset)
                fail_msg("%s and %s share a name or a field", key->name, other->name);
        }
    }
}

static void every_number_fits_its_field(void **state)
{
    (void)state;
    const struct config_key *key;
    for (unsigned i = 0; (key = config_key_at(i)) != NULL; i++) {
        switch (key->type) {
        case CONFIG_UINT:
        case CONFIG_MILLISECONDS:
        case CONFIG_SECONDS:
        case CONFIG_SIZE:
            assert_true(key->width == 4 || key->width == 8);
            assert_true(key->min <= key->max);
            if (key->width == 4 && key->max > UINT32_MAX)
                fail_msg("%s: the maximum does not fit", key->name);
            break;
        case CONFIG_ENUM:
        case CONFIG_FLAGS: assert_true(key->width == 4 || key->width == 8); break;
        case CONFIG_BOOL: assert_int_equal(key->width, sizeof(bool)); break;
        default: break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_page_is_up_to_date),
        cmocka_unit_test(every_key_is_one_documented_sentence_with_a_place_of_its_own),
        cmocka_unit_test(every_number_fits_its_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
