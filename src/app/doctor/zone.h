/* The DNS records by which others find a SIP server (RFC 3263), as lines of a zone file. Pure. */
#ifndef APP_DOCTOR_ZONE_H
#define APP_DOCTOR_ZONE_H

#include "base/flow.h"

#define ZONE_LINE_MAX 640

struct zone_service {
    enum transport transport;
    const char *label; /* before the domain, with its dot: RFC 2782, RFC 3263 section 4.1 */
    const char *naptr; /* RFC 3263 section 4.1, RFC 4168 section 5.3 */
};

/* NULL: others do not look for that transport by DNS. */
const struct zone_service *zone_service_of(unsigned transport);
/* By the service of a NAPTR record. NULL: none of ours. */
const struct zone_service *zone_service_of_naptr(struct slice service);

/* Each writes one line with its NUL, without line break. buf holds ZONE_LINE_MAX; returns buf. */
const char *zone_srv_line(const struct zone_service *service, struct slice domain, uint16_t port,
                          struct slice host, char *buf);
const char *zone_naptr_line(const struct zone_service *service, struct slice domain, unsigned order,
                            char *buf);
const char *zone_address_line(struct slice host, const struct address *address, char *buf);

#endif
