#include "service/turn/ports.h"

#include <pthread.h>

#include "base/error.h"
#include "base/list.h"
#include "base/memory.h"

#define WORDS        (65536 / 64)
#define TRIES        64 /* ports that others use, before it is said that none is free */
#define RESERVATIONS 1024
#define OF_ONE_USER                                                                                \
    64 /* reservations that outlive their allocations, so that no quota has them                   \
        */

struct turn_place_set {
    struct address host; /* port 0 */
    struct turn_host key;
    _Atomic uint64_t used[WORDS]; /* by port; written under the lock */
    uint32_t free;
};

struct reservation {
    uint64_t token; /* 0: free */
    uint64_t until_ms;
    uint64_t account;
    struct turn_place place;
};

struct turn_ports {
    pthread_mutex_t lock;
    uint8_t secret[32];
    unsigned host_count;
    uint16_t low, high;
    _Atomic bool draining;
    _Atomic uint32_t allocations;
    uint32_t files_max; /* 0: no bound */
    _Atomic uint32_t files;
    unsigned reserved;
    struct reservation reservations[RESERVATIONS];
    struct turn_place_set hosts[TURN_RELAYS_MAX];
};

int turn_ports_new(const struct turn_config *config, struct turn_ports **ret_ports)
{
    struct turn_ports *ports = memory_zalloc(1, sizeof *ports);
    if (ports == NULL)
        return ERR_NO_MEMORY;
    int status = random_secret(ports->secret, sizeof ports->secret);
    if (status < 0) {
        memory_free(ports);
        return status;
    }
    (void)pthread_mutex_init(&ports->lock, NULL);
    ports->low = config->port_low;
    ports->high = config->port_high;
    ports->files_max = config->files;
    for (unsigned i = 0; i < config->relay_count && i < TURN_RELAYS_MAX; i++) {
        struct turn_place_set *set = &ports->hosts[ports->host_count++];
        set->host = config->relays[i];
        address_set_port(&set->host, 0);
        set->key = turn_host_of(&config->relays[i]);
        set->free = (uint32_t)(ports->high - ports->low) + 1;
    }
    *ret_ports = ports;
    return 0;
}

static void forget(struct turn_ports *ports, struct reservation *reservation)
{
    port_hold_release(reservation->place.hold);
    *reservation = (struct reservation){0};
    ports->reserved--;
}

void turn_ports_free(struct turn_ports *ports)
{
    if (ports == NULL)
        return;
    for (unsigned i = 0; i < RESERVATIONS; i++) {
        if (ports->reservations[i].token != 0)
            forget(ports, &ports->reservations[i]);
    }
    (void)pthread_mutex_destroy(&ports->lock);
    memory_free(ports);
}

/* ---- One host ---- */

static bool is_used(const struct turn_place_set *set, unsigned port)
{
    return atomic_load_explicit(&set->used[port / 64], memory_order_relaxed) >> (port % 64) & 1;
}

static void mark(struct turn_place_set *set, unsigned port, bool used)
{
    uint64_t bit = UINT64_C(1) << (port % 64);
    uint64_t word = atomic_load_explicit(&set->used[port / 64], memory_order_relaxed);
    word = used ? word | bit : word & ~bit;
    atomic_store_explicit(&set->used[port / 64], word, memory_order_relaxed);
    set->free += used ? (uint32_t)-1 : 1;
}

/* The first port from start on, around the end of the range, that fits; 0: none. */
static unsigned find(const struct turn_ports *ports, const struct turn_place_set *set,
                     unsigned start, enum turn_port_wish wish)
{
    unsigned count = (unsigned)(ports->high - ports->low) + 1;
    for (unsigned i = 0; i < count; i++) {
        unsigned port = ports->low + (start - ports->low + i) % count;
        if (is_used(set, port))
            continue;
        if (wish != TURN_PORT_ANY && port % 2 != 0)
            continue;
        if (wish == TURN_PORT_PAIR && (port == ports->high || is_used(set, port + 1)))
            continue;
        return port;
    }
    return 0;
}

static struct turn_place_set *set_of(struct turn_ports *ports, const struct address *host)
{
    struct turn_host key = turn_host_of(host);
    for (unsigned i = 0; i < ports->host_count; i++) {
        if (turn_host_equal(ports->hosts[i].key, key))
            return &ports->hosts[i];
    }
    return NULL;
}

