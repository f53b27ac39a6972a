#include "unit/stack/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/error.h"

#define WAITING_MAX 64
#define TEXT_MAX    4096

struct answer {
    struct dns_answer public;
    unsigned refs;
    struct dns_record records[DNS_RECORDS_MAX];
    char text[DNS_RECORDS_MAX * 64];
    size_t used;
};

struct dns_query {
    bool open;
    char name[DNS_NAME_MAX + 1];
    enum dns_type type;
    dns_fn *done;
    void *user;
    struct loop *loop;
};

static const char *const *zone;
static unsigned held;
static unsigned asked;
static long references;
static struct dns_query queries[WAITING_MAX];

void zone_set(const char *const *lines)
{
    zone = lines;
    held = 0;
    asked = 0;
}

void zone_hold(unsigned type)
{
    held = type;
}

unsigned zone_asked(void)
{
    return asked;
}

unsigned zone_waiting(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < WAITING_MAX; i++)
        count += queries[i].open;
    return count;
}

long zone_references(void)
{
    return references;
}

static struct slice keep(struct answer *answer, const char *text)
{
    size_t len = strcmp(text, "-") == 0 || strcmp(text, ".") == 0 ? 0 : strlen(text);
    char *at = answer->text + answer->used;
    memcpy(at, text, len);
    answer->used += len;
    return slice_of(at, len);
}

static const char *type_name(enum dns_type type)
{
    switch (type) {
    case DNS_A: return "A";
    case DNS_AAAA: return "AAAA";
    case DNS_SRV: return "SRV";
    default: return "NAPTR";
    }
}

static void add_record(struct answer *answer, enum dns_type type, char *data)
{
    struct dns_record *record = &answer->records[answer->public.count++];
    char words[6][64];
    unsigned a = 0, b = 0, c = 0;
    if (type == DNS_A || type == DNS_AAAA) {
        (void)address_parse_host(slice_from_string(data), 0, &record->address);
    } else if (type == DNS_SRV) {
        (void)sscanf(data, "%u %u %u %63s", &a, &b, &c, words[0]);
        record->srv =
            (struct dns_srv){(uint16_t)a, (uint16_t)b, (uint16_t)c, keep(answer, words[0])};
    } else {
        (void)sscanf(data, "%u %u %63s %63s %63s %63s", &a, &b, words[0], words[1], words[2],
                     words[3]);
        record->naptr = (struct dns_naptr){(uint16_t)a,
                                           (uint16_t)b,
                                           keep(answer, words[0]),
                                           keep(answer, words[1]),
                                           keep(answer, words[2]),
                                           keep(answer, words[3])};
    }
}

static void read_line(struct answer *answer, const char *line, const char *name, enum dns_type type,
                      uint64_t now)
{
    char owner[64], kind[16], data[256] = "";
    unsigned ttl;
    if (sscanf(line, "%63s %u %15s %255[^\n]", owner, &ttl, kind, data) < 3 ||
        strcasecmp(owner, name) != 0)
        return;
    if (strcmp(kind, "FAIL") == 0 && strcmp(data, type_name(type)) == 0)
        answer->public.status = ERR_UNREACHABLE;
    if (strcmp(kind, "BOGUS") == 0 && strcmp(data, type_name(type)) == 0)
        answer->public.status = ERR_INVALID;
    if (strcmp(kind, type_name(type)) != 0)
        return;
    answer->public.status = 0;
    answer->public.expires_ms = now + ttl * UINT64_C(1000);
    add_record(answer, type, data);
}

static struct answer *make(struct loop *loop, const char *name, enum dns_type type)
{
    struct answer *answer = calloc(1, sizeof *answer);
    answer->refs = 1;
    references++;
    answer->public.type = type;
    answer->public.status = ERR_NOT_FOUND;
    answer->public.records = answer->records;
    answer->public.expires_ms = loop_now_ms(loop) + 1000;
    for (unsigned i = 0; zone != NULL && zone[i] != NULL; i++)
        read_line(answer, zone[i], name, type, loop_now_ms(loop));
    return answer;
}

const struct dns_answer *__wrap_dns_answer_ref(const struct dns_answer *answer);
void __wrap_dns_answer_unref(const struct dns_answer *answer);
int __wrap_dns_lookup(struct loop *loop, struct slice name, enum dns_type type, dns_fn *done,
                      void *user, const struct dns_answer **ret_answer,
                      struct dns_query **ret_query);
void __wrap_dns_cancel(struct dns_query *query);
bool __wrap_dns_in_hosts(struct loop *loop, struct slice name);

const struct dns_answer *__wrap_dns_answer_ref(const struct dns_answer *answer)
{
    ((struct answer *)(uintptr_t)answer)->refs++;
    references++;
    return answer;
}

void __wrap_dns_answer_unref(const struct dns_answer *answer)
{
    struct answer *own = (struct answer *)(uintptr_t)answer;
    if (own == NULL)
        return;
    references--;
    if (--own->refs == 0)
        free(own);
}

/* What the cache would own: kept until the next question. */
static struct answer *last;

static void forget_last(void)
{
    if (last != NULL)
        __wrap_dns_answer_unref(&last->public);
    last = NULL;
}

int __wrap_dns_lookup(struct loop *loop, struct slice name, enum dns_type type, dns_fn *done,
                      void *user, const struct dns_answer **ret_answer,
                      struct dns_query **ret_query)
{
    char text[DNS_NAME_MAX + 1];
    forget_last();
    asked++;
    if (name.len == 0 || name.len > DNS_NAME_MAX)
        return ERR_INVALID;
    (void)slice_to_string(name, text, sizeof text);
    if (held != type) {
        last = make(loop, text, type);
        *ret_answer = &last->public;
        return 1;
    }
    for (unsigned i = 0; i < WAITING_MAX; i++) {
        if (queries[i].open)
            continue;
        queries[i] = (struct dns_query){
            .open = true, .type = type, .done = done, .user = user, .loop = loop};
        memcpy(queries[i].name, text, sizeof text);
        *ret_query = &queries[i];
        return 0;
    }
    return ERR_LIMIT;
}

void __wrap_dns_cancel(struct dns_query *query)
{
    if (query != NULL)
        query->open = false;
}

bool __wrap_dns_in_hosts(struct loop *loop, struct slice name)
{
    char owner[64], kind[16];
    unsigned ttl;
    (void)loop;
    for (unsigned i = 0; zone != NULL && zone[i] != NULL; i++) {
        if (sscanf(zone[i], "%63s %u %15s", owner, &ttl, kind) == 3 && strcmp(kind, "HOSTS") == 0 &&
            slice_equal_nocase(slice_from_string(owner), name))
            return true;
    }
    return false;
}

unsigned zone_answer(const char *name, enum dns_type type)
{
    unsigned count = 0;
    forget_last();
    for (unsigned i = 0; i < WAITING_MAX; i++) {
        struct dns_query query = queries[i];
        if (!query.open || query.type != type || strcasecmp(query.name, name) != 0)
            continue;
        queries[i].open = false;
        struct answer *answer = make(query.loop, query.name, type);
        query.done(query.user, &answer->public);
        __wrap_dns_answer_unref(&answer->public);
        count++;
    }
    return count;
}
