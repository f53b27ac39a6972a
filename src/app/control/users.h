/* The user commands: on the accounts of a running server, or directly on a store. */
#ifndef APP_CONTROL_USERS_H
#define APP_CONTROL_USERS_H

#include "app/control/answer.h"
#include "service/account/account.h"

/* request: "action" add, remove, password or list; "name"; "password" (when missing one is made,
 * and stands in the answer). list: "after" and at most "limit" names in order, "more" when some are
 * left. NULL without memory. */
json_t *users_answer(struct accounts *accounts, const json_t *request);

#endif
