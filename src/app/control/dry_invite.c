#include "app/control/dry_invite.h"

#include "app/control/answer.h"
#include "base/error.h"
#include "base/memory.h"
#include "sip/auth/replay.h"
#include "sip/message/via.h"

#define CHECK_MS 10

struct run {
    const struct dry_parts *parts;
    struct dry_steps steps;
    json_t *sends;
    struct endpoint_config config;
    struct endpoint_dry dry;
    struct loop *loop;
    struct endpoint *endpoint;
    struct authenticator *authenticator;
    struct sip_replay *replay;
    struct proxy *proxy;
    struct timer check;
    struct sip_message message;
    uint64_t until_ms;
    bool ends; /* what is sent from now on is not looked at */
};

/* ---- what leaves ---- */

/* Retransmissions leave as well; they are told once. */
static bool told(const struct run *run, const char *text)
{
    size_t i;
    json_t *send;
    json_array_foreach(run->sends, i, send)
    {
        if (strcmp(json_string_value(json_object_get(send, "message")), text) == 0)
            return true;
    }
    return false;
}

static void on_send(void *user, const struct flow *flow, struct slice data)
{
    struct run *run = user;
    char to[ADDRESS_TEXT_MAX];
    struct slice transport = transport_via_name((enum transport)flow->transport), rest = data;
    json_t *text = run->ends ? NULL : answer_text(data);
    if (text == NULL || told(run, json_string_value(text))) {
        json_decref(text);
        return;
    }
    struct slice first = slice_trim(slice_cut(&rest, '\n'));
    locate_say(&run->steps.trace, "RFC 3261 18", "to %s by %.*s: %.*s",
               address_text(&flow->remote, to), SLICE_ARG(transport), SLICE_ARG(first));
    json_array_append_new(run->sends, json_pack("{s:o, s:s, s:o}", "transport",
                                                answer_text(transport), "to", to, "message", text));
}

/* ---- what comes ---- */

static void on_request(void *user, const struct endpoint_request *request)
{
    struct run *run = user;
    proxy_on_request(run->proxy, request);
}

static void on_ack(void *user, const struct endpoint_request *request)
{
    struct run *run = user;
    proxy_on_ack(run->proxy, request);
}

static bool top_via(struct run *run, struct slice message, struct sip_via *ret_via)
{
    struct sip_limits limits = {.message = UINT32_MAX,
                                .headers = SIP_MESSAGE_HEADERS_MAX,
                                .header_bytes = UINT32_MAX,
                                .uri = UINT32_MAX,
                                .body = UINT32_MAX,
                                .values = UINT32_MAX};
    struct sip_fault fault;
    (void)sip_message_parse(message, &limits, &run->message, &fault);
    struct slice values = sip_message_value(&run->message, SIP_HEADER_VIA), top;
    return sip_list_next(&values, &top) && sip_via_parse(top, ret_via) == 0;
}

/* A listener of the transport and family, else the first. */
static unsigned listener_for(const struct endpoint_config *config, enum transport transport,
                             bool v6)
{
    for (unsigned i = 0; i < config->listener_count; i++) {
        if (config->listeners[i].transport == transport &&
            address_is_v6(&config->listeners[i].local) == v6)
            return i;
    }
    return 0;
}

/* Where it would come from, as its top Via says. */
static struct flow source_of(struct run *run, struct slice message)
{
    struct sip_via via = {.port = 0};
    enum transport transport = TRANSPORT_UDP;
    struct address remote;
    char text[ADDRESS_TEXT_MAX];
    bool has = top_via(run, message, &via);
    if (has)
        (void)transport_lookup(via.transport, &transport);
    uint16_t port = via.rport_value ? via.rport_value
                    : via.port      ? via.port
                                    : transport_default_port(transport);
    if (!has || (address_parse_host(via.received, port, &remote) < 0 &&
                 address_parse_host(via.host, port, &remote) < 0))
        (void)address_parse_host(SLICE("127.0.0.1"), port, &remote);
    unsigned i = listener_for(&run->config, transport, address_is_v6(&remote));
    const struct endpoint_listener *listener = &run->config.listeners[i];
    locate_say(&run->steps.trace, "RFC 3261 18.2.1", "it comes from %s by %.*s",
               address_text(&remote, text),
               SLICE_ARG(transport_via_name((enum transport)listener->transport)));
    return (struct flow){.transport = listener->transport,
                         .listener = (uint16_t)i,
                         .connection = listener->transport == TRANSPORT_UDP ? 0 : 1,
                         .local = listener->local,
                         .remote = remote};
}

/* ---- running ---- */

