/* What the transaction layer alone costs a proxy per call (INVITE, 100, 180, 200, ACK, BYE, 200:
 * two server and two client transactions), without parsing and without sockets, while the
 * transactions of the last 32 seconds linger; and the memory that they take.
 *
 * bench_transaction [CALLS_PER_SECOND [SECONDS]]: of virtual time */
#include "base/error.h"
#include "sip/transaction/transaction.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define WARM_MS 40000 /* from here on as many end as begin */

struct text {
    char bytes[1024];
    size_t len;
    char *branch; /* its digits, in bytes */
    char *call;
    struct sip_message message;
};

static uint64_t sent;

static int count_send(void *user, const struct flow *flow, struct slice data)
{
    (void)user;
    (void)flow;
    sent += data.len;
    return 0;
}

static void prepare(struct text *t, const char *start_line, const char *via, const char *cseq)
{
    static const char body[] = "v=0\r\no=alice 2890844526 2890844526 IN IP4 127.0.0.1\r\ns=-\r\n"
                               "c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0 8\r\n"
                               "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n";
    t->len =
        (size_t)snprintf(t->bytes, sizeof t->bytes,
                         "%s\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=%s;rport\r\n"
                         "Via: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK-524287-1-8c2f3a;rport\r\n"
                         "Max-Forwards: 69\r\n"
                         "From: \"Alice\" <sip:alice@example.com>;tag=9fxced76sl\r\n"
                         "To: <sip:bob@example.com>;tag=8321234356\r\n"
                         "Call-ID: 00000000-4a7d-11ee-be56@127.0.0.1\r\n"
                         "CSeq: 1 %s\r\n"
                         "Contact: <sip:alice@127.0.0.1:5080;transport=udp>\r\n"
                         "Content-Type: application/sdp\r\n"
                         "Content-Length: %zu\r\n\r\n%s",
                         start_line, via, cseq, sizeof body - 1, body);
    struct sip_fault fault;
    if (sip_message_parse(slice_of(t->bytes, t->len), &(struct sip_limits){0}, &t->message,
                          &fault) != 0 ||
        sip_message_check(&t->message, &fault) != 0) {
        (void)fprintf(stderr, "%s\n", fault.reason);
        exit(1);
    }
    t->branch = strstr(t->bytes, "branch=z9hG4bK") + 14;
    t->call = strstr(t->bytes, "Call-ID: ") + 9;
}

static void put_hex(char *at, uint64_t value, unsigned digits)
{
    struct writer w;
    writer_init(&w, at, digits);
    writer_hex(&w, value, digits);
}

static struct wheel wheel;
static struct sip_transactions layer;
static struct text invite, ack, bye, trying, ringing, invite_ok, bye_ok;

static const struct sip_client_tx_user client_user;
static const struct sip_server_tx_user server_user;

static struct slice whole(const struct text *t)
{
    return slice_of(t->bytes, t->len);
}

static struct sip_server_tx *serve(struct text *t, const struct flow *flow)
{
    struct sip_server_tx *tx;
    if (sip_transactions_on_request(&layer, &t->message, &tx) != SIP_REQUEST_NEW ||
        sip_server_tx_new(&layer, &t->message, flow, &server_user, NULL, &tx) != 0)
        exit(1);
    return tx;
}

static void forward(const struct text *t, enum sip_method method, const struct flow *flow,
                    struct sip_branch *ret_branch)
{
    struct sip_client_tx *tx;
    *ret_branch = sip_branch_new(&layer, 0);
    struct sip_client_tx_start start = {.flow = *flow,
                                        .request = whole(t),
                                        .method = method,
                                        .branch = *ret_branch,
                                        .handler = &client_user};
    if (sip_client_tx_new(&layer, &start, &tx) != 0)
        exit(1);
}

static void answer(struct text *t, const struct sip_branch *branch)
{
    put_hex(t->branch + 4, branch->key, 16);
    if (!sip_transactions_on_response(&layer, &t->message))
        exit(1);
}

