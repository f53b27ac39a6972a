/* What a newcomer sees: where the server listens, the first accounts, how to call. */
#ifndef APP_SERVER_WELCOME_H
#define APP_SERVER_WELCOME_H

#include "app/server/server.h"
#include "service/account/account.h"

#define WELCOME_ACCOUNTS 2

struct welcome_account {
    const char *name;
    char password[ACCOUNT_PASSWORD_LENGTH + 1];
};

/* The accounts that a first start makes; count 0: none were made. */
struct welcome {
    unsigned count;
    struct welcome_account accounts[WELCOME_ACCOUNTS];
};

/* Makes alice and bob when the store is new, has no accounts, and someone is asked for a password.
 * Errors as accounts_add. */
int welcome_make_accounts(struct server *server, struct welcome *ret_welcome);
/* On standard output. Passwords are shown this once; not at all when others read that output. */
void welcome_print(const struct server *server, const struct welcome *welcome);

#endif
