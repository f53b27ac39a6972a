/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
/* link: -Wl,--wrap=sendmmsg */
#include "unit/loop/loop_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "loop/mesh.h"
#include "loop/udp.h"
#include "loop/udp_private.h"

/* ---- a socket whose buffer is full, or that may not send ---- */

int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);

static unsigned blocked_calls; /* so many calls find the buffer full */
static unsigned grant = 1024;  /* datagrams that one call takes */
static unsigned largest_batch; /* seen */
static unsigned send_calls;

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    send_calls++;
    if (blocked_calls > 0) {
        blocked_calls--;
        errno = EAGAIN;
        return -1;
    }
    if (count > largest_batch)
        largest_batch = count;
    return __real_sendmmsg(fd, messages, count < grant ? count : grant, flags);
}

static int reset_wrap(void **state)
{
    (void)state;
    blocked_calls = largest_batch = send_calls = 0;
    grant = 1024;
    return 0;
}

/* ---- a node: a socket that keeps what it gets, or sends it back ---- */

struct node {
    struct udp *udp;
    unsigned count;
    unsigned expected;
    struct flow flow;
    size_t length;
    uint64_t sum;
    bool echo;
    bool close;
};

static void on_datagram(void *user, const struct flow *flow, struct slice data)
{
    struct node *node = user;
    node->count++;
    node->flow = *flow;
    node->length = data.len;
    for (size_t i = 0; i < data.len; i++)
        node->sum += (unsigned char)data.ptr[i];
    if (node->echo)
        (void)udp_send(node->udp, &flow->local, &flow->remote, data);
    if (node->close)
        udp_close(node->udp);
}

static int open_node(struct loop *loop, const char *local, bool v6_only, struct node *node)
{
    struct udp_options options = {.local = address_of(local),
                                  .listener = 7,
                                  .v6_only = v6_only,
                                  .on_datagram = on_datagram,
                                  .user = node};
    return udp_open(loop, &options, &node->udp);
}

static bool all_there(void *user)
{
    struct node *node = user;
    return node->count >= node->expected;
}

static struct address with_port(const char *host, const struct node *node)
{
    struct address a;
    struct address local = udp_local(node->udp);
    assert_int_equal(address_parse_host(slice_from_string(host), address_port(&local), &a), 0);
    return a;
}

/* a sends to b at host; b, bound to local, echoes. */
static void exchange(const char *a_local, const char *b_local, const char *host, const char *seen)
{
    struct loop *loop = new_loop();
    struct node a = {.expected = 1}, b = {.expected = 1, .echo = true};
    assert_int_equal(open_node(loop, a_local, false, &a), 0);
    assert_int_equal(open_node(loop, b_local, false, &b), 0);
    struct address to = with_port(host, &b), from = with_port(seen, &a);
    assert_int_equal(udp_send(a.udp, NULL, &to, SLICE("hello")), 0);
    assert_true(run_until(loop, all_there, &a, WAIT_MS));
    assert_int_equal(a.length, 5);
    assert_int_equal(a.sum, 'h' + 'e' + 'l' + 'l' + 'o');
    assert_int_equal(b.flow.transport, TRANSPORT_UDP);
    assert_int_equal(b.flow.listener, 7);
    assert_true(address_equal(&b.flow.local, &to));
    assert_true(address_equal(&b.flow.remote, &from));
    assert_true(address_equal(&a.flow.remote, &to));
    assert_int_equal(udp_count(b.udp, UDP_RECEIVED), 1);
    assert_int_equal(udp_count(b.udp, UDP_SENT), 1);
    assert_int_equal(udp_count(b.udp, UDP_SENT_BYTES), 5);
    assert_int_equal(udp_count(a.udp, UDP_RECEIVED_BYTES), 5);
    udp_close(a.udp);
    loop_free(loop);
}

static void a_bound_socket_answers_from_its_address(void **state)
{
    (void)state;
    exchange("127.0.0.1:0", "127.0.0.2:0", "127.0.0.2", "127.0.0.1");
}

