/* What the server holds and when it says no: `limits`, `overload`. */
#include "app/config/schema/section.h"

static const struct config_key keys[] = {
    {.name = "limits.transactions",
     .type = CONFIG_UINT,
     .live = true,
     CONFIG_FIELD(endpoint.transactions),
     .min = 100,
     .max = 100000000,
     .unit = "transactions",
     .standard = "2000000",
     .help = "Transactions per worker at a time; beyond, requests are answered 503."},
    {.name = "limits.memory",
     .type = CONFIG_SIZE,
     .live = true,
     CONFIG_FIELD(endpoint.memory),
     .min = M(1),
     .max = G(1024),
     .standard = "4G",
     .help = "Bytes per worker of messages kept for transactions; beyond, requests are answered "
             "503."},
    {.name = "overload.control",
     .type = CONFIG_BOOL,
     .live = true,
     CONFIG_FIELD(endpoint.overload_control),
     .standard = "on",
     .help = "Answer new requests 503 at once when more come in than can be served: calls first, "
             "REGISTER last; what is under way goes on."},
    {.name = "overload.retry_after",
     .type = CONFIG_SECONDS,
     .live = true,
     CONFIG_FIELD(endpoint.retry_after_s),
     .max = HOUR_S,
     .standard = "5s",
     .help = "Retry-After of these answers; 0 leaves it out."},
};

const struct config_section config_section_limits = CONFIG_SECTION(keys);
