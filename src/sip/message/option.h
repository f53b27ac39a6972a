/* Option tags and Call-IDs in lists: Require, Proxy-Require, Supported, Unsupported, In-Reply-To,
 * and Priority. RFC 3261 sections 8.2.2.3, 16.3 step 5, 20.8, 20.21, 20.26, 20.32, 20.37, 20.40. */
#ifndef SIP_MESSAGE_OPTION_H
#define SIP_MESSAGE_OPTION_H

#include "base/writer.h"
#include "sip/message/message.h"

/* Writes the tags of a Require or Proxy-Require header that are not among known, with ", " between
 * them: the value of Unsupported in the 420. Returns how many there are (0: go on), or ERR_SYNTAX
 * when one is no token. Tags compare without case. Repeated ones are written once each time. */
int sip_option_tags_missing(const struct sip_message *msg, enum sip_header_id id,
                            const struct slice *known, size_t known_count, struct writer *w);

/* callid = word [ "@" word ]: a Call-ID, or one value of In-Reply-To. */
bool sip_is_call_id(struct slice s);

enum sip_priority {
    SIP_PRIORITY_EMERGENCY,
    SIP_PRIORITY_URGENT,
    SIP_PRIORITY_NORMAL,
    SIP_PRIORITY_NON_URGENT,
    SIP_PRIORITY_OTHER /* another token: to be treated as normal (section 20.26) */
};

/* ERR_SYNTAX. */
int sip_priority_parse(struct slice value, enum sip_priority *ret_priority);
/* Not for SIP_PRIORITY_OTHER. Static. */
struct slice sip_priority_name(enum sip_priority priority);

#endif
