#include "app/server/welcome.h"

#include <errno.h>
#include <stdio.h>

#include "app/outside/interfaces.h"
#include "app/server/process.h"
#include "app/text/version.h"

int welcome_make_accounts(struct server *server, struct welcome *ret_welcome)
{
    static const char *const names[WELCOME_ACCOUNTS] = {"alice", "bob"};
    const struct app_config *config = server->settings->config;
    ret_welcome->count = 0;
    if (!server->new_store || accounts_count(server->accounts) > 0 ||
        !(config->registrar.auth || config->proxy.auth))
        return 0;
    for (unsigned i = 0; i < WELCOME_ACCOUNTS; i++) {
        struct welcome_account *account = &ret_welcome->accounts[i];
        account->name = names[i];
        int status = account_password_make(account->password);
        if (status == 0)
            status = accounts_add(server->accounts, slice_from_string(account->name),
                                  slice_from_string(account->password));
        if (status < 0)
            return status;
        ret_welcome->count++;
    }
    return 0;
}

/* An address of this machine that others in its network can reach. */
static bool find_near_address(struct address *ret)
{
    struct interface_address interfaces[INTERFACES_MAX];
    unsigned count = interfaces_read(interfaces, INTERFACES_MAX);
    for (unsigned i = 0; i < count; i++) {
        if (interfaces[i].loopback || address_is_v6(&interfaces[i].address))
            continue;
        *ret = interfaces[i].address;
        return true;
    }
    return false;
}

struct place {
    char here[ADDRESS_TEXT_MAX + 32]; /* how phones on this machine write it, with ;transport */
    char near[ADDRESS_TEXT_MAX];      /* how others do; empty when they cannot, or it is here */
    char outside[ADDRESS_TEXT_MAX];   /* how those beyond our NAT do; empty when there is none */
};

/* Host and port, the port only when it is not 5060. */
static void write_place(struct address address, char *buf, size_t size)
{
    struct writer w;
    writer_init(&w, buf, size - 1);
    if (address_port(&address) == transport_default_port(TRANSPORT_UDP))
        address_write_host(&w, &address, true);
    else
        address_write(&w, &address);
    *w.at = '\0';
}

/* The first listener; UDP, then TCP, and IPv4 before others. */
static unsigned best_listener(const struct app_config *config)
{
    unsigned best = 0, best_score = 0;
    for (unsigned i = 0; i < config->listen.count; i++) {
        const struct endpoint_listener *listener = &config->listen.items[i];
        unsigned score = 1 +
                         (listener->transport == TRANSPORT_UDP   ? 4
                          : listener->transport == TRANSPORT_TCP ? 2
                                                                 : 0) +
                         (address_is_v6(&listener->local) ? 0 : 1);
        if (score > best_score) {
            best_score = score;
            best = i;
        }
    }
    return best;
}

static void find_place(const struct server *server, struct place *place)
{
    const struct app_config *config = server->settings->config;
    unsigned index = best_listener(config);
    struct address address = server_listener_address(server, index);
    uint16_t port = address_port(&address);
    struct address outside = outside_of(&server->settings->outside, &address);
    place->near[0] = place->outside[0] = '\0';
    if (!address_equal(&outside, &address))
        write_place(outside, place->outside, sizeof place->outside);
    if (address_is_wildcard(&address)) {
        struct address near;
        bool v6 = address_is_v6(&address);
        if (!v6 && find_near_address(&near)) {
            address_set_port(&near, port);
            write_place(near, place->near, sizeof place->near);
        }
        (void)address_parse_host(v6 ? SLICE("::1") : SLICE("127.0.0.1"), port, &address);
    }
    write_place(address, place->here, sizeof place->here);
    enum transport transport = (enum transport)config->listen.items[index].transport;
    if (transport != TRANSPORT_UDP) {
        size_t len = strlen(place->here);
        (void)snprintf(place->here + len, sizeof place->here - len, ";transport=%s",
                       transport_uri_name(transport).ptr);
    }
}

static void print_phones(const struct welcome *welcome, const struct place *place)
{
    puts("\nTwo phones, each in a terminal of its own (apt-get install baresip):");
    for (unsigned i = 0; i < welcome->count; i++) {
        const struct welcome_account *account = &welcome->accounts[i];
        printf("  baresip -f ~/.trapezoid-%s -e '/uanew <sip:%s@%s>;auth_pass=%s'\n", account->name,
               account->name, place->here, account->password);
    }
    printf("To call, type into the first: /dial sip:%s@%s   and into the second: a (answer)\n",
           welcome->accounts[1].name, place->here);
    if (place->near[0] != '\0')
        printf("Phones on other machines write %s instead of %s.\n", place->near, place->here);
    if (place->outside[0] != '\0')
        printf("Phones outside of this network write %s.\n", place->outside);
}

