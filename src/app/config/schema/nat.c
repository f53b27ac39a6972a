/* Phones behind NATs: `nat`. */
#include "app/config/schema/section.h"

static const char *const keepalive_words[] = {"off", "auto", "all", NULL};

static const struct config_key keys[] = {
    {.name = "nat.keepalive",
     .type = CONFIG_ENUM,
     .live = true,
     CONFIG_FIELD(keepalive.pace.mode),
     .words = keepalive_words,
     .standard = "auto",
     .help = "Whose NAT mappings are kept alive by pings, OPTIONS over UDP and CRLF over TCP and "
             "TLS: of phones behind NATs that have not registered a flow of their own (auto), of "
             "all phones, for firewalls without NAT (all), or of none (off)."},
    {.name = "nat.keepalive_first",
     .type = CONFIG_SECONDS,
     .live = true,
     CONFIG_FIELD(keepalive.pace.first_s),
     .min = 1,
     .max = 43200,
     .standard = "25s",
     .help = "Time between two pings of a phone at the beginning; it grows while they are answered "
             "and shrinks when the mapping is found gone."},
    {.name = "nat.keepalive_min",
     .type = CONFIG_SECONDS,
     .live = true,
     CONFIG_FIELD(keepalive.pace.min_s),
     .min = 1,
     .max = 43200,
     .standard = "10s",
     .help = "The shortest time between two pings of a phone."},
    {.name = "nat.keepalive_max",
     .type = CONFIG_SECONDS,
     .live = true,
     CONFIG_FIELD(keepalive.pace.max_s),
     .min = 1,
     .max = 43200,
     .standard = "110s",
     .help =
         "The longest time between two pings of a phone; NATs shall keep a mapping for 120 s at "
         "least (RFC 4787 REQ-5)."},
    {.name = "nat.keepalive_rate",
     .type = CONFIG_UINT,
     .live = true,
     CONFIG_FIELD(keepalive.rate),
     .min = 1,
     .max = 10000000,
     .unit = "per second",
     .standard = "10000",
     .help = "Pings of all phones together; those over it wait."},
};

const struct config_section config_section_nat = CONFIG_SECTION(keys);
