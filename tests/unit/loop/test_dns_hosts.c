/* The hosts file (hosts(5)). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/dns_hosts.h"

static struct dns_hosts hosts;

static int open_hosts(void **state)
{
    (void)state;
    return dns_hosts_init(&hosts, (struct hash_key){3, 4});
}

static int close_hosts(void **state)
{
    (void)state;
    dns_hosts_done(&hosts);
    return 0;
}

/* "192.0.2.1 192.0.2.2", or "none", or "no such name". */
static void says(const char *name, enum dns_type type, const char *expected)
{
    struct dns_block *block;
    char text[400];
    struct writer w;
    writer_init(&w, text, sizeof(text));
    int status = dns_hosts_answer(&hosts, slice_from_string(name), type, &block);
    if (status < 0) {
        assert_int_equal(status, ERR_NOT_FOUND);
        assert_string_equal(expected, "no such name");
        return;
    }
    for (unsigned i = 0; i < block->answer.count; i++) {
        writer_string(&w, i > 0 ? " " : "");
        address_write_host(&w, &block->answer.records[i].address, false);
    }
    if (block->answer.count == 0) {
        assert_int_equal(block->answer.status, ERR_NOT_FOUND);
        writer_string(&w, "none");
    }
    dns_answer_unref(&block->answer);
    if (!slice_equal(writer_slice(&w), slice_from_string(expected)))
        fail_msg("%s: %.*s, not %s", name, SLICE_ARG(writer_slice(&w)), expected);
}

static void a_line_is_an_address_and_its_names(void **state)
{
    (void)state;
    assert_int_equal(dns_hosts_parse(&hosts, SLICE("# my hosts\n"
                                                   "\n"
                                                   "127.0.0.1\tlocalhost\r\n"
                                                   "  192.0.2.1 box  Box.example.com. # the box\n"
                                                   "2001:db8::1 box\n"
                                                   "::1 localhost#end\n"
                                                   "192.0.2.2 box")),
                     0);
    says("box", DNS_A, "192.0.2.1 192.0.2.2");
    says("BOX", DNS_AAAA, "2001:db8::1");
    says("box.example.com", DNS_A, "192.0.2.1");
    says("box.example.com", DNS_AAAA, "none");
    says("localhost", DNS_A, "127.0.0.1");
    says("localhost", DNS_AAAA, "::1");
    says("other", DNS_A, "no such name");
    says("#", DNS_A, "no such name");
    assert_true(dns_hosts_have(&hosts, SLICE("Localhost")));
    assert_false(dns_hosts_have(&hosts, SLICE("local")));
    assert_int_equal(hosts.skipped, 0);
}

static void what_makes_no_sense_is_skipped(void **state)
{
    (void)state;
    assert_int_equal(dns_hosts_parse(&hosts, SLICE("box 192.0.2.1\n"
                                                   "192.0.2.1\n"
                                                   "192.0.2.3 b\xc3\xb6x ok\n"
                                                   "1.2.3 short\n")),
                     0);
    says("ok", DNS_A, "192.0.2.3");
    says("box", DNS_A, "no such name");
    says("short", DNS_A, "no such name");
    assert_int_equal(hosts.skipped, 3);
    assert_int_equal(dns_hosts_parse(&hosts, SLICE("")), 0);
    says("ok", DNS_A, "no such name");
}

static void a_name_has_as_many_addresses_as_an_answer_holds(void **state)
{
    (void)state;
    static char text[20000];
    struct writer w;
    struct dns_block *block;
    writer_init(&w, text, sizeof(text));
    for (unsigned i = 0; i < 300; i++)
        writer_format(&w, "10.0.%u.%u box\n", i / 256, i % 256);
    assert_int_equal(dns_hosts_parse(&hosts, writer_slice(&w)), 0);
    assert_int_equal(dns_hosts_answer(&hosts, SLICE("box"), DNS_A, &block), 0);
    assert_int_equal(block->answer.count, DNS_RECORDS_MAX);
    assert_int_equal(block->answer.left_out, 300 - DNS_RECORDS_MAX);
    dns_answer_unref(&block->answer);
}

static void more_names_than_the_bound_are_left_out(void **state)
{
    (void)state;
    enum { NAMES = DNS_HOSTS_MAX + 100 };
    size_t room = (size_t)NAMES * 20;
    char *text = malloc(room);
    struct writer w;
    writer_init(&w, text, room);
    for (unsigned i = 0; i < NAMES; i++)
        writer_format(&w, "10.0.0.1 n%u\n", i);
    assert_false(w.overflow);
    assert_int_equal(dns_hosts_parse(&hosts, writer_slice(&w)), 0);
    free(text);
    assert_int_equal(hosts.count, DNS_HOSTS_MAX);
    assert_int_equal(hosts.skipped, 100);
    says("n65535", DNS_A, "10.0.0.1");
    says("n65536", DNS_A, "no such name");
}

static void a_file_is_read_when_it_changed_and_missing_is_empty(void **state)
{
    (void)state;
    char path[] = "/tmp/tz-hosts-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    hosts.path = path;
    assert_int_equal(write(fd, "192.0.2.1 box\n", 14), 14);
    assert_int_equal(dns_hosts_refresh(&hosts), 1);
    says("box", DNS_A, "192.0.2.1");
    assert_int_equal(dns_hosts_refresh(&hosts), 0);
    assert_int_equal(write(fd, "192.0.2.2 box\n", 14), 14);
    assert_int_equal(dns_hosts_refresh(&hosts), 1);
    says("box", DNS_A, "192.0.2.1 192.0.2.2");
    assert_int_equal(ftruncate(fd, DNS_HOSTS_FILE_MAX + 1), 0);
    assert_int_equal(dns_hosts_refresh(&hosts), ERR_LIMIT);
    says("box", DNS_A, "no such name");
    assert_int_equal(ftruncate(fd, 14), 0);
    assert_int_equal(dns_hosts_refresh(&hosts), 1);
    says("box", DNS_A, "192.0.2.1");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(dns_hosts_refresh(&hosts), 1);
    says("box", DNS_A, "no such name");
    assert_int_equal(dns_hosts_refresh(&hosts), 0);
    close(fd);
}

static void without_memory_it_fails_and_stays_whole(void **state)
{
    (void)state;
    size_t n = 0;
    do {
        memory_fail_after(n++);
        int status = dns_hosts_parse(&hosts, SLICE("192.0.2.1 box\n"));
        assert_true(status == 0 || status == ERR_NO_MEMORY);
        (void)dns_hosts_have(&hosts, SLICE("box"));
    } while (memory_fail_hit());
    says("box", DNS_A, "192.0.2.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_an_address_and_its_names, open_hosts,
                                        close_hosts),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_skipped, open_hosts, close_hosts),
        cmocka_unit_test_setup_teardown(a_name_has_as_many_addresses_as_an_answer_holds, open_hosts,
                                        close_hosts),
        cmocka_unit_test_setup_teardown(more_names_than_the_bound_are_left_out, open_hosts,
                                        close_hosts),
        cmocka_unit_test_setup_teardown(a_file_is_read_when_it_changed_and_missing_is_empty,
                                        open_hosts, close_hosts),
        cmocka_unit_test_setup_teardown(without_memory_it_fails_and_stays_whole, open_hosts,
                                        close_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
