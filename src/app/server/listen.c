#include "app/server/listen.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "stun/binding.h"

static bool is_stream(const struct endpoint_listener *listener)
{
    return listener->transport != TRANSPORT_UDP && listener->transport != TRANSPORT_SCTP &&
           listener->transport != TRANSPORT_DTLS;
}

/* What the listener binds to: SCTP its encapsulation port, or an address alone. */
static struct address bound(const struct app_config *config,
                            const struct endpoint_listener *listener)
{
    struct address local = listener->local;
    bool udp = config->endpoint.sctp_encapsulation == ENDPOINT_SCTP_UDP;
    if (listener->transport == TRANSPORT_SCTP)
        address_set_port(&local, udp ? (uint16_t)config->endpoint.sctp_udp_port : 0);
    return local;
}

static bool is_raw_sctp(const struct app_config *config, const struct endpoint_listener *listener)
{
    return listener->transport == TRANSPORT_SCTP &&
           config->endpoint.sctp_encapsulation == ENDPOINT_SCTP_RAW;
}

int listen_probe(const struct app_config *config, const struct endpoint_listener *listener)
{
    int on = 1;
    bool tcp = is_stream(listener);
    bool raw = is_raw_sctp(config, listener);
    struct address at = bound(config, listener);
    const struct address *local = &at;
    int type = raw ? SOCK_RAW : tcp ? SOCK_STREAM : SOCK_DGRAM;
    int fd = socket(local->sa.sa_family, type | SOCK_CLOEXEC, raw ? IPPROTO_SCTP : 0);
    if (fd < 0)
        return errno;
    /* TCP: connections of a server that has just ended may still be there. */
    if (tcp)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address_is_v6(local))
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    int error = bind(fd, &local->sa, address_length(local)) < 0 ? errno : 0;
    (void)close(fd);
    return error;
}

/* SCTP has reasons of its own. */
static int complain_sctp(const struct app_config *config, const struct endpoint_listener *listener,
                         int error, struct log *log)
{
    char text[ADDRESS_TEXT_MAX];
    struct address at = bound(config, listener);
    (void)address_text(&listener->local, text);
    if (error == EADDRINUSE) {
        log_error(log, LOG_APP,
                  "cannot listen on sctp:%s: another program uses UDP port %u, over which SCTP "
                  "comes; choose another: --set sctp.udp_port=PORT",
                  text, address_port(&at));
        return ERR_EXISTS;
    }
    log_error(log, LOG_APP,
              "cannot listen on sctp:%s: SCTP over IP needs the right CAP_NET_RAW; without it, "
              "SCTP goes over UDP: --set sctp.encapsulation=udp",
              text);
    return ERR_DENIED;
}

static int complain(const struct app_config *config, const struct endpoint_listener *listener,
                    int error, struct log *log)
{
    bool sctp = listener->transport == TRANSPORT_SCTP;
    if (sctp && (error == EADDRINUSE || error == EPERM || error == EACCES))
        return complain_sctp(config, listener, error, log);
    char address[ADDRESS_TEXT_MAX];
    char reason[128];
    bool tcp = is_stream(listener);
    const char *name = transport_uri_name((enum transport)listener->transport).ptr;
    (void)address_text(&listener->local, address);
    unsigned port = address_port(&listener->local);
    /* UDP and TCP share their port; who asked for another transport wants that one. */
    bool basic = listener->transport == TRANSPORT_UDP || listener->transport == TRANSPORT_TCP;
    const char *wanted = basic ? "tcp" : name;
    switch (error) {
    case EADDRINUSE:
        log_error(log, LOG_APP,
                  "cannot listen on %s:%s: another program uses this port; `ss -lnp%s 'sport = "
                  ":%u'` shows which. End it, or choose another port: --set listen=udp:0.0.0.0:%u,"
                  "%s:0.0.0.0:%u",
                  name, address, tcp ? "t" : "u", port, basic ? port + 10 : 5060, wanted,
                  port + 10);
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
        log_error(log, LOG_APP,
                  "cannot listen on %s:%s: ports below 1024 need the right to use them "
                  "(CAP_NET_BIND_SERVICE)",
                  name, address);
        return ERR_DENIED;
    case EADDRNOTAVAIL:
        log_error(log, LOG_APP,
                  "cannot listen on %s:%s: this machine has no such address; `ip address` shows "
                  "those it has",
                  name, address);
        return ERR_IO;
    default:
        log_error(log, LOG_APP, "cannot listen on %s:%s: %s", name, address,
                  strerror_r(error, reason, sizeof reason));
        return ERR_IO;
    }
}

static void take_out(struct app_config *config, unsigned index)
{
    struct config_listeners *listen = &config->listen;
    listen->count--;
    memmove(&listen->items[index], &listen->items[index + 1],
            (listen->count - index) * sizeof listen->items[0]);
    config->endpoint.listener_count = listen->count;
    memcpy(config->endpoint.listeners, listen->items, sizeof listen->items);
}

