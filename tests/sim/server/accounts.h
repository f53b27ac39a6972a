/* The accounts that simulated servers know: made once, only read in the runs. */
#ifndef SIM_SERVER_ACCOUNTS_H
#define SIM_SERVER_ACCOUNTS_H

#include "service/account/account.h"

/* alice, bob, carol, dave, erin and frank at example.com, and user0 to user19, each with the
 * password SIM_PASSWORD, over a store in memory. */
struct sim_accounts {
    struct store *store;
    struct accounts *accounts;
};

void sim_accounts_init(struct sim_accounts *accounts);
void sim_accounts_done(struct sim_accounts *accounts);

#endif
