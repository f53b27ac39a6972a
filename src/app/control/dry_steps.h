/* What a dry run decides, step by step, as JSON. */
#ifndef APP_CONTROL_DRY_STEPS_H
#define APP_CONTROL_DRY_STEPS_H

#include <jansson.h>

#include "stack/locate.h"

#define DRY_STEPS_MAX 5000 /* beyond, nothing is added */

struct dry_steps {
    json_t *
        list; /* of {"section", "text"}; text may begin with blanks: it belongs to the one before */
    struct locate_trace trace;
};

/* ERR_NO_MEMORY. */
int dry_steps_init(struct dry_steps *steps);
/* The list, the caller's from now on. */
json_t *dry_steps_take(struct dry_steps *steps);

#endif
