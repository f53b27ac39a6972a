#include "app/doctor/owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static struct address parsed(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(slice_from_string(text), &a), 0);
    return a;
}

/* proc(5), /proc/net/tcp and its like; addresses are as this machine keeps them in memory, here
 * little-endian. */
static void a_line_tells_whose_port_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *line, *local;
        bool tcp;
        uint64_t inode; /* 0: not this one */
    } rows[] = {
        {"  12: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        "
         "0 4711 2 0 0",
         "127.0.0.1:5060", false, 4711},
        {"  12: 00000000:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        "
         "0 4711 2 0 0",
         "127.0.0.1:5060", false, 4711},
        {"  12: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        "
         "0 4711 2 0 0",
         "0.0.0.0:5060", false, 4711},
        {"  12: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        "
         "0 4711 2 0 0",
         "127.0.0.2:5060", false, 0},
        {"  12: 0100007F:13C5 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        "
         "0 4711 2 0 0",
         "127.0.0.1:5060", false, 0},
        /* a TCP connection, and a socket that listens */
        {"   0: 0100007F:13C4 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        "
         "0 4712 1 0 100 0 0 10 0",
         "127.0.0.1:5060", true, 0},
        {"   0: 0100007F:13C4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        "
         "0 4712 1 0 100 0 0 10 0",
         "127.0.0.1:5060", true, 4712},
        {"   0: 00000000000000000000000001000000:13C4 00000000000000000000000000000000:0000 0A "
         "00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0",
         "[::1]:5060", true, 4713},
        {"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
         "timeout inode",
         "127.0.0.1:5060", true, 0},
        {"", "127.0.0.1:5060", true, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address local = parsed(rows[i].local);
        uint64_t inode = 0;
        bool found = port_owner_line(rows[i].line, &local, rows[i].tcp, &inode);
        assert_int_equal(found, rows[i].inode != 0);
        assert_int_equal(inode, rows[i].inode);
    }
}

static void the_process_with_a_socket_is_found(void **state)
{
    (void)state;
    struct address local = parsed("127.0.0.1:0");
    socklen_t length = sizeof local;
    struct port_owner owner;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, &local.sa, sizeof local.in4), 0);
    assert_int_equal(getsockname(fd, &local.sa, &length), 0);
    assert_true(port_owner_find(&local, false, &owner));
    assert_int_equal(owner.pid, getpid());
    assert_string_equal(owner.name, "test_owner");
    assert_false(port_owner_find(&local, true, &owner));
    (void)close(fd);
    assert_false(port_owner_find(&local, false, &owner));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_tells_whose_port_it_is),
        cmocka_unit_test(the_process_with_a_socket_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
