/* The traffic. With a rate every client and every peer sends so often, each at its own moment, as
 * calls do. Without, a window of messages goes round: from a client to its peer and back, from
 * another client each time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

enum { SLOTS_MAX = 4096, LOST_US = 200000, PAUSE_US = 50 };

/* At the head of each message. The first three as tests/bench/reflector reads them. */
struct head {
    uint32_t slot;
    uint32_t generation;
    uint16_t answers[2];
    uint32_t client;
    uint32_t check; /* all before it, mixed */
};

struct slot {
    uint32_t generation;
    uint64_t sent_us;
};

static struct slot slots[SLOTS_MAX];
static unsigned next_client;

static uint32_t check_of(const struct head *head)
{
    return head->slot * 2654435761u ^ head->generation * 40503u ^ head->client * 97u ^ 0x5a5aa5a5u;
}

static void fill(const struct load *load, char *at, uint32_t slot, uint32_t generation,
                 uint32_t client)
{
    struct head head = {.slot = slot,
                        .generation = generation,
                        .answers = {(uint16_t)load->options.size},
                        .client = client};
    head.check = check_of(&head);
    memcpy(at, &head, sizeof head);
    memset(at + sizeof head, (int)(client & 0xff), load->options.size - sizeof head);
}

static int is_good(const struct load *load, const char *at, size_t length, struct head *head)
{
    if (length != load->options.size)
        return 0;
    memcpy(head, at, sizeof *head);
    return head->check == check_of(head) && (uint8_t)at[length - 1] == (uint8_t)head->client;
}

/* ---- Messages ---- */

static void send_up(struct load *load, uint32_t client, uint32_t slot, uint32_t generation)
{
    char *at = net_next(&load->clients);
    unsigned size = load->options.size;
    struct stun_out out = {.length = size};
    uint8_t id[12] = {0};
    switch (load->options.mode) {
    case MODE_CHANNEL:
        stun_put16(at, 0x4000);
        stun_put16(at + 2, (uint16_t)size);
        fill(load, at + 4, slot, generation, client);
        out.length = 4 + size;
        break;
    case MODE_SEND:
        stun_put32(id + 4, generation);
        stun_begin(&out, at, STUN_SEND, id);
        stun_add_address(&out, 0x0012, peer_host(client), load->peers.port);
        fill(load, at + out.length + 4, slot, generation, client);
        stun_put16(at + out.length, 0x0013);
        stun_put16(at + out.length + 2, (uint16_t)size);
        memset(at + out.length + 4 + size, 0, 4);
        out.length += 4 + ((size + 3) & ~3u);
        stun_put16(at + 2, (uint16_t)(out.length - 20));
        break;
    case MODE_BINDING:
        memcpy(id, &slot, sizeof slot);
        memcpy(id + 4, &generation, sizeof generation);
        stun_begin(&out, at, STUN_BINDING, id);
        break;
    default: fill(load, at, slot, generation, client); break;
    }
    net_send(&load->clients, client_host(client), &load->options.server, out.length);
    load->up_sent++;
}

static void send_down(struct load *load, uint32_t client, uint32_t slot, uint32_t generation)
{
    fill(load, net_next(&load->peers), slot, generation, client);
    net_send(&load->peers, peer_host(client), &load->list[client].relay, load->options.size);
    load->down_sent++;
}

/* What a client got: the payload, or NULL. */
static const char *unwrap(const struct load *load, const char *at, size_t *length)
{
    size_t size;
    switch (load->options.mode) {
    case MODE_CHANNEL:
        if (*length < 4 || stun_u16(at) != 0x4000 || stun_u16(at + 2) + 4u > *length)
            return NULL;
        *length = stun_u16(at + 2);
        return at + 4;
    case MODE_SEND: {
        const uint8_t *data =
            stun_u16(at) == STUN_DATA ? stun_find(at, *length, 0x0013, &size) : NULL;
        *length = data ? size : 0;
        return (const char *)data;
    }
    default: return at;
    }
}

/* ---- A window ---- */

static void start_slot(struct load *load, uint32_t slot)
{
    slots[slot].generation++;
    slots[slot].sent_us = load->now_us;
    send_up(load, next_client, slot, slots[slot].generation);
    next_client = (next_client + 1) % load->options.allocations;
}

static void on_slot(struct load *load, uint32_t slot, uint32_t generation)
{
    if (load->options.rate > 0)
        return;
    if (slot < load->options.window && slots[slot].generation == generation)
        start_slot(load, slot);
}

static void restart_lost(struct load *load)
{
    for (unsigned i = 0; i < load->options.window; i++) {
        if (load->now_us - slots[i].sent_us > LOST_US) {
            load->lost += slots[i].generation != 0;
            start_slot(load, i);
        }
    }
}

/* ---- A turn ---- */

