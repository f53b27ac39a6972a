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
    {"a MESSAGE that waits gets a 100 after 3.5 s, and none before", "RFC 4320 4.1", "",
     ALICE_AND_BOB "alice > MESSAGE bob \"+Timestamp: 54.21\"\n"
                   "bob < MESSAGE\n"
                   "wait 3450ms\n"
                   "alice < 100 within 100ms \"Timestamp: 54.21 3.500\"\n"
                   "alice again MESSAGE\n"
                   "wait 10ms\n"
                   "alice repeats 1 100\n"
                   "bob > 200\n"
                   "alice < 200\n"},
    {"the phone's own 100 to a MESSAGE stays between the hops", "RFC 4320 4.1", "",
     MESSAGED "bob > 100\n"
              "alice none\n"
              "bob > 200\n"
              "alice < 200\n"},
    {"the other phones learn that the call was answered", "RFC 3326 3.1, RFC 3261 16.7 step 10", "",
     "register alice\n"
     "register bob\n"
     "register bob2\n"
     "alice > INVITE bob\n"
     "alice < 100\n"
     "bob < INVITE \"Max-Breadth: 30\"\n"
     "bob2 < INVITE \"Max-Breadth: 30\"\n"
     "bob > 180\n"
     "alice < 180\n"
     "bob2 > 180\n"
     "alice < 180\n"
     "bob > 200\n"
     "alice < 200 from bob\n"
     "bob2 < CANCEL \"Reason: SIP;cause=200;\"\n"
     "bob2 > 200 CANCEL\n"
     "bob2 > 487 INVITE\n"
     "bob2 < ACK\n"
     "alice > ACK\n"
     "bob < ACK \"Max-Breadth: 60\"\n"},
    {"the other phones learn that somebody has declined for all", "RFC 3326 2, 16.7 step 5", "",
     "register alice\n"
     "register bob\n"
     "register bob2\n"
     "alice > INVITE bob\n"
     "alice < 100\n"
     "bob < INVITE\n"
     "bob2 < INVITE\n"
     "bob2 > 180\n"
     "alice < 180\n"
     "bob > 603\n"
     "bob < ACK\n"
     "bob2 < CANCEL \"Reason: SIP;cause=603;\"\n"
     "bob2 > 200 CANCEL\n"
     "alice none\n"
     "bob2 > 487 INVITE\n"
     "bob2 < ACK\n"
     "alice < 603 from bob\n"
     "alice > ACK\n"},
    {"the reason of a CANCEL goes on with it", "RFC 3326 2", "",
     RINGING "alice > CANCEL \"+Reason: Q.850;cause=16\" \"+Reason: SIP;cause=200\"\n"
             "alice < 200/CANCEL\n"
             "bob < CANCEL \"Reason: Q.850;cause=16\" \"Reason: SIP;cause=200\"\n"
             "bob > 200 CANCEL\n"
             "bob > 487 INVITE\n"
             "bob < ACK\n"
             "alice < 487\n"
             "alice > ACK\n"},
};

SCENARIO_TABLE(rfc, NULL)
