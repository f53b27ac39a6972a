#include "sip/auth/replay.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdatomic.h>

/* A set holds WAYS nonces. Each has an identity (time of issue, tag) and a state (tag, highest
 * count, window); a state whose tag is not that of the identity is of the nonce that was there
 * before and counts as empty.
 *
 * Why no two workers can enter one nonce into two places: a newcomer always takes the place with
 * the lowest identity, and is let in only when it was issued after everything that the set has
 * pushed out. So each place only ever grows. If one worker has put nonce N into place i over value
 * X, all other places were above X then; another worker that saw them earlier and picks a lower
 * place fails its exchange, because that place has grown since. */
#define WAYS 7

#define TAG_BITS    24 /* of an identity; above are milliseconds since the table's start: 34 years */
#define EMPTY_STATE 0

struct set {
    _Atomic uint64_t pushed_out; /* newest time of issue that had to go; milliseconds as above */
    _Atomic uint64_t identity[WAYS];
    _Atomic uint64_t state[WAYS]; /* tag 16, highest count 16, window 32 bits */
    uint64_t unused;              /* two cache lines */
};

struct sip_replay {
    uint64_t start_ms;
    uint64_t mask;    /* sets - 1 */
    struct set *sets; /* within block, aligned */
    char *block;      /* owned */
};

_Static_assert(sizeof(struct set) == 128, "two cache lines");

int sip_replay_new(size_t nonces, uint64_t now_ms, struct sip_replay **ret_replay)
{
    size_t sets = 1;
    while (sets * WAYS < nonces && sets < SIZE_MAX / sizeof(struct set) / 4) {
        sets *= 2;
    }
    struct sip_replay *replay = memory_zalloc(1, sizeof(*replay));
    /* One more than needed, to align the first. */
    char *block = memory_zalloc(sets + 1, sizeof(struct set));
    if (!replay || !block) {
        memory_free(replay);
        memory_free(block);
        return ERR_NO_MEMORY;
    }
    size_t past = (uintptr_t)block % sizeof(struct set);
    *replay = (struct sip_replay){
        .start_ms = now_ms,
        .mask = sets - 1,
        .block = block,
        .sets = (struct set *)(void *)(block + (past ? sizeof(struct set) - past : 0))};
    *ret_replay = replay;
    return 0;
}

void sip_replay_free(struct sip_replay *replay)
{
    if (replay) {
        memory_free(replay->block);
        memory_free(replay);
    }
}

/* Spreads the number over the sets and the tag, counted numbers too. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ x >> 32;
}

static uint64_t issued_of(uint64_t identity)
{
    return identity >> TAG_BITS;
}

/* Tag of the states that belong to an identity, at the top of the word; never that of an empty
 * state. */
static uint64_t state_tag(uint64_t identity)
{
    uint64_t tag = mix(identity) & 0xffff;
    return (tag ? tag : 1) << 48;
}

static void raise_to(_Atomic uint64_t *value, uint64_t to)
{
    uint64_t seen = atomic_load(value);
    while (seen < to && !atomic_compare_exchange_weak(value, &seen, to)) {
    }
}

/* Returns the place of identity in the set, entered if need be, or WAYS when it is stale. */
static unsigned find_place(struct set *set, uint64_t identity)
{
    for (;;) {
        unsigned lowest = 0;
        uint64_t lowest_value = UINT64_MAX;
        for (unsigned i = 0; i < WAYS; i++) {
            uint64_t value = atomic_load(&set->identity[i]);
            if (value == identity) {
                return i;
            }
            if (value < lowest_value) {
                lowest_value = value;
                lowest = i;
            }
        }
        /* Read after the places: a nonce that was pushed out meanwhile is seen here. */
        uint64_t issued = issued_of(identity);
        if (issued <= atomic_load(&set->pushed_out) || issued <= issued_of(lowest_value)) {
            return WAYS;
        }
        raise_to(&set->pushed_out, issued_of(lowest_value));
        if (atomic_compare_exchange_strong(&set->identity[lowest], &lowest_value, identity)) {
            return lowest;
        }
    }
}

/* The state after nc was used: bit k of the window says that count highest - k was. 0 when nc may
 * not be used. */
static uint64_t state_after(uint64_t state, uint64_t tag, uint32_t nc)
{
    if ((state ^ tag) >> 48 != 0) {
        return tag | (uint64_t)nc << 32 | 1;
    }
    uint32_t highest = (uint32_t)(state >> 32) & 0xffff, window = (uint32_t)state;
    if (nc > highest) {
        uint32_t shift = nc - highest;
        window = shift < SIP_REPLAY_WINDOW ? window << shift | 1 : 1;
        return tag | (uint64_t)nc << 32 | window;
    }
    uint32_t behind = highest - nc;
    if (behind >= SIP_REPLAY_WINDOW || (window >> behind & 1) != 0) {
        return EMPTY_STATE;
    }
    return state | UINT64_C(1) << behind;
}

static struct set *set_of(const struct sip_replay *replay, const struct sip_nonce *nonce)
{
    return &replay->sets[mix(nonce->number) & replay->mask];
}

void sip_replay_expect(const struct sip_replay *replay, const struct sip_nonce *nonce)
{
    const char *set = (const char *)set_of(replay, nonce);
    __builtin_prefetch(set, 1);
    __builtin_prefetch(set + sizeof(struct set) / 2, 1);
}

int sip_replay_accept(struct sip_replay *replay, const struct sip_nonce *nonce, uint32_t nc)
{
    if (nc == 0 || nc > SIP_REPLAY_NC_MAX || nonce->issued_ms <= replay->start_ms) {
        return ERR_STALE;
    }
    uint64_t hash = mix(nonce->number);
    uint64_t identity =
        (nonce->issued_ms - replay->start_ms) << TAG_BITS | (hash >> (64 - TAG_BITS));
    struct set *set = set_of(replay, nonce);
    uint64_t tag = state_tag(identity);
    for (;;) {
        unsigned place = find_place(set, identity);
        if (place == WAYS) {
            return ERR_STALE;
        }
        uint64_t state = atomic_load(&set->state[place]);
        if (atomic_load(&set->identity[place]) != identity) {
            continue; /* pushed out between the two: that state may be of the next one */
        }
        uint64_t after = state_after(state, tag, nc);
        if (after == EMPTY_STATE) {
            return ERR_STALE;
        }
        if (atomic_compare_exchange_strong(&set->state[place], &state, after)) {
            return 0;
        }
    }
}