/* RFC 3581 section 4: a response leaves from where its request came to. */
static void a_wildcard_socket_answers_from_the_address_it_was_asked_at(void **state)
{
    (void)state;
    exchange("127.0.0.1:0", "0.0.0.0:0", "127.0.0.3", "127.0.0.1");
}

static void ipv6_works_bound_and_wildcard(void **state)
{
    (void)state;
    exchange("[::1]:0", "[::1]:0", "::1", "::1");
    exchange("[::1]:0", "[::]:0", "::1", "::1");
}

static void an_ipv6_wildcard_socket_shows_ipv4_as_ipv4(void **state)
{
    (void)state;
    exchange("127.0.0.1:0", "[::]:0", "127.0.0.4", "127.0.0.1");
    exchange("[::]:0", "127.0.0.1:0", "127.0.0.1", "127.0.0.1");
}

static void an_ipv6_only_socket_leaves_ipv4_alone(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node six = {.expected = 1}, four = {.expected = 1};
    assert_int_equal(open_node(loop, "[::]:0", true, &six), 0);
    char text[ADDRESS_TEXT_MAX];
    struct address local = with_port("0.0.0.0", &six);
    assert_int_equal(open_node(loop, address_text(&local, text), false, &four), 0);
    struct address to = address_of("127.0.0.1:5060");
    assert_int_equal(udp_send(six.udp, NULL, &to, SLICE("x")), ERR_UNREACHABLE);
    to = address_of("[::1]:5060");
    assert_int_equal(udp_send(four.udp, NULL, &to, SLICE("x")), ERR_UNREACHABLE);
    loop_free(loop);
}

static void the_largest_datagram_fits_and_a_larger_one_is_refused(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a = {.expected = 3}, b = {.expected = 3, .echo = true};
    size_t size = 65507;
    char *data = malloc(size + 1);
    memset(data, 1, size + 1);
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &a), 0);
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &b), 0);
    struct address to = udp_local(b.udp);
    for (int i = 0; i < 3; i++)
        assert_int_equal(udp_send(a.udp, NULL, &to, slice_of(data, size)), 0);
    assert_int_equal(udp_send(a.udp, NULL, &to, slice_of(data, size + 1)), ERR_LIMIT);
    assert_true(run_until(loop, all_there, &a, WAIT_MS));
    assert_int_equal(a.length, size);
    assert_int_equal(a.sum, 3 * size);
    assert_int_equal(udp_count(b.udp, UDP_TRUNCATED), 0);
    free(data);
    loop_free(loop);
}

static void empty_datagrams_pass(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a = {.expected = 1}, b = {.expected = 1, .echo = true};
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &a), 0);
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &b), 0);
    struct address to = udp_local(b.udp);
    assert_int_equal(udp_send(a.udp, NULL, &to, SLICE_NULL), 0);
    assert_true(run_until(loop, all_there, &a, WAIT_MS));
    assert_int_equal(a.length, 0);
    loop_free(loop);
}

static void many_datagrams_go_out_in_batches(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a = {.expected = 1000}, b = {.echo = true};
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &a), 0);
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &b), 0);
    struct address to = udp_local(b.udp);
    static const char ones[100] = {[0 ... 99] = 1};
    for (size_t i = 0; i < 1000; i++) /* of one length they would leave as one: test_udp_groups */
        assert_int_equal(udp_send(a.udp, NULL, &to, slice_of(ones, i % 100)), 0);
    assert_true(run_until(loop, all_there, &a, WAIT_MS));
    assert_int_equal(a.count, 1000);
    assert_int_equal(a.sum, 49500);
    assert_in_range(largest_batch, 32, 128);
    assert_in_range(send_calls, 1, 100);
    loop_free(loop);
}

static void a_full_socket_buffer_delays_and_then_all_goes(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a = {0}, b = {.expected = 300};
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &a), 0);
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &b), 0);
    struct address to = udp_local(b.udp);
    blocked_calls = 3;
    grant = 7;
    for (int i = 0; i < 300; i++)
        assert_int_equal(udp_send(a.udp, NULL, &to, SLICE("x")), 0);
    assert_true(run_until(loop, all_there, &b, WAIT_MS));
    assert_int_equal(udp_count(a.udp, UDP_SENT), 300);
    assert_int_equal(udp_count(a.udp, UDP_SEND_DROPPED), 0);
    assert_int_equal(blocked_calls, 0);
    loop_free(loop);
}

