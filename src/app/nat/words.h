/* What has been found, for people and for programs. */
#ifndef APP_NAT_WORDS_H
#define APP_NAT_WORDS_H

#include <jansson.h>
#include <stdio.h>

#include "app/nat/nat.h"

/* Lines of "name  value". */
void nat_print(FILE *out, const struct nat_finding *finding);
/* A new reference, or NULL without memory. */
json_t *nat_json(const struct nat_finding *finding);

#endif
