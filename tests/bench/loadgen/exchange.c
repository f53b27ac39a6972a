/* Modes register, register-auth and options: one request, one answer; with digest, twice. */
#include <string.h>

#include <stddef.h>

#include "clock.h"
#include "digest.h"
#include "parts.h"

enum request { REQUEST_OPTIONS, REQUEST_REGISTER, REQUEST_AUTHORIZED };

struct exchange {
    struct timer timer;
    uint64_t begun; /* the operation */
    uint64_t sent;  /* the present request, first time */
    uint32_t generation;
    uint32_t user;
    uint32_t cseq;
    bool busy;
    enum request request;
    size_t authorization_len;
    char authorization[640]; /* header line */
};

struct exchanges {
    struct slots slots;
    struct exchange *exchange; /* one per slot */
    uint64_t started;
    uint32_t first_cseq;
    struct digest *digest;
    char (*ha1)[DIGEST_HEX]; /* per user, of the algorithm `ha1_algorithm`; first byte 0: not
                                computed yet */
    enum digest_algorithm ha1_algorithm;
};

static void exchanges_open(struct engine *engine)
{
    const struct options *o = engine->options;
    struct exchanges *x = calloc(1, sizeof *x);
    if (x)
        x->exchange = calloc(o->window, sizeof *x->exchange);
    if (!x || !x->exchange)
        die("out of memory");
    slots_init(&x->slots, o->window);
    x->digest = digest_new();
    x->ha1 = calloc(o->users, sizeof *x->ha1);
    if (!x->ha1)
        die("out of memory");
    /* Higher than in every run before this one: a refresh has the Call-ID of the first (RFC 3261
     * section 10.2.4). */
    x->first_cseq = (uint32_t)(clock_ns(CLOCK_REALTIME) / (4 * MILLISECOND)) & 0x3fffffff;
    engine->state = x;
}

static void exchanges_close(struct engine *engine)
{
    struct exchanges *x = engine->state;
    slots_done(&x->slots);
    digest_free(x->digest);
    free(x->ha1);
    free(x->exchange);
    free(x);
}

static const char letters[] = {
    [REQUEST_OPTIONS] = 'o', [REQUEST_REGISTER] = 'r', [REQUEST_AUTHORIZED] = 's'};

static void request_uri(struct text *text, const struct engine *engine)
{
    text_add(text, "sip:");
    text_bytes(text, engine->options->domain, strlen(engine->options->domain));
}

static void write_head(struct text *text, const struct engine *engine, const struct exchange *e,
                       uint32_t slot)
{
    bool options = e->request == REQUEST_OPTIONS;
    if (options)
        text_add(text, "OPTIONS ");
    else
        text_add(text, "REGISTER ");
    request_uri(text, engine);
    text_add(text, " SIP/2.0\r\n");
    part_via(text, engine, engine_source(engine, e->user),
             (struct branch){slot, e->generation, letters[e->request]});
    text_add(text, "From: <sip:");
    part_aor(text, engine, e->user);
    text_add(text, ">;tag=");
    text_hex(text, slot);
    text_hex(text, e->generation);
    text_add(text, "\r\nTo: <sip:");
    part_aor(text, engine, e->user);
    text_add(text, ">\r\nCall-ID: ");
    text_hex(text, e->user * 2654435761U);
    text_add(text, "-reg-");
    part_user(text, e->user);
    text_add(text, "@127.0.0.1\r\nCSeq: ");
    text_decimal(text, e->cseq, 1);
    if (options)
        text_add(text, " OPTIONS\r\n");
    else
        text_add(text, " REGISTER\r\n");
}

static void request_send(struct engine *engine, struct exchange *e, uint32_t slot)
{
    static const enum stats_kind kinds[] = {[REQUEST_OPTIONS] = KIND_OPTIONS,
                                            [REQUEST_REGISTER] = KIND_REGISTER,
                                            [REQUEST_AUTHORIZED] = KIND_REGISTER_AUTH};
    unsigned source = engine_source(engine, e->user);
    struct text text = net_buffer(engine->net, source);
    write_head(&text, engine, e, slot);
    text_add(&text, "Contact: <");
    part_contact_uri(&text, engine, e->user);
    text_add(&text, ">\r\n");
    if (e->request == REQUEST_AUTHORIZED)
        text_bytes(&text, e->authorization, e->authorization_len);
    if (e->request == REQUEST_OPTIONS) {
        text_add(&text, "Accept: application/sdp\r\n");
    } else {
        text_add(&text, "Expires: ");
        text_decimal(&text, engine->options->expires, 1);
        text_add(&text, "\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n");
    }
    text_add(&text, "User-Agent: loadgen 1.0 (bench)\r\nContent-Length: 0\r\n\r\n");
    stats_sent(&engine->stats, kinds[e->request], net_send(engine->net, source, &text, NULL));
}

