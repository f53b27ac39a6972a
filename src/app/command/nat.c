#include <ctype.h>
#include <signal.h>
#include <stdio.h>

#include "app/command/ask.h"
#include "app/config/number.h"
#include "app/nat/server.h"
#include "app/nat/words.h"
#include "base/error.h"
#include "stun/lifetime.h"

#define LIFETIME_USUAL_MS 5000u

static void progress(const char *text)
{
    fprintf(stderr, "%s\n", text);
}

/* "30", "30s", "5m"; 0 switches the measuring off. */
static int lifetime_of(const struct options *options, uint32_t *ret_ms)
{
    char text[32];
    uint64_t ms = LIFETIME_USUAL_MS;
    const char *given = options->lifetime;
    if (given != NULL) {
        size_t length = strlen(given);
        bool plain = length > 0 && isdigit((unsigned char)given[length - 1]) != 0;
        int written = snprintf(text, sizeof text, "%s%s", given, plain ? "s" : "");
        if (written < 0 || (size_t)written >= sizeof text ||
            config_number_parse(CONFIG_MILLISECONDS, slice_from_string(text), &ms) < 0 ||
            (ms != 0 && (ms < LIFETIME_LIMIT_MIN || ms > LIFETIME_LIMIT_MAX)))
            return command_usage(options, "--lifetime %s: write 0, or 1s to 1h", given);
    }
    *ret_ms = (uint32_t)ms;
    return EXIT_GOOD;
}

static const char NAME_ONE[] =
    "name a STUN server: trapezoid nat SERVER, for example stun.example.org or 192.0.2.1:3478";

/* stun.listen of the configuration. */
static int server_of_config(const struct options *options, struct nat_server *ret_server)
{
    struct app_config *config;
    struct nat_server server = {.count = 0};
    int status = options_config(options, true, &config, NULL);
    if (status < 0)
        return status == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    for (unsigned i = 0; i < config->stun_listen.count && server.count == 0; i++) {
        const struct endpoint_listener *item = &config->stun_listen.items[i];
        if (item->transport != TRANSPORT_UDP || address_is_wildcard(&item->local))
            continue;
        struct writer w;
        writer_init(&w, server.host, sizeof server.host);
        address_write_host(&w, &item->local, false);
        writer_char(&w, '\0');
        server.port = address_port(&item->local);
        server.port_given = true;
        server.addresses[server.count++] = item->local;
    }
    config_free(config);
    if (server.count == 0)
        return command_usage(options, "the configuration names no STUN server of ours; %s",
                             NAME_ONE);
    *ret_server = server;
    return EXIT_GOOD;
}

static int server_of_word(const struct options *options, struct nat_server *server)
{
    const char *word = options->words[0];
    int status = nat_server_parse(slice_from_string(word), server);
    if (status < 0)
        return command_usage(options, "\"%s\" is no server; %s", word, NAME_ONE);
    status = nat_server_resolve(server);
    if (status == 0)
        return EXIT_GOOD;
    if (status == ERR_NOT_FOUND)
        asking_complain(options, EXIT_FAILED,
                        "the name %s has no address; is it written rightly? (an address such as "
                        "192.0.2.1 will do as well)",
                        server->host);
    else
        asking_complain(options, EXIT_FAILED,
                        "the name %s cannot be looked up: no name server answers; is this machine "
                        "connected? (an address such as 192.0.2.1 needs no name server)",
                        server->host);
    return EXIT_FAILED;
}

/* Of one address: EXIT_NO_SERVER where nothing answers, over whatever transport. */
static int code_of(const struct nat_finding *f)
{
    if (f->report.has_outside)
        return EXIT_GOOD;
    for (unsigned i = 0; i < f->stream_count; i++) {
        if (f->streams[i].state == NAT_STREAM_ANSWERED)
            return EXIT_GOOD;
    }
    return f->report.kind == NAT_UDP_BLOCKED || f->refused ? EXIT_NO_SERVER : EXIT_FAILED;
}

static const char *advice(const struct nat_finding *f)
{
    if (f->report.has_outside)
        return NULL;
    if (f->refused)
        return "the host answers, but no STUN server: is one running there, at that port?";
    if (f->report.kind != NAT_UDP_BLOCKED)
        return "the server wants credentials or refuses strangers: ask another one";
    if (code_of(f) == EXIT_GOOD)
        return NULL;
    for (unsigned i = 0; i < f->stream_count; i++) {
        if (f->streams[i].state != NAT_STREAM_SILENT)
            return "the host answers, but no STUN server: is one running there, at that port?";
    }
    return "nothing answers over UDP, TCP or TLS: the server is down, the address is wrong, or a "
           "firewall blocks all of it; try another server";
}

struct report {
    const struct options *options;
    json_t *results;
    int code; /* the best one of all addresses */
    unsigned told;
};

static void tell(struct report *report, const struct nat_finding *finding)
{
    const char *what_to_do = advice(finding);
    int code = code_of(finding);
    if (report->options->json) {
        json_t *object = nat_json(finding);
        json_object_set_new(object, "advice",
                            what_to_do != NULL ? json_string(what_to_do) : json_null());
        json_array_append_new(report->results, object);
    } else {
        if (report->told > 0)
            (void)putchar('\n');
        nat_print(stdout, finding);
        if (what_to_do != NULL)
            printf("%-12s %s\n", "advice", what_to_do);
    }
    if (report->told == 0 || code == EXIT_GOOD)
        report->code = code;
    report->told++;
}

static void try_address(struct report *report, const struct nat_order *order)
{
    struct nat_finding finding;
    char text[ADDRESS_TEXT_MAX];
    progress(address_text(&order->server, text));
    int status = nat_find(order, &finding);
    if (status == 0)
        tell(report, &finding);
    else if (status == ERR_UNREACHABLE)
        progress("  this machine has no route there");
    else
        progress("  no socket can be had here");
}

int command_nat(const struct options *options)
{
    struct nat_server server = {.count = 0};
    struct report report = {.options = options, .code = EXIT_FAILED};
    struct nat_order order = {.progress = progress};
    if (options->word_count > 1)
        return command_usage(options, "write one server");
    int code = lifetime_of(options, &order.lifetime_ms);
    if (code == EXIT_GOOD)
        code = options->word_count == 1 ? server_of_word(options, &server)
                                        : server_of_config(options, &server);
    if (code != EXIT_GOOD)
        return code;
    (void)signal(SIGPIPE, SIG_IGN); /* TLS connections that end */
    order.name = server.host;
    order.port_given = server.port_given;
    report.results = json_array();
    for (unsigned i = 0; i < server.count; i++) {
        order.server = server.addresses[i];
        try_address(&report, &order);
    }
    if (report.told == 0)
        asking_complain(options, EXIT_FAILED,
                        "no way leads from this machine to %s; is it connected?", server.host);
    else if (options->json)
        print_json(json_pack("{s:s, s:O}", "server", server.host, "results", report.results));
    json_decref(report.results);
    return report.code;
}
