#include "sim/turn/caller.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK_US     (SIM_SECOND / 5)
#define CHECK_ROUNDS 40

/* What phones send each other: a letter that strangers do not know, what it is, and which pair of
 * the asker it belongs to. */
enum { MARK = 'Z', SIZE = 6 };
enum word { WORD_CHECK = 'c', WORD_CHECKED = 'C', WORD_SPEECH = 's', WORD_HEARD = 'S' };

/* ---- Out ---- */

static void send_along(struct caller *caller, enum caller_way way, const struct address *to,
                       const uint8_t *words)
{
    struct slice data = slice_of((const char *)words, SIZE);
    if (way == CALLER_RELAY)
        client_send(&caller->client, to, data);
    else
        (void)sim_udp_send(&caller->udp, &caller->udp.local, to, data);
}

static void say(struct caller *caller, enum word word, enum caller_way way,
                enum caller_candidate candidate)
{
    const uint8_t words[SIZE] = {MARK, (uint8_t)word, (uint8_t)way, (uint8_t)candidate};
    const struct address *to =
        candidate == CALLER_SEEN ? &caller->seen[way] : &caller->other->candidates[candidate];
    send_along(caller, way, to, words);
}

static bool is_known(const struct caller *caller, const struct address *address)
{
    bool found = false;
    for (unsigned i = 0; i < CALLER_CANDIDATES && !found; i++)
        found = caller->has[i] && address_equal(&caller->candidates[i], address);
    return found;
}

/* ---- In ---- */

static void on_words(struct caller *caller, enum caller_way way, const struct address *from,
                     struct slice bytes)
{
    uint8_t words[SIZE];
    if (bytes.len != SIZE || (uint8_t)bytes.ptr[0] != MARK) {
        if (way == CALLER_RELAY)
            caller->failure = "a stranger came through the relay";
        return;
    }
    memcpy(words, bytes.ptr, SIZE);
    switch (words[1]) {
    case WORD_CHECK:
        if (!is_known(caller->other, from)) {
            caller->has_seen[way] = true;
            caller->seen[way] = *from;
        }
        __attribute__((fallthrough));
    case WORD_SPEECH:
        words[1] = words[1] == WORD_CHECK ? WORD_CHECKED : WORD_HEARD;
        send_along(caller, way, from, words);
        break;
    case WORD_CHECKED:
        if (words[2] == way)
            caller->valid[way][words[3]] = true;
        break;
    case WORD_HEARD: caller->heard++; break;
    default: abort();
    }
}

static void on_datagram(void *user, const struct address *to, const struct address *from,
                        struct slice bytes)
{
    struct caller *caller = user;
    (void)to;
    if (address_equal(from, &caller->client.server))
        client_on_datagram(&caller->client, bytes);
    else
        on_words(caller, CALLER_DIRECT, from, bytes);
}

static void on_data(void *user, const struct address *peer, struct slice data)
{
    on_words(user, CALLER_RELAY, peer, data);
}

/* ---- Looking for a way ---- */

static void on_check(struct caller *caller)
{
    for (unsigned way = 0; way < CALLER_WAYS; way++) {
        for (unsigned i = 0; i < CALLER_CANDIDATES; i++) {
            if (i == CALLER_SEEN ? caller->has_seen[way] : caller->other->has[i])
                say(caller, WORD_CHECK, (enum caller_way)way, (enum caller_candidate)i);
        }
    }
    if (++caller->rounds < CHECK_ROUNDS)
        sim_event_after(&caller->world->events, &caller->tick, CHECK_US);
}

static void on_tick(struct sim_event *event)
{
    on_check(container_of(event, struct caller, tick));
}

static void gather(struct caller *caller)
{
    const struct client *client = &caller->client;
    caller->candidates[CALLER_HOST] = caller->udp.local;
    caller->candidates[CALLER_MAPPED] = client->mapped;
    caller->candidates[CALLER_RELAYED] = client->relayed;
    caller->has[CALLER_HOST] = true;
    caller->has[CALLER_MAPPED] =
        client->has_mapped && !address_equal(&client->mapped, &caller->udp.local);
    caller->has[CALLER_RELAYED] = client->has_relayed;
    if (!client->has_relayed)
        caller->failure = "it has got no relay";
}

