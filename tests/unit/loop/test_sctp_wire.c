/* link: -Wl,--wrap=uv_hrtime -Wl,--wrap=uv_now -Wl,--wrap=uv_run */
/* SCTP associations and what is on the wire: translators, garbage, strangers, silence. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <usrsctp.h>

#include "base/error.h"
#include "loop/sctp_private.h"
#include "unit/loop/sctp_fixture.h"

/* ---- a translator between a and b ---- */

struct relay {
    struct pair *pair;
    int inside, outside;
    struct address inside_address;
    struct address a; /* where a's packets come from */
    struct address b;
    size_t longest;
    bool silent; /* nothing passes any more */
    void (*change)(struct relay *relay, uint8_t *bytes, size_t *length);
    struct random random;
};

static void relay_start(struct relay *relay)
{
    struct address none;
    memset(relay, 0, sizeof(*relay));
    random_seed(&relay->random, 4168);
    relay->pair = new_pair(NULL, "127.0.0.1");
    relay->inside = peer_udp(&relay->inside_address);
    relay->outside = peer_udp(&none);
    relay->b = relay->pair->b.local;
    address_set_port(&relay->b, assoc_listener_udp_port(relay->pair->b.listener));
    assoc_listener_close(relay->pair->a.listener);
    relay->pair->a.options.remote_port = address_port(&relay->inside_address);
    listen_at(&relay->pair->a, relay->pair->loop, "127.0.0.1:0");
}

static void relay_end(struct relay *relay)
{
    close(relay->inside);
    close(relay->outside);
    free_pair(relay->pair);
}

static void pass(struct relay *relay, int from, int to, struct address *source,
                 const struct address *destination)
{
    uint8_t bytes[65536];
    struct address sender;
    socklen_t size = sizeof(sender);
    ssize_t n;
    while ((n = recvfrom(from, bytes, sizeof(bytes), 0, &sender.sa, &size)) >= 0) {
        size_t length = (size_t)n;
        if (source != NULL)
            *source = sender;
        if (length > relay->longest)
            relay->longest = length;
        if (relay->change != NULL)
            relay->change(relay, bytes, &length);
        if (!relay->silent)
            (void)sendto(to, bytes, length, 0, &destination->sa, address_length(destination));
        size = sizeof(sender);
    }
}

static bool relay_until(struct relay *relay, condition_fn *condition, void *user)
{
    for (unsigned i = 0; i < WAIT_MS / 2; i++) {
        if (condition(user))
            return true;
        run_for(relay->pair->loop, 2);
        pass(relay, relay->inside, relay->outside, &relay->a, &relay->b);
        pass(relay, relay->outside, relay->inside, NULL, &relay->a);
    }
    return false;
}

static struct flow relay_connect(struct relay *relay)
{
    struct flow flow;
    struct pair *pair = relay->pair;
    assert_int_equal(assoc_connect(pair->a.listener, &pair->b.local, &flow), 0);
    assert_true(relay_until(relay, has_opened, &pair->a));
    assert_true(relay_until(relay, has_opened, &pair->b));
    return flow;
}

/* RFC 6951 section 5.4 */
static void a_translator_may_change_the_udp_port(void **state)
{
    (void)state;
    struct relay relay;
    struct address none;
    relay_start(&relay);
    struct pair *pair = relay.pair;
    struct flow flow = relay_connect(&relay), of_b = pair->b.flow;
    close(relay.outside);
    relay.outside = peer_udp(&none);
    pair->b.echo = true;
    assert_int_equal(assoc_send(pair->loop, &flow, SLICE("from elsewhere")), 0);
    assert_true(relay_until(&relay, has_messages, &pair->a));
    assert_int_equal(pair->b.flow.connection, of_b.connection);
    assert_int_equal(pair->b.flow.generation, of_b.generation);
    assert_int_equal(assoc_count(pair->loop, ASSOC_ACCEPTED), 1);
    relay_end(&relay);
}

