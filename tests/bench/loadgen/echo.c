/* Mode echo: drives the program reflector, which receives and sends datagrams and does nothing
 * else. One operation is one pass through --sizes; each datagram says how long its answers are to
 * be. */
#include "clock.h"
#include "engine.h"

enum { STEPS_MAX = 16 };

/* The first bytes of each datagram, in the byte order of this machine; the reflector copies them.
 */
struct head {
    uint32_t slot;
    uint32_t generation;
    uint16_t answers[2]; /* bytes; 0: none */
};

struct step {
    uint16_t size;
    uint16_t answers[2];
};

struct pass {
    struct timer timer;
    uint64_t begun;
    uint32_t generation; /* of the datagram that is under way */
    unsigned step;
    unsigned missing; /* answers to it */
};

struct passes {
    struct slots slots;
    struct pass *pass; /* one per slot */
    struct step steps[STEPS_MAX];
    unsigned step_count;
};

static uint16_t size_read(const char **at)
{
    char *end;
    unsigned long size = strtoul(*at, &end, 10);
    if (end == *at || size < sizeof(struct head) || size > NET_SIZE)
        die("--sizes: %s is not a size from %zu to %d", *at, sizeof(struct head), NET_SIZE);
    *at = end;
    return (uint16_t)size;
}

static void sizes_read(struct passes *passes, const char *at)
{
    do {
        if (passes->step_count == STEPS_MAX)
            die("--sizes: more than %d", STEPS_MAX);
        struct step *step = &passes->steps[passes->step_count++];
        step->size = size_read(&at);
        for (unsigned i = 0; i < 2 && *at == (i ? '+' : ':'); i++) {
            at++;
            step->answers[i] = size_read(&at);
        }
        if (!step->answers[0])
            die("--sizes: IN:OUT[+OUT],...");
    } while (*at++ == ',');
}

static void echo_open(struct engine *engine)
{
    struct passes *passes = calloc(1, sizeof *passes);
    if (passes)
        passes->pass = calloc(engine->options->window, sizeof *passes->pass);
    if (!passes || !passes->pass)
        die("out of memory");
    slots_init(&passes->slots, engine->options->window);
    sizes_read(passes, engine->options->sizes);
    engine->state = passes;
}

static void echo_close(struct engine *engine)
{
    struct passes *passes = engine->state;
    slots_done(&passes->slots);
    free(passes->pass);
    free(passes);
}

static void step_send(struct engine *engine, struct pass *pass)
{
    struct passes *passes = engine->state;
    const struct step *step = &passes->steps[pass->step];
    uint32_t slot = (uint32_t)(pass - passes->pass);
    unsigned source = engine_source(engine, slot);
    struct head head = {slot, ++pass->generation, {step->answers[0], step->answers[1]}};
    struct text text = net_buffer(engine->net, source);
    memcpy(text.start, &head, sizeof head);
    text.at = text.start + step->size;
    pass->missing = 1 + (step->answers[1] > 0);
    stats_sent(&engine->stats, KIND_OTHER, net_send(engine->net, source, &text, NULL));
    timer_start(&engine->timers, &pass->timer, TIMER_RESEND_0, engine->now);
}

static void echo_start(struct engine *engine)
{
    struct passes *passes = engine->state;
    struct pass *pass = &passes->pass[slots_take(&passes->slots)];
    pass->step = 0;
    pass->begun = engine->now;
    step_send(engine, pass);
}

static void echo_on_datagram(struct engine *engine, const struct net_datagram *d)
{
    struct passes *passes = engine->state;
    struct head head;
    if (d->len < sizeof head)
        return;
    memcpy(&head, d->ptr, sizeof head);
    if (head.slot >= engine->options->window ||
        passes->pass[head.slot].generation != head.generation) {
        engine->stats.stray++;
        return;
    }
    struct pass *pass = &passes->pass[head.slot];
    stats_received(&engine->stats, KIND_OTHER, d->len);
    if (--pass->missing)
        return;
    if (++pass->step < passes->step_count) {
        step_send(engine, pass);
        return;
    }
    pass->generation++;
    timer_stop(&pass->timer);
    histogram_add(&engine->stats.latency[LATENCY_ANSWER], clock_now() - pass->begun);
    slots_give(&passes->slots, head.slot);
    engine_done(engine);
}

static void echo_on_timer(struct engine *engine, struct timer *timer)
{
    engine->stats.resent++;
    step_send(engine, (struct pass *)((char *)timer - offsetof(struct pass, timer)));
}

const struct mode mode_echo = {.name = "echo",
                               .open = echo_open,
                               .close = echo_close,
                               .start = echo_start,
                               .on_datagram = echo_on_datagram,
                               .on_timer = echo_on_timer};
