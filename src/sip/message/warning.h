/* Warning. RFC 3261 section 20.43. */
#ifndef SIP_MESSAGE_WARNING_H
#define SIP_MESSAGE_WARNING_H

#include "sip/message/param.h"

struct sip_warning {
    uint16_t code;      /* 3 digits */
    struct slice agent; /* host[:port] or a pseudonym */
    struct slice text;  /* with its quotes */
};

/* One value. ERR_SYNTAX. */
int sip_warning_parse(struct slice value, struct sip_warning *ret_warning);
void sip_warning_write(struct writer *w, const struct sip_warning *warning);

#endif
