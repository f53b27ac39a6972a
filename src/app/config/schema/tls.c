/* TLS and its certificates: `tls`. */
#include "app/config/schema/section.h"

static const char *const client_words[] = {"none", "request", "require", NULL};
static const char *const version_words[] = {"1.2", "1.3", NULL};

static const struct config_key keys[] = {
    {.name = "tls.certificate",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(tls_certificates),
     .max = TLS_PAIRS_MAX,
     .standard = "",
     .automatic = "tls-certificate.pem in data_dir, which signs itself and is made when missing",
     .help = "PEM files of this server's certificates, each followed by what leads to its root; a "
             "client is shown the one for the name that it asks for, else the first."},
    {.name = "tls.key",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(tls_keys),
     .max = TLS_PAIRS_MAX,
     .standard = "",
     .automatic = "in the file of the certificate",
     .help = "PEM files of the certificates' private keys, in the same order."},
    {.name = "tls.trust",
     .type = CONFIG_STRING,
     .live = true,
     CONFIG_FIELD(tls.trust),
     .max = 4000,
     .standard = "",
     .automatic = "what the system trusts (/etc/ssl/certs)",
     .help = "PEM file of the certificates that others' certificates must lead to."},
    {.name = "tls.verify",
     .type = CONFIG_BOOL,
     .live = true,
     CONFIG_FIELD(tls.verify),
     .standard = "on",
     .help = "Servers that we connect to must prove that they are the domain that was asked for "
             "(RFC 5922)."},
    {.name = "tls.client",
     .type = CONFIG_ENUM,
     .live = true,
     CONFIG_FIELD(tls.client),
     .words = client_words,
     .standard = "none",
     .help = "Whether who connects to us is asked for a certificate of his own; one that is shown "
             "must be good."},
    {.name = "tls.min_version",
     .type = CONFIG_ENUM,
     .live = true,
     CONFIG_FIELD(tls.version),
     .words = version_words,
     .standard = "1.2",
     .help = "The oldest version of TLS that is spoken."},
    {.name = "tls.handshake_time",
     .type = CONFIG_MILLISECONDS,
     .live = true,
     CONFIG_FIELD(endpoint.stream.handshake_ms),
     .min = 10,
     .max = 10 * MINUTE_MS,
     .standard = "10s",
     .help = "Connections whose TLS or WebSocket handshake takes longer are closed."},
};

const struct config_section config_section_tls = CONFIG_SECTION(keys);
