/* The data of A, AAAA, SRV and NAPTR records. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/dns_answer.h"

#define LABEL_MAX 63

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* Letters, digits and hyphens (RFC 1123 section 2.1), and the underscore of service names. */
static bool is_host_char(unsigned char c)
{
    unsigned char lower = c | 0x20;
    return (lower >= 'a' && lower <= 'z') || is_digit(c) || c == '-' || c == '_';
}

int dns_name_check(struct slice name, struct slice *ret_name)
{
    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len == 0 || name.len > DNS_NAME_MAX)
        return ERR_INVALID;
    size_t label = 0;
    bool digits = true;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c == '.') {
            if (label == 0)
                return ERR_INVALID;
            label = 0;
            digits = true;
            continue;
        }
        if (!is_host_char(c) || ++label > LABEL_MAX)
            return ERR_INVALID;
        digits = digits && is_digit(c);
    }
    if (label == 0 || digits)
        return ERR_INVALID;
    *ret_name = name;
    return 0;
}

/* ---- wire format ---- */

static int take_u16(struct slice *data, uint16_t *ret_value)
{
    if (data->len < 2)
        return ERR_SYNTAX;
    const unsigned char *p = (const unsigned char *)data->ptr;
    *ret_value = (uint16_t)(p[0] << 8 | p[1]);
    *data = slice_from(*data, 2);
    return 0;
}

/* RFC 1035 section 3.3: a length byte and so many bytes. */
static int take_string(struct slice *data, struct slice *ret_string)
{
    if (data->len < 1)
        return ERR_SYNTAX;
    size_t len = (unsigned char)data->ptr[0];
    if (data->len < 1 + len)
        return ERR_SYNTAX;
    *ret_string = slice_of(data->ptr + 1, len);
    *data = slice_from(*data, 1 + len);
    return 0;
}

static int take_label(struct slice *data, char *text, size_t *length)
{
    struct slice label;
    /* Over 63: a compression pointer (section 4.1.4) or reserved. */
    if (data->len < 1 || (unsigned char)data->ptr[0] > LABEL_MAX || take_string(data, &label) < 0)
        return ERR_SYNTAX;
    if (label.len == 0)
        return 0;
    if (*length + (*length > 0) + label.len > DNS_NAME_MAX)
        return ERR_SYNTAX;
    for (size_t i = 0; i < label.len; i++) {
        if (!is_host_char((unsigned char)label.ptr[i]))
            return ERR_SYNTAX;
    }
    if (*length > 0)
        text[(*length)++] = '.';
    memcpy(text + *length, label.ptr, label.len);
    *length += label.len;
    return 1;
}

int dns_name_decode(struct slice *data, char *text)
{
    size_t length = 0;
    struct slice rest = *data;
    int status;
    while ((status = take_label(&rest, text, &length)) > 0) {
    }
    if (status < 0)
        return status;
    *data = rest;
    return (int)length;
}

/* ---- records ---- */

/* Where the texts of a block's records go. */
struct texts {
    char *at;
};

static struct slice keep(struct texts *texts, struct slice s)
{
    struct slice kept = slice_of(texts->at, s.len);
    if (s.len > 0)
        memcpy(texts->at, s.ptr, s.len);
    texts->at += s.len;
    return kept;
}

static int take_name(struct slice *data, struct texts *texts, struct slice *ret_name)
{
    char text[DNS_NAME_MAX];
    int length = dns_name_decode(data, text);
    if (length < 0)
        return length;
    *ret_name = keep(texts, slice_of(text, (size_t)length));
    return 0;
}

/* RFC 1035 section 3.4.1, RFC 3596 section 2.2. */
static int decode_address(struct slice data, struct address *address)
{
    memset(address, 0, sizeof(*address));
    if (data.len == 4) {
        address->in4.sin_family = AF_INET;
        memcpy(&address->in4.sin_addr, data.ptr, 4);
    } else {
        address->in6.sin6_family = AF_INET6;
        memcpy(&address->in6.sin6_addr, data.ptr, 16);
    }
    return 0;
}

/* RFC 2782: priority, weight, port, target. */
static int decode_srv(struct slice data, struct texts *texts, struct dns_srv *srv)
{
    int status = take_u16(&data, &srv->priority);
    if (status == 0)
        status = take_u16(&data, &srv->weight);
    if (status == 0)
        status = take_u16(&data, &srv->port);
    if (status == 0)
        status = take_name(&data, texts, &srv->target);
    return status == 0 && data.len > 0 ? ERR_SYNTAX : status;
}

