/* From places to addresses, one target after the other (RFC 3263 sections 4.2, 4.3; RFC 7984). */
#include "base/error.h"
#include "stack/resolver_private.h"

enum { V4, V6 };

static const struct locate_trace *trace_of(const struct resolver_plan *plan)
{
    return plan->resolver->config.trace;
}

void resolver_wake(struct resolver_plan *plan)
{
    if (!plan->waiting)
        return;
    plan->waiting = false;
    plan->done(plan->user);
}

static struct wheel *wheel_of(const struct resolver_plan *plan)
{
    return loop_wheel(plan->resolver->config.loop);
}

static void on_grace(struct timer *timer)
{
    resolver_wake(container_of(timer, struct resolver_plan, grace));
}

void resolver_walk_init(struct resolver_plan *plan)
{
    timer_init(&plan->grace, on_grace);
}

/* ---- the present place ---- */

static bool has_left(const struct resolver_family *family)
{
    return family->answer != NULL && family->at < family->answer->count;
}

static bool is_asking(const struct resolver_plan *plan)
{
    return plan->families[V4].question.query != NULL || plan->families[V6].question.query != NULL;
}

static void leave_place(struct resolver_plan *plan)
{
    for (unsigned f = V4; f <= V6; f++) {
        dns_cancel(plan->families[f].question.query);
        dns_answer_unref(plan->families[f].answer);
        plan->families[f] = (struct resolver_family){.answer = NULL};
    }
    wheel_stop(wheel_of(plan), &plan->grace);
    plan->place = NULL;
    plan->numeric_left = false;
}

static void explain(struct resolver_plan *plan, unsigned f, int status,
                    const struct dns_answer *answer)
{
    struct locate_question question = {
        .type = f == V6 ? DNS_AAAA : DNS_A, .name = plan->place->name, .status = status};
    struct locate locate = {.trace = trace_of(plan)};
    if (locate.trace != NULL)
        locate_explain_answer(&locate, &question, answer);
}

static void take_answer(struct resolver_plan *plan, unsigned f, const struct dns_answer *answer)
{
    explain(plan, f, answer->status, answer);
    if (answer->status == 0)
        plan->families[f].answer = dns_answer_ref(answer);
    else if (answer->status != ERR_NOT_FOUND)
        plan->status = answer->status;
}

/* The second family is waited for a little when the first is there already. */
static void start_grace(struct resolver_plan *plan)
{
    wheel_start(wheel_of(plan), &plan->grace, RESOLVER_GRACE_MS);
}

static void on_address(void *user, const struct dns_answer *answer)
{
    struct resolver_question *question = user;
    struct resolver_plan *plan = question->plan;
    const struct resolver_family *other = &plan->families[!question->index];
    question->query = NULL;
    take_answer(plan, question->index, answer);
    if (other->question.query != NULL && answer->status != 0)
        return;
    if (other->question.query != NULL) {
        start_grace(plan);
        return;
    }
    wheel_stop(wheel_of(plan), &plan->grace);
    resolver_wake(plan);
}

static void ask_family(struct resolver_plan *plan, unsigned f)
{
    struct resolver_question *question = &plan->families[f].question;
    const struct dns_answer *answer;
    *question = (struct resolver_question){.plan = plan, .index = f};
    int status =
        dns_lookup(plan->resolver->config.loop, plan->place->name, f == V6 ? DNS_AAAA : DNS_A,
                   on_address, question, &answer, &question->query);
    if (status == 1)
        take_answer(plan, f, answer);
    else if (status < 0 && status != ERR_INVALID)
        plan->status = status;
    if (status < 0)
        explain(plan, f, status == ERR_INVALID ? ERR_NOT_FOUND : status, NULL);
}

/* Section 4.2, RFC 7984 section 3: A and AAAA, as far as there is a listener to send from. */
static void begin_place(struct resolver_plan *plan)
{
    const struct locate_place *place = plan->place;
    const bool *speaks = plan->resolver->config.speaks.family[place->transport];
    plan->second_family = false;
    if (place->name.len == 0) {
        plan->numeric_left = true;
        return;
    }
    for (unsigned f = V4; f <= V6; f++) {
        if (speaks[f])
            ask_family(plan, f);
    }
    if (is_asking(plan) && (has_left(&plan->families[V4]) || has_left(&plan->families[V6])))
        start_grace(plan);
}