static void begin(struct caller *caller, struct caller *other)
{
    caller->other = other;
    for (unsigned i = 0; i < CALLER_CANDIDATES; i++) {
        if (other->has[i])
            client_permit(&caller->client, &other->candidates[i]);
    }
    sim_event_after(&caller->world->events, &caller->tick, CHECK_US);
}

void caller_connect(struct caller *a, struct caller *b)
{
    gather(a);
    gather(b);
    begin(a, b);
    begin(b, a);
}

bool caller_choose(struct caller *caller)
{
    /* The fewer relays the better. */
    static const struct {
        enum caller_way way;
        enum caller_candidate candidate;
    } order[] = {
        {CALLER_DIRECT, CALLER_HOST},    {CALLER_DIRECT, CALLER_MAPPED},
        {CALLER_DIRECT, CALLER_SEEN},    {CALLER_RELAY, CALLER_HOST},
        {CALLER_RELAY, CALLER_MAPPED},   {CALLER_RELAY, CALLER_SEEN},
        {CALLER_DIRECT, CALLER_RELAYED}, {CALLER_RELAY, CALLER_RELAYED},
    };
    for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]) && !caller->chosen; i++) {
        if (!caller->valid[order[i].way][order[i].candidate])
            continue;
        caller->chosen = true;
        caller->way = order[i].way;
        caller->candidate = order[i].candidate;
    }
    return caller->chosen;
}

bool caller_is_straight(const struct caller *caller)
{
    return caller->chosen && caller->way == CALLER_DIRECT && caller->candidate != CALLER_RELAYED;
}

void caller_talk(struct caller *caller, unsigned times, uint64_t pause_us)
{
    for (unsigned i = 0; i < times; i++) {
        say(caller, WORD_SPEECH, caller->way, caller->candidate);
        caller->said++;
        sim_run(caller->world, pause_us);
    }
}

const char *caller_failure(const struct caller *caller)
{
    return caller->failure != NULL ? caller->failure : caller->client.failure;
}

/* ---- Life ---- */

void caller_open(struct caller *caller, struct sim_world *world, unsigned number,
                 const enum sim_nat_kind nats[2], const struct address *server, bool channels)
{
    char name[16], inside[32], middle[32], outside[32];
    memset(caller, 0, sizeof(*caller));
    caller->world = world;
    caller->kind = sim_nat_together(nats[0], nats[1]);
    (void)snprintf(name, sizeof(name), "phone%u", number);
    (void)snprintf(inside, sizeof(inside),
                   sim_nat_translates(nats[0]) ? "10.0.%u.2" : "198.51.100.%u", 10 + number);
    (void)snprintf(middle, sizeof(middle), "198.51.101.%u", 10 + number);
    (void)snprintf(outside, sizeof(outside), "198.51.102.%u", 10 + number);
    caller->host = sim_host_add(world, name, inside);
    sim_nat_init_kind(&caller->nats[0], caller->host, middle, nats[0], 30 * SIM_SECOND);
    if (nats[1] != SIM_NAT_NONE)
        sim_nat_init_outer(&caller->nats[1], &caller->nats[0], caller->host, outside, nats[1],
                           30 * SIM_SECOND);
    sim_event_init(&caller->tick, on_tick);
    caller->udp.on_datagram = on_datagram;
    caller->udp.user = caller;
    struct address local = caller->host->addresses[0];
    if (sim_udp_open(&caller->udp, caller->host, &local) < 0)
        abort();
    caller->client.on_data = on_data;
    caller->client.user = caller;
    client_start(&caller->client, &caller->udp, server, caller->kind == SIM_NAT_BLOCKED, channels);
}

void caller_close(struct caller *caller)
{
    sim_event_cancel(&caller->world->events, &caller->tick);
    client_done(&caller->client);
    sim_udp_close(&caller->udp);
}
