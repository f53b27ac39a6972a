#include "app/control/status.h"

#include <unistd.h>

#include "app/text/version.h"
#include "base/clock.h"

static json_int_t sum(const struct server *server, enum worker_metrics table, unsigned which)
{
    return server_metric(server, table, which);
}

static json_t *listeners_json(const struct server *server)
{
    const struct app_config *config = server->settings->config;
    json_t *listeners = json_array();
    for (unsigned i = 0; listeners != NULL && i < config->listen.count; i++) {
        char text[ADDRESS_TEXT_MAX];
        struct address address = server_listener_address(server, i);
        enum transport transport = (enum transport)config->listen.items[i].transport;
        json_array_append_new(listeners, json_sprintf("%s:%s", transport_uri_name(transport).ptr,
                                                      address_text(&address, text)));
    }
    return listeners;
}

static json_t *stun_json(const struct server *server)
{
    const struct config_listeners *listen = &server->settings->config->stun_listen;
    json_t *listeners = json_array();
    for (unsigned i = 0; listeners != NULL && i < listen->count; i++) {
        char text[ADDRESS_TEXT_MAX];
        enum transport transport = (enum transport)listen->items[i].transport;
        json_array_append_new(listeners, json_sprintf("%s:%s", transport_uri_name(transport).ptr,
                                                      address_text(&listen->items[i].local, text)));
    }
    return json_pack("{s:o, s:b}", "listen", listeners, "turn",
                     server->settings->config->turn.enabled);
}

static json_t *outside_json(const struct server *server)
{
    static const char *const sources[] = {
        [OUTSIDE_CONFIGURED] = "configured", [OUTSIDE_NAMED] = "name", [OUTSIDE_STUN] = "stun"};
    const struct outside_found *found = &server->outside.found;
    json_t *addresses = json_array();
    for (int i = 0; addresses != NULL && i < OUTSIDE_FAMILIES; i++) {
        char text[ADDRESS_TEXT_MAX];
        struct writer w;
        if (found->hosts[i].source == OUTSIDE_INTERFACES)
            continue;
        writer_init(&w, text, sizeof text);
        address_write_host(&w, &found->hosts[i].address, false);
        json_array_append_new(
            addresses, json_pack("{s:o, s:s, s:s}", "address", answer_text(writer_slice(&w)),
                                 "source", sources[found->hosts[i].source], "by", found->by[i]));
    }
    return addresses;
}

static json_t *workers_json(const struct server *server)
{
    json_t *workers = json_array();
    for (unsigned i = 0; workers != NULL && i < server->worker_count; i++) {
        const struct worker *worker = server->workers[i];
        const metric *endpoint = worker_metric_set(worker, WORKER_METRICS_ENDPOINT);
        json_array_append_new(
            workers,
            json_pack("{s:i, s:f, s:I, s:I, s:I, s:f}", "worker", (int)i, "busy_percent",
                      worker_busy_permille(worker) / 10.0, "requests",
                      (json_int_t)metric_get(&endpoint[ENDPOINT_REQUESTS]), "transactions",
                      (json_int_t)metric_get(&endpoint[ENDPOINT_TRANSACTIONS]), "connections",
                      (json_int_t)metric_get(&endpoint[ENDPOINT_CONNECTIONS]), "refused_percent",
                      (double)metric_get(&endpoint[ENDPOINT_OVERLOAD_PERMILLE]) / 10.0));
    }
    return workers;
}

static json_t *contacts_json(const struct server *server)
{
    struct location_stats stats;
    location_stats(server->location, &stats);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "users", (json_int_t)stats.aors,
                     "contacts", (json_int_t)stats.bindings, "bytes", (json_int_t)stats.bytes,
                     "added", (json_int_t)stats.added, "refreshed", (json_int_t)stats.refreshed,
                     "removed", (json_int_t)stats.removed, "expired", (json_int_t)stats.expired);
}

static json_t *registrations_json(const struct server *server)
{
    return json_pack("{s:I, s:I, s:I}", "accepted",
                     sum(server, WORKER_METRICS_REGISTRAR, REGISTRAR_ACCEPTED), "refused",
                     sum(server, WORKER_METRICS_REGISTRAR, REGISTRAR_REFUSED), "waiting",
                     sum(server, WORKER_METRICS_REGISTRAR, REGISTRAR_WAITING));
}

static json_t *calls_json(const struct server *server)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "opened",
                     sum(server, WORKER_METRICS_PROXY, PROXY_CALLS), "answered",
                     sum(server, WORKER_METRICS_PROXY, PROXY_CALLS_ANSWERED), "requests_forwarded",
                     sum(server, WORKER_METRICS_PROXY, PROXY_FORWARDED), "requests_under_way",
                     sum(server, WORKER_METRICS_PROXY, PROXY_CONTEXTS));
}

static json_t *auth_json(const struct server *server)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "accounts",
                     (json_int_t)accounts_count(server->accounts), "challenges",
                     sum(server, WORKER_METRICS_AUTHENTICATOR, AUTHENTICATOR_CHALLENGES),
                     "accepted", sum(server, WORKER_METRICS_AUTHENTICATOR, AUTHENTICATOR_ACCEPTED),
                     "failed", sum(server, WORKER_METRICS_AUTHENTICATOR, AUTHENTICATOR_FAILED),
                     "stale", sum(server, WORKER_METRICS_AUTHENTICATOR, AUTHENTICATOR_STALE));
}

static json_t *overload_json(const struct server *server)
{
    bool now = sum(server, WORKER_METRICS_ENDPOINT, ENDPOINT_OVERLOAD_PERMILLE) > 0;
    return json_pack("{s:b, s:b, s:I}", "control",
                     server->settings->config->endpoint.overload_control, "now", now, "refused",
                     sum(server, WORKER_METRICS_ENDPOINT, ENDPOINT_OVERLOAD));
}

static json_t *store_json(const struct server *server)
{
    struct store_stats stats;
    store_stats(server->store, &stats);
    const struct app_config *config = server->settings->config;
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "path", config->store_path,
                     "durability", config->durability == CONFIG_DURABLE_COMMIT ? "commit" : "async",
                     "commits", (json_int_t)stats.commits, "writes", (json_int_t)stats.writes,
                     "failures", (json_int_t)stats.failures, "waiting",
                     (json_int_t)stats.queue_items, "waiting_bytes", (json_int_t)stats.queue_bytes,
                     "last_commit_us", (json_int_t)stats.commit_us_last);
}

json_t *status_answer(const struct server *server)
{
    const char *file = server->source->file;
    json_int_t uptime = (json_int_t)((clock_monotonic_us() - server->started_us) / 1000000);
    return json_pack(
        "{s:b, s:s, s:I, s:I, s:o, s:s?, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "ok", true, "version", TRAPEZOID_VERSION, "pid", (json_int_t)getpid(), "uptime", uptime,
        "started", answer_time(server->started_ms), "config", file, "draining",
        atomic_load(&server->draining), "listen", listeners_json(server), "stun", stun_json(server),
        "outside", outside_json(server), "workers", workers_json(server), "contacts",
        contacts_json(server), "registrations", registrations_json(server), "calls",
        calls_json(server), "auth", auth_json(server), "overload", overload_json(server), "store",
        store_json(server));
}
