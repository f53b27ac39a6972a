/* Send and Data indications, as they are on the wire (RFC 8656 section 11). Pure, and quick: one of
 * them is due per relayed datagram. */
#ifndef SERVICE_TURN_INDICATION_H
#define SERVICE_TURN_INDICATION_H

#include "service/turn/host.h"

#define TURN_SEND_TYPE 0x0016

struct turn_send {
    struct turn_host host;
    bool v6;
    bool whole; /* DONT-FRAGMENT */
    uint16_t port;
    struct slice data;
};

/* A Send indication: header, length and magic cookie have been looked at, or not. ERR_SYNTAX: no
 * such, or an attribute is missing, broken, or must be understood and is not; a wrong FINGERPRINT.
 */
int turn_send_parse(struct slice message, struct turn_send *ret_send);

/* Bytes in front of the payload: for IPv4, for IPv6; both fit PORT_HEADROOM. */
#define TURN_DATA_HEAD_V4 36
#define TURN_DATA_HEAD_V6 48

/* Makes a Data indication around a payload: head bytes before it are written, and up to 3 behind.
 * id: 12 bytes. The whole message; empty when the payload is too long for one. */
struct slice turn_data_write(char *payload, size_t length, const struct address *peer,
                             const void *id);

#endif
