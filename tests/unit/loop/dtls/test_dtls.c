/* link: -Wl,--wrap=loop_now_ms */
#include <malloc.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/dtls/dtls.h"
#include "unit/loop/dtls/dtls_client.h"
#include "unit/loop/loop_fixture.h"
#include "unit/loop/tls/certificates.h"

#define CLIENTS 40u

/* ---- A server that answers each datagram by the same one ---- */

static uint64_t ahead_ms; /* of the loop's clock, for the server */

uint64_t __real_loop_now_ms(const struct loop *loop);
uint64_t __wrap_loop_now_ms(const struct loop *loop);
uint64_t __wrap_loop_now_ms(const struct loop *loop)
{
    return __real_loop_now_ms(loop) + ahead_ms;
}

struct world {
    struct loop *loop;
    struct tls *tls;
    struct tls_config config;
    struct dtls *dtls;
    struct address at;
    metric counts[DTLS_COUNTS];
    struct timer tick;
    struct flow last; /* of the last datagram */
    unsigned received;
    unsigned closed;
    enum stream_reason reason;
    bool end_at_once; /* instead of an answer */
    SSL_CTX *context;
    struct dtls_client clients[CLIENTS];
    unsigned count;
};

static void on_datagram(void *user, const struct flow *flow, struct slice data)
{
    struct world *w = user;
    w->received++;
    w->last = *flow;
    assert_int_equal(flow->transport, TRANSPORT_DTLS);
    assert_int_equal(flow->listener, 7);
    if (w->end_at_once)
        dtls_end(w->dtls, flow);
    else
        assert_int_equal(dtls_send(w->dtls, flow, data), 0);
}

static void on_close(void *user, const struct flow *flow, enum stream_reason reason)
{
    struct world *w = user;
    w->closed++;
    w->reason = reason;
    assert_int_equal(dtls_send(w->dtls, flow, SLICE("late")), ERR_CLOSED);
}

static void on_tick(struct timer *timer)
{
    struct world *w = container_of(timer, struct world, tick);
    wheel_start(loop_wheel(w->loop), timer, 5);
}

static struct tls_config make_config(const char *name)
{
    char file[64];
    struct tls_config config = {.pair_count = 1};
    struct certificate c = certificate_make(&(struct certificate_wish){.subject = name});
    (void)snprintf(file, sizeof file, "%s.pem", name);
    config.pairs[0].certificate = certificate_write(file, &c, NULL);
    (void)snprintf(file, sizeof file, "%s.key", name);
    config.pairs[0].key = certificate_write_key(file, &c);
    certificate_free(&c);
    return config;
}

static struct world *world_of(const struct dtls_limits *limits)
{
    struct world *w = calloc(1, sizeof *w);
    struct tls_fault fault;
    w->loop = new_loop();
    w->config = make_config("one");
    assert_int_equal(tls_new(&w->config, &fault, &w->tls), 0);
    struct dtls_options options = {
        .local = address_of("127.0.0.1:0"),
        .listener = 7,
        .tls = w->tls,
        .limits = *limits,
        .handler = {.on_datagram = on_datagram, .on_close = on_close, .user = w},
        .counts = w->counts};
    if (options.limits.retransmit_ms == 0)
        options.limits.retransmit_ms = 40;
    assert_int_equal(dtls_open(w->loop, &options, &w->dtls), 0);
    w->at = dtls_local(w->dtls);
    w->context = dtls_client_context(NULL);
    timer_init(&w->tick, on_tick);
    wheel_start(loop_wheel(w->loop), &w->tick, 1);
    return w;
}

static void free_world(struct world *w)
{
    for (unsigned i = 0; i < CLIENTS; i++)
        dtls_client_free(&w->clients[i]);
    dtls_close(w->dtls);
    assert_int_equal(metric_get(&w->counts[DTLS_SESSIONS]), 0);
    wheel_stop(loop_wheel(w->loop), &w->tick);
    tls_free(w->tls);
    BIO_meth_free(SSL_CTX_get_app_data(w->context));
    SSL_CTX_free(w->context);
    loop_free(w->loop);
    certificates_clean();
    free(w);
    ahead_ms = 0;
}

static int64_t counted(const struct world *w, enum dtls_count which)
{
    return metric_get(&w->counts[which]);
}

static struct dtls_client *connect_client(struct world *w, const char *local)
{
    struct dtls_client *client = &w->clients[w->count++];
    assert_true(w->count <= CLIENTS);
    dtls_client_open(client, w->context, &w->at, local);
    return client;
}

