#include "stack/overload.h"

#include <string.h>

#define BURST_US    100000u /* nothing is refused for a burst that is served within that time, */
#define BURST_MAX   4u  /* unless the wait is so many times the target: buffers would run over */
#define LEAST       64u /* share that is let in at worst, so that recovery begins somewhere */
#define READ_LEAST  (OVERLOAD_ALL / 8) /* of a call's seven INVITEs one is most likely read */
#define FASTER_MAX  4u                 /* times that the growth doubles */
#define REFUSALS    650u               /* thousandths of all datagrams, about half of the time */
#define MANY        64u    /* datagrams or messages: enough to tell how long one takes */
#define BATCH       1024u  /* datagrams that may wait anyhow: answers to what is under way */
#define TURN_US     20000u /* a turn may take that long; what it takes more counts up to: */
#define TURN_MAX_US (OVERLOAD_TARGET_US * 3)
#define DELAYS_MAX  2000 /* thousandths of the target that count, beyond it */

/* Waits that the classes are held to. */
static const uint64_t targets_us[OVERLOAD_CLASSES] = {
    [OVERLOAD_CALLS] = OVERLOAD_TARGET_US,
    [OVERLOAD_REGISTERS] = OVERLOAD_TARGET_US * 3,
    [OVERLOAD_CREDENTIALS] = OVERLOAD_TARGET_US * 6,
};

void overload_init(struct overload *overload)
{
    memset(overload, 0, sizeof(*overload));
    overload->least_us = UINT64_MAX;
    overload->read = OVERLOAD_ALL;
    for (unsigned i = 0; i < OVERLOAD_CLASSES; i++)
        overload->shares[i].let_in = OVERLOAD_ALL;
}

/* How far a delay is from a target: -1000 (none) to DELAYS_MAX. */
static int64_t error_of(uint64_t delay_us, uint64_t target_us)
{
    int64_t error = (int64_t)(delay_us * 1000 / target_us) - 1000;
    return error > DELAYS_MAX ? DELAYS_MAX : error;
}

/* The slow part: up to a fifth less, or a tenth more, per interval; faster and faster while nothing
 * waits at all. It moves by factors, so that it works alike whether half of the requests are too
 * many or nine of ten. */
static void move_share(struct overload_share *share, int64_t error)
{
    int64_t let_in = (int64_t)share->let_in;
    share->idle = error > -1000 ? 0 : share->idle < FASTER_MAX ? share->idle + 1 : FASTER_MAX;
    if (share->idle > 1)
        error *= INT64_C(1) << (share->idle - 1);
    let_in -= let_in * error / 10000;
    if (let_in > (int64_t)OVERLOAD_ALL)
        let_in = OVERLOAD_ALL;
    share->let_in = let_in < (int64_t)LEAST ? LEAST : (uint32_t)let_in;
}

/* Refusals may be so many of all that is handled; a tenth more or less is read per interval. */
static void move_read(struct overload *overload)
{
    uint32_t most = overload->sum_fresh * REFUSALS / 1000, read = overload->read;
    if (overload->sum_fresh < MANY || overload->sum_refused <= most)
        read += read / 10 + 1;
    else
        read -= read / 10;
    if (overload->shares[OVERLOAD_CALLS].let_in >= OVERLOAD_ALL || read > OVERLOAD_ALL)
        read = OVERLOAD_ALL;
    overload->read = read < READ_LEAST ? READ_LEAST : read;
    overload->sum_fresh = overload->sum_refused = 0;
}

/* Once shares have been cut they follow the delay until all are let in again. */
static void end_interval(struct overload_share *share, uint64_t least_us, uint64_t target_us,
                         uint64_t now_us)
{
    if (least_us <= target_us)
        share->above_us = 0;
    else if (share->above_us == 0)
        share->above_us = now_us;
    bool cut = share->let_in < OVERLOAD_ALL;
    bool lasting = share->above_us != 0 &&
                   (now_us - share->above_us >= BURST_US || least_us >= target_us * BURST_MAX);
    if (cut || lasting)
        move_share(share, error_of(least_us, target_us));
}

/* The quick part: what waits now lets half as many more in, or none at three times the target. */
static void correct(struct overload_share *share, uint64_t delay_us, uint64_t target_us)
{
    if (share->let_in >= OVERLOAD_ALL) {
        share->refused = 0;
        return;
    }
    int64_t factor = 1000 - error_of(delay_us, target_us) / 2;
    uint64_t let_in = (uint64_t)share->let_in * (uint64_t)factor / 1000;
    share->refused = let_in >= OVERLOAD_ALL ? 0 : OVERLOAD_ALL - (uint32_t)let_in;
}

/* A buffer that runs over loses what is under way, however short the wait: five eighths of it count
 * as the target, all of it as four times that. */
static uint64_t fullness_of(const struct overload_load *load)
{
    unsigned half = load->room / 2;
    if (half == 0 || load->waiting <= half)
        return 0;
    return (uint64_t)(load->waiting - half) * BURST_MAX * OVERLOAD_TARGET_US / half;
}

/* What comes last waits for what is before it in the socket, and for the turn that is under way. On
 * a machine that others keep busy little work can take long; so what can be seen of a server that
 * is just fully used counts for nothing. */
static uint64_t delay_of(struct overload *overload, const struct overload_load *load)
{
    /* However long one turn took: it alone is no reason to refuse anything. */
    bool busy =
        overload->messages >= MANY; /* else others had the CPU, and refusing gives none back */
    uint64_t turn_us = busy && load->turn_us > TURN_US ? load->turn_us - TURN_US : 0;
    overload->messages = load->messages;
    if (turn_us > TURN_MAX_US)
        turn_us = TURN_MAX_US;
    uint64_t waiting = load->waiting > BATCH ? load->waiting - BATCH : 0;
    if (overload->handled >= MANY) {
        uint64_t one_ns = load->turn_us * 1000 / overload->handled;
        overload->service_ns = (unsigned)((overload->service_ns * UINT64_C(7) + one_ns) / 8);
    }
    overload->handled = load->fresh;
    uint64_t delay_us = turn_us + waiting * overload->service_ns / 1000;
    uint64_t full_us = fullness_of(load);
    return delay_us > full_us ? delay_us : full_us;
}

void overload_turn(struct overload *overload, const struct overload_load *load)
{
    uint64_t delay_us = delay_of(overload, load);
    overload->delay_us = delay_us;
    if (delay_us < overload->least_us)
        overload->least_us = delay_us;
    overload->sum_fresh += load->fresh;
    overload->sum_refused += load->refused;
    bool ends = load->now_us - overload->since_us >= OVERLOAD_INTERVAL_US;
    for (unsigned i = 0; i < OVERLOAD_CLASSES; i++) {
        if (ends)
            end_interval(&overload->shares[i], overload->least_us, targets_us[i], load->now_us);
        correct(&overload->shares[i], delay_us, targets_us[i]);
    }
    if (ends) {
        move_read(overload);
        overload->since_us = load->now_us;
        overload->least_us = UINT64_MAX;
    }
}

bool overload_active(const struct overload *overload)
{
    for (unsigned i = 0; i < OVERLOAD_CLASSES; i++) {
        const struct overload_share *share = &overload->shares[i];
        if (share->let_in < OVERLOAD_ALL)
            return true;
    }
    return overload->read < OVERLOAD_ALL;
}
