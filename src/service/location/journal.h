/* The journal of the location service in the store. */
#ifndef SERVICE_LOCATION_JOURNAL_H
#define SERVICE_LOCATION_JOURNAL_H

#include "service/location/location.h"
#include "store/store.h"

/* For the configuration of a location; the store is borrowed and must outlive it. */
struct location_journal location_journal_of(struct store *store);

/* Loads every binding of the store that has not expired, with up to threads threads. Before the
 * store's writer starts. Bindings over a limit of the location are left out. Returns how many were
 * loaded and in *ret_left_out how many were not. Errors: ERR_IO, ERR_NO_MEMORY. */
int64_t location_restore(struct location *location, struct store *store, int64_t now_ms,
                         unsigned threads, uint64_t *ret_left_out);

#endif