/* ---- addresses ---- */

/* Where several addresses stand behind a name each gets its share of first tries. */
static const struct address *take_address(struct resolver_plan *plan, unsigned f)
{
    struct resolver_family *family = &plan->families[f];
    unsigned count = family->answer->count;
    unsigned at = family->at++;
    if (count > 1)
        at = (unsigned)((hash_mix(plan->seed, count) + at) % count);
    return &family->answer->records[at].address;
}

/* The families take turns, IPv6 first (RFC 8421 section 4): one that does not work costs one
 * attempt. */
static bool next_address(struct resolver_plan *plan, struct address *ret_address)
{
    if (plan->numeric_left) {
        plan->numeric_left = false;
        *ret_address = plan->place->address;
        return true;
    }
    unsigned f = plan->second_family ? V4 : V6;
    if (!has_left(&plan->families[f]))
        f = !f;
    if (!has_left(&plan->families[f]))
        return false;
    *ret_address = *take_address(plan, f);
    plan->second_family = f == V6;
    return true;
}

/* ---- targets ---- */

static bool was_given(const struct resolver_plan *plan, uint64_t hash)
{
    for (unsigned i = 0; i < plan->given; i++) {
        if (plan->hashes[i] == hash)
            return true;
    }
    return false;
}

/* Not twice, not without a listener, and in the first round not to who is down. */
static bool may_give(struct resolver_plan *plan, const struct endpoint_target *target,
                     uint64_t *ret_hash)
{
    struct resolver *resolver = plan->resolver;
    char text[ADDRESS_TEXT_MAX];
    bool v6 = address_is_v6(&target->address);
    *ret_hash = hash_mix(address_hash(resolver->key.k0, &target->address), target->transport);
    if (!resolver->config.speaks.family[target->transport][v6]) {
        plan->unspoken = true;
        return false;
    }
    if (was_given(plan, *ret_hash))
        return false;
    if (plan->second_round || resolver->config.health == NULL ||
        health_good(resolver->config.health, target->transport, &target->address,
                    loop_now_ms(resolver->config.loop)))
        return true;
    plan->skipped = true;
    if (trace_of(plan) != NULL)
        locate_say(trace_of(plan), "RFC 3263 4.3", "%s is down: it is tried after the others",
                   address_text(&target->address, text));
    return false;
}

static void begin_second_round(struct resolver_plan *plan)
{
    plan->second_round = true;
    plan->skipped = false;
    plan->taken = 0;
    memset(plan->used, 0, sizeof plan->used);
}

/* False: there is none. */
static bool next_place(struct resolver_plan *plan)
{
    leave_place(plan);
    plan->place = resolver_choose(plan);
    if (plan->place == NULL && plan->skipped) {
        begin_second_round(plan);
        plan->place = resolver_choose(plan);
    }
    if (plan->place != NULL)
        begin_place(plan);
    return plan->place != NULL;
}

static int nothing_left(const struct resolver_plan *plan)
{
    if (plan->given > 0)
        return ERR_NOT_FOUND;
    if (plan->unspoken)
        return ERR_UNSUPPORTED;
    return plan->status < 0 ? plan->status : ERR_NOT_FOUND;
}

int resolver_walk_next(struct resolver_plan *plan, struct endpoint_target *ret_target)
{
    struct endpoint_target target = {.server = plan->decision->input.host};
    uint64_t hash;
    while (plan->given < RESOLVER_TARGETS_MAX) {
        while (plan->place != NULL && !timer_running(&plan->grace) &&
               next_address(plan, &target.address)) {
            target.transport = plan->place->transport;
            address_set_port(&target.address, plan->place->port);
            if (!may_give(plan, &target, &hash))
                continue;
            plan->hashes[plan->given++] = hash;
            *ret_target = target;
            return 1;
        }
        if (is_asking(plan)) {
            plan->waiting = true;
            return 0;
        }
        if (!next_place(plan))
            break;
    }
    return nothing_left(plan);
}

void resolver_walk_done(struct resolver_plan *plan)
{
    leave_place(plan);
}

bool resolver_more(const struct resolver_plan *plan)
{
    if (plan->given >= RESOLVER_TARGETS_MAX)
        return false;
    return plan->decision == NULL || plan->taken < plan->decision->place_count || plan->skipped ||
           is_asking(plan) || has_left(&plan->families[V4]) || has_left(&plan->families[V6]);
}
