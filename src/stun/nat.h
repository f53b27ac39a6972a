/* What there may be between a machine and the rest of the world, in the words of RFC 3489 section
 * 5, RFC 4787 sections 4 to 6 and RFC 5780, and what each means for calls. */
#ifndef STUN_NAT_H
#define STUN_NAT_H

#include "base/address.h"

/* RFC 3489 sections 5 and 10.1. */
#define NAT_KIND_LIST(X)                                                                           \
    X(NAT_UNTOLD, "unknown", "what is in between could not be told")                               \
    X(NAT_OPEN, "open internet", "no NAT and no firewall: anyone may send to this machine")        \
    X(NAT_FULL_CONE, "full cone",                                                                  \
      "a NAT with one outside port for each inside port; anyone may send to it")                   \
    X(NAT_RESTRICTED, "restricted cone",                                                           \
      "a NAT with one outside port for each inside port; only addresses that were written to may " \
      "send to it")                                                                                \
    X(NAT_PORT_RESTRICTED, "port-restricted cone",                                                 \
      "a NAT with one outside port for each inside port; only who was written to, address and "    \
      "port, may send to it")                                                                      \
    X(NAT_SYMMETRIC, "symmetric",                                                                  \
      "a NAT that shows every destination another outside port; only that destination may send "   \
      "to it")                                                                                     \
    X(NAT_UDP_BLOCKED, "UDP blocked", "no UDP comes back from the server")                         \
    X(NAT_SYMMETRIC_FIREWALL, "symmetric firewall",                                                \
      "no NAT; a firewall lets in answers, and nothing else")                                      \
    X(NAT_SOME, "some NAT", "a NAT; what kind could not be told")                                  \
    X(NAT_NONE, "no NAT", "no NAT; whether a firewall is there could not be told")

/* RFC 4787 section 4.1, RFC 5780 section 4.3. */
#define NAT_MAPPING_LIST(X)                                                                        \
    X(NAT_MAPPING_UNTOLD, "unknown")                                                               \
    X(NAT_MAPPING_NONE, "none")                                                                    \
    X(NAT_MAPPING_ENDPOINT, "endpoint-independent")                                                \
    X(NAT_MAPPING_ADDRESS, "address-dependent")                                                    \
    X(NAT_MAPPING_PORT, "address and port-dependent")

/* RFC 4787 section 5, RFC 5780 section 4.4. */
#define NAT_FILTERING_LIST(X)                                                                      \
    X(NAT_FILTERING_UNTOLD, "unknown")                                                             \
    X(NAT_FILTERING_ENDPOINT, "endpoint-independent")                                              \
    X(NAT_FILTERING_ADDRESS, "address-dependent")                                                  \
    X(NAT_FILTERING_PORT, "address and port-dependent")

/* RFC 4787 section 6, RFC 5780 section 3.4. */
#define NAT_HAIRPIN_LIST(X)                                                                        \
    X(NAT_HAIRPIN_UNTOLD, "unknown")                                                               \
    X(NAT_HAIRPIN_NO_NAT, "not needed")                                                            \
    X(NAT_HAIRPIN_YES, "yes")                                                                      \
    X(NAT_HAIRPIN_NO, "no")

/* RFC 5780 section 3.5. */
#define NAT_FRAGMENTS_LIST(X)                                                                      \
    X(NAT_FRAGMENTS_UNTOLD, "unknown")                                                             \
    X(NAT_FRAGMENTS_PASS, "pass")                                                                  \
    X(NAT_FRAGMENTS_LOST, "lost")

