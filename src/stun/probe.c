#include "stun/probe.h"

#include "base/error.h"
#include "stun/binding.h"
#include "stun/bytes.h"
#include "stun/fingerprint.h"
#include "stun/write.h"

void stun_probe_id(struct stun_probe *probe, const void *id)
{
    bytes_put32(probe->id, STUN_COOKIE);
    memcpy(probe->id + 4, id, STUN_ID_SIZE - 4);
}

static void write_port(struct stun_writer *w, uint16_t port)
{
    char value[2];
    bytes_put16(value, port);
    stun_write(w, STUN_RESPONSE_PORT, slice_of(value, sizeof value));
}

static void write_padding(struct stun_writer *w, size_t length)
{
    static const char zeros[STUN_PROBE_PADDING_MAX];
    stun_write(w, STUN_PADDING, slice_of(zeros, length < sizeof zeros ? length : sizeof zeros));
}

struct slice stun_probe_write(const struct stun_probe *probe, void *buffer, size_t size)
{
    struct stun_writer w;
    stun_write_begin(&w, buffer, size, stun_type(STUN_REQUEST, STUN_BINDING), probe->id);
    if (probe->change != 0)
        stun_write_u32(&w, STUN_CHANGE_REQUEST, probe->change);
    if (probe->response_port != 0)
        write_port(&w, probe->response_port);
    if (probe->has_response_address)
        stun_write_address(&w, STUN_RESPONSE_ADDRESS, &probe->response_address);
    if (probe->padding != 0)
        write_padding(&w, probe->padding);
    return stun_write_end(&w);
}

uint32_t stun_probe_send_at(unsigned n)
{
    uint32_t at = 0, pause = STUN_PROBE_PAUSE;
    for (; n > 0; n--) {
        at += pause;
        pause = pause * 2 < STUN_PROBE_PAUSE_MAX ? pause * 2 : STUN_PROBE_PAUSE_MAX;
    }
    return at;
}

/* A Binding message with this ID. */
static int find(const struct stun_probe *probe, struct slice datagram, struct stun_message *m)
{
    int status = stun_parse(datagram, m);
    if (status == ERR_SYNTAX || m->method != STUN_BINDING ||
        memcmp(stun_id(m), probe->id, STUN_ID_SIZE) != 0)
        return ERR_NOT_FOUND;
    if (status == 0 && stun_has(m, STUN_FINGERPRINT) && stun_fingerprint_check(m) < 0)
        return ERR_NOT_FOUND;
    return status;
}

bool stun_probe_is_own(const struct stun_probe *probe, struct slice datagram)
{
    struct stun_message m;
    return find(probe, datagram, &m) == 0 && m.class == STUN_REQUEST;
}

/* RFC 8489 section 14.2; MAPPED-ADDRESS is all that a server of RFC 3489 sends. */
static int read_mapped(const struct stun_message *m, struct stun_reply *reply)
{
    struct address plain;
    int xored = stun_get_address(m, STUN_XOR_MAPPED_ADDRESS, &reply->mapped);
    int status = stun_get_address(m, STUN_MAPPED_ADDRESS, &plain);
    if (xored < 0 && status < 0)
        return ERR_INVALID;
    if (xored < 0)
        reply->mapped = plain;
    reply->altered = xored == 0 && status == 0 && !address_equal(&plain, &reply->mapped);
    return 0;
}

int stun_probe_read(const struct stun_probe *probe, struct slice datagram,
                    struct stun_reply *ret_reply)
{
    struct stun_message m;
    struct stun_reply reply = {.status = 0};
    struct slice reason;
    int status = find(probe, datagram, &m);
    if (status == ERR_NOT_FOUND || m.class == STUN_REQUEST || m.class == STUN_INDICATION)
        return ERR_NOT_FOUND;
    if (status < 0)
        return ERR_INVALID;
    if (m.class == STUN_ERROR) {
        if (stun_get_error(&m, &reply.status, &reason) < 0)
            return ERR_INVALID;
        *ret_reply = reply;
        return 0;
    }
    /* RFC 8489 section 6.3.3: a success with what must be understood and is not is discarded. */
    if (m.unknown_count > 0 || read_mapped(&m, &reply) < 0)
        return ERR_INVALID;
    reply.has_other = stun_get_address(&m, STUN_OTHER_ADDRESS, &reply.other) == 0 ||
                      stun_get_address(&m, STUN_CHANGED_ADDRESS, &reply.other) == 0;
    *ret_reply = reply;
    return 0;
}
