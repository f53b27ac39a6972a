#include "loop/sift.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/address.h"

#define MARK "gHjKmNpQrSt"

static int receiver, sender;

static int open_sockets(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(at);
    receiver = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sender = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(receiver, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(receiver, (struct sockaddr *)&at, &length), 0);
    assert_int_equal(connect(sender, (struct sockaddr *)&at, sizeof(at)), 0);
    return 0;
}

static int close_sockets(void **state)
{
    (void)state;
    close(receiver);
    close(sender);
    return 0;
}

static void attach(uint32_t share)
{
    struct sift sift = {.marked = "ACK ", .mark = MARK, .thinned = "INVI", .share = share};
    assert_int_equal(sift_attach(receiver, &sift), 0);
}

/* Loopback delivers within the call. */
static bool comes(const char *text, size_t length)
{
    char buffer[2048];
    assert_int_equal(send(sender, text, length, 0), (ssize_t)length);
    ssize_t got = recv(receiver, buffer, sizeof(buffer), 0);
    if (got >= 0)
        assert_int_equal(got, (ssize_t)length);
    return got >= 0;
}

static bool text_comes(const char *text)
{
    return comes(text, strlen(text));
}

static void put(char *to, const char *text)
{
    while (*text != '\0')
        *to++ = *text++;
}

/* start, then text from a place on; it is padded to length. */
static bool comes_with(const char *start, const char *text, size_t at, size_t length)
{
    char datagram[2048];
    memset(datagram, 'x', sizeof(datagram));
    put(datagram, start);
    put(datagram + at, text);
    return comes(datagram, length);
}

static void what_has_the_mark_is_dropped_wherever_it_is(void **state)
{
    (void)state;
    attach(0);
    for (size_t at = 36; at + 80 < SIFT_REACH; at++)
        assert_false(comes_with("ACK sip:", MARK, at, 700));
    assert_false(comes_with("ACK sip:", MARK, 200, 280));
}

static void what_has_it_not_or_begins_otherwise_is_taken(void **state)
{
    (void)state;
    attach(0);
    for (size_t length = 12; length < 700; length++)
        assert_true(comes_with("ACK sip:", "", 100, length));
    for (size_t at = 36; at < 60; at++) {
        assert_true(comes_with("ACK sip:", "gHjKmNp", at, 400));
        assert_true(comes_with("ACK sip:", "xHjKmNpQxSt", at, 400));
        assert_true(comes_with("BYE sip:", MARK, at, 400));
        assert_true(comes_with("INVITE sip:", MARK, at, 400));
    }
    assert_true(comes_with("ACK sip:", MARK, 1000, 1200));
}

/* Keep-alives are shorter than what is looked for. */
static void short_datagrams_are_taken(void **state)
{
    (void)state;
    attach(SIFT_ALL);
    assert_true(comes("", 0));
    assert_true(text_comes("\r\n"));
    assert_true(text_comes("INV"));
    assert_true(text_comes("ACK "));
    assert_false(text_comes("INVITE"));
}

static void of_the_others_a_share_is_dropped(void **state)
{
    (void)state;
    unsigned taken = 0;
    attach(SIFT_ALL / 4 * 3);
    for (unsigned i = 0; i < 4000; i++)
        taken += text_comes("INVITE sip:b@example.com SIP/2.0\r\n") ? 1 : 0;
    assert_in_range(taken, 800, 1200); /* seven standard deviations around 1,000 */
    attach(0);
    assert_true(text_comes("INVITE sip:b@example.com SIP/2.0\r\n"));
}

static void all_are_taken_again_without(void **state)
{
    (void)state;
    attach(SIFT_ALL);
    assert_false(text_comes("INVITE"));
    sift_detach(receiver);
    sift_detach(receiver);
    assert_true(text_comes("INVITE"));
    assert_true(comes_with("ACK sip:", MARK, 100, 400));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_has_the_mark_is_dropped_wherever_it_is, open_sockets,
                                        close_sockets),
        cmocka_unit_test_setup_teardown(what_has_it_not_or_begins_otherwise_is_taken, open_sockets,
                                        close_sockets),
        cmocka_unit_test_setup_teardown(short_datagrams_are_taken, open_sockets, close_sockets),
        cmocka_unit_test_setup_teardown(of_the_others_a_share_is_dropped, open_sockets,
                                        close_sockets),
        cmocka_unit_test_setup_teardown(all_are_taken_again_without, open_sockets, close_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
