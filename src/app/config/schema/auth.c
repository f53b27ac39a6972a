/* Who may register and call: `auth`. */
#include "app/config/check.h"
#include "app/config/schema/section.h"

const char *const config_algorithm_words[] = {"SHA-256", "MD5", NULL};

static const struct config_key keys[] = {
    {.name = "auth.register",
     .type = CONFIG_BOOL,
     .live = true,
     CONFIG_FIELD(registrar.auth),
     .standard = "on",
     .help = "Ask phones that register for their password."},
    {.name = "auth.call",
     .type = CONFIG_BOOL,
     .live = true,
     CONFIG_FIELD(proxy.auth),
     .standard = "on",
     .help = "Ask callers who claim to be of our domains for their password."},
    {.name = "auth.realm",
     .type = CONFIG_STRING,
     CONFIG_FIELD(realm),
     .min = 1,
     .max = 100,
     .standard = "trapezoid",
     .check = config_check_realm,
     .help = "The realm of passwords (RFC 7616); they are kept for this realm only, so a new realm "
             "needs new passwords."},
    {.name = "auth.algorithms",
     .type = CONFIG_FLAGS,
     .live = true,
     CONFIG_FIELD(algorithms),
     .min = 1,
     .max = 2,
     .words = config_algorithm_words,
     .standard = "SHA-256,MD5",
     .help = "Digest algorithms offered, the stronger first (RFC 8760)."},
    {.name = "auth.md5_only",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(md5_only),
     .max = 64,
     .standard = "baresip v0.,baresip v1.,baresip v2.,baresip v3.0.,baresip v3.1.,baresip v3.2.,"
                 "baresip v3.3.,baresip v3.4.,baresip v3.5.,baresip v3.6.,baresip v3.7.,"
                 "baresip v3.8.,baresip v3.9.,baresip v3.10.,baresip v3.11.,"
                 "FreeSWITCH-mod_sofia,Janus WebRTC Server SIP Plugin,sofia-sip/,sipsak,SIPp,sipp",
     .help = "Phones that are offered MD5 alone, by the beginning of their User-Agent or of a word "
             "in it, because they give up when SHA-256 stands beside it."},
    {.name = "auth.nonce_lifetime",
     .type = CONFIG_SECONDS,
     .live = true,
     CONFIG_FIELD(authenticator.nonce_lifetime_s),
     .min = 1,
     .max = DAY_S,
     .standard = "300s",
     .help = "How long a challenge may be answered; later the phone is given a new one."},
};

const struct config_section config_section_auth = CONFIG_SECTION(keys);
