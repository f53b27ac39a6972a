/* What has been answered is kept for its time, and within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "loop/dns_answer.h"

static struct dns_cache cache;

static int open_cache(void **state)
{
    (void)state;
    return dns_cache_init(&cache, (struct hash_key){1, 2});
}

static int close_cache(void **state)
{
    (void)state;
    dns_cache_done(&cache);
    return 0;
}

static void add(const char *text, enum dns_type type, uint64_t expires_ms, size_t bytes)
{
    struct slice name = slice_from_string(text);
    struct dns_block *block = dns_block_new(name, type, 0, bytes);
    assert_non_null(block);
    block->answer.expires_ms = expires_ms;
    dns_cache_add(&cache, dns_cache_hash(&cache, name, type), block);
    dns_answer_unref(&block->answer);
}

static const struct dns_answer *find(const char *text, enum dns_type type, uint64_t now_ms)
{
    struct slice name = slice_from_string(text);
    struct dns_block *block =
        dns_cache_find(&cache, dns_cache_hash(&cache, name, type), name, type, now_ms);
    return block != NULL ? &block->answer : NULL;
}

/* RFC 1035 section 2.3.3: names compare without case. */
static void an_answer_is_found_by_name_and_type(void **state)
{
    (void)state;
    add("example.com", DNS_A, 1000, 0);
    add("example.com", DNS_SRV, 1000, 0);
    assert_non_null(find("example.com", DNS_A, 0));
    assert_non_null(find("EXAMPLE.com", DNS_SRV, 0));
    assert_ptr_not_equal(find("example.com", DNS_A, 0), find("example.com", DNS_SRV, 0));
    assert_null(find("example.com", DNS_AAAA, 0));
    assert_null(find("example.org", DNS_A, 0));
    assert_int_equal(cache.count, 2);
}

static void it_is_gone_when_its_time_is_over(void **state)
{
    (void)state;
    add("example.com", DNS_A, 1000, 0);
    assert_non_null(find("example.com", DNS_A, 999));
    assert_null(find("example.com", DNS_A, 1000));
    assert_int_equal(cache.count, 0);
    assert_int_equal(cache.bytes, 0);
}

static void a_newer_answer_takes_the_place_of_the_older(void **state)
{
    (void)state;
    add("example.com", DNS_A, 1000, 10);
    const struct dns_answer *older = dns_answer_ref(find("example.com", DNS_A, 0));
    add("Example.com", DNS_A, 2000, 20);
    assert_int_equal(cache.count, 1);
    assert_int_equal(find("example.com", DNS_A, 0)->expires_ms, 2000);
    assert_int_equal(older->expires_ms, 1000); /* who holds it keeps it */
    dns_answer_unref(older);
}

static void at_the_bounds_the_least_used_goes(void **state)
{
    (void)state;
    char name[32];
    for (unsigned i = 0; i < DNS_CACHE_ANSWERS; i++) {
        (void)snprintf(name, sizeof(name), "n%u.example", i);
        add(name, DNS_A, 1000, 0);
    }
    assert_int_equal(cache.count, DNS_CACHE_ANSWERS);
    assert_non_null(find("n0.example", DNS_A, 0)); /* used just now */
    add("one.more", DNS_A, 1000, 0);
    assert_int_equal(cache.count, DNS_CACHE_ANSWERS);
    assert_non_null(find("n0.example", DNS_A, 0));
    assert_null(find("n1.example", DNS_A, 0));
    assert_non_null(find("one.more", DNS_A, 0));

    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "big%u.example", i);
        add(name, DNS_NAPTR, 1000, 90000);
        assert_true(cache.bytes <= DNS_CACHE_BYTES);
    }
    assert_null(find("n0.example", DNS_A, 0));
    assert_non_null(find("big99.example", DNS_NAPTR, 0));
    assert_in_range(cache.count, 40, 50);
}

static void an_emptied_cache_is_empty(void **state)
{
    (void)state;
    add("example.com", DNS_A, 1000, 0);
    add("example.org", DNS_A, 1000, 0);
    dns_cache_clear(&cache);
    assert_null(find("example.com", DNS_A, 0));
    assert_int_equal(cache.count, 0);
    assert_int_equal(cache.bytes, 0);
    add("example.com", DNS_A, 1000, 0);
    assert_non_null(find("example.com", DNS_A, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_is_found_by_name_and_type, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(it_is_gone_when_its_time_is_over, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(a_newer_answer_takes_the_place_of_the_older, open_cache,
                                        close_cache),
        cmocka_unit_test_setup_teardown(at_the_bounds_the_least_used_goes, open_cache, close_cache),
        cmocka_unit_test_setup_teardown(an_emptied_cache_is_empty, open_cache, close_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
