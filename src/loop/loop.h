/* The event loop of one worker. A turn: the clock is read, due timers fire, datagrams, streams,
 * names and mail are handed out, the turn-end hook runs, and what was sent goes out. The real one
 * (src/loop) sits on libuv; tests/sim links a simulated one with the same functions, a virtual
 * clock and a seeded network. Everything of a loop belongs to the thread that runs it, except where
 * a function says "any thread". */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/flow.h"
#include "base/log.h"
#include "base/random.h"
#include "base/wheel.h"

struct loop;
struct mesh;

struct loop_config {
    unsigned worker;   /* 0 to count - 1 */
    struct mesh *mesh; /* borrowed; NULL for a loop alone */
    struct log *log;   /* borrowed */
};

int loop_new(const struct loop_config *config, struct loop **ret_loop);
/* Closes all that is open, without callbacks. NULL is accepted. */
void loop_free(struct loop *loop);
/* Runs until loop_stop; the calling thread owns the loop from here on. */
int loop_run(struct loop *loop);
/* Any thread: the loop returns from loop_run at the end of its turn. */
void loop_stop(struct loop *loop);

unsigned loop_worker(const struct loop *loop);
/* Taken once per turn. Monotonic. */
uint64_t loop_now_ms(const struct loop *loop);
uint64_t loop_now_us(const struct loop *loop);
/* Unix time in milliseconds, taken once per turn; a step of the system's clock shows within 100 ms.
 */
int64_t loop_wall_ms(const struct loop *loop);
/* Unix time as it was when the loop was made, and from then on as monotonic time goes: for what
 * must not be too old and must work whenever the system's clock is set. */
int64_t loop_steady_ms(const struct loop *loop);
struct wheel *loop_wheel(struct loop *loop);
struct random *loop_random(struct loop *loop);
struct log *loop_log(struct loop *loop);
/* Called at the end of every turn, before buffered output is flushed. One hook. */
void loop_on_turn_end(struct loop *loop, void (*hook)(void *user), void *user);
/* How busy the last second was: thousandths of it not spent waiting. Any thread. */
unsigned loop_busy_permille(const struct loop *loop);
/* Microseconds that the turn before this one took, waiting not counted. */
uint64_t loop_turn_us(const struct loop *loop);

#endif
