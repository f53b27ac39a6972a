/* GRUUs: RFC 5627 sections 3.1, 3.2, 5.1, 5.4, appendix A. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "service/gruu/gruu.h"

#define ALICE "sip:alice@example.com"
#define UUID  "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"

struct bench {
    struct gruu *gruu;
    struct random random;
    struct arena arena;
    struct gruu_name name;
    char text[1024];
};

static void open_bench(struct bench *b, uint8_t key)
{
    const uint8_t bytes[GRUU_KEY] = {key};
    random_seed(&b->random, 7);
    arena_init(&b->arena, 4096, 1 << 20);
    assert_int_equal(gruu_new(bytes, &b->gruu), 0);
}

static void close_bench(struct bench *b)
{
    gruu_free(b->gruu);
    arena_done(&b->arena);
}

static struct slice make_temporary(struct bench *b, const char *aor, const char *instance,
                                   int64_t now_ms)
{
    struct writer w;
    writer_init(&w, b->text, sizeof(b->text));
    assert_int_equal(gruu_write_temporary(b->gruu, &w, slice_from_string(aor),
                                          slice_from_string(instance), now_ms, &b->random),
                     0);
    return writer_slice(&w);
}

static int read_back(struct bench *b, struct slice text, const char *domain)
{
    struct sip_uri uri;
    assert_int_equal(sip_uri_parse(text, &uri), 0);
    assert_true(gruu_is(&uri));
    return gruu_read(b->gruu, &uri, slice_from_string(domain), &b->arena, &b->name);
}

/* sections 3.1.1, 5.1: the AOR with gr; appendix A.1 */
static void a_public_gruu_is_the_aor_with_the_instance(void **state)
{
    (void)state;
    static const struct {
        const char *instance, *gruu;
    } rows[] = {
        {UUID, ALICE ";gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"},
        {"<urn:x:a;b=\xc3\xa4?%>", ALICE ";gr=urn:x:a%3bb%3d%c3%a4%3f%25"},
    };
    struct bench b;
    open_bench(&b, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct writer w;
        writer_init(&w, b.text, sizeof(b.text));
        gruu_write_public(&w, SLICE(ALICE), slice_from_string(rows[i].instance));
        assert_true(slice_equal(writer_slice(&w), slice_from_string(rows[i].gruu)));
        assert_int_equal(read_back(&b, writer_slice(&w), "example.com"), 0);
        assert_true(slice_equal(b.name.aor, SLICE(ALICE)));
        assert_true(slice_equal(b.name.instance, slice_from_string(rows[i].instance)));
        assert_false(b.name.temporary);
    }
    close_bench(&b);
}

/* section 5.4: the instance and the AOR can be told from it */
static void a_temporary_gruu_comes_out_as_it_went_in(void **state)
{
    (void)state;
    static const struct {
        const char *aor, *domain, *instance;
    } rows[] = {
        {ALICE, "example.com", UUID},
        {"sip:a@x", "x", "<urn:uuid:F81D4FAE-7dec-11d0-a765-00a0c91e6bf6>"},
        {"sip:%3b@example.com", "example.com", "<urn:imei:90420156-025763-0>"},
        {"sip:a@x", "x", "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bfg>"},
        {"sip:a@x", "x", "no brackets"},
    };
    struct bench b;
    open_bench(&b, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice text = make_temporary(&b, rows[i].aor, rows[i].instance, 1700000000123);
        assert_int_equal(read_back(&b, text, rows[i].domain), 0);
        assert_true(slice_equal(b.name.aor, slice_from_string(rows[i].aor)));
        assert_true(slice_equal(b.name.instance, slice_from_string(rows[i].instance)));
        assert_true(b.name.temporary);
        assert_true(b.name.made_ms == 1700000000123);
    }
    close_bench(&b);
}