static unsigned take_clients(struct load *load)
{
    unsigned n = net_receive(&load->clients);
    for (unsigned i = 0; i < n; i++) {
        const char *at = load->clients.in.buffers[i];
        size_t length = load->clients.in.messages[i].msg_len;
        struct head head;
        if (load->options.mode == MODE_BINDING) {
            memcpy(&head, at + 8, 8);
            load->down_received++;
            if (length < 32 || stun_u16(at) != (STUN_BINDING | STUN_SUCCESS))
                load->bad++;
            else
                on_slot(load, head.slot, head.generation);
            continue;
        }
        const char *payload = unwrap(load, at, &length);
        if (!payload || !is_good(load, payload, length, &head) ||
            client_host(head.client) != net_host(&load->clients, i)) {
            load->bad++;
            continue;
        }
        load->down_received++;
        on_slot(load, head.slot, head.generation);
    }
    return n;
}

static unsigned take_peers(struct load *load)
{
    unsigned n = net_receive(&load->peers);
    for (unsigned i = 0; i < n; i++) {
        struct head head;
        if (!is_good(load, load->peers.in.buffers[i], load->peers.in.messages[i].msg_len, &head) ||
            peer_host(head.client) != net_host(&load->peers, i) ||
            load->peers.in.addresses[i].sin_port != load->list[head.client].relay.sin_port) {
            load->bad++;
            continue;
        }
        load->up_received++;
        if (load->options.rate == 0)
            send_down(load, head.client, head.slot, head.generation);
    }
    return n;
}

/* Client and peer of one allocation after those of the other. */
static void send_due(struct load *load, uint64_t begun_us, uint64_t *sent)
{
    int peers = load->options.mode == MODE_CHANNEL || load->options.mode == MODE_SEND;
    double per_us = load->options.rate * load->options.allocations * (1 + peers) / 1e6;
    uint64_t due = (uint64_t)((double)(load->now_us - begun_us) * per_us);
    for (; *sent < due; (*sent)++) {
        uint32_t client = (uint32_t)(*sent / (1 + peers) % load->options.allocations);
        if (peers && *sent % 2)
            send_down(load, client, 0, (uint32_t)*sent);
        else
            send_up(load, client, 0, (uint32_t)*sent);
    }
}

static void run_for(struct load *load, double seconds)
{
    uint64_t begun_us = clock_us();
    uint64_t until_us = begun_us + (uint64_t)(seconds * 1e6);
    uint64_t sent = 0, looked_us = 0;
    while ((load->now_us = clock_us()) < until_us) {
        unsigned n = take_peers(load) + take_clients(load);
        if (load->options.rate > 0) {
            send_due(load, begun_us, &sent);
        } else if (load->now_us - looked_us > LOST_US / 4) {
            looked_us = load->now_us;
            restart_lost(load);
        }
        net_flush(&load->peers);
        net_flush(&load->clients);
        if (n < NET_BATCH / 2)
            usleep(PAUSE_US);
    }
}

static void drain(struct load *load)
{
    unsigned quiet = 0;
    double rate = load->options.rate;
    unsigned window = load->options.window;
    load->options.window = 0;
    load->options.rate = 1; /* nothing is sent on */
    while (quiet++ < 20) {
        if (take_peers(load) + take_clients(load) > 0)
            quiet = 0;
        usleep(1000);
    }
    load->options.rate = rate;
    load->options.window = window;
}

int traffic_run(struct load *load)
{
    static struct watch before, after;
    const struct options *o = &load->options;
    run_for(load, o->warmup);
    load->up_sent = load->up_received = load->down_sent = load->down_received = 0;
    load->lost = load->bad = 0;
    uint64_t begun_us = clock_us(), steal = watch_steal_ns();
    watch_read(o->pids, o->watched, &before);
    run_for(load, o->seconds);
    watch_read(o->pids, o->watched, &after);
    double seconds = (double)(clock_us() - begun_us) / 1e6;
    steal = watch_steal_ns() - steal;
    uint64_t messages = load->up_received + load->down_received;
    double cpu_us = (double)watch_run_ns(&before, &after) / 1e3;
    drain(load);
    printf("{\"seconds\": %.3f, \"messages\": %" PRIu64 ", \"per_second\": %.0f, \"cpu_us\": %.3f, "
           "\"server_cpus\": %.3f, \"server_wait_ms\": %.1f, \"steal_ms\": %.1f, "
           "\"up_sent\": %" PRIu64 ", \"up_received\": %" PRIu64 ", \"down_sent\": %" PRIu64
           ", \"down_received\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"bad\": %" PRIu64
           ", \"unsent\": %" PRIu64 "}\n",
           seconds, messages, (double)messages / seconds,
           messages > 0 ? cpu_us / (double)messages : 0.0, cpu_us / 1e6 / seconds,
           (double)watch_wait_ns(&before, &after) / 1e6, (double)steal / 1e6, load->up_sent,
           load->up_received, load->down_sent, load->down_received, load->lost, load->bad,
           load->clients.failed + load->peers.failed);
    return messages > 0 && load->bad == 0 ? 0 : 1;
}
