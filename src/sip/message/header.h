/* The table of all SIP header fields we know by name. RFC 3261 section 20 and the RFC named at each
 * row. */
#ifndef SIP_MESSAGE_HEADER_H
#define SIP_MESSAGE_HEADER_H

#include "base/slice.h"

enum sip_header_flags {
    SIP_HEADER_LIST = 1,   /* several values: comma lists and repeated lines mean the same (RFC 3261
                              section 7.3.1) */
    SIP_HEADER_SINGLE = 2, /* a second line of it makes the message malformed */
};

/* id, name, compact form or 0, flags. Auth headers hold one challenge or credential per line
 * (section 20.27). After a change run tools/header-hash. */
#define SIP_HEADER_TABLE(X)                                                                        \
    X(ACCEPT, "Accept", 0, SIP_HEADER_LIST)                                                        \
    X(ACCEPT_CONTACT, "Accept-Contact", 'a', SIP_HEADER_LIST) /* RFC 3841 */                       \
    X(ACCEPT_ENCODING, "Accept-Encoding", 0, SIP_HEADER_LIST)                                      \
    X(ACCEPT_LANGUAGE, "Accept-Language", 0, SIP_HEADER_LIST)                                      \
    X(ALERT_INFO, "Alert-Info", 0, SIP_HEADER_LIST)                                                \
    X(ALLOW, "Allow", 0, SIP_HEADER_LIST)                                                          \
    X(ALLOW_EVENTS, "Allow-Events", 'u', SIP_HEADER_LIST) /* RFC 6665 */                           \
    X(AUTHENTICATION_INFO, "Authentication-Info", 0, 0)                                            \
    X(AUTHORIZATION, "Authorization", 0, 0)                                                        \
    X(CALL_ID, "Call-ID", 'i', SIP_HEADER_SINGLE)                                                  \
    X(CALL_INFO, "Call-Info", 0, SIP_HEADER_LIST)                                                  \
    X(CONTACT, "Contact", 'm', SIP_HEADER_LIST)                                                    \
    X(CONTENT_DISPOSITION, "Content-Disposition", 0, SIP_HEADER_SINGLE)                            \
    X(CONTENT_ENCODING, "Content-Encoding", 'e', SIP_HEADER_LIST)                                  \
    X(CONTENT_LANGUAGE, "Content-Language", 0, SIP_HEADER_LIST)                                    \
    X(CONTENT_LENGTH, "Content-Length", 'l', SIP_HEADER_SINGLE)                                    \
    X(CONTENT_TYPE, "Content-Type", 'c', SIP_HEADER_SINGLE)                                        \
    X(CSEQ, "CSeq", 0, SIP_HEADER_SINGLE)                                                          \
    X(DATE, "Date", 0, SIP_HEADER_SINGLE)                                                          \
    X(ERROR_INFO, "Error-Info", 0, SIP_HEADER_LIST)                                                \
    X(EVENT, "Event", 'o', SIP_HEADER_SINGLE) /* RFC 6665 */                                       \
    X(EXPIRES, "Expires", 0, SIP_HEADER_SINGLE)                                                    \
    X(FROM, "From", 'f', SIP_HEADER_SINGLE)                                                        \
    X(IDENTITY, "Identity", 'y', SIP_HEADER_LIST) /* RFC 8224 */                                   \
    X(IN_REPLY_TO, "In-Reply-To", 0, SIP_HEADER_LIST)                                              \
    X(MAX_BREADTH, "Max-Breadth", 0, SIP_HEADER_SINGLE) /* RFC 5393 */                             \
    X(MAX_FORWARDS, "Max-Forwards", 0, SIP_HEADER_SINGLE)                                          \
    X(MIME_VERSION, "MIME-Version", 0, SIP_HEADER_SINGLE)                                          \
    X(MIN_EXPIRES, "Min-Expires", 0, SIP_HEADER_SINGLE)                                            \
    X(MIN_SE, "Min-SE", 0, SIP_HEADER_SINGLE) /* RFC 4028 */                                       \
    X(ORGANIZATION, "Organization", 0, SIP_HEADER_SINGLE)                                          \
    X(PATH, "Path", 0, SIP_HEADER_LIST) /* RFC 3327 */                                             \
    X(PRIORITY, "Priority", 0, SIP_HEADER_SINGLE)                                                  \
    X(PRIVACY, "Privacy", 0, 0) /* RFC 3323 */                                                     \
    X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 0, 0)                                              \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization", 0, 0)                                            \
    X(PROXY_REQUIRE, "Proxy-Require", 0, SIP_HEADER_LIST)                                          \
    X(P_ASSERTED_IDENTITY, "P-Asserted-Identity", 0, SIP_HEADER_LIST)   /* RFC 3325 */             \
    X(P_PREFERRED_IDENTITY, "P-Preferred-Identity", 0, SIP_HEADER_LIST) /* RFC 3325 */             \
    X(RACK, "RAck", 0, SIP_HEADER_SINGLE)                               /* RFC 3262 */             \
    X(REASON, "Reason", 0, SIP_HEADER_LIST)                             /* RFC 3326 */             \
    X(RECORD_ROUTE, "Record-Route", 0, SIP_HEADER_LIST)                                            \
    X(REFERRED_BY, "Referred-By", 'b', SIP_HEADER_SINGLE)     /* RFC 3892 */                       \
    X(REFER_TO, "Refer-To", 'r', SIP_HEADER_SINGLE)           /* RFC 3515 */                       \
    X(REJECT_CONTACT, "Reject-Contact", 'j', SIP_HEADER_LIST) /* RFC 3841 */                       \
    X(REPLACES, "Replaces", 0, SIP_HEADER_SINGLE)             /* RFC 3891 */                       \
    X(REPLY_TO, "Reply-To", 0, SIP_HEADER_SINGLE)                                                  \
    X(REQUEST_DISPOSITION, "Request-Disposition", 'd', SIP_HEADER_LIST) /* RFC 3841 */             \
    X(REQUIRE, "Require", 0, SIP_HEADER_LIST)                                                      \
    X(RETRY_AFTER, "Retry-After", 0, SIP_HEADER_SINGLE)                                            \
    X(ROUTE, "Route", 0, SIP_HEADER_LIST)                                                          \
    X(RSEQ, "RSeq", 0, SIP_HEADER_SINGLE) /* RFC 3262 */                                           \
    X(SERVER, "Server", 0, SIP_HEADER_SINGLE)                                                      \
    X(SERVICE_ROUTE, "Service-Route", 0, SIP_HEADER_LIST)         /* RFC 3608 */                   \
    X(SESSION_EXPIRES, "Session-Expires", 'x', SIP_HEADER_SINGLE) /* RFC 4028 */                   \
    X(SIP_ETAG, "SIP-ETag", 0, SIP_HEADER_SINGLE)                 /* RFC 3903 */                   \
    X(SIP_IF_MATCH, "SIP-If-Match", 0, SIP_HEADER_SINGLE)         /* RFC 3903 */                   \
    X(SUBJECT, "Subject", 's', SIP_HEADER_SINGLE)                                                  \
    X(SUBSCRIPTION_STATE, "Subscription-State", 0, SIP_HEADER_SINGLE) /* RFC 6665 */               \
    X(SUPPORTED, "Supported", 'k', SIP_HEADER_LIST)                                                \
    X(TIMESTAMP, "Timestamp", 0, SIP_HEADER_SINGLE)                                                \
    X(TO, "To", 't', SIP_HEADER_SINGLE)                                                            \
    X(UNSUPPORTED, "Unsupported", 0, SIP_HEADER_LIST)                                              \
    X(USER_AGENT, "User-Agent", 0, SIP_HEADER_SINGLE)                                              \
    X(VIA, "Via", 'v', SIP_HEADER_LIST)                                                            \
    X(WARNING, "Warning", 0, SIP_HEADER_LIST)                                                      \
    X(WWW_AUTHENTICATE, "WWW-Authenticate", 0, 0)

enum sip_header_id {
#define SIP_HEADER_ENUM(id, name, compact, flags) SIP_HEADER_##id,
    SIP_HEADER_TABLE(SIP_HEADER_ENUM)
#undef SIP_HEADER_ENUM
        SIP_HEADER_OTHER, /* a name that is not in the table: passed through as it is */
    SIP_HEADER_COUNT
};

/* By full or compact name, case ignored. SIP_HEADER_OTHER when unknown. Any thread. */
enum sip_header_id sip_header_lookup(struct slice name);
/* The full name as the RFC spells it. id must not be SIP_HEADER_OTHER. */
struct slice sip_header_name(enum sip_header_id id);
unsigned sip_header_flags(enum sip_header_id id);

#endif
