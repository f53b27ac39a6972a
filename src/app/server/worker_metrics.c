#include "app/server/worker_private.h"

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
