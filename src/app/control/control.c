#include "app/control/control.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/control/request.h"
#include "app/server/process.h"
#include "base/error.h"
#include "base/list.h"
#include "base/memory.h"

#define CLIENTS_MAX 64
#define BACKLOG     64
#define IDLE_MS     30000 /* without a whole request, or with an answer that is not read */

struct control {
    uv_pipe_t pipe;
    uv_loop_t *loop;       /* borrowed */
    struct server *server; /* borrowed */
    struct list clients;
    unsigned client_count;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

struct client {
    struct list link;
    struct control *control;
    uv_pipe_t pipe;
    uv_timer_t idle;
    unsigned closing; /* handles that are still open, and job */
    uv_write_t write;
    uv_work_t job;
    struct request_work *work; /* of job, which runs; nothing is read meanwhile */
    char *answer;              /* owned: being written; nothing is read meanwhile */
    size_t len;                /* bytes in line */
    char line[REQUEST_LINE_MAX];
};

/* ---- One client ---- */

static void let_go(struct client *client)
{
    if (--client->closing > 0)
        return;
    client->control->client_count--;
    free(client->answer);
    memory_free(client);
}

static void on_client_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

static void client_close(struct client *client)
{
    if (uv_is_closing((uv_handle_t *)&client->pipe))
        return;
    list_remove(&client->link);
    client->closing = client->work == NULL ? 2 : 3;
    if (client->work != NULL) /* what has begun goes on, and answers nobody */
        (void)uv_cancel((uv_req_t *)&client->job);
    uv_close((uv_handle_t *)&client->pipe, on_client_closed);
    uv_close((uv_handle_t *)&client->idle, on_client_closed);
}

static void on_idle(uv_timer_t *timer)
{
    client_close(timer->data);
}

static void client_serve(struct client *client);

static void on_written(uv_write_t *write, int status)
{
    struct client *client = write->data;
    free(client->answer);
    client->answer = NULL;
    if (uv_is_closing((uv_handle_t *)&client->pipe))
        return;
    if (status < 0)
        client_close(client);
    else
        client_serve(client);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct client *client = handle->data;
    (void)suggested;
    *buf = uv_buf_init(client->line + client->len, (unsigned)(sizeof client->line - client->len));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct client *client = stream->data;
    (void)buf;
    if (count < 0) { /* its end, or a line that is too long (no room: UV_ENOBUFS) */
        client_close(client);
        return;
    }
    client->len += (size_t)count;
    if (memchr(client->line, '\n', client->len) != NULL)
        client_serve(client);
}

static void client_write(struct client *client, size_t len)
{
    uv_buf_t buf = uv_buf_init(client->answer, (unsigned)len);
    client->write.data = client;
    if (uv_write(&client->write, (uv_stream_t *)&client->pipe, &buf, 1, on_written) < 0)
        client_close(client);
}

/* On a thread of libuv's pool. */
static void on_job(uv_work_t *job)
{
    struct client *client = job->data;
    request_run(client->work);
}

static void on_job_done(uv_work_t *job, int status)
{
    struct client *client = job->data;
    size_t len = 0;
    int answered = request_finish(client->work, &client->answer, &len);
    (void)status;
    client->work = NULL;
    if (uv_is_closing((uv_handle_t *)&client->pipe))
        let_go(client);
    else if (answered < 0)
        client_close(client);
    else
        client_write(client, len);
}

static void client_work(struct client *client, struct request_work *work)
{
    client->work = work;
    client->job.data = client;
    (void)uv_timer_stop(&client->idle);
    process_hold_signals(); /* the threads that libuv may make here take none */
    (void)uv_queue_work(client->control->loop, &client->job, on_job, on_job_done);
    process_release_signals();
}

/* Answers the first line that is there; the next one when that has been written. */
static void client_serve(struct client *client)
{
    char *end = memchr(client->line, '\n', client->len);
    (void)uv_timer_start(&client->idle, on_idle, IDLE_MS, 0);
    if (end == NULL) {
        if (uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read) < 0)
            client_close(client);
        return;
    }
    (void)uv_read_stop((uv_stream_t *)&client->pipe);
    size_t len = 0;
    struct request_work *work = NULL;
    struct slice line = slice_between(client->line, end);
    int status = request_answer(client->control->server, line, &client->answer, &len, &work);
    size_t used = line.len + 1;
    memmove(client->line, client->line + used, client->len - used);
    client->len -= used;
    if (status < 0)
        client_close(client);
    else if (work != NULL)
        client_work(client, work);
    else
        client_write(client, len);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct control *control = stream->data;
    if (status < 0)
        return;
    struct client *client = memory_zalloc(1, sizeof *client);
    if (client == NULL)
        return;
    client->control = control;
    client->pipe.data = client;
    client->idle.data = client;
    (void)uv_pipe_init(control->loop, &client->pipe, 0);
    (void)uv_timer_init(control->loop, &client->idle);
    list_append(&control->clients, &client->link);
    control->client_count++;
    if (uv_accept(stream, (uv_stream_t *)&client->pipe) < 0 || control->client_count > CLIENTS_MAX)
        client_close(client);
    else
        client_serve(client);
}

