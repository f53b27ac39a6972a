/* Nanoseconds of URIs, addresses, credentials, challenges and their check. */
#include <stdio.h>
#include <time.h>

#include "base/random.h"
#include "sip/auth/check.h"
#include "sip/message/address.h"
#include "sip/message/credentials.h"
#include "sip/message/date.h"

#define NOW    UINT64_C(1700000100000)
#define ROUNDS 200000

static struct random numbers;
static struct sip_auth auth;
static struct sip_message message;
static struct sip_message unknown;
static struct sip_message forged;
static struct sip_replay *replay;
static struct sip_uri uri_a, uri_b;
static char requests[4][1024];
static uint64_t clock_ms = NOW;

/* Keeps the compiler from leaving work out. */
static uint64_t use(uint64_t value)
{
    __asm__ volatile("" : "+r"(value) : : "memory");
    return value;
}

/* HA1 comes from memory, as it does in the program. */
static int lookup(void *user, struct slice name, struct slice realm,
                  enum sip_digest_algorithm algorithm, uint8_t *ret_ha1)
{
    (void)user;
    (void)realm;
    if (!slice_equal(name, SLICE("alice"))) {
        return -1;
    }
    memset(ret_ha1, 1, sip_digest_size(algorithm));
    return 0;
}

static void make_request(char *buffer, struct sip_message *ret_message, const char *user,
                         enum sip_digest_algorithm algorithm, bool ours)
{
    char nonce[SIP_NONCE_LENGTH];
    uint8_t ha1[SIP_DIGEST_MAX], response[SIP_DIGEST_MAX];
    struct sip_digest_input input = {.algorithm = algorithm,
                                     .ha1 = ha1,
                                     .method = SLICE("REGISTER"),
                                     .uri = SLICE("sip:atlanta.example.com"),
                                     .nc = SLICE("00000001"),
                                     .cnonce = SLICE("0a4f113b"),
                                     .qop = SLICE("auth")};
    sip_nonce_write(&auth.nonces, NOW, random_u64(&numbers), nonce);
    if (!ours) {
        nonce[0] ^= 1;
    }
    memset(ha1, 1, sizeof(ha1));
    input.nonce = slice_of(nonce, sizeof(nonce));
    sip_digest_response(&auth.digest, &input, response);
    struct writer w;
    struct sip_limits limits = {0};
    struct sip_fault fault;
    writer_init(&w, buffer, 1024);
    writer_format(
        &w,
        "REGISTER sip:atlanta.example.com SIP/2.0\r\nAuthorization: Digest username=\"%s\", "
        "realm=\"atlanta.example.com\", nonce=\"%.*s\", uri=\"sip:atlanta.example.com\", "
        "response=\"",
        user, SLICE_ARG(input.nonce));
    writer_hex_bytes(&w, response, sip_digest_size(algorithm));
    writer_format(&w, "\", algorithm=%.*s, cnonce=\"0a4f113b\", qop=auth, nc=00000001\r\n\r\n",
                  SLICE_ARG(sip_digest_name(algorithm)));
    sip_message_parse(writer_slice(&w), &limits, ret_message, &fault);
}

static void uri_parse(void)
{
    struct sip_uri uri;
    use((uint64_t)sip_uri_parse(SLICE("sip:alice@client.atlanta.example.com:5060;transport=tcp"),
                                &uri));
    use(uri.port);
}

static void uri_parse_ipv4(void)
{
    struct sip_uri uri;
    use((uint64_t)sip_uri_parse(SLICE("sip:bob@192.0.2.201:5060"), &uri));
    use(uri.port);
}

static void uri_equal(void)
{
    use(sip_uri_equal(&uri_a, &uri_b));
}

static void uri_aor(void)
{
    char buffer[128];
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    use((uint64_t)sip_uri_write_aor(&w, &uri_a));
}

static void address_parse_from(void)
{
    struct sip_address address;
    use((uint64_t)sip_address_parse(SLICE("Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl"),
                                    false, &address));
    use(address.tag.len);
}