/* RFC 9260 section 5.2.2: a peer that lost its state and comes again from the same ports. */
static void a_peer_may_begin_anew(void **state)
{
    (void)state;
    struct relay relay;
    relay_start(&relay);
    struct pair *pair = relay.pair;
    (void)relay_connect(&relay);
    struct flow old = pair->b.flow;
    struct address same = pair->a.local;
    char text[ADDRESS_TEXT_MAX];
    relay.silent = true; /* its last words do not arrive */
    assoc_listener_close(pair->a.listener);
    run_for(pair->loop, 2);
    pass(&relay, relay.inside, relay.outside, &relay.a, &relay.b);
    relay.silent = false;
    listen_at(&pair->a, pair->loop, address_text(&same, text));
    pair->a.opened = pair->b.opened = 0;
    struct flow fresh = relay_connect(&relay);
    assert_int_equal(pair->b.closed, 1);
    assert_int_equal(pair->b.closed_flow.generation, old.generation);
    assert_int_equal(assoc_count(pair->loop, ASSOC_RESTARTS), 1);
    assert_int_equal(pair->b.flow.connection, old.connection);
    assert_int_not_equal(pair->b.flow.generation, old.generation);
    assert_false(assoc_alive(pair->loop, &old));
    pair->b.echo = true;
    assert_int_equal(assoc_send(pair->loop, &fresh, SLICE("anew")), 0);
    assert_true(relay_until(&relay, has_messages, &pair->a));
    assert_int_equal(assoc_count(pair->loop, ASSOC_OPEN), 2);
    relay_end(&relay);
}

/* A listener on all addresses answers from the one that it was spoken to, and connects from the one
 * that leads there. */
static void wildcard(bool raw, const char *any, const char *host)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    struct address to = address_of(host), nowhere = address_of(any);
    struct flow flow;
    pair->loop = new_loop();
    pair->a.raw = pair->b.raw = raw;
    listen_at(&pair->b, pair->loop, any);
    pair->a.options.remote_port = assoc_listener_udp_port(pair->b.listener);
    listen_at(&pair->a, pair->loop, any);
    pair->b.echo = true;
    address_set_port(&to, address_port(&pair->b.local));
    assert_int_equal(assoc_connect(pair->a.listener, &to, &flow), 0);
    assert_int_equal(assoc_send(pair->loop, &flow, SLICE("where?")), 0);
    assert_true(run_until(pair->loop, has_messages, &pair->a, WAIT_MS));
    assert_true(address_equal(&pair->b.flow.local, &to));
    assert_true(address_equal_host(&flow.local, &to));
    assert_false(address_equal_host(&flow.local, &nowhere));
    assert_int_equal(address_port(&pair->b.flow.remote), address_port(&pair->a.local));
    free_pair(pair);
}

static void listeners_on_all_addresses_answer_from_the_right_one(void **state)
{
    (void)state;
    wildcard(false, "0.0.0.0:0", "127.0.0.1:0");
    wildcard(false, "[::]:0", "[::1]:0");
}

static bool may_be_raw(void)
{
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_SCTP);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

/* RFC 4168 without encapsulation; two listeners of one address share the raw socket. */
static void over_ip_without_udp(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "[::1]"};
    if (!may_be_raw())
        skip();
    for (unsigned i = 0; i < 2; i++) {
        struct pair *pair = calloc(1, sizeof(*pair));
        char address[64];
        (void)snprintf(address, sizeof(address), "%s:0", hosts[i]);
        pair->loop = new_loop();
        pair->a.raw = pair->b.raw = true;
        listen_at(&pair->a, pair->loop, address);
        listen_at(&pair->b, pair->loop, address);
        assert_int_equal(assoc_listener_udp_port(pair->a.listener), 0);
        struct flow flow = connect_pair(pair);
        pair->b.echo = true;
        static char text[5000];
        memset(text, 'r', sizeof(text));
        assert_int_equal(assoc_send(pair->loop, &flow, slice_of(text, sizeof(text))), 0);
        assert_true(run_until(pair->loop, has_messages, &pair->a, WAIT_MS));
        assert_int_equal(pair->a.length, sizeof(text));
        assert_int_equal(assoc_count(pair->loop, ASSOC_BAD_PACKETS), 0);
        free_pair(pair);
    }
    wildcard(true, "0.0.0.0:0", "127.0.0.1:0");
    wildcard(true, "[::]:0", "[::1]:0");
}