/* A new request, not a retransmission. */
static void request_begin(struct engine *engine, struct exchange *e, uint32_t slot)
{
    e->sent = engine->now;
    request_send(engine, e, slot);
    timer_start(&engine->timers, &e->timer,
                engine->options->resend ? TIMER_RESEND_0 : TIMER_PATIENCE, engine->now);
}

static void exchange_start(struct engine *engine, enum request request)
{
    struct exchanges *x = engine->state;
    const struct options *o = engine->options;
    uint32_t slot = slots_take(&x->slots);
    struct exchange *e = &x->exchange[slot];
    e->generation++;
    e->busy = true;
    e->user = o->first + (uint32_t)((unsigned __int128)x->started * o->stride % o->users);
    e->cseq = x->first_cseq + 2 * (uint32_t)(x->started / o->users);
    e->begun = engine->now;
    e->request = request;
    x->started++;
    request_begin(engine, e, slot);
}

static void register_start(struct engine *engine)
{
    exchange_start(engine, REQUEST_REGISTER);
}

static void options_start(struct engine *engine)
{
    exchange_start(engine, REQUEST_OPTIONS);
}

/* Frees the slot; status 200 is success, 0 a time-out. */
static void exchange_end(struct engine *engine, uint32_t slot, unsigned status)
{
    struct exchanges *x = engine->state;
    struct exchange *e = &x->exchange[slot];
    timer_stop(&e->timer);
    e->busy = false;
    slots_give(&x->slots, slot);
    if (status == 200) {
        histogram_add(&engine->stats.latency[LATENCY_ANSWER], clock_now() - e->begun);
        engine_done(engine);
    } else {
        engine_failed(engine, status);
    }
}

static bool challenge_choose(const struct engine *engine, const struct message *m,
                             struct digest_challenge *ret)
{
    const char *wanted = engine->options->algorithm;
    for (unsigned i = 0; i < m->line_count; i++) {
        if (m->lines[i].header != HEADER_AUTHENTICATE ||
            !digest_challenge_read(m->lines[i].value, ret))
            continue;
        if (!wanted || (strcmp(wanted, "MD5") == 0) == (ret->algorithm == DIGEST_MD5))
            return true;
    }
    return false;
}

/* H(user:realm:password), kept for the next time (RFC 7616 section 3.4.2). */
static struct span ha1_of(struct engine *engine, const struct digest_challenge *c, struct span user,
                          uint32_t index)
{
    struct exchanges *x = engine->state;
    size_t len = c->algorithm == DIGEST_MD5 ? 32 : 64;
    if (x->ha1_algorithm != c->algorithm)
        memset(x->ha1, 0, engine->options->users * sizeof *x->ha1);
    x->ha1_algorithm = c->algorithm;
    if (!x->ha1[index][0]) {
        struct span password = {engine->options->password, strlen(engine->options->password)};
        struct span parts[] = {user, c->realm, password};
        len = digest_hash(x->digest, c->algorithm, parts, 3, x->ha1[index]);
    }
    return (struct span){x->ha1[index], len};
}

static bool authorize(struct engine *engine, struct exchange *e, const struct message *m)
{
    struct exchanges *x = engine->state;
    struct digest_challenge challenge;
    if (!challenge_choose(engine, m, &challenge))
        return false;
    char user_buf[16], uri_buf[128], cnonce_buf[8];
    struct text user = text_init(user_buf, sizeof user_buf);
    struct text uri = text_init(uri_buf, sizeof uri_buf);
    struct text cnonce = text_init(cnonce_buf, sizeof cnonce_buf);
    struct text line = text_init(e->authorization, sizeof e->authorization);
    part_user(&user, e->user);
    request_uri(&uri, engine);
    text_hex(&cnonce, e->generation * 2654435761U ^ engine->salt);
    struct digest_answer answer = {.user = text_span(&user),
                                   .method = SPAN("REGISTER"),
                                   .uri = text_span(&uri),
                                   .cnonce = text_span(&cnonce)};
    answer.ha1 = ha1_of(engine, &challenge, answer.user, e->user - engine->options->first);
    digest_authorize(x->digest, &challenge, &answer, &line);
    e->authorization_len = text_len(&line);
    return !line.full;
}