/* RFC 3403 section 4.1: order, preference, flags, services, regexp, replacement. */
static int decode_naptr(struct slice data, struct texts *texts, struct dns_naptr *naptr)
{
    int status = take_u16(&data, &naptr->order);
    if (status == 0)
        status = take_u16(&data, &naptr->preference);
    if (status == 0)
        status = take_string(&data, &naptr->flags);
    if (status == 0)
        status = take_string(&data, &naptr->service);
    if (status == 0)
        status = take_string(&data, &naptr->regexp);
    if (status == 0)
        status = take_name(&data, texts, &naptr->replacement);
    if (status < 0 || data.len > 0)
        return ERR_SYNTAX;
    naptr->flags = keep(texts, naptr->flags);
    naptr->service = keep(texts, naptr->service);
    naptr->regexp = keep(texts, naptr->regexp);
    return 0;
}

static int decode_record(enum dns_type type, struct slice data, struct texts *texts,
                         struct dns_record *record)
{
    struct texts before = *texts;
    int status = ERR_SYNTAX;
    memset(record, 0, sizeof(*record));
    switch (type) {
    case DNS_A: status = data.len == 4 ? decode_address(data, &record->address) : ERR_SYNTAX; break;
    case DNS_AAAA:
        status = data.len == 16 ? decode_address(data, &record->address) : ERR_SYNTAX;
        break;
    case DNS_SRV: status = decode_srv(data, texts, &record->srv); break;
    case DNS_NAPTR: status = decode_naptr(data, texts, &record->naptr); break;
    }
    if (status < 0)
        *texts = before;
    return status;
}

/* ---- sets of records ---- */

struct place {
    uint32_t preference; /* lower is better */
    uint32_t index;      /* as it came */
};

/* RFC 2782: priority; RFC 3403 section 4.1: order, then preference. */
static uint32_t preference_of(enum dns_type type, struct slice data)
{
    uint16_t first = UINT16_MAX;
    uint16_t second = UINT16_MAX;
    if (type != DNS_SRV && type != DNS_NAPTR)
        return 0;
    if (take_u16(&data, &first) < 0 || (type == DNS_NAPTR && take_u16(&data, &second) < 0))
        return UINT32_MAX;
    return (uint32_t)first << 16 | (type == DNS_NAPTR ? second : 0u);
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    if (x->preference != y->preference)
        return x->preference < y->preference ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static struct place *places_new(enum dns_type type, const struct slice *data, size_t count)
{
    struct place *places = memory_alloc(count * sizeof(*places));
    if (places == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        places[i] = (struct place){preference_of(type, data[i]), (uint32_t)i};
    qsort(places, count, sizeof(*places), compare_places);
    return places;
}

/* The text of a record is never longer than its data. */
static size_t text_room(const struct place *places, const struct slice *data, size_t count)
{
    size_t room = 0;
    for (size_t i = 0; i < count; i++)
        room += data[places[i].index].len;
    return room;
}

int dns_decode(struct slice name, enum dns_type type, const struct slice *data, size_t count,
               struct dns_decoded *ret_decoded, struct dns_block **ret_block)
{
    struct dns_decoded decoded = {0, 0};
    struct place *places = places_new(type, data, count);
    if (places == NULL)
        return ERR_NO_MEMORY;
    bool addresses = type == DNS_A || type == DNS_AAAA;
    struct dns_block *block =
        dns_block_new(name, type, count < DNS_RECORDS_MAX ? count : DNS_RECORDS_MAX,
                      addresses ? 0 : text_room(places, data, count));
    if (block == NULL) {
        memory_free(places);
        return ERR_NO_MEMORY;
    }
    struct texts texts = {block->text};
    struct dns_answer *answer = &block->answer;
    for (size_t i = 0; i < count; i++) {
        if (answer->count == DNS_RECORDS_MAX)
            decoded.left_out++;
        else if (decode_record(type, data[places[i].index], &texts,
                               &block->records[answer->count]) == 0)
            answer->count++;
        else
            decoded.malformed++;
    }
    memory_free(places);
    answer->left_out = decoded.malformed + decoded.left_out;
    if (answer->count == 0)
        answer->status = ERR_INVALID;
    *ret_decoded = decoded;
    *ret_block = block;
    return 0;
}
