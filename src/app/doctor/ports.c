/* Each listener: is it had, by whom, does it answer? */
#include <errno.h>
#include <stdio.h>

#include "app/config/compound.h"
#include "app/doctor/doctor.h"
#include "app/doctor/owner.h"
#include "app/doctor/probe.h"
#include "app/server/listen.h"
#include "base/error.h"

#define LISTENER_TEXT_MAX (ADDRESS_TEXT_MAX + 8)

static const char *listener_text(const struct endpoint_listener *listener,
                                 char buf[LISTENER_TEXT_MAX])
{
    struct writer w;
    writer_init(&w, buf, LISTENER_TEXT_MAX - 1);
    config_listener_write(listener, &w);
    *w.at = '\0';
    return buf;
}

static bool is_tcp(const struct endpoint_listener *listener)
{
    return listener->transport != TRANSPORT_UDP && listener->transport != TRANSPORT_SCTP &&
           listener->transport != TRANSPORT_DTLS;
}

/* How this machine reaches a listener: a wildcard by loopback. */
static struct address reach(const struct endpoint_listener *listener)
{
    struct address address = listener->local;
    if (address_is_wildcard(&address))
        (void)address_parse_host(address_is_v6(&address) ? SLICE("::1") : SLICE("127.0.0.1"),
                                 address_port(&listener->local), &address);
    return address;
}

static const char *reason(int status)
{
    switch (status) {
    case ERR_UNREACHABLE: return "nobody takes what is sent there";
    case ERR_TIMEOUT: return "no answer within 2 s";
    case ERR_INVALID: return "what comes back is no answer of a SIP server";
    default: return error_text(status);
    }
}

/* ---- Without a server ---- */

static void say_taken(struct doctor *doctor, const struct endpoint_listener *listener,
                      const char *text)
{
    struct port_owner owner;
    unsigned port = address_port(&listener->local);
    bool known = port_owner_find(&listener->local, is_tcp(listener), &owner);
    if (known && owner.pid != 0)
        doctor_say(doctor, DOCTOR_FAILED, "%s: %s (process %ld) has this port", text, owner.name,
                   owner.pid);
    else
        doctor_say(doctor, DOCTOR_FAILED, "%s: another program has this port", text);
    doctor_advise(doctor,
                  "sudo ss -lnp%s 'sport = :%u'   # shows which; end it, or listen on another port",
                  is_tcp(listener) ? "t" : "u", port);
}

static void check_free(struct doctor *doctor, const struct endpoint_listener *listener)
{
    char text[LISTENER_TEXT_MAX], why[128];
    int error = listen_probe(doctor->config, listener);
    (void)listener_text(listener, text);
    switch (error) {
    case 0: doctor_say(doctor, DOCTOR_OK, "%s: free", text); break;
    case EADDRINUSE: say_taken(doctor, listener, text); break;
    case EACCES:
    case EPERM:
        doctor_say(doctor, DOCTOR_FAILED, "%s: this user may not have it", text);
        doctor_advise(doctor, listener->transport == TRANSPORT_SCTP
                                  ? "--set sctp.encapsulation=udp, or the right CAP_NET_RAW"
                                  : "ports below 1024 need CAP_NET_BIND_SERVICE: sudo systemctl "
                                    "start trapezoid has it");
        break;
    case EADDRNOTAVAIL:
        doctor_say(doctor, DOCTOR_FAILED, "%s: this machine has no such address", text);
        doctor_advise(doctor, "ip address   # shows those it has; then change listen; behind a NAT "
                              "listen on the inside address and set outside.address");
        break;
    case EAFNOSUPPORT:
        if (config_given(doctor->config, "listen")) {
            doctor_say(doctor, DOCTOR_FAILED, "%s: this machine has no IPv6", text);
            doctor_advise(doctor, "take it out of listen");
        } else {
            doctor_say(doctor, DOCTOR_NOTE, "%s: no IPv6 here; it is left out", text);
        }
        break;
    default: doctor_say(doctor, DOCTOR_FAILED, "%s: %s", text, strerror_r(error, why, sizeof why));
    }
}

/* ---- With a server ---- */

/* Does the running server say that it listens there? */
static bool server_has(const struct doctor *doctor, const char *text)
{
    const json_t *listen = json_object_get(doctor->status, "listen");
    size_t i;
    json_t *one;
    bool has = false;
    json_array_foreach(listen, i, one) has = has || strcmp(json_string_value(one), text) == 0;
    return has;
}

static int ask(const struct endpoint_listener *listener, bool stun)
{
    struct probe probe = {
        .transport = (enum transport)listener->transport, .address = reach(listener), .stun = stun};
    struct probe_answer answer = {0};
    int status = probe_run(&probe, &answer);
    X509_free(answer.certificate);
    return status;
}

