#include "stun/nat.h"

#define TEXT_2(id, text)         [id] = (text),
#define TEXT_3(id, text, a)      [id] = (text),
#define TEXT_4(id, text, a, b)   [id] = (text),
#define SECOND_3(id, text, a)    [id] = (a),
#define SECOND_4(id, text, a, b) [id] = (a),
#define THIRD_4(id, text, a, b)  [id] = (b),

static const char *const kinds[] = {NAT_KIND_LIST(TEXT_3)};
static const char *const kind_meanings[] = {NAT_KIND_LIST(SECOND_3)};
static const char *const mappings[] = {NAT_MAPPING_LIST(TEXT_2)};
static const char *const filterings[] = {NAT_FILTERING_LIST(TEXT_2)};
static const char *const hairpins[] = {NAT_HAIRPIN_LIST(TEXT_2)};
static const char *const fragments[] = {NAT_FRAGMENTS_LIST(TEXT_2)};
static const char *const calls_texts[] = {NAT_CALLS_LIST(TEXT_4)};
static const char *const calls_sentences[] = {NAT_CALLS_LIST(SECOND_4)};
static const char *const calls_reasons[] = {NAT_CALLS_LIST(THIRD_4)};
static const char *const gaps[] = {NAT_GAP_LIST(TEXT_3)};
static const char *const gap_meanings[] = {NAT_GAP_LIST(SECOND_3)};

const char *nat_kind_text(enum nat_kind kind)
{
    return kinds[kind];
}

const char *nat_kind_meaning(enum nat_kind kind)
{
    return kind_meanings[kind];
}

const char *nat_mapping_text(enum nat_mapping mapping)
{
    return mappings[mapping];
}

const char *nat_filtering_text(enum nat_filtering filtering)
{
    return filterings[filtering];
}

const char *nat_hairpin_text(enum nat_hairpin hairpin)
{
    return hairpins[hairpin];
}

const char *nat_fragments_text(enum nat_fragments which)
{
    return fragments[which];
}

const char *nat_calls_text(enum nat_calls calls)
{
    return calls_texts[calls];
}

const char *nat_calls_sentence(enum nat_calls calls)
{
    return calls_sentences[calls];
}

const char *nat_calls_reason(enum nat_calls calls)
{
    return calls_reasons[calls];
}

const char *nat_gap_text(enum nat_gap gap)
{
    return gaps[gap];
}

const char *nat_gap_meaning(enum nat_gap gap)
{
    return gap_meanings[gap];
}

#define UNTOLD   NAT_CALLS_UNTOLD
#define ANYONE   NAT_CALLS_ANYONE
#define NARROW   NAT_CALLS_ADDRESS
#define STRAIGHT NAT_CALLS_STRAIGHT
#define MAPPING  NAT_CALLS_MAPPING

/* Columns: filtering unknown, endpoint-independent, address-dependent, address and port-dependent.
 * Who lets everybody in can be told everybody (RFC 8445 section 2), whatever its mapping. */
static const unsigned char calls_of[NAT_MAPPINGS][NAT_FILTERINGS] = {
    [NAT_MAPPING_UNTOLD] = {UNTOLD, ANYONE, UNTOLD, UNTOLD},
    [NAT_MAPPING_NONE] = {STRAIGHT, ANYONE, NARROW, STRAIGHT},
    [NAT_MAPPING_ENDPOINT] = {STRAIGHT, ANYONE, NARROW, STRAIGHT},
    [NAT_MAPPING_ADDRESS] = {MAPPING, ANYONE, MAPPING, MAPPING},
    [NAT_MAPPING_PORT] = {MAPPING, ANYONE, MAPPING, MAPPING},
};

enum nat_calls nat_calls_of(enum nat_kind kind, enum nat_mapping mapping,
                            enum nat_filtering filtering)
{
    if (kind == NAT_UDP_BLOCKED)
        return NAT_CALLS_BLOCKED;
    return calls_of[mapping][filtering];
}
