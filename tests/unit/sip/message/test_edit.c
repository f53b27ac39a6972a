#include "sip/message/edit.h"

#include <stdio.h>

#include "base/error.h"
#include "unit/sip/message/basics.h"
#include "unit/sip/text.h"

static const char text[] = "INVITE sip:a SIP/2.0\r\n"
                           "Via: one, two\r\n"
                           "Route: <sip:r1>, <sip:r2> ,<sip:r3>\r\n"
                           "Max-Forwards: 70\r\n"
                           "Route: <sip:r4>\r\n"
                           "Content-Length: 4\r\n"
                           "\r\n"
                           "bodyTRAILING";

struct editing {
    struct parsed *p;
    struct sip_edit edit;
};

static struct editing begin(void)
{
    struct editing e = {.p = parsed_good(slice_from_string(text))};
    sip_edit_init(&e.edit, &e.p->msg);
    return e;
}

static const struct sip_header *line(const struct editing *e, enum sip_header_id id)
{
    return sip_message_first(&e->p->msg, id);
}

/* Frees e. */
static void assert_written(struct editing *e, const char *expected)
{
    char buffer[1024];
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    assert_int_equal(sip_edit_write(&e->edit, &w), 0);
    assert_slice(writer_slice(&w), expected);
    parsed_free(e->p);
}

/* RFC 3261 section 16.6 step 1: what is not changed goes as it came; section 18.3: the bytes beyond
 * Content-Length do not. */
static void an_unedited_message_is_the_same(void **state)
{
    (void)state;
    struct editing e = begin();
    assert_written(&e, "INVITE sip:a SIP/2.0\r\n"
                       "Via: one, two\r\n"
                       "Route: <sip:r1>, <sip:r2> ,<sip:r3>\r\n"
                       "Max-Forwards: 70\r\n"
                       "Route: <sip:r4>\r\n"
                       "Content-Length: 4\r\n"
                       "\r\n"
                       "body");
}

/* RFC 3261 section 16.6 steps 2, 3, 4, 6 and 8 in one go, given in no order. */
static void pieces_may_come_in_any_order(void **state)
{
    (void)state;
    struct editing e = begin();
    sip_edit_insert(&e.edit, sip_edit_headers_end(&e.p->msg), SLICE("X-Last: 1\r\n"));
    sip_edit_replace(&e.edit, sip_header_value(line(&e, SIP_HEADER_MAX_FORWARDS)), SLICE("69"));
    sip_edit_remove_all(&e.edit, SIP_HEADER_ROUTE);
    sip_edit_insert(&e.edit, sip_edit_headers_start(&e.p->msg), SLICE("Via: new\r\n"));
    sip_edit_insert(&e.edit, sip_edit_headers_end(&e.p->msg), SLICE("X-Very-Last: 2\r\n"));
    sip_edit_replace(&e.edit, e.p->msg.uri, SLICE("sip:b@c"));
    sip_edit_insert(&e.edit, sip_edit_headers_start(&e.p->msg), SLICE("Record-Route: <sip:p>\r\n"));
    assert_written(&e, "INVITE sip:b@c SIP/2.0\r\n"
                       "Via: new\r\n"
                       "Record-Route: <sip:p>\r\n"
                       "Via: one, two\r\n"
                       "Max-Forwards: 69\r\n"
                       "Content-Length: 4\r\n"
                       "X-Last: 1\r\n"
                       "X-Very-Last: 2\r\n"
                       "\r\n"
                       "body");
}

static void an_insertion_stands_before_what_is_replaced_there(void **state)
{
    (void)state;
    struct editing e = begin();
    sip_edit_remove_line(&e.edit, line(&e, SIP_HEADER_VIA));
    sip_edit_insert(&e.edit, sip_edit_headers_start(&e.p->msg), SLICE("A: 1\r\n"));
    sip_edit_insert(&e.edit, sip_edit_headers_start(&e.p->msg), SLICE("B: 2\r\n"));
    sip_edit_replace(&e.edit, e.p->msg.body, SLICE("other"));
    assert_written(&e, "INVITE sip:a SIP/2.0\r\n"
                       "A: 1\r\n"
                       "B: 2\r\n"
                       "Route: <sip:r1>, <sip:r2> ,<sip:r3>\r\n"
                       "Max-Forwards: 70\r\n"
                       "Route: <sip:r4>\r\n"
                       "Content-Length: 4\r\n"
                       "\r\n"
                       "other");
}

