/* Names: `dns`. */
#include "app/config/schema/section.h"
#include "base/error.h"

static int check_dns_server(struct slice item, struct writer *why)
{
    struct address address;
    if (address_parse(item, &address) == 0 && address_port(&address) != 0)
        return 0;
    writer_format(why, "\"%.*s\" is no ADDRESS:PORT; write for example 192.0.2.1:53 or [::1]:53",
                  SLICE_ARG(item));
    return ERR_SYNTAX;
}

static const struct config_key keys[] = {
    {.name = "dns.servers",
     .type = CONFIG_STRINGS,
     .live = true,
     CONFIG_FIELD(dns_servers),
     .max = DNS_SERVERS_MAX,
     .standard = "",
     .automatic = "those of /etc/resolv.conf",
     .check = check_dns_server,
     .help = "DNS servers that are asked, ADDRESS:PORT; they must answer for all names (resolvers) "
             "or for those that matter."},
    {.name = "dns.timeout",
     .type = CONFIG_MILLISECONDS,
     .live = true,
     CONFIG_FIELD(dns.timeout_ms),
     .min = 100,
     .max = MINUTE_MS,
     .standard = "5s",
     .help = "How long a DNS question may take; then the name counts as unreachable for a moment."},
    {.name = "dns.hosts",
     .type = CONFIG_STRING,
     .live = true,
     CONFIG_FIELD(dns.hosts),
     .max = 4000,
     .standard = "/etc/hosts",
     .help = "File of names and their addresses that go before DNS, read again when it changes; "
             "empty: none."},
    {.name = "dns.dnssec",
     .type = CONFIG_BOOL,
     .live = true,
     CONFIG_FIELD(dns.dnssec),
     .standard = "off",
     .help = "Validate answers (RFC 4035) by dns.trust_anchor; a name whose answers are false "
             "cannot be reached."},
    {.name = "dns.trust_anchor",
     .type = CONFIG_STRING,
     .live = true,
     CONFIG_FIELD(dns.trust_anchor),
     .max = 4000,
     .standard = "",
     .help = "File of DS or DNSKEY records in zone file format; Debian's dns-root-data has "
             "/usr/share/dns/root.key."},
};

const struct config_section config_section_dns = CONFIG_SECTION(keys);
