/* Serial forking: groups of phones by their q, one after the other. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

#define IN_A_ROW                                                                                   \
    "register alice\n"                                                                             \
    "register bob q=1.0\n"                                                                         \
    "register bob2 q=0.5\n"                                                                        \
    "register bob3 q=0.1\n"                                                                        \
    "alice > INVITE bob\n"                                                                         \
    "bob < INVITE\n"                                                                               \
    "bob2 none\n"                                                                                  \
    "bob3 none\n"
#define FINAL(phone, status) phone " > " status "\n" phone " < ACK\n"
#define CALLED_OFF(phone)                                                                          \
    phone " < CANCEL\n" phone " > 200 CANCEL\n" phone " > 487 INVITE\n" phone " < ACK\n"
#define ANSWERS(phone)                                                                             \
    phone " > 200\n"                                                                               \
          "alice < 200 from " phone "\n"                                                           \
          "alice > ACK\n" phone " < ACK\n"
#define ALICE_GETS(status)                                                                         \
    "alice < " status "\n"                                                                         \
    "alice > ACK\n"
/* Bob's phone has rung out and does not say so; bob2, the last, is busy. */
#define FIRST_RUNG_OUT                                                                             \
    "register alice\n"                                                                             \
    "register bob q=1.0\n"                                                                         \
    "register bob2 q=0.5\n"                                                                        \
    "alice > INVITE bob\n"                                                                         \
    "bob < INVITE\n"                                                                               \
    "bob > 180\n"                                                                                  \
    "alice < 180\n"                                                                                \
    "wait 19.9s\n"                                                                                 \
    "bob < CANCEL\n"                                                                               \
    "bob2 < INVITE\n" FINAL("bob2", "486") "alice none\n"