/* The value at place of the Route lines is removed. */
static void assert_value_removed(unsigned place, const char *first, const char *second)
{
    struct editing e = begin();
    struct sip_values it;
    struct slice value = SLICE_NULL;
    sip_values_init(&it, &e.p->msg, SIP_HEADER_ROUTE);
    for (unsigned i = 0; i <= place; i++) {
        assert_true(sip_values_next(&it, &value));
    }
    sip_edit_remove_value(&e.edit, it.line, value);
    char expected[512];
    snprintf(
        expected, sizeof(expected),
        "INVITE sip:a SIP/2.0\r\nVia: one, two\r\n%sMax-Forwards: 70\r\n%sContent-Length: 4\r\n"
        "\r\nbody",
        first, second);
    assert_written(&e, expected);
}

/* RFC 3261 sections 16.4, 16.7 step 3: one value of a list goes, its comma with it. */
static void one_value_of_a_list_is_removed(void **state)
{
    (void)state;
    static const char all[] = "Route: <sip:r1>, <sip:r2> ,<sip:r3>\r\n";
    static const char last[] = "Route: <sip:r4>\r\n";
    assert_value_removed(0, "Route: <sip:r2> ,<sip:r3>\r\n", last);
    assert_value_removed(1, "Route: <sip:r1>, <sip:r3>\r\n", last);
    assert_value_removed(2, "Route: <sip:r1>, <sip:r2>\r\n", last);
    assert_value_removed(3, all, "");
}

static void assert_removed_from(const char *route, unsigned place, const char *expected)
{
    char message[256];
    int len = snprintf(message, sizeof(message), "%s%s\r\n", LINE, route);
    struct parsed *p = parsed_good(slice_of(message, (size_t)len));
    struct sip_edit edit;
    sip_edit_init(&edit, &p->msg);
    struct sip_values it;
    struct slice value = SLICE_NULL;
    sip_values_init(&it, &p->msg, SIP_HEADER_ROUTE);
    for (unsigned i = 0; i <= place; i++) {
        assert_true(sip_values_next(&it, &value));
    }
    sip_edit_remove_value(&edit, it.line, value);
    char buffer[256];
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    assert_int_equal(sip_edit_write(&edit, &w), 0);
    assert_slice(slice_from(writer_slice(&w), sizeof(LINE) - 1), expected);
    parsed_free(p);
}

/* RFC 3261 section 7.3.1: folds and empty elements between values. */
static void folds_and_empty_elements_go_with_the_value(void **state)
{
    (void)state;
    assert_removed_from("Route: a\r\n , b\r\n", 0, "Route: b\r\n\r\n");
    assert_removed_from("Route: a\r\n , b\r\n", 1, "Route: a\r\n\r\n");
    assert_removed_from("Route: ,, a ,, b ,\r\n", 1, "Route: ,, a ,\r\n\r\n");
    assert_removed_from("Route: , a ,\r\n", 0, "\r\n");
}

static void too_many_pieces_are_told_at_the_end(void **state)
{
    (void)state;
    struct editing e = begin();
    char buffer[4096];
    struct writer w;
    for (int i = 0; i < SIP_EDIT_MAX; i++) {
        sip_edit_insert(&e.edit, sip_edit_headers_end(&e.p->msg), SLICE("A: 1\r\n"));
    }
    writer_init(&w, buffer, sizeof(buffer));
    assert_int_equal(sip_edit_write(&e.edit, &w), 0);
    sip_edit_insert(&e.edit, sip_edit_headers_end(&e.p->msg), SLICE("A: 1\r\n"));
    writer_init(&w, buffer, sizeof(buffer));
    assert_int_equal(sip_edit_write(&e.edit, &w), ERR_LIMIT);
    parsed_free(e.p);
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    struct editing e = begin();
    char buffer[256];
    struct writer w;
    for (size_t size = 0; size < e.p->msg.raw.len; size++) {
        writer_init(&w, buffer, size);
        assert_int_equal(sip_edit_write(&e.edit, &w), ERR_LIMIT);
    }
    writer_init(&w, buffer, e.p->msg.raw.len);
    assert_int_equal(sip_edit_write(&e.edit, &w), 0);
    parsed_free(e.p);
}

/* A message without header lines has places too. */
static void headers_begin_and_end_where_there_are_none(void **state)
{
    (void)state;
    struct parsed *p = parsed_good(SLICE("OPTIONS sip:x SIP/2.0\r\n\r\n"));
    assert_ptr_equal(sip_edit_headers_start(&p->msg), p->bytes.ptr + 23);
    assert_ptr_equal(sip_edit_headers_end(&p->msg), p->bytes.ptr + 23);
    parsed_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unedited_message_is_the_same),
        cmocka_unit_test(pieces_may_come_in_any_order),
        cmocka_unit_test(an_insertion_stands_before_what_is_replaced_there),
        cmocka_unit_test(one_value_of_a_list_is_removed),
        cmocka_unit_test(folds_and_empty_elements_go_with_the_value),
        cmocka_unit_test(too_many_pieces_are_told_at_the_end),
        cmocka_unit_test(a_full_buffer_is_told),
        cmocka_unit_test(headers_begin_and_end_where_there_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
