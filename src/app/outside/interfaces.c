#include "app/outside/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>

static bool read_sockaddr(const struct sockaddr *sa, struct address *ret)
{
    *ret = (struct address){0};
    if (sa == NULL)
        return false;
    if (sa->sa_family == AF_INET)
        memcpy(&ret->in4, sa, sizeof ret->in4);
    else if (sa->sa_family == AF_INET6)
        memcpy(&ret->in6, sa, sizeof ret->in6);
    else
        return false;
    address_set_port(ret, 0);
    return true;
}

static uint8_t count_bits(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    unsigned count = 0;
    for (size_t i = 0; i < size; i++)
        count += (unsigned)__builtin_popcount(at[i]);
    return (uint8_t)count;
}

static uint8_t length_of(const struct sockaddr *mask)
{
    struct address address;
    if (!read_sockaddr(mask, &address))
        return 128;
    return address_is_v6(&address)
               ? count_bits(&address.in6.sin6_addr, sizeof address.in6.sin6_addr)
               : count_bits(&address.in4.sin_addr, sizeof address.in4.sin_addr);
}

unsigned interfaces_read(struct interface_address *ret, unsigned max)
{
    struct ifaddrs *interfaces;
    unsigned count = 0;
    if (getifaddrs(&interfaces) < 0)
        return 0;
    for (const struct ifaddrs *i = interfaces; i != NULL && count < max; i = i->ifa_next) {
        if ((i->ifa_flags & IFF_UP) == 0 || !read_sockaddr(i->ifa_addr, &ret[count].address))
            continue;
        ret[count].loopback = (i->ifa_flags & IFF_LOOPBACK) != 0;
        ret[count].length = length_of(i->ifa_netmask);
        count++;
    }
    freeifaddrs(interfaces);
    return count;
}

bool interfaces_have(const struct address *address)
{
    struct interface_address all[INTERFACES_MAX];
    unsigned count = interfaces_read(all, INTERFACES_MAX);
    for (unsigned i = 0; i < count; i++) {
        if (address_equal_host(&all[i].address, address))
            return true;
    }
    return false;
}

unsigned interfaces_private(struct network *ret, unsigned max)
{
    struct interface_address all[INTERFACES_MAX];
    unsigned count = interfaces_read(all, INTERFACES_MAX), kept = 0;
    for (unsigned i = 0; i < count && kept < max; i++) {
        if (!all[i].loopback && address_is_private(&all[i].address))
            ret[kept++] = network_of(&all[i].address, all[i].length);
    }
    return kept;
}
