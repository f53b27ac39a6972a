#include "stun/lifetime.h"

/* Cuts what lies between, the end included only where nobody has tried it. */
static void cut(struct lifetime *l, uint32_t low, uint32_t high, unsigned parts)
{
    for (unsigned i = 0; i < LIFETIME_PROBES; i++) {
        l->pauses[i] = low + (uint32_t)((uint64_t)(high - low) * (i + 1) / parts);
        l->results[i] = LIFETIME_PENDING;
    }
    l->pass++;
}

void lifetime_init(struct lifetime *l, uint32_t limit_ms)
{
    *l = (struct lifetime){.pass = 0};
    cut(l, 0, limit_ms, LIFETIME_PROBES);
}

void lifetime_on_asked(struct lifetime *l, unsigned probe, uint32_t pause_ms)
{
    if (pause_ms > l->pauses[probe])
        l->pauses[probe] = pause_ms;
}

void lifetime_on_result(struct lifetime *l, unsigned probe, bool alive)
{
    uint32_t pause = l->pauses[probe];
    l->results[probe] = alive ? LIFETIME_ALIVE : LIFETIME_GONE;
    if (alive && pause > l->alive_ms && (l->gone_ms == 0 || pause < l->gone_ms))
        l->alive_ms = pause;
    if (alive || (l->gone_ms != 0 && pause >= l->gone_ms))
        return;
    l->gone_ms = pause;
    if (l->alive_ms < pause)
        return;
    /* A longer one was outlived before: look below again. */
    l->alive_ms = 0;
    for (unsigned i = 0; i < LIFETIME_PROBES; i++) {
        if (l->results[i] == LIFETIME_ALIVE && l->pauses[i] < pause && l->pauses[i] > l->alive_ms)
            l->alive_ms = l->pauses[i];
    }
}

bool lifetime_pass_over(const struct lifetime *l)
{
    for (unsigned i = 0; i < LIFETIME_PROBES; i++) {
        if (l->results[i] == LIFETIME_PENDING && (l->gone_ms == 0 || l->pauses[i] < l->gone_ms))
            return false;
    }
    return true;
}

bool lifetime_next_pass(struct lifetime *l)
{
    if (l->pass >= LIFETIME_PASSES || l->gone_ms == 0 ||
        l->gone_ms - l->alive_ms <= LIFETIME_FINE_MS)
        return false;
    cut(l, l->alive_ms, l->gone_ms, LIFETIME_PROBES + 1);
    return true;
}

uint32_t lifetime_longest_ms(uint32_t limit_ms)
{
    return limit_ms / LIFETIME_PROBES > LIFETIME_FINE_MS ? limit_ms * LIFETIME_PASSES : limit_ms;
}
