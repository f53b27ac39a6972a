/* What single sentences of the RFCs ask for and no call shows by itself: see docs/rfc. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

static const struct scenario scenarios[] = {
    {"the late ACK of a refusal of ours goes nowhere", "RFC 3261 8.2.7", "",
     "register bob\n"
     "alice > INVITE bob noauth\n"
     "alice < 407\n"
     "alice > ACK\n"
     "wait 40s\n"
     "alice again ACK\n"
     "wait 100ms\n"
     "bob none\n"},
};

SCENARIO_TABLE(rfc, NULL)
