#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "app/command/command.h"
#include "app/control/control.h"
#include "app/control/reload.h"
#include "app/metrics/metrics.h"
#include "app/server/process.h"
#include "app/server/welcome.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#define DRAIN_CHECK_MS     10
#define ADDRESSES_CHECK_MS 5000

enum { SIGNAL_TERM, SIGNAL_INT, SIGNAL_HUP, SIGNALS };

/* The controlling thread: signals, the control socket, and waiting for the workers' end. */
struct serving {
    struct log log;
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    uv_async_t worker_ended;
    uv_async_t outside_found;
    uv_timer_t drain; /* looks how far it is */
    uv_timer_t addresses;
    uint64_t drain_until_us;
    struct server *server;
    struct control *control;
    struct metrics *metrics;
    _Atomic unsigned ended; /* workers whose thread has left its loop */
    bool ending;
};

/* ---- The end ---- */

static void close_all(struct serving *serving)
{
    process_hold_signals(); /* without their handlers they would end us like a crash */
    control_close(serving->control);
    serving->control = NULL;
    if (serving->server != NULL)
        server_watch_end(serving->server);
    for (int i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&serving->signals[i], NULL);
    uv_close((uv_handle_t *)&serving->worker_ended, NULL);
    uv_close((uv_handle_t *)&serving->outside_found, NULL);
    uv_close((uv_handle_t *)&serving->drain, NULL);
    uv_close((uv_handle_t *)&serving->addresses, NULL);
}

/* On a worker's thread. */
static void on_worker_end(void *user)
{
    struct serving *serving = user;
    atomic_fetch_add(&serving->ended, 1);
    (void)uv_async_send(&serving->worker_ended);
}

static void on_worker_ended(uv_async_t *async)
{
    struct serving *serving = async->data;
    if (atomic_load(&serving->ended) == serving->server->worker_count &&
        !uv_is_closing((uv_handle_t *)async))
        close_all(serving);
}

/* On the thread that looks for our outside address. */
static void on_outside(void *user)
{
    struct serving *serving = user;
    (void)uv_async_send(&serving->outside_found);
}

static void on_outside_found(uv_async_t *async)
{
    struct serving *serving = async->data;
    if (!serving->ending)
        server_on_outside(serving->server);
}

static void on_drain(uv_timer_t *timer)
{
    struct serving *serving = timer->data;
    bool drained = server_drained(serving->server);
    if (!drained && clock_monotonic_us() < serving->drain_until_us)
        return;
    if (!drained)
        log_warn(&serving->log, LOG_APP, "drain_time is over, ending what is still under way");
    (void)uv_timer_stop(timer);
    server_stop(serving->server);
}

static void on_addresses(uv_timer_t *timer)
{
    struct serving *serving = timer->data;
    if (!serving->ending)
        server_on_addresses(serving->server);
}

static void end(struct serving *serving, const char *why)
{
    if (serving->ending) {
        log_info(&serving->log, LOG_APP, "%s again: ending at once", why);
        server_stop(serving->server);
        return;
    }
    serving->ending = true;
    process_notify("STOPPING=1");
    log_info(&serving->log, LOG_APP, "%s: no new requests, waiting for what is under way", why);
    server_drain(serving->server);
    uint32_t drain_ms = serving->server->settings->config->drain_ms;
    serving->drain_until_us = clock_monotonic_us() + (uint64_t)drain_ms * 1000;
    (void)uv_timer_start(&serving->drain, on_drain, DRAIN_CHECK_MS, DRAIN_CHECK_MS);
}

/* ---- Signals ---- */

static void reload(struct serving *serving)
{
    struct config_problems *complaints = memory_alloc(sizeof *complaints);
    if (complaints == NULL)
        return;
    config_problems_init(complaints);
    (void)reload_run(serving->server, complaints);
    memory_free(complaints);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct serving *serving = handle->data;
    if (number == SIGHUP && !serving->ending)
        reload(serving);
    else if (number != SIGHUP)
        end(serving, number == SIGINT ? "SIGINT" : "SIGTERM");
}

/* ---- The start ---- */

static void init_log(struct serving *serving, const struct app_config *config)
{
    log_init(&serving->log, STDERR_FILENO, config->log_format == CONFIG_LOG_JSON,
             (enum log_level)config->log_level);
    server_set_log(&serving->log, config);
}

