/* link: -Wl,--wrap=sendmsg */
/* A way that takes packets of 1400 bytes: the loopback of a network namespace of our own. Where
 * none may be made, all of it is skipped. */
#include "unit/loop/loop_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/port.h"
#include "loop/udp.h"

#define MTU 1400
#define FIT (MTU - 20 - 8) /* RFC 791, RFC 768: the headers */

/* ---- a socket whose buffer is full when it sends fragments ---- */

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

static unsigned blocked_calls, calls;

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    calls++;
    if (blocked_calls > 0) {
        blocked_calls--;
        errno = EAGAIN;
        return -1;
    }
    return __real_sendmsg(fd, message, flags);
}

/* ---- the namespace ---- */

static bool enter_namespace(void)
{
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    request.ifr_mtu = MTU;
    bool done = fd >= 0 && ioctl(fd, SIOCSIFMTU, &request) == 0;
    request.ifr_flags = IFF_UP;
    done = done && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (fd >= 0)
        close(fd);
    return done;
}

static int reset(void **state)
{
    static bool there, asked;
    (void)state;
    if (!asked)
        there = enter_namespace();
    asked = true;
    blocked_calls = calls = 0;
    if (!there)
        skip();
    return 0;
}

/* ---- a socket that keeps the lengths of what it gets ---- */

struct node {
    struct udp *udp;
    unsigned count, expected;
    size_t lengths[16];
};

static void on_datagram(void *user, const struct flow *flow, struct slice data)
{
    struct node *node = user;
    (void)flow;
    if (node->count < 16)
        node->lengths[node->count] = data.len;
    node->count++;
}

static void open_node(struct loop *loop, const char *local, struct node *node)
{
    struct udp_options options = {
        .local = address_of(local), .on_datagram = on_datagram, .user = node};
    assert_int_equal(udp_open(loop, &options, &node->udp), 0);
}

static bool has_all(void *user)
{
    const struct node *node = user;
    return node->count >= node->expected;
}

static const char bytes[9000];

/* Sends datagrams of these lengths from one socket to the other within a turn. */
static void pass(struct loop *loop, struct node *from, struct node *to, const size_t *lengths,
                 unsigned count)
{
    struct address remote = address_of("127.0.0.1:0"), local = udp_local(to->udp);
    address_set_port(&remote, address_port(&local));
    to->expected = to->count + count;
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(udp_send(from->udp, NULL, &remote, slice_of(bytes, lengths[i])), 0);
    assert_true(run_until(loop, has_all, to, WAIT_MS));
    assert_int_equal(udp_count(from->udp, UDP_SEND_ERRORS), 0);
    assert_int_equal(udp_count(from->udp, UDP_SEND_DROPPED), 0);
    assert_int_equal(udp_count(from->udp, UDP_SENT), to->count);
}

/* ---- the tests ---- */

/* RFC 1122 section 3.3.3: what is larger than the way takes is sent in fragments, in its order. */
static void what_is_larger_than_the_way_goes_in_fragments(void **state)
{
    (void)state;
    static const char *const locals[] = {"127.0.0.1:0", "0.0.0.0:0", "[::]:0"};
    static const size_t lengths[] = {10, FIT + 1, 20, FIT, 8000, 5000, 30};
    struct loop *loop = new_loop();
    for (size_t i = 0; i < 3; i++) {
        struct node a = {0}, b = {0};
        open_node(loop, locals[i], &a);
        open_node(loop, "127.0.0.1:0", &b);
        calls = 0;
        pass(loop, &a, &b, lengths, 7);
        assert_memory_equal(b.lengths, lengths, sizeof lengths);
        assert_int_equal(calls, 3);
        udp_close(a.udp);
        udp_close(b.udp);
    }
    loop_free(loop);
}

/* What would travel as one (UDP_SEGMENT), if its datagrams were not too large. */
static void groups_of_such_datagrams_come_apart(void **state)
{
    (void)state;
    static const size_t lengths[] = {FIT + 10, FIT + 10, FIT + 10, FIT + 10};
    struct loop *loop = new_loop();
    struct node a = {0}, b = {0};
    open_node(loop, "127.0.0.1:0", &a);
    open_node(loop, "127.0.0.1:0", &b);
    pass(loop, &a, &b, lengths, 4);
    assert_memory_equal(b.lengths, lengths, sizeof lengths);
    loop_free(loop);
}

static void fragments_wait_for_room_too(void **state)
{
    (void)state;
    static const size_t lengths[] = {10, 3000, 20};
    struct loop *loop = new_loop();
    struct node a = {0}, b = {0};
    open_node(loop, "127.0.0.1:0", &a);
    open_node(loop, "127.0.0.1:0", &b);
    blocked_calls = 2;
    pass(loop, &a, &b, lengths, 3);
    assert_memory_equal(b.lengths, lengths, sizeof lengths);
    assert_int_equal(calls, 3);
    loop_free(loop);
}

