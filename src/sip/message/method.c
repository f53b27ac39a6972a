#include "sip/message/method.h"

#include <assert.h>

static const struct slice names[SIP_METHOD_OTHER] = {
#define METHOD_NAME(name) [SIP_##name] = SLICE_LITERAL(#name),
    SIP_METHOD_TABLE(METHOD_NAME)
#undef METHOD_NAME
};

static enum sip_method if_equal(struct slice name, enum sip_method method)
{
    return memcmp(name.ptr, names[method].ptr, names[method].len) == 0 ? method : SIP_METHOD_OTHER;
}

/* Length and one letter leave one candidate. */
enum sip_method sip_method_lookup(struct slice name)
{
    switch (name.len) {
    case 3: return if_equal(name, name.ptr[0] == 'A' ? SIP_ACK : SIP_BYE);
    case 4: return if_equal(name, SIP_INFO);
    case 5: return if_equal(name, name.ptr[0] == 'P' ? SIP_PRACK : SIP_REFER);
    case 6:
        switch (name.ptr[0]) {
        case 'I': return if_equal(name, SIP_INVITE);
        case 'C': return if_equal(name, SIP_CANCEL);
        case 'N': return if_equal(name, SIP_NOTIFY);
        default: return if_equal(name, SIP_UPDATE);
        }
    case 7:
        switch (name.ptr[0]) {
        case 'O': return if_equal(name, SIP_OPTIONS);
        case 'M': return if_equal(name, SIP_MESSAGE);
        default: return if_equal(name, SIP_PUBLISH);
        }
    case 8: return if_equal(name, SIP_REGISTER);
    case 9: return if_equal(name, SIP_SUBSCRIBE);
    default: return SIP_METHOD_OTHER;
    }
}

struct slice sip_method_name(enum sip_method method)
{
    assert(method < SIP_METHOD_OTHER);
    return names[method];
}
