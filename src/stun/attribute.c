#include "stun/attribute.h"

#define REQUIRED_TYPES 0x0030
#define OPTIONAL_FIRST 0x8000
#define OPTIONAL_TYPES 0x0031

static const struct stun_attribute_info infos[STUN_ATTRIBUTE_COUNT] = {
#define STUN_ATTRIBUTE_ROW(name, type, text, min, max)                                             \
    [STUN_##name] = {type, min, max, SLICE_LITERAL(text)},
    STUN_ATTRIBUTE_LIST(STUN_ATTRIBUTE_ROW)
#undef STUN_ATTRIBUTE_ROW
};

/* Both ranges are dense: attribute + 1 by type, 0 where there is none. Types of the optional range
 * follow those of the other. */
#define INDEX(type) ((type) < OPTIONAL_FIRST ? (type) : (type)-OPTIONAL_FIRST + REQUIRED_TYPES)
static const uint8_t by_type[REQUIRED_TYPES + OPTIONAL_TYPES] = {
#define STUN_ATTRIBUTE_INDEX(name, type, text, min, max) [INDEX(type)] = STUN_##name + 1,
    STUN_ATTRIBUTE_LIST(STUN_ATTRIBUTE_INDEX)
#undef STUN_ATTRIBUTE_INDEX
};

const struct stun_attribute_info *stun_attribute_info(enum stun_attribute attribute)
{
    return &infos[attribute];
}

enum stun_attribute stun_attribute_of(uint16_t type)
{
    bool known =
        type < REQUIRED_TYPES || (type >= OPTIONAL_FIRST && type < OPTIONAL_FIRST + OPTIONAL_TYPES);
    unsigned found = known ? by_type[INDEX(type)] : 0;
    return found > 0 ? (enum stun_attribute)(found - 1) : STUN_ATTRIBUTE_COUNT;
}
