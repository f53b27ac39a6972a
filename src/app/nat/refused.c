#include "app/nat/refused.h"

#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "stun/probe.h"

#define PAUSE_MS 200u

static bool is_port_unreachable(const struct sock_extended_err *e, bool v6)
{
    return v6 ? e->ee_origin == SO_EE_ORIGIN_ICMP6 && e->ee_type == ICMP6_DST_UNREACH &&
                    e->ee_code == ICMP6_DST_UNREACH_NOPORT
              : e->ee_origin == SO_EE_ORIGIN_ICMP && e->ee_type == ICMP_DEST_UNREACH &&
                    e->ee_code == ICMP_PORT_UNREACH;
}

/* Behind the error lies the address of who sent it (ip(7), IP_RECVERR). */
static bool says_refused(const struct cmsghdr *c, const struct address *server)
{
    struct {
        struct sock_extended_err error;
        struct sockaddr_in6 offender; /* the longer one of both families */
    } told = {0};
    struct address offender = {0};
    size_t length = c->cmsg_len - CMSG_LEN(0);
    memcpy(&told, CMSG_DATA(c), length < sizeof told ? length : sizeof told);
    memcpy(&offender, &told.offender, sizeof told.offender);
    return is_port_unreachable(&told.error, address_is_v6(server)) &&
           offender.sa.sa_family == server->sa.sa_family && address_equal_host(&offender, server);
}

static bool read_errors(int fd, const struct address *server)
{
    bool refused = false;
    for (;;) {
        char payload[1];
        union {
            struct cmsghdr align;
            char bytes[256];
        } control;
        struct iovec part = {.iov_base = payload, .iov_len = sizeof payload};
        struct msghdr m = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
        if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return refused;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
            bool error = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                         (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
            refused = refused || (error && says_refused(c, server));
        }
    }
}

static int open_socket(const struct address *server)
{
    int on = 1;
    bool v6 = address_is_v6(server);
    int fd = socket(server->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on,
                   sizeof on) == 0 &&
        connect(fd, &server->sa, address_length(server)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

bool nat_is_refused(const struct address *server, unsigned wait_ms, struct random *random)
{
    struct stun_probe probe = {.change = 0};
    uint64_t id[2] = {random_u64(random), random_u64(random)};
    char buffer[STUN_HEADER_SIZE];
    int fd = open_socket(server);
    bool refused = false;
    if (fd < 0)
        return false;
    stun_probe_id(&probe, id);
    struct slice request = stun_probe_write(&probe, buffer, sizeof buffer);
    uint64_t end_ms = clock_monotonic_us() / 1000 + wait_ms;
    while (!refused && clock_monotonic_us() / 1000 < end_ms) {
        struct pollfd waits = {.fd = fd}; /* errors are always told */
        (void)send(fd, request.ptr, request.len, MSG_NOSIGNAL);
        if (poll(&waits, 1, (int)PAUSE_MS) > 0)
            refused = read_errors(fd, server);
    }
    (void)close(fd);
    return refused;
}
