#include "app/server/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/list.h"
#include "base/memory.h"
#include "stack/prober.h"

#define SWEEP_MS       50
#define SWEEP_TURNS    1200 /* in so many steps the whole table is looked at: a minute */
#define SWEEP_LEAST    64   /* addresses per step */
#define DRAIN_CHECK_MS 20
#define ASK_CHECK_US   100

enum { MAIL_RELOAD, MAIL_DRAIN, MAIL_RELAYS };

/* What MAIL_CONTROL carries. */
struct worker_mail {
    int what;
    const struct settings *settings;
    struct question *question;
};

/* Whoever of asker and worker is the last to let go of it frees it. */
struct question {
    _Atomic unsigned holders;
    _Atomic bool answered;
    uint64_t after;
    unsigned max, count;
    struct turn_relay_info infos[];
};

struct worker {
    const struct worker_shared *shared; /* borrowed */
    unsigned index;
    struct loop *loop; /* owned, as all below */
    struct endpoint *endpoint;
    struct authenticator *authenticator;
    struct registrar *registrar;
    struct proxy *proxy;
    struct keepalive *keepalive;
    struct dispatch *dispatch;
    struct stun_server *stun;
    struct turn_credentials *turn_credentials;
    struct turn *turn; /* NULL: nothing is relayed */
    struct stun_server_turn turn_hook;
    struct prober *prober;                     /* worker 0 only */
    _Atomic(const struct settings *) settings; /* borrowed: in use by this worker */
    struct timer sweep;                        /* worker 0 only */
    struct timer drain;
    _Atomic bool drained; /* nothing is under way */
    pthread_t thread;
    bool started;
};

/* ---- Timers ---- */

/* The whole table once a minute, a little at a time: an expired binding is not found any more, only
 * its memory waits. */
static void on_sweep(struct timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, sweep);
    struct location_stats stats;
    location_stats(worker->shared->location, &stats);
    (void)location_sweep(worker->shared->location, loop_wall_ms(worker->loop),
                         SWEEP_LEAST + (unsigned)(stats.aors / SWEEP_TURNS));
    wheel_start(loop_wheel(worker->loop), timer, SWEEP_MS);
}

/* The thread goes on, though nothing is under way here: the system still hands it what is meant for
 * others. */
static void on_drain(struct timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, drain);
    if (worker->prober != NULL)
        prober_stop(worker->prober);
    atomic_store(&worker->drained, endpoint_drain(worker->endpoint));
    wheel_start(loop_wheel(worker->loop), timer, DRAIN_CHECK_MS);
}

/* ---- Mails ---- */

static void reload(struct worker *worker, const struct settings *settings)
{
    const struct app_config *config = settings->config;
    if (dns_configure(worker->loop, &config->dns) < 0)
        log_error(worker->shared->log, LOG_DNS, "worker %u keeps the old DNS settings: no memory",
                  worker->index);
    endpoint_reload(worker->endpoint, &config->endpoint);
    endpoint_set_outside(worker->endpoint, &settings->outside);
    authenticator_reload(worker->authenticator, &config->authenticator, settings->domains);
    registrar_reload(worker->registrar, &config->registrar, settings->domains);
    proxy_reload(worker->proxy, &config->proxy, settings->domains);
    dispatch_reload(worker->dispatch, settings->domains);
    stun_server_reload(worker->stun, &config->stun);
    if (turn_credentials_reload(worker->turn_credentials, &config->turn_credential) < 0)
        log_error(worker->shared->log, LOG_AUTH, "worker %u keeps the old TURN users: no memory",
                  worker->index);
    if (worker->turn != NULL)
        turn_reload(worker->turn, &config->turn, &settings->outside);
    keepalive_reload(worker->keepalive, &config->keepalive);
    atomic_store(&worker->settings, settings);
}

static void let_go(struct question *question)
{
    if (atomic_fetch_sub(&question->holders, 1) == 1)
        memory_free(question);
}

static void answer(const struct worker *worker, struct question *question)
{
    if (worker->turn != NULL)
        question->count = turn_list(worker->turn, question->after, question->infos, question->max);
    atomic_store(&question->answered, true);
    let_go(question);
}

