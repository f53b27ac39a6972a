/* Where a request for a URI would go: every decision and every record. */
#ifndef APP_CONTROL_DRY_WALK_H
#define APP_CONTROL_DRY_WALK_H

#include "app/control/dry_steps.h"
#include "app/server/settings.h"

/* {"uri", "steps", "targets": [{"transport", "address"}], "error"}: error is there when there is no
 * target. Asks DNS, and waits for it. NULL without memory. uri without scheme counts as a sip URI.
 */
json_t *dry_walk(const struct settings *settings, struct log *log, const char *uri);

#endif
