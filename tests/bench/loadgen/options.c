#include "options.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "clock.h"

enum kind {
    NUMBER,
    NUMBER64,
    REAL,
    MILLISECONDS,
    MICROSECONDS,
    STRING,
    ADDRESS,
    ON,
    OFF,
    INTEGER,
    PID
};

struct option_row {
    const char *name;
    enum kind kind;
    size_t field;
    const char *help;
};

#define ROW(name, kind, field, help)                                                               \
    {                                                                                              \
        name, kind, offsetof(struct options, field), help                                          \
    }

static const struct option_row rows[] = {
    ROW("server", ADDRESS, server, "IP:PORT of the server (127.0.0.1:5060)"),
    ROW("local", ADDRESS, local, "IP:PORT of the first own socket (127.0.0.1:16000)"),
    ROW("sources", NUMBER, sources, "own sockets, on ports one after the other (2)"),
    ROW("domain", STRING, domain, "domain of the users (bench.test)"),
    ROW("users", NUMBER, users, "how many users there are (1000)"),
    ROW("first", NUMBER, first, "number of the first user (0)"),
    ROW("callees", NUMBER, callees, "how many of them are called, spread evenly (all)"),
    ROW("stride", NUMBER64, stride, "step from user to user, modulo users (2654435761)"),
    ROW("window", NUMBER, window, "operations at the same time (64)"),
    ROW("rate", NUMBER64, rate, "operations started per second (as the window allows)"),
    ROW("count", NUMBER64, count, "operations to start in all (no limit)"),
    ROW("seconds", REAL, seconds, "length of the measurement (2)"),
    ROW("warmup", REAL, warmup, "seconds before it (0.3)"),
    ROW("t1", MILLISECONDS, t1, "RFC 3261 timer T1 in ms (500)"),
    ROW("give-up", MILLISECONDS, give_up,
        "ms without a final answer that end an operation (64 T1)"),
    ROW("no-resend", OFF, resend, "never retransmit a request"),
    ROW("ring", MILLISECONDS, ring, "ms from 180 to 200 (0)"),
    ROW("talk", MILLISECONDS, talk, "ms from ACK to BYE (0)"),
    ROW("ringing", ON, ringing, "mode hold: calls ring and are answered only at the end"),
    ROW("no-record-route", OFF, record_route,
        "expect no Record-Route, send ACK and BYE to the Contact"),
    ROW("expires", NUMBER, expires, "seconds that a registration asks for (3600)"),
    ROW("password", STRING, password, "of every user (secret)"),
    ROW("algorithm", STRING, algorithm, "MD5 or SHA-256 (the first that is offered)"),
    ROW("sizes", STRING, sizes, "mode echo: IN:OUT[+OUT],... bytes (600:600)"),
    ROW("transport", STRING, transport, "udp, tcp or tls (udp)"),
    ROW("contact", STRING, contact, "transport that Contact names (as --transport)"),
    ROW("core", INTEGER, core, "CPU to run on"),
    ROW("pause", MICROSECONDS, pause,
        "us to sleep after each look at the sockets (until something comes)"),
    ROW("watch", PID, watch, "process whose CPU time is reported (may be repeated)"),
    ROW("json", ON, json, "print the result as JSON"),
};

static void help(void)
{
    puts("Usage: loadgen MODE [--OPTION[=VALUE]]...\n\n"
         "Modes:\n"
         "  register        REGISTER, 200\n"
         "  register-auth   REGISTER, 401, REGISTER with digest, 200\n"
         "  options         OPTIONS to the server, 200\n"
         "  call            INVITE, 180, 200, ACK, BYE, 200; both phones are here\n"
         "  flood           call at --rate, whatever comes back\n"
         "  hold            sets up --count calls, prints \"held\", ends them on SIGTERM\n"
         "  echo            datagrams to the program reflector\n\nOptions:");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("  --%-16s %s\n", rows[i].name, rows[i].help);
    exit(0);
}

static struct sockaddr_in address_read(const char *value)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN];
    const char *colon = strrchr(value, ':');
    if (!colon || (size_t)(colon - value) >= sizeof host)
        die("%s is not IP:PORT", value);
    memcpy(host, value, (size_t)(colon - value));
    host[colon - value] = 0;
    unsigned long port = strtoul(colon + 1, NULL, 10);
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1 || port == 0 || port > 65535)
        die("%s is not IP:PORT", value);
    address.sin_port = htons((uint16_t)port);
    return address;
}