static void call(uint64_t number, const struct flow *flow)
{
    struct sip_branch branch;
    put_hex(invite.branch + 1, number, 16);
    put_hex(ack.branch + 1, number + (UINT64_C(1) << 40), 16);
    put_hex(bye.branch + 1, number + (UINT64_C(1) << 50), 16);
    struct sip_server_tx *server = serve(&invite, flow);
    (void)sip_server_tx_respond(server, 100, whole(&trying));
    forward(&invite, SIP_INVITE, flow, &branch);
    answer(&ringing, &branch);
    (void)sip_server_tx_respond(server, 180, whole(&ringing));
    answer(&invite_ok, &branch);
    (void)sip_server_tx_respond(server, 200, whole(&invite_ok));
    if (sip_transactions_on_request(&layer, &ack.message, &server) != SIP_REQUEST_ACK)
        exit(1);
    server = serve(&bye, flow);
    forward(&bye, SIP_BYE, flow, &branch);
    answer(&bye_ok, &branch);
    (void)sip_server_tx_respond(server, 200, whole(&bye_ok));
}

/* Of this process: other load on the machine does not count. */
static uint64_t cpu_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static size_t resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long size = 0, pages = 0;
    if (file == NULL || fscanf(file, "%lu %lu", &size, &pages) != 2)
        exit(1);
    (void)fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void prepare_all(void)
{
    static const char request_branch[] = "z9hG4bK-0000000000000000";
    static const char our_branch[] = "z9hG4bKtz010000000000000000.0000000000000000";
    prepare(&invite, "INVITE sip:bob@example.com SIP/2.0", request_branch, "INVITE");
    prepare(&ack, "ACK sip:bob@127.0.0.1:5090 SIP/2.0", request_branch, "ACK");
    prepare(&bye, "BYE sip:bob@127.0.0.1:5090 SIP/2.0", request_branch, "BYE");
    prepare(&trying, "SIP/2.0 100 Trying", our_branch, "INVITE");
    prepare(&ringing, "SIP/2.0 180 Ringing", our_branch, "INVITE");
    prepare(&invite_ok, "SIP/2.0 200 OK", our_branch, "INVITE");
    prepare(&bye_ok, "SIP/2.0 200 OK", our_branch, "BYE");
}

int main(int argc, char **argv)
{
    unsigned per_second = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;
    unsigned seconds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 80;
    struct random random;
    random_seed(&random, 1);
    wheel_init(&wheel, 0);
    struct sip_transactions_config config = {
        .times = {500, 4000, 5000}, .worker = 1, .send = count_send};
    size_t before = resident();
    if (per_second < 1000 || sip_transactions_init(&layer, &config, &wheel, &random) != 0)
        return 1;
    prepare_all();
    struct flow flow = {.transport = TRANSPORT_UDP};
    uint64_t number = 0;
    uint64_t warm_us = 0;
    uint64_t warm_number = 0;
    for (uint64_t ms = 1; ms <= seconds * UINT64_C(1000); ms++) {
        if (ms == WARM_MS) {
            warm_us = cpu_us();
            warm_number = number;
        }
        wheel_advance(&wheel, ms);
        for (unsigned i = 0; i < per_second / 1000; i++)
            call(number++, &flow);
    }
    uint64_t took_us = cpu_us() - warm_us;
    size_t count = sip_transactions_count(&layer);
    size_t memory = resident() - before;
    printf("%u calls/s of virtual time: %zu transactions linger\n", per_second, count);
    if (number > warm_number && warm_us > 0)
        printf("%.2f us of CPU per call\n", (double)took_us / (double)(number - warm_number));
    printf("%zu bytes per lingering transaction (kept messages included), %zu of kept messages\n",
           count > 0 ? memory / count : 0, count > 0 ? layer.blocks.bytes / count : 0);
    sip_transactions_done(&layer);
    return sent > 0 ? 0 : 1;
}
