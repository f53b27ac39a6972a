#include "app/nat/run.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/nat/refused.h"
#include "app/nat/socket.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#define PACE_MS        100u /* RFC 5780 section 5: at most ten new transactions per second */
#define STREAM_WAIT_MS 3000u
#define REFUSAL_MS     600u
#define DATAGRAMS_MAX  64u /* read from a socket at a time */

int run_open(struct run *run, unsigned socket)
{
    struct run_socket *s = &run->sockets[socket];
    return s->fd >= 0 ? 0 : nat_socket_open(&run->source, &run->random, &s->fd, &s->local);
}

void run_close(struct run *run, unsigned socket)
{
    struct run_socket *s = &run->sockets[socket];
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}

struct run_exchange *run_begin(struct run *run, enum run_purpose purpose, unsigned which,
                               uint64_t at_ms)
{
    struct run_exchange *e = run->exchanges;
    while (e < run->exchanges + RUN_EXCHANGES && e->live)
        e++;
    if (e == run->exchanges + RUN_EXCHANGES)
        return NULL;
    *e = (struct run_exchange){
        .live = true, .purpose = (unsigned char)purpose, .which = (unsigned char)which};
    e->start_ms = at_ms;
    if (at_ms <= run->now_ms) {
        e->start_ms = run->next_start_ms > run->now_ms ? run->next_start_ms : run->now_ms;
        run->next_start_ms = e->start_ms + PACE_MS;
    }
    return e;
}

static void begin_test(struct run *run, enum discovery_test test)
{
    struct run_exchange *e = run_begin(run, RUN_TEST, test, 0);
    e->socket = (unsigned char)discovery_socket(test);
    e->sends = (unsigned char)discovery_sends(test);
    discovery_request(&run->discovery, test, &e->to, &e->probe);
    e->both_ways = discovery_back(&run->discovery, test, &e->back);
}

static void end_test(struct run *run, struct run_exchange *e)
{
    e->live = false;
    run_tell(run, (enum discovery_test)e->which);
}

static void send_from(struct run *run, unsigned socket, const struct address *to,
                      struct slice bytes)
{
    if (sendto(run->sockets[socket].fd, bytes.ptr, bytes.len, MSG_NOSIGNAL, &to->sa,
               address_length(to)) < 0 &&
        run->finding->send_error == 0)
        run->finding->send_error = errno;
}

static void transmit(struct run *run, struct run_exchange *e)
{
    char buffer[STUN_PROBE_PADDING_MAX + 256];
    uint64_t id[2] = {random_u64(&run->random), random_u64(&run->random)};
    if (e->sent++ == 0) {
        stun_probe_id(&e->probe, id);
        run_life_on_ask(run, e);
    }
    struct slice bytes = stun_probe_write(&e->probe, buffer, sizeof buffer);
    send_from(run, e->socket, &e->to, bytes);
    if (e->both_ways)
        send_from(run, DISCOVERY_MAIN, &e->back, bytes);
}

static void on_timeout(struct run *run, struct run_exchange *e)
{
    if (e->purpose != RUN_TEST) {
        e->live = false;
        run_life_on_timeout(run, e);
        return;
    }
    discovery_on_timeout(&run->discovery, (enum discovery_test)e->which);
    end_test(run, e);
}

static uint64_t due_at(const struct run_exchange *e)
{
    return e->start_ms + stun_probe_send_at(e->sent);
}

static void run_timers(struct run *run)
{
    for (unsigned i = 0; i < RUN_EXCHANGES; i++) {
        struct run_exchange *e = &run->exchanges[i];
        if (!e->live || due_at(e) > run->now_ms)
            continue;
        if (e->sent < e->sends)
            transmit(run, e);
        else
            on_timeout(run, e);
    }
}

/* True: the datagram belongs to this exchange. */
static bool offer(struct run *run, struct run_exchange *e, unsigned socket,
                  const struct address *source, struct slice datagram)
{
    struct stun_reply reply;
    enum discovery_test test = (enum discovery_test)e->which;
    if (!e->live || e->sent == 0)
        return false;
    if (e->both_ways) {
        if (!stun_probe_is_own(&e->probe, datagram))
            return false;
        discovery_on_own_request(&run->discovery, test);
        end_test(run, e);
        return true;
    }
    if (stun_probe_read(&e->probe, datagram, &reply) < 0)
        return false;
    if (e->purpose != RUN_TEST)
        run_life_on_reply(run, e, socket, &reply);
    else if (socket == e->socket && discovery_on_reply(&run->discovery, test, source, &reply))
        end_test(run, e);
    return true;
}

