#include "stack/locate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

#define ROW(step, event, next, action, section, words)                                             \
    {                                                                                              \
        LOCATE_##step, LOCATE_##event, LOCATE_##next, LOCATE_##action, section, words              \
    }

static const struct locate_row rows[] = {
    ROW(BEGIN, IS_UNSPOKEN, FAILED, GIVE_UP, "RFC 3263 4.1",
        "the URI asks for a transport that this server has no listener for"),
    ROW(BEGIN, IS_NUMERIC, DONE, TAKE_HOST, "RFC 3263 4.2",
        "the host is a numeric address: DNS is not asked"),
    ROW(BEGIN, HAS_PORT, DONE, TAKE_HOST, "RFC 3263 4.2",
        "the URI has a port: neither NAPTR nor SRV is asked for, only addresses of the host"),
    ROW(BEGIN, IN_HOSTS, DONE, TAKE_HOST, "hosts file",
        "the hosts file says where the host is: NAPTR and SRV are not asked for"),
    ROW(BEGIN, HAS_TRANSPORT, SRV, ASK_SRV, "RFC 3263 4.1",
        "the URI names the transport: SRV records for it are asked for"),
    ROW(BEGIN, HAS_NAME, NAPTR, ASK_NAPTR, "RFC 3263 4.1",
        "neither port nor transport is given: NAPTR records of the host are asked for"),

    ROW(NAPTR, RECORDS, SRV, ASK_SRV_NAPTR, "RFC 3263 4.1",
        "the SRV records that the NAPTR records name are asked for"),
    ROW(NAPTR, NO_RECORDS, SRV, ASK_SRV_EACH, "RFC 3263 4.1",
        "no NAPTR record is of use: SRV records are asked for each transport that this server "
        "speaks"),
    ROW(NAPTR, ERROR, SRV, ASK_SRV_EACH, "RFC 3263 4.1",
        "the NAPTR records cannot be had: SRV records are asked for each transport that this "
        "server speaks"),
    ROW(NAPTR, BOGUS, FAILED, GIVE_UP, "RFC 4035 5.5",
        "the answer is false or malformed: nothing is built on it"),

    ROW(SRV, RECORDS, DONE, TAKE_SRV, "RFC 3263 4.2", "the SRV records name the servers"),
    ROW(SRV, NO_RECORDS, DONE, TAKE_HOST, "RFC 3263 4.2",
        "there are no SRV records: the addresses of the host are tried"),
    ROW(SRV, REFUSED, FAILED, GIVE_UP, "RFC 2782",
        "the SRV record's target is \".\": the domain does not offer the service"),
    ROW(SRV, ERROR, FAILED, GIVE_UP, "RFC 3263 4.2", "the SRV records cannot be had"),
    ROW(SRV, BOGUS, FAILED, GIVE_UP, "RFC 4035 5.5",
        "the answer is false or malformed: nothing is built on it"),
};

const struct locate_row *locate_row(enum locate_step step, enum locate_event event)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].step == step && rows[i].event == event)
            return &rows[i];
    }
    return NULL;
}

