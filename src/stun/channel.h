/* ChannelData (RFC 8656 section 12.4): four bytes of header before the payload. */
#ifndef STUN_CHANNEL_H
#define STUN_CHANNEL_H

#include "base/slice.h"

#define CHANNEL_HEADER_SIZE 4
#define CHANNEL_FIRST       0x4000
/* RFC 5766 section 11; RFC 8656 section 12 has 0x4fff, to tell ChannelData from RTP and DTLS on the
 * ports of peers. Clients of the older one choose from the whole range, and nothing else of it
 * comes to a TURN server's ports. */
#define CHANNEL_LAST 0x7fff

/* Is that what a client may bind? */
static inline bool channel_valid(unsigned number)
{
    return number >= CHANNEL_FIRST && number <= CHANNEL_LAST;
}

/* Does the first byte say ChannelData (64 to 127)? */
bool channel_looks_like(struct slice bytes);
/* A datagram: padding behind the payload is allowed, less payload than the header says is not
 * (section 12.6). ERR_SYNTAX. */
int channel_parse(struct slice datagram, uint16_t *ret_number, struct slice *ret_payload);
/* The length with padding of the frame that starts at a stream's bytes (section 12.5): 0 when more
 * are needed. ERR_SYNTAX when none starts here. */
int channel_frame(struct slice bytes, size_t *ret_length);
/* The header of a payload; CHANNEL_HEADER_SIZE bytes. */
void channel_write_header(void *at, uint16_t number, size_t length);

#endif
