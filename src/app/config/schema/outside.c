/* This machine behind a NAT: `outside`. */
#include "app/config/check.h"
#include "app/config/schema/section.h"

static const struct config_key keys[] = {
    {.name = "outside.address",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(outside_addresses),
     .max = 2,
     .standard = "",
     .automatic = "by outside.stun, else what the interfaces have",
     .check = config_check_host,
     .help = "Our address as others see it when a NAT stands before this machine: an address, or a "
             "name that is looked up again and again; one for each of IPv4 and IPv6. Via, "
             "Record-Route, Path, Service-Route and relayed addresses show it; ports stay."},
    {.name = "outside.stun",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(outside_stun),
     .max = OUTSIDE_SERVERS_MAX,
     .standard = "",
     .check = config_check_host_port,
     .help = "STUN servers that are asked for that address where outside.address does not say it: "
             "HOST or HOST:PORT (3478). The first one that answers counts."},
    {.name = "outside.interval",
     .type = CONFIG_SECONDS,
     .live = true,
     CONFIG_FIELD(outside_interval_s),
     .min = 1,
     .max = DAY_S,
     .standard = "60s",
     .help = "How often a name of outside.address is looked up and outside.stun is asked anew."},
    {.name = "outside.local",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(outside_local),
     .max = OUTSIDE_LOCAL_MAX,
     .standard = "",
     .automatic = "the private networks of the interfaces",
     .check = config_check_network,
     .help = "Networks whose phones and servers reach this machine without that NAT, and see the "
             "inside address: 192.168.1.0/24."},
};

const struct config_section config_section_outside = CONFIG_SECTION(keys);
