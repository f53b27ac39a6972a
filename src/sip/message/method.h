/* SIP methods. Methods compare with case (RFC 3261 section 7.1). */
#ifndef SIP_MESSAGE_METHOD_H
#define SIP_MESSAGE_METHOD_H

#include "base/slice.h"

#define SIP_METHOD_TABLE(X)                                                                        \
    X(INVITE)                                                                                      \
    X(ACK)                                                                                         \
    X(BYE)                                                                                         \
    X(CANCEL)                                                                                      \
    X(REGISTER)                                                                                    \
    X(OPTIONS)                                                                                     \
    X(INFO)                                                                                        \
    X(MESSAGE)                                                                                     \
    X(NOTIFY)                                                                                      \
    X(PRACK)                                                                                       \
    X(PUBLISH)                                                                                     \
    X(REFER)                                                                                       \
    X(SUBSCRIBE)                                                                                   \
    X(UPDATE)

enum sip_method {
#define SIP_METHOD_ENUM(name) SIP_##name,
    SIP_METHOD_TABLE(SIP_METHOD_ENUM)
#undef SIP_METHOD_ENUM
        SIP_METHOD_OTHER, /* passed through by name */
    SIP_METHOD_COUNT
};

enum sip_method sip_method_lookup(struct slice name);
/* method must not be SIP_METHOD_OTHER. */
struct slice sip_method_name(enum sip_method method);

#endif
