/* Which servers stand behind a SIP URI: RFC 3263 sections 4.1 and 4.2 up to the host names, as a
 * pure machine. It says which DNS records it needs, is told the answers, and ends with places:
 * host, port and transport, in order of preference. What their addresses are and which is tried
 * first is the resolver's part. */
#ifndef STACK_LOCATE_H
#define STACK_LOCATE_H

#include "base/flow.h"
#include "loop/dns.h"
#include "sip/message/uri.h"

#define LOCATE_QUESTIONS_MAX 8   /* of one step; further NAPTR records are left out */
#define LOCATE_PLACES_MAX    256 /* the more preferred ones, when there are more */

/* Transports that we have a listener for: [enum transport][0: IPv4, 1: IPv6]. */
struct locate_speaks {
    bool family[TRANSPORT_COUNT][2];
};

/* Says in plain words what is decided and why. section: of an RFC. */
struct locate_trace {
    void (*say)(void *user, const char *section, const char *text);
    void *user;
};
void locate_say(const struct locate_trace *trace, const char *section, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a URI says itself. */
struct locate_input {
    struct slice host; /* TARGET of section 4: maddr, else host */
    bool numeric;
    struct address address; /* of a numeric host, without port */
    bool in_hosts;          /* the name stands in the hosts file */
    uint16_t port;          /* 0: not given */
    bool secure;            /* sips */
    bool has_transport;
    uint8_t transport; /* with has_transport */
};

/* A server: name or address. */
struct locate_place {
    struct slice name;      /* borrowed from the input or an answer; empty: address counts */
    struct address address; /* without port */
    uint32_t rank;          /* lowest first: every place of a rank is tried before the next one's */
    uint16_t weight;        /* RFC 2782: share within its rank */
    uint16_t port;
    uint8_t transport;
};

enum locate_step {
    LOCATE_BEGIN,
    LOCATE_NAPTR,  /* the question is asked */
    LOCATE_SRV,    /* the questions are asked */
    LOCATE_DONE,   /* places are there */
    LOCATE_FAILED, /* status says why */
    LOCATE_STEPS
};

/* What decides about the next step. */
enum locate_event {
    LOCATE_IS_NUMERIC,
    LOCATE_IS_UNSPOKEN, /* a transport that we do not speak is asked for */
    LOCATE_IN_HOSTS,
    LOCATE_HAS_PORT,
    LOCATE_HAS_TRANSPORT,
    LOCATE_HAS_NAME,
    LOCATE_RECORDS,    /* records that are of use came */
    LOCATE_NO_RECORDS, /* none did */
    LOCATE_REFUSED,    /* SRV with the target ".": the service is decidedly not there (RFC 2782) */
    LOCATE_ERROR,      /* no DNS server answered */
    LOCATE_BOGUS,      /* DNSSEC proved the answer false, or it is malformed */
    LOCATE_EVENTS
};

enum locate_action {
    LOCATE_TAKE_HOST, /* the host itself is the only place */
    LOCATE_ASK_NAPTR,
    LOCATE_ASK_SRV,       /* for the transport that is asked for */
    LOCATE_ASK_SRV_NAPTR, /* those that the NAPTR records name */
    LOCATE_ASK_SRV_EACH,  /* for each transport that we speak */
    LOCATE_TAKE_SRV,
    LOCATE_GIVE_UP
};

struct locate_row {
    uint8_t step, event, next, action;
    const char *section;
    const char *words;
};
/* NULL where the event cannot be. */
const struct locate_row *locate_row(enum locate_step step, enum locate_event event);

struct locate_question {
    enum dns_type type;
    struct slice name; /* in text, or in an answer */
    uint8_t transport; /* SRV */
    bool answered;
    int status;                      /* of the answer */
    const struct dns_answer *answer; /* counted; with status 0 only */
    char text[DNS_NAME_MAX + 1];
};

struct locate {
    struct locate_input input;
    const struct locate_speaks *speaks; /* borrowed, as the trace */
    const struct locate_trace *trace;
    uint8_t step;
    int status;                     /* in LOCATE_FAILED */
    const struct dns_answer *naptr; /* counted: the questions' names lie in it */
    unsigned question_count;
    unsigned open; /* questions without answer */
    struct locate_question questions[LOCATE_QUESTIONS_MAX];
    uint64_t expires_ms; /* the earliest of the answers used; UINT64_MAX: never */
    unsigned place_count;
    struct locate_place *places; /* owned, NULL unless LOCATE_DONE; rank, weight 0 first */
};

/* Reads a URI. sips never names a transport without TLS (RFC 5630 section 3.1.3). host is borrowed.
 * ERR_UNSUPPORTED: not sip or sips, or a transport that nobody knows. */
int locate_input_of(const struct sip_uri *uri, struct locate_input *ret_input);
/* A trace of NULL is silent. input->host is borrowed until locate_done. */
void locate_init(struct locate *locate, const struct locate_input *input,
                 const struct locate_speaks *speaks, const struct locate_trace *trace);
/* The answer to question i (a reference is taken where it holds records), or NULL and the reason
 * why it could not be asked. When it is the last of the step, the next step has begun on return. */
void locate_answer(struct locate *locate, unsigned i, const struct dns_answer *answer, int status);
void locate_done(struct locate *locate);

/* ---- parts of it ---- */

/* The transport of a service field "SIP+D2U" and the like (section 4.1; RFC 7118 section 5.5).
 * ERR_NOT_FOUND: none of ours. */
int locate_service(struct slice service, bool *ret_secure, uint8_t *ret_transport);
/* Records of use, all of one order, by preference: indexes into naptr->records. Returns how many,
 * at most max. */
unsigned locate_naptr_usable(const struct locate *locate, const struct dns_answer *naptr,
                             unsigned max, uint8_t ret_transports[], unsigned ret_indexes[]);
/* The transport for a name or address about which DNS says nothing: UDP for sip, TLS for sips; the
 * next one that we speak where we do not speak that. */
uint8_t locate_default_transport(const struct locate_speaks *speaks, bool secure);
bool locate_speaks(const struct locate_speaks *speaks, uint8_t transport);
/* "_sips._tcp." and the like before a host (section 4.1). */
struct slice locate_srv_prefix(uint8_t transport);
/* Says what the answer to a question holds. answer may be NULL. */
void locate_explain_answer(const struct locate *locate, const struct locate_question *question,
                           const struct dns_answer *answer);
/* Says what the URI itself asks for. */
void locate_explain_input(const struct locate *locate);

#endif
