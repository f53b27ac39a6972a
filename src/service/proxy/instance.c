/* Several flows of one phone: one is tried at a time, the next when it has failed (RFC 5626
 * section 7). */
#include "base/error.h"
#include "service/proxy/proxy_private.h"

static bool stands_before(const struct proxy_targets *targets, unsigned count, uint64_t instance)
{
    for (unsigned i = 0; i < count; i++) {
        if (targets->items[i].instance == instance)
            return true;
    }
    return false;
}

void proxy_instances_part(struct proxy_targets *targets)
{
    struct proxy_target *items = targets->items;
    unsigned all = targets->count + targets->spare_count;
    targets->count = 0;
    for (unsigned i = 0; i < all; i++) {
        if (items[i].instance != 0 && stands_before(targets, targets->count, items[i].instance))
            continue;
        struct proxy_target target = items[i];
        memmove(&items[targets->count + 1], &items[targets->count],
                (i - targets->count) * sizeof(target));
        items[targets->count++] = target;
    }
    targets->spare_count = all - targets->count;
}

void proxy_instances_keep(struct proxy_context *context, const struct proxy_targets *targets)
{
    size_t count = targets->spare_count;
    if (count == 0)
        return;
    context->spares = arena_alloc(&context->arena, count * sizeof(struct proxy_target));
    if (context->spares == NULL)
        return;
    for (unsigned i = 0; i < count; i++) {
        const struct proxy_target *spare = &targets->items[targets->count + i];
        if (proxy_target_keep(context, spare, &context->spares[context->spare_count]) == 0)
            context->spare_count++;
    }
}

/* Takes the best spare of the instance; false when none is left. */
static bool take_spare(struct proxy_context *context, uint64_t instance,
                       struct proxy_target *ret_target)
{
    for (unsigned i = 0; i < context->spare_count; i++) {
        if (context->spares[i].instance != instance)
            continue;
        *ret_target = context->spares[i];
        context->spare_count--;
        memmove(&context->spares[i], &context->spares[i + 1],
                (context->spare_count - i) * sizeof(*ret_target));
        return true;
    }
    return false;
}

/* Has the flow failed, or has the instance given its answer? A phone that rang has been reached. */
static bool flow_failed(const struct proxy_branch *branch, unsigned status, bool received)
{
    if (branch->cancelled || branch->context->cancelled || branch->context->answered)
        return false;
    return !received || status == 430 || (status == 408 && !branch->rang);
}

bool proxy_instances_next(struct proxy_branch *branch, unsigned status, bool received)
{
    struct proxy_context *context = branch->context;
    uint64_t instance = branch->target.instance;
    struct proxy_route_info info;
    struct proxy_target target;
    if (instance == 0 || context->spare_count == 0)
        return false;
    if (!flow_failed(branch, status, received)) {
        while (take_spare(context, instance, &target))
            continue;
        return false;
    }
    if (context->branch_count >= PROXY_BRANCHES_MAX || !take_spare(context, instance, &target) ||
        proxy_context_again(context, &info) < 0)
        return false;
    proxy_branch_start(context, &context->proxy->message, &info, &target);
    return true;
}