static void receive(struct run *run, unsigned socket)
{
    char *buffer = run->datagram;
    for (unsigned i = 0; i < DATAGRAMS_MAX && run->sockets[socket].fd >= 0; i++) {
        struct address source;
        socklen_t length = sizeof source;
        memset(&source, 0, sizeof source);
        ssize_t got =
            recvfrom(run->sockets[socket].fd, buffer, RUN_DATAGRAM_MAX, 0, &source.sa, &length);
        if (got < 0 && errno != EINTR)
            return;
        bool taken = false;
        for (unsigned e = 0; e < RUN_EXCHANGES && got >= 0 && !taken; e++)
            taken = offer(run, &run->exchanges[e], socket, &source, slice_of(buffer, (size_t)got));
    }
}

/* Milliseconds until something is to be done; -1: nothing is under way. */
static int time_left(const struct run *run)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < RUN_EXCHANGES; i++) {
        const struct run_exchange *e = &run->exchanges[i];
        if (e->live && due_at(e) < next)
            next = due_at(e);
    }
    if (next == UINT64_MAX)
        return -1;
    return next <= run->now_ms ? 0 : (int)(next - run->now_ms);
}

static void await(struct run *run)
{
    struct pollfd fds[RUN_SOCKETS];
    for (unsigned i = 0; i < RUN_SOCKETS; i++)
        fds[i] = (struct pollfd){.fd = run->sockets[i].fd, .events = POLLIN};
    int ready = poll(fds, RUN_SOCKETS, time_left(run));
    run->now_ms = clock_monotonic_us() / 1000;
    for (unsigned i = 0; i < RUN_SOCKETS && ready > 0; i++) {
        if (fds[i].revents != 0)
            receive(run, i);
    }
}

static void run_all(struct run *run)
{
    enum discovery_test test;
    for (;;) {
        while (discovery_next(&run->discovery, &test))
            begin_test(run, test);
        run_life_step(run);
        if (discovery_over(&run->discovery) &&
            (run->life_state == RUN_LIFE_IDLE || run->life_state == RUN_LIFE_OVER))
            return;
        await(run);
        run_timers(run);
    }
}

static void try_streams(struct run *run)
{
    struct nat_finding *finding = run->finding;
    const struct nat_order *order = run->order;
    const struct nat_stream kinds[NAT_STREAMS] = {{.server = order->server},
                                                  {.server = order->server, .tls = true},
                                                  {.server = order->server, .tls = true}};
    finding->stream_count = order->port_given ? NAT_STREAMS : NAT_STREAMS - 1;
    memcpy(finding->streams, kinds, sizeof kinds);
    address_set_port(&finding->streams[1].server, NAT_STREAM_TLS_PORT);
    run_say(run, "no answer over UDP; trying TCP and TLS");
    finding->streams_tried = true;
    nat_streams_try(finding->streams, finding->stream_count, order->name, STREAM_WAIT_MS,
                    &run->random);
}

/* A server that is not there says nothing of what is in between. */
static void ask_why(struct run *run)
{
    struct nat_finding *finding = run->finding;
    finding->refused = nat_is_refused(&run->order->server, REFUSAL_MS, &run->random);
    if (!finding->refused)
        return;
    run_say(run, "UDP passes: the host says that no STUN server is there");
    finding->report.kind = NAT_UNTOLD;
    finding->report.calls = NAT_CALLS_UNTOLD;
}

static int open_all(struct run *run)
{
    unsigned mtu;
    int status = random_init(&run->random);
    for (unsigned i = 0; i < RUN_SOCKETS; i++)
        run->sockets[i].fd = -1;
    if (status == 0)
        status = nat_socket_source(&run->order->server, &run->source, &mtu);
    for (unsigned i = 0; i < RUN_MAPPINGS && status == 0; i++)
        status = run_open(run, i);
    if (status == 0)
        discovery_init(&run->discovery, &run->sockets[DISCOVERY_MAIN].local, &run->order->server,
                       mtu);
    return status;
}

static void close_all(struct run *run)
{
    for (unsigned i = 0; i < RUN_SOCKETS; i++)
        run_close(run, i);
}

int nat_find(const struct nat_order *order, struct nat_finding *ret_finding)
{
    struct nat_finding finding = {.server = order->server};
    struct run *run = memory_zalloc(1, sizeof *run);
    if (run == NULL)
        return ERR_NO_MEMORY;
    run->order = order;
    run->finding = &finding;
    run->now_ms = clock_monotonic_us() / 1000;
    uint64_t begun_ms = run->now_ms;
    int status = open_all(run);
    if (status == 0) {
        run_all(run);
        finding.local = run->sockets[DISCOVERY_MAIN].local;
        discovery_report(&run->discovery, &finding.report);
        if (finding.report.kind == NAT_UDP_BLOCKED) {
            ask_why(run);
            try_streams(run);
        }
        finding.took_ms = (uint32_t)(clock_monotonic_us() / 1000 - begun_ms);
        *ret_finding = finding;
    }
    close_all(run);
    memory_free(run);
    return status;
}
