#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>

#include "app/metrics/metrics.h"
#include "base/error.h"
#include "base/memory.h"

#define CONNECTIONS_MAX 64
#define TIMEOUT_S       10

struct metrics {
    const struct server *server; /* borrowed */
    struct MHD_Daemon *daemon;   /* owned */
    struct address address;
};

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *type,
                               struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result respond_text(struct MHD_Connection *connection, unsigned status,
                                    const char *text)
{
    char copy[64];
    (void)slice_to_string(slice_from_string(text), copy, sizeof copy);
    return respond(connection, status, "text/plain; charset=utf-8",
                   MHD_create_response_from_buffer(strlen(copy), copy, MHD_RESPMEM_MUST_COPY));
}

static enum MHD_Result respond_metrics(const struct metrics *metrics,
                                       struct MHD_Connection *connection)
{
    char *text = malloc(METRICS_TEXT_MAX);
    if (text == NULL)
        return MHD_NO;
    struct writer w;
    writer_init(&w, text, METRICS_TEXT_MAX);
    if (metrics_write(metrics->server, &w) < 0) {
        free(text);
        return respond_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "too many figures\n");
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(writer_length(&w), text, free);
    if (response == NULL)
        free(text);
    return respond(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", response);
}

/* NOLINTNEXTLINE(readability-function-size): the library's signature */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    const struct metrics *metrics = user;
    (void)version, (void)upload, (void)state;
    if (*upload_size > 0) {
        *upload_size = 0; /* what is sent with a request is not looked at */
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return respond_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    if (strcmp(url, "/metrics") == 0)
        return respond_metrics(metrics, connection);
    if (strcmp(url, "/healthz") != 0)
        return respond_text(connection, MHD_HTTP_NOT_FOUND, "there are /metrics and /healthz\n");
    if (atomic_load(&metrics->server->draining))
        return respond_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "draining\n");
    return respond_text(connection, MHD_HTTP_OK, "ok\n");
}

static int complain(const struct metrics *metrics, int error)
{
    char text[ADDRESS_TEXT_MAX];
    char reason[128];
    log_error(metrics->server->log, LOG_APP,
              "metrics.listen: cannot listen on %s: %s; choose another: --set "
              "metrics.listen=ADDRESS:PORT",
              address_text(&metrics->address, text), strerror_r(error, reason, sizeof reason));
    return error == EADDRINUSE ? ERR_EXISTS : error == EACCES ? ERR_DENIED : ERR_IO;
}

int metrics_open(const struct address *address, const struct server *server,
                 struct metrics **ret_metrics)
{
    struct metrics *metrics = memory_zalloc(1, sizeof *metrics);
    if (metrics == NULL)
        return ERR_NO_MEMORY;
    metrics->server = server;
    metrics->address = *address;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    if (address_is_v6(address))
        flags |= MHD_USE_IPv6;
    errno = 0;
    metrics->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, on_request, metrics, MHD_OPTION_SOCK_ADDR,
                         &metrics->address.sa, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                         MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_END);
    if (metrics->daemon == NULL) {
        int status = complain(metrics, errno != 0 ? errno : EIO);
        memory_free(metrics);
        return status;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(metrics->daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info != NULL)
        address_set_port(&metrics->address, info->port);
    *ret_metrics = metrics;
    return 0;
}

void metrics_close(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    MHD_stop_daemon(metrics->daemon);
    memory_free(metrics);
}

struct address metrics_address(const struct metrics *metrics)
{
    return metrics->address;
}
