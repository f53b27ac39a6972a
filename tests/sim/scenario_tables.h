/* The tables of scenarios, one file each. */
#ifndef SIM_SCENARIO_TABLES_H
#define SIM_SCENARIO_TABLES_H

#include "sim/scene/scene.h"

/* clang-format off */
#define SCENARIO_TABLE_LIST(X) \
    X(rfc) \
    X(invite) \
    X(nit) \
    X(ack) \
    X(cancel) \
    X(order) \
    X(fork) \
    X(serial) \
    X(register) \
    X(auth) \
    X(reflect) \
    X(collide) \
    X(transport) \
    X(failover) \
    X(outbound) \
    X(gruu) \
    X(nat) \
    X(route)
/* clang-format on */

struct scenario_table {
    const char *name;
    const struct scenario *scenarios;
    size_t count;
    const char *const *variants; /* each scenario runs once for each, ends with NULL; NULL: once */
};

#define SCENARIO_DECLARE(name) extern const struct scenario_table scenarios_##name;
SCENARIO_TABLE_LIST(SCENARIO_DECLARE)
#undef SCENARIO_DECLARE

/* How a file of scenarios ends. */
#define SCENARIO_TABLE(name, variants)                                                             \
    const struct scenario_table scenarios_##name = {                                               \
        #name, scenarios, sizeof(scenarios) / sizeof(scenarios[0]), variants};

#endif
