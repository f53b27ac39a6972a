#include "app/server/turn.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/outside/interfaces.h"
#include "base/error.h"

/* Documentation addresses: nothing is sent there. */
#define FAR_V4 "192.0.2.1"
#define FAR_V6 "2001:db8::1"

/* Of a network that leads nowhere else: its first address that others can reach. */
static int find_inside(bool v6, struct address *ret_address)
{
    struct interface_address all[INTERFACES_MAX];
    unsigned count = interfaces_read(all, INTERFACES_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct address *a = &all[i].address;
        bool local = address_is_v6(a) && IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr);
        if (all[i].loopback || local || address_is_v6(a) != v6)
            continue;
        *ret_address = *a;
        return 0;
    }
    return ERR_NOT_FOUND;
}

/* The address that this machine would use towards the Internet. */
static int find_address(bool v6, struct address *ret_address)
{
    struct address far, local = {0};
    socklen_t length = sizeof local;
    (void)address_parse_host(v6 ? SLICE(FAR_V6) : SLICE(FAR_V4), 9, &far);
    int fd = socket(far.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_NOT_FOUND;
    bool found =
        connect(fd, &far.sa, address_length(&far)) == 0 && getsockname(fd, &local.sa, &length) == 0;
    (void)close(fd);
    if (!found)
        return find_inside(v6, ret_address);
    *ret_address = local;
    return 0;
}

static void add(struct turn_config *turn, struct address address)
{
    address_set_port(&address, 0);
    for (unsigned i = 0; i < turn->relay_count; i++) {
        if (address_equal(&turn->relays[i], &address))
            return;
    }
    if (turn->relay_count < TURN_RELAYS_MAX)
        turn->relays[turn->relay_count++] = address;
}

/* Without turn.relay: where the clients come in. */
static void find_relays(struct app_config *config)
{
    struct turn_config *turn = &config->turn;
    for (unsigned i = 0; i < config->stun_listen.count; i++) {
        struct address address = config->stun_listen.items[i].local;
        if (!address_is_wildcard(&address) || find_address(address_is_v6(&address), &address) == 0)
            add(turn, address);
    }
}

/* On a machine without a network the rest can be tried all the same. */
static void add_loopback(struct app_config *config, struct log *log)
{
    struct address loopback;
    bool v6 = true;
    for (unsigned i = 0; i < config->stun_listen.count; i++)
        v6 = v6 && address_is_v6(&config->stun_listen.items[i].local);
    (void)address_parse_host(v6 ? SLICE("::1") : SLICE("127.0.0.1"), 0, &loopback);
    add(&config->turn, loopback);
    log_warn(log, LOG_TURN,
             "no address to relay from that others could reach: relaying from %s, which is good "
             "for tests on this machine only; write turn.relay: ADDRESS",
             v6 ? "::1" : "127.0.0.1");
}

static int check(const struct turn_config *turn, struct log *log)
{
    char text[ADDRESS_TEXT_MAX];
    for (unsigned i = 0; i < turn->relay_count; i++) {
        const struct address *host = &turn->relays[i];
        int fd = socket(host->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        bool good = fd >= 0 && bind(fd, &host->sa, address_length(host)) == 0;
        if (fd >= 0)
            (void)close(fd);
        if (good)
            continue;
        log_error(log, LOG_TURN,
                  "cannot relay from %s: this machine has no such address; `ip address` shows "
                  "those it has",
                  address_text(host, text));
        return ERR_NOT_FOUND;
    }
    return 0;
}

/* A quarter of the files that may be open stays for everything else. */
static uint32_t files_of_relays(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= UINT32_MAX)
        return 0;
    return (uint32_t)(files.rlim_cur - files.rlim_cur / 4);
}

int turn_open(struct server *server, struct app_config *config)
{
    struct turn_config *turn = &config->turn;
    if (!turn->enabled)
        return 0;
    if (turn->relay_count == 0)
        find_relays(config);
    if (turn->relay_count == 0)
        add_loopback(config, server->log);
    turn->files = files_of_relays();
    int status = check(turn, server->log);
    return status < 0 ? status : turn_ports_new(turn, &server->turn_ports);
}
