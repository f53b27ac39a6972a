/* All connections of a loop are in one epoll set, edge-triggered and never changed again; libuv
 * watches the set as one descriptor. So a connection costs one system call to watch, and no memory
 * of libuv. */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/mesh.h"
#include "loop/stream_private.h"

#define EVENTS_PER_TURN 512

static void streams_on_poll(uv_poll_t *poll, int status, int events)
{
    struct streams *streams = poll->data;
    (void)status;
    (void)events;
    streams->events = true;
}

int stream_poll_add(struct streams *streams, int fd, uint32_t events, uint64_t id)
{
    struct epoll_event event = {.events = events, .data.u64 = id};
    return epoll_ctl(streams->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : ERR_IO;
}

int stream_poll_stream(struct stream *stream)
{
    uint64_t id = (uint64_t)stream->flow.generation << 32 | stream->flow.connection;
    return stream_poll_add(stream->owner, stream->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                           id);
}

struct stream_listener *stream_listener_get(struct streams *streams, uint32_t id)
{
    list_for_each(node, &streams->listeners)
    {
        struct stream_listener *listener = container_of(node, struct stream_listener, node);
        if (listener->id == id)
            return listener;
    }
    return NULL;
}

static void handle_event(struct streams *streams, const struct epoll_event *event)
{
    uint32_t low = (uint32_t)event->data.u64;
    if ((event->data.u64 & STREAM_EVENT_LISTENER) != 0) {
        struct stream_listener *listener = stream_listener_get(streams, low);
        if (listener != NULL)
            stream_accept(listener);
        return;
    }
    struct stream *stream = stream_get(streams, low, (uint32_t)(event->data.u64 >> 32));
    if (stream == NULL || stream->state == STREAM_ENDED)
        return;
    if ((event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        stream->hung_up = true;
    if (stream->connecting)
        stream_on_connect_event(stream);
    if ((event->events & EPOLLOUT) != 0 && stream->blocked) {
        stream->blocked = false;
        stream_mark_dirty(stream);
    }
    if ((event->events & ~(uint32_t)EPOLLOUT) != 0)
        stream_read(stream);
}

/* Those that read are put at the end of the same list again when there is more. */
static void read_the_rest(struct list *waiting)
{
    struct list rest;
    list_init(&rest);
    while (!list_empty(waiting)) {
        struct list *node = waiting->next;
        list_remove(node);
        list_append(&rest, node);
    }
    while (!list_empty(&rest)) {
        struct stream *stream = container_of(rest.next, struct stream, ready);
        list_remove(&stream->ready);
        stream_read(stream);
    }
}

void streams_receive(struct streams *streams)
{
    streams->opening_us = 0;
    read_the_rest(&streams->opening);
    read_the_rest(&streams->ready);
    if (streams->events) {
        struct epoll_event events[EVENTS_PER_TURN];
        int n = epoll_wait(streams->epoll_fd, events, EVENTS_PER_TURN, 0);
        streams->events = false;
        for (int i = 0; i < n; i++)
            handle_event(streams, &events[i]);
    }
    streams_reap(streams);
}

void streams_flush(struct streams *streams)
{
    while (!list_empty(&streams->dirty)) {
        struct stream *stream = container_of(streams->dirty.next, struct stream, dirty);
        list_remove(&stream->dirty);
        stream_write(stream);
    }
}

bool streams_pending(const struct streams *streams)
{
    return !list_empty(&streams->ready) || !list_empty(&streams->opening) ||
           !list_empty(&streams->dirty) || !list_empty(&streams->ended);
}

/* ---- making and freeing ---- */

static void tell_late(struct streams *streams, unsigned from, const struct stream_mail *mail)
{
    struct flow flow = {.transport = (uint8_t)mail->transport,
                        .worker = (uint8_t)streams->loop->config.worker,
                        .connection = mail->connection,
                        .generation = mail->generation};
    streams->counts[STREAM_SEND_LATE]++;
    if (streams->on_late != NULL)
        streams->on_late(streams->late_user, from, &flow);
}

static void on_send_mail(void *user, unsigned from, struct slice data)
{
    struct streams *streams = user;
    struct stream_mail mail;
    if (data.len < sizeof(mail))
        return;
    memcpy(&mail, data.ptr, sizeof(mail));
    struct stream *stream = stream_get(streams, mail.connection, mail.generation);
    if (stream == NULL || stream->state > STREAM_IS_OPEN)
        tell_late(streams, from, &mail);
    else if (stream->layers != NULL)
        (void)stream_layers_send(stream, slice_from(data, sizeof(mail)));
    else
        (void)stream_queue(stream, slice_from(data, sizeof(mail)));
}

static int streams_init(struct streams *streams)
{
    streams->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (streams->epoll_fd < 0)
        return ERR_IO;
    streams->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    streams->receive = memory_alloc(STREAM_RECEIVE_BYTES);
    if (streams->receive == NULL || table_init(&streams->names, 64) != 0 ||
        table_init(&streams->sources, 64) != 0)
        return ERR_NO_MEMORY;
    if (uv_poll_init(&streams->loop->uv, &streams->poll, streams->epoll_fd) != 0)
        return ERR_IO;
    streams->poll.data = streams;
    return uv_poll_start(&streams->poll, UV_READABLE, streams_on_poll) == 0 ? 0 : ERR_IO;
}

int streams_new(struct loop *loop, struct streams **ret_streams)
{
    struct streams *streams = memory_zalloc(1, sizeof(*streams));
    if (streams == NULL)
        return ERR_NO_MEMORY;
    streams->loop = loop;
    streams->seed = random_u64(&loop->random);
    streams->reserve_fd = -1;
    list_init(&streams->listeners);
    list_init(&streams->profiles);
    list_init(&streams->ready);
    list_init(&streams->opening);
    list_init(&streams->dirty);
    list_init(&streams->ended);
    pool_init(&streams->streams, sizeof(struct stream), 0);
    pool_init(&streams->aliases, sizeof(struct stream_name), 0);
    pool_init(&streams->source_pool, sizeof(struct stream_source), 0);
    blocks_init(&streams->in_blocks, STREAM_WAITING_BYTES);
    blocks_init(&streams->out_blocks, STREAM_QUEUED_BYTES);
    *ret_streams = streams;
    mesh_on_mail(loop, MAIL_STREAM_SEND, on_send_mail, streams);
    return streams_init(streams);
}

/* The layers' goodbyes go out as far as the sockets take them at once; nobody is told. */
void streams_close(struct streams *streams)
{
    if (streams == NULL)
        return;
    stream_listeners_close(streams);
    for (uint32_t i = 1; i < streams->slot_count; i++) {
        struct stream *stream = streams->slots[i].stream;
        if (stream != NULL && stream->layers != NULL && stream->state == STREAM_IS_OPEN)
            stream_finish(stream, STREAM_CLOSED_BY_US);
    }
    streams_flush(streams);
    for (uint32_t i = 1; i < streams->slot_count; i++) {
        if (streams->slots[i].stream != NULL)
            stream_destroy(streams->slots[i].stream);
    }
}

void streams_free(struct streams *streams)
{
    if (streams == NULL)
        return;
    if (streams->epoll_fd >= 0)
        (void)close(streams->epoll_fd);
    if (streams->reserve_fd >= 0)
        (void)close(streams->reserve_fd);
    table_done(&streams->names);
    table_done(&streams->sources);
    pool_done(&streams->streams);
    pool_done(&streams->aliases);
    pool_done(&streams->source_pool);
    blocks_done(&streams->in_blocks);
    blocks_done(&streams->out_blocks);
    memory_free(streams->receive);
    memory_free(streams->cipher_scratch);
    memory_free(streams->framing_scratch);
    memory_free(streams->slots);
    memory_free(streams);
}
