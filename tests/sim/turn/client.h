/* A TURN client in the simulated world, over UDP or, where that is blocked, TCP: one allocation,
 * kept alive, permissions or channels for its peers, kept alive as well. Requests are sent again
 * until they are answered. */
#ifndef SIM_TURN_CLIENT_H
#define SIM_TURN_CLIENT_H

#include "sim/world/tcp_net.h"
#include "sim/world/udp_net.h"
#include "stun/write.h"

#define CLIENT_ASKS  8
#define CLIENT_PEERS 8

struct client;

/* A request that waits for its answer. */
struct client_ask {
    struct client *client;
    struct sim_event again;
    bool used;
    uint16_t method;
    uint32_t lifetime_s; /* of a Refresh */
    unsigned peer;       /* of a CreatePermission or ChannelBind */
    unsigned tries;
    uint8_t bytes[512];
    size_t length;
};

struct client_peer {
    struct address address;
    bool asked;
    bool permitted;
    bool bound;
};

struct client {
    struct sim_world *world;
    struct sim_udp *udp; /* borrowed; not used over TCP */
    struct sim_tcp_side *tcp;
    struct address server;
    bool over_tcp;
    bool channels; /* binds them, instead of Send indications */
    char realm[64];
    char nonce[128];
    size_t nonce_len;
    uint8_t key[16];
    bool has_mapped, has_relayed;
    struct address mapped, relayed;
    struct client_peer peers[CLIENT_PEERS];
    unsigned peer_count;
    struct client_ask asks[CLIENT_ASKS];
    struct sim_event keep;
    uint32_t kept;
    struct stun_integrity integrity;
    uint8_t in[4096]; /* of the connection */
    size_t in_len;
    bool quiet;    /* has died */
    bool released; /* has given the allocation back */
    /* What peers send through the relay. */
    void (*on_data)(void *user, const struct address *peer, struct slice data);
    void *user;
    const char *failure; /* what must not happen and has; NULL: nothing */
    unsigned refused;    /* peers that the server does not permit */
};

/* udp is open already; its owner hands what comes from the server to client_on_datagram. Begins to
 * allocate. */
void client_start(struct client *client, struct sim_udp *udp, const struct address *server,
                  bool over_tcp, bool channels);
void client_on_datagram(struct client *client, struct slice bytes);
/* Asks for a permission or a channel. */
void client_permit(struct client *client, const struct address *peer);
/* Lost without the server's permission. */
void client_send(struct client *client, const struct address *peer, struct slice data);
/* Gives the allocation back. */
void client_release(struct client *client);
/* Falls silent: without a word, or by a reset of its connection. */
void client_die(struct client *client);
void client_done(struct client *client);

#endif
