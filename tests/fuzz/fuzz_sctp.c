/* Packets to an SCTP listener, with a right checksum or not, of strangers and inside an
 * association: nothing falls over, what is handed up is within bounds, and nothing is left at the
 * end. The input is packets: a byte of what is made right, a byte of length, the bytes from the
 * first chunk on. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <usrsctp.h>

#include "fuzz/require.h"
#include "loop/sctp_private.h"
#include "loop/udp_private.h"

enum { MAKE_CHECKSUM = 1, MAKE_TAG = 2, MAKE_STRANGER = 4, MAKE_TIME = 8 };

#define PEER_PORT    5000u
#define MESSAGE_MOST 4096u

struct peer {
    struct loop *loop;
    struct assoc_listener *listener;
    struct address local; /* of the listener, with its UDP port */
    struct address address;
    int fd;
    uint32_t tag; /* what the listener wants of us */
};

static const uint8_t init_chunk[] = {1, 0, 0, 20, 0, 0, 0, 7, 0, 1, 0, 0, 0, 8, 0, 8, 0, 0, 0, 9};

static int on_message(void *user, const struct flow *flow, struct slice message)
{
    (void)user;
    require(flow->transport == TRANSPORT_SCTP);
    require(message.len <= MESSAGE_MOST);
    return message.len % 7 == 6 ? -1 : 0;
}

static struct assoc_wire *wire_of(const struct peer *peer)
{
    return peer->listener->wire;
}

static void feed(struct peer *peer, uint16_t port, uint32_t tag, const uint8_t *chunks,
                 size_t length, bool sign)
{
    uint8_t *bytes = malloc(12 + length);
    require(bytes != NULL);
    struct address local = assoc_listener_local(peer->listener);
    assoc_packet_set_ports(bytes, port, address_port(&local));
    for (unsigned i = 0; i < 4; i++)
        bytes[4 + i] = (uint8_t)(tag >> (24 - 8 * i));
    memset(bytes + 8, 0, 4);
    memcpy(bytes + 12, chunks, length);
    if (sign && length >= 4)
        assoc_packet_sign(bytes, 12 + length);
    assoc_on_packet(wire_of(peer), &peer->local, &peer->address,
                    slice_of((const char *)bytes, 12 + length));
    udp_flush(wire_of(peer)->udp);
    free(bytes);
}

static size_t answer(const struct peer *peer, uint8_t *bytes, size_t size)
{
    ssize_t n = recv(peer->fd, bytes, size, MSG_DONTWAIT);
    return n > 0 ? (size_t)n : 0;
}

static void shake_hands(struct peer *peer)
{
    uint8_t bytes[4096];
    feed(peer, PEER_PORT, 0, init_chunk, sizeof(init_chunk), true);
    size_t length = answer(peer, bytes, sizeof(bytes));
    require(length > 36 && bytes[12] == ASSOC_CHUNK_INIT_ACK);
    peer->tag = (uint32_t)bytes[16] << 24 | (uint32_t)bytes[17] << 16 | (uint32_t)bytes[18] << 8 |
                bytes[19];
    require(bytes[32] == 0 && bytes[33] == 7); /* the cookie is its first parameter */
    size_t cookie = (size_t)bytes[34] << 8 | bytes[35];
    require(32 + cookie <= length);
    bytes[32] = ASSOC_CHUNK_COOKIE_ECHO;
    bytes[33] = 0;
    feed(peer, PEER_PORT, peer->tag, bytes + 32, cookie, true);
    require(assoc_count(peer->loop, ASSOC_OPEN) == 1);
}

static void start(struct peer *peer)
{
    struct loop_config config = {0};
    struct address any = {.in4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    socklen_t size = sizeof(peer->address);
    struct assoc_options options = {.udp = true,
                                    .limits = {.message = MESSAGE_MOST, .associations = 3},
                                    .handler = {.on_message = on_message}};
    memset(peer, 0, sizeof(*peer));
    require(loop_new(&config, &peer->loop) == 0);
    require(assoc_listen(peer->loop, &any, &options, &peer->listener) == 0);
    peer->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    require(peer->fd >= 0 && bind(peer->fd, &any.sa, address_length(&any)) == 0);
    require(getsockname(peer->fd, &peer->address.sa, &size) == 0);
    peer->local = wire_of(peer)->local;
}

static void play(struct peer *peer, const uint8_t *data, size_t size)
{
    uint8_t bytes[4096];
    while (size >= 2) {
        unsigned make = data[0];
        size_t length = data[1];
        data += 2;
        size -= 2;
        length = length < size ? length : size;
        uint16_t port = make & MAKE_STRANGER ? (uint16_t)(PEER_PORT + 1 + (make >> 4)) : PEER_PORT;
        feed(peer, port, make & MAKE_TAG ? peer->tag : make >> 4, data, length,
             (make & MAKE_CHECKSUM) != 0);
        if (make & MAKE_TIME)
            usrsctp_handle_timers(500);
        while (answer(peer, bytes, sizeof(bytes)) > 0) {
        }
        require(peer->loop->assocs->used <= 3);
        require(list_empty(&peer->loop->assocs->events));
        data += length;
        size -= length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct peer peer;
    start(&peer);
    shake_hands(&peer);
    play(&peer, data, size);
    assoc_listener_close(peer.listener);
    require(peer.loop->assocs->used == 0);
    require(peer.loop->assocs->pool.in_use == 0 && peer.loop->assocs->event_pool.in_use == 0);
    loop_free(peer.loop);
    (void)close(peer.fd);
    return 0;
}
