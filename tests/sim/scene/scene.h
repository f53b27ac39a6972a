/* Scenarios: what a few phones do with the server and must see, step by step, in virtual time.
 *
 * A scenario is a text, one step per line. "#" begins a comment.
 *
 *   config KEY VALUE           before anything else: see config.c
 *   register bob [MOD...]      the whole exchange, with the challenge
 *   alice > INVITE bob [MOD...]  sends a request that stands outside of a dialog
 *   alice > BYE [MOD...]       a request of the dialog (INVITE: again; ACK: as 2xx or others need)
 *   bob > 180 [METHOD] [MOD...]  answers the last request (of that method) taken from the inbox
 *   alice again [WHAT [N]]     sends once more what was sent last (a method or a status), or the
 *                              N-th of these
 *   bob reflects [METHOD]      sends back the last request, as another method
 *   alice < 180 [CHECK...]     the next message; it must have come within 400 ms
 *   alice gets 180 [CHECK...]  the same, whatever else waits to be read
 *   alice none                 nothing has come that was not expected
 *   alice repeats N[+] [WHAT]  so many retransmissions came of the last such message
 *   alice misses WHAT          the next such message is lost on its last metre
 *   alice hangs up|dies|returns|closes|resets   see run.c
 *   alice sleeps|wakes         stops answering keep-alives of the server; it does so by itself
 *   alice remaps               her NAT has forgotten all mappings
 *   pings alice 2 [5]          so many keep-alives have come since they were counted last, up to 5
 *   wait 32s                   s or ms
 *   clock back|on 7200s        the server's clock is set
 *   server crash|cut|start|stop|drain|full|fails
 *   server floods              it is overloaded, and recovers within two seconds
 *   bindings bob 2             so many live bindings
 *   connections bob 1          so many TCP connections of the phone are open
 *
 * Phones are named after their user: bob, bob2 and bob3 are three phones of bob. Each message that
 * a phone gets is checked against the rules of RFC 3261 (check.c), whatever the scenario says. At
 * the end nothing may be left unread, and the server must have let go of everything. */
#ifndef SIM_SCENE_SCENE_H
#define SIM_SCENE_SCENE_H

#include "sim/phone/digest.h"
#include "sim/phone/view.h"
#include "sim/phone/wire.h"
#include "sim/server/server.h"
#include "sim/world/nat.h"

#define SCENE_ACTORS  12
#define SCENE_MESSAGE 16384
#define SCENE_WORDS   24
#define SCENE_MISSES  8

struct scene;

/* A message that a phone has sent or got. */
struct note {
    struct list node;
    bool tcp;
    bool unread; /* got, and not yet asked for */
    uint64_t at_us;
    struct address peer;
    unsigned repeats; /* how often the same bytes came again */
    struct view view;
    char bytes[];
};

struct actor {
    struct scene *scene;
    char name[16]; /* "bob2" */
    char user[16]; /* "bob" */
    struct sim_host *host;
    struct sim_nat nat;
    struct wire wire;
    bool lax;              /* what it gets is not checked: it has broken the rules itself */
    bool tcp;              /* speaks TCP on its own account */
    struct address server; /* what it sends to */
    struct digest_challenge challenge;
    struct list sent; /* struct note, oldest first */
    struct list got;
    char call_id[64];     /* of the call that was touched last */
    char contact[512];    /* its Contact, between the brackets */
    char registered[256]; /* what it registered last */
    unsigned calls;       /* Call-IDs made */
    unsigned branches;    /* made */
    struct writer held_w; /* into held */
    char held[SCENE_MESSAGE];
    char misses[SCENE_MISSES][16];
    unsigned miss_count;
    bool asleep;    /* answers no pings (service/keepalive) */
    unsigned pings; /* that came since they were counted */
};

/* "config nat NAME KIND [LIFETIME]" */
struct scene_nat {
    char name[16];
    enum sim_nat_kind kind;
    uint64_t lifetime_us;
};

struct scene {
    struct sim_world world;
    struct sim_server server;
    struct sim_server_config config;
    struct sim_host *host; /* the server's */
    bool started;
    unsigned actor_count;
    struct actor actors[SCENE_ACTORS];
    char v6[64];              /* names of the phones that have IPv6 */
    char nat[64];             /* that are behind an address translator that changes nothing else */
    struct scene_nat nats[4]; /* and others */
    unsigned nat_count;
    bool merges;        /* the same request may reach a phone on several ways */
    char failure[2048]; /* empty: none */
};

struct scenario {
    const char *name;   /* what is required */
    const char *rfc;    /* where */
    const char *covers; /* names of the checklist, separated by blanks */
    const char *steps;
};

struct scene_options {
    struct accounts *accounts;
    const char *variant; /* replaces "{}" in the steps; may be NULL */
    unsigned workers;    /* unless the scenario says; each datagram comes to any of them */
    bool wildcard;       /* the server listens on all addresses at once */
};

/* Runs it; false with scene->failure. */
bool scene_play(struct scene *scene, const struct scenario *scenario,
                const struct scene_options *options);
void scene_fail(struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline bool scene_failed(const struct scene *scene)
{
    return scene->failure[0] != '\0';
}

/* actor.c */
/* Makes the phone when it is new. */
struct actor *scene_actor(struct scene *scene, const char *name);
void actor_done(struct actor *actor);
struct note *actor_note(struct list *list, struct slice bytes, const char **ret_why);
void actor_transmit(struct actor *actor, bool tcp, const struct address *to, struct slice bytes);
/* Does the message fit "180", "INVITE" or "200/BYE"? */
bool note_is(const struct note *note, const char *what);
/* The newest that fits; call_id NULL: of any call. */
struct note *note_last(const struct list *list, const char *what, const char *call_id);
struct note *note_by_branch(const struct list *list, const struct view *like);

/* send.c: words[0] is what to send. */
void actor_request(struct actor *actor, char **words, unsigned count);
void actor_respond(struct actor *actor, unsigned status, char **words, unsigned count);
void actor_again(struct actor *actor, const char *what, unsigned number);
void actor_reflect(struct actor *actor, char **words, unsigned count);
void actor_register(struct actor *actor, char **words, unsigned count);

bool scene_gruu(struct scene *scene, const char *target, char *buf, size_t size);

/* expect.c */
void actor_expect(struct actor *actor, char **words, unsigned count);
void actor_expect_any(struct actor *actor, char **words, unsigned count);
void actor_expect_none(struct actor *actor);
void actor_expect_repeats(struct actor *actor, char **words, unsigned count);

/* check.c: the rules that hold for every message. */
void actor_check(struct actor *actor, const struct note *note);

/* config.c */
bool scene_configure(struct scene *scene, char **words, unsigned count);

/* run.c: "5s", "200ms", in microseconds */
uint64_t scene_time(struct scene *scene, const char *word);

#endif