/* RFC 6951 section 5.6: 1,280 bytes less the headers of IPv6 and UDP. */
static void packets_fit_the_least_path(void **state)
{
    (void)state;
    static char text[60000];
    struct relay relay;
    relay_start(&relay);
    struct flow flow = relay_connect(&relay);
    memset(text, 'm', sizeof(text));
    assert_int_equal(assoc_send(relay.pair->loop, &flow, slice_of(text, sizeof(text))), 0);
    assert_true(relay_until(&relay, has_messages, &relay.pair->b));
    assert_int_equal(relay.pair->b.length, sizeof(text));
    assert_in_range(relay.longest, 1200, 1280 - 40 - 8);
    relay_end(&relay);
}

/* RFC 9260 section 8.3: heartbeats; the library's clock is moved on by hand. */
static void a_dead_peer_is_noticed(void **state)
{
    (void)state;
    struct relay relay;
    relay_start(&relay);
    (void)relay_connect(&relay);
    relay.silent = true;
    unsigned seconds = 0;
    for (; seconds < 240 && relay.pair->b.closed == 0; seconds++) {
        usrsctp_handle_timers(1000);
        run_for(relay.pair->loop, 2);
    }
    assert_int_equal(relay.pair->b.closed, 1);
    assert_int_equal(relay.pair->b.reason, STREAM_IO_ERROR);
    assert_in_range(seconds, 30, 120);
    relay_end(&relay);
}

/* One in four packets is spoilt, half of those with a right checksum: nobody falls over, and what
 * is spoilt without one is counted. */
static void spoil(struct relay *relay, uint8_t *bytes, size_t *length)
{
    if (random_below(&relay->random, 4) != 0 || *length < ASSOC_PACKET_LEAST)
        return;
    for (uint64_t i = 0, n = 1 + random_below(&relay->random, 4); i < n; i++)
        bytes[random_below(&relay->random, *length)] ^= (uint8_t)random_u64(&relay->random);
    if (random_below(&relay->random, 8) == 0)
        *length = 1 + random_below(&relay->random, *length);
    if (random_below(&relay->random, 2) == 0 && *length >= ASSOC_PACKET_LEAST)
        assoc_packet_sign(bytes, *length);
}

static void spoilt_packets_hurt_nobody(void **state)
{
    (void)state;
    struct relay relay;
    relay_start(&relay);
    struct pair *pair = relay.pair;
    pair->b.echo = true;
    for (unsigned round = 0; round < 40; round++) {
        struct flow flow;
        if (assoc_find(pair->loop, &pair->b.local, &flow) < 0 &&
            assoc_connect(pair->a.listener, &pair->b.local, &flow) < 0)
            continue;
        relay.change = spoil;
        pair->a.messages = 0;
        pair->a.want = 5;
        for (unsigned i = 0; i < 5; i++)
            (void)assoc_send(pair->loop, &flow, SLICE("OPTIONS sip:b SIP/2.0\r\n\r\n"));
        for (unsigned i = 0; i < 10; i++) {
            run_for(pair->loop, 1);
            pass(&relay, relay.inside, relay.outside, &relay.a, &relay.b);
            pass(&relay, relay.outside, relay.inside, NULL, &relay.a);
            usrsctp_handle_timers(300);
        }
    }
    assert_true(assoc_count(pair->loop, ASSOC_BAD_PACKETS) > 0);
    relay_end(&relay);
}

/* ---- packets made by hand ---- */

struct stranger {
    struct pair *pair;
    int fd;
    struct address to;
};