/* What it means for the media of calls. */
#define NAT_CALLS_LIST(X)                                                                          \
    X(NAT_CALLS_UNTOLD, "unknown", "whether media can go straight is not known",                   \
      "no server has told how ports are mapped")                                                   \
    X(NAT_CALLS_ANYONE, "straight", "media can go straight",                                       \
      "anyone can reach this machine at its outside address")                                      \
    X(NAT_CALLS_ADDRESS, "straight", "media can go straight",                                      \
      "everyone sees the same outside port, and whoever was written to may answer from any port: " \
      "phones that use ICE reach this one, whatever NAT they are behind")                          \
    X(NAT_CALLS_STRAIGHT, "straight", "media can go straight",                                     \
      "everyone sees the same outside port; phones that use ICE reach each other once both have "  \
      "sent (with a peer behind a symmetric NAT it needs the relay)")                              \
    X(NAT_CALLS_MAPPING, "relay", "calls need the relay",                                          \
      "because each peer sees another outside port, so that nobody can be told where to send "     \
      "(but "                                                                                      \
      "for peers that let in any port)")                                                           \
    X(NAT_CALLS_BLOCKED, "relay", "calls need the relay",                                          \
      "because UDP does not pass: only a relay that is reached over TCP or TLS can carry media")

/* Why something is unknown. */
#define NAT_GAP_LIST(X)                                                                            \
    X(NAT_GAP_NONE, "none", "")                                                                    \
    X(NAT_GAP_NO_ANSWER, "no answer", "the server did not answer")                                 \
    X(NAT_GAP_REFUSED, "refused", "the server refused the first request")                          \
    X(NAT_GAP_ONE_ADDRESS, "one address",                                                          \
      "the server has one address; a server with a second one can tell mapping and filtering")     \
    X(NAT_GAP_NO_CHANGE, "no change",                                                              \
      "the server did not answer from its other address or port when it was asked to")             \
    X(NAT_GAP_OTHER_SILENT, "other address silent",                                                \
      "the second address that the server names does not answer")

#define NAT_ENUM_2(id, text)       id,
#define NAT_ENUM_3(id, text, a)    id,
#define NAT_ENUM_4(id, text, a, b) id,
enum nat_kind { NAT_KIND_LIST(NAT_ENUM_3) NAT_KINDS };
enum nat_mapping { NAT_MAPPING_LIST(NAT_ENUM_2) NAT_MAPPINGS };
enum nat_filtering { NAT_FILTERING_LIST(NAT_ENUM_2) NAT_FILTERINGS };
enum nat_hairpin { NAT_HAIRPIN_LIST(NAT_ENUM_2) NAT_HAIRPINS };
enum nat_fragments { NAT_FRAGMENTS_LIST(NAT_ENUM_2) NAT_FRAGMENTS };
enum nat_calls { NAT_CALLS_LIST(NAT_ENUM_4) NAT_CALLS };
enum nat_gap { NAT_GAP_LIST(NAT_ENUM_3) NAT_GAPS };
#undef NAT_ENUM_2
#undef NAT_ENUM_3
#undef NAT_ENUM_4

struct nat_report {
    bool has_outside;
    struct address outside; /* where has_outside is set */
    bool translated;        /* it is not the machine's own address */
    bool port_kept;         /* the outside port is the inside one, towards every destination */
    bool altered;           /* addresses inside messages are rewritten (RFC 5780 section 3.6) */
    unsigned status;        /* of the answer that refused the first request, or 0 */
    enum nat_kind kind;
    enum nat_mapping mapping;
    enum nat_filtering filtering;
    enum nat_hairpin hairpin;
    enum nat_fragments fragments;
    enum nat_calls calls;
    enum nat_gap gap;
};

/* Static texts. */
const char *nat_kind_text(enum nat_kind kind);
const char *nat_kind_meaning(enum nat_kind kind);
const char *nat_mapping_text(enum nat_mapping mapping);
const char *nat_filtering_text(enum nat_filtering filtering);
const char *nat_hairpin_text(enum nat_hairpin hairpin);
const char *nat_fragments_text(enum nat_fragments which);
/* "straight", "relay" or "unknown"; the sentence; its reason. */
const char *nat_calls_text(enum nat_calls calls);
const char *nat_calls_sentence(enum nat_calls calls);
const char *nat_calls_reason(enum nat_calls calls);
const char *nat_gap_text(enum nat_gap gap);
const char *nat_gap_meaning(enum nat_gap gap);

/* Of mapping and filtering, the kind for what RFC 3489 did not ask. */
enum nat_calls nat_calls_of(enum nat_kind kind, enum nat_mapping mapping,
                            enum nat_filtering filtering);

#endif