static int open_services(struct run *run)
{
    const struct dry_parts *parts = run->parts;
    const struct app_config *config = parts->settings->config;
    struct authenticator_parts authenticator = {.endpoint = run->endpoint,
                                                .accounts = parts->accounts,
                                                .domains = parts->settings->domains,
                                                .replay = run->replay};
    int status = authenticator_new(&config->authenticator, &authenticator, &run->authenticator);
    if (status < 0)
        return status;
    struct proxy_parts proxy = {.endpoint = run->endpoint,
                                .authenticator = run->authenticator,
                                .location = parts->location,
                                .accounts = parts->accounts,
                                .domains = parts->settings->domains,
                                .health = parts->health,
                                .trace = &run->steps.trace};
    uint8_t gruu_key[GRUU_KEY];
    if (parts->secrets != NULL) {
        proxy.token_key = parts->secrets->token_key;
        proxy.gruu_key = parts->secrets->gruu_key;
        proxy.run = parts->secrets->run;
        return proxy_new(&config->proxy, &proxy, &run->proxy);
    }
    status = random_secret(gruu_key, sizeof gruu_key);
    if (status < 0)
        return status;
    proxy.token_key = random_hash_key(loop_random(run->loop));
    proxy.gruu_key = gruu_key;
    return proxy_new(&config->proxy, &proxy, &run->proxy);
}

static int open_run(struct run *run)
{
    const struct dry_parts *parts = run->parts;
    struct loop_config loop = {.log = parts->log};
    unsigned failed;
    run->config = parts->settings->config->endpoint;
    run->config.overload_control = false;
    run->dry = (struct endpoint_dry){.send = on_send, .user = run};
    run->config.dry = &run->dry;
    int status = dry_steps_init(&run->steps);
    if (status == 0)
        status = loop_new(&loop, &run->loop);
    if (status == 0)
        status = dns_configure(run->loop, &parts->settings->config->dns);
    if (status == 0)
        status = sip_replay_new(64, (uint64_t)loop_wall_ms(run->loop), &run->replay);
    if (status == 0)
        status = endpoint_new(run->loop, &run->config, 1, NULL, &failed, &run->endpoint);
    if (status < 0)
        return status;
    endpoint_set_outside(run->endpoint, &parts->settings->outside);
    return open_services(run);
}

static void close_run(struct run *run)
{
    run->ends = true;
    if (run->proxy != NULL)
        wheel_stop(loop_wheel(run->loop), &run->check);
    proxy_free(run->proxy);
    authenticator_free(run->authenticator);
    endpoint_free(run->endpoint);
    sip_replay_free(run->replay);
    loop_free(run->loop);
}

/* All that depends on DNS has its answer, or has had its time. */
static void on_check(struct timer *timer)
{
    struct run *run = container_of(timer, struct run, check);
    if (proxy_waits_for_dns(run->proxy) && loop_now_ms(run->loop) < run->until_ms)
        wheel_start(loop_wheel(run->loop), timer, CHECK_MS);
    else
        loop_stop(run->loop);
}

static void play(struct run *run, struct slice message)
{
    struct endpoint_user user = {.on_request = on_request, .on_ack = on_ack, .user = run};
    struct flow flow = source_of(run, message);
    endpoint_set_user(run->endpoint, &user);
    timer_init(&run->check, on_check);
    run->until_ms = loop_now_ms(run->loop) + DRY_WAIT_MS;
    endpoint_take(run->endpoint, &flow, message);
    wheel_start(loop_wheel(run->loop), &run->check, 0);
    (void)loop_run(run->loop);
    if (proxy_waits_for_dns(run->proxy))
        locate_say(&run->steps.trace, "RFC 3263 4", "DNS has not answered within %d s",
                   DRY_WAIT_MS / 1000);
}

/* Editors write lines without CR. */
static struct slice with_crlf(struct slice text, char *buf, size_t size)
{
    struct writer w;
    if (memmem(text.ptr, text.len, "\r\n", 2) != NULL)
        return text;
    writer_init(&w, buf, size);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n')
            writer_char(&w, '\r');
        writer_char(&w, text.ptr[i]);
    }
    /* The empty line that ends the headers is easily lost at the end of a file. */
    if (memmem(buf, writer_length(&w), "\r\n\r\n", 4) == NULL)
        writer_literal(&w, "\r\n");
    return writer_status(&w) == 0 ? writer_slice(&w) : text;
}

/* Why nothing leaves. */
static const char *reason(struct run *run, struct slice message)
{
    struct sip_message parsed;
    struct sip_fault fault;
    int status = sip_message_parse(message, &run->config.limits, &parsed, &fault);
    if (status == 0)
        status = sip_message_check(&parsed, &fault);
    if (status == 0)
        return "nothing would leave: it is dropped";
    locate_say(&run->steps.trace, "RFC 3261 7", "it is malformed: %s", fault.reason);
    return "nothing would leave: it is malformed";
}

json_t *dry_invite(const struct dry_parts *parts, struct slice message)
{
    size_t size = 2 * message.len + 16;
    struct run *run = memory_zalloc(1, sizeof *run);
    char *buf = memory_alloc(size);
    json_t *answer = NULL;
    if (run != NULL && buf != NULL) {
        run->parts = parts;
        run->sends = json_array();
        const char *error = "out of memory";
        if (run->sends != NULL && open_run(run) == 0) {
            struct slice whole = with_crlf(message, buf, size);
            play(run, whole);
            error = json_array_size(run->sends) > 0 ? NULL : reason(run, whole);
        }
        close_run(run);
        answer = json_pack("{s:o, s:o, s:s?}", "steps", dry_steps_take(&run->steps), "sends",
                           run->sends, "error", error);
    }
    memory_free(buf);
    memory_free(run);
    return answer;
}
