#include "app/doctor/zone.h"

static const struct zone_service services[] = {
    {TRANSPORT_UDP, "_sip._udp.", "SIP+D2U"},
    {TRANSPORT_TCP, "_sip._tcp.", "SIP+D2T"},
    {TRANSPORT_TLS, "_sips._tcp.", "SIPS+D2T"},
    {TRANSPORT_SCTP, "_sip._sctp.", "SIP+D2S"},
};
#define SERVICES (sizeof services / sizeof *services)

const struct zone_service *zone_service_of(unsigned transport)
{
    for (size_t i = 0; i < SERVICES; i++) {
        if (services[i].transport == transport)
            return &services[i];
    }
    return NULL;
}

const struct zone_service *zone_service_of_naptr(struct slice service)
{
    for (size_t i = 0; i < SERVICES; i++) {
        if (slice_equal_nocase(slice_from_string(services[i].naptr), service))
            return &services[i];
    }
    return NULL;
}

static const char *finish(struct writer *w, char *buf)
{
    *w->at = '\0'; /* room was left for it */
    return buf;
}

const char *zone_srv_line(const struct zone_service *service, struct slice domain, uint16_t port,
                          struct slice host, char *buf)
{
    struct writer w;
    writer_init(&w, buf, ZONE_LINE_MAX - 1);
    writer_string(&w, service->label);
    writer_put(&w, domain);
    writer_literal(&w, ". 3600 IN SRV 10 10 ");
    writer_u64(&w, port);
    writer_char(&w, ' ');
    writer_put(&w, host);
    writer_char(&w, '.');
    return finish(&w, buf);
}

const char *zone_naptr_line(const struct zone_service *service, struct slice domain, unsigned order,
                            char *buf)
{
    struct writer w;
    writer_init(&w, buf, ZONE_LINE_MAX - 1);
    writer_put(&w, domain);
    writer_literal(&w, ". 3600 IN NAPTR ");
    writer_u64(&w, order);
    writer_literal(&w, " 50 \"s\" \"");
    writer_string(&w, service->naptr);
    writer_literal(&w, "\" \"\" ");
    writer_string(&w, service->label);
    writer_put(&w, domain);
    writer_char(&w, '.');
    return finish(&w, buf);
}

const char *zone_address_line(struct slice host, const struct address *address, char *buf)
{
    struct writer w;
    writer_init(&w, buf, ZONE_LINE_MAX - 1);
    writer_put(&w, host);
    writer_string(&w, address_is_v6(address) ? ". 3600 IN AAAA " : ". 3600 IN A ");
    address_write_host(&w, address, false);
    return finish(&w, buf);
}