static double number_read(const char *name, const char *value)
{
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end || number < 0)
        die("--%s=%s is not a number", name, value);
    return number;
}

static void row_set(const struct option_row *row, const char *value, struct options *o)
{
    void *field = (char *)o + row->field;
    switch (row->kind) {
    case NUMBER: *(uint32_t *)field = (uint32_t)number_read(row->name, value); break;
    case NUMBER64: *(uint64_t *)field = (uint64_t)number_read(row->name, value); break;
    case REAL: *(double *)field = number_read(row->name, value); break;
    case MILLISECONDS:
        *(uint64_t *)field = (uint64_t)(number_read(row->name, value) * (double)MILLISECOND);
        break;
    case MICROSECONDS: *(uint64_t *)field = (uint64_t)(number_read(row->name, value) * 1000); break;
    case INTEGER: *(int *)field = (int)number_read(row->name, value); break;
    case STRING: *(const char **)field = value; break;
    case ADDRESS: *(struct sockaddr_in *)field = address_read(value); break;
    case ON: *(bool *)field = true; break;
    case OFF: *(bool *)field = false; break;
    case PID:
        if (o->watch_count == WATCH_PIDS)
            die("more than %d --watch", WATCH_PIDS);
        o->watch[o->watch_count++] = (pid_t)number_read(row->name, value);
        break;
    }
}

static const struct option_row *row_find(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return &rows[i];
    }
    die("unknown option --%.*s (see --help)", (int)len, name);
}

static void argument_read(const char *argument, const char *following, bool *ret_used,
                          struct options *o)
{
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    const struct option_row *row = row_find(name, equals ? (size_t)(equals - name) : strlen(name));
    bool flag = row->kind == ON || row->kind == OFF;
    *ret_used = !flag && !equals;
    if (*ret_used && !following)
        die("--%s needs a value", row->name);
    row_set(row, flag ? NULL : equals ? equals + 1 : following, o);
}

enum net_transport options_transport(const struct options *options)
{
    if (strcmp(options->transport, "udp") == 0)
        return NET_UDP;
    return strcmp(options->transport, "tls") == 0 ? NET_TLS : NET_TCP;
}

const char *options_contact(const struct options *options)
{
    return options->contact ? options->contact : options->transport;
}

static bool is_transport(const char *name)
{
    return strcmp(name, "udp") == 0 || strcmp(name, "tcp") == 0 || strcmp(name, "tls") == 0;
}

static void check(struct options *o)
{
    if (!is_transport(o->transport) || !is_transport(options_contact(o)))
        die("--transport and --contact are udp, tcp or tls");
    if (!o->mode)
        die("which mode? (see --help)");
    if (o->sources < 1 || o->sources > NET_SOURCES_MAX)
        die("--sources is 1 to %d", NET_SOURCES_MAX);
    if (o->users < 1 || o->window < 1 || o->callees > o->users)
        die("--users and --window are at least 1, --callees at most --users");
    if (o->pause >= SECOND)
        die("--pause is under a second");
    if (!o->callees)
        o->callees = o->users;
    if (!o->give_up)
        o->give_up = 64 * o->t1;
}

void options_read(int argc, char **argv, struct options *ret_options)
{
    struct options *o = ret_options;
    *o = (struct options){.domain = "bench.test",
                          .password = "secret",
                          .sizes = "600:600",
                          .transport = "udp",
                          .sources = 2,
                          .users = 1000,
                          .stride = 2654435761,
                          .window = 64,
                          .seconds = 2,
                          .warmup = 0.3,
                          .t1 = 500 * MILLISECOND,
                          .expires = 3600,
                          .resend = true,
                          .record_route = true,
                          .core = -1,
                          .server = address_read("127.0.0.1:5060"),
                          .local = address_read("127.0.0.1:16000")};
    for (int i = 1; i < argc; i++) {
        bool used = false;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            help();
        else if (strncmp(argv[i], "--", 2) == 0)
            argument_read(argv[i], argv[i + 1], &used, o);
        else if (!o->mode)
            o->mode = argv[i];
        else
            die("what is %s? (see --help)", argv[i]);
        i += used;
    }
    check(o);
}
