#include "sip/message/header.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sip/message/method.h"

struct row {
    const char *name;
    char compact;
    unsigned flags;
};

static const struct row rows[SIP_HEADER_OTHER] = {
#define ROW(id, name, compact, flags) [SIP_HEADER_##id] = {name, compact, flags},
    SIP_HEADER_TABLE(ROW)
#undef ROW
};

/* A copy of its own size, so that the sanitizer sees a read past the end. */
static enum sip_header_id look_up(const char *name, size_t len, int (*change)(int))
{
    char *copy = malloc(len);
    assert_non_null(copy);
    for (size_t i = 0; i < len; i++) {
        copy[i] = (char)(change ? change((unsigned char)name[i]) : name[i]);
    }
    enum sip_header_id id = sip_header_lookup(slice_of(copy, len));
    free(copy);
    return id;
}

/* RFC 3261 section 7.3.1: header names ignore case. */
static void every_name_is_found_in_any_case(void **state)
{
    (void)state;
    for (unsigned id = 0; id < SIP_HEADER_OTHER; id++) {
        size_t len = strlen(rows[id].name);
        assert_int_equal(look_up(rows[id].name, len, NULL), id);
        assert_int_equal(look_up(rows[id].name, len, toupper), id);
        assert_int_equal(look_up(rows[id].name, len, tolower), id);
        struct slice name = sip_header_name(id);
        assert_int_equal(name.len, len);
        assert_memory_equal(name.ptr, rows[id].name, len);
        assert_int_equal(sip_header_flags(id), rows[id].flags);
    }
}

/* RFC 3261 section 7.3.3 and the RFCs at the rows: compact forms; other letters mean nothing. */
static void every_compact_form_is_found(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char name = (char)c;
        enum sip_header_id expected = SIP_HEADER_OTHER;
        for (unsigned id = 0; id < SIP_HEADER_OTHER; id++) {
            if (rows[id].compact != 0 && c < 128 && rows[id].compact == tolower(c)) {
                expected = id;
            }
        }
        assert_int_equal(sip_header_lookup(slice_of(&name, 1)), expected);
    }
}

/* A name that differs in one byte, or in length, is another header. */
static void near_names_are_not_found(void **state)
{
    (void)state;
    for (unsigned id = 0; id < SIP_HEADER_OTHER; id++) {
        char name[64];
        size_t len = strlen(rows[id].name);
        memcpy(name, rows[id].name, len);
        for (size_t i = 0; i < len; i++) {
            for (int c = 0; c < 256; c++) {
                if (tolower(c) == tolower((unsigned char)rows[id].name[i])) {
                    continue;
                }
                name[i] = (char)c;
                assert_int_not_equal(look_up(name, len, NULL), id);
            }
            name[i] = rows[id].name[i];
        }
        name[len] = 'x';
        assert_int_not_equal(look_up(name, len + 1, NULL), id);
        if (len > 2) { /* "T" is To in its compact form */
            assert_int_not_equal(look_up(name, len - 1, NULL), id);
        }
    }
    assert_int_equal(sip_header_lookup(SLICE_NULL), SIP_HEADER_OTHER);
    assert_int_equal(sip_header_lookup(SLICE("X-Custom")), SIP_HEADER_OTHER);
    assert_int_equal(sip_header_flags(SIP_HEADER_OTHER), 0);
}

static const char *const methods[SIP_METHOD_OTHER] = {
#define METHOD(name) [SIP_##name] = #name,
    SIP_METHOD_TABLE(METHOD)
#undef METHOD
};

/* RFC 3261 section 7.1: methods keep their case. */
static void methods_are_found_by_exact_name(void **state)
{
    (void)state;
    for (unsigned m = 0; m < SIP_METHOD_OTHER; m++) {
        char name[32];
        size_t len = strlen(methods[m]);
        memcpy(name, methods[m], len + 1);
        assert_int_equal(sip_method_lookup(slice_of(name, len)), m);
        assert_true(slice_equal(sip_method_name(m), slice_of(name, len)));
        for (size_t i = 0; i < len; i++) {
            name[i] = (char)tolower(name[i]);
            assert_int_equal(sip_method_lookup(slice_of(name, len)), SIP_METHOD_OTHER);
            name[i] = methods[m][i];
        }
        assert_int_equal(sip_method_lookup(slice_of(name, len - 1)), SIP_METHOD_OTHER);
        name[len] = 'X';
        assert_int_equal(sip_method_lookup(slice_of(name, len + 1)), SIP_METHOD_OTHER);
    }
    assert_int_equal(sip_method_lookup(SLICE_NULL), SIP_METHOD_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_found_in_any_case),
        cmocka_unit_test(every_compact_form_is_found),
        cmocka_unit_test(near_names_are_not_found),
        cmocka_unit_test(methods_are_found_by_exact_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
