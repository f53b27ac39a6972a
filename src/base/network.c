#include "base/network.h"

#include "base/error.h"

/* The bytes of the host, and how many. */
static const uint8_t *bytes_of(const struct address *a, unsigned *ret_count)
{
    *ret_count = address_is_v6(a) ? sizeof a->in6.sin6_addr : sizeof a->in4.sin_addr;
    return address_is_v6(a) ? a->in6.sin6_addr.s6_addr : (const uint8_t *)&a->in4.sin_addr;
}

static uint8_t mask_of(unsigned length, unsigned byte)
{
    if (length >= (byte + 1) * 8)
        return 0xff;
    return length <= byte * 8 ? 0 : (uint8_t)(0xff << (8 - (length - byte * 8)));
}

struct network network_of(const struct address *a, unsigned length)
{
    struct network network = {.address = *a};
    unsigned count;
    (void)bytes_of(a, &count);
    uint8_t *bytes = address_is_v6(a) ? network.address.in6.sin6_addr.s6_addr
                                      : (uint8_t *)&network.address.in4.sin_addr;
    network.length = (uint8_t)(length > count * 8 ? count * 8 : length);
    address_set_port(&network.address, 0);
    if (address_is_v6(a))
        network.address.in6.sin6_scope_id = 0;
    for (unsigned i = 0; i < count; i++)
        bytes[i] &= mask_of(network.length, i);
    return network;
}

int network_parse(struct slice text, struct network *ret_network)
{
    struct slice length_text = text;
    struct slice host = slice_cut(&length_text, '/');
    bool has_length = slice_index(text, '/') < text.len;
    struct address address;
    uint32_t length = 128;
    if (address_parse_host(host, 0, &address) < 0)
        return ERR_SYNTAX;
    int status =
        has_length ? slice_to_u32(length_text, address_is_v6(&address) ? 128 : 32, &length) : 0;
    if (status < 0)
        return status;
    *ret_network = network_of(&address, length);
    return 0;
}

bool network_has(const struct network *network, const struct address *a)
{
    struct address plain = *a;
    unsigned count;
    address_unmap(&plain);
    if (address_is_v6(&plain) != address_is_v6(&network->address))
        return false;
    const uint8_t *there = bytes_of(&network->address, &count);
    const uint8_t *here = bytes_of(&plain, &count);
    for (unsigned i = 0; i < count; i++) {
        if ((here[i] & mask_of(network->length, i)) != there[i])
            return false;
    }
    return true;
}

bool network_has_any(const struct network *networks, size_t count, const struct address *a)
{
    for (size_t i = 0; i < count; i++) {
        if (network_has(&networks[i], a))
            return true;
    }
    return false;
}

const char *network_text(const struct network *network, char *buf)
{
    struct writer w;
    writer_init(&w, buf, NETWORK_TEXT_MAX);
    address_write_host(&w, &network->address, false);
    writer_char(&w, '/');
    writer_u64(&w, network->length);
    writer_char(&w, '\0');
    return buf;
}
