#include "loop/port_private.h"

#include <errno.h>
#include <ifaddrs.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/bind.h"

#define EVENTS_PER_TURN 256
#define AHEAD           2   /* ports */
#define USER_BYTES      384 /* of what a port's user is, that are fetched ahead */

/* ---- Addresses that are bound ---- */

static int set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : bind_error(errno);
}

/* RFC 8656 section 14: DF is clear unless the client asks for it. ICMP errors are told. */
static int set_up(int fd, bool v6)
{
    if (!v6) {
        int status = set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
        return status < 0 ? status : set_option(fd, IPPROTO_IP, IP_RECVERR, 1);
    }
    int status = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return status < 0 ? status : set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

int port_hold(struct loop *loop, const struct address *local, struct port_hold **ret_hold)
{
    (void)loop;
    struct port_hold *hold = memory_alloc(sizeof *hold);
    if (hold == NULL)
        return ERR_NO_MEMORY;
    hold->v6 = address_is_v6(local);
    hold->fd = socket(local->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int status = hold->fd < 0 ? bind_error(errno) : set_up(hold->fd, hold->v6);
    if (status == 0 && bind(hold->fd, &local->sa, address_length(local)) != 0)
        status = bind_error(errno);
    if (status < 0) {
        port_hold_release(hold);
        return status;
    }
    *ret_hold = hold;
    return 0;
}

void port_hold_release(struct port_hold *hold)
{
    if (hold == NULL)
        return;
    if (hold->fd >= 0)
        (void)close(hold->fd);
    memory_free(hold);
}

int port_local_addresses(struct loop *loop, struct address *ret_addresses, unsigned max)
{
    struct ifaddrs *list;
    unsigned count = 0;
    (void)loop;
    if (getifaddrs(&list) != 0)
        return ERR_IO;
    for (const struct ifaddrs *i = list; i != NULL && count < max; i = i->ifa_next) {
        if (i->ifa_addr == NULL)
            continue;
        bool v4 = i->ifa_addr->sa_family == AF_INET;
        if (!v4 && i->ifa_addr->sa_family != AF_INET6)
            continue;
        struct address *a = &ret_addresses[count++];
        memset(a, 0, sizeof *a);
        memcpy(a, i->ifa_addr, v4 ? sizeof a->in4 : sizeof a->in6);
    }
    freeifaddrs(list);
    return (int)count;
}

/* ---- The set ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct ports *ports = poll->data;
    (void)status;
    (void)events;
    ports->events = true;
}

static int ports_start(struct ports *ports)
{
    int status = port_input_new(&ports->input);
    if (status < 0)
        return status;
    ports->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (ports->epoll_fd < 0)
        return bind_error(errno);
    if (uv_poll_init(&ports->loop->uv, &ports->poll, ports->epoll_fd) != 0)
        return ERR_IO;
    ports->poll.data = ports;
    if (port_output_new(&ports->output) < 0)
        ports->output = NULL;
    return uv_poll_start(&ports->poll, UV_READABLE, on_poll) == 0 ? 0 : ERR_IO;
}

/* Made with the first port: a loop that relays nothing has none. What a failed start leaves is the
 * loop's to free. */
static int ports_of(struct loop *loop, struct ports **ret_ports)
{
    if (loop->ports == NULL) {
        struct ports *ports = memory_zalloc(1, sizeof *ports);
        if (ports == NULL)
            return ERR_NO_MEMORY;
        ports->loop = loop;
        ports->epoll_fd = -1;
        list_init(&ports->all);
        list_init(&ports->closed);
        int status = ports_start(ports);
        if (status < 0) {
            if (ports->epoll_fd >= 0)
                (void)close(ports->epoll_fd);
            port_input_free(ports->input);
            port_output_free(ports->output);
            memory_free(ports);
            return status;
        }
        loop->ports = ports;
    }
    *ret_ports = loop->ports;
    return 0;
}

int port_open(struct loop *loop, struct port_hold *hold, const struct port_handler *handler,
              void *user, struct port **ret_port)
{
    struct ports *ports;
    int status = ports_of(loop, &ports);
    if (status < 0)
        return status;
    struct port *port = memory_zalloc(1, sizeof *port);
    if (port == NULL)
        return ERR_NO_MEMORY;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = port};
    if (epoll_ctl(ports->epoll_fd, EPOLL_CTL_ADD, hold->fd, &event) != 0) {
        memory_free(port);
        return bind_error(errno);
    }
    port->ports = ports;
    port->fd = hold->fd;
    port->v6 = hold->v6;
    port->handler = handler;
    port->user = user;
    list_append(&ports->all, &port->node);
    memory_free(hold);
    *ret_port = port;
    return 0;
}

/* An event of the turn under way may still name it. */
void port_close(struct port *port)
{
    if (port == NULL || port->fd < 0)
        return;
    struct ports *ports = port->ports;
    if (port->queued > 0)
        ports_flush(ports);
    (void)close(port->fd);
    port->fd = -1;
    list_remove(&port->node);
    if (ports->receiving)
        list_append(&ports->closed, &port->node);
    else
        memory_free(port);
}

static void free_closed(struct ports *ports)
{
    list_for_each_safe(node, &ports->closed)
    {
        memory_free(container_of(node, struct port, node));
    }
    list_init(&ports->closed);
}

/* ---- The loop's side ---- */

/* Thousands of ports do not stay in the caches: what the next ones need is fetched ahead. */
static void expect(const struct epoll_event *events, int next, int count)
{
    if (next < count)
        __builtin_prefetch(events[next].data.ptr);
    if (next - 1 < count) {
        const struct port *port = events[next - 1].data.ptr;
        const char *user = port->user;
        for (unsigned at = 0; at < USER_BYTES; at += 64)
            __builtin_prefetch(user + at);
    }
}

static void receive_events(struct ports *ports)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int n = epoll_wait(ports->epoll_fd, events, EVENTS_PER_TURN, 0);
    ports->events = false;
    ports->round++;
    for (int i = 0; i < n; i++) {
        struct port *port = events[i].data.ptr;
        expect(events, i + AHEAD, n);
        if ((events[i].events & EPOLLERR) != 0)
            port_take_errors(port);
        if ((events[i].events & EPOLLIN) != 0)
            port_receive(port);
    }
}

void ports_receive(struct ports *ports)
{
    if (ports == NULL || !ports->events)
        return;
    ports->receiving = true;
    receive_events(ports);
    ports->receiving = false;
    free_closed(ports);
}

void ports_close(struct ports *ports)
{
    if (ports == NULL)
        return;
    list_for_each_safe(node, &ports->all)
    {
        port_close(container_of(node, struct port, node));
    }
}

void ports_free(struct ports *ports)
{
    if (ports == NULL)
        return;
    (void)close(ports->epoll_fd);
    port_input_free(ports->input);
    port_output_free(ports->output);
    memory_free(ports);
}
