#include "sim/server/accounts.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/server/server.h"

static void add(struct sim_accounts *accounts, const char *name)
{
    if (accounts_add(accounts->accounts, slice_from_string(name), slice_from_string(SIM_PASSWORD)) <
        0)
        abort();
}

void sim_accounts_init(struct sim_accounts *accounts)
{
    static const char *const names[] = {"alice", "bob", "carol", "dave", "erin", "frank"};
    struct store_options options = {.path = ":memory:"};
    if (store_open(&options, &accounts->store) < 0 ||
        accounts_new(accounts->store, SLICE(SIM_DOMAIN), &accounts->accounts) < 0)
        abort();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        add(accounts, names[i]);
    for (unsigned i = 0; i < 20; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "user%u", i);
        add(accounts, name);
    }
}

void sim_accounts_done(struct sim_accounts *accounts)
{
    accounts_free(accounts->accounts);
    store_close(accounts->store);
}
