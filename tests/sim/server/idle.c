/* What a server must have let go of when nobody talks to it any more. */
#include "loop/dns_private.h"
#include "service/proxy/proxy_private.h"
#include "service/registrar/registrar_private.h"
#include "sim/server/server.h"
#include "sim/world/sim_loop.h"

static void expect_none(struct writer *w, const char *what, uint64_t count)
{
    if (count != 0)
        writer_format(w, " %s: %llu;", what, (unsigned long long)count);
}

static void check_transactions(struct writer *w, const struct sip_transactions *t)
{
    expect_none(w, "transactions", sip_transactions_count(t));
    expect_none(w, "transaction table", t->clients.count + t->servers.count);
    expect_none(w, "transactions by connection", t->by_connection.count);
    expect_none(w, "transaction pools",
                t->client_pool.in_use + t->server_pool.in_use + t->connection_pool.in_use);
    expect_none(w, "transaction blocks", t->blocks.bytes);
}

static void check_worker(struct writer *w, const struct sim_worker *worker)
{
    const struct proxy *proxy = worker->proxy;
    const struct registrar *registrar = worker->registrar;
    uint64_t timers = loop_wheel(worker->loop)->count;
    check_transactions(w, endpoint_transactions(worker->endpoint));
    expect_none(w, "proxy contexts", proxy->contexts.in_use);
    expect_none(w, "proxy branches", proxy->branches.in_use);
    expect_none(w, "proxy ACKs", proxy->acks.in_use);
    expect_none(w, "proxy blocks", proxy->blocks.bytes);
    expect_none(w, "proxy context gauge",
                (uint64_t)metric_get(&proxy_metrics(proxy)[PROXY_CONTEXTS]));
    expect_none(w, "registrations that wait", registrar->waiting_pool.in_use);
    expect_none(w, "registrar blocks", registrar->blocks.bytes);
    expect_none(w, "registrar gauge",
                (uint64_t)metric_get(&registrar_metrics(registrar)[REGISTRAR_WAITING]));
    expect_none(w, "connections", stream_count(worker->loop, STREAM_OPEN));
    expect_none(w, "name look-ups", worker->loop->dns->query_pool.in_use);
    if (timers != worker->idle_timers)
        writer_format(w, " timers: %llu, not %llu;", (unsigned long long)timers,
                      (unsigned long long)worker->idle_timers);
}

bool sim_server_is_idle(struct sim_server *server, char *text, size_t size)
{
    struct writer w;
    writer_init(&w, text, size - 1);
    for (unsigned i = 0; server->running && i < server->config.workers; i++)
        check_worker(&w, &server->workers[i]);
    *w.at = '\0';
    return writer_length(&w) == 0;
}

int64_t sim_server_proxy_count(const struct sim_server *server, enum proxy_metric which)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < server->config.workers; i++)
        sum += metric_get(&proxy_metrics(server->workers[i].proxy)[which]);
    return sum;
}

int64_t sim_server_endpoint_count(const struct sim_server *server, enum endpoint_metric which)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < server->config.workers; i++)
        sum += metric_get(&endpoint_metrics(server->workers[i].endpoint)[which]);
    return sum;
}

unsigned sim_server_bindings(struct sim_server *server, const char *user)
{
    static struct location_bindings bindings;
    struct arena arena;
    char aor[128];
    struct writer w;
    writer_init(&w, aor, sizeof(aor));
    writer_format(&w, "sip:%s@" SIM_DOMAIN, user);
    arena_init(&arena, 4096, 1 << 20);
    bindings.count = 0;
    (void)location_find(server->location, writer_slice(&w), sim_wall_ms(server->world), &arena,
                        &bindings);
    arena_done(&arena);
    return bindings.count;
}