static void stranger_start(struct stranger *stranger)
{
    struct address none;
    stranger->pair = new_pair(NULL, "127.0.0.1");
    stranger->fd = peer_udp(&none);
    stranger->to = stranger->pair->b.local;
    address_set_port(&stranger->to, assoc_listener_udp_port(stranger->pair->b.listener));
}

static void stranger_end(struct stranger *stranger)
{
    close(stranger->fd);
    free_pair(stranger->pair);
}

static void stranger_send(struct stranger *stranger, const uint8_t *bytes, size_t length)
{
    (void)sendto(stranger->fd, bytes, length, 0, &stranger->to.sa, address_length(&stranger->to));
}

/* A header to b's SCTP port, then chunks. */
static size_t make(struct stranger *stranger, uint8_t *bytes, uint16_t port, uint32_t tag,
                   const uint8_t *chunks, size_t length)
{
    assoc_packet_set_ports(bytes, port, address_port(&stranger->pair->b.local));
    for (unsigned i = 0; i < 4; i++)
        bytes[4 + i] = (uint8_t)(tag >> (24 - 8 * i));
    memcpy(bytes + 12, chunks, length);
    assoc_packet_sign(bytes, 12 + length);
    return 12 + length;
}

static const uint8_t init_chunk[] = {1, 0, 0, 20, 0x12, 0x34, 0x56, 0x78, 0, 1,
                                     0, 0, 0, 1,  0,    1,    0,    0,    0, 9};

static ssize_t stranger_receive(struct stranger *stranger, uint8_t *bytes, size_t size)
{
    for (unsigned i = 0; i < 1000; i++) {
        ssize_t n = recv(stranger->fd, bytes, size, 0);
        if (n >= 0)
            return n;
        run_for(stranger->pair->loop, 2);
    }
    return -1;
}

/* RFC 9260 section 5.1: INITs are answered, and leave nothing behind; beyond so many per second
 * they are not even answered. */
static void a_flood_of_inits_leaves_nothing(void **state)
{
    (void)state;
    struct stranger stranger;
    uint8_t bytes[2048];
    stranger_start(&stranger);
    struct loop *loop = stranger.pair->loop;
    for (unsigned i = 0; i < 12000; i++) {
        size_t length =
            make(&stranger, bytes, (uint16_t)(1024 + i), 0, init_chunk, sizeof(init_chunk));
        stranger_send(&stranger, bytes, length);
        if (i % 500 == 0)
            run_for(loop, 1);
    }
    run_for(loop, 20);
    ssize_t n = stranger_receive(&stranger, bytes, sizeof(bytes));
    assert_true(n > 32);
    assert_int_equal(bytes[12], ASSOC_CHUNK_INIT_ACK);
    assert_memory_equal(bytes + 4, init_chunk + 4, 4);
    assert_int_equal(loop->assocs->used, 0);
    assert_int_equal(loop->assocs->pool.in_use, 0);
    assert_int_equal(assoc_count(loop, ASSOC_OPEN), 0);
    assert_true(assoc_count(loop, ASSOC_REFUSED_RATE) > 0);
    run_for(loop, 1001);
    (void)connect_pair(stranger.pair);
    stranger_end(&stranger);
}

/* RFC 9260 section 8.4: ABORT with the tag that came, and the T bit. */
static void strangers_are_told_that_they_are(void **state)
{
    (void)state;
    static const uint8_t data[] = {0, 3, 0, 20, 0, 0, 0,   1,   0,   0,
                                   0, 0, 0, 0,  0, 0, 'a', 'b', 'c', 'd'};
    struct stranger stranger;
    uint8_t bytes[2048];
    stranger_start(&stranger);
    size_t length = make(&stranger, bytes, 7777, 0xabcdef01, data, sizeof(data));
    stranger_send(&stranger, bytes, length);
    ssize_t n = stranger_receive(&stranger, bytes, sizeof(bytes));
    assert_true(n >= 16);
    assert_int_equal(bytes[12], 6);
    assert_int_equal(bytes[13] & 1, 1);
    assert_memory_equal(bytes + 4, "\xab\xcd\xef\x01", 4);
    assert_true(assoc_packet_check(bytes, (size_t)n));
    stranger_end(&stranger);
}

