/* Does the NAT or firewall let strangers reach the SIP port? A STUN server with two addresses
 * (RFC 5780) is asked from that very port to answer from its other address. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config/compound.h"
#include "app/doctor/doctor.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "stun/binding.h"
#include "stun/write.h"

#define STUN_PORT 3478
#define WAIT_MS   2000
#define RESEND_MS 500

struct test {
    struct address local;  /* of the listener */
    struct address server; /* STUN */
    uid_t owner;           /* of the running server, else us */
    struct address mapped, other;
    bool has_other;
    uint8_t id[STUN_ID_SIZE];
    char buf[1500]; /* of the answer */
};

/* The system lets sockets of one user only be on a port; root can be that one. */
static int make_socket(int family, uid_t owner)
{
    bool become = geteuid() == 0 && owner != 0 && seteuid(owner) == 0;
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (become && seteuid(0) < 0) /* never: we came from there */
        abort();
    return fd;
}

/* A socket on the listener's port that gets only what comes from peer. Beside the server's own
 * sockets the system lets one of the same user be, and once it is connected it takes nothing of
 * theirs. Negative errno. */
static int open_socket(const struct test *test, const struct address *peer)
{
    const struct address *local = &test->local;
    int on = 1;
    int fd = make_socket(local->sa.sa_family, test->owner);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (address_is_v6(local))
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, &local->sa, address_length(local)) < 0 ||
        connect(fd, &peer->sa, address_length(peer)) < 0) {
        int error = errno;
        (void)close(fd);
        return -error;
    }
    return fd;
}

