/* The parts of turnload: options, clients, traffic. */
#ifndef TURNLOAD_LOAD_H
#define TURNLOAD_LOAD_H

#include "../loadgen/watch.h"
#include "net.h"
#include "stun.h"

enum mode { MODE_CHANNEL, MODE_SEND, MODE_ECHO, MODE_BINDING, MODE_IDLE };

struct options {
    enum mode mode;
    struct sockaddr_in server;
    const char *user, *password;
    unsigned allocations;
    unsigned size;   /* bytes of a message */
    double rate;     /* messages per second of each client, and of each peer; 0: as many as go */
    unsigned window; /* without rate: messages under way */
    double seconds, warmup;
    int core;
    unsigned watched;
    pid_t pids[WATCH_PIDS];
};

struct client {
    struct sockaddr_in relay; /* its relayed address */
    uint8_t state;            /* enum state */
    uint64_t sent_us;         /* its last request */
    struct stun_credentials *credentials;
    uint32_t tries;
};

struct load {
    struct options options;
    struct net clients; /* the clients' side */
    struct net peers;
    struct client *list;
    uint64_t now_us;
    uint8_t seed[4];
    /* What was counted. */
    uint64_t up_sent, up_received, down_sent, down_received, bad, lost;
};

static inline uint32_t client_host(unsigned index)
{
    return 0x7f010000u + index;
}

static inline uint32_t peer_host(unsigned index)
{
    return 0x7f400000u + index;
}

uint64_t clock_us(void);
/* Makes all allocations with their permissions or channels; ends the program when that fails. */
void clients_set_up(struct load *load);
/* Ends them. */
void clients_end(struct load *load);
/* Runs the traffic; prints what came of it as JSON. 0: all is well. */
int traffic_run(struct load *load);

#endif
