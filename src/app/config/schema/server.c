/* The server as a whole. */
#include "app/config/check.h"
#include "app/config/schema/section.h"

static const char *const sip_words[] = {"udp", "tcp", "tls", "ws", "wss", "sctp", NULL};

static const struct config_key keys[] = {
    {.name = "listen",
     .type = CONFIG_LISTENERS,
     CONFIG_FIELD(listen),
     .words = sip_words,
     .min = 1,
     .max = ENDPOINT_LISTENERS_MAX,
     .standard = "udp:0.0.0.0:5060,tcp:0.0.0.0:5060,tls:0.0.0.0:5061,udp:[::]:5060,tcp:[::]:5060,"
                 "tls:[::]:5061",
     .help = "Where SIP is received: TRANSPORT:ADDRESS:PORT with udp, tcp, tls, ws, wss or sctp; "
             "IPv6 in brackets; port 0 lets the system choose."},
    {.name = "domains",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(domains),
     .max = DOMAINS_MAX,
     .standard = "",
     .check = config_check_domain,
     .help = "Domains that this server answers for, besides its own addresses; the first one is "
             "what those addresses stand for."},
    {.name = "workers",
     .type = CONFIG_UINT,
     CONFIG_FIELD(workers),
     .max = 64,
     .unit = "threads",
     .standard = "0",
     .automatic = "one per processor",
     .help = "Threads that serve SIP."},
    {.name = "data_dir",
     .type = CONFIG_STRING,
     CONFIG_FIELD(data_dir),
     .max = 4000,
     .standard = "",
     .automatic = "$STATE_DIRECTORY, else /var/lib/trapezoid as root, else "
                  "$XDG_DATA_HOME/trapezoid, else ~/.local/share/trapezoid",
     .help = "Directory of what must survive a restart; made when missing."},
    {.name = "drain_time",
     .type = CONFIG_MILLISECONDS,
     .live = true,
     CONFIG_FIELD(drain_ms),
     .max = 60 * MINUTE_MS,
     .standard = "5s",
     .help = "How long a server that is told to end waits for what is under way."},
    {.name = "record_route",
     .type = CONFIG_BOOL,
     .live = true,
     CONFIG_FIELD(proxy.record_route),
     .standard = "off",
     .help =
         "Stay in the path of calls once they are answered; off lets phones that can reach each "
         "other talk directly (RFC 3261 section 16.6 step 4); those with TLS and WebSocket "
         "cannot."},
    {.name = "routes",
     .type = CONFIG_ROUTES,
     .live = true,
     CONFIG_FIELD(routes),
     .max = PROXY_ROUTES_MAX,
     .standard = "",
     .help = "Static routes: a prefix of the number, a domain, or both, and the SIP URI that such "
             "requests go to (sips: by TLS); as text PREFIX@DOMAIN=NEXT_HOP."},
};

const struct config_section config_section_server = CONFIG_SECTION(keys);
