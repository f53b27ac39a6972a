/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
/* link: -Wl,--wrap=sendmmsg -Wl,--wrap=capture_runs */
/* Datagrams of one length to one address leave as one buffer that the system cuts up. */
#include "unit/loop/loop_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_ether.h>

#include "base/error.h"
#include "loop/udp.h"

int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);

static unsigned sent_messages; /* that the system took */
static unsigned group_calls;   /* that began with more than one datagram */
static int refusal;            /* errno for those, or 0 */
static unsigned grant;         /* messages that one call takes */

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (messages[0].msg_hdr.msg_iovlen > 1) {
        group_calls++;
        if (refusal != 0) {
            errno = refusal;
            return -1;
        }
    }
    int n = __real_sendmmsg(fd, messages, count < grant ? count : grant, flags);
    if (n > 0)
        sent_messages += (unsigned)n;
    return n;
}

bool __wrap_capture_runs(void);
bool __real_capture_runs(void);

static bool captured;

bool __wrap_capture_runs(void)
{
    return captured;
}

/* Two sockets; what b gets is kept as text, one datagram after the other. */
struct pair {
    struct loop *loop;
    struct udp *a;
    struct udp *b;
    struct address to; /* b */
    struct address from;
    char seen[4096];
    size_t length;
    unsigned count;
    unsigned expected;
};

static void on_datagram(void *user, const struct flow *flow, struct slice data)
{
    struct pair *pair = user;
    pair->from = flow->remote;
    pair->count++;
    if (data.len + 1 < sizeof(pair->seen) - pair->length) {
        memcpy(pair->seen + pair->length, data.ptr, data.len);
        pair->length += data.len;
        pair->seen[pair->length++] = ' ';
    }
}

static bool all_there(void *user)
{
    const struct pair *pair = user;
    return pair->count >= pair->expected;
}

static void open_pair(struct pair *pair, const char *a, const char *b)
{
    *pair = (struct pair){.loop = new_loop()};
    struct udp_options options = {.local = address_of(a), .on_datagram = on_datagram, .user = pair};
    assert_int_equal(udp_open(pair->loop, &options, &pair->a), 0);
    options.local = address_of(b);
    assert_int_equal(udp_open(pair->loop, &options, &pair->b), 0);
    pair->to = udp_local(pair->b);
    sent_messages = group_calls = 0;
    refusal = 0;
    captured = false;
    grant = 1024;
}

static void send_text(struct pair *pair, uint64_t order, const char *text)
{
    loop_order(pair->loop, order);
    assert_int_equal(udp_send(pair->a, NULL, &pair->to, slice_from_string(text)), 0);
    pair->expected++;
}

static void arrives(struct pair *pair, const char *seen)
{
    assert_true(run_until(pair->loop, all_there, pair, WAIT_MS));
    pair->seen[pair->length] = '\0';
    assert_string_equal(pair->seen, seen);
    assert_int_equal(udp_count(pair->a, UDP_SENT), pair->expected);
}

static void equal_lengths_to_one_address_leave_as_one(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair, "127.0.0.1:0", "127.0.0.1:0");
    send_text(&pair, 1, "one");
    send_text(&pair, 2, "two");
    send_text(&pair, 3, "six");
    arrives(&pair, "one two six ");
    assert_int_equal(sent_messages, 1);
    assert_int_equal(udp_count(pair.a, UDP_SENT_BYTES), 9);
    loop_free(pair.loop);
}

static void other_lengths_and_addresses_leave_by_themselves(void **state)
{
    (void)state;
    struct pair pair, other;
    open_pair(&pair, "127.0.0.1:0", "127.0.0.1:0");
    open_pair(&other, "127.0.0.1:0", "127.0.0.1:0");
    send_text(&pair, 1, "one");
    send_text(&pair, 2, "four");
    assert_int_equal(udp_send(pair.a, NULL, &other.to, SLICE("two")), 0);
    run_for(pair.loop, 10);
    assert_int_equal(sent_messages, 3);
    other.expected = 1;
    assert_true(run_until(other.loop, all_there, &other, WAIT_MS));
    assert_memory_equal(other.seen, "two ", 4);
    loop_free(other.loop);
    loop_free(pair.loop);
}

/* RFC 3261 section 12.2.2: a request of a dialog that comes too late is refused. What one call
 * sends stays in its order; that of other calls may come between. */
static void what_has_one_order_keeps_it(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair, "127.0.0.1:0", "127.0.0.1:0");
    send_text(&pair, 1, "b1");
    send_text(&pair, 2, "ack2");
    send_text(&pair, 2, "b2"); /* must not join b1: it would overtake ack2 */
    send_text(&pair, 3, "ack3");
    send_text(&pair, 3, "b3");
    send_text(&pair, 1, "b4");   /* joins the last of its length */
    send_text(&pair, 1, "ack1"); /* b4 is behind the group of ack2 */
    arrives(&pair, "b1 ack2 ack3 b2 b3 b4 ack1 ");
    assert_int_equal(sent_messages, 4);
    loop_free(pair.loop);
}

