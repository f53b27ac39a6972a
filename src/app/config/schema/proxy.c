/* How requests are forwarded: `proxy`. */
#include "app/config/schema/section.h"

#include "stack/resolver.h"

static const struct config_key keys[] = {
    {.name = "proxy.follow_redirects",
     .type = CONFIG_BOOL,
     .live = true,
     CONFIG_FIELD(proxy.follow_redirects),
     .standard = "off",
     .help = "Try the contacts of a 3xx answer instead of handing them to the caller (RFC 3261 "
             "section 16.7 step 4)."},
    {.name = "proxy.max_forwards",
     .type = CONFIG_UINT,
     .live = true,
     CONFIG_FIELD(proxy.max_forwards),
     .min = 1,
     .max = 255,
     .unit = "hops",
     .standard = "70",
     .help = "Max-Forwards of requests that have none."},
    {.name = "proxy.max_breadth",
     .type = CONFIG_UINT,
     .live = true,
     CONFIG_FIELD(proxy.max_breadth),
     .min = 1,
     .max = 255,
     .unit = "branches",
     .standard = "60",
     .help = "Max-Breadth of requests that have none (RFC 5393 section 5.3.3)."},
    {.name = "proxy.ring_time",
     .type = CONFIG_SECONDS,
     .live = true,
     CONFIG_FIELD(proxy.ring_s),
     .min = 1,
     .max = HOUR_S,
     .standard = "20s",
     .help = "How long the phones of one preference (q) ring before the next ones are tried."},
    {.name = "proxy.failover_time",
     .type = CONFIG_MILLISECONDS,
     .live = true,
     CONFIG_FIELD(proxy.failover_ms),
     .max = 60 * MINUTE_MS,
     .standard = "4s",
     .help = "How long a server may be silent before the next one of its domain is tried (RFC 3263 "
             "section 4.3); 0: as long as a transaction lasts."},
    {.name = "proxy.failover_targets",
     .type = CONFIG_UINT,
     .live = true,
     CONFIG_FIELD(proxy.failover_targets),
     .min = 1,
     .max = RESOLVER_TARGETS_MAX,
     .unit = "servers",
     .standard = "8",
     .help = "Servers of a domain that are tried for one request at most."},
};

const struct config_section config_section_proxy = CONFIG_SECTION(keys);