static void a_queue_that_is_full_drops_and_counts(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a = {0}, b = {0};
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &a), 0);
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &b), 0);
    struct address to = udp_local(b.udp);
    unsigned queued = 0;
    blocked_calls = 1;
    while (udp_send(a.udp, NULL, &to, SLICE("x")) == 0)
        queued++;
    assert_in_range(queued, 512, 4096);
    assert_int_equal(udp_send(a.udp, NULL, &to, SLICE("x")), ERR_LIMIT);
    assert_int_equal(udp_count(a.udp, UDP_SEND_DROPPED), 2);
    b.expected = queued;
    assert_true(run_until(loop, all_there, &b, WAIT_MS));
    assert_int_equal(udp_send(a.udp, NULL, &to, SLICE("x")), 0);
    loop_free(loop);
}

static void what_the_system_drops_is_counted(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a = {0};
    struct udp_options options = {.local = address_of("127.0.0.1:0"),
                                  .receive_buffer = 8192,
                                  .on_datagram = on_datagram,
                                  .user = &a};
    assert_int_equal(udp_open(loop, &options, &a.udp), 0);
    struct address to = udp_local(a.udp), from;
    int fd = peer_udp(&from);
    static char data[1000];
    assert_int_equal(udp_count(a.udp, UDP_RECEIVE_DROPPED), 0);
    for (int i = 0; i < 200; i++)
        assert_int_equal(sendto(fd, data, sizeof(data), 0, &to.sa, address_length(&to)), 1000);
    run_for(loop, 20);
    assert_in_range(a.count, 1, 199);
    assert_int_equal(a.count + udp_count(a.udp, UDP_RECEIVE_DROPPED), 200);
    close(fd);
    loop_free(loop);
}

/* About as many as have been sent; none while little comes. */
static void it_tells_how_many_datagrams_wait(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a = {.expected = 100};
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &a), 0);
    struct address to = udp_local(a.udp), from;
    int fd = peer_udp(&from);
    static char data[1400];
    for (unsigned i = 0; i < a.expected; i++)
        (void)!sendto(fd, data, sizeof(data), 0, &to.sa, address_length(&to));
    unsigned fresh, room = 0;
    assert_int_equal(udp_waiting(a.udp, &fresh, &room), 0);
    assert_int_equal(fresh, 0);
    assert_true(run_until(loop, all_there, &a, WAIT_MS));
    for (int i = 0; i < 1000; i++)
        (void)!sendto(fd, data, sizeof(data), 0, &to.sa, address_length(&to));
    assert_in_range(udp_waiting(a.udp, &fresh, &room), 500, 2000);
    assert_in_range(room, 1000, 10000);
    assert_int_equal(fresh, 100);
    assert_int_equal(udp_waiting(a.udp, &fresh, &room), 0);
    assert_int_equal(fresh, 0);
    close(fd);
    loop_free(loop);
}

static void an_unreachable_address_fails_alone_and_is_remembered(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a = {0}, b = {.expected = 2};
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &a), 0);
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &b), 0);
    struct address good = udp_local(b.udp);
    struct address bad = address_of("255.255.255.255:5060"); /* needs SO_BROADCAST */
    assert_int_equal(udp_send(a.udp, NULL, &good, SLICE("1")), 0);
    assert_int_equal(udp_send(a.udp, NULL, &bad, SLICE("2")), 0);
    assert_int_equal(udp_send(a.udp, NULL, &good, SLICE("3")), 0);
    assert_true(run_until(loop, all_there, &b, WAIT_MS));
    assert_int_equal(udp_count(a.udp, UDP_SEND_ERRORS), 1);
    assert_int_equal(udp_count(a.udp, UDP_SENT), 2);
    assert_int_equal(udp_send(a.udp, NULL, &bad, SLICE("4")), ERR_UNREACHABLE);
    assert_int_equal(udp_send(a.udp, NULL, &good, SLICE("5")), 0);
    run_for(loop, 1100);
    assert_int_equal(udp_send(a.udp, NULL, &bad, SLICE("6")), 0);
    loop_free(loop);
}

