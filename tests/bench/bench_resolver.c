/* What it costs to find the server of a call when DNS need not be asked any more (RFC 3263),
 * against a numeric host. A thread here plays the DNS server. */
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stack/resolver.h"

#define ROUNDS 200000
#define RUNS   5

static struct loop *loop;
static struct resolver *resolver;
static struct health *health;
static uint64_t seed;

/* ---- a DNS server with one zone ---- */

struct zone_record {
    const char *name;
    uint8_t type;
    const char *data; /* of length bytes */
    size_t length;
};

#define RECORD(name, type, data)                                                                   \
    {                                                                                              \
        name, type, data, sizeof(data) - 1                                                         \
    }
static const struct zone_record zone[] = {
    RECORD("many.example", 35, "\0\12\0\12\1s\7SIP+D2U\0\4_sip\4_udp\4many\7example\0"),
    RECORD("_sip._udp.many.example", 33, "\0\12\0\12\23\304\1a\4many\7example\0"),
    RECORD("_sip._udp.many.example", 33, "\0\12\0\36\23\304\1b\4many\7example\0"),
    RECORD("_sip._udp.many.example", 33, "\0\24\0\12\23\304\1c\4many\7example\0"),
    RECORD("a.many.example", 1, "\300\0\2\1"),
    RECORD("b.many.example", 1, "\300\0\2\2"),
    RECORD("c.many.example", 1, "\300\0\2\3"),
    RECORD("plain.example", 1, "\300\0\2\4"),
};

/* The question's name in text, and where it ends in the packet. */
static size_t read_name(const uint8_t *packet, size_t length, char *ret_name)
{
    size_t at = 12, out = 0;
    while (at < length && packet[at] != 0 && at + packet[at] < length && out + packet[at] < 250) {
        if (out > 0)
            ret_name[out++] = '.';
        memcpy(ret_name + out, packet + at + 1, packet[at]);
        out += packet[at];
        at += 1u + packet[at];
    }
    ret_name[out] = '\0';
    return at + 5;
}

static size_t answer(uint8_t *packet, size_t length, size_t room)
{
    char name[256];
    size_t end = read_name(packet, length, name);
    unsigned count = 0;
    for (size_t i = 0; i < sizeof zone / sizeof *zone; i++) {
        const struct zone_record *record = &zone[i];
        if (packet[end - 3] != record->type || strcasecmp(name, record->name) != 0 ||
            end + 12 + record->length > room)
            continue;
        const uint8_t head[] = {0xc0, 12, 0,  record->type, 0, 1,
                                0,    0,  14, 16,           0, (uint8_t)record->length};
        memcpy(packet + end, head, sizeof head);
        memcpy(packet + end + sizeof head, record->data, record->length);
        end += sizeof head + record->length;
        count++;
    }
    packet[2] = 0x84;
    packet[3] = count > 0 ? 0x80 : 0x83;
    packet[7] = (uint8_t)count;
    memset(packet + 8, 0, 4);
    return end;
}

static void *serve(void *user)
{
    int fd = *(int *)user;
    uint8_t packet[2048];
    for (;;) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t length = recvfrom(fd, packet, 512, 0, (struct sockaddr *)&from, &size);
        if (length < 17)
            return NULL;
        size_t out = answer(packet, (size_t)length, sizeof packet);
        (void)sendto(fd, packet, out, 0, (struct sockaddr *)&from, size);
    }
}

static int start_server(int *fd, pthread_t *thread, struct address *ret_address)
{
    struct sockaddr_in local = {.sin_family = AF_INET,
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof local;
    *fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (*fd < 0 || bind(*fd, (struct sockaddr *)&local, size) < 0 ||
        getsockname(*fd, (struct sockaddr *)&local, &size) < 0)
        return -1;
    *ret_address = (struct address){.in4 = local};
    return pthread_create(thread, NULL, serve, fd);
}

/* ---- measuring ---- */

static void on_plan(void *user)
{
    (void)user;
    loop_stop(loop);
}

static int locate(const struct sip_uri *uri)
{
    struct resolver_plan *plan;
    struct endpoint_target target;
    struct resolver_ask ask = {.uri = uri, .seed = ++seed, .done = on_plan};
    int status = resolver_locate(resolver, &ask, &target, &plan);
    while (status == 0) {
        (void)loop_run(loop);
        status = resolver_next(plan, &target);
    }
    resolver_forget(plan);
    return status;
}

static int measure(const char *name, const char *text)
{
    struct sip_uri uri;
    double best = 1e9;
    if (sip_uri_parse(slice_from_string(text), &uri) < 0)
        return 1;
    for (unsigned i = 0; i < 100; i++) { /* until every address is known */
        if (locate(&uri) != 1) {
            fprintf(stderr, "%s: no server found\n", text);
            return 1;
        }
    }
    for (unsigned run = 0; run < RUNS; run++) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (unsigned i = 0; i < ROUNDS; i++)
            (void)locate(&uri);
        clock_gettime(CLOCK_MONOTONIC, &end);
        double ns =
            ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) /
            ROUNDS;
        best = ns < best ? ns : best;
    }
    printf("%-52s %8.1f ns\n", name, best);
    return 0;
}

static int measure_report(void)
{
    struct address address;
    struct timespec start, end;
    if (address_parse(SLICE("192.0.2.1:5060"), &address) < 0)
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (unsigned i = 0; i < ROUNDS; i++)
        resolver_report(resolver, TRANSPORT_UDP, &address, HEALTH_OK, 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%-52s %8.1f ns\n", "a good answer reported",
           ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) /
               ROUNDS);
    return 0;
}

int main(void)
{
    static struct log log;
    static struct hash_key key = {1, 2};
    int fd;
    pthread_t thread;
    struct dns_config dns = {.server_count = 1, .hosts = "/dev/null"};
    log_init(&log, 2, false, LOG_ERROR);
    struct loop_config config = {.log = &log};
    if (start_server(&fd, &thread, &dns.servers[0]) != 0 || loop_new(&config, &loop) < 0 ||
        dns_configure(loop, &dns) < 0 || health_new(&key, &health) < 0)
        return 1;
    struct resolver_config options = {.loop = loop, .health = health};
    options.speaks.family[TRANSPORT_UDP][0] = options.speaks.family[TRANSPORT_TCP][0] = true;
    if (resolver_new(&options, &resolver) < 0)
        return 1;
    int failed = measure("server of a numeric host", "sip:bob@192.0.2.7:5060");
    failed |= measure("server of a name with a port, known", "sip:bob@plain.example:5060");
    failed |= measure("server by NAPTR, 3 SRV, A, known", "sip:bob@many.example");
    failed |= measure_report();
    resolver_free(resolver);
    loop_free(loop);
    health_free(health);
    (void)shutdown(fd, SHUT_RDWR);
    return failed;
}
