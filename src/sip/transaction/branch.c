/* Our branches. The worker and the key find the client transaction of a response, on whichever
 * worker it arrives; the loop part tells a loop from a spiral (RFC 5393 section 4.2). */
#include "base/error.h"
#include "sip/transaction/transaction.h"

static const struct slice prefix = SLICE_LITERAL(SIP_BRANCH_MAGIC "tz");

void sip_branch_write(struct writer *w, const struct sip_branch *branch)
{
    writer_put(w, prefix);
    writer_hex(w, branch->worker, 2);
    writer_hex(w, branch->key, 16);
    writer_char(w, '.');
    writer_hex(w, branch->loop, 16);
}

/* Exactly digits hexadecimal digits at at. */
static bool read_hex(const char *at, unsigned digits, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < digits; i++) {
        char c = at[i];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (unsigned)((c | 0x20) - 'a') + 10;
        else
            return false;
        value = value << 4 | digit;
    }
    *ret_value = value;
    return true;
}

int sip_branch_parse(struct slice text, struct sip_branch *ret_branch)
{
    struct sip_branch branch;
    uint64_t worker;
    if (text.len != SIP_BRANCH_LENGTH || !slice_starts_with_nocase(text, prefix))
        return ERR_NOT_FOUND;
    const char *at = text.ptr + prefix.len;
    if (!read_hex(at, 2, &worker) || !read_hex(at + 2, 16, &branch.key) || at[18] != '.' ||
        !read_hex(at + 19, 16, &branch.loop))
        return ERR_NOT_FOUND;
    branch.worker = (uint8_t)worker;
    *ret_branch = branch;
    return 0;
}

struct sip_branch sip_branch_new(struct sip_transactions *t, uint64_t loop)
{
    return (struct sip_branch){
        .worker = t->config.worker, .key = random_u64(t->random), .loop = loop};
}
