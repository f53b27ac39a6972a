/* URIs with parameters: Alert-Info, Call-Info, Error-Info. RFC 3261 sections 20.4, 20.9, 20.18. */
#ifndef SIP_MESSAGE_INFO_H
#define SIP_MESSAGE_INFO_H

#include "sip/message/param.h"

struct sip_info {
    struct slice uri; /* between < and >, of any scheme, not parsed */
    struct slice params;
    struct slice purpose; /* of Call-Info: "icon", "info", "card" ...; empty when absent */
};

/* One value. ERR_SYNTAX. */
int sip_info_parse(struct slice value, struct sip_info *ret_info);
void sip_info_write(struct writer *w, const struct sip_info *info);

#endif
