#include "app/control/client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/slice.h"

#define WAIT_S     60
#define FIRST_ROOM 65536

struct control_client {
    int fd;
    size_t room, len;
    char *buf; /* owned: the answer as far as it has come */
};

static int connect_error(int error)
{
    switch (error) {
    case ENOENT:
    case ECONNREFUSED:
    case ENOTDIR: return ERR_NOT_FOUND;
    case EACCES:
    case EPERM: return ERR_DENIED;
    default: return ERR_IO;
    }
}

int control_client_open(const char *path, struct control_client **ret_client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval wait = {.tv_sec = WAIT_S};
    if (strlen(path) >= sizeof address.sun_path)
        return ERR_NOT_FOUND;
    (void)slice_to_string(slice_from_string(path), address.sun_path, sizeof address.sun_path);
    struct control_client *client = memory_zalloc(1, sizeof *client);
    if (client == NULL)
        return ERR_NO_MEMORY;
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int status = client->fd < 0 ? ERR_IO : 0;
    if (status == 0 && connect(client->fd, (const struct sockaddr *)&address, sizeof address) < 0)
        status = connect_error(errno);
    if (status < 0) {
        control_client_close(client);
        return status;
    }
    (void)setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void)setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    *ret_client = client;
    return 0;
}

void control_client_close(struct control_client *client)
{
    if (client == NULL)
        return;
    if (client->fd >= 0)
        (void)close(client->fd);
    memory_free(client->buf);
    memory_free(client);
}

static int send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? ERR_TIMEOUT : ERR_CLOSED;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int make_room(struct control_client *client)
{
    if (client->len < client->room)
        return 0;
    if (client->room >= CLIENT_ANSWER_MAX)
        return ERR_LIMIT;
    size_t room = client->room < FIRST_ROOM ? FIRST_ROOM : client->room * 2;
    char *larger = memory_realloc(client->buf, room);
    if (larger == NULL)
        return ERR_NO_MEMORY;
    client->buf = larger;
    client->room = room;
    return 0;
}

/* Until its line feed. */
static int receive_line(struct control_client *client)
{
    client->len = 0;
    while (client->len == 0 || client->buf[client->len - 1] != '\n') {
        int status = make_room(client);
        if (status < 0)
            return status;
        ssize_t n = recv(client->fd, client->buf + client->len, client->room - client->len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? ERR_TIMEOUT : ERR_CLOSED;
        client->len += (size_t)n;
    }
    return 0;
}

int control_client_ask(struct control_client *client, const json_t *request, json_t **ret_answer)
{
    char *text = json_dumps(request, JSON_COMPACT);
    if (text == NULL)
        return ERR_NO_MEMORY;
    size_t len = strlen(text);
    text[len] = '\n'; /* in the place of its NUL */
    int status = send_all(client->fd, text, len + 1);
    free(text);
    if (status == 0)
        status = receive_line(client);
    if (status < 0)
        return status;
    json_t *answer = json_loadb(client->buf, client->len, 0, NULL);
    if (answer == NULL)
        return ERR_SYNTAX;
    *ret_answer = answer;
    return 0;
}