static void on_control(void *user, unsigned from, struct slice data)
{
    struct worker *worker = user;
    struct worker_mail mail;
    (void)from;
    memcpy(&mail, data.ptr, sizeof mail);
    if (mail.what == MAIL_RELOAD)
        reload(worker, mail.settings);
    else if (mail.what == MAIL_RELAYS)
        answer(worker, mail.question);
    else
        on_drain(&worker->drain);
}

static void on_commits(void *user, unsigned from, struct slice data)
{
    struct worker *worker = user;
    struct commit commits[COMMITS_KEPT];
    (void)from;
    (void)data;
    unsigned count = commits_take(worker->shared->commits, worker->index, commits);
    for (unsigned i = 0; i < count; i++)
        registrar_on_commit(worker->registrar, commits[i].ticket, commits[i].status);
}

static int post(struct worker *worker, const struct worker_mail *mail)
{
    const struct worker_shared *shared = worker->shared;
    struct slice part = slice_of((const char *)mail, sizeof *mail);
    int status = mesh_post(shared->mesh, shared->sender, worker->index, MAIL_CONTROL, &part, 1);
    if (status == 0)
        mesh_flush(shared->mesh, shared->sender);
    return status;
}

int worker_reload(struct worker *worker, const struct settings *settings)
{
    return post(worker, &(struct worker_mail){.what = MAIL_RELOAD, .settings = settings});
}

int worker_drain(struct worker *worker)
{
    return post(worker, &(struct worker_mail){.what = MAIL_DRAIN});
}

int worker_relays(struct worker *worker, uint64_t after, struct turn_relay_info *ret_infos,
                  unsigned max, unsigned *ret_count)
{
    struct question *question =
        memory_zalloc(1, sizeof *question + max * sizeof question->infos[0]);
    if (question == NULL)
        return ERR_NO_MEMORY;
    question->holders = 2;
    question->after = after;
    question->max = max;
    int status = post(worker, &(struct worker_mail){.what = MAIL_RELAYS, .question = question});
    if (status < 0) {
        memory_free(question);
        return status;
    }
    for (unsigned waited_us = 0;
         waited_us < WORKER_ASK_MS * 1000 && !atomic_load(&question->answered);
         waited_us += ASK_CHECK_US)
        (void)usleep(ASK_CHECK_US);
    status = atomic_load(&question->answered) ? 0 : ERR_TIMEOUT;
    if (status == 0) {
        memcpy(ret_infos, question->infos, question->count * sizeof *ret_infos);
        *ret_count = question->count;
    }
    let_go(question);
    return status;
}

void worker_stop(struct worker *worker)
{
    loop_stop(worker->loop);
}

/* ---- Making and freeing ---- */

int worker_new(const struct worker_shared *shared, unsigned index,
               const struct endpoint_config *config, unsigned *ret_failed,
               struct worker **ret_worker)
{
    struct worker *worker = memory_zalloc(1, sizeof *worker);
    if (worker == NULL)
        return ERR_NO_MEMORY;
    worker->shared = shared;
    worker->index = index;
    struct loop_config loop = {.worker = index, .mesh = shared->mesh, .log = shared->log};
    int status = loop_new(&loop, &worker->loop);
    if (status == 0)
        status = endpoint_new(worker->loop, config, shared->count, shared->mesh, ret_failed,
                              &worker->endpoint);
    if (status < 0) {
        worker_free(worker);
        return status;
    }
    timer_init(&worker->sweep, on_sweep);
    timer_init(&worker->drain, on_drain);
    *ret_worker = worker;
    return 0;
}

int worker_open_stun(struct worker *worker, const struct stun_server_config *config,
                     struct address *ret_failed)
{
    int status = stun_server_new(worker->loop, config, ret_failed, &worker->stun);
    if (status == 0)
        stun_server_set_mesh(worker->stun, worker->shared->mesh);
    return status;
}

