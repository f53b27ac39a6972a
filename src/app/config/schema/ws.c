/* WebSocket: `ws`. */
#include "app/config/check.h"
#include "app/config/schema/section.h"
#include "base/error.h"

/* RFC 3986 section 3.3, without percent-encoding: it is compared byte by byte. */
static int check_path(struct slice item, struct writer *why)
{
    if (slice_starts_with(item, SLICE("/")) && config_is_plain_text(item, " ?#%"))
        return 0;
    writer_format(why, "\"%.*s\" is no path; write for example / or /sip", SLICE_ARG(item));
    return ERR_SYNTAX;
}

/* RFC 6454 section 6.1: scheme and host, the port when it is not the scheme's own. */
static int check_origin(struct slice item, struct writer *why)
{
    struct slice host = slice_from(item, sizeof("http://") - 1);
    bool scheme = slice_starts_with(item, SLICE("http://"));
    if (slice_starts_with(item, SLICE("https://"))) {
        host = slice_from(item, sizeof("https://") - 1);
        scheme = true;
    }
    if (scheme && host.len > 0 && item.len <= 255 && config_is_plain_text(host, " /?#@"))
        return 0;
    writer_format(why, "\"%.*s\" is no origin; write for example https://phone.example.org",
                  SLICE_ARG(item));
    return ERR_SYNTAX;
}

static const struct config_key keys[] = {
    {.name = "ws.path",
     .type = CONFIG_STRING,
     .live = true,
     CONFIG_FIELD(ws_path),
     .min = 1,
     .max = 255,
     .standard = "/",
     .check = check_path,
     .help = "The path of the listeners ws: and wss:; every other path is answered 404."},
    {.name = "ws.origins",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(ws_origins),
     .max = 64,
     .standard = "",
     .check = check_origin,
     .help = "Web pages whose scripts may connect, by their origin (https://phone.example.org); "
             "none listed: all. It keeps browsers out, not programs."},
};

const struct config_section config_section_ws = CONFIG_SECTION(keys);