/* Asks along out until an answer comes along in. */
static int ask(struct test *test, int out, int in, uint32_t change, struct stun_message *ret)
{
    static const uint8_t cookie[] = {0x21, 0x12, 0xa4, 0x42};
    char request[128];
    struct stun_writer w;
    if (random_secret(test->id, sizeof test->id) < 0)
        return ERR_IO;
    memcpy(test->id, cookie, sizeof cookie);
    stun_write_begin(&w, request, sizeof request, stun_type(STUN_REQUEST, STUN_BINDING), test->id);
    if (change != 0)
        stun_write_u32(&w, STUN_CHANGE_REQUEST, change);
    struct slice bytes = stun_write_end(&w);
    uint64_t until_us = clock_monotonic_us() + WAIT_MS * 1000u;
    while (clock_monotonic_us() < until_us) {
        struct pollfd fd = {.fd = in, .events = POLLIN};
        (void)send(out, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (poll(&fd, 1, RESEND_MS) <= 0)
            continue;
        ssize_t len = recv(in, test->buf, sizeof test->buf, 0);
        if (len > 0 && stun_parse(slice_of(test->buf, (size_t)len), ret) == 0 &&
            memcmp(stun_id(ret), test->id, STUN_ID_SIZE) == 0)
            return ret->class == STUN_SUCCESS ? 0 : ERR_UNSUPPORTED;
    }
    return ERR_TIMEOUT;
}

static int find_mapping(struct test *test, int fd)
{
    struct stun_message message;
    int status = ask(test, fd, fd, 0, &message);
    if (status < 0)
        return status;
    if (stun_get_address(&message, STUN_XOR_MAPPED_ADDRESS, &test->mapped) < 0 &&
        stun_get_address(&message, STUN_MAPPED_ADDRESS, &test->mapped) < 0)
        return ERR_INVALID;
    test->has_other = stun_get_address(&message, STUN_OTHER_ADDRESS, &test->other) == 0;
    return 0;
}

static int find_filter(struct test *test, int fd)
{
    struct stun_message message;
    int other = open_socket(test, &test->other);
    if (other < 0)
        return ERR_IO;
    int status = ask(test, fd, other, STUN_CHANGE_IP | STUN_CHANGE_PORT, &message);
    (void)close(other);
    return status;
}

static void say_filter(struct doctor *doctor, struct test *test, int fd, const char *text)
{
    unsigned port = address_port(&test->local);
    if (!test->has_other) {
        doctor_say(doctor, DOCTOR_NOTE,
                   "%s: whether strangers reach it cannot be tested: the STUN server has one "
                   "address (RFC 5780 needs two)",
                   text);
        doctor_advise(doctor,
                      "--set outside.stun=ANOTHER-SERVER, or from another network: sipsak -s "
                      "sip:%s",
                      text + sizeof "udp:" - 1);
        return;
    }
    if (find_filter(test, fd) == 0) {
        doctor_say(doctor, DOCTOR_OK, "%s: who has never been written to reaches UDP port %u", text,
                   port);
        return;
    }
    doctor_say(doctor, DOCTOR_FAILED,
               "%s: what strangers send to UDP port %u does not arrive: a NAT or firewall holds it",
               text, port);
    doctor_advise(doctor,
                  "forward UDP and TCP port %u of the router (cloud: security group) to this "
                  "machine",
                  port);
    doctor_advise(doctor, "sudo nft add rule inet filter input udp dport %u accept", port);
}

static void run_test(struct doctor *doctor, struct test *test)
{
    char text[ADDRESS_TEXT_MAX + 8] = "udp:", error[128];
    int fd = open_socket(test, &test->server);
    if (fd < 0) {
        doctor_say(doctor, DOCTOR_NOTE, "UDP port %u cannot be used for the test: %s",
                   address_port(&test->local), strerror_r(-fd, error, sizeof error));
        doctor_advise(doctor, "run the doctor as the user of the server");
        return;
    }
    int status = find_mapping(test, fd);
    if (status < 0) {
        doctor_say(doctor, DOCTOR_FAILED, "the STUN server does not answer UDP port %u",
                   address_port(&test->local));
        doctor_advise(doctor, "let UDP from port %u out, and answers in",
                      address_port(&test->local));
    } else if (address_port(&test->mapped) != address_port(&test->local)) {
        doctor_say(doctor, DOCTOR_FAILED, "the NAT makes port %u of our UDP port %u",
                   address_port(&test->mapped), address_port(&test->local));
        doctor_advise(doctor, "forward UDP port %u of the router to the same port of this machine",
                      address_port(&test->local));
    } else {
        (void)address_text(&test->mapped, text + 4);
        say_filter(doctor, test, fd, text);
    }
    (void)close(fd);
}

/* The first STUN server that has an address of the family. */
static bool find_server(struct doctor *doctor, bool v6, struct address *ret)
{
    const struct config_strings *servers = &doctor->config->outside_stun;
    for (unsigned i = 0; i < servers->count; i++) {
        struct slice host;
        uint16_t port;
        if (config_host_port(servers->items[i], &host, &port) < 0 ||
            doctor_ask_address(doctor, host, v6, ret) < 0)
            continue;
        address_set_port(ret, port != 0 ? port : STUN_PORT);
        return true;
    }
    return false;
}

static uid_t find_owner(const struct doctor *doctor)
{
    char path[64];
    struct stat info;
    (void)snprintf(path, sizeof path, "/proc/%ld", doctor->pid);
    return doctor->pid != 0 && stat(path, &info) == 0 ? info.st_uid : geteuid();
}

static void say_streams(struct doctor *doctor)
{
    const struct app_config *config = doctor->config;
    for (unsigned i = 0; i < config->listen.count; i++) {
        const struct endpoint_listener *listener = &config->listen.items[i];
        struct address there = doctor->outside.hosts[OUTSIDE_V4].address;
        char text[ADDRESS_TEXT_MAX];
        if (listener->transport != TRANSPORT_TCP || address_is_v6(&listener->local) ||
            doctor->outside.hosts[OUTSIDE_V4].source == OUTSIDE_INTERFACES)
            continue;
        struct writer w;
        writer_init(&w, text, sizeof text - 1);
        address_write_host(&w, &there, false);
        *w.at = '\0';
        doctor_say(doctor, DOCTOR_NOTE, "connections (TCP, TLS) cannot be tested from inside");
        doctor_advise(doctor, "from another network: nc -vz %s %u", text,
                      address_port(&listener->local));
        return;
    }
}

void doctor_inbound(struct doctor *doctor)
{
    const struct app_config *config = doctor->config;
    bool done[2] = {false};
    unsigned tests = 0;
    if (doctor->outside.failed[OUTSIDE_V4] && config->outside_addresses.count == 0) {
        doctor_say(doctor, DOCTOR_FAILED, "not tested: no STUN server answers");
        doctor_advise(doctor, "let UDP out, and answers in; is outside.stun right?");
        return;
    }
    for (unsigned i = 0; i < config->listen.count; i++) {
        const struct endpoint_listener *listener = &config->listen.items[i];
        bool v6 = address_is_v6(&listener->local);
        struct test test = {.local = listener->local, .owner = find_owner(doctor)};
        if (listener->transport != TRANSPORT_UDP || done[v6] ||
            address_is_loopback(&listener->local) || address_port(&listener->local) == 0 ||
            !find_server(doctor, v6, &test.server))
            continue;
        done[v6] = true;
        tests++;
        run_test(doctor, &test);
    }
    if (tests > 0) {
        say_streams(doctor);
        return;
    }
    doctor_say(doctor, DOCTOR_NOTE,
               "not tested: nobody outside is known who could write to this machine");
    doctor_advise(doctor, "--set outside.stun=STUN-SERVER with two addresses (RFC 5780)");
}
