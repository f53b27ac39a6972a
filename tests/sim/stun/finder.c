#include "sim/stun/finder.h"

#include <stdlib.h>

static void finder_go_on(struct finder *finder);

static void end_test(struct finder_test *t)
{
    sim_event_cancel(&t->finder->world->events, &t->event);
    finder_go_on(t->finder);
}

static void transmit(struct finder_test *t)
{
    char buffer[STUN_PROBE_PADDING_MAX + 256];
    struct finder *finder = t->finder;
    struct sim_udp *udp = &finder->sockets[discovery_socket(t->test)].udp;
    struct address back;
    struct slice bytes = stun_probe_write(&t->probe, buffer, sizeof(buffer));
    finder->sent++;
    (void)sim_udp_send(udp, &udp->local, &t->to, bytes);
    udp = &finder->sockets[DISCOVERY_MAIN].udp;
    if (discovery_back(&finder->discovery, t->test, &back))
        (void)sim_udp_send(udp, &udp->local, &back, bytes);
}

static void on_timer(struct sim_event *event)
{
    struct finder_test *t = container_of(event, struct finder_test, event);
    if (t->sent == discovery_sends(t->test)) {
        discovery_on_timeout(&t->finder->discovery, t->test);
        end_test(t);
        return;
    }
    t->sent++;
    transmit(t);
    sim_event_at(&t->finder->world->events, &t->event,
                 t->start_us + UINT64_C(1000) * stun_probe_send_at(t->sent));
}

static void start_test(struct finder *finder, enum discovery_test test)
{
    struct finder_test *t = &finder->tests[test];
    uint64_t id[2] = {random_u64(&finder->world->random), random_u64(&finder->world->random)};
    t->start_us = sim_now_us(finder->world);
    discovery_request(&finder->discovery, test, &t->to, &t->probe);
    stun_probe_id(&t->probe, id);
    sim_event_after(&finder->world->events, &t->event, 0);
}

static void finder_go_on(struct finder *finder)
{
    enum discovery_test test;
    while (discovery_next(&finder->discovery, &test))
        start_test(finder, test);
    if (!discovery_over(&finder->discovery))
        return;
    finder->over = true;
    for (unsigned i = 0; i < DISCOVERY_TESTS; i++)
        sim_event_cancel(&finder->world->events, &finder->tests[i].event);
}

static void on_answer(void *user, const struct address *to, const struct address *from,
                      struct slice bytes)
{
    struct finder_socket *socket = user;
    struct finder *finder = socket->finder;
    struct stun_reply reply;
    (void)to;
    for (unsigned i = 0; i < DISCOVERY_TESTS; i++) {
        struct finder_test *t = &finder->tests[i];
        struct discovery_result *r = &finder->discovery.results[i];
        if (!r->started || r->over)
            continue;
        if (t->test == DISCOVERY_HAIRPIN) {
            if (stun_probe_is_own(&t->probe, bytes))
                discovery_on_own_request(&finder->discovery, t->test);
        } else if (socket->number == discovery_socket(t->test) &&
                   stun_probe_read(&t->probe, bytes, &reply) == 0) {
            (void)discovery_on_reply(&finder->discovery, t->test, from, &reply);
        }
        if (r->over) {
            end_test(t);
            return;
        }
    }
}

void finder_start(struct finder *finder, struct sim_host *host, const struct address *server)
{
    memset(finder, 0, sizeof(*finder));
    finder->world = host->world;
    for (unsigned i = 0; i < DISCOVERY_SOCKETS; i++) {
        struct finder_socket *s = &finder->sockets[i];
        *s = (struct finder_socket){.finder = finder, .number = (enum discovery_socket)i};
        s->udp.on_datagram = on_answer;
        s->udp.user = s;
        struct address local = host->addresses[0];
        if (sim_udp_open(&s->udp, host, &local) < 0)
            abort();
    }
    for (unsigned i = 0; i < DISCOVERY_TESTS; i++) {
        finder->tests[i].finder = finder;
        finder->tests[i].test = (enum discovery_test)i;
        sim_event_init(&finder->tests[i].event, on_timer);
    }
    discovery_init(&finder->discovery, &finder->sockets[DISCOVERY_MAIN].udp.local, server, 1500);
    finder_go_on(finder);
}

void finder_close(struct finder *finder)
{
    for (unsigned i = 0; i < DISCOVERY_SOCKETS; i++)
        sim_udp_close(&finder->sockets[i].udp);
    for (unsigned i = 0; i < DISCOVERY_TESTS; i++)
        sim_event_cancel(&finder->world->events, &finder->tests[i].event);
}
