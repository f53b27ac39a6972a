#include "unit/service/proxy/proxy_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

static void check(int status, const char *what)
{
    if (status >= 0)
        return;
    (void)fprintf(stderr, "proxy fixture: %s: %s\n", what, error_text(status));
    abort();
}

static struct address address_of(const char *host, uint16_t port)
{
    struct address address;
    check(address_parse_host(slice_from_string(host), port, &address), host);
    return address;
}

static void open_endpoint(struct proxy_fixture *f)
{
    struct loop_config loop = {.log = &f->log};
    unsigned failed;
    check(loop_new(&loop, &f->loop), "loop");
    f->endpoint_config = (struct endpoint_config){
        .listeners = {{TRANSPORT_UDP, address_of("127.0.0.1", 0)},
                      {TRANSPORT_TCP, address_of("127.0.0.1", 0)}},
        .listener_count = 2,
        .times = {500, 4000, 5000},
    };
    check(endpoint_new(f->loop, &f->endpoint_config, 1, NULL, &failed, &f->endpoint), "endpoint");
}

void proxy_fixture_open(struct proxy_fixture *f, const struct proxy_config *config)
{
    struct slice name = SLICE("example.com");
    struct address own = address_of("192.0.2.1", 5060);
    memset(f, 0, sizeof(*f));
    log_init(&f->log, 2, false, LOG_ERROR);
    open_endpoint(f);
    check(domains_new(&name, 1, &own, 1, &f->domains), "domains");
    static const uint8_t gruu_key[GRUU_KEY] = {1};
    struct proxy_parts parts = {
        .endpoint = f->endpoint, .domains = f->domains, .gruu_key = gruu_key};
    check(proxy_new(config, &parts, &f->proxy), "proxy");
}

void proxy_fixture_close(struct proxy_fixture *f)
{
    proxy_free(f->proxy);
    domains_free(f->domains);
    endpoint_free(f->endpoint);
    loop_free(f->loop);
}

int proxy_fixture_take(struct proxy_fixture *f, const char *method, const char *uri,
                       const char *lines)
{
    struct sip_fault fault = {0};
    int length = snprintf(f->text, sizeof(f->text),
                          "%s %s SIP/2.0\r\n%s"
                          "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKabc\r\n"
                          "From: <sip:alice@example.com>;tag=a\r\n"
                          "To: <sip:bob@example.com>;tag=b\r\n"
                          "Call-ID: c\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
                          method, uri, lines, method);
    check(sip_message_parse(slice_of(f->text, (size_t)length), NULL, &f->in, &fault), fault.reason);
    check(sip_message_check(&f->in, &fault), fault.reason);
    arena_reset(&f->proxy->arena);
    f->fault = (struct proxy_fault){0};
    struct flow flow = {.transport = TRANSPORT_UDP,
                        .local = endpoint_listener_address(f->endpoint, 0),
                        .remote = address_of("192.0.2.9", 5060)};
    struct endpoint_request request;
    endpoint_request_init(f->endpoint, &f->in, &flow, &request);
    return proxy_route_examine(f->proxy, &request, &f->info, &f->fault);
}

void proxy_fixture_forward(struct proxy_fixture *f, const struct proxy_target *target)
{
    struct flow flow = {.transport = TRANSPORT_UDP,
                        .local = endpoint_listener_address(f->endpoint, 0),
                        .remote = address_of("127.0.0.1", 9)};
    struct flow arrived = flow;
    struct sip_fault fault = {0};
    struct slice bytes;
    arrived.remote = address_of("192.0.2.9", 5060);
    struct proxy_forward forward = {
        .msg = &f->in,
        .info = &f->info,
        .target = target,
        .arrived = &arrived,
        .leaves = &flow,
        .branch = {.key = 1, .loop = f->info.loop},
        .breadth = f->info.max_breadth,
    };
    check(proxy_forward_write(f->proxy, &forward, &bytes), "forward");
    memcpy(f->sent, bytes.ptr, bytes.len);
    check(sip_message_parse(slice_of(f->sent, bytes.len), NULL, &f->out, &fault), fault.reason);
    check(sip_message_check(&f->out, &fault), fault.reason);
}

const char *proxy_fixture_values(struct proxy_fixture *f, enum sip_header_id id)
{
    static char text[4096];
    struct sip_values values;
    struct slice value;
    struct writer w;
    writer_init(&w, text, sizeof(text) - 1);
    sip_values_init(&values, &f->out, id);
    while (sip_values_next(&values, &value)) {
        if (writer_length(&w) > 0)
            writer_literal(&w, ", ");
        writer_put(&w, value);
    }
    *w.at = '\0';
    return text;
}
