/* A worker's DNS client for the system tests: questions come on standard input, one per line, and
 * are asked at once; an empty line waits for all of them and prints an answer per line.
 *
 * lookup [--server ADDR:PORT]... [--hosts FILE] [--anchor FILE] [--timeout MS]
 *   NAME TYPE            asks ("example.com SRV")
 *   again ADDR:PORT      goes over to another server
 *   metrics              prints NAME VALUE lines and an empty one */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "loop/dns.h"

struct asked {
    char name[300];
    char type[8];
    uint64_t began_us;
};

static struct log log_of_lookup;
static struct loop *loop;
static unsigned waiting;
static struct asked asked_all[4096]; /* as many as may be asked at once */
static unsigned asked_count;

static const struct {
    const char *name;
    enum dns_type type;
} types[] = {{"A", DNS_A}, {"AAAA", DNS_AAAA}, {"SRV", DNS_SRV}, {"NAPTR", DNS_NAPTR}};

static void print_record(enum dns_type type, const struct dns_record *record)
{
    char text[ADDRESS_TEXT_MAX];
    struct writer w;
    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        writer_init(&w, text, sizeof(text));
        address_write_host(&w, &record->address, false);
        printf("%.*s", SLICE_ARG(writer_slice(&w)));
        break;
    case DNS_SRV:
        printf("%u %u %u %.*s", record->srv.priority, record->srv.weight, record->srv.port,
               SLICE_ARG(record->srv.target));
        break;
    case DNS_NAPTR:
        printf("%u %u %.*s %.*s %.*s %.*s", record->naptr.order, record->naptr.preference,
               SLICE_ARG(record->naptr.flags), SLICE_ARG(record->naptr.service),
               SLICE_ARG(record->naptr.regexp), SLICE_ARG(record->naptr.replacement));
        break;
    }
}

/* name|type|status|how|ms it took|ms it holds|secure|left out|record|record... */
static void print_answer(const struct asked *asked, const char *how, int status,
                         const struct dns_answer *answer)
{
    printf("%s|%s|%s|%s|%llu", asked->name, asked->type, status < 0 ? error_text(status) : "ok",
           how, (unsigned long long)(loop_now_us(loop) - asked->began_us) / 1000);
    if (answer != NULL) {
        printf("|%lld|%d|%u", (long long)answer->expires_ms - (long long)loop_now_ms(loop),
               answer->secure, answer->left_out);
        for (unsigned i = 0; i < answer->count; i++) {
            printf("|");
            print_record(answer->type, &answer->records[i]);
        }
    }
    printf("\n");
}

static void on_answer(void *user, const struct dns_answer *answer)
{
    struct asked *asked = user;
    print_answer(asked, "asked", answer->status, answer);
    if (--waiting == 0)
        loop_stop(loop);
}

static void ask(const char *line)
{
    const struct dns_answer *answer;
    struct dns_query *query;
    enum dns_type type = DNS_A;
    struct asked *asked = &asked_all[asked_count++ % 4096];
    if (sscanf(line, "%299s %7s", asked->name, asked->type) != 2)
        exit(2);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, asked->type) == 0)
            type = types[i].type;
    }
    asked->began_us = loop_now_us(loop);
    int status =
        dns_lookup(loop, slice_from_string(asked->name), type, on_answer, asked, &answer, &query);
    if (status == 0) {
        waiting++;
        return;
    }
    print_answer(asked, status == 1 ? "cache" : "refused", status == 1 ? answer->status : status,
                 status == 1 ? answer : NULL);
}

/* The loop's clock stands still while it does not run. */
static void read_clock(void)
{
    loop_stop(loop);
    (void)loop_run(loop);
}

static void add_server(struct dns_config *config, const char *text)
{
    if (config->server_count == DNS_SERVERS_MAX ||
        address_parse(slice_from_string(text), &config->servers[config->server_count++]) < 0)
        exit(2);
}

static void go_over(struct dns_config *config, const char *server)
{
    config->server_count = 0;
    add_server(config, server);
    if (dns_configure(loop, config) < 0)
        exit(1);
}

static void print_metrics(void)
{
    for (size_t i = 0; i < DNS_METRICS; i++)
        printf("%s %lld\n", dns_metric_infos[i].name, (long long)metric_get(&dns_metrics(loop)[i]));
    printf("\n");
}

static void serve(struct dns_config *config)
{
    char line[512];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        read_clock();
        if (line[0] == '\0') {
            if (waiting > 0)
                (void)loop_run(loop);
            printf("\n");
        } else if (strncmp(line, "again ", 6) == 0) {
            go_over(config, line + 6);
        } else if (strcmp(line, "metrics") == 0) {
            print_metrics();
        } else {
            ask(line);
        }
        (void)fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    struct dns_config config = {.hosts = ""};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--server") == 0)
            add_server(&config, argv[i + 1]);
        else if (strcmp(argv[i], "--hosts") == 0)
            config.hosts = argv[i + 1];
        else if (strcmp(argv[i], "--timeout") == 0)
            config.timeout_ms = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--anchor") == 0)
            config.trust_anchor = argv[i + 1];
    }
    config.dnssec = config.trust_anchor != NULL;
    log_init(&log_of_lookup, 2, false, LOG_INFO);
    struct loop_config loop_config = {.log = &log_of_lookup};
    if (loop_new(&loop_config, &loop) < 0 || dns_configure(loop, &config) < 0)
        return 1;
    serve(&config);
    loop_free(loop);
    return 0;
}