static void pump(struct world *w)
{
    for (unsigned i = 0; i < w->count; i++)
        dtls_client_pump(&w->clients[i]);
}

static bool all_open(void *user)
{
    struct world *w = user;
    bool open = true;
    pump(w);
    for (unsigned i = 0; i < w->count; i++)
        open = open && w->clients[i].open;
    return open;
}

static bool all_answered(void *user)
{
    struct world *w = user;
    bool answered = true;
    pump(w);
    for (unsigned i = 0; i < w->count; i++)
        answered = answered && w->clients[i].in_length > 0;
    return answered;
}

static bool all_ended(void *user)
{
    struct world *w = user;
    bool ended = true;
    pump(w);
    for (unsigned i = 0; i < w->count; i++)
        ended = ended && w->clients[i].ended;
    return ended;
}

static bool none_left(void *user)
{
    struct world *w = user;
    pump(w);
    return counted(w, DTLS_SESSIONS) == 0;
}

static bool pumped(void *user)
{
    pump(user);
    return false;
}

static void wait_for(struct world *w, condition_fn *condition)
{
    assert_true(run_until(w->loop, condition, w, 10000));
}

/* Does the client get back what it sends? */
static void assert_echo(struct world *w, struct dtls_client *client, const char *text)
{
    client->in_length = 0;
    dtls_client_send(client, text);
    struct world *all = w;
    for (unsigned i = 0; client->in_length == 0 && i < 200; i++)
        (void)run_until(all->loop, pumped, all, 10);
    assert_int_equal(client->in_length, strlen(text));
    assert_memory_equal(client->in, text, strlen(text));
}

/* ---- Talking ---- */

/* RFC 6347 section 4.2, RFC 5246 section 7.2.1 */
static void a_client_talks_and_says_goodbye(void **state)
{
    (void)state;
    struct world *w = world_of(&(struct dtls_limits){0});
    struct dtls_client *client = connect_client(w, NULL);
    wait_for(w, all_open);
    assert_string_equal(SSL_get_version(client->ssl), "DTLSv1.2");
    assert_echo(w, client, "hello");
    assert_echo(w, client, "again");
    assert_int_equal(counted(w, DTLS_ACCEPTED), 1);
    assert_int_equal(counted(w, DTLS_SESSIONS), 1);
    assert_int_equal(dtls_send(w->dtls, &w->last, SLICE("")), 0);
    char *large = calloc(1, DTLS_PAYLOAD_MAX + 1);
    assert_int_equal(dtls_send(w->dtls, &w->last, slice_of(large, DTLS_PAYLOAD_MAX + 1)),
                     ERR_LIMIT);
    free(large);
    assert_int_equal(SSL_shutdown(client->ssl), 0);
    wait_for(w, none_left);
    assert_int_equal(w->closed, 1);
    assert_int_equal(w->reason, STREAM_CLOSED_BY_PEER);
    wait_for(w, all_ended); /* it is answered by a close_notify */
    assert_int_equal(dtls_send(w->dtls, &w->last, SLICE("late")), ERR_CLOSED);
    free_world(w);
}

