/* The way out of loop/dns.c into the world's names: what libunbound is in the real loop. Records go
 * through the same decoding as real ones. */
#include "loop/dns_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "sim/world/sim_loop.h"

#define UNKNOWN_US  20000
#define RECORDS_MAX 512

struct asked {
    struct sim_event event;
    struct list link;
    struct dns_ask *ask;
    struct dns_question *question;
};

struct dns_ask {
    struct loop *loop;
    struct list asked;
};

/* ---- what the world knows ---- */

static void put_u16(struct writer *w, unsigned value)
{
    writer_char(w, (char)(value >> 8));
    writer_char(w, (char)value);
}

static void put_string(struct writer *w, struct slice s)
{
    writer_char(w, (char)s.len);
    writer_put(w, s);
}

static void put_name(struct writer *w, struct slice name)
{
    while (name.len > 0)
        put_string(w, slice_cut(&name, '.'));
    writer_char(w, 0);
}

/* A word, or what stands in quotes. */
static struct slice take_word(struct slice *text)
{
    *text = slice_trim(*text);
    if (text->len == 0 || text->ptr[0] != '"')
        return slice_cut(text, ' ');
    *text = slice_from(*text, 1);
    return slice_cut(text, '"');
}

static unsigned take_number(struct slice *text)
{
    uint32_t value = 0;
    int status = slice_to_u32(take_word(text), UINT16_MAX, &value);
    assert(status == 0);
    (void)status;
    return value;
}

static enum dns_type write_data(struct writer *w, struct slice kind, struct slice text)
{
    if (slice_equal(kind, SLICE("SRV"))) {
        for (unsigned i = 0; i < 3; i++)
            put_u16(w, take_number(&text));
        put_name(w, take_word(&text));
        return DNS_SRV;
    }
    if (slice_equal(kind, SLICE("NAPTR"))) {
        for (unsigned i = 0; i < 2; i++)
            put_u16(w, take_number(&text));
        for (unsigned i = 0; i < 3; i++)
            put_string(w, take_word(&text));
        put_name(w, take_word(&text));
        return DNS_NAPTR;
    }
    struct address address;
    int status = address_parse_host(take_word(&text), 0, &address);
    assert(status == 0 && (kind.len == 1 || kind.len == 4));
    (void)status;
    if (address_is_v6(&address))
        writer_bytes(w, &address.in6.sin6_addr, 16);
    else
        writer_bytes(w, &address.in4.sin_addr, 4);
    return address_is_v6(&address) ? DNS_AAAA : DNS_A;
}

void sim_dns_add(struct sim_world *world, const char *name, const char *text)
{
    struct sim_record *record = calloc(1, sizeof(*record));
    struct slice rest = slice_from_string(text);
    struct slice kind = take_word(&rest);
    struct writer w;
    assert(record != NULL);
    writer_init(&w, record->data, sizeof(record->data));
    record->type = (unsigned)write_data(&w, kind, rest);
    record->len = writer_length(&w);
    assert(!w.overflow);
    list_append(&sim_name_of(world, name)->records, &record->node);
}

/* ---- asking ---- */

static size_t find_records(const struct sim_name *name, enum dns_type type, struct slice *data)
{
    size_t count = 0;
    list_for_each(node, &name->records)
    {
        struct sim_record *record = container_of(node, struct sim_record, node);
        if (record->type == (unsigned)type && count < RECORDS_MAX)
            data[count++] = slice_of(record->data, record->len);
    }
    return count;
}

static void on_answer(struct sim_event *event)
{
    struct asked *asked = container_of(event, struct asked, event);
    struct dns_question *question = asked->question;
    struct loop *loop = asked->ask->loop;
    struct slice text = dns_question_name(question);
    const struct sim_name *name = sim_name_find(loop->world, text.ptr, text.len);
    struct slice data[RECORDS_MAX];
    struct dns_result result = {.status = name != NULL ? name->status : ERR_NOT_FOUND,
                                .ttl_s = loop->world->dns_ttl_s,
                                .data = data};
    if (result.status == 0)
        result.count = find_records(name, question->failure->answer.type, data);
    list_remove(&asked->link);
    free(asked);
    dns_on_result(question, &result);
    sim_loop_wake(loop);
}

int dns_ask_start(struct dns_ask *ask, struct dns_question *question)
{
    struct slice text = dns_question_name(question);
    const struct sim_name *name = sim_name_find(ask->loop->world, text.ptr, text.len);
    struct asked *asked = calloc(1, sizeof(*asked));
    if (asked == NULL)
        return ERR_NO_MEMORY;
    asked->ask = ask;
    asked->question = question;
    list_append(&ask->asked, &asked->link);
    sim_event_init(&asked->event, on_answer);
    if (name == NULL || name->status != ERR_TIMEOUT)
        sim_event_after(&ask->loop->world->events, &asked->event,
                        name != NULL ? name->delay_us : UNKNOWN_US);
    return 0;
}

static void asked_free(struct asked *asked)
{
    sim_event_cancel(&asked->ask->loop->world->events, &asked->event);
    list_remove(&asked->link);
    free(asked);
}

void dns_ask_cancel(struct dns_ask *ask, struct dns_question *question)
{
    list_for_each_safe(link, &ask->asked)
    {
        struct asked *asked = container_of(link, struct asked, link);
        if (asked->question == question)
            asked_free(asked);
    }
}

void dns_ask_configure(struct dns_ask *ask, const struct dns_config *config)
{
    (void)config;
    list_for_each_safe(link, &ask->asked) asked_free(container_of(link, struct asked, link));
}

bool dns_ask_changed(struct dns_ask *ask)
{
    (void)ask;
    return false;
}

void dns_ask_free(struct dns_ask *ask)
{
    dns_ask_configure(ask, NULL);
    free(ask);
}

/* ---- the loop's ---- */

int dns_check(const struct dns_config *config)
{
    (void)config;
    return 0;
}

struct dns *loop_dns(const struct loop *loop)
{
    return loop->dns;
}

int sim_dns_open(struct loop *loop)
{
    struct dns_ask *ask = calloc(1, sizeof(*ask));
    if (ask == NULL)
        return ERR_NO_MEMORY;
    ask->loop = loop;
    list_init(&ask->asked);
    int status = dns_new(loop, ask, &loop->dns);
    if (status < 0)
        free(ask);
    return status;
}