/* What the other commands must be told to find this server. */
static void write_options(const struct config_source *source, struct writer *w)
{
    static const char *const keys[] = {"data_dir=", "control.path=", "store.path=", "auth.realm="};
    if (source->file != NULL && strcmp(source->file, "-") != 0) {
        writer_literal(w, " -c ");
        writer_string(w, source->file);
    }
    for (unsigned i = 0; i < source->set_count; i++) {
        for (unsigned k = 0; k < sizeof keys / sizeof *keys; k++) {
            if (strncmp(source->sets[i], keys[k], strlen(keys[k])) != 0)
                continue;
            writer_literal(w, " --set ");
            writer_string(w, source->sets[i]);
        }
    }
}

static const char *options_text(const struct server *server, char *buf, size_t size)
{
    struct writer w;
    writer_init(&w, buf, size - 1);
    write_options(server->source, &w);
    buf[writer_status(&w) == 0 ? writer_length(&w) : 0] = '\0';
    return buf;
}

static void print_accounts(const struct server *server, const struct welcome *welcome)
{
    char text[1024];
    const char *options = options_text(server, text, sizeof text);
    if (welcome->count == 0) {
        size_t count = accounts_count(server->accounts);
        if (count > 0)
            printf("%zu account%s; for a lost password: %s user password NAME%s\n", count,
                   count == 1 ? "" : "s", program_invocation_name, options);
        else if (server->settings->config->registrar.auth)
            printf("There are no accounts yet, so no phone can register: %s user add NAME%s\n",
                   program_invocation_name, options);
        return;
    }
    puts("\nAccounts made by this first start; passwords are shown only now:");
    for (unsigned i = 0; i < welcome->count; i++)
        printf("  %-8s %s\n", welcome->accounts[i].name, welcome->accounts[i].password);
    /* As it was called: before it is installed it is on no search path. */
    printf("A new password: %s user password alice%s\n", program_invocation_name, options);
    printf("More accounts:  %s user add NAME%s\n", program_invocation_name, options);
}

static void print_certificate(const struct server *server)
{
    const char *file = server->settings->config->tls.pairs[0].certificate;
    if (!server->new_certificate)
        return;
    printf("\nTLS shows a certificate that this start has made: %s\n", file);
    printf("To trust it on a machine: sudo install -m 644 %s "
           "/usr/local/share/ca-certificates/trapezoid.crt && sudo update-ca-certificates\n",
           file);
}

static void print_stun(const struct app_config *config)
{
    char text[ADDRESS_TEXT_MAX];
    if (config->stun_listen.count > 0)
        printf("%s\n", config->turn.enabled ? "STUN and TURN on" : "STUN on");
    for (unsigned i = 0; i < config->stun_listen.count; i++)
        printf("  %s:%s\n",
               transport_uri_name((enum transport)config->stun_listen.items[i].transport).ptr,
               address_text(&config->stun_listen.items[i].local, text));
}

/* What stands for the addresses above where a NAT is known. */
static void print_outside(const struct server *server)
{
    const struct outside_found *found = &server->outside.found;
    for (int i = 0; i < OUTSIDE_FAMILIES; i++) {
        char text[ADDRESS_TEXT_MAX], by[340];
        struct writer w;
        if (found->hosts[i].source == OUTSIDE_INTERFACES)
            continue;
        writer_init(&w, text, sizeof text);
        address_write_host(&w, &found->hosts[i].address, false);
        printf("outside it is %.*s, %s\n", SLICE_ARG(writer_slice(&w)),
               outside_source_text(found, (enum outside_family)i, by, sizeof by));
    }
}

void welcome_print(const struct server *server, const struct welcome *welcome)
{
    const struct app_config *config = server->settings->config;
    struct place place;
    char text[ADDRESS_TEXT_MAX], options[1024];
    printf("trapezoid %s, %u workers, listening on\n", TRAPEZOID_VERSION, config->workers);
    for (unsigned i = 0; i < config->listen.count; i++) {
        struct address address = server_listener_address(server, i);
        printf("  %s:%s\n",
               transport_uri_name((enum transport)config->listen.items[i].transport).ptr,
               address_text(&address, text));
    }
    print_stun(config);
    print_outside(server);
    if (welcome->count > 0 && process_output_is_journal()) {
        puts("Accounts alice and bob were made; set their passwords: trapezoid user password "
             "alice");
    } else {
        print_accounts(server, welcome);
        find_place(server, &place);
        if (welcome->count > 0)
            print_phones(welcome, &place);
    }
    print_certificate(server);
    if (server->new_store && !process_output_is_journal())
        printf("\nIs everything set up right, also for phones elsewhere? %s doctor%s\n",
               program_invocation_name, options_text(server, options, sizeof options));
    (void)fflush(stdout);
}
