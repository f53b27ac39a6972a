#include "app/metrics/metrics.h"
#include "app/server/process.h"
#include "app/text/version.h"
#include "base/clock.h"

struct figure {
    const char *name;
    bool counter;
    const char *help;
    uint64_t value;
};

static void write_head(struct writer *w, const char *name, const char *type, const char *help)
{
    writer_format(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_figures(struct writer *w, const struct figure *figures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        write_head(w, figures[i].name, figures[i].counter ? "counter" : "gauge", figures[i].help);
        writer_format(w, "%s %llu\n", figures[i].name, (unsigned long long)figures[i].value);
    }
}

static void write_services(const struct server *server, struct writer *w)
{
    for (unsigned table = 0; table < WORKER_METRIC_TABLES; table++) {
        const metric *sets[SERVER_WORKERS_MAX];
        enum worker_metrics which = (enum worker_metrics)table;
        for (unsigned i = 0; i < server->worker_count; i++)
            sets[i] = worker_metric_set(server->workers[i], which);
        struct worker_metric_table infos = worker_metric_table(which);
        metric_write(w, infos.infos, infos.count, sets, server->worker_count);
    }
}

static void write_workers(const struct server *server, struct writer *w)
{
    write_head(w, "trapezoid_worker_busy_ratio", "gauge",
               "Share of the last second that a worker did not wait.");
    for (unsigned i = 0; i < server->worker_count; i++)
        writer_format(w, "trapezoid_worker_busy_ratio{worker=\"%u\"} %.3f\n", i,
                      worker_busy_permille(server->workers[i]) / 1000.0);
}

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void write_location(const struct server *server, struct writer *w)
{
    struct location_stats s;
    location_stats(server->location, &s);
    const struct figure figures[] = {
        {"trapezoid_location_users", false, "Users with a registered phone.", s.aors},
        {"trapezoid_location_contacts", false, "Registered phones.", s.bindings},
        {"trapezoid_location_bytes", false, "Memory of the location table.", s.bytes},
        {"trapezoid_location_added_total", true, "Registrations that were new.", s.added},
        {"trapezoid_location_refreshed_total", true, "Registrations refreshed.", s.refreshed},
        {"trapezoid_location_removed_total", true, "Registrations removed.", s.removed},
        {"trapezoid_location_expired_total", true, "Registrations that ran out.", s.expired},
        {"trapezoid_accounts", false, "Accounts.", accounts_count(server->accounts)},
    };
    write_figures(w, figures, COUNT(figures));
}

static void write_targets(const struct server *server, struct writer *w)
{
    struct health_stats s;
    health_stats(server->health, &s);
    const struct figure figures[] = {
        {"trapezoid_targets", false, "Servers that requests went to and that are remembered.",
         s.targets},
        {"trapezoid_targets_down", false, "Those of them that did not answer lately.", s.down},
        {"trapezoid_target_failures_total", true, "Requests that a server did not answer.",
         s.failures},
    };
    write_figures(w, figures, COUNT(figures));
}

static void write_store(const struct server *server, struct writer *w)
{
    struct store_stats s;
    store_stats(server->store, &s);
    const struct figure figures[] = {
        {"trapezoid_store_commits_total", true, "Commits.", s.commits},
        {"trapezoid_store_writes_total", true, "Rows written.", s.writes},
        {"trapezoid_store_failures_total", true, "Commits that failed.", s.failures},
        {"trapezoid_store_waiting", false, "Changes that wait to be written.", s.queue_items},
        {"trapezoid_store_waiting_bytes", false, "Their bytes.", s.queue_bytes},
    };
    write_figures(w, figures, COUNT(figures));
    write_head(w, "trapezoid_store_last_commit_seconds", "gauge", "How long the last commit took.");
    writer_format(w, "trapezoid_store_last_commit_seconds %.6f\n", (double)s.commit_us_last / 1e6);
}

static void write_outside(const struct server *server, struct writer *w)
{
    const struct server_outside *o = &server->outside;
    const struct figure figures[] = {
        {"trapezoid_outside_known", false,
         "1 while another address than those of the interfaces is told to who is outside.",
         atomic_load(&o->known) ? 1 : 0},
        {"trapezoid_outside_checks_total", true,
         "How often our outside address was looked for by name or STUN.", atomic_load(&o->checks)},
        {"trapezoid_outside_failures_total", true, "Those of them that nobody answered.",
         atomic_load(&o->failures)},
        {"trapezoid_outside_changes_total", true, "Changes of our outside address.",
         atomic_load(&o->changes)},
    };
    write_figures(w, figures, COUNT(figures));
}

static void write_tls(const struct server *server, struct writer *w)
{
    if (server->tls == NULL)
        return;
    const struct figure figures[] = {
        {"trapezoid_tls_accepted_total", true, "TLS handshakes done with who connected to us.",
         tls_count(server->tls, TLS_ACCEPTED)},
        {"trapezoid_tls_connected_total", true, "TLS handshakes done with whom we connected to.",
         tls_count(server->tls, TLS_CONNECTED)},
        {"trapezoid_tls_resumed_total", true, "Those of both that resumed a session.",
         tls_count(server->tls, TLS_RESUMED)},
    };
    write_figures(w, figures, COUNT(figures));
}

static void write_process(const struct server *server, struct writer *w)
{
    struct process_figures p;
    process_figures(&p);
    const struct figure figures[] = {
        {"process_resident_memory_bytes", false, "Resident memory.", p.resident_bytes},
        {"process_open_fds", false, "Open files.", p.open_files},
        {"process_max_fds", false, "Most files that may be open.", p.max_files},
        {"trapezoid_mails_refused_total", true, "Messages between workers that found no room.",
         mesh_refused(server->mesh)},
        {"trapezoid_draining", false, "1 while the server ends.",
         atomic_load(&server->draining) ? 1 : 0},
    };
    write_figures(w, figures, COUNT(figures));
    write_head(w, "process_cpu_seconds_total", "counter", "Processor time used.");
    writer_format(w, "process_cpu_seconds_total %.3f\n", p.cpu_seconds);
    write_head(w, "process_start_time_seconds", "gauge", "Start, as Unix time.");
    writer_format(w, "process_start_time_seconds %.3f\n", (double)server->started_ms / 1e3);
    write_head(w, "trapezoid_uptime_seconds", "gauge", "Time since the start.");
    writer_format(w, "trapezoid_uptime_seconds %.3f\n",
                  (double)(clock_monotonic_us() - server->started_us) / 1e6);
}

int metrics_write(const struct server *server, struct writer *w)
{
    write_head(w, "trapezoid_build_info", "gauge", "The version, as a label.");
    writer_literal(w, "trapezoid_build_info{version=\"" TRAPEZOID_VERSION "\",compiler=\"");
    for (const char *c = __VERSION__; *c != '\0'; c++) {
        if (*c != '"' && *c != '\\')
            writer_char(w, *c);
    }
    writer_literal(w, "\"} 1\n");
    write_process(server, w);
    write_workers(server, w);
    write_services(server, w);
    write_location(server, w);
    write_targets(server, w);
    write_store(server, w);
    write_outside(server, w);
    write_tls(server, w);
    return writer_status(w);
}