static void the_server_says_goodbye(void **state)
{
    (void)state;
    struct world *w = world_of(&(struct dtls_limits){0});
    struct dtls_client *client = connect_client(w, NULL);
    wait_for(w, all_open);
    w->end_at_once = true;
    dtls_client_send(client, "bye");
    wait_for(w, all_ended);
    assert_int_equal(SSL_get_shutdown(client->ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    assert_int_equal(counted(w, DTLS_SESSIONS), 0);
    assert_int_equal(w->closed, 0);
    dtls_end(w->dtls, &w->last);
    free_world(w);
}

/* RFC 7350 section 3: the suites that must be there for clients of old */
static void the_suites_of_stun_are_spoken(void **state)
{
    (void)state;
    static const char *const suites[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
                                         "ECDHE-ECDSA-AES256-GCM-SHA384",
                                         "ECDHE-ECDSA-CHACHA20-POLY1305"};
    struct world *w = world_of(&(struct dtls_limits){0});
    SSL_CTX *usual = w->context;
    for (unsigned i = 0; i < sizeof suites / sizeof *suites; i++) {
        w->context = dtls_client_context(suites[i]);
        struct dtls_client *client = connect_client(w, NULL);
        wait_for(w, all_open);
        assert_string_equal(SSL_get_cipher(client->ssl), suites[i]);
        BIO_meth_free(SSL_CTX_get_app_data(w->context));
        SSL_CTX_free(w->context);
        /* Its methods have gone. */
        SSL_free(client->ssl);
        close(client->fd);
        w->count = 0;
        client->ssl = NULL;
    }
    w->context = usual;
    free_world(w);
}

/* RFC 6347 section 4.2.4: flights are sent again */
static void loss_duplicates_and_disorder_are_overcome(void **state)
{
    (void)state;
    struct random random;
    random_seed(&random, 20);
    struct world *w = world_of(&(struct dtls_limits){0});
    for (unsigned i = 0; i < CLIENTS; i++) {
        w->clients[i].random = &random;
        w->clients[i].faults = 15;
        (void)connect_client(w, NULL);
    }
    wait_for(w, all_open);
    for (unsigned i = 0; i < CLIENTS; i++)
        w->clients[i].faults = 0;
    for (unsigned i = 0; i < CLIENTS; i++)
        dtls_client_send(&w->clients[i], "hello");
    wait_for(w, all_answered);
    assert_int_equal(counted(w, DTLS_ACCEPTED), CLIENTS);
    assert_int_equal(counted(w, DTLS_SESSIONS), CLIENTS);
    free_world(w);
}

/* ---- Strangers ---- */

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t memory_in_use(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    return mallinfo2().uordblks;
}

static bool hello_sent(void *user)
{
    struct world *w = user;
    pump(w);
    return w->clients[w->count - 1].hello_length > 0;
}

/* A first ClientHello, without a cookie. */
static void take_hello(struct world *w, char *ret_hello, size_t *ret_length)
{
    struct address deaf; /* nobody answers there */
    int fd = peer_udp(&deaf);
    struct address at = w->at;
    w->at = deaf;
    struct dtls_client *client = connect_client(w, NULL);
    wait_for(w, hello_sent);
    memcpy(ret_hello, client->hello, client->hello_length);
    *ret_length = client->hello_length;
    dtls_client_free(client);
    w->count--;
    w->at = at;
    close(fd);
}

static int socket_at(const char *text)
{
    struct address from = address_of(text);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &from.sa, address_length(&from)), 0);
    return fd;
}

static void send_from(const struct world *w, int fd, const void *data, size_t length)
{
    assert_int_equal(sendto(fd, data, length, 0, &w->at.sa, address_length(&w->at)), length);
}

struct count_wait {
    struct world *w;
    enum dtls_count which;
    int64_t wanted;
};

static bool has_counted(void *user)
{
    const struct count_wait *wait = user;
    pump(wait->w);
    return counted(wait->w, wait->which) >= wait->wanted;
}

static void wait_count(struct world *w, enum dtls_count which, int64_t wanted)
{
    struct count_wait wait = {w, which, wanted};
    assert_true(run_until(w->loop, has_counted, &wait, 10000));
}

/* RFC 6347 section 4.2.1 */
static void a_flood_of_hellos_costs_no_memory_and_is_not_amplified(void **state)
{
    (void)state;
    struct world *w = world_of(&(struct dtls_limits){0});
    char hello[DTLS_CLIENT_WIRE], answer[DTLS_CLIENT_WIRE], from[32];
    size_t length, before = 0;
    take_hello(w, hello, &length);
    for (unsigned i = 0; i < 3000; i++) {
        (void)snprintf(from, sizeof from, "127.2.%u.%u:0", i / 250, 1 + i % 250);
        int fd = socket_at(from);
        send_from(w, fd, hello, length);
        wait_count(w, DTLS_HELLOS, i + 1);
        if (i % 100 == 0) {
            ssize_t n = recv(fd, answer, sizeof answer, 0);
            assert_true(n > 0 && (size_t)n < length);
            assert_int_equal(answer[13], 3); /* hello_verify_request */
            assert_int_equal(recv(fd, answer, sizeof answer, 0), -1);
        }
        close(fd);
        if (i == 100)
            before = memory_in_use();
    }
    assert_true(memory_in_use() <= before + 4096);
    assert_int_equal(counted(w, DTLS_COOKIES), 3000);
    assert_int_equal(counted(w, DTLS_SESSIONS), 0);
    free_world(w);
}

