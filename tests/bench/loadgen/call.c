/* Modes call, flood and hold: starts calls and hands each message to the side it is for. */
#include "call.h"

#include <arpa/inet.h>

#include "clock.h"

enum { ENDING_MAX = 64 };

uint32_t call_slot(const struct calls *calls, const struct call *call)
{
    return (uint32_t)(call - calls->call);
}

static void calls_open_with(struct engine *engine, uint32_t capacity)
{
    struct calls *calls = calloc(1, sizeof *calls);
    if (calls)
        calls->call = calloc(capacity, sizeof *calls->call);
    if (!calls || !calls->call)
        die("out of memory");
    calls->capacity = capacity;
    slots_init(&calls->slots, capacity);
    engine->state = calls;
}

static void calls_open(struct engine *engine)
{
    calls_open_with(engine, engine->options->window);
}

static void hold_open(struct engine *engine)
{
    if (!engine->options->count || engine->options->count > 10000000)
        die("hold needs --count, at most 10000000");
    calls_open_with(engine, (uint32_t)engine->options->count);
}

static void calls_close(struct engine *engine)
{
    struct calls *calls = engine->state;
    slots_done(&calls->slots);
    free(calls->call);
    free(calls);
}

static void call_start(struct engine *engine)
{
    struct calls *calls = engine->state;
    const struct options *o = engine->options;
    struct call *call = &calls->call[slots_take(&calls->slots)];
    uint32_t callee = (uint32_t)((unsigned __int128)calls->started * o->stride % o->callees);
    call->generation++;
    call->callee = o->first + callee * (o->users / o->callees);
    call->caller = o->first + (call->callee - o->first + o->users / 2 + 1) % o->users;
    call->callee_state = CALLEE_IDLE;
    call->acked = false;
    call->begun = engine->now;
    calls->started++;
    caller_start(engine, call);
}

void call_over(struct engine *engine, struct call *call, unsigned status)
{
    struct calls *calls = engine->state;
    if (status == 200 && !call->acked)
        engine->stats.ack_lost++;
    timer_stop(&call->caller_timer);
    timer_stop(&call->callee_timer);
    call->caller_state = CALLER_FREE;
    if (engine->mode == &mode_hold && calls->ending)
        calls->ending--;
    slots_give(&calls->slots, call_slot(calls, call));
    if (status == 200)
        engine_done(engine);
    else
        engine_failed(engine, status);
}

void call_write_id(struct text *text, const struct engine *engine, const struct call *call)
{
    text_add(text, "Call-ID: ");
    text_hex(text, call_slot(engine->state, call));
    text_hex(text, call->generation);
    text_add(text, "-");
    text_hex(text, engine->salt);
    text_add(text, "@127.0.0.1\r\n");
}

struct call *call_of_message(const struct engine *engine, const struct message *message)
{
    const struct calls *calls = engine->state;
    struct span id = message->first[HEADER_CALL_ID];
    uint32_t slot, generation, salt;
    if (id.len != 35 || !hex_read(id.ptr, &slot) || !hex_read(id.ptr + 8, &generation) ||
        !hex_read(id.ptr + 17, &salt) || salt != engine->salt || slot >= calls->capacity)
        return NULL;
    struct call *call = &calls->call[slot];
    return call->generation == generation && call->caller_state != CALLER_FREE ? call : NULL;
}

void call_write_body(struct text *text, const struct engine *engine, const struct call *call,
                     uint32_t user)
{
    text_add(text, "v=0\r\no=- ");
    text_decimal(text, (uint64_t)call->generation * 1000003 + user, 10);
    text_add(text, " 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ");
    text_decimal(text, 20000 + 2 * (call_slot(engine->state, call) % 10000), 5);
    text_add(text, " RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n");
}

bool call_body_right(const struct engine *engine, const struct message *m, const struct call *call,
                     uint32_t user)
{
    char buf[256];
    struct text body = text_init(buf, sizeof buf);
    call_write_body(&body, engine, call, user);
    return span_equal(text_span(&body), m->body);
}

bool call_address(struct span text, struct sockaddr_in *ret_address)
{
    char buf[64];
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *at = memchr(text.ptr, '@', text.len);
    const char *start = at ? at + 1 : text.ptr;
    size_t len = (size_t)(text.ptr + text.len - start);
    if (len >= sizeof buf)
        len = sizeof buf - 1;
    memcpy(buf, start, len);
    buf[len] = 0;
    buf[strcspn(buf, ";> ")] = 0;
    char *colon = strchr(buf, ':');
    if (!colon)
        return false;
    *colon = 0;
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, buf, &address.sin_addr) != 1)
        return false;
    *ret_address = address;
    return true;
}

static void call_on_datagram(struct engine *engine, const struct net_datagram *d)
{
    static struct message m;
    if (!scan_message(d->ptr, d->len, &m)) {
        stats_wrong(&engine->stats, WRONG_MESSAGE, (struct span){d->ptr, d->len});
        return;
    }
    struct call *call = call_of_message(engine, &m);
    if (m.status)
        caller_on_response(engine, call, &m);
    else if (call)
        callee_on_request(engine, call, &m, d->source);
    else
        engine->stats.stray++;
}

static void call_on_timer(struct engine *engine, struct timer *timer)
{
    size_t offset = timer->of_callee ? offsetof(struct call, callee_timer)
                                     : offsetof(struct call, caller_timer);
    struct call *call = (struct call *)((char *)timer - offset);
    if (timer->of_callee)
        callee_on_timer(engine, call);
    else
        caller_on_timer(engine, call);
}

/* Ends held calls, a few at the same time: ringing ones by answering them first. */
static void hold_release(struct engine *engine)
{
    struct calls *calls = engine->state;
    while (calls->ending < ENDING_MAX && calls->releasing < calls->capacity) {
        struct call *call = &calls->call[calls->releasing++];
        if (call->caller_state == CALLER_TALKING) {
            calls->ending++;
            caller_end(engine, call);
        } else if (call->callee_state == CALLEE_RINGING &&
                   call->caller_state == CALLER_PROCEEDING) {
            calls->ending++;
            callee_answer(engine, call);
        }
    }
}

#define MODE(id, text, opener, releaser)                                                           \
    const struct mode id = {.name = text,                                                          \
                            .open = opener,                                                        \
                            .close = calls_close,                                                  \
                            .start = call_start,                                                   \
                            .on_datagram = call_on_datagram,                                       \
                            .on_timer = call_on_timer,                                             \
                            .release = releaser}

MODE(mode_call, "call", calls_open, NULL);
MODE(mode_flood, "flood", calls_open, NULL);
MODE(mode_hold, "hold", hold_open, hold_release);
