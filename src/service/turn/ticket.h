/* Tickets of mobile allocations (RFC 8016 sections 3.1.2 and 5): sealed with AES-256-GCM, so that
 * nothing can be learned from one, and none can be made. Pure but for the nonce's randomness. */
#ifndef SERVICE_TURN_TICKET_H
#define SERVICE_TURN_TICKET_H

#include "base/slice.h"

#include <openssl/types.h>

#define TURN_TICKET_KEY  32
#define TURN_TICKET_SIZE 41 /* nonce, what is sealed, tag */

struct turn_ticket {
    uint64_t number;   /* of the allocation at its worker */
    uint32_t sequence; /* of the tickets that it has had */
    uint8_t worker;
};

struct turn_ticket_sealer {
    EVP_CIPHER *cipher;      /* owned */
    EVP_CIPHER_CTX *context; /* owned */
    uint8_t key[TURN_TICKET_KEY];
};

/* ERR_UNSUPPORTED, ERR_NO_MEMORY. */
int turn_ticket_sealer_init(struct turn_ticket_sealer *sealer, const uint8_t key[TURN_TICKET_KEY]);
void turn_ticket_sealer_done(struct turn_ticket_sealer *sealer);
/* ERR_IO (no randomness), ERR_NO_MEMORY. */
int turn_ticket_seal(struct turn_ticket_sealer *sealer, const struct turn_ticket *ticket,
                     char ret_sealed[TURN_TICKET_SIZE]);
/* ERR_DENIED: none of ours. ERR_NO_MEMORY. */
int turn_ticket_open(struct turn_ticket_sealer *sealer, struct slice sealed,
                     struct turn_ticket *ret_ticket);

#endif
