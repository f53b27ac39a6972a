/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
/* link: -Wl,--wrap=uring_send_all */
#include "unit/loop/loop_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/port.h"
#include "loop/uring.h"

/* ---- a system that has io_uring, has none, or takes only some ---- */

int __real_uring_send_all(struct uring *uring, struct uring_send *sends, unsigned count);
int __wrap_uring_send_all(struct uring *uring, struct uring_send *sends, unsigned count);

static bool no_uring, refuse_odd;
static unsigned uring_calls;

int __wrap_uring_send_all(struct uring *uring, struct uring_send *sends, unsigned count)
{
    uring_calls++;
    if (no_uring)
        return ERR_UNSUPPORTED;
    if (!refuse_odd)
        return __real_uring_send_all(uring, sends, count);
    for (unsigned i = 0; i < count; i++)
        sends[i].result = -EINVAL; /* Linux before 6.0 */
    return 0;
}

static int reset_wrap(void **state)
{
    (void)state;
    no_uring = refuse_odd = false;
    uring_calls = 0;
    return 0;
}

/* ---- a port that keeps what it gets ---- */

struct node {
    struct port *port;
    struct address local;
    unsigned count, errors, unsent;
    size_t length;
    struct address remote;
    struct port_error error;
    bool close;
    unsigned expected;
};

static void on_datagram(void *user, const struct address *remote, char *data, size_t length)
{
    struct node *node = user;
    node->count++;
    node->length = length;
    node->remote = *remote;
    memset(data - PORT_HEADROOM, 1, PORT_HEADROOM);
    memset(data + length, 1, PORT_TAILROOM);
    if (node->close) {
        port_close(node->port);
        node->port = NULL;
    }
}

static void on_error(void *user, const struct port_error *error)
{
    struct node *node = user;
    node->errors++;
    node->error = *error;
}

static void on_unsent(void *user, size_t length)
{
    struct node *node = user;
    (void)length;
    node->unsent++;
}

static const struct port_handler handler = {on_datagram, on_error, on_unsent};

/* Ports have no port 0: the system lends one. */
static struct address free_address(const char *host)
{
    struct address at = address_of(host);
    socklen_t length = sizeof at;
    int fd = socket(at.sa.sa_family, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &at.sa, address_length(&at)), 0);
    assert_int_equal(getsockname(fd, &at.sa, &length), 0);
    close(fd);
    return at;
}

static void open_node(struct loop *loop, struct node *node, const char *host)
{
    struct port_hold *hold;
    memset(node, 0, sizeof *node);
    node->local = free_address(host);
    assert_int_equal(port_hold(loop, &node->local, &hold), 0);
    assert_int_equal(port_open(loop, hold, &handler, node, &node->port), 0);
}

static bool has_all(void *user)
{
    const struct node *node = user;
    return node->count >= node->expected;
}

static bool has_error(void *user)
{
    return ((struct node *)user)->errors > 0;
}

/* ---- tests ---- */

static void datagrams_go_from_port_to_port(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1:0", "[::1]:0"};
    struct loop *loop = new_loop();
    for (size_t i = 0; i < 2; i++) {
        struct node a, b;
        open_node(loop, &a, hosts[i]);
        open_node(loop, &b, hosts[i]);
        static char large[3000];
        b.expected = 3;
        assert_int_equal(port_send(a.port, &b.local, SLICE("hello"), 0), 0);
        assert_int_equal(port_send(a.port, &b.local, SLICE_NULL, 0), 0);
        assert_int_equal(port_send(a.port, &b.local, slice_of(large, sizeof large), 0), 0);
        assert_true(run_until(loop, has_all, &b, WAIT_MS));
        assert_int_equal(b.length, sizeof large); /* the last one last */
        assert_true(address_equal(&b.remote, &a.local));
        port_close(a.port);
        port_close(b.port);
    }
    loop_free(loop);
}

static void many_ports_send_in_one_turn(void **state)
{
    (void)state;
    enum { PORTS = 100, EACH = 2 };
    for (unsigned way = 0; way < 3; way++) {
        struct loop *loop = new_loop();
        static struct node nodes[PORTS];
        struct node to;
        no_uring = way == 1;
        refuse_odd = way == 2;
        uring_calls = 0;
        open_node(loop, &to, "127.0.0.1:0");
        for (unsigned i = 0; i < PORTS; i++)
            open_node(loop, &nodes[i], "127.0.0.1:0");
        for (unsigned k = 0; k < EACH; k++) {
            for (unsigned i = 0; i < PORTS; i++)
                assert_int_equal(port_send(nodes[i].port, &to.local, SLICE("x"), 0), 0);
        }
        to.expected = PORTS * EACH;
        assert_true(run_until(loop, has_all, &to, WAIT_MS));
        assert_int_equal(to.count, PORTS * EACH);
        for (unsigned i = 0; i < PORTS; i++) {
            assert_int_equal(nodes[i].unsent, 0);
            port_close(nodes[i].port);
        }
        loop_free(loop);
    }
}