/* UDP_SEGMENT takes 64 datagrams at most, and none that may be larger than the MTU. */
static void groups_have_a_limit(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair, "127.0.0.1:0", "127.0.0.1:0");
    for (unsigned i = 0; i < 100; i++)
        send_text(&pair, i, "x");
    assert_true(run_until(pair.loop, all_there, &pair, WAIT_MS));
    assert_int_equal(sent_messages, 2);
    static char large[1401];
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(udp_send(pair.a, NULL, &pair.to, slice_of(large, sizeof(large))), 0);
    pair.expected += 3;
    assert_true(run_until(pair.loop, all_there, &pair, WAIT_MS));
    assert_int_equal(sent_messages, 5);
    loop_free(pair.loop);
}

static void the_source_address_is_that_of_each(void **state)
{
    (void)state;
    static const char *const wildcards[] = {"0.0.0.0:0", "[::]:0"};
    for (unsigned i = 0; i < 2; i++) {
        struct pair pair;
        open_pair(&pair, wildcards[i], i == 0 ? "127.0.0.1:0" : "[::1]:0");
        struct address local = address_of(i == 0 ? "127.0.0.7:0" : "[::1]:0");
        struct address other = address_of(i == 0 ? "127.0.0.8:0" : "[::1]:0");
        for (unsigned n = 0; n < 4; n++)
            assert_int_equal(udp_send(pair.a, n < 2 ? &local : &other, &pair.to, SLICE("same")), 0);
        pair.expected = 4;
        assert_true(run_until(pair.loop, all_there, &pair, WAIT_MS));
        assert_true(address_equal_host(&pair.from, &other));
        assert_int_equal(sent_messages, i == 0 ? 2 : 1);
        loop_free(pair.loop);
    }
}

/* Kernels before 4.18 (EINVAL), interfaces without checksums in hardware (EIO). */
static void a_system_that_takes_no_groups_gets_each_by_itself(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair, "127.0.0.1:0", "127.0.0.1:0");
    refusal = EIO;
    grant = 1;
    send_text(&pair, 1, "a1");
    send_text(&pair, 2, "b22");
    send_text(&pair, 3, "a2");
    send_text(&pair, 4, "a3");
    arrives(&pair, "a1 a2 a3 b22 ");
    assert_int_equal(sent_messages, 4);
    assert_int_equal(udp_count(pair.a, UDP_SEND_ERRORS), 0);
    send_text(&pair, 5, "a4");
    send_text(&pair, 6, "a5");
    arrives(&pair, "a1 a2 a3 b22 a4 a5 ");
    assert_int_equal(group_calls, 1); /* it is not tried again at once */
    loop_free(pair.loop);
}

static void all_of_a_group_to_an_unreachable_address_are_given_up(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair, "127.0.0.1:0", "127.0.0.1:0");
    struct address bad = address_of("255.255.255.255:5060"); /* needs SO_BROADCAST */
    assert_int_equal(udp_send(pair.a, NULL, &bad, SLICE("xx")), 0);
    assert_int_equal(udp_send(pair.a, NULL, &bad, SLICE("yy")), 0);
    send_text(&pair, 1, "good");
    assert_true(run_until(pair.loop, all_there, &pair, WAIT_MS));
    assert_int_equal(udp_count(pair.a, UDP_SEND_ERRORS), 2);
    assert_int_equal(udp_count(pair.a, UDP_SENT), 1);
    assert_int_equal(udp_send(pair.a, NULL, &bad, SLICE("zz")), ERR_UNREACHABLE);
    loop_free(pair.loop);
}

static void a_capture_sees_each_by_itself(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair, "127.0.0.1:0", "127.0.0.1:0");
    captured = true;
    send_text(&pair, 1, "one"); /* the end of this turn finds the capture */
    arrives(&pair, "one ");
    send_text(&pair, 2, "two");
    send_text(&pair, 3, "six");
    arrives(&pair, "one two six ");
    assert_int_equal(sent_messages, 3);
    loop_free(pair.loop);
}

/* Needs CAP_NET_RAW, as captures do. */
static void a_packet_socket_is_a_capture(void **state)
{
    (void)state;
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    if (fd < 0)
        skip();
    assert_true(__real_capture_runs());
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_lengths_to_one_address_leave_as_one),
        cmocka_unit_test(other_lengths_and_addresses_leave_by_themselves),
        cmocka_unit_test(what_has_one_order_keeps_it),
        cmocka_unit_test(groups_have_a_limit),
        cmocka_unit_test(the_source_address_is_that_of_each),
        cmocka_unit_test(a_system_that_takes_no_groups_gets_each_by_itself),
        cmocka_unit_test(all_of_a_group_to_an_unreachable_address_are_given_up),
        cmocka_unit_test(a_capture_sees_each_by_itself),
        cmocka_unit_test(a_packet_socket_is_a_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
