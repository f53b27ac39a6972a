#include "app/nat/socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

#define PORT_FIRST 32768u /* RFC 5780 section 4.1 */
#define PORT_TRIES 50
#define MTU_USUAL  1500

static int unreachable(int error)
{
    return error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL ||
                   error == EAFNOSUPPORT
               ? ERR_UNREACHABLE
               : ERR_IO;
}

int nat_socket_source(const struct address *remote, struct address *ret_local, unsigned *ret_mtu)
{
    bool v6 = address_is_v6(remote);
    struct address local;
    socklen_t length = sizeof local;
    int mtu = MTU_USUAL, status = 0;
    socklen_t mtu_length = sizeof mtu;
    memset(&local, 0, sizeof local);
    int fd = socket(remote->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return unreachable(errno);
    if (connect(fd, &remote->sa, address_length(remote)) < 0 ||
        getsockname(fd, &local.sa, &length) < 0)
        status = unreachable(errno);
    else if (getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu,
                        &mtu_length) < 0)
        mtu = MTU_USUAL;
    (void)close(fd);
    if (status < 0)
        return status;
    address_set_port(&local, 0);
    *ret_local = local;
    *ret_mtu = (unsigned)mtu;
    return 0;
}

/* Without path MTU discovery the system cuts what is too large (RFC 5780 section 3.5). */
static void allow_fragments(int fd, bool v6)
{
    int off = v6 ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_DONT;
    (void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
                     &off, sizeof off);
}

int nat_socket_open(const struct address *local, struct random *random, int *ret_fd,
                    struct address *ret_local)
{
    struct address at = *local;
    int fd = socket(local->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ERR_IO;
    for (int i = 0; i < PORT_TRIES; i++) {
        address_set_port(&at, (uint16_t)(PORT_FIRST + random_below(random, PORT_FIRST)));
        if (bind(fd, &at.sa, address_length(&at)) == 0) {
            allow_fragments(fd, address_is_v6(local));
            *ret_fd = fd;
            *ret_local = at;
            return 0;
        }
        if (errno != EADDRINUSE && errno != EACCES)
            break;
    }
    (void)close(fd);
    return ERR_IO;
}
