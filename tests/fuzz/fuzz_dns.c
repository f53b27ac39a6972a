/* Data of DNS records, as a server may send it. The first byte is the type, the next ones the
 * lengths of the records' data. What comes out is within bounds, in order, and made of host names.
 */
#include "fuzz/require.h"
#include "loop/dns_answer.h"

#define RECORDS_MAX 600

static void require_name(struct slice name)
{
    struct slice whole;
    require(name.len <= DNS_NAME_MAX);
    /* A last label of digits is no host name to ask for, but may stand in a record. */
    if (name.len > 0 && dns_name_check(name, &whole) == 0)
        require(slice_equal(whole, name));
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        require(c == '.' || c == '-' || c == '_' || (c >= '0' && c <= '9') ||
                ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'));
    }
}

static uint32_t require_record(enum dns_type type, const struct dns_record *record)
{
    if (type == DNS_SRV) {
        require_name(record->srv.target);
        return record->srv.priority;
    }
    if (type == DNS_NAPTR) {
        const struct dns_naptr *naptr = &record->naptr;
        require(naptr->flags.len < 256 && naptr->service.len < 256 && naptr->regexp.len < 256);
        require_name(naptr->replacement);
        return (uint32_t)naptr->order << 16 | naptr->preference;
    }
    require(address_is_v6(&record->address) == (type == DNS_AAAA));
    return 0;
}

static void require_answer(const struct dns_answer *answer, size_t count)
{
    uint32_t before = 0;
    require(answer->count <= DNS_RECORDS_MAX && answer->count + answer->left_out == count);
    require((answer->status == 0) == (answer->count > 0));
    for (unsigned i = 0; i < answer->count; i++) {
        uint32_t now = require_record(answer->type, &answer->records[i]);
        require(now >= before);
        before = now;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR};
    static struct slice records[RECORDS_MAX];
    size_t count = 0;
    struct dns_decoded decoded;
    struct dns_block *block;
    if (size < 2)
        return 0;
    enum dns_type type = types[data[0] % 4];
    struct slice rest = slice_of((const char *)data + 1, size - 1);
    while (rest.len > 0 && count < RECORDS_MAX) {
        size_t len = (unsigned char)rest.ptr[0];
        rest = slice_from(rest, 1);
        len = len < rest.len ? len : rest.len;
        char *copy = malloc(len + (len == 0));
        require(copy != NULL);
        if (len > 0)
            memcpy(copy, rest.ptr, len);
        records[count++] = slice_of(copy, len);
        rest = slice_from(rest, len);
    }
    int status = dns_decode(SLICE("example.com"), type, records, count, &decoded, &block);
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)records[i].ptr);
    require(status == 0);
    require_answer(&block->answer, count);
    dns_answer_unref(&block->answer);
    return 0;
}
