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

int sip_branch_parse(struct slice text, struct sip_branch *ret_branch)
{
    struct sip_branch branch;
    uint64_t worker;
    if (text.len != SIP_BRANCH_LENGTH || !slice_starts_with_nocase(text, prefix))
        return ERR_NOT_FOUND;
    const char *at = text.ptr + prefix.len;
    if (at[18] != '.' || slice_hex_to_u64(slice_of(at, 2), &worker) != 0 ||
        slice_hex_to_u64(slice_of(at + 2, 16), &branch.key) != 0 ||
        slice_hex_to_u64(slice_of(at + 19, 16), &branch.loop) != 0)
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
