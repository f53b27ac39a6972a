#include "loop/stream.h"

#include <assert.h>

#include "base/error.h"
#include "loop/stream_private.h"

static int send_elsewhere(struct loop *loop, const struct flow *flow, struct slice data)
{
    struct mesh *mesh = loop->config.mesh;
    if (mesh == NULL || flow->worker >= mesh_workers(mesh))
        return ERR_CLOSED;
    struct stream_mail mail = {flow->connection, flow->generation, flow->transport};
    struct slice parts[2] = {slice_of((const char *)&mail, sizeof(mail)), data};
    return mesh_post(mesh, loop->config.worker, flow->worker, MAIL_STREAM_SEND, parts, 2);
}

int stream_send(struct loop *loop, const struct flow *flow, struct slice data)
{
    if (flow->worker != loop->config.worker)
        return send_elsewhere(loop, flow, data);
    struct stream *stream = stream_of_flow(loop, flow);
    if (stream == NULL) {
        loop->streams->counts[STREAM_SEND_LATE]++;
        return ERR_CLOSED;
    }
    return stream->layers != NULL ? stream_layers_send(stream, data) : stream_queue(stream, data);
}

static bool is_error(enum stream_reason reason)
{
    return reason == STREAM_CONNECT_FAILED || reason == STREAM_IO_ERROR ||
           reason == STREAM_SEND_STALLED || reason == STREAM_HANDSHAKE_TIMEOUT;
}

void stream_close(struct loop *loop, const struct flow *flow, enum stream_reason reason)
{
    struct stream *stream = stream_of_flow(loop, flow);
    if (stream == NULL)
        return;
    if (is_error(reason))
        stream_fail(stream, reason);
    else
        stream_finish(stream, reason);
}

void stream_on_late(struct loop *loop,
                    void (*on_late)(void *user, unsigned from, const struct flow *flow), void *user)
{
    loop->streams->on_late = on_late;
    loop->streams->late_user = user;
}

bool stream_alive(struct loop *loop, const struct flow *flow)
{
    return flow->worker != loop->config.worker || stream_of_flow(loop, flow) != NULL;
}

uint64_t stream_count(struct loop *loop, unsigned which)
{
    assert(which < STREAM_COUNTS);
    return loop->streams->counts[which];
}

void stream_drain(struct loop *loop)
{
    struct streams *streams = loop->streams;
    stream_listeners_close(streams);
    for (uint32_t i = 1; i < streams->slot_count; i++) {
        if (streams->slots[i].stream != NULL)
            stream_finish(streams->slots[i].stream, STREAM_CLOSED_BY_US);
    }
}
