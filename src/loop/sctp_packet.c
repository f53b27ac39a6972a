#include "loop/sctp_packet.h"

#include <arpa/inet.h>
#include <string.h>
#include <usrsctp.h>

#include "base/error.h"

#define INIT_LEAST 32u /* common header and INIT chunk without parameters */

static uint16_t read_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void write_u16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

int assoc_packet_parse(struct slice data, struct assoc_packet *ret_packet)
{
    if (data.len < ASSOC_PACKET_LEAST || data.len > ASSOC_PACKET_MAX)
        return ERR_SYNTAX;
    const uint8_t *p = (const uint8_t *)data.ptr;
    struct assoc_packet packet = {.source_port = read_u16(p),
                                  .destination_port = read_u16(p + 2),
                                  .tag = read_u32(p + 4),
                                  .chunk = p[12]};
    bool init = packet.chunk == ASSOC_CHUNK_INIT || packet.chunk == ASSOC_CHUNK_INIT_ACK;
    /* RFC 9260 section 3.1: no port is 0. */
    if (packet.source_port == 0 || packet.destination_port == 0 || (init && data.len < INIT_LEAST))
        return ERR_SYNTAX;
    if (init)
        packet.initiate_tag = read_u32(p + 16);
    *ret_packet = packet;
    return 0;
}

static uint32_t checksum(uint8_t *bytes, size_t len)
{
    memset(bytes + 8, 0, 4);
    return usrsctp_crc32c(bytes, len);
}

bool assoc_packet_check(uint8_t *bytes, size_t len)
{
    uint32_t told;
    memcpy(&told, bytes + 8, sizeof(told));
    return checksum(bytes, len) == told;
}

void assoc_packet_set_ports(uint8_t *bytes, uint16_t source, uint16_t destination)
{
    write_u16(bytes, source);
    write_u16(bytes + 2, destination);
}

void assoc_packet_sign(uint8_t *bytes, size_t len)
{
    uint32_t sum = checksum(bytes, len); /* in the order of the wire already */
    memcpy(bytes + 8, &sum, sizeof(sum));
}

void assoc_packet_write_abort(uint8_t bytes[ASSOC_PACKET_LEAST], const struct assoc_packet *init)
{
    static const uint8_t abort_chunk[4] = {6, 0, 0, 4};
    uint32_t tag = htonl(init->initiate_tag);
    assoc_packet_set_ports(bytes, init->destination_port, init->source_port);
    memcpy(bytes + 4, &tag, sizeof(tag));
    memset(bytes + 8, 0, 4);
    memcpy(bytes + 12, abort_chunk, sizeof(abort_chunk));
}
