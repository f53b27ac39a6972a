#include "unit/loop/stream_fixture.h"

#include <errno.h>
#include <sys/socket.h>

static long on_bytes(void *data, const struct flow *flow, struct slice buffered)
{
    struct user *user = data;
    if (user->refuse)
        return -1;
    size_t end = slice_index(buffered, '\n');
    if (end == buffered.len)
        return 0;
    struct slice line = slice_of(buffered.ptr, end);
    user->messages++;
    user->texts += end > 0;
    user->bytes += end + 1;
    user->flow = *flow;
    slice_to_string(line, user->last, sizeof(user->last));
    if (user->echo)
        (void)stream_send(user->loop, flow, slice_of(buffered.ptr, end + 1));
    if (user->close_on_message)
        stream_close(user->loop, flow, STREAM_CLOSED_BY_US);
    return (long)end + 1;
}

static void on_open(void *data, const struct flow *flow, bool accepted)
{
    struct user *user = data;
    user->opened++;
    user->accepted += accepted;
    user->flow = *flow;
    if (user->close_on_open)
        stream_close(user->loop, flow, STREAM_CLOSED_BY_US);
}

static void on_close(void *data, const struct flow *flow, enum stream_reason reason)
{
    struct user *user = data;
    user->closed++;
    user->flow = *flow;
    user->reason = reason;
}

void user_init(struct user *user, struct loop *loop)
{
    memset(user, 0, sizeof(*user));
    user->loop = loop;
    user->want = 1;
    user->options.transport = TRANSPORT_TCP;
    user->options.listener = 3;
    user->options.handler = (struct stream_handler){
        .on_bytes = on_bytes, .on_open = on_open, .on_close = on_close, .user = user};
}

void user_listen(struct user *user)
{
    struct address local = address_of("127.0.0.1:0");
    assert_int_equal(stream_listen(user->loop, &local, &user->options, &user->listener), 0);
    user->local = stream_listener_local(user->listener);
    assert_int_not_equal(address_port(&user->local), 0);
}

int user_accept_one(struct user *user)
{
    user_listen(user);
    int fd = peer_connect(&user->local);
    assert_true(run_until(user->loop, user_has_opened, user, WAIT_MS));
    return fd;
}

bool user_has_messages(void *data)
{
    struct user *user = data;
    return user->messages >= user->want;
}

bool user_has_opened(void *data)
{
    struct user *user = data;
    return user->opened >= user->want;
}

bool user_has_closed(void *data)
{
    struct user *user = data;
    return user->closed >= user->want;
}

size_t peer_read_all(struct loop *loop, int fd, char *buf, size_t size, int *ret_end)
{
    size_t length = 0;
    *ret_end = 1;
    for (int quiet = 0; quiet < 40;) {
        ssize_t n = recv(fd, buf + length, size - length, MSG_DONTWAIT);
        if (n > 0) {
            length += (size_t)n;
            quiet = 0;
            continue;
        }
        if (n == 0 || errno != EAGAIN) {
            *ret_end = n == 0 ? 0 : -errno;
            break;
        }
        quiet++;
        run_for(loop, 5);
    }
    return length;
}
