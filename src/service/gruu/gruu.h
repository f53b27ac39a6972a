/* GRUUs (RFC 5627): URIs that lead to one instance of a user. A public one is the address-of-record
 * with the instance in "gr"; a temporary one holds both encrypted. Nothing is remembered: the
 * bindings say whether a GRUU is valid. One thread per object. */
#ifndef SERVICE_GRUU_GRUU_H
#define SERVICE_GRUU_GRUU_H

#include "base/arena.h"
#include "base/random.h"
#include "service/location/location.h"

#define GRUU_KEY 32 /* bytes; secret, the same for all workers and kept over restarts */

struct gruu;

int gruu_new(const uint8_t key[GRUU_KEY], struct gruu **ret_gruu);
/* NULL is accepted. */
void gruu_free(struct gruu *gruu);

/* Does the URI say that it is one? Its host must be ours. */
bool gruu_is(const struct sip_uri *uri);

/* aor is canonical, "sip:user@domain"; the instance has its <>. */
void gruu_write_public(struct writer *w, struct slice aor, struct slice instance);
/* Each is new. ERR_LIMIT: AOR and instance are too long for one. ERR_NO_MEMORY. */
int gruu_write_temporary(struct gruu *gruu, struct writer *w, struct slice aor,
                         struct slice instance, int64_t now_ms, struct random *random);

/* Whom a GRUU names. */
struct gruu_name {
    struct slice aor; /* canonical */
    struct slice instance;
    bool temporary;
    int64_t made_ms; /* of a temporary one */
};

/* domain: the canonical domain that the URI's host stands for. Texts are written into arena.
 * ERR_NOT_FOUND: no GRUU that we have made. ERR_NO_MEMORY. */
int gruu_read(struct gruu *gruu, const struct sip_uri *uri, struct slice domain,
              struct arena *arena, struct gruu_name *ret_name);
/* Does it lead to this binding of its address-of-record (sections 3.2, 5.4, 6.1)? */
bool gruu_leads_to(const struct gruu_name *name, const struct binding *binding);

#endif
