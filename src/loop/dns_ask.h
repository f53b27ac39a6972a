/* The real way out of dns.c. */
#ifndef LOOP_DNS_ASK_H
#define LOOP_DNS_ASK_H

#include "loop/dns_private.h"

/* Nothing is opened before the first question. ERR_NO_MEMORY. */
int dns_ask_new(struct loop *loop, struct dns_ask **ret_ask);

#endif
