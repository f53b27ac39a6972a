#include "stun/fingerprint.h"

#include "base/error.h"
#include "stun/bytes.h"

#include <zlib.h>

#define FINGERPRINT_XOR 0x5354554eu

uint32_t stun_fingerprint(struct slice bytes)
{
    return (uint32_t)crc32_z(0, (const uint8_t *)bytes.ptr, bytes.len) ^ FINGERPRINT_XOR;
}

int stun_fingerprint_check(const struct stun_message *message)
{
    uint32_t value;
    if (stun_get_u32(message, STUN_FINGERPRINT, &value) < 0)
        return ERR_NOT_FOUND;
    size_t covered = message->spans[STUN_FINGERPRINT].at - 4u;
    return stun_fingerprint(slice_of(message->raw.ptr, covered)) == value ? 0 : ERR_INVALID;
}