static void an_address_in_use_is_an_error_even_between_our_own(void **state)
{
    (void)state;
    struct loop *loop = new_loop(), *other = new_loop();
    struct node a = {0}, b = {0};
    char text[ADDRESS_TEXT_MAX];
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &a), 0);
    struct address local = udp_local(a.udp);
    address_text(&local, text);
    assert_int_equal(open_node(other, text, false, &b), ERR_EXISTS);
    udp_close(a.udp);
    assert_int_equal(open_node(other, text, false, &b), 0);
    assert_int_equal(open_node(loop, "192.0.2.77:0", false, &a), ERR_NOT_FOUND);
    loop_free(loop);
    loop_free(other);
}

static void a_socket_may_close_itself_amid_a_batch(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a = {0}, b = {.expected = 1, .close = true};
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &a), 0);
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &b), 0);
    struct address to = udp_local(b.udp);
    for (int i = 0; i < 10; i++)
        assert_int_equal(udp_send(a.udp, NULL, &to, SLICE("x")), 0);
    assert_true(run_until(loop, all_there, &b, WAIT_MS));
    run_for(loop, 5);
    assert_int_equal(b.count, 1);
    udp_close(NULL);
    loop_free(loop);
}

static void closing_sends_what_is_queued(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a = {0}, b = {.expected = 1};
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &a), 0);
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &b), 0);
    struct address to = udp_local(b.udp);
    assert_int_equal(udp_send(a.udp, NULL, &to, SLICE("bye")), 0);
    udp_close(a.udp);
    assert_true(run_until(loop, all_there, &b, WAIT_MS));
    loop_free(loop);
}

static void the_source_address_is_the_systems_choice(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct address remote = address_of("127.0.0.1:5060"), local;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(loop_source_address(loop, &remote, &local), 0);
        assert_true(address_equal_host(&local, &remote));
        assert_int_equal(address_port(&local), 0);
    }
    remote = address_of("[::1]:0");
    assert_int_equal(loop_source_address(loop, &remote, &local), 0);
    assert_true(address_equal_host(&local, &remote));
    loop_free(loop);
}

static void a_socket_wakes_for_nothing_once_idle(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct node a = {0};
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &a), 0);
    struct address to = udp_local(a.udp);
    blocked_calls = 1;
    assert_int_equal(udp_send(a.udp, NULL, &to, SLICE("x")), 0);
    run_for(loop, 50);
    unsigned calls = send_calls;
    run_for(loop, 50);
    assert_int_equal(a.count, 1);
    assert_int_equal(send_calls, calls);
    assert_in_range(calls, 2, 3);
    loop_free(loop);
}

/* ---- many datagrams in each turn ---- */

struct storm {
    struct node node;
    int fd;
    struct address to;
    unsigned turns, sent, answers;
    bool unwatched; /* now or before */
};

static void send_more(struct storm *storm, unsigned count)
{
    const struct address *to = &storm->to;
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(sendto(storm->fd, "x", 1, 0, &to->sa, address_length(to)), 1);
    storm->sent += count;
}

static void open_storm(struct loop *loop, unsigned turns, struct storm *storm)
{
    struct address from;
    *storm = (struct storm){.turns = turns, .node.echo = true};
    assert_int_equal(open_node(loop, "127.0.0.1:0", false, &storm->node), 0);
    storm->to = udp_local(storm->node.udp);
    storm->fd = peer_udp(&from);
    send_more(storm, 1);
}

/* Ten more in each turn; then until all are answered. */
static bool storm_is_over(void *user)
{
    struct storm *storm = user;
    char byte;
    while (recv(storm->fd, &byte, 1, 0) == 1)
        storm->answers++;
    storm->unwatched |= storm->node.udp->unwatched;
    if (storm->turns == 0)
        return storm->answers == storm->sent;
    storm->turns--;
    send_more(storm, 10);
    return false;
}

