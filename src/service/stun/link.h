/* What two STUN servers on two hosts say to each other, so that both together answer as one with
 * two addresses (RFC 5780 section 6). Datagrams, each signed with a shared secret. Pure: bytes and
 * the time go in, bytes come out.
 *
 * A worker asks the partner's whole host by HELLO, again and again, from a socket of its own; it is
 * answered by a WELCOME to that one HELLO, with the number of the asker's session there. REQUEST
 * passes a client's request on; it names that session and counts up, so whatever is sent twice,
 * late, or to another worker than the one that gave the number, counts for nothing. No clock needs
 * to be right. Who receives a REQUEST writes the answer himself: nothing that a link carries is
 * sent to anybody. */
#ifndef SERVICE_STUN_LINK_H
#define SERVICE_STUN_LINK_H

#include "base/address.h"
#include "base/random.h"
#include "stun/integrity.h"

#define LINK_MAC_SIZE     16
#define LINK_HEADER_SIZE  28
#define LINK_ADDRESS_SIZE 19
#define LINK_REQUEST_MAX  1400u /* bytes of a client's request that is passed on */
#define LINK_DATAGRAM_MAX                                                                          \
    (LINK_HEADER_SIZE + 2 + LINK_ADDRESS_SIZE + LINK_REQUEST_MAX + LINK_MAC_SIZE)
#define LINK_SECRET_MAX 256u
#define LINK_SESSIONS   128u /* askers known: workers of the partner, and of its last starts */
#define LINK_WINDOW     64u  /* so far may a REQUEST be overtaken by others */
#define LINK_HELLO_MS   1000u
#define LINK_DEAD_MS    3500u /* no WELCOME for so long: the partner is not there */

/* The four corners as the sender sees them: he has `own` with both ports, the other has `other`. */
struct link_corners {
    struct address own;   /* with his first port */
    struct address other; /* with the second port */
};

enum link_kind { LINK_HELLO = 1, LINK_WELCOME, LINK_REQUEST };

struct link_message {
    enum link_kind kind;
    uint64_t asker;              /* HELLO, REQUEST: the sender; WELCOME: the one who is answered */
    uint64_t number;             /* HELLO: of this one; WELCOME: of the HELLO; REQUEST: counts up */
    uint64_t session;            /* WELCOME, REQUEST */
    struct link_corners corners; /* HELLO, WELCOME */
    uint16_t port;               /* REQUEST: of the sender, that it came to */
    struct address client;       /* REQUEST */
    struct slice request;        /* REQUEST; in the datagram */
};

/* The one asked: remembers those who have asked. */
struct link_session {
    uint64_t asker;
    uint64_t session; /* 0: free */
    uint64_t highest;
    uint64_t seen; /* bit i: highest - i has been */
    uint64_t used_ms;
};

struct link_answerer {
    struct link_session sessions[LINK_SESSIONS];
};

/* The asker. */
struct link_asker {
    uint64_t asker;
    uint64_t hello;   /* number of the last HELLO */
    uint64_t request; /* number of the last REQUEST */
    uint64_t session; /* as the last WELCOME said; 0: none */
    uint64_t heard_ms;
};

struct link_key {
    char secret[LINK_SECRET_MAX];
    size_t length;
};

/* Writes and signs; at most LINK_DATAGRAM_MAX bytes. A HELLO is padded to the length of its
 * WELCOME. Returns the length. ERR_LIMIT (a request too long), ERR_NO_MEMORY. */
int link_write(const struct link_message *message, struct stun_integrity *integrity,
               const struct link_key *key, uint8_t buffer[LINK_DATAGRAM_MAX]);
/* ERR_SYNTAX, ERR_DENIED (not signed with the key), ERR_NO_MEMORY. *ret_message points into the
 * datagram. */
int link_parse(struct slice datagram, struct stun_integrity *integrity, const struct link_key *key,
               struct link_message *ret_message);

/* Do both sides mean the same four corners? */
bool link_corners_agree(const struct link_corners *mine, const struct link_corners *theirs);

void link_asker_init(struct link_asker *asker, struct random *random);
/* The next HELLO, without its corners. */
void link_ask(struct link_asker *asker, struct link_message *ret_hello);
/* 0, or ERR_STALE: it answers no HELLO of now. */
int link_on_welcome(struct link_asker *asker, const struct link_message *welcome, uint64_t now_ms);
bool link_alive(const struct link_asker *asker, uint64_t now_ms);
/* The head of the next REQUEST. */
void link_request(struct link_asker *asker, struct link_message *ret_request);

/* What a HELLO is answered, without the corners. A new asker takes the place of the one who was
 * quiet longest. random: of numbers of sessions. */
void link_on_hello(struct link_answerer *answerer, const struct link_message *hello,
                   struct random *random, uint64_t now_ms, struct link_message *ret_welcome);
/* May this REQUEST be acted on? Once only: 0, ERR_NOT_FOUND (an unknown session), ERR_STALE (it has
 * been, or is too old). */
int link_on_request(struct link_answerer *answerer, const struct link_message *request,
                    uint64_t now_ms);

#endif