static void on_unauthorized(struct engine *engine, struct exchange *e, const struct message *m,
                            uint32_t slot)
{
    if (!authorize(engine, e, m)) {
        stats_wrong(&engine->stats, WRONG_CHALLENGE, m->whole);
        exchange_end(engine, slot, 401);
        return;
    }
    e->request = REQUEST_AUTHORIZED;
    e->cseq++;
    request_begin(engine, e, slot);
}

static void check_answer(struct engine *engine, const struct exchange *e, const struct message *m)
{
    if (!part_single_via(m))
        stats_wrong(&engine->stats, WRONG_VIA, m->whole);
    if (m->cseq != e->cseq)
        stats_wrong(&engine->stats, WRONG_CSEQ, m->whole);
    if (m->status > 100 && !scan_parameter(m->first[HEADER_TO], SPAN("tag=")).len)
        stats_wrong(&engine->stats, WRONG_TAG, m->whole);
    if (m->status == 200 && e->request != REQUEST_OPTIONS &&
        !part_contact_present(engine, m, e->user))
        stats_wrong(&engine->stats, WRONG_CONTACT, m->whole);
}

static void count_answer(struct engine *engine, const struct exchange *e, const struct message *m)
{
    enum stats_kind kind = KIND_OTHER;
    if (m->status == 200)
        kind = e->request == REQUEST_OPTIONS ? KIND_OPTIONS_200 : KIND_REGISTER_200;
    else if (m->status == 401)
        kind = KIND_REGISTER_401;
    stats_received(&engine->stats, kind, m->whole.len);
    if (m->status == 503 && span_search(m->whole, SPAN("\nRetry-After:")) >= 0)
        engine->stats.retry_after++;
}

static void exchange_on_datagram(struct engine *engine, const struct net_datagram *d)
{
    static struct message m;
    struct exchanges *x = engine->state;
    struct branch branch;
    if (!scan_message(d->ptr, d->len, &m)) {
        stats_wrong(&engine->stats, WRONG_MESSAGE, (struct span){d->ptr, d->len});
        return;
    }
    struct exchange *e = NULL;
    if (m.status && part_branch_read(&m, &branch) && branch.slot < engine->options->window)
        e = &x->exchange[branch.slot];
    if (!e || !e->busy || e->generation != branch.generation ||
        letters[e->request] != branch.letter) {
        engine->stats.stray++;
        return;
    }
    count_answer(engine, e, &m);
    check_answer(engine, e, &m);
    if (m.status < 200)
        return;
    if (m.status == 401 && e->request == REQUEST_REGISTER && engine->mode == &mode_register_auth)
        on_unauthorized(engine, e, &m, branch.slot);
    else
        exchange_end(engine, branch.slot, m.status);
}

/* Retransmits as the non-INVITE client transaction does (RFC 3261 section 17.1.2.2, timers E and
 * F). */
static void exchange_on_timer(struct engine *engine, struct timer *timer)
{
    struct exchanges *x = engine->state;
    struct exchange *e = (struct exchange *)((char *)timer - offsetof(struct exchange, timer));
    uint32_t slot = (uint32_t)(e - x->exchange);
    if (timer->class == TIMER_PATIENCE || engine->now - e->sent >= engine->options->give_up) {
        exchange_end(engine, slot, 0);
        return;
    }
    engine->stats.resent++;
    request_send(engine, e, slot);
    timer_start(&engine->timers, timer,
                timer->class < TIMER_RESEND_3 ? timer->class + 1 : TIMER_RESEND_3, engine->now);
}

#define MODE(id, text, starter)                                                                    \
    const struct mode id = {.name = text,                                                          \
                            .open = exchanges_open,                                                \
                            .close = exchanges_close,                                              \
                            .start = starter,                                                      \
                            .on_datagram = exchange_on_datagram,                                   \
                            .on_timer = exchange_on_timer}

MODE(mode_register, "register", register_start);
MODE(mode_register_auth, "register-auth", register_start);
MODE(mode_options, "options", options_start);