static void end_storm(struct loop *loop, struct storm *storm)
{
    assert_int_equal(storm->node.count, storm->sent);
    close(storm->fd);
    loop_free(loop);
}

/* Nobody waits for a socket of which each turn finds many datagrams; afterwards it wakes again. */
static void a_busy_socket_is_looked_at_without_waiting(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct storm storm;
    open_storm(loop, 20, &storm);
    assert_true(run_until(loop, storm_is_over, &storm, WAIT_MS));
    assert_true(storm.unwatched);
    run_for(loop, 20);
    assert_false(storm.node.udp->unwatched);
    assert_true(list_empty(&storm.node.udp->ready)); /* so the loop sleeps */
    send_more(&storm, 1);
    assert_true(run_until(loop, storm_is_over, &storm, WAIT_MS));
    end_storm(loop, &storm);
}

static void a_busy_socket_that_is_full_waits_for_room(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct storm storm;
    open_storm(loop, 20, &storm);
    assert_true(run_until(loop, storm_is_over, &storm, WAIT_MS));
    blocked_calls = 3;
    storm.turns = 20;
    send_more(&storm, 1);
    assert_true(run_until(loop, storm_is_over, &storm, WAIT_MS));
    assert_int_equal(blocked_calls, 0);
    end_storm(loop, &storm);
}

static bool is_unwatched(void *user)
{
    struct storm *storm = user;
    (void)storm_is_over(storm);
    return storm->unwatched;
}

static void a_busy_socket_may_close(void **state)
{
    (void)state;
    struct loop *loop = new_loop();
    struct storm storm;
    open_storm(loop, 20, &storm);
    assert_true(run_until(loop, is_unwatched, &storm, WAIT_MS));
    send_more(&storm, 10);
    unsigned count = storm.node.count;
    storm.node.close = true; /* within the batch */
    run_for(loop, 5);
    assert_int_equal(storm.node.count, count + 1);
    close(storm.fd);
    open_storm(loop, 20, &storm);
    assert_true(run_until(loop, is_unwatched, &storm, WAIT_MS));
    udp_close(storm.node.udp);
    run_for(loop, 5);
    close(storm.fd);
    loop_free(loop);
}

int main(void)
{
#define UDP_TEST(name) cmocka_unit_test_setup(name, reset_wrap)
    const struct CMUnitTest tests[] = {
        UDP_TEST(a_bound_socket_answers_from_its_address),
        UDP_TEST(a_wildcard_socket_answers_from_the_address_it_was_asked_at),
        UDP_TEST(ipv6_works_bound_and_wildcard),
        UDP_TEST(an_ipv6_wildcard_socket_shows_ipv4_as_ipv4),
        UDP_TEST(an_ipv6_only_socket_leaves_ipv4_alone),
        UDP_TEST(the_largest_datagram_fits_and_a_larger_one_is_refused),
        UDP_TEST(empty_datagrams_pass),
        UDP_TEST(many_datagrams_go_out_in_batches),
        UDP_TEST(a_full_socket_buffer_delays_and_then_all_goes),
        UDP_TEST(a_queue_that_is_full_drops_and_counts),
        UDP_TEST(what_the_system_drops_is_counted),
        UDP_TEST(it_tells_how_many_datagrams_wait),
        UDP_TEST(an_unreachable_address_fails_alone_and_is_remembered),
        UDP_TEST(an_address_in_use_is_an_error_even_between_our_own),
        UDP_TEST(a_socket_may_close_itself_amid_a_batch),
        UDP_TEST(closing_sends_what_is_queued),
        UDP_TEST(the_source_address_is_the_systems_choice),
        UDP_TEST(a_socket_wakes_for_nothing_once_idle),
        UDP_TEST(a_busy_socket_is_looked_at_without_waiting),
        UDP_TEST(a_busy_socket_that_is_full_waits_for_room),
        UDP_TEST(a_busy_socket_may_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