static void a_cookie_is_good_for_its_own_address_and_time(void **state)
{
    (void)state;
    struct world *w = world_of(&(struct dtls_limits){0});
    struct dtls_client *client = connect_client(w, NULL);
    wait_for(w, all_open);
    int64_t cookies = counted(w, DTLS_COOKIES);
    int fd = socket_at("127.0.0.1:0"), far = socket_at("127.0.0.2:0");
    send_from(w, fd, client->hello, client->hello_length);
    send_from(w, far, client->hello, client->hello_length);
    wait_count(w, DTLS_COOKIES, cookies + 2);
    assert_int_equal(counted(w, DTLS_SESSIONS), 1);
    close(fd);
    close(far);
    /* From its own address, but after its time; the random is another one, so that it is no
     * repetition. */
    client->hello[30] ^= 1;
    ahead_ms = 121000;
    assert_int_equal(send(client->fd, client->hello, client->hello_length, 0),
                     client->hello_length);
    wait_count(w, DTLS_COOKIES, cookies + 3);
    ahead_ms = 0;
    assert_echo(w, client, "still here");
    free_world(w);
}

/* RFC 6347 section 4.2.8 */
static void a_client_that_begins_anew_takes_the_place_of_its_old_session(void **state)
{
    (void)state;
    struct world *w = world_of(&(struct dtls_limits){0});
    char hello[DTLS_CLIENT_WIRE];
    size_t length;
    take_hello(w, hello, &length);
    struct dtls_client *client = connect_client(w, NULL);
    wait_for(w, all_open);
    /* What anyone could send in its name changes nothing; nor does its own ClientHello, late. */
    assert_int_equal(send(client->fd, hello, length, 0), length);
    assert_int_equal(send(client->fd, client->hello, client->hello_length, 0),
                     client->hello_length);
    assert_echo(w, client, "still here");
    assert_int_equal(w->closed, 0);
    SSL *fresh = SSL_new(w->context);
    BIO *bio = SSL_get_rbio(client->ssl);
    (void)BIO_up_ref(bio);
    SSL_set_bio(fresh, bio, bio);
    SSL_set_mtu(fresh, 1200);
    SSL_set_connect_state(fresh);
    SSL_free(client->ssl);
    client->ssl = fresh;
    client->open = false;
    wait_for(w, all_open);
    assert_int_equal(w->closed, 1);
    assert_int_equal(counted(w, DTLS_SESSIONS), 1);
    assert_echo(w, client, "anew");
    free_world(w);
}

static void garbage_is_passed_over(void **state)
{
    (void)state;
    struct world *w = world_of(&(struct dtls_limits){0});
    struct dtls_client *client = connect_client(w, NULL);
    struct random random;
    char data[600];
    random_seed(&random, 7);
    wait_for(w, all_open);
    int fd = socket_at("127.0.0.1:0");
    for (unsigned i = 0; i < 400; i++) {
        size_t length = (size_t)random_below(&random, sizeof data);
        for (size_t k = 0; k < length; k++)
            data[k] = (char)random_u64(&random);
        if (i % 2 == 0 && length > 13) { /* like a record of application data, epoch 1 */
            static const uint8_t head[11] = {0x17, 0xfe, 0xfd, 0, 1};
            memcpy(data, head, sizeof head);
            data[11] = (char)((length - 13) >> 8);
            data[12] = (char)(length - 13);
        }
        (void)send(client->fd, data, length, 0);
        send_from(w, fd, data, length);
        (void)run_until(w->loop, pumped, w, 1);
    }
    close(fd);
    assert_echo(w, client, "still here");
    assert_int_equal(counted(w, DTLS_SESSIONS), 1);
    assert_int_equal(w->received, 1);
    assert_true(counted(w, DTLS_STRAY) > 350);
    free_world(w);
}

/* ---- Bounds ---- */

static void sessions_are_bounded_for_all_and_for_each_source(void **state)
{
    (void)state;
    struct world *w = world_of(&(struct dtls_limits){.sessions = 3, .per_source = 2});
    (void)connect_client(w, NULL);
    (void)connect_client(w, NULL);
    wait_for(w, all_open);
    (void)connect_client(w, NULL);
    wait_count(w, DTLS_REFUSED, 1);
    assert_false(w->clients[2].open);
    (void)connect_client(w, "127.0.0.2:0");
    (void)connect_client(w, "127.0.0.3:0");
    wait_count(w, DTLS_ACCEPTED, 3);
    wait_count(w, DTLS_REFUSED, 3);
    (void)run_until(w->loop, pumped, w, 20);
    assert_int_equal(counted(w, DTLS_SESSIONS), 3);
    /* One who goes makes room: for another source, then for the same. */
    assert_int_equal(SSL_shutdown(w->clients[0].ssl), 0);
    wait_count(w, DTLS_ACCEPTED, 4);
    assert_int_equal(counted(w, DTLS_SESSIONS), 3);
    free_world(w);
}

