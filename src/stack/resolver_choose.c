/* Which server is next: RFC 2782, "Usage rules". */
#include "stack/resolver_private.h"

static bool is_used(const struct resolver_plan *plan, unsigned i)
{
    return (plan->used[i / 64] >> (i % 64) & 1) != 0;
}

/* The first place of the lowest rank that has any left. */
static unsigned first_unused(const struct resolver_plan *plan)
{
    unsigned i = 0;
    while (i < plan->decision->place_count && is_used(plan, i))
        i++;
    return i;
}

/* A number from 0 to the sum of the weights picks the first place whose running sum reaches it;
 * places without weight stand first, and so have a small chance. */
static unsigned pick(const struct resolver_plan *plan, unsigned first)
{
    const struct resolver_decision *decision = plan->decision;
    uint32_t rank = decision->places[first].rank;
    uint64_t sum = 0, running = 0;
    unsigned last = first;
    for (unsigned i = first; i < decision->place_count && decision->places[i].rank == rank; i++) {
        if (is_used(plan, i))
            continue;
        sum += decision->places[i].weight;
        last = i;
    }
    if (last == first)
        return first;
    uint64_t wanted = hash_mix(plan->seed, plan->taken) % (sum + 1);
    for (unsigned i = first; i < last; i++) {
        if (is_used(plan, i))
            continue;
        running += decision->places[i].weight;
        if (running >= wanted)
            return i;
    }
    return last;
}

const struct locate_place *resolver_choose(struct resolver_plan *plan)
{
    unsigned first = first_unused(plan);
    if (first == plan->decision->place_count)
        return NULL;
    unsigned chosen = pick(plan, first);
    plan->used[chosen / 64] |= UINT64_C(1) << (chosen % 64);
    plan->taken++;
    return &plan->decision->places[chosen];
}
