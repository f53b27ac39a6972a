#include "app/nat/run.h"

/* RFC 5780 section 4.6: socket X makes a mapping and falls silent; later socket Y asks the server
 * for an answer to it. */

#define MAP_SENDS 5
#define ASK_SENDS 4

static void forget_asking(struct run *run)
{
    for (unsigned i = 0; i < RUN_EXCHANGES; i++) {
        if (run->exchanges[i].purpose != RUN_TEST)
            run->exchanges[i].live = false;
    }
}

static void end(struct run *run, enum nat_lifetime result)
{
    forget_asking(run);
    for (unsigned i = RUN_MAPPINGS; i < RUN_SOCKETS; i++)
        run_close(run, i);
    run->life_state = RUN_LIFE_OVER;
    run->finding->lifetime = result;
    run->finding->alive_ms = run->lifetime.alive_ms;
    run->finding->gone_ms = run->lifetime.gone_ms;
}

static void make_mapping(struct run *run, unsigned probe)
{
    unsigned socket = RUN_MAPPINGS + probe;
    if (run_open(run, socket) < 0) {
        end(run, NAT_LIFETIME_UNTOLD);
        return;
    }
    struct run_exchange *e = run_begin(run, RUN_MAP, probe, 0);
    e->socket = (unsigned char)socket;
    e->sends = MAP_SENDS;
    e->to = run->order->server;
}

static void ask_mapping(struct run *run, unsigned probe, uint32_t pause_ms)
{
    const struct address *mapped = &run->sockets[RUN_MAPPINGS + probe].mapped;
    struct run_exchange *e = run_begin(run, RUN_ASK, probe, run->now_ms + pause_ms);
    e->socket = RUN_ASKING;
    e->sends = ASK_SENDS;
    e->to = run->order->server;
    if (run->by_address) {
        e->probe.has_response_address = true;
        e->probe.response_address = *mapped;
    } else {
        e->probe.response_port = address_port(mapped);
    }
}

/* The longest pause begins first. */
static void begin_pass(struct run *run)
{
    run->life_state = RUN_LIFE_ON;
    for (unsigned i = LIFETIME_PROBES; i-- > 0 && run->life_state == RUN_LIFE_ON;) {
        run_close(run, RUN_MAPPINGS + i);
        make_mapping(run, i);
    }
}

/* Is there a mapping, or a firewall's memory, to measure? False as long as that is not known. */
static bool worth_it(const struct run *run)
{
    struct nat_report report;
    discovery_report(&run->discovery, &report);
    return report.has_outside && (report.translated || report.kind == NAT_SYMMETRIC_FIREWALL);
}

void run_life_step(struct run *run)
{
    if (run->life_state == RUN_LIFE_IDLE && run->order->lifetime_ms > 0 && worth_it(run)) {
        run_say(run, "measuring how long a mapping lives; this takes at most %u s",
                lifetime_longest_ms(run->order->lifetime_ms) / 1000 + 4);
        lifetime_init(&run->lifetime, run->order->lifetime_ms);
        run->life_state = RUN_LIFE_TRIAL;
        make_mapping(run, RUN_TRIAL);
    }
    if (run->life_state != RUN_LIFE_ON || !lifetime_pass_over(&run->lifetime))
        return;
    forget_asking(run);
    if (lifetime_next_pass(&run->lifetime))
        begin_pass(run);
    else
        end(run, NAT_LIFETIME_TOLD);
}

/* Of the first try, without a pause: does the server send answers elsewhere at all? */
static void on_trial(struct run *run, bool arrived)
{
    if (arrived) {
        begin_pass(run);
    } else if (!run->by_address) {
        run->by_address = true; /* RFC 3489 section 10.2 */
        ask_mapping(run, RUN_TRIAL, 0);
    } else {
        end(run, NAT_LIFETIME_UNTOLD);
    }
}

static void on_asked(struct run *run, unsigned probe, bool arrived)
{
    if (probe == RUN_TRIAL)
        on_trial(run, arrived);
    else
        lifetime_on_result(&run->lifetime, probe, arrived);
}

void run_life_on_ask(struct run *run, const struct run_exchange *exchange)
{
    unsigned probe = exchange->which;
    uint64_t since = run->sockets[RUN_MAPPINGS + probe].mapped_ms;
    if (exchange->purpose == RUN_ASK && probe != RUN_TRIAL)
        lifetime_on_asked(&run->lifetime, probe, (uint32_t)(run->now_ms - since));
}

void run_life_on_reply(struct run *run, struct run_exchange *exchange, unsigned socket,
                       const struct stun_reply *reply)
{
    unsigned probe = exchange->which, mapping = RUN_MAPPINGS + probe;
    bool mapping_made = exchange->purpose == RUN_MAP && socket == mapping && reply->status == 0;
    if (exchange->purpose == RUN_MAP && !mapping_made)
        return;
    exchange->live = false;
    if (mapping_made) {
        run->sockets[mapping].mapped = reply->mapped;
        run->sockets[mapping].mapped_ms = run->now_ms;
        ask_mapping(run, probe, probe == RUN_TRIAL ? 0 : run->lifetime.pauses[probe]);
        return;
    }
    on_asked(run, probe, socket == mapping && reply->status == 0);
}

void run_life_on_timeout(struct run *run, struct run_exchange *exchange)
{
    if (exchange->purpose == RUN_MAP)
        end(run, NAT_LIFETIME_UNTOLD);
    else
        on_asked(run, exchange->which, false);
}
