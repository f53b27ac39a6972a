#include "sip/message/product.h"

#include "base/error.h"
#include "sip/message/chars.h"

/* product = token [SLASH product-version], LWS allowed around the slash. */
static int take_product(const char **at, const char *end, struct sip_product *product)
{
    const char *past = sip_span(*at, end, SIP_CHAR_TOKEN);
    if (past == *at) {
        return ERR_SYNTAX;
    }
    product->name = slice_between(*at, past);
    *at = past;
    const char *slash = sip_past_lws(past, end);
    if (slash == end || *slash != '/') {
        return 0;
    }
    const char *version = sip_past_lws(slash + 1, end);
    past = sip_span(version, end, SIP_CHAR_TOKEN);
    if (past == version) {
        return ERR_SYNTAX;
    }
    product->version = slice_between(version, past);
    *at = past;
    return 0;
}

int sip_product_next(struct slice *rest, struct sip_product *ret_product)
{
    if (rest->len == 0) {
        return 0;
    }
    const char *end = rest->ptr + rest->len;
    const char *at = sip_past_lws(rest->ptr, end);
    if (at == end) {
        *rest = slice_between(end, end);
        return 0;
    }
    struct sip_product product = {0};
    int length = sip_comment_length(slice_between(at, end));
    if (length < 0) {
        return length;
    }
    if (length > 0) {
        product.comment = slice_of(at, (size_t)length);
        at += length;
    } else if (take_product(&at, end, &product) < 0) {
        return ERR_SYNTAX;
    }
    /* server-val *(LWS server-val) */
    if (at < end && sip_past_lws(at, end) == at) {
        return ERR_SYNTAX;
    }
    *rest = slice_between(at, end);
    *ret_product = product;
    return 1;
}

void sip_product_write(struct writer *w, const struct sip_product *product)
{
    writer_put(w, product->name);
    if (product->version.len > 0) {
        writer_char(w, '/');
        writer_put(w, product->version);
    }
    writer_put(w, product->comment);
}
