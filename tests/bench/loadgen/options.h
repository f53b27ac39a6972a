/* What the command line asks for. */
#ifndef LOADGEN_OPTIONS_H
#define LOADGEN_OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "net.h"
#include "watch.h"

struct options {
    const char *mode;
    struct sockaddr_in server;
    struct sockaddr_in local; /* of the first source; the others take the ports after it */
    unsigned sources;
    const char *domain;
    const char *password;
    const char *algorithm; /* of the digest: MD5, SHA-256, or NULL for the first that is offered */
    const char *sizes;     /* mode echo */
    const char *transport; /* udp, tcp or tls: how the server is spoken to */
    const char *contact;   /* the same: what Contact says; NULL: as transport */
    uint32_t users;
    uint32_t first;   /* number of the first user */
    uint32_t callees; /* how many of the users are called, 0: all */
    uint64_t stride;  /* step from one user to the next, modulo users */
    uint32_t window;  /* operations that run at the same time */
    uint64_t rate;    /* operations started per second, 0: as the window allows */
    uint64_t count;   /* operations to start in all, 0: until the time is over */
    double seconds, warmup;
    uint64_t t1, give_up; /* ns */
    uint64_t ring, talk;  /* ns */
    uint64_t pause;       /* ns */
    uint32_t expires;     /* seconds */
    bool resend, json;
    bool record_route; /* the server stays in the path of ACK and BYE */
    bool hold;         /* keep calls up until told to end */
    bool ringing;      /* held calls are never answered before the end */
    int core;          /* to run on, or -1 */
    pid_t watch[WATCH_PIDS];
    unsigned watch_count;
};

enum net_transport options_transport(const struct options *options);
/* Of Contact. */
const char *options_contact(const struct options *options);
/* Reads the command line; prints what is wrong, or the help, and exits. */
void options_read(int argc, char **argv, struct options *ret_options);

#endif
