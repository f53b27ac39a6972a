/* Finds our outside address: as configured, by looking up a name, or by asking STUN servers. */
#ifndef APP_OUTSIDE_FIND_H
#define APP_OUTSIDE_FIND_H

#include <stdatomic.h>

#include "app/config/config.h"

struct outside_found {
    struct outside_host hosts[OUTSIDE_FAMILIES];
    bool failed[OUTSIDE_FAMILIES];  /* somebody was asked, and there is no answer */
    char by[OUTSIDE_FAMILIES][300]; /* the name, or the STUN server; empty for others */
};

/* Can it change while the configuration stays? */
bool outside_changes(const struct app_config *config);
/* Waits for DNS and STUN, some seconds at most. What is not known, or is an address of this
 * machine, has the source OUTSIDE_INTERFACES. cancel: borrowed; true ends it; may be NULL. */
void outside_find(const struct app_config *config, struct log *log, const _Atomic bool *cancel,
                  struct outside_found *ret_found);
/* The networks of outside.local, else the private ones of the interfaces; returns how many. */
unsigned outside_find_local(const struct app_config *config, struct network ret[OUTSIDE_LOCAL_MAX]);
/* "by STUN of stun.example.org", "as configured", ... into buf (at least 340 bytes); returns buf.
 */
const char *outside_source_text(const struct outside_found *found, enum outside_family family,
                                char *buf, size_t size);

#endif