static void an_address_belongs_to_one(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node node;
    struct port_hold *hold = NULL;
    open_node(loop, &node, "127.0.0.1:0");
    assert_int_equal(port_hold(loop, &node.local, &hold), ERR_EXISTS);
    port_close(node.port);
    assert_int_equal(port_hold(loop, &node.local, &hold), 0);
    port_hold_release(hold);
    struct address foreign = address_of("192.0.2.1:4000");
    assert_int_equal(port_hold(loop, &foreign, &hold), ERR_NOT_FOUND);
    loop_free(loop);
}

static void what_was_sent_goes_before_its_port_closes(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a, b;
    open_node(loop, &a, "127.0.0.1:0");
    open_node(loop, &b, "127.0.0.1:0");
    b.expected = 1;
    assert_int_equal(port_send(a.port, &b.local, SLICE("last words"), 0), 0);
    port_close(a.port);
    assert_true(run_until(loop, has_all, &b, WAIT_MS));
    loop_free(loop);
}

static void a_port_may_close_itself(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a, b;
    open_node(loop, &a, "127.0.0.1:0");
    open_node(loop, &b, "127.0.0.1:0");
    b.close = true;
    b.expected = 1;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(port_send(a.port, &b.local, SLICE("x"), 0), 0);
    assert_true(run_until(loop, has_all, &b, WAIT_MS));
    run_for(loop, 20);
    assert_int_equal(b.count, 1);
    loop_free(loop);
}

/* RFC 8656 section 11.5 */
static void an_unreachable_port_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        uint8_t type, code;
    } rows[] = {{"127.0.0.1:0", 3, 3}, {"[::1]:0", 1, 4}};
    struct loop *loop = new_loop();
    for (size_t i = 0; i < 2; i++) {
        struct node node, other;
        open_node(loop, &node, rows[i].host);
        open_node(loop, &other, rows[i].host);
        struct address nobody = free_address(rows[i].host);
        assert_int_equal(port_send(node.port, &nobody, SLICE("?"), 0), 0);
        assert_true(run_until(loop, has_error, &node, WAIT_MS));
        assert_int_equal(node.error.type, rows[i].type);
        assert_int_equal(node.error.code, rows[i].code);
        assert_int_equal(node.error.mtu, 0);
        assert_true(address_equal(&node.error.remote, &nobody));
        other.expected = 1; /* and it goes on */
        assert_int_equal(port_send(node.port, &other.local, SLICE("!"), 0), 0);
        assert_true(run_until(loop, has_all, &other, WAIT_MS));
        port_close(node.port);
        port_close(other.port);
    }
    loop_free(loop);
}

static void what_cannot_be_sent_is_said(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node node;
    static char huge[65508];
    struct address v6 = address_of("[::1]:9"), v4 = address_of("127.0.0.1:9");
    open_node(loop, &node, "127.0.0.1:0");
    assert_int_equal(port_send(node.port, &v6, SLICE("x"), 0), ERR_UNREACHABLE);
    assert_int_equal(port_send(node.port, &v4, slice_of(huge, sizeof huge), 0), ERR_LIMIT);
    assert_int_equal(port_send(node.port, &v4, slice_of(huge, sizeof huge), PORT_DONT_FRAGMENT),
                     ERR_LIMIT);
    loop_free(loop);
}

static void this_machine_knows_its_addresses(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct address addresses[64], local = address_of("127.0.0.1:0");
    bool found = false;
    int count = port_local_addresses(loop, addresses, 64);
    assert_true(count > 0);
    for (int i = 0; i < count; i++)
        found = found || address_equal_host(&addresses[i], &local);
    assert_true(found);
    assert_int_equal(port_local_addresses(loop, addresses, 1), 1);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(datagrams_go_from_port_to_port, reset_wrap),
        cmocka_unit_test_setup(many_ports_send_in_one_turn, reset_wrap),
        cmocka_unit_test_setup(an_address_belongs_to_one, reset_wrap),
        cmocka_unit_test_setup(what_was_sent_goes_before_its_port_closes, reset_wrap),
        cmocka_unit_test_setup(a_port_may_close_itself, reset_wrap),
        cmocka_unit_test_setup(an_unreachable_port_is_told, reset_wrap),
        cmocka_unit_test_setup(what_cannot_be_sent_is_said, reset_wrap),
        cmocka_unit_test_setup(this_machine_knows_its_addresses, reset_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
