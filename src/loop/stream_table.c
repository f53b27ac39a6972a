#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/stream_private.h"

#define SLOTS_FIRST 64u

/* ---- profiles ---- */

static void set_default(uint32_t *limit, uint32_t value)
{
    if (*limit == 0)
        *limit = value;
}

static struct stream_options with_defaults(const struct stream_options *options)
{
    struct stream_options o = *options;
    set_default(&o.limits.connections, 100000);
    set_default(&o.limits.per_source, 1000);
    set_default(&o.limits.buffer, 128u << 10);
    set_default(&o.limits.send_queue, 1u << 20);
    set_default(&o.limits.connect_ms, 5000);
    set_default(&o.limits.idle_ms, 900000);
    set_default(&o.limits.half_message_ms, 30000);
    set_default(&o.limits.send_stall_ms, 10000);
    set_default(&o.limits.handshake_ms, 10000);
    o.server = SLICE_NULL; /* of one connection, not of the profile */
    o.local = NULL;
    return o;
}

static bool layer_equal(const struct stream_layer *a, const struct stream_layer *b)
{
    return a->type == b->type && a->config == b->config;
}

static bool options_equal(const struct stream_options *a, const struct stream_options *b)
{
    const struct stream_handler *x = &a->handler, *y = &b->handler;
    return a->transport == b->transport && a->listener == b->listener && a->v6_only == b->v6_only &&
           x->user == y->user && x->on_bytes == y->on_bytes && x->on_open == y->on_open &&
           x->on_close == y->on_close && x->on_message == y->on_message &&
           x->on_drained == y->on_drained && layer_equal(&a->cipher, &b->cipher) &&
           layer_equal(&a->framing, &b->framing) &&
           memcmp(&a->limits, &b->limits, sizeof(a->limits)) == 0;
}

int stream_profile_get(struct streams *streams, const struct stream_options *options,
                       struct stream_profile **ret_profile)
{
    struct stream_options wanted = with_defaults(options);
    list_for_each(node, &streams->profiles)
    {
        struct stream_profile *profile = container_of(node, struct stream_profile, node);
        if (options_equal(&profile->options, &wanted)) {
            profile->users++;
            *ret_profile = profile;
            return 0;
        }
    }
    struct stream_profile *profile = memory_zalloc(1, sizeof(*profile));
    if (profile == NULL)
        return ERR_NO_MEMORY;
    profile->options = wanted;
    profile->users = 1;
    list_append(&streams->profiles, &profile->node);
    *ret_profile = profile;
    return 0;
}

void stream_profile_put(struct stream_profile *profile)
{
    if (--profile->users > 0)
        return;
    list_remove(&profile->node);
    memory_free(profile);
}

/* ---- slots ---- */

static int slots_grow(struct streams *streams)
{
    uint32_t count = streams->slot_count == 0 ? SLOTS_FIRST : streams->slot_count * 2;
    struct stream_slot *slots = memory_realloc(streams->slots, count * sizeof(*slots));
    if (slots == NULL)
        return ERR_NO_MEMORY;
    uint32_t first = streams->slot_count == 0 ? 1 : streams->slot_count;
    for (uint32_t i = first; i < count; i++)
        slots[i] = (struct stream_slot){NULL, 1, i + 1 < count ? i + 1 : 0};
    streams->slots = slots;
    streams->slot_count = count;
    streams->free_slot = first;
    return 0;
}

int stream_add(struct streams *streams, struct stream_profile *profile, int fd,
               struct stream **ret_stream)
{
    if (streams->used >= profile->options.limits.connections)
        return ERR_LIMIT;
    if (streams->free_slot == 0 && slots_grow(streams) != 0)
        return ERR_NO_MEMORY;
    struct stream *stream = pool_get(&streams->streams);
    if (stream == NULL)
        return ERR_NO_MEMORY;
    uint32_t index = streams->free_slot;
    struct stream_slot *slot = &streams->slots[index];
    streams->free_slot = slot->next_free;
    streams->used++;
    slot->stream = stream;
    memset(stream, 0, sizeof(*stream));
    stream->owner = streams;
    stream->profile = profile;
    profile->users++;
    stream->fd = fd;
    stream->flow.transport = profile->options.transport;
    stream->flow.worker = (uint8_t)streams->loop->config.worker;
    stream->flow.listener = profile->options.listener;
    stream->flow.connection = index;
    stream->flow.generation = slot->generation;
    stream->entered_ms = stream->active_ms = streams_now(streams);
    timer_init(&stream->timer, stream_on_timer);
    list_init(&stream->ready);
    list_init(&stream->dirty);
    list_init(&stream->ended);
    list_init(&stream->aliases);
    *ret_stream = stream;
    return 0;
}

void stream_destroy(struct stream *stream)
{
    struct streams *streams = stream->owner;
    struct stream_slot *slot = &streams->slots[stream->flow.connection];
    wheel_stop(&streams->loop->wheel, &stream->timer);
    list_remove(&stream->ready);
    list_remove(&stream->dirty);
    list_remove(&stream->ended);
    stream_names_remove(stream);
    stream_source_leave(stream);
    stream_layers_free(stream);
    stream_forget_input(stream);
    stream_forget_output(stream);
    stream_profile_put(stream->profile);
    if (stream->fd >= 0)
        (void)close(stream->fd); /* leaves the epoll set by that */
    slot->stream = NULL;
    slot->generation = slot->generation == STREAM_GENERATION_MAX ? 1 : slot->generation + 1;
    slot->next_free = streams->free_slot;
    streams->free_slot = stream->flow.connection;
    streams->used--;
    pool_put(&streams->streams, stream);
}

struct stream *stream_get(const struct streams *streams, uint32_t index, uint32_t generation)
{
    if (index == 0 || index >= streams->slot_count)
        return NULL;
    const struct stream_slot *slot = &streams->slots[index];
    return slot->generation == generation ? slot->stream : NULL;
}

struct stream *stream_of_flow(struct loop *loop, const struct flow *flow)
{
    if (flow->worker != loop->config.worker)
        return NULL;
    struct stream *stream = stream_get(loop->streams, flow->connection, flow->generation);
    return stream != NULL && stream->state <= STREAM_IS_OPEN ? stream : NULL;
}