/* Where a client came in is where it is relayed from, if it can be; else the emptiest. */
static struct turn_place_set *choose(struct turn_ports *ports, bool v6, const struct address *near)
{
    struct turn_place_set *best = set_of(ports, near);
    if (best != NULL && address_is_v6(&best->host) == v6 && best->free > 0)
        return best;
    best = NULL;
    for (unsigned i = 0; i < ports->host_count; i++) {
        struct turn_place_set *set = &ports->hosts[i];
        if (address_is_v6(&set->host) == v6 && (best == NULL || set->free > best->free))
            best = set;
    }
    return best;
}

/* ---- Taking ---- */

static int bind_one(struct turn_ports *ports, struct turn_place_set *set, struct loop *loop,
                    unsigned port, struct turn_place *ret_place)
{
    struct turn_place place = {.address = set->host};
    address_set_port(&place.address, (uint16_t)port);
    if (!turn_ports_file_take(ports))
        return ERR_LIMIT;
    int status = port_hold(loop, &place.address, &place.hold);
    if (status < 0) {
        turn_ports_file_give(ports);
        return status;
    }
    mark(set, port, true);
    *ret_place = place;
    return 0;
}

static void unmark(struct turn_ports *ports, const struct address *address)
{
    struct turn_place_set *set = set_of(ports, address);
    if (set == NULL)
        return;
    mark(set, address_port(address), false);
    turn_ports_file_give(ports);
}

/* NULL: there is none, or the user has as many as one may. */
static struct reservation *free_reservation(struct turn_ports *ports, uint64_t account)
{
    struct reservation *found = NULL;
    unsigned count = 0;
    for (unsigned i = 0; i < RESERVATIONS; i++) {
        struct reservation *reservation = &ports->reservations[i];
        if (reservation->token == 0)
            found = reservation;
        else
            count += reservation->account == account;
    }
    return count < OF_ONE_USER ? found : NULL;
}

/* RFC 8656 section 7.2: the port above place is kept for who shows the token. */
static int reserve(struct turn_ports *ports, struct turn_place_set *set,
                   const struct turn_port_ask *ask, const struct turn_place *place,
                   uint64_t *ret_token)
{
    struct reservation *reservation = free_reservation(ports, ask->account);
    uint64_t token = 0;
    if (reservation == NULL)
        return ERR_LIMIT;
    if (random_secret(&token, sizeof token) < 0 || token == 0)
        return ERR_LIMIT;
    int status =
        bind_one(ports, set, ask->loop, address_port(&place->address) + 1u, &reservation->place);
    if (status < 0)
        return status;
    reservation->token = token;
    reservation->account = ask->account;
    reservation->until_ms = loop_now_ms(ask->loop) + TURN_RESERVATION_S * UINT64_C(1000);
    ports->reserved++;
    *ret_token = token;
    return 0;
}

static int try_port(struct turn_ports *ports, struct turn_place_set *set,
                    const struct turn_port_ask *ask, unsigned port, struct turn_place *ret_place,
                    uint64_t *ret_token)
{
    struct turn_place place;
    int status = bind_one(ports, set, ask->loop, port, &place);
    if (status == 0 && ask->wish == TURN_PORT_PAIR) {
        status = reserve(ports, set, ask, &place, ret_token);
        if (status < 0) {
            port_hold_release(place.hold);
            unmark(ports, &place.address);
        }
    }
    if (status == 0)
        *ret_place = place;
    return status;
}

/* RFC 6056 section 3.3.1: each starts its search at random. */
static int take(struct turn_ports *ports, struct turn_place_set *set,
                const struct turn_port_ask *ask, struct turn_place *ret_place, uint64_t *ret_token)
{
    unsigned count = (unsigned)(ports->high - ports->low) + 1;
    for (unsigned tries = 0; tries < TRIES; tries++) {
        unsigned start = ports->low + (unsigned)random_below(loop_random(ask->loop), count);
        unsigned port = find(ports, set, start, ask->wish);
        if (port == 0)
            return ERR_LIMIT;
        int status = try_port(ports, set, ask, port, ret_place, ret_token);
        if (status != ERR_EXISTS && status != ERR_DENIED)
            return status == ERR_NOT_FOUND ? ERR_LIMIT : status;
    }
    return ERR_LIMIT;
}