static int equip_services(struct worker *worker, const struct settings *settings)
{
    const struct worker_shared *shared = worker->shared;
    const struct app_config *config = settings->config;
    struct authenticator_parts authenticator = {.endpoint = worker->endpoint,
                                                .accounts = shared->accounts,
                                                .domains = settings->domains,
                                                .replay = shared->replay};
    memcpy(authenticator.nonce_key, shared->nonce_key, sizeof authenticator.nonce_key);
    int status = authenticator_new(&config->authenticator, &authenticator, &worker->authenticator);
    if (status < 0)
        return status;
    struct registrar_parts registrar = {.endpoint = worker->endpoint,
                                        .authenticator = worker->authenticator,
                                        .location = shared->location,
                                        .domains = settings->domains,
                                        .gruu_key = shared->gruu_key};
    status = registrar_new(&config->registrar, &registrar, &worker->registrar);
    if (status < 0)
        return status;
    struct proxy_parts proxy = {.endpoint = worker->endpoint,
                                .authenticator = worker->authenticator,
                                .location = shared->location,
                                .accounts = shared->accounts,
                                .domains = settings->domains,
                                .health = shared->health,
                                .token_key = shared->token_key,
                                .gruu_key = shared->gruu_key,
                                .run = shared->run};
    return proxy_new(&config->proxy, &proxy, &worker->proxy);
}

/* ---- TURN ---- */

static int send_turn(void *user, const struct flow *flow, struct slice data)
{
    return stun_server_send(user, flow, data);
}

static void on_turn_message(void *user, const struct flow *flow, struct slice data)
{
    turn_on_message(user, flow, data);
}

static void on_turn_ahead(void *user, const struct address *remote, unsigned ahead)
{
    turn_on_ahead(user, remote, ahead);
}

static void on_turn_close(void *user, const struct flow *flow)
{
    turn_on_close(user, flow);
}

static int equip_turn(struct worker *worker, const struct settings *settings)
{
    const struct worker_shared *shared = worker->shared;
    int status = turn_credentials_new(&settings->config->turn_credential, &shared->turn_secret,
                                      shared->accounts, shared->log, &worker->turn_credentials);
    if (status < 0 || shared->turn_ports == NULL)
        return status;
    struct turn_parts parts = {.outside = &settings->outside,
                               .loop = worker->loop,
                               .ports = shared->turn_ports,
                               .credentials = worker->turn_credentials,
                               .quota = shared->turn_quota,
                               .mesh = shared->mesh,
                               .send = send_turn,
                               .send_user = worker->stun};
    status = turn_new(&settings->config->turn, &parts, &worker->turn);
    if (status < 0)
        return status;
    worker->turn_hook = (struct stun_server_turn){.on_message = on_turn_message,
                                                  .on_ahead = on_turn_ahead,
                                                  .on_close = on_turn_close,
                                                  .user = worker->turn};
    stun_server_set_turn(worker->stun, &worker->turn_hook);
    return 0;
}

int worker_equip(struct worker *worker, const struct settings *settings)
{
    int status = dns_configure(worker->loop, &settings->config->dns);
    if (status == 0)
        status = equip_services(worker, settings);
    if (status == 0)
        status = equip_turn(worker, settings);
    if (status == 0 && worker->index == 0)
        status = prober_new(worker->endpoint, worker->shared->health, &worker->prober);
    if (status < 0)
        return status;
    struct keepalive_parts keepalive = {.endpoint = worker->endpoint,
                                        .location = worker->shared->location,
                                        .workers = worker->shared->count};
    status = keepalive_new(&settings->config->keepalive, &keepalive, &worker->keepalive);
    if (status < 0)
        return status;
    struct dispatch_parts dispatch = {.endpoint = worker->endpoint,
                                      .registrar = worker->registrar,
                                      .proxy = worker->proxy,
                                      .location = worker->shared->location,
                                      .domains = settings->domains,
                                      .keepalive = worker->keepalive};
    status = dispatch_new(&dispatch, &worker->dispatch);
    if (status < 0)
        return status;
    endpoint_reload(worker->endpoint, &settings->config->endpoint);
    endpoint_set_outside(worker->endpoint, &settings->outside);
    stun_server_reload(worker->stun, &settings->config->stun);
    atomic_store(&worker->settings, settings);
    mesh_on_mail(worker->loop, MAIL_CONTROL, on_control, worker);
    mesh_on_mail(worker->loop, MAIL_STORE, on_commits, worker);
    return 0;
}

