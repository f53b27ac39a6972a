/* Contact values. RFC 3261 sections 10.2.1, 20.10; RFC 5626 section 4.1. */
#include "base/error.h"
#include "sip/message/address.h"
#include "sip/message/chars.h"

#define EXPIRES_OF_MALFORMED 3600 /* RFC 3261 section 10.2.1.1 */

static struct slice without_quotes(struct slice s)
{
    return s.len >= 2 && s.ptr[0] == '"' ? slice_of(s.ptr + 1, s.len - 2) : s;
}

static int take_param(const struct sip_param *param, struct sip_contact *contact)
{
    switch (param->name.len) {
    case 1:
        if (slice_equal_nocase(param->name, SLICE("q"))) {
            return sip_qvalue_parse(param->value, &contact->q);
        }
        break;
    case 6:
        if (slice_equal_nocase(param->name, SLICE("reg-id"))) {
            /* RFC 5626 section 4.2.1: from 1 to 2^31-1. */
            int rc = slice_to_u32(param->value, INT32_MAX, &contact->reg_id);
            return rc < 0 || contact->reg_id == 0 ? ERR_SYNTAX : 0;
        }
        break;
    case 7:
        if (slice_equal_nocase(param->name, SLICE("expires"))) {
            contact->has_expires = true;
            if (slice_to_u32(param->value, UINT32_MAX, &contact->expires) < 0) {
                contact->expires = EXPIRES_OF_MALFORMED;
            }
        }
        break;
    case 13:
        if (slice_equal_nocase(param->name, SLICE("+sip.instance"))) {
            contact->instance = without_quotes(param->value);
        }
        break;
    default: break;
    }
    return 0;
}

int sip_contact_parse(struct slice value, struct sip_contact *ret_contact)
{
    struct sip_contact contact = {.q = 1000};
    int rc = sip_address_parse(value, true, &contact.address);
    if (rc == 0 && !contact.address.star) {
        rc = sip_uri_parse(contact.address.uri, &contact.uri);
    }
    struct slice rest = contact.address.params;
    struct sip_param param;
    while (rc == 0 && sip_param_next(&rest, &param) > 0) {
        rc = take_param(&param, &contact);
    }
    if (rc == 0) {
        *ret_contact = contact;
    }
    return rc;
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), RFC 3261 section 25.1. */
int sip_qvalue_parse(struct slice text, uint16_t *ret_q)
{
    if (text.len == 0 || text.len > 5 || (text.ptr[0] != '0' && text.ptr[0] != '1') ||
        (text.len > 1 && text.ptr[1] != '.')) {
        return ERR_SYNTAX;
    }
    unsigned q = 0;
    for (size_t i = 2; i < 5; i++) {
        char digit = i < text.len ? text.ptr[i] : '0';
        if (!sip_char_is(digit, SIP_CHAR_DIGIT)) {
            return ERR_SYNTAX;
        }
        q = q * 10 + (unsigned)(digit - '0');
    }
    if (text.ptr[0] == '1') {
        if (q != 0) {
            return ERR_SYNTAX;
        }
        q = 1000;
    }
    *ret_q = (uint16_t)q;
    return 0;
}

void sip_qvalue_write(struct writer *w, uint16_t q)
{
    if (q >= 1000 || q == 0) {
        writer_char(w, q ? '1' : '0');
        return;
    }
    char text[5] = {'0', '.', (char)('0' + q / 100), (char)('0' + q / 10 % 10),
                    (char)('0' + q % 10)};
    size_t length = sizeof(text);
    while (text[length - 1] == '0') {
        length--;
    }
    writer_bytes(w, text, length);
}