static void check_answer(struct doctor *doctor, const struct endpoint_listener *listener,
                         const char *text, bool sip)
{
    bool udp = listener->transport == TRANSPORT_UDP;
    bool ws = listener->transport == TRANSPORT_WS || listener->transport == TRANSPORT_WSS;
    int sip_status = sip ? ask(listener, false) : 0;
    int stun_status = sip_status == 0 && (!sip || udp) ? ask(listener, true) : 0;
    if (sip_status == ERR_UNSUPPORTED) {
        doctor_say(doctor, DOCTOR_OK, "%s: the server listens (SCTP is not asked here)", text);
    } else if (sip_status < 0 || stun_status < 0) {
        doctor_say(doctor, DOCTOR_FAILED, "%s: the server does not answer %s: %s", text,
                   sip_status < 0 ? (ws ? "HTTP" : "OPTIONS") : "STUN",
                   reason(sip_status < 0 ? sip_status : stun_status));
        doctor_advise(doctor, "trapezoid status   # is it overloaded or ending?");
        doctor_advise(doctor, "sudo nft list ruleset   # does a rule block loopback?");
    } else {
        doctor_say(doctor, DOCTOR_OK, "%s: the server answers %s", text,
                   !sip  ? "STUN"
                   : udp ? "OPTIONS and STUN"
                   : ws  ? "HTTP"
                         : "OPTIONS");
    }
}

static void check_served(struct doctor *doctor, const struct endpoint_listener *listener)
{
    char text[LISTENER_TEXT_MAX];
    (void)listener_text(listener, text);
    if (address_port(&listener->local) == 0)
        doctor_say(doctor, DOCTOR_OK, "%s: the system has chosen a port (trapezoid status)", text);
    else if (server_has(doctor, text))
        check_answer(doctor, listener, text, true);
    else if (!config_given(doctor->config, "listen") && address_is_v6(&listener->local))
        doctor_say(doctor, DOCTOR_NOTE, "%s: no IPv6 here; it is left out", text);
    else {
        doctor_say(doctor, DOCTOR_FAILED,
                   "%s: the running server does not listen there: it was started with another "
                   "configuration",
                   text);
        doctor_advise(doctor, "restart it, or give the doctor its -c and --set options");
    }
}

static void check_stun(struct doctor *doctor, const struct endpoint_listener *listener)
{
    char text[LISTENER_TEXT_MAX];
    if (doctor->status == NULL)
        check_free(doctor, listener);
    else if (address_port(&listener->local) != 0)
        check_answer(doctor, listener, listener_text(listener, text), false);
}

/* The corners of RFC 5780; the partner's link answers its partner only. */
static void check_more(struct doctor *doctor)
{
    struct endpoint_listener more[LISTEN_MORE_MAX];
    unsigned count = listen_more(doctor->config, more);
    for (unsigned i = 0; i < count; i++) {
        bool link = doctor->config->stun.partner.given && i + 1 == count;
        if (doctor->status == NULL || !link)
            check_stun(doctor, &more[i]);
    }
}

/* Those of turn.relay: any port of them will do here. */
static void check_relays(struct doctor *doctor)
{
    const struct turn_config *turn = &doctor->config->turn;
    for (unsigned i = 0; i < turn->relay_count && turn->enabled; i++) {
        struct endpoint_listener relay = {.transport = TRANSPORT_UDP, .local = turn->relays[i]};
        char text[ADDRESS_TEXT_MAX], why[128];
        struct writer w;
        writer_init(&w, text, sizeof text - 1);
        address_write_host(&w, &relay.local, false);
        *w.at = '\0';
        int error = listen_probe(doctor->config, &relay);
        if (error == 0) {
            doctor_say(doctor, DOCTOR_OK, "turn.relay %s: an address of this machine", text);
            continue;
        }
        doctor_say(doctor, DOCTOR_FAILED, "turn.relay %s: %s", text,
                   error == EADDRNOTAVAIL ? "this machine has no such address"
                                          : strerror_r(error, why, sizeof why));
        doctor_advise(doctor, "ip address   # shows those it has; behind a NAT relay from the "
                              "inside address and set outside.address");
    }
}

void doctor_ports(struct doctor *doctor)
{
    const struct app_config *config = doctor->config;
    for (unsigned i = 0; i < config->listen.count; i++) {
        if (doctor->status != NULL)
            check_served(doctor, &config->listen.items[i]);
        else
            check_free(doctor, &config->listen.items[i]);
    }
    for (unsigned i = 0; i < config->stun_listen.count; i++)
        check_stun(doctor, &config->stun_listen.items[i]);
    check_more(doctor);
    check_relays(doctor);
}
