/* What an Allocate request asks for (RFC 8656 section 7.2). Pure. */
#ifndef SERVICE_TURN_ASK_H
#define SERVICE_TURN_ASK_H

#include "service/turn/ports.h"
#include "stun/message.h"

struct turn_ask {
    bool v4, v6;  /* families */
    bool partial; /* both are asked for, and one will do */
    bool tcp;     /* a relay of connections (RFC 6062) */
    enum turn_port_wish wish;
    uint64_t token; /* of a reservation, where has_token is set */
    bool has_token;
};

/* 0, or the code of the error response. v4_here, v6_here: the families that there are relays of. */
unsigned turn_ask_read(const struct stun_message *message, bool v4_here, bool v6_here,
                       struct turn_ask *ret_ask);
/* The lifetime that an Allocate or Refresh gets, in seconds (sections 7.2, 8.2): LIFETIME, not less
 * than least, not more than most. A Refresh with LIFETIME 0 is the caller's. */
uint32_t turn_ask_lifetime(const struct stun_message *message, uint32_t least, uint32_t most);
/* REQUESTED-ADDRESS-FAMILY and ADDITIONAL-ADDRESS-FAMILY (section 18.6): 0 when absent, else the
 * value, whatever it is. */
unsigned turn_ask_family(const struct stun_message *message, enum stun_attribute attribute);

enum { TURN_FAMILY_V4 = 1, TURN_FAMILY_V6 = 2 };

#endif
