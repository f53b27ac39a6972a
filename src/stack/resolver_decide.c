/* Runs the machine of RFC 3263 (locate.h) over DNS, and remembers what it found. */
#include "base/error.h"
#include "base/memory.h"
#include "stack/resolver_private.h"

#define HOSTS_MS 5000

struct resolver_decision *resolver_decision_ref(struct resolver_decision *decision)
{
    decision->refs++;
    return decision;
}

void resolver_decision_unref(struct resolver_decision *decision)
{
    if (decision == NULL || --decision->refs > 0)
        return;
    for (unsigned i = 0; i < decision->answer_count; i++)
        dns_answer_unref(decision->answers[i]);
    memory_free(decision);
}

void resolver_remember(struct resolver *resolver, struct resolver_decision *decision)
{
    struct resolver_decision **slot = &resolver->cache[decision->key_hash % RESOLVER_CACHE];
    resolver_decision_unref(*slot);
    *slot = resolver_decision_ref(decision);
}

static void take_answers(struct resolver_decision *decision, struct locate *locate)
{
    for (unsigned i = 0; i < locate->question_count; i++) {
        if (locate->questions[i].answer != NULL)
            decision->answers[decision->answer_count++] =
                dns_answer_ref(locate->questions[i].answer);
    }
    if (locate->naptr != NULL)
        decision->answers[decision->answer_count++] = dns_answer_ref(locate->naptr);
}

/* What the machine found, in one piece: decision, places, host. */
static struct resolver_decision *decision_of(struct resolver_deciding *deciding)
{
    struct locate *locate = &deciding->locate;
    struct slice host = locate->input.host;
    size_t places = locate->place_count * sizeof(struct locate_place);
    struct resolver_decision *decision =
        memory_alloc(sizeof *decision + places + (host.len > 0 ? host.len : 1));
    if (decision == NULL)
        return NULL;
    *decision = (struct resolver_decision){
        .refs = 1,
        .expires_ms = locate->expires_ms,
        .key_hash = deciding->key_hash,
        .input = locate->input,
        .place_count = locate->place_count,
    };
    memcpy(decision->places, locate->places, places);
    char *copy = (char *)decision->places + places;
    memcpy(copy, host.ptr, host.len);
    decision->input.host = slice_of(copy, host.len);
    for (unsigned i = 0; i < decision->place_count; i++) {
        if (decision->places[i].name.ptr == host.ptr)
            decision->places[i].name.ptr = copy;
    }
    take_answers(decision, locate);
    return decision;
}

/* Only what DNS said is remembered here; failures are in DNS's own cache. */
static int conclude(struct resolver_plan *plan)
{
    struct resolver_deciding *deciding = plan->deciding;
    int status = deciding->locate.status;
    if (deciding->locate.step == LOCATE_DONE) {
        plan->decision = decision_of(deciding);
        status = plan->decision != NULL ? 1 : ERR_NO_MEMORY;
        /* The hosts file may change. */
        if (plan->decision != NULL && deciding->locate.input.in_hosts)
            plan->decision->expires_ms = loop_now_ms(plan->resolver->config.loop) + HOSTS_MS;
        if (plan->decision != NULL)
            resolver_remember(plan->resolver, plan->decision);
    }
    resolver_decide_stop(plan);
    plan->status = status < 0 ? status : plan->status;
    return status;
}

static void on_answer(void *user, const struct dns_answer *answer);

/* Asks what the present step needs. Answers may be there at once, and lead to the next step. */
static void ask_all(struct resolver_plan *plan)
{
    struct resolver_deciding *deciding = plan->deciding;
    struct locate *locate = &deciding->locate;
    uint8_t step;
    do {
        step = locate->step;
        unsigned count = step == LOCATE_NAPTR || step == LOCATE_SRV ? locate->question_count : 0;
        for (unsigned i = 0; i < count && locate->step == step; i++) {
            const struct dns_answer *answer = NULL;
            struct resolver_question *question = &deciding->questions[i];
            *question = (struct resolver_question){.plan = plan, .index = i};
            int status = dns_lookup(plan->resolver->config.loop, locate->questions[i].name,
                                    locate->questions[i].type, on_answer, question, &answer,
                                    &question->query);
            if (status == 0)
                continue;
            /* A name that cannot be is one that does not exist. */
            if (status == ERR_INVALID)
                status = ERR_NOT_FOUND;
            locate_answer(locate, i, status == 1 ? answer : NULL, status == 1 ? 0 : status);
        }
    } while (locate->step != step);
}

static bool is_over(const struct resolver_plan *plan)
{
    uint8_t step = plan->deciding->locate.step;
    return step == LOCATE_DONE || step == LOCATE_FAILED;
}

static void on_answer(void *user, const struct dns_answer *answer)
{
    struct resolver_question *question = user;
    struct resolver_plan *plan = question->plan;
    uint8_t step = plan->deciding->locate.step;
    question->query = NULL;
    locate_answer(&plan->deciding->locate, question->index, answer, 0);
    if (plan->deciding->locate.step != step)
        ask_all(plan);
    if (!is_over(plan))
        return;
    (void)conclude(plan);
    resolver_wake(plan);
}

int resolver_decide(struct resolver_plan *plan, const struct locate_input *input, uint64_t key_hash)
{
    struct resolver *resolver = plan->resolver;
    struct locate_input own = *input;
    if (input->host.len > DNS_NAME_MAX)
        return ERR_NOT_FOUND;
    if (resolver->waiting >= RESOLVER_PLANS_MAX)
        return ERR_LIMIT;
    struct resolver_deciding *deciding = memory_alloc(sizeof *deciding);
    if (deciding == NULL)
        return ERR_NO_MEMORY;
    resolver->waiting++;
    memset(deciding->questions, 0, sizeof deciding->questions);
    memcpy(deciding->host, input->host.ptr, input->host.len);
    deciding->key_hash = key_hash;
    own.host = slice_of(deciding->host, input->host.len);
    own.in_hosts = !own.numeric && dns_in_hosts(resolver->config.loop, own.host);
    plan->deciding = deciding;
    locate_init(&deciding->locate, &own, &resolver->config.speaks, resolver->config.trace);
    ask_all(plan);
    return is_over(plan) ? conclude(plan) : 0;
}

void resolver_decide_stop(struct resolver_plan *plan)
{
    struct resolver_deciding *deciding = plan->deciding;
    if (deciding == NULL)
        return;
    for (unsigned i = 0; i < LOCATE_QUESTIONS_MAX; i++)
        dns_cancel(deciding->questions[i].query);
    locate_done(&deciding->locate);
    memory_free(deciding);
    plan->deciding = NULL;
    plan->resolver->waiting--;
}
