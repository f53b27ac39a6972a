/* SCTP packets on the wire (RFC 9260 section 3): header, checksum, first chunk. Pure. */
#ifndef LOOP_SCTP_PACKET_H
#define LOOP_SCTP_PACKET_H

#include <stdbool.h>

#include "base/slice.h"

#define ASSOC_PACKET_LEAST 16u    /* common header and one chunk header */
#define ASSOC_PACKET_MAX   65535u /* no datagram is longer */

struct assoc_packet {
    uint16_t source_port;
    uint16_t destination_port;
    uint32_t tag;          /* verification tag */
    uint8_t chunk;         /* type of the first chunk */
    uint32_t initiate_tag; /* of an INIT or INIT ACK, else 0 */
};

enum { ASSOC_CHUNK_INIT = 1, ASSOC_CHUNK_INIT_ACK = 2, ASSOC_CHUNK_COOKIE_ECHO = 10 };

/* Reads the header; data may be anything. The checksum (CRC32c, RFC 9260 section 6.8) is not looked
 * at. ERR_SYNTAX. */
int assoc_packet_parse(struct slice data, struct assoc_packet *ret_packet);
/* Is the checksum right? It is zero in bytes afterwards. len: at least ASSOC_PACKET_LEAST. */
bool assoc_packet_check(uint8_t *bytes, size_t len);
/* Writes other ports into bytes. */
void assoc_packet_set_ports(uint8_t *bytes, uint16_t source, uint16_t destination);
/* Computes the checksum. len: at least ASSOC_PACKET_LEAST. */
void assoc_packet_sign(uint8_t *bytes, size_t len);
/* The ABORT that answers an INIT for which there is no room (RFC 9260 sections 5.1 and 3.3.7), back
 * to its source. Not signed. */
void assoc_packet_write_abort(uint8_t bytes[ASSOC_PACKET_LEAST], const struct assoc_packet *init);

#endif