static void contact_parse(void)
{
    struct sip_contact contact;
    use((uint64_t)sip_contact_parse(
        SLICE("<sip:alice@192.0.2.101:5060;transport=udp>;expires=3600"), &contact));
    use(contact.expires);
}

static void credentials_parse(void)
{
    struct sip_credentials credentials;
    use((uint64_t)sip_credentials_parse(
        sip_header_value(sip_message_first(&message, SIP_HEADER_AUTHORIZATION)), &credentials));
}

static void date_write(void)
{
    char buffer[32];
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    sip_date_write(&w, (int64_t)(++clock_ms / 1000));
    use(writer_length(&w));
}

static void nonce_write(void)
{
    char text[SIP_NONCE_LENGTH];
    use((uint64_t)sip_nonce_write(&auth.nonces, NOW, random_u64(&numbers), text));
    use((uint64_t)text[0]);
}

static void challenge(void)
{
    char buffer[512];
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    use((uint64_t)sip_auth_challenge(&auth, SIP_AUTH_OFFER_BEST_FIRST, false, false, NOW, &w));
}

static void check_of(struct sip_message *request)
{
    struct sip_auth_result result;
    use((uint64_t)sip_auth_check(&auth, request, SIP_HEADER_AUTHORIZATION, NOW, &result));
}

static void check_right(void)
{
    check_of(&message);
}

static void check_unknown(void)
{
    check_of(&unknown);
}

static void check_forged(void)
{
    check_of(&forged);
}

static void replay_new_nonce(void)
{
    struct sip_nonce nonce = {.issued_ms = ++clock_ms, .number = random_u64(&numbers)};
    use((uint64_t)sip_replay_accept(replay, &nonce, 1));
}

static void measure(const char *name, void (*body)(void))
{
    struct timespec start, end;
    double best = 1e9;
    for (unsigned run = 0; run < 5; run++) {
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (unsigned i = 0; i < ROUNDS; i++) {
            body();
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        double ns =
            ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) /
            ROUNDS;
        best = ns < best ? ns : best;
    }
    printf("%-52s %8.1f ns\n", name, best);
}

static int open_auth(void)
{
    random_seed(&numbers, 1);
    struct sip_auth_options options = {
        .realm = SLICE("atlanta.example.com"), .random = &numbers, .lookup = lookup};
    int rc = sip_replay_new(1 << 16, NOW - 1000, &replay);
    options.replay = replay;
    return rc < 0 ? rc : sip_auth_init(&auth, &options);
}

int main(void)
{
    if (open_auth() < 0) {
        return 1;
    }
    make_request(requests[1], &unknown, "nobody", SIP_DIGEST_SHA256, true);
    make_request(requests[2], &forged, "alice", SIP_DIGEST_SHA256, false);
    sip_uri_parse(SLICE("sip:alice@client.atlanta.example.com:5060;transport=tcp"), &uri_a);
    sip_uri_parse(SLICE("sip:alice@Client.atlanta.example.com:5060;transport=TCP"), &uri_b);
    measure("URI, name, port, one parameter", uri_parse);
    measure("URI, IPv4 and port", uri_parse_ipv4);
    measure("URI compared with an equal one", uri_equal);
    measure("address-of-record written", uri_aor);
    measure("From with its tag", address_parse_from);
    measure("Contact with URI and expires", contact_parse);
    measure("Date written", date_write);
    measure("nonce written", nonce_write);
    measure("challenge of two algorithms", challenge);
    make_request(requests[0], &message, "alice", SIP_DIGEST_SHA256, true);
    measure("credentials parsed", credentials_parse);
    measure("credentials checked, SHA-256", check_right);
    make_request(requests[3], &message, "alice", SIP_DIGEST_MD5, true);
    measure("credentials checked, MD5", check_right);
    measure("credentials checked, unknown user", check_unknown);
    measure("credentials checked, forged nonce", check_forged);
    measure("count of a new nonce remembered (full table)", replay_new_nonce);
    sip_auth_done(&auth);
    sip_replay_free(replay);
    return 0;
}
