/* What the tests of the location service share: short ways to write updates, and a journal that
 * remembers. */
#ifndef TESTS_UNIT_SERVICE_LOCATION_FIXTURE_H
#define TESTS_UNIT_SERVICE_LOCATION_FIXTURE_H

#include "service/location/location.h"

#define T0 1700000000000 /* the present of the tests, in Unix milliseconds */

struct fixture {
    struct location *location;
    struct arena arena;
    struct location_bindings bindings; /* of the last call */
    int64_t ticket;
    /* The journal: one line per entry, "+AOR KEY CSEQ" or "-AOR KEY", one "." per write. */
    char journal[32768];
    int64_t journal_tickets;
    int journal_status; /* negative: the journal refuses */
};

/* With the journal; contacts: per AOR, 0 for the default. */
void fixture_init(struct fixture *f, unsigned contacts);
void fixture_done(struct fixture *f);

/* An update of one Call-ID over UDP from 192.0.2.1:5060, without changes yet. */
void update_init(struct location_update *update, const char *aor, const char *call_id,
                 uint32_t cseq);
/* Adds a contact whose key is its URI. */
struct location_change *update_add(struct location_update *update, const char *contact,
                                   uint32_t expires_s);
/* Makes it come along a TCP connection of a worker. */
void update_over_tcp(struct location_update *update, unsigned worker, uint32_t connection);

int fixture_apply(struct fixture *f, const struct location_update *update, int64_t now_ms);
/* One contact, at once. */
int fixture_register(struct fixture *f, const char *aor, const char *contact, const char *call_id,
                     uint32_t cseq);
unsigned fixture_find(struct fixture *f, const char *aor, int64_t now_ms);
/* The binding of a contact in f->bindings, or NULL. */
const struct binding *fixture_binding(const struct fixture *f, const char *contact);
struct location_stats fixture_stats(struct fixture *f);

#endif
