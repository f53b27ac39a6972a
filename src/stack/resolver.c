#include "stack/resolver.h"

#include "base/error.h"
#include "base/memory.h"
#include "stack/resolver_private.h"

struct locate_speaks resolver_speaks_of(const struct endpoint *endpoint)
{
    struct locate_speaks speaks;
    for (unsigned t = 0; t < TRANSPORT_COUNT; t++) {
        speaks.family[t][0] = endpoint_speaks(endpoint, (uint8_t)t, false);
        speaks.family[t][1] = endpoint_speaks(endpoint, (uint8_t)t, true);
    }
    return speaks;
}

int resolver_new(const struct resolver_config *config, struct resolver **ret_resolver)
{
    struct resolver *resolver = memory_zalloc(1, sizeof(*resolver));
    if (resolver == NULL)
        return ERR_NO_MEMORY;
    resolver->cache = memory_zalloc(RESOLVER_CACHE, sizeof(struct resolver_decision *));
    if (resolver->cache == NULL) {
        memory_free(resolver);
        return ERR_NO_MEMORY;
    }
    resolver->config = *config;
    resolver->key = random_hash_key(loop_random(config->loop));
    pool_init(&resolver->plans, sizeof(struct resolver_plan), 0);
    *ret_resolver = resolver;
    return 0;
}

void resolver_reset(struct resolver *resolver)
{
    for (unsigned i = 0; i < RESOLVER_CACHE; i++) {
        resolver_decision_unref(resolver->cache[i]);
        resolver->cache[i] = NULL;
    }
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    resolver_reset(resolver);
    pool_done(&resolver->plans);
    memory_free(resolver->cache);
    memory_free(resolver);
}

/* ---- the cache ---- */

/* All that the machine looks at. */
static uint64_t key_of(const struct resolver *resolver, const struct locate_input *input)
{
    uint64_t rest = (uint64_t)input->port | (uint64_t)input->transport << 16 |
                    (uint64_t)input->has_transport << 24 | (uint64_t)input->secure << 25;
    return hash_mix(hash_slice_nocase(&resolver->key, input->host), rest);
}

static bool is_for(const struct resolver_decision *decision, const struct locate_input *input)
{
    const struct locate_input *known = &decision->input;
    return known->port == input->port && known->transport == input->transport &&
           known->has_transport == input->has_transport && known->secure == input->secure &&
           slice_equal_nocase(known->host, input->host);
}

static struct resolver_decision *remembered(struct resolver *resolver,
                                            const struct locate_input *input, uint64_t key)
{
    struct resolver_decision *decision = resolver->cache[key % RESOLVER_CACHE];
    if (decision == NULL || decision->key_hash != key || !is_for(decision, input) ||
        decision->expires_ms <= loop_now_ms(resolver->config.loop))
        return NULL;
    return resolver_decision_ref(decision);
}

/* ---- plans ---- */

static struct resolver_plan *plan_new(struct resolver *resolver, const struct resolver_ask *ask)
{
    struct resolver_plan *plan = pool_get(&resolver->plans);
    if (plan == NULL)
        return NULL;
    *plan = (struct resolver_plan){
        .resolver = resolver, .done = ask->done, .user = ask->user, .seed = ask->seed};
    resolver_walk_init(plan);
    return plan;
}

void resolver_forget(struct resolver_plan *plan)
{
    if (plan == NULL)
        return;
    resolver_decide_stop(plan);
    resolver_walk_done(plan);
    resolver_decision_unref(plan->decision);
    pool_put(&plan->resolver->plans, plan);
}

void resolver_set_user(struct resolver_plan *plan, resolver_fn *done, void *user)
{
    plan->done = done;
    plan->user = user;
}

int resolver_next(struct resolver_plan *plan, struct endpoint_target *ret_target)
{
    if (plan->deciding != NULL) {
        plan->waiting = true;
        return 0;
    }
    return plan->decision == NULL ? plan->status : resolver_walk_next(plan, ret_target);
}

/* Section 4.2: an address is used as it is. */
static void take_numeric(struct resolver *resolver, const struct locate_input *input,
                         struct endpoint_target *ret_target)
{
    const struct locate_speaks *speaks = &resolver->config.speaks;
    struct endpoint_target target = {.address = input->address, .server = input->host};
    target.transport =
        input->has_transport ? input->transport : locate_default_transport(speaks, input->secure);
    address_set_port(&target.address,
                     input->port ? input->port
                                 : transport_default_port((enum transport)target.transport));
    *ret_target = target;
}

static int begin(struct resolver_plan *plan, const struct locate_input *input,
                 struct endpoint_target *ret_target)
{
    uint64_t key = key_of(plan->resolver, input);
    int status = 1;
    if (plan->resolver->config.trace == NULL)
        plan->decision = remembered(plan->resolver, input, key);
    if (plan->decision == NULL)
        status = resolver_decide(plan, input, key);
    if (status < 0)
        return status;
    return resolver_next(plan, ret_target);
}

int resolver_locate(struct resolver *resolver, const struct resolver_ask *ask,
                    struct endpoint_target *ret_target, struct resolver_plan **ret_plan)
{
    struct locate_input input;
    *ret_plan = NULL;
    int status = locate_input_of(ask->uri, &input);
    if (status < 0)
        return status;
    if (input.numeric && resolver->config.trace == NULL) {
        take_numeric(resolver, &input, ret_target);
        return 1;
    }
    struct resolver_plan *plan = plan_new(resolver, ask);
    if (plan == NULL)
        return ERR_NO_MEMORY;
    status = begin(plan, &input, ret_target);
    if (status == 1)
        ret_target->server = input.host; /* in the URI: it may live longer than the plan */
    if (status < 0 || (status == 1 && !resolver_more(plan)))
        resolver_forget(plan);
    else
        *ret_plan = plan;
    return status;
}

void resolver_report(struct resolver *resolver, uint8_t transport, const struct address *address,
                     enum health_outcome outcome, uint64_t retry_after_ms)
{
    if (resolver->config.health != NULL)
        health_report(resolver->config.health, transport, address, outcome, retry_after_ms,
                      loop_now_ms(resolver->config.loop));
}

void resolver_name(struct resolver *resolver, const struct endpoint_target *target)
{
    if (resolver->config.health != NULL && target->server.len > 0)
        health_name(resolver->config.health, target->transport, &target->address, target->server,
                    loop_now_ms(resolver->config.loop));
}

struct health *resolver_health(struct resolver *resolver)
{
    return resolver->config.health;
}
