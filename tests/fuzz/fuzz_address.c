/* name-addr, addr-spec and Contact values. RFC 3261 sections 20.10, 25.1. */
#include "fuzz/check.h"
#include "sip/message/address.h"

static int rewrite(struct slice input, struct writer *w)
{
    struct sip_address address;
    int rc = sip_address_parse(input, true, &address);
    if (rc == 0) {
        fuzz_inside(input, address.display);
        fuzz_inside(input, address.uri);
        fuzz_inside(input, address.params);
        fuzz_inside(input, address.tag);
        FUZZ_CHECK(address.star == (address.uri.len == 0));
        sip_address_write(w, &address);
    }
    return rc;
}

static void check_contact(struct slice input)
{
    struct sip_contact contact;
    char buffer[8];
    struct writer w;
    if (sip_contact_parse(input, &contact) == 0) {
        uint16_t q = 0;
        fuzz_inside(input, contact.instance);
        fuzz_inside(input, contact.uri.raw);
        writer_init(&w, buffer, sizeof(buffer));
        sip_qvalue_write(&w, contact.q);
        FUZZ_CHECK(sip_qvalue_parse(writer_slice(&w), &q) == 0 && q == contact.q);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of((const char *)data, size);
    struct sip_address address;
    fuzz_roundtrip(input, rewrite);
    check_contact(input);
    if (sip_address_parse(input, false, &address) == 0) {
        FUZZ_CHECK(!address.star);
    }
    return 0;
}