static void a_handshake_that_takes_too_long_ends(void **state)
{
    (void)state;
    struct world *w = world_of(&(struct dtls_limits){.handshake_ms = 150});
    struct dtls_client *client = connect_client(w, NULL);
    /* It brings the cookie back and falls silent. */
    wait_count(w, DTLS_HELLOS, 2);
    assert_int_equal(counted(w, DTLS_SESSIONS), 1);
    w->count = 0;
    wait_for(w, none_left);
    assert_int_equal(counted(w, DTLS_LATE), 1);
    assert_int_equal(w->closed, 0);
    dtls_client_free(client);
    free_world(w);
}

static void silence_ends_a_session(void **state)
{
    (void)state;
    struct world *w = world_of(&(struct dtls_limits){.idle_ms = 120});
    struct dtls_client *client = connect_client(w, NULL);
    wait_for(w, all_open);
    for (unsigned i = 0; i < 6; i++) {
        assert_echo(w, client, "here");
        (void)run_until(w->loop, pumped, w, 30);
    }
    assert_int_equal(counted(w, DTLS_IDLE), 0);
    wait_for(w, all_ended);
    assert_int_equal(counted(w, DTLS_IDLE), 1);
    assert_int_equal(w->reason, STREAM_IDLE);
    free_world(w);
}

static void new_certificates_are_shown_to_new_clients(void **state)
{
    (void)state;
    struct world *w = world_of(&(struct dtls_limits){0});
    struct tls_fault fault;
    struct dtls_client *first = connect_client(w, NULL);
    wait_for(w, all_open);
    struct tls_config two = make_config("two");
    assert_int_equal(tls_reload(w->tls, &two, &fault), 0);
    struct dtls_client *second = connect_client(w, NULL);
    wait_for(w, all_open);
    char name[16];
    X509 *certificate = SSL_get1_peer_certificate(first->ssl);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, 16);
    assert_string_equal(name, "one");
    X509_free(certificate);
    certificate = SSL_get1_peer_certificate(second->ssl);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, 16);
    assert_string_equal(name, "two");
    X509_free(certificate);
    assert_echo(w, first, "as before");
    free_world(w);
}

static void without_memory_it_is_not_opened(void **state)
{
    (void)state;
    struct world *w = world_of(&(struct dtls_limits){0});
    struct dtls_options options = {.local = address_of("127.0.0.1:0"),
                                   .tls = w->tls,
                                   .handler = {.on_datagram = on_datagram, .user = w},
                                   .counts = w->counts};
    size_t n = 0;
    bool failed;
    do {
        struct dtls *dtls = NULL;
        memory_fail_after(n++);
        int status = dtls_open(w->loop, &options, &dtls);
        failed = memory_fail_hit();
        assert_int_equal(status, failed ? ERR_NO_MEMORY : 0);
        dtls_close(dtls);
    } while (failed);
    free_world(w);
}

/* A client whose session there was no memory for comes back. */
static void without_memory_a_session_is_not_opened(void **state)
{
    (void)state;
    struct world *w = world_of(&(struct dtls_limits){0});
    if (MEMORY_FAULTS) {
        struct dtls_client *client = connect_client(w, NULL);
        memory_fail_after(0); /* the first that the layer asks for: the session */
        wait_count(w, DTLS_HELLOS, 2);
        assert_true(memory_fail_hit());
        assert_int_equal(counted(w, DTLS_SESSIONS), 0);
        wait_for(w, all_open);
        assert_echo(w, client, "there");
    }
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_talks_and_says_goodbye),
        cmocka_unit_test(the_server_says_goodbye),
        cmocka_unit_test(the_suites_of_stun_are_spoken),
        cmocka_unit_test(loss_duplicates_and_disorder_are_overcome),
        cmocka_unit_test(a_flood_of_hellos_costs_no_memory_and_is_not_amplified),
        cmocka_unit_test(a_cookie_is_good_for_its_own_address_and_time),
        cmocka_unit_test(a_client_that_begins_anew_takes_the_place_of_its_old_session),
        cmocka_unit_test(garbage_is_passed_over),
        cmocka_unit_test(sessions_are_bounded_for_all_and_for_each_source),
        cmocka_unit_test(a_handshake_that_takes_too_long_ends),
        cmocka_unit_test(silence_ends_a_session),
        cmocka_unit_test(new_certificates_are_shown_to_new_clients),
        cmocka_unit_test(without_memory_it_is_not_opened),
        cmocka_unit_test(without_memory_a_session_is_not_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