int turn_ports_take(struct turn_ports *ports, const struct turn_port_ask *ask,
                    struct turn_place *ret_place, uint64_t *ret_token)
{
    (void)pthread_mutex_lock(&ports->lock);
    struct turn_place_set *set = choose(ports, ask->v6, ask->near);
    int status = ERR_UNSUPPORTED;
    if (set != NULL)
        status = take(ports, set, ask, ret_place, ret_token);
    (void)pthread_mutex_unlock(&ports->lock);
    return status;
}

void turn_ports_give(struct turn_ports *ports, const struct address *address)
{
    (void)pthread_mutex_lock(&ports->lock);
    unmark(ports, address);
    (void)pthread_mutex_unlock(&ports->lock);
}

/* ---- Reservations ---- */

static struct reservation *reservation_of(struct turn_ports *ports, uint64_t token, uint64_t now_ms)
{
    for (unsigned i = 0; token != 0 && i < RESERVATIONS; i++) {
        struct reservation *reservation = &ports->reservations[i];
        if (reservation->token == token && reservation->until_ms > now_ms)
            return reservation;
    }
    return NULL;
}

int turn_ports_redeem(struct turn_ports *ports, uint64_t token, uint64_t now_ms,
                      struct turn_place *ret_place)
{
    (void)pthread_mutex_lock(&ports->lock);
    struct reservation *reservation = reservation_of(ports, token, now_ms);
    if (reservation != NULL) {
        *ret_place = reservation->place;
        *reservation = (struct reservation){0};
        ports->reserved--;
    }
    (void)pthread_mutex_unlock(&ports->lock);
    return reservation != NULL ? 0 : ERR_NOT_FOUND;
}

bool turn_ports_reserved(struct turn_ports *ports, uint64_t token, uint64_t now_ms)
{
    (void)pthread_mutex_lock(&ports->lock);
    bool found = reservation_of(ports, token, now_ms) != NULL;
    (void)pthread_mutex_unlock(&ports->lock);
    return found;
}

void turn_ports_sweep(struct turn_ports *ports, uint64_t now_ms)
{
    (void)pthread_mutex_lock(&ports->lock);
    for (unsigned i = 0; ports->reserved > 0 && i < RESERVATIONS; i++) {
        struct reservation *reservation = &ports->reservations[i];
        if (reservation->token == 0 || reservation->until_ms > now_ms)
            continue;
        unmark(ports, &reservation->place.address);
        forget(ports, reservation);
    }
    (void)pthread_mutex_unlock(&ports->lock);
}

/* ---- What others ask ---- */

bool turn_ports_has(const struct turn_ports *ports, bool v6)
{
    bool found = false;
    for (unsigned i = 0; i < ports->host_count; i++)
        found = found || address_is_v6(&ports->hosts[i].host) == v6;
    return found;
}

bool turn_ports_is_relay(const struct turn_ports *ports, struct turn_host host, uint16_t port)
{
    for (unsigned i = 0; i < ports->host_count; i++) {
        if (turn_host_equal(ports->hosts[i].key, host))
            return is_used(&ports->hosts[i], port);
    }
    return false;
}

unsigned turn_ports_hosts(const struct turn_ports *ports, struct turn_host *ret_hosts)
{
    for (unsigned i = 0; i < ports->host_count; i++)
        ret_hosts[i] = ports->hosts[i].key;
    return ports->host_count;
}

const uint8_t *turn_ports_secret(const struct turn_ports *ports)
{
    return ports->secret;
}

bool turn_ports_file_take(struct turn_ports *ports)
{
    if (atomic_fetch_add(&ports->files, 1) < ports->files_max || ports->files_max == 0)
        return true;
    turn_ports_file_give(ports);
    return false;
}

void turn_ports_file_give(struct turn_ports *ports)
{
    (void)atomic_fetch_sub(&ports->files, 1);
}

bool turn_ports_enter(struct turn_ports *ports, uint32_t max)
{
    if (atomic_fetch_add(&ports->allocations, 1) < max)
        return true;
    (void)atomic_fetch_sub(&ports->allocations, 1);
    return false;
}

void turn_ports_leave(struct turn_ports *ports)
{
    (void)atomic_fetch_sub(&ports->allocations, 1);
}

void turn_ports_drain(struct turn_ports *ports, bool on)
{
    atomic_store(&ports->draining, on);
}

bool turn_ports_draining(const struct turn_ports *ports)
{
    return atomic_load(&ports->draining);
}