/* ---- The socket ---- */

/* Does a server answer there? */
static bool is_answered(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool answered = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    (void)close(fd);
    return answered;
}

static int make_parent(const char *path)
{
    char parent[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return 0;
    (void)slice_to_string(slice_between(path, slash), parent, sizeof parent);
    return process_make_directory(parent);
}

/* A bound socket, or a negative errno; -EEXIST when a server answers. Nobody can connect before
 * listen, so the mode is right from the first connection on. */
static int bind_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    (void)slice_to_string(slice_from_string(path), address.sun_path, sizeof address.sun_path);
    int status = make_parent(path);
    if (status < 0)
        return status;
    if (is_answered(&address))
        return -EEXIST;
    struct stat there;
    if (lstat(path, &there) == 0 && S_ISSOCK(there.st_mode))
        (void)unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 || chmod(path, 0600) < 0) {
        status = -errno;
        (void)close(fd);
        return status;
    }
    return fd;
}

static int complain(struct server *server, const char *path, int error)
{
    char reason[128];
    if (error == EEXIST) {
        log_error(server->log, LOG_CONTROL,
                  "a server answers on %s; end it, or choose another socket: --set "
                  "control.path=FILE",
                  path);
        return ERR_EXISTS;
    }
    log_error(server->log, LOG_CONTROL,
              "the control socket %s cannot be made: %s; choose another: --set control.path=FILE",
              path, strerror_r(error, reason, sizeof reason));
    return error == EACCES || error == EPERM || error == EROFS ? ERR_DENIED : ERR_IO;
}

static void on_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

int control_open(uv_loop_t *loop, const char *path, struct server *server,
                 struct control **ret_control)
{
    int fd = bind_socket(path);
    if (fd < 0)
        return complain(server, path, -fd);
    struct control *control = memory_zalloc(1, sizeof *control);
    if (control == NULL) {
        (void)close(fd);
        return ERR_NO_MEMORY;
    }
    control->loop = loop;
    control->server = server;
    control->pipe.data = control;
    list_init(&control->clients);
    (void)slice_to_string(slice_from_string(path), control->path, sizeof control->path);
    (void)uv_pipe_init(loop, &control->pipe, 0);
    int error = uv_pipe_open(&control->pipe, fd);
    if (error < 0)
        (void)close(fd);
    else
        error = uv_listen((uv_stream_t *)&control->pipe, BACKLOG, on_connection);
    if (error < 0) {
        control_close(control);
        return complain(server, path, -error);
    }
    *ret_control = control;
    return 0;
}

void control_close(struct control *control)
{
    if (control == NULL)
        return;
    (void)unlink(control->path);
    list_for_each_safe(link, &control->clients)
    {
        client_close(container_of(link, struct client, link));
    }
    uv_close((uv_handle_t *)&control->pipe, on_closed);
}