static void *run(void *user)
{
    struct worker *worker = user;
    if (worker->index == 0) {
        wheel_start(loop_wheel(worker->loop), &worker->sweep, SWEEP_MS);
        prober_start(worker->prober);
    }
    (void)loop_run(worker->loop);
    worker->shared->on_end(worker->shared->user);
    return NULL;
}

int worker_start(struct worker *worker)
{
    char name[16];
    if (pthread_create(&worker->thread, NULL, run, worker) != 0)
        return ERR_NO_MEMORY;
    worker->started = true;
    (void)snprintf(name, sizeof name, "worker-%u", worker->index);
    (void)pthread_setname_np(worker->thread, name);
    return 0;
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->started)
        (void)pthread_join(worker->thread, NULL);
    turn_free(worker->turn);
    stun_server_free(worker->stun);
    turn_credentials_free(worker->turn_credentials);
    prober_free(worker->prober);
    dispatch_free(worker->dispatch);
    keepalive_free(worker->keepalive);
    proxy_free(worker->proxy);
    registrar_free(worker->registrar);
    authenticator_free(worker->authenticator);
    endpoint_free(worker->endpoint);
    loop_free(worker->loop);
    memory_free(worker);
}

/* ---- What others ask ---- */

const struct settings *worker_settings(const struct worker *worker)
{
    return atomic_load(&worker->settings);
}

bool worker_drained(const struct worker *worker)
{
    return atomic_load(&worker->drained);
}

unsigned worker_busy_permille(const struct worker *worker)
{
    return loop_busy_permille(worker->loop);
}

struct address worker_listener_address(const struct worker *worker, unsigned listener)
{
    return endpoint_listener_address(worker->endpoint, listener);
}

struct address worker_stun_address(const struct worker *worker, unsigned listener)
{
    return stun_server_address(worker->stun, listener);
}

struct worker_metric_table worker_metric_table(enum worker_metrics which)
{
    static const struct worker_metric_table tables[WORKER_METRIC_TABLES] = {
        [WORKER_METRICS_ENDPOINT] = {endpoint_metric_infos, ENDPOINT_METRICS},
        [WORKER_METRICS_AUTHENTICATOR] = {authenticator_metric_infos, AUTHENTICATOR_METRICS},
        [WORKER_METRICS_REGISTRAR] = {registrar_metric_infos, REGISTRAR_METRICS},
        [WORKER_METRICS_PROXY] = {proxy_metric_infos, PROXY_METRICS},
        [WORKER_METRICS_DNS] = {dns_metric_infos, DNS_METRICS},
        [WORKER_METRICS_STUN] = {stun_server_metric_infos, STUN_SERVER_METRICS},
        [WORKER_METRICS_TURN] = {turn_metric_infos, TURN_METRICS},
        [WORKER_METRICS_TURN_CREDENTIAL] = {turn_credential_metric_infos, TURN_CREDENTIAL_METRICS},
        [WORKER_METRICS_KEEPALIVE] = {keepalive_metric_infos, KEEPALIVE_METRICS},
    };
    return tables[which];
}

const metric *worker_metric_set(const struct worker *worker, enum worker_metrics which)
{
    static const metric none[TURN_METRICS];
    switch (which) {
    case WORKER_METRICS_ENDPOINT: return endpoint_metrics(worker->endpoint);
    case WORKER_METRICS_AUTHENTICATOR: return authenticator_metrics(worker->authenticator);
    case WORKER_METRICS_REGISTRAR: return registrar_metrics(worker->registrar);
    case WORKER_METRICS_DNS: return dns_metrics(worker->loop);
    case WORKER_METRICS_STUN: return stun_server_metrics(worker->stun);
    case WORKER_METRICS_TURN: return worker->turn != NULL ? turn_metrics(worker->turn) : none;
    case WORKER_METRICS_TURN_CREDENTIAL: return turn_credential_metrics(worker->turn_credentials);
    case WORKER_METRICS_KEEPALIVE: return keepalive_metrics(worker->keepalive);
    default: return proxy_metrics(worker->proxy);
    }
}