static const struct scenario scenarios[] = {
    {"the highest q alone, and it answers", "RFC 3261 16.6, 16.7", "testSequentialQValueInvite",
     IN_A_ROW ANSWERS("bob") "bob2 none\n" ALICE_HANGS_UP},
    {"the first is busy, the second answers", "RFC 3261 16.7",
     "testInviteSeqForkOneBusy testInviteSeqFork200And4xx",
     IN_A_ROW FINAL("bob", "486") "alice none\n"
                                  "bob2 < INVITE\n" ANSWERS("bob2") "bob3 none\n"},
    {"the first does not answer in time, the second does", "RFC 3261 16.6, 16.7", "",
     IN_A_ROW "bob > 180\n"
              "alice < 180 from bob\n"
              "wait 19s\n"
              "bob2 none\n"
              "bob < CANCEL within 2s\n"
              "bob > 200 CANCEL\n"
              "bob > 487 INVITE\n"
              "bob < ACK\n"
              "bob2 < INVITE\n" ANSWERS("bob2")},
    {"the first answers after the second was called", "RFC 3261 16.7 step 5, RFC 6026 8.4", "",
     IN_A_ROW "bob > 180\n"
              "alice < 180\n"
              "wait 19.9s\n"
              "bob < CANCEL\n"
              "bob > 200 INVITE\n"
              "bob > 481 CANCEL\n"
              "alice < 200 from bob\n"
              "alice > ACK\n"
              "bob < ACK\n"
              "bob2 < INVITE\n"
              "bob2 > 180\n"
              "bob2 < CANCEL\n"
              "bob2 > 200 CANCEL\n"
              "bob2 > 487 INVITE\n"
              "bob2 < ACK\n"},
    {"the first answers when the last has refused: the caller gets the 200", "RFC 3261 16.7 step 6",
     "",
     FIRST_RUNG_OUT "bob > 200 INVITE\n"
                    "bob > 481 CANCEL\n"
                    "alice < 200 from bob\n"
                    "alice > ACK\n"
                    "bob < ACK\n"},
    {"the refusal of the last waits for the first to confirm its CANCEL", "RFC 3261 16.7 step 6",
     "",
     FIRST_RUNG_OUT "bob > 200 CANCEL\n"
                    "bob > 487 INVITE\n"
                    "bob < ACK\n" ALICE_GETS("486")},
    {"the refusal of the last waits no longer than the first one's transaction lasts",
     "RFC 3261 9.1, 16.7 step 6", "",
     FIRST_RUNG_OUT "bob > 200 CANCEL\n"
                    "wait 31s\n"
                    "alice none\n"
                    "alice < 486 within 2s\n"
                    "alice > ACK\n"},
    {"all are busy", "RFC 3261 16.7 step 6",
     "testInviteSeqAllBusyContacts testInviteSeqForkAll4xxResponses",
     IN_A_ROW FINAL("bob", "486") "bob2 < INVITE\n" FINAL("bob2", "486") "bob3 < INVITE\n" FINAL(
         "bob3", "486") ALICE_GETS("486")},
    {"the caller gives up in the second group", "RFC 3261 16.10", "testInviteSeqForkCallerCancels",
     IN_A_ROW FINAL("bob", "486") "bob2 < INVITE\n"
                                  "bob2 > 180\n"
                                  "alice < 180 from bob2\n"
                                  "alice > CANCEL\n"
                                  "alice < 200/CANCEL\n" CALLED_OFF("bob2")
                                      ALICE_GETS("486/INVITE") "bob3 none\n"},
    {"the caller hangs up on the second", "RFC 3261 15", "testInviteSeqForkCallerHangsUp",
     IN_A_ROW FINAL("bob", "486") "bob2 < INVITE\n" ANSWERS("bob2") "alice > BYE\n"
                                                                    "bob2 < BYE\n"
                                                                    "bob2 > 200\n"
                                                                    "alice < 200/BYE\n"},
    {"the second hangs up", "RFC 3261 15", "testInviteSeqForkCalleeHangsUp",
     IN_A_ROW FINAL("bob", "486") "bob2 < INVITE\n" ANSWERS("bob2") "bob2 > BYE\n"
                                                                    "alice < BYE\n"
                                                                    "alice > 200\n"
                                                                    "bob2 < 200/BYE\n"},
    {"all answer 5xx", "RFC 3261 16.7 step 6", "testInviteSeqForkAll5xxResponses",
     IN_A_ROW FINAL("bob", "500") "bob2 < INVITE\n" FINAL("bob2", "500") "bob3 < INVITE\n" FINAL(
         "bob3", "500") ALICE_GETS("500")},
    {"5xx, then 200", "RFC 3261 16.7", "testInviteSeqFork200And5xx",
     IN_A_ROW FINAL("bob", "500") "bob2 < INVITE\n" ANSWERS("bob2")},
    {"6xx ends the search", "RFC 3261 16.7 step 5", "testInviteSeqFork6xxResponse",
     IN_A_ROW FINAL("bob", "603") ALICE_GETS("603") "bob2 none\n"},
    {"5xx, then 4xx: 4xx is better", "RFC 3261 16.7 step 6", "testInviteSeqFork4xxAnd5xx",
     IN_A_ROW FINAL("bob", "500") "bob2 < INVITE\n" FINAL("bob2", "404") "bob3 < INVITE\n" FINAL(
         "bob3", "500") ALICE_GETS("404")},
    {"4xx, 5xx, 6xx", "RFC 3261 16.7 step 6", "testInviteSeqFork4xx5xx6xx",
     IN_A_ROW FINAL("bob", "404") "bob2 < INVITE\n" FINAL("bob2", "500") "bob3 < INVITE\n" FINAL(
         "bob3", "600") ALICE_GETS("600")},
    {"a user with a phone, and after it another user", "RFC 3261 16.5",
     "testInviteSeqForkThenSpiral",
     ALICE_AND_BOB "register carol q=1.0\n"
                   "carol2 is sip:bob@example.com\n"
                   "register carol2 q=0.5\n"
                   "alice > INVITE carol\n"
                   "carol < INVITE\n"
                   "bob none\n" FINAL("carol", "486") "bob < INVITE\n" ANSWERS("bob")},
    {"a user who leads to a user whose phones ring in a row", "RFC 3261 16.5",
     "testInviteSpiralThenSeqFork",
     "register alice\n"
     "register bob q=1.0\n"
     "register bob2 q=0.5\n"
     "carol is sip:bob@example.com\n"
     "register carol\n"
     "alice > INVITE carol\n"
     "bob < INVITE\n"
     "bob2 none\n" FINAL("bob", "486") "bob2 < INVITE\n" ANSWERS("bob2")},
    {"timer C in the last group", "RFC 3261 16.8", "testTimerCForkedSequential",
     "config timer_c 181\nconfig ring 200\n" IN_A_ROW "bob > 180\n"
     "alice < 180\n"
     "wait 180.5s\n"
     "bob < CANCEL within 500ms\n"
     "bob > 200 CANCEL\n"
     "bob > 487 INVITE\n"
     "bob < ACK\n"
     "bob2 < INVITE\n" FINAL("bob2", "486") "bob3 < INVITE\n" FINAL("bob3", "480")
         ALICE_GETS("486")},
    {"the last group rings on when the one before it was busy soon", "RFC 3261 16.6, 16.8", "",
     "register alice\n"
     "register bob q=1.0\n"
     "register bob2 q=0.5\n"
     "alice > INVITE bob\n"
     "bob < INVITE\n"
     "wait 5s\n" FINAL("bob", "486") "bob2 < INVITE\n"
                                     "bob2 > 180\n"
                                     "alice < 180\n"
                                     "wait 60s\n"
                                     "bob2 none\n" ANSWERS("bob2")},
    {"a dead phone is passed by when its group's time is over", "RFC 3261 16.6", "",
     "register alice\n"
     "register bob q=1.0\n"
     "register bob2 q=0.5\n"
     "bob dies\n"
     "alice > INVITE bob\n"
     "wait 19s\n"
     "bob2 none\n"
     "bob2 < INVITE within 2s\n" ANSWERS("bob2")},
    {"a MESSAGE goes on to the next group when the first refuses", "RFC 3261 16.7", "",
     "register alice\n"
     "register bob q=1.0\n"
     "register bob2 q=0.5\n"
     "alice > MESSAGE bob\n"
     "bob < MESSAGE\n"
     "bob2 none\n"
     "bob > 486\n"
     "bob2 < MESSAGE\n"
     "bob2 > 200\n"
     "alice < 200 from bob2\n"},
};

SCENARIO_TABLE(serial, NULL)
