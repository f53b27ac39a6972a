/* Queueing: datagrams are copied into groups that go out at the end of the turn. */
#include <assert.h>

#include "base/error.h"
#include "loop/pages.h"
#include "loop/udp_output.h"

static_assert(UDP_QUEUE_DATAGRAMS < UINT16_MAX, "places of datagrams and groups fit");

int udp_output_new(struct udp_output **ret_output)
{
    struct udp_output *output = pages_map(sizeof(*output));
    if (output == NULL)
        return ERR_NO_MEMORY;
    *ret_output = output;
    return 0;
}

void udp_output_free(struct udp_output *output)
{
    pages_unmap(output, sizeof(*output));
}

void loop_order(struct loop *loop, uint64_t order)
{
    loop->udp_order = order;
}

/* ---- addresses ---- */

static void map_to_v6(const struct address *a, struct in6_addr *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->s6_addr[10] = ret->s6_addr[11] = 0xff;
    memcpy(ret->s6_addr + 12, &a->in4.sin_addr, 4);
}

/* In the form that the socket takes; ERR_UNREACHABLE for an address of the other family. */
static int remote_for(const struct udp *udp, const struct address *remote, struct address *ret)
{
    bool v6 = address_is_v6(remote);
    if (v6 == udp->v6) {
        *ret = *remote;
    } else if (udp->dual && !v6) {
        memset(ret, 0, sizeof(*ret));
        ret->in6.sin6_family = AF_INET6;
        ret->in6.sin6_port = remote->in4.sin_port;
        map_to_v6(remote, &ret->in6.sin6_addr);
    } else {
        return ERR_UNREACHABLE;
    }
    return 0;
}

static uint16_t set_control(union udp_send_control *control, int level, int type, const void *info,
                            size_t length)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)control->bytes;
    memset(control->bytes, 0, sizeof(control->bytes));
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(c), info, length);
    return (uint16_t)CMSG_SPACE(length);
}

/* The source address; left to the system where local is no address to send from. Its length. */
static uint16_t set_local(const struct udp *udp, const struct address *local,
                          union udp_send_control *control)
{
    if (!udp->wildcard || local == NULL || address_is_wildcard(local) ||
        address_is_multicast_or_broadcast(local))
        return 0;
    if (!udp->v6) {
        if (address_is_v6(local))
            return 0;
        struct in_pktinfo info = {.ipi_spec_dst = local->in4.sin_addr};
        return set_control(control, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    }
    struct in6_pktinfo info = {.ipi6_ifindex = 0};
    if (address_is_v6(local))
        info.ipi6_addr = local->in6.sin6_addr;
    else
        map_to_v6(local, &info.ipi6_addr);
    if (address_is_v6(local) && IN6_IS_ADDR_LINKLOCAL(&local->in6.sin6_addr))
        info.ipi6_ifindex = local->in6.sin6_scope_id;
    return set_control(control, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

/* ---- groups ---- */

/* Only spreads: who picks addresses or Call-IDs to make them meet gets smaller groups. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b << 29 | b >> 35)) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static uint64_t spread_address(const struct address *a)
{
    uint64_t host = a->in4.sin_addr.s_addr;
    if (address_is_v6(a))
        memcpy(&host, a->in6.sin6_addr.s6_addr + 8, sizeof(host));
    return mix(host, a->in4.sin_port);
}

static bool fits(const struct udp_output *out, const struct udp_group *group, size_t size,
                 const struct udp_group *like)
{
    size_t place = (size_t)(group - out->groups);
    return place >= out->sent && place < out->group_count && group->size == size &&
           !group->separate && group->count < UDP_GROUP_LIMIT &&
           (group->count + 1u) * size <= UDP_PAYLOAD_MAX &&
           group->control_length == like->control_length &&
           address_equal(&group->remote, &like->remote) &&
           memcmp(&group->control, &like->control, like->control_length) == 0;
}

/* The group that the next datagram joins, begun if there is none: *like says where it goes. */
static struct udp_group *group_for(struct udp *udp, size_t size, const struct udp_group *like)
{
    struct udp_output *out = udp->output;
    struct udp_group *fresh = &out->groups[out->group_count];
    uint64_t to = spread_address(&like->remote);
    uint16_t *order = &out->orders[mix(to, udp->loop->udp_order) % UDP_ORDERS];
    bool may_join = size > 0 && size <= UDP_SEGMENT_LIMIT && !udp->loop->udp_captured &&
                    udp->loop->now_ms >= udp->separate_until_ms;
    uint16_t *open = &out->open[mix(to, size) % UDP_OPEN_GROUPS];
    if (may_join && *open + 1u >= *order && fits(out, &out->groups[*open], size, like)) {
        *order = (uint16_t)(*open + 1);
        return &out->groups[*open];
    }
    *fresh = *like;
    fresh->size = may_join ? (uint16_t)size : 0;
    if (may_join)
        *open = (uint16_t)out->group_count;
    *order = (uint16_t)++out->group_count;
    return fresh;
}

static bool has_room(const struct udp_output *out, size_t size)
{
    return out->count < UDP_QUEUE_DATAGRAMS && size <= UDP_QUEUE_BYTES - out->used;
}

static void append(struct udp_output *out, struct udp_group *group, struct slice data)
{
    uint16_t place = (uint16_t)out->count++;
    char *bytes = out->bytes + out->used;
    if (data.len > 0)
        memcpy(bytes, data.ptr, data.len);
    out->used += data.len;
    out->datagrams[place].part = (struct iovec){.iov_base = bytes, .iov_len = data.len};
    if (group->count++ == 0)
        group->first = place;
    else
        out->datagrams[group->last].next = place;
    group->last = place;
}

int udp_send(struct udp *udp, const struct address *local, const struct address *remote,
             struct slice data)
{
    struct udp_output *out = udp->output;
    if (data.len > UDP_PAYLOAD_MAX || udp->closed)
        return ERR_LIMIT;
    if (!udp->blocked && (out->count >= UDP_QUEUE_TURN || !has_room(out, data.len)))
        udp_flush(udp);
    if (!has_room(out, data.len)) {
        udp->counts[UDP_SEND_DROPPED]++;
        return ERR_LIMIT;
    }
    struct udp_group like;
    int err = remote_for(udp, remote, &like.remote);
    if (err == 0 && udp->failures > 0 && udp_failed_lately(udp, &like.remote))
        err = ERR_UNREACHABLE;
    if (err != 0)
        return err;
    like.control_length = set_local(udp, local, &like.control);
    like.count = 0;
    like.separate = false;
    append(out, group_for(udp, data.len, &like), data);
    if (list_empty(&udp->dirty))
        list_append(&udp->loop->udp_dirty, &udp->dirty);
    return 0;
}