void listen_prepare(struct app_config *config, struct log *log)
{
    if (config_given(config, "listen"))
        return;
    for (unsigned i = 0; i < config->listen.count;) {
        struct endpoint_listener any_port = config->listen.items[i];
        address_set_port(&any_port.local, 0);
        int error = address_is_v6(&any_port.local) ? listen_probe(config, &any_port) : 0;
        if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL) {
            log_info(log, LOG_APP, "no IPv6 on this machine: not listening on %s for it",
                     transport_uri_name((enum transport)any_port.transport).ptr);
            take_out(config, i);
        } else {
            i++;
        }
    }
}

static const struct endpoint_listener *find_primary(const struct app_config *config)
{
    const struct address *alternate = &config->stun_alternate.address;
    for (unsigned i = 0; i < config->stun_listen.count; i++) {
        const struct endpoint_listener *listener = &config->stun_listen.items[i];
        if (listener->transport == TRANSPORT_UDP && !address_is_wildcard(&listener->local) &&
            address_is_v6(&listener->local) == address_is_v6(alternate))
            return listener;
    }
    return NULL;
}

unsigned listen_more(const struct app_config *config,
                     struct endpoint_listener ret_listeners[LISTEN_MORE_MAX])
{
    const struct endpoint_listener *primary = find_primary(config);
    bool partner = config->stun.partner.given;
    unsigned count = 0;
    if (!config->stun_alternate.given || primary == NULL)
        return 0;
    struct stun_place place = {.origin = primary->local, .other = config->stun_alternate.address};
    const unsigned changes[] = {STUN_CHANGE_PORT, STUN_CHANGE_IP,
                                STUN_CHANGE_IP | STUN_CHANGE_PORT};
    for (unsigned i = 0; i < 3; i++) {
        if (partner && (changes[i] & STUN_CHANGE_IP) != 0)
            continue; /* the partner's */
        ret_listeners[count++] = (struct endpoint_listener){
            .transport = TRANSPORT_UDP, .local = stun_place_origin(&place, changes[i])};
    }
    if (partner)
        ret_listeners[count++] = (struct endpoint_listener){.transport = TRANSPORT_UDP,
                                                            .local = config->stun.partner.listen};
    return count;
}

/* Does a connection to that address lead to a listener of the list? */
static bool is_listed(const struct config_listeners *list, const struct address *local)
{
    bool found = false;
    for (unsigned i = 0; i < list->count; i++) {
        const struct address *other = &list->items[i].local;
        bool wide = address_is_wildcard(other) && address_port(other) == address_port(local) &&
                    address_is_v6(other) == address_is_v6(local);
        found = found || (is_stream(&list->items[i]) && (wide || address_equal(other, local)));
    }
    return found;
}

void listen_corners(struct app_config *config)
{
    struct endpoint_listener more[LISTEN_MORE_MAX];
    const struct endpoint_listener *primary = find_primary(config);
    const struct config_listeners *stun = &config->stun_listen;
    bool good = false;
    if (!config->stun_alternate.given || config->stun.partner.given || primary == NULL)
        return;
    for (unsigned i = 0; i < stun->count; i++)
        good = good || (stun->items[i].transport == TRANSPORT_TCP &&
                        address_equal(&stun->items[i].local, &primary->local));
    unsigned count = listen_more(config, more);
    for (unsigned i = 0; i < count && good; i++) {
        more[i].transport = TRANSPORT_TCP;
        good = !is_listed(&config->listen, &more[i].local) && !is_listed(stun, &more[i].local) &&
               listen_probe(config, &more[i]) == 0;
    }
    config->stun.stream_corners = good;
}

static int check_all(const struct app_config *config, const struct endpoint_listener *listeners,
                     unsigned count, struct log *log)
{
    for (unsigned i = 0; i < count; i++) {
        int error = listen_probe(config, &listeners[i]);
        if (error != 0)
            return complain(config, &listeners[i], error, log);
    }
    return 0;
}

/* The system's own SCTP, where it is loaded, gets every packet too and answers ABORT to those of
 * associations that it does not know. Asking for one of its sockets would load it. */
static void warn_of_kernel_sctp(const struct app_config *config, struct log *log)
{
    bool raw = false;
    for (unsigned i = 0; i < config->listen.count; i++)
        raw = raw || is_raw_sctp(config, &config->listen.items[i]);
    if (raw && access("/proc/net/sctp", F_OK) == 0)
        log_warn(log, LOG_APP,
                 "the system's own SCTP is loaded and will break associations of ours: `modprobe "
                 "-r sctp`, or SCTP over UDP: --set sctp.encapsulation=udp");
}

int listen_check(const struct app_config *config, struct log *log)
{
    warn_of_kernel_sctp(config, log);
    struct endpoint_listener more[LISTEN_MORE_MAX];
    const struct config_listeners *stun = &config->stun_listen;
    int status = check_all(config, config->listen.items, config->listen.count, log);
    if (status == 0)
        status = check_all(config, stun->items, stun->count, log);
    return status < 0 ? status : check_all(config, more, listen_more(config, more), log);
}