void locate_say(const struct locate_trace *trace, const char *section, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (trace == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    trace->say(trace->user, section, text);
}

static void use_until(struct locate *locate, uint64_t expires_ms)
{
    if (expires_ms < locate->expires_ms)
        locate->expires_ms = expires_ms;
}

/* ---- questions ---- */

static struct locate_question *ask(struct locate *locate, enum dns_type type, uint8_t transport)
{
    struct locate_question *question = &locate->questions[locate->question_count++];
    *question = (struct locate_question){.type = type, .transport = transport};
    locate->open++;
    return question;
}

static void ask_naptr(struct locate *locate)
{
    ask(locate, DNS_NAPTR, 0)->name = locate->input.host;
}

/* Section 4.1: "_sip._udp." and the like before the host. */
static void ask_srv(struct locate *locate, uint8_t transport)
{
    struct locate_question *question = ask(locate, DNS_SRV, transport);
    struct writer w;
    writer_init(&w, question->text, sizeof question->text);
    writer_put(&w, locate_srv_prefix(transport));
    writer_put(&w, locate->input.host);
    /* A name that has become too long exists nowhere: the answer will be that. */
    question->name = writer_status(&w) == 0 ? writer_slice(&w) : SLICE_NULL;
}

static void ask_srv_each(struct locate *locate)
{
    static const uint8_t plain[] = {TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_SCTP, TRANSPORT_TLS};
    static const uint8_t secure[] = {TRANSPORT_TLS};
    const uint8_t *transports = locate->input.secure ? secure : plain;
    size_t count = locate->input.secure ? sizeof secure : sizeof plain;
    for (size_t i = 0; i < count; i++) {
        if (locate_speaks(locate->speaks, transports[i]))
            ask_srv(locate, transports[i]);
    }
}

static void ask_srv_naptr(struct locate *locate)
{
    uint8_t transports[LOCATE_QUESTIONS_MAX];
    unsigned indexes[LOCATE_QUESTIONS_MAX];
    const struct dns_answer *naptr = locate->naptr;
    unsigned count = naptr != NULL ? locate_naptr_usable(locate, naptr, LOCATE_QUESTIONS_MAX,
                                                         transports, indexes)
                                   : 0;
    for (unsigned i = 0; i < count; i++)
        ask(locate, DNS_SRV, transports[i])->name = naptr->records[indexes[i]].naptr.replacement;
}

/* ---- places ---- */

static uint8_t transport_of_host(const struct locate *locate)
{
    if (locate->input.has_transport)
        return locate->input.transport;
    return locate_default_transport(locate->speaks, locate->input.secure);
}

/* Section 4.2: the port of the URI, or the default of the transport. The transport of an SRV query
 * that found nothing stays. */
static int take_host(struct locate *locate)
{
    const struct locate_input *input = &locate->input;
    struct locate_place *place = memory_zalloc(1, sizeof *place);
    if (place == NULL)
        return ERR_NO_MEMORY;
    place->transport = locate->naptr != NULL && locate->question_count > 0
                           ? locate->questions[0].transport
                           : transport_of_host(locate);
    place->port =
        input->port ? input->port : transport_default_port((enum transport)place->transport);
    place->address = input->address;
    if (!input->numeric)
        place->name = input->host;
    locate->places = place;
    locate->place_count = 1;
    return 0;
}

/* By rank; without weight before those with one (RFC 2782, the usage rules). */
static int compare_places(const void *a, const void *b)
{
    const struct locate_place *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    if ((left->weight == 0) != (right->weight == 0))
        return left->weight == 0 ? -1 : 1;
    return 0;
}

static bool of_use(const struct locate_question *question)
{
    return question->answer != NULL;
}

static void add_places(struct locate *locate, unsigned index)
{
    const struct locate_question *question = &locate->questions[index];
    const struct dns_answer *answer = question->answer;
    use_until(locate, answer->expires_ms);
    for (unsigned i = 0; i < answer->count; i++) {
        const struct dns_srv *srv = &answer->records[i].srv;
        if (srv->target.len == 0 || srv->port == 0)
            continue;
        struct locate_place *place = &locate->places[locate->place_count++];
        *place = (struct locate_place){
            .name = srv->target,
            .rank = (uint32_t)index << 16 | srv->priority,
            .weight = srv->weight,
            .port = srv->port,
            .transport = question->transport,
        };
        /* Not allowed, but clear enough. */
        if (address_parse_host(srv->target, 0, &place->address) == 0)
            place->name = SLICE_NULL;
    }
}

static int take_srv(struct locate *locate)
{
    size_t room = 0;
    for (unsigned i = 0; i < locate->question_count; i++)
        room += of_use(&locate->questions[i]) ? locate->questions[i].answer->count : 0;
    locate->places = memory_zalloc(room > 0 ? room : 1, sizeof *locate->places);
    if (locate->places == NULL)
        return ERR_NO_MEMORY;
    for (unsigned i = 0; i < locate->question_count; i++) {
        if (of_use(&locate->questions[i]))
            add_places(locate, i);
    }
    qsort(locate->places, locate->place_count, sizeof *locate->places, compare_places);
    if (locate->place_count > LOCATE_PLACES_MAX)
        locate->place_count = LOCATE_PLACES_MAX;
    return 0;
}

/* ---- steps ---- */

static void forget_questions(struct locate *locate)
{
    for (unsigned i = 0; i < locate->question_count; i++)
        dns_answer_unref(locate->questions[i].answer);
    locate->question_count = 0;
    locate->open = 0;
}

/* Why there is nothing, of the answers to this step's questions. */
static int status_of_answers(const struct locate *locate)
{
    int status = ERR_NOT_FOUND;
    for (unsigned i = 0; i < locate->question_count; i++) {
        int other = locate->questions[i].status;
        if (other < 0 && other != ERR_NOT_FOUND)
            status = other;
    }
    return status;
}

static int act(struct locate *locate, const struct locate_row *row)
{
    switch ((enum locate_action)row->action) {
    case LOCATE_TAKE_HOST: return take_host(locate);
    case LOCATE_TAKE_SRV: return take_srv(locate);
    case LOCATE_ASK_NAPTR: ask_naptr(locate); return 0;
    case LOCATE_ASK_SRV: ask_srv(locate, locate->input.transport); return 0;
    case LOCATE_ASK_SRV_NAPTR: ask_srv_naptr(locate); return 0;
    case LOCATE_ASK_SRV_EACH: ask_srv_each(locate); return 0;
    case LOCATE_GIVE_UP: break;
    }
    return row->event == LOCATE_IS_UNSPOKEN ? ERR_UNSUPPORTED : status_of_answers(locate);
}

static void step(struct locate *locate, enum locate_event event);

/* The answer to the NAPTR question is kept: the names of the next ones lie in it. */
static void keep_naptr(struct locate *locate)
{
    struct locate_question *question = &locate->questions[0];
    locate->naptr = question->answer;
    question->answer = NULL;
    if (locate->naptr != NULL)
        use_until(locate, locate->naptr->expires_ms);
    forget_questions(locate);
}

static void step(struct locate *locate, enum locate_event event)
{
    const struct locate_row *row = locate_row((enum locate_step)locate->step, event);
    locate_say(locate->trace, row->section, "%s", row->words);
    if (locate->step == LOCATE_NAPTR && row->next != LOCATE_FAILED)
        keep_naptr(locate);
    locate->step = row->next;
    int status = act(locate, row);
    if (status < 0) {
        locate->step = LOCATE_FAILED;
        locate->status = status;
    }
    /* Nothing to ask for: no transport of ours has SRV records. */
    if (locate->step == LOCATE_SRV && locate->open == 0)
        step(locate, LOCATE_NO_RECORDS);
}

static enum locate_event event_of_error(int status)
{
    if (status == ERR_NOT_FOUND)
        return LOCATE_NO_RECORDS;
    return status == ERR_INVALID ? LOCATE_BOGUS : LOCATE_ERROR;
}

static enum locate_event naptr_event(const struct locate *locate)
{
    const struct locate_question *question = &locate->questions[0];
    uint8_t transport;
    unsigned index;
    if (!of_use(question))
        return event_of_error(question->status);
    return locate_naptr_usable(locate, question->answer, 1, &transport, &index) > 0
               ? LOCATE_RECORDS
               : LOCATE_NO_RECORDS;
}

static bool has_target(const struct dns_answer *answer)
{
    for (unsigned i = 0; i < answer->count; i++) {
        if (answer->records[i].srv.target.len > 0 && answer->records[i].srv.port > 0)
            return true;
    }
    return false;
}

/* One answer with records is enough; without, the worst one counts. */
static enum locate_event srv_event(const struct locate *locate)
{
    enum locate_event worst = LOCATE_NO_RECORDS;
    for (unsigned i = 0; i < locate->question_count; i++) {
        const struct locate_question *question = &locate->questions[i];
        enum locate_event event = LOCATE_REFUSED;
        if (!of_use(question))
            event = event_of_error(question->status);
        else if (has_target(question->answer))
            return LOCATE_RECORDS;
        if (event > worst)
            worst = event;
    }
    return worst;
}

void locate_answer(struct locate *locate, unsigned i, const struct dns_answer *answer, int status)
{
    struct locate_question *question = &locate->questions[i];
    question->answered = true;
    question->status = answer != NULL ? answer->status : status;
    if (answer != NULL && answer->status == 0)
        question->answer = dns_answer_ref(answer);
    else if (answer != NULL)
        use_until(locate, answer->expires_ms);
    if (locate->trace != NULL)
        locate_explain_answer(locate, question, answer);
    if (--locate->open > 0)
        return;
    step(locate, locate->step == LOCATE_NAPTR ? naptr_event(locate) : srv_event(locate));
}

static enum locate_event first_event(const struct locate *locate)
{
    const struct locate_input *input = &locate->input;
    if (input->numeric)
        return LOCATE_IS_NUMERIC;
    if (!locate_speaks(locate->speaks, transport_of_host(locate)))
        return LOCATE_IS_UNSPOKEN;
    if (input->port != 0)
        return LOCATE_HAS_PORT;
    if (input->in_hosts)
        return LOCATE_IN_HOSTS;
    return input->has_transport ? LOCATE_HAS_TRANSPORT : LOCATE_HAS_NAME;
}

void locate_init(struct locate *locate, const struct locate_input *input,
                 const struct locate_speaks *speaks, const struct locate_trace *trace)
{
    locate->input = *input;
    locate->speaks = speaks;
    locate->trace = trace;
    locate->step = LOCATE_BEGIN;
    locate->status = 0;
    locate->naptr = NULL;
    locate->question_count = 0;
    locate->open = 0;
    locate->expires_ms = UINT64_MAX;
    locate->place_count = 0;
    locate->places = NULL;
    if (trace != NULL)
        locate_explain_input(locate);
    step(locate, first_event(locate));
}

void locate_done(struct locate *locate)
{
    forget_questions(locate);
    dns_answer_unref(locate->naptr);
    memory_free(locate->places);
    locate->places = NULL;
}
