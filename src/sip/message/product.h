/* User-Agent and Server: products and comments. RFC 3261 sections 20.35, 20.41, 25.1. */
#ifndef SIP_MESSAGE_PRODUCT_H
#define SIP_MESSAGE_PRODUCT_H

#include "sip/message/param.h"

/* Either a product or a comment. */
struct sip_product {
    struct slice name;
    struct slice version; /* after the slash; empty when there is none */
    struct slice comment; /* with its parentheses */
};

/* Cuts the next one off *rest. >0 one was read, 0 the end, ERR_SYNTAX. Many phones do not keep to
 * the grammar here; their header is passed on all the same. */
int sip_product_next(struct slice *rest, struct sip_product *ret_product);
void sip_product_write(struct writer *w, const struct sip_product *product);

#endif
