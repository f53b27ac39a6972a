/* turnload MODE: plays the clients of a TURN server and their peers. See docs/bench.md. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

static const char usage[] =
    "turnload channel|send|echo|binding|idle --server IP:PORT [OPTION]...\n"
    "  channel   ChannelData both ways; send: Send and Data indications\n"
    "  echo      the same datagrams against tests/bench/reflector\n"
    "  binding   STUN Binding requests\n"
    "  idle      makes allocations, says \"up\", and keeps them until SIGTERM\n"
    "  --user NAME --password TEXT   long-term credentials\n"
    "  --allocations N --size BYTES --seconds S --warmup S\n"
    "  --rate N      messages per second of each client and each peer; 0: a window (default)\n"
    "  --window N    messages under way\n"
    "  --watch PID   whose CPU time is counted (may be given more than once)\n"
    "  --core N      the CPU to run on\n";

static struct load load;

static int parse_server(const char *text, struct sockaddr_in *ret)
{
    char host[INET_ADDRSTRLEN] = "";
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host)
        return -1;
    memcpy(host, text, (size_t)(colon - text));
    *ret = (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    return inet_pton(AF_INET, host, &ret->sin_addr) == 1 ? 0 : -1;
}

static int parse_mode(const char *text, enum mode *ret)
{
    static const char *const names[] = {"channel", "send", "echo", "binding", "idle"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], text) == 0) {
            *ret = (enum mode)i;
            return 0;
        }
    }
    return -1;
}

static void set_option(struct options *o, int option, const char *value)
{
    switch (option) {
    case 's':
        if (parse_server(value, &o->server) == 0)
            return;
        break;
    case 'u': o->user = value; return;
    case 'p': o->password = value; return;
    case 'n': o->allocations = (unsigned)strtoul(value, NULL, 10); return;
    case 'b': o->size = (unsigned)strtoul(value, NULL, 10); return;
    case 'r': o->rate = strtod(value, NULL); return;
    case 'w': o->window = (unsigned)strtoul(value, NULL, 10); return;
    case 't': o->seconds = strtod(value, NULL); return;
    case 'm': o->warmup = strtod(value, NULL); return;
    case 'c': o->core = (int)strtol(value, NULL, 10); return;
    case 'W':
        if (o->watched < WATCH_PIDS)
            o->pids[o->watched++] = (pid_t)strtol(value, NULL, 10);
        return;
    default: break;
    }
    fputs(usage, stderr);
    exit(2);
}

static void parse(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        {"server", required_argument, NULL, 's'},   {"user", required_argument, NULL, 'u'},
        {"password", required_argument, NULL, 'p'}, {"allocations", required_argument, NULL, 'n'},
        {"size", required_argument, NULL, 'b'},     {"rate", required_argument, NULL, 'r'},
        {"window", required_argument, NULL, 'w'},   {"seconds", required_argument, NULL, 't'},
        {"warmup", required_argument, NULL, 'm'},   {"core", required_argument, NULL, 'c'},
        {"watch", required_argument, NULL, 'W'},    {NULL, 0, NULL, 0},
    };
    *o = (struct options){.user = "user",
                          .password = "secret",
                          .allocations = 100,
                          .size = 172,
                          .window = 64,
                          .seconds = 1,
                          .warmup = 0.2,
                          .core = -1};
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;)
        set_option(o, option, optarg);
    if (optind != argc - 1 || parse_mode(argv[optind], &o->mode) < 0 || o->server.sin_port == 0 ||
        o->allocations == 0 || o->allocations > 1000000 || o->size < 32 || o->size > 1400 ||
        o->window > 4096)
        set_option(o, '?', NULL);
}

static void run_on(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)core, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        perror("sched_setaffinity");
}

int main(int argc, char **argv)
{
    parse(argc, argv, &load.options);
    if (load.options.core >= 0)
        run_on(load.options.core);
    net_open(&load.clients);
    net_open(&load.peers);
    uint64_t now = clock_us();
    memcpy(load.seed, &now, sizeof load.seed);
    load.list = calloc(load.options.allocations, sizeof *load.list);
    if (!load.list)
        return 2;
    int relayed = load.options.mode != MODE_ECHO && load.options.mode != MODE_BINDING;
    if (relayed)
        clients_set_up(&load);
    if (load.options.mode != MODE_IDLE) {
        int code = traffic_run(&load);
        if (relayed)
            clients_end(&load);
        return code;
    }
    puts("up");
    fflush(stdout);
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigwait(&set, &number);
    return 0;
}