/* section 5.1: two properties of temporary GRUUs */
static void temporary_gruus_are_all_different_and_tell_nothing(void **state)
{
    (void)state;
    struct bench b;
    char first[1024];
    open_bench(&b, 1);
    struct slice one = make_temporary(&b, ALICE, UUID, 1);
    memcpy(first, one.ptr, one.len);
    size_t length = one.len;
    struct slice two = make_temporary(&b, ALICE, UUID, 1);
    assert_int_equal(two.len, length);
    assert_memory_not_equal(first, two.ptr, length);
    struct slice other = make_temporary(&b, "sip:bo@example.com", UUID, 999);
    assert_int_equal(other.len, length);
    assert_null(memmem(two.ptr, two.len, "alice", 5));
    close_bench(&b);
}

/* section 6.1: what is no valid GRUU */
static void nobody_else_can_make_or_change_one(void **state)
{
    (void)state;
    struct bench b, other;
    open_bench(&b, 1);
    open_bench(&other, 2);
    struct slice text = make_temporary(&b, ALICE, UUID, 1);
    assert_int_equal(read_back(&other, text, "example.com"), ERR_NOT_FOUND);
    assert_int_equal(read_back(&b, text, "example.org"), ERR_NOT_FOUND);
    size_t at_sign = slice_index(text, '@');
    for (size_t i = strlen("sip:tgruu."); i < at_sign; i++) {
        char before = b.text[i];
        b.text[i] = before == 'A' ? 'B' : 'A';
        assert_int_equal(read_back(&b, text, "example.com"), ERR_NOT_FOUND);
        b.text[i] = before;
    }
    static const char *const strange[] = {
        "sip:alice@example.com;gr",        "sip:tgruu.@example.com;gr",
        "sip:tgruu.AAAA@example.com;gr",   "sip:tgruu.!!!!@example.com;gr",
        "sip:example.com;gr=urn:uuid:x-1",
    };
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
        assert_int_equal(read_back(&b, slice_from_string(strange[i]), "example.com"),
                         ERR_NOT_FOUND);
    close_bench(&b);
    close_bench(&other);
}

static void what_is_too_long_gets_no_temporary_gruu(void **state)
{
    (void)state;
    struct bench b;
    char aor[700], out[2048];
    struct writer w;
    open_bench(&b, 1);
    memset(aor, 'a', sizeof(aor));
    memcpy(aor, "sip:", 4);
    memcpy(aor + sizeof(aor) - 4, "@x.y", 4);
    writer_init(&w, out, sizeof(out));
    assert_int_equal(
        gruu_write_temporary(b.gruu, &w, slice_of(aor, sizeof(aor)), SLICE(UUID), 1, &b.random),
        ERR_LIMIT);
    assert_int_equal(writer_length(&w), 0);
    close_bench(&b);
}

/* sections 3.2, 5.4 */
static void a_gruu_leads_to_its_instance_as_long_as_it_is_registered(void **state)
{
    (void)state;
    struct binding binding = {.instance = SLICE(UUID), .since_ms = 1000};
    struct gruu_name name = {.instance = SLICE(UUID)};
    assert_true(gruu_leads_to(&name, &binding));
    name.instance = SLICE("<URN:UUID:F81D4FAE-7dec-11d0-a765-00a0c91e6bf6>");
    assert_true(gruu_leads_to(&name, &binding));
    name.temporary = true;
    name.made_ms = 999;
    assert_false(gruu_leads_to(&name, &binding));
    name.made_ms = 1000;
    assert_true(gruu_leads_to(&name, &binding));
    name.instance = SLICE("<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf7>");
    assert_false(gruu_leads_to(&name, &binding));
    binding.instance = SLICE_NULL;
    name.instance = SLICE("<>");
    assert_false(gruu_leads_to(&name, &binding));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_public_gruu_is_the_aor_with_the_instance),
        cmocka_unit_test(a_temporary_gruu_comes_out_as_it_went_in),
        cmocka_unit_test(temporary_gruus_are_all_different_and_tell_nothing),
        cmocka_unit_test(nobody_else_can_make_or_change_one),
        cmocka_unit_test(what_is_too_long_gets_no_temporary_gruu),
        cmocka_unit_test(a_gruu_leads_to_its_instance_as_long_as_it_is_registered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