/* Anything may come: too short, wrong checksum, for no port; and what has a right checksum goes to
 * the library. */
static void garbage_is_counted_and_ignored(void **state)
{
    (void)state;
    struct stranger stranger;
    struct random random;
    uint8_t bytes[2048], chunks[1024];
    stranger_start(&stranger);
    struct loop *loop = stranger.pair->loop;
    (void)connect_pair(stranger.pair);
    random_seed(&random, 9260);
    for (unsigned i = 0; i < 2000; i++) {
        size_t length = 4 + random_below(&random, 400);
        for (size_t k = 0; k < length; k++)
            chunks[k] = (uint8_t)random_u64(&random);
        chunks[0] = (uint8_t)random_below(&random, 20);
        chunks[2] = 0;
        uint16_t port = (uint16_t)(1 + random_below(&random, 65535));
        uint32_t tag = random_below(&random, 2) ? 0 : (uint32_t)random_u64(&random);
        size_t total = make(&stranger, bytes, port, tag, chunks, length);
        unsigned kind = i % 4;
        if (kind == 0)
            bytes[total - 1] ^= 1;
        else if (kind == 1)
            total = random_below(&random, 16);
        stranger_send(&stranger, bytes, total);
        if (i % 50 == 0)
            run_for(loop, 1);
    }
    assoc_packet_set_ports(bytes, 1, 1);
    stranger_send(&stranger, bytes, 64);
    run_for(loop, 20);
    assert_true(assoc_count(loop, ASSOC_BAD_PACKETS) >= 900);
    assert_int_equal(assoc_count(loop, ASSOC_NO_LISTENER), 1);
    assert_int_equal(assoc_count(loop, ASSOC_OPEN), 2);
    assert_int_equal(assoc_send(loop, &stranger.pair->a.flow, SLICE("still there")), 0);
    assert_true(run_until(loop, has_messages, &stranger.pair->b, WAIT_MS));
    stranger_end(&stranger);
}

/* RFC 6951 section 5.1: one UDP port for all listeners of an address. */
static void listeners_share_the_udp_port(void **state)
{
    (void)state;
    struct pair *pair = new_pair(NULL, "127.0.0.1");
    struct end *third = calloc(1, sizeof(*third));
    struct assoc_listener *same = NULL;
    third->options.udp_port = assoc_listener_udp_port(pair->b.listener);
    listen_at(third, pair->loop, "127.0.0.1:0");
    assert_int_equal(assoc_listener_udp_port(third->listener), third->options.udp_port);
    assert_int_not_equal(address_port(&third->local), address_port(&pair->b.local));
    assert_int_equal(assoc_listen(pair->loop, &third->local, &third->options, &same), ERR_EXISTS);
    (void)connect_pair(pair);
    struct flow flow;
    assert_int_equal(assoc_connect(pair->a.listener, &third->local, &flow), 0);
    assert_int_equal(assoc_send(pair->loop, &flow, SLICE("to the third")), 0);
    assert_true(run_until(pair->loop, has_messages, third, WAIT_MS));
    assert_int_equal(pair->b.messages, 0);
    free_pair(pair);
    free(third);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_translator_may_change_the_udp_port),
        cmocka_unit_test(a_peer_may_begin_anew),
        cmocka_unit_test(listeners_on_all_addresses_answer_from_the_right_one),
        cmocka_unit_test(over_ip_without_udp),
        cmocka_unit_test(packets_fit_the_least_path),
        cmocka_unit_test(a_dead_peer_is_noticed),
        cmocka_unit_test(spoilt_packets_hurt_nobody),
        cmocka_unit_test(a_flood_of_inits_leaves_nothing),
        cmocka_unit_test(strangers_are_told_that_they_are),
        cmocka_unit_test(garbage_is_counted_and_ignored),
        cmocka_unit_test(listeners_share_the_udp_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