/* The next IPv4 packet of UDP from this port that is its datagram's first. */
static void take_packet(int wire, uint16_t port, struct iphdr *ret_head)
{
    char packet[MTU];
    for (;;) {
        ssize_t got = recv(wire, packet, sizeof packet, 0);
        assert_true(got > (ssize_t)sizeof *ret_head);
        memcpy(ret_head, packet, sizeof *ret_head);
        uint16_t source;
        memcpy(&source, packet + ret_head->ihl * 4, sizeof source);
        if (ret_head->protocol == IPPROTO_UDP && ntohs(source) == port &&
            (ntohs(ret_head->frag_off) & IP_OFFMASK) == 0)
            return;
    }
}

/* RFC 6864 section 4.1: a datagram in one piece needs no Identification; fragments have one. */
static void only_fragments_are_numbered(void **state)
{
    (void)state;
    static const size_t lengths[] = {100, 3000, 200};
    struct sockaddr_ll link = {.sll_family = AF_PACKET,
                               .sll_protocol = htons(0x0800),
                               .sll_ifindex = (int)if_nametoindex("lo")};
    struct timeval patience = {.tv_sec = WAIT_MS / 1000};
    int wire = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(wire >= 0);
    assert_int_equal(bind(wire, (const struct sockaddr *)&link, sizeof link), 0);
    assert_int_equal(setsockopt(wire, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    struct loop *loop = new_loop();
    struct node a = {0}, b = {0};
    open_node(loop, "127.0.0.1:0", &a);
    open_node(loop, "127.0.0.1:0", &b);
    struct address local = udp_local(a.udp);
    pass(loop, &a, &b, lengths, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct iphdr head;
        bool whole = i != 1;
        take_packet(wire, address_port(&local), &head);
        assert_int_equal((ntohs(head.frag_off) & IP_DF) != 0, whole);
        assert_int_equal((ntohs(head.frag_off) & IP_MF) != 0, !whole);
        assert_int_equal(head.id == 0, whole);
    }
    close(wire);
    loop_free(loop);
}

/* ---- ports ---- */

struct relay {
    struct port *port;
    unsigned errors, count;
    size_t length;
    struct port_error error;
};

static void on_port_datagram(void *user, const struct address *remote, char *data, size_t length)
{
    struct relay *relay = user;
    (void)remote;
    (void)data;
    relay->count++;
    relay->length = length;
}

static void on_port_error(void *user, const struct port_error *error)
{
    struct relay *relay = user;
    relay->errors++;
    relay->error = *error;
}

static struct address open_relay(struct loop *loop, const char *host, struct relay *relay)
{
    static const struct port_handler handler = {.on_datagram = on_port_datagram,
                                                .on_error = on_port_error};
    struct port_hold *hold;
    struct address local = address_of(host);
    *relay = (struct relay){0};
    assert_int_equal(port_hold(loop, &local, &hold), 0);
    assert_int_equal(port_open(loop, hold, &handler, relay, &relay->port), 0);
    return local;
}

static bool has_error(void *user)
{
    return ((struct relay *)user)->errors > 0;
}

static bool has_datagram(void *user)
{
    return ((struct relay *)user)->count > 0;
}

/* RFC 8656 sections 11.5, 14, 18.13: as a router would say it, with the MTU. Else it is cut. */
static void what_may_not_be_cut_comes_back_with_the_mtu(void **state)
{
    static const struct {
        const char *from, *to;
        uint8_t type, code;
        size_t fit;
    } rows[] = {
        {"127.0.0.1:4000", "127.0.0.1:4001", ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, FIT},
        {"[::1]:4000", "[::1]:4001", ICMP6_PACKET_TOO_BIG, 0, FIT - 20},
    };
    (void)state;
    struct loop *loop = new_loop();
    for (size_t i = 0; i < 2; i++) {
        struct relay a, b;
        (void)open_relay(loop, rows[i].from, &a);
        struct address to = open_relay(loop, rows[i].to, &b);
        struct slice large = slice_of(bytes, rows[i].fit + 1);
        (void)port_send(a.port, &to, large, PORT_DONT_FRAGMENT);
        assert_true(run_until(loop, has_error, &a, WAIT_MS));
        assert_int_equal(a.error.type, rows[i].type);
        assert_int_equal(a.error.code, rows[i].code);
        assert_int_equal(a.error.mtu, MTU);
        assert_true(address_equal(&a.error.remote, &to));
        assert_int_equal(b.count, 0);
        assert_int_equal(port_send(a.port, &to, large, 0), 0);
        assert_true(run_until(loop, has_datagram, &b, WAIT_MS));
        assert_int_equal(b.length, large.len);
        assert_int_equal(port_send(a.port, &to, slice_of(bytes, rows[i].fit), PORT_DONT_FRAGMENT),
                         0);
        port_close(a.port);
        port_close(b.port);
    }
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_larger_than_the_way_goes_in_fragments, reset),
        cmocka_unit_test_setup(groups_of_such_datagrams_come_apart, reset),
        cmocka_unit_test_setup(fragments_wait_for_room_too, reset),
        cmocka_unit_test_setup(only_fragments_are_numbered, reset),
        cmocka_unit_test_setup(what_may_not_be_cut_comes_back_with_the_mtu, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
