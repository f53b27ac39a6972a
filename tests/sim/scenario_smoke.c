#include "sim/scenario_tables.h"

static const struct scenario scenarios[] = {
    {"a phone registers", "RFC 3261 10.2", "testRegisterBasic",
     "register bob\n"
     "bindings bob 1\n"},
    {"a call is answered, and the caller hangs up", "RFC 3261 13, 15",
     "testInviteBasic testInviteCallerHangsUp",
     "register alice\n"
     "register bob\n"
     "alice > INVITE bob sdp\n"
     "alice < 100\n"
     "bob < INVITE\n"
     "bob > 180\n"
     "alice < 180\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK\n"
     "alice > BYE\n"
     "bob < BYE\n"
     "bob > 200\n"
     "alice < 200/BYE\n"},
};

SCENARIO_TABLE(smoke, NULL)
