/* Nanoseconds to parse one INVITE, ours and, where their libraries are installed, others'. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "peer_parser.h"
#include "sip/message/address.h"
#include "sip/message/cseq.h"
#include "sip/message/frame.h"
#include "sip/message/message.h"
#include "sip/message/via.h"

static const char invite[] =
    "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP ss1.atlanta.example.com:5060;branch=z9hG4bK2d4790.1\r\n"
    "Via: SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK74b43;received=192.0.2.101\r\n"
    "Max-Forwards: 69\r\n"
    "Route: <sip:ss2.biloxi.example.com;lr>\r\n"
    "From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n"
    "To: Bob <sip:bob@biloxi.example.com>\r\n"
    "Call-ID: 2xTb9vxSit55XU7p8@atlanta.example.com\r\n"
    "CSeq: 1 INVITE\r\n"
    "Contact: <sip:alice@client.atlanta.example.com>\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
    "Supported: replaces, outbound\r\n"
    "User-Agent: Example Phone 1.0\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 151\r\n"
    "\r\n"
    "v=0\r\n"
    "o=alice 2890844526 2890844526 IN IP4 client.atlanta.example.com\r\n"
    "s=-\r\n"
    "c=IN IP4 192.0.2.101\r\n"
    "t=0 0\r\n"
    "m=audio 49172 RTP/AVP 0\r\n"
    "a=rtpmap:0 PCMU/8000\r\n";

static const struct slice message = {invite, sizeof(invite) - 1};
static struct sip_message msg;

/* Keeps the compiler from leaving work out. */
static void use(const void *result)
{
    __asm__ volatile("" : : "r"(result) : "memory");
}

static void must(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "bench_parse: %s failed\n", what);
        exit(1);
    }
}

static void parse_table(void)
{
    struct sip_fault fault;
    must(sip_message_parse(message, NULL, &msg, &fault) == 0, "parse");
    use(&msg);
}

static void check(void)
{
    struct sip_fault fault;
    must(sip_message_check(&msg, &fault) == 0, "check");
}

static void via(void)
{
    struct sip_via result;
    must(sip_via_parse(sip_message_value(&msg, SIP_HEADER_VIA), &result) == 0, "Via");
    use(&result);
}

static void address(enum sip_header_id id)
{
    struct sip_address result;
    must(sip_address_parse(sip_message_value(&msg, id), false, &result) == 0, "address");
    use(&result);
}

static void from(void)
{
    address(SIP_HEADER_FROM);
}

static void to(void)
{
    address(SIP_HEADER_TO);
}

static void route(void)
{
    address(SIP_HEADER_ROUTE);
}

static void contact(void)
{
    struct sip_contact result;
    must(sip_contact_parse(sip_message_value(&msg, SIP_HEADER_CONTACT), &result) == 0, "Contact");
    use(&result);
}

static void cseq(void)
{
    struct sip_cseq result;
    must(sip_cseq_parse(sip_message_value(&msg, SIP_HEADER_CSEQ), &result) == 0, "CSeq");
    use(&result);
}

static void parse_values(void)
{
    via();
    from();
    to();
    cseq();
    contact();
    route();
}

static void parse_fully(void)
{
    parse_table();
    parse_values();
}

static void parse_and_check(void)
{
    parse_table();
    check();
}

static void frame(void)
{
    size_t scanned = 0;
    struct sip_frame result = sip_frame_next(message, NULL, &scanned);
    must(result.kind == SIP_FRAME_MESSAGE && result.length == message.len, "frame");
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The best of several batches: what the code costs, without what else the machine did. */
static double measure(void (*what)(void))
{
    enum { BATCHES = 40 };
    unsigned count = 100;
    double best = 1e9;
    for (int i = 0; i < BATCHES; i++) {
        double start = seconds();
        for (unsigned n = 0; n < count; n++) {
            what();
        }
        double took = seconds() - start;
        if (took < 0.005) {
            count *= 2;
        }
        double each = took / count * 1e9;
        best = each < best ? each : best;
    }
    return best;
}

static double show(const char *name, void (*what)(void))
{
    what();
    double ns = measure(what);
    printf("  %-52s %8.0f ns\n", name, ns);
    return ns;
}

static const struct peer_parser *peer;

static void parse_by_peer(void)
{
    must(peer->parse(message), peer->name);
}

int main(void)
{
    size_t header = message.len - 151;
    printf("parse: one INVITE, %zu bytes of header (14 lines), 151 of body\n", header);
    show("sip_message_parse: header table", parse_table);
    show("  top Via", via);
    show("  From", from);
    show("  To", to);
    show("  CSeq", cseq);
    show("  Contact with its URI", contact);
    show("  Route", route);
    double ours = show("all of these: the INVITE fully parsed", parse_fully);
    show("sip_message_check alone", check);
    show("sip_message_parse and sip_message_check", parse_and_check);
    show("sip_frame_next", frame);
    for (unsigned i = 0; i < peer_parser_count; i++) {
        peer = &peer_parsers[i];
        if (!peer->load()) {
            printf("  %-52s not installed\n", peer->name);
            continue;
        }
        double theirs = show(peer->name, parse_by_peer);
        printf("  %-52s %8.1f times ours\n", "", theirs / ours);
    }
    return 0;
}
