/* Address translators for UDP, by the kinds of RFC 3489 section 5. Connections pass them as they
 * pass a full cone that keeps the port. Their host is reached under the outside address only. */
#ifndef SIM_WORLD_NAT_H
#define SIM_WORLD_NAT_H

#include "sim/world/world.h"

#define SIM_NAT_MAPPINGS 32
#define SIM_NAT_PEERS    16

enum sim_nat_kind {
    SIM_NAT_STATIC,          /* a full cone that keeps the port and forgets nothing */
    SIM_NAT_FULL_CONE,       /* lets in whoever knows the mapping */
    SIM_NAT_RESTRICTED,      /* whose address has been written to */
    SIM_NAT_PORT_RESTRICTED, /* whose address and port have been written to */
    SIM_NAT_SYMMETRIC,       /* the same, and a mapping for each address and port written to */
    SIM_NAT_FIREWALL,        /* lets in as port-restricted, and translates nothing */
    SIM_NAT_BLOCKED,         /* nothing passes, but for connections */
    SIM_NAT_NONE,            /* everything passes */
    SIM_NAT_KINDS
};

struct sim_nat_mapping {
    uint16_t inside; /* port; 0: free */
    uint16_t outside;
    uint64_t used_us; /* when something last went out through it (RFC 4787 REQ-6) */
    struct address peers[SIM_NAT_PEERS];
    unsigned peer_count;
};

struct sim_nat {
    struct sim_middlebox box;
    struct address inside; /* the host's, or that of the NAT within */
    enum sim_nat_kind kind;
    uint64_t lifetime_us; /* of a mapping that nothing goes out through; 0: for ever */
    bool hairpin;         /* what goes to its own outside comes back in (RFC 4787 section 6) */
    bool keeps_ports;     /* the outside port is the inside one; not of a symmetric one */
    uint16_t next_port;   /* no mapping gets the port of an earlier one */
    struct sim_nat_mapping mappings[SIM_NAT_MAPPINGS];
};

/* The static kind. outside: text without port. nat must live as long as the host. */
void sim_nat_init(struct sim_nat *nat, struct sim_host *host, const char *outside);
void sim_nat_init_kind(struct sim_nat *nat, struct sim_host *host, const char *outside,
                       enum sim_nat_kind kind, uint64_t lifetime_us);
/* Two in a row: this one stands around inner, which is initialized already and has no other. The
 * host is reached under this one's outside address. */
void sim_nat_init_outer(struct sim_nat *nat, struct sim_nat *inner, struct sim_host *host,
                        const char *outside, enum sim_nat_kind kind, uint64_t lifetime_us);
/* What two in a row are, seen from outside: the strictest of each shows (RFC 3489 section 10.1). */
enum sim_nat_kind sim_nat_together(enum sim_nat_kind a, enum sim_nat_kind b);
/* A firewall, and no NAT at all, leave the host its own address, whatever outside says. */
bool sim_nat_translates(enum sim_nat_kind kind);
/* "full", "restricted", "port-restricted", "symmetric", "firewall", "blocked", "none". False: no
 * such kind. */
bool sim_nat_kind_named(const char *name, enum sim_nat_kind *ret_kind);
/* It was restarted: all mappings are gone. */
void sim_nat_forget(struct sim_nat *nat);

#endif
