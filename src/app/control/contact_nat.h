/* What is known of the NAT that a registered phone is behind, for people and programs. */
#ifndef APP_CONTROL_CONTACT_NAT_H
#define APP_CONTROL_CONTACT_NAT_H

#include <jansson.h>

#include "service/location/mapping.h"

/* An object; "text" is a sentence. others: all bindings of the user. NULL without memory. */
json_t *contact_nat_json(const struct binding *binding, const struct binding *const *others,
                         unsigned count);

#endif