static int init_loop(struct serving *serving)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    if (uv_loop_init(&serving->loop) < 0)
        return ERR_NO_MEMORY;
    int error = uv_async_init(&serving->loop, &serving->worker_ended, on_worker_ended);
    serving->worker_ended.data = serving;
    if (error == 0)
        error = uv_async_init(&serving->loop, &serving->outside_found, on_outside_found);
    serving->outside_found.data = serving;
    (void)uv_timer_init(&serving->loop, &serving->drain);
    serving->drain.data = serving;
    (void)uv_timer_init(&serving->loop, &serving->addresses);
    serving->addresses.data = serving;
    for (int i = 0; i < SIGNALS; i++) {
        (void)uv_signal_init(&serving->loop, &serving->signals[i]);
        serving->signals[i].data = serving;
        if (error == 0)
            error = uv_signal_start(&serving->signals[i], on_signal, numbers[i]);
    }
    return error < 0 ? ERR_IO : 0;
}

/* config is taken over. */
static int open_all(struct serving *serving, const struct options *options,
                    struct app_config *config)
{
    struct server_options server = {.log = &serving->log,
                                    .source = &options->source,
                                    .on_worker_end = on_worker_end,
                                    .on_outside = on_outside,
                                    .user = serving};
    int status = server_new(&server, config, &serving->server);
    if (status < 0)
        return status;
    const struct app_config *in_force = serving->server->settings->config;
    status =
        control_open(&serving->loop, in_force->control_path, serving->server, &serving->control);
    if (status == 0 && in_force->metrics_listen.given)
        status =
            metrics_open(&in_force->metrics_listen.address, serving->server, &serving->metrics);
    return status;
}

static void say_ready(struct serving *serving)
{
    char text[ADDRESS_TEXT_MAX];
    if (serving->metrics != NULL) {
        struct address address = metrics_address(serving->metrics);
        log_info(&serving->log, LOG_APP, "metrics on http://%s/metrics",
                 address_text(&address, text));
    }
    if (serving->log.json)
        log_info(&serving->log, LOG_APP, "ready");
    else
        (void)!write(STDERR_FILENO, "ready\n", 6);
    process_notify("READY=1");
}

static int start(struct serving *serving)
{
    struct welcome welcome;
    int status = welcome_make_accounts(serving->server, &welcome);
    if (status < 0) {
        log_error(&serving->log, LOG_APP, "the first accounts cannot be made: %s",
                  error_text(status));
        return status;
    }
    status = server_start(serving->server);
    if (status < 0)
        return status;
    (void)uv_timer_start(&serving->addresses, on_addresses, ADDRESSES_CHECK_MS, ADDRESSES_CHECK_MS);
    welcome_print(serving->server, &welcome);
    say_ready(serving);
    return 0;
}

/* Also after a start that failed half way. */
static void finish(struct serving *serving, bool served)
{
    if (!served)
        close_all(serving);
    (void)uv_run(&serving->loop, UV_RUN_DEFAULT); /* handles that close */
    metrics_close(serving->metrics);
    server_free(serving->server);
    (void)uv_loop_close(&serving->loop);
}

int command_serve(const struct options *options)
{
    struct app_config *config;
    if (options->word_count > 0)
        return command_usage(options, "takes no words, only options; a configuration file: -c %s",
                             options->words[0]);
    int status = options_config(options, false, &config, NULL);
    if (status < 0)
        return status == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    struct serving *serving = memory_zalloc(1, sizeof *serving);
    if (serving == NULL) {
        config_free(config);
        return EXIT_FAILED;
    }
    init_log(serving, config);
    process_prepare(&serving->log);
    process_hold_signals(); /* other threads never take them */
    if (init_loop(serving) < 0) {
        log_error(&serving->log, LOG_APP, "the event loop cannot be made");
        config_free(config);
        memory_free(serving);
        return EXIT_FAILED;
    }
    status = open_all(serving, options, config);
    if (status == 0)
        status = start(serving);
    if (status == ERR_NO_MEMORY)
        log_error(&serving->log, LOG_APP, "out of memory at the start");
    process_release_signals();
    if (status == 0)
        (void)uv_run(&serving->loop, UV_RUN_DEFAULT);
    finish(serving, status == 0);
    if (status == 0)
        log_info(&serving->log, LOG_APP, "ended");
    memory_free(serving);
    return status == 0 ? EXIT_GOOD : EXIT_FAILED;
}
