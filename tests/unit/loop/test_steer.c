/* The filter that the system runs names the same worker as steer_worker. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/steer.h"
#include <cmocka.h>

#define WORKERS 5u

struct group {
    int sockets[WORKERS];
    int sender;
};

static int bound(struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    int on = 1;
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
    socklen_t length = sizeof(*at);
    assert_int_equal(getsockname(fd, (struct sockaddr *)at, &length), 0);
    return fd;
}

static int open_group(void **state)
{
    static struct group group;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (unsigned i = 0; i < WORKERS; i++)
        group.sockets[i] = bound(&at);
    assert_int_equal(steer_attach(group.sockets[WORKERS - 1], "Call-ID:", WORKERS), 0);
    group.sender = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(connect(group.sender, (struct sockaddr *)&at, sizeof(at)), 0);
    *state = &group;
    return 0;
}

static int close_group(void **state)
{
    struct group *group = *state;
    for (unsigned i = 0; i < WORKERS; i++)
        close(group->sockets[i]);
    close(group->sender);
    return 0;
}

/* Who got it; on loopback it has arrived when send returns. */
static unsigned receiver(const struct group *group, const char *datagram)
{
    char buffer[4096];
    unsigned who = WORKERS;
    assert_true(send(group->sender, datagram, strlen(datagram), 0) > 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        if (recv(group->sockets[i], buffer, sizeof(buffer), 0) > 0) {
            assert_int_equal(who, WORKERS);
            who = i;
        }
    }
    assert_true(who < WORKERS);
    return who;
}

#define HEAD "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define TAIL                                                                                       \
    "\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.1>\r\nMax-Forwards: 70\r\nContent-Length: " \
    "0\r\n\r\n"

static void test_every_text_goes_to_its_worker(void **state)
{
    unsigned seen = 0;
    for (unsigned i = 0; i < 300; i++) {
        char text[64], datagram[512];
        snprintf(text, sizeof(text), "%.*s%u", (int)(i % 40),
                 "an-id-that-is-longer-than-what-counts-of-it", i * 7919);
        snprintf(datagram, sizeof(datagram), HEAD "Call-ID: %s" TAIL, text);
        unsigned worker = steer_worker(slice_from_string(text), WORKERS);
        assert_int_equal(receiver(*state, datagram), worker);
        seen |= 1u << worker;
    }
    assert_int_equal(seen, (1u << WORKERS) - 1);
}

static void test_the_mark_may_stand_anywhere(void **state)
{
    static const char text[] = "f81d4fae-7dec-11d0";
    unsigned worker = steer_worker(slice_from_string(text), WORKERS);
    for (unsigned filling = 0; filling < 1800; filling += filling < 140 ? 1 : 37) {
        char datagram[4096];
        snprintf(datagram, sizeof(datagram), HEAD "Subject: %0*d\r\nCall-ID:%s%s" TAIL,
                 (int)filling + 1, 0, filling % 2 == 0 ? " " : "", text);
        assert_int_equal(receiver(*state, datagram), worker);
    }
}

static void test_without_a_mark_addresses_decide(void **state)
{
    static const char *const datagrams[] = {
        "\r\n\r\n",
        "",
        "Call-ID:",
        "x\r\nCall-ID: 1",
        HEAD "i: f81d4fae" TAIL,
        HEAD "X-Call-ID: f81d4fae" TAIL,
        HEAD "Subject: all- of ll-I and l-ID" TAIL,
    };
    unsigned first = receiver(*state, "\r\n");
    for (unsigned i = 0; i < sizeof(datagrams) / sizeof(datagrams[0]); i++) {
        if (datagrams[i][0] != '\0')
            assert_int_equal(receiver(*state, datagrams[i]), first);
    }
}

static void test_a_text_that_is_cut_off_reaches_somebody(void **state)
{
    char datagram[512];
    snprintf(datagram, sizeof(datagram), "%s",
             HEAD "Subject: 0123456789012345678901234567\r\nCall-ID: 1");
    for (size_t length = strlen(datagram); length > 1; length--) {
        datagram[length] = '\0';
        assert_true(receiver(*state, datagram) < WORKERS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_text_goes_to_its_worker),
        cmocka_unit_test(test_the_mark_may_stand_anywhere),
        cmocka_unit_test(test_without_a_mark_addresses_decide),
        cmocka_unit_test(test_a_text_that_is_cut_off_reaches_somebody),
    };
    return cmocka_run_group_tests(tests, open_group, close_group);
}
