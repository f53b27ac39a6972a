/* Parallel forking: all phones of a user ring at once. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

#define TWO_PHONES                                                                                 \
    ALICE_AND_BOB                                                                                  \
    "register bob2\n"
#define BOTH_INVITED                                                                               \
    TWO_PHONES                                                                                     \
    "alice > INVITE bob\n"                                                                         \
    "bob < INVITE\n"                                                                               \
    "bob2 < INVITE\n"
#define BOTH_RING                                                                                  \
    BOTH_INVITED                                                                                   \
    "bob > 180\n"                                                                                  \
    "alice < 180 from bob\n"                                                                       \
    "bob2 > 180\n"                                                                                 \
    "alice < 180 from bob2\n"
/* The named phone is called off. */
#define CALLED_OFF(phone)                                                                          \
    phone " < CANCEL\n" phone " > 200 CANCEL\n" phone " > 487 INVITE\n" phone " < ACK\n"
#define FINAL(phone, status) phone " > " status "\n" phone " < ACK\n"
#define BOB_ANSWERS                                                                                \
    "bob > 200\n"                                                                                  \
    "alice < 200 from bob\n"                                                                       \
    "alice > ACK\n"                                                                                \
    "bob < ACK\n"
#define ALICE_GETS(status)                                                                         \
    "alice < " status "\n"                                                                         \
    "alice > ACK\n"

static const struct scenario scenarios[] = {
    {"one phone answers, the other is called off", "RFC 3261 16.7 steps 5, 10",
     "testInviteForkOneAnswers", BOTH_RING BOB_ANSWERS CALLED_OFF("bob2")},
    {"one phone is busy, the other answers", "RFC 3261 16.7 step 6",
     "testInviteForkOneBusy testInviteFork200And4xx",
     BOTH_RING FINAL("bob2", "486") "alice none\n" BOB_ANSWERS},
    {"all phones are busy", "RFC 3261 16.7 step 6",
     "testInviteAllBusyContacts testInviteForkBothBusy testInviteForkAll4xxResponses",
     BOTH_RING FINAL("bob2", "486") "alice none\n" FINAL("bob", "486") ALICE_GETS("486")},
    {"three phones ring, the caller gives up", "RFC 3261 16.10", "testInviteForkThreeCallerCancels",
     TWO_PHONES "register bob3\n"
                "alice > INVITE bob\n"
                "bob < INVITE\n"
                "bob2 < INVITE\n"
                "bob3 < INVITE\n"
                "bob > 180\n"
                "bob2 > 180\n"
                "bob3 > 180\n"
                "alice gets 180 from bob\n"
                "alice gets 180 from bob2\n"
                "alice gets 180 from bob3\n"
                "alice > CANCEL\n"
                "alice < 200/CANCEL\n" CALLED_OFF("bob")
                    CALLED_OFF("bob2") "alice none\n" CALLED_OFF("bob3") ALICE_GETS("487/INVITE")},
    {"after forking the caller hangs up", "RFC 3261 15", "testInviteForkCallerHangsUp",
     BOTH_RING BOB_ANSWERS CALLED_OFF("bob2") ALICE_HANGS_UP "bob2 none\n"},
    {"after forking the called one hangs up", "RFC 3261 15", "testInviteForkCalleeHangsUp",
     BOTH_RING BOB_ANSWERS CALLED_OFF("bob2") BOB_HANGS_UP "bob2 none\n"},
    {"both phones answer at once: the caller gets both and ends one",
     "RFC 3261 13.2.2.4, 16.7 step 5",
     "testInviteForkBothAnswerNoProvisional testInviteForkAllAnswerNo1xx",
     BOTH_INVITED "bob > 200\n"
                  "bob2 > 200\n"
                  "alice < 200 from bob\n"
                  "alice > ACK to=bob\n"
                  "bob < ACK\n"
                  "alice < 200 from bob2\n"
                  "alice > ACK to=bob2\n"
                  "bob2 < ACK\n"
                  "alice > BYE to=bob2\n"
                  "bob2 < BYE\n"
                  "bob2 > 200\n"
                  "alice < 200/BYE\n"},
    {"a 200 that crosses the CANCEL is passed on too", "RFC 3261 16.7 step 5, RFC 6026 8.4", "",
     BOTH_RING BOB_ANSWERS "bob2 < CANCEL\n"
                           "bob2 > 200 INVITE\n"
                           "bob2 > 481 CANCEL\n"
                           "alice < 200 from bob2\n"
                           "alice > ACK to=bob2\n"
                           "bob2 < ACK\n"
                           "alice > BYE to=bob2\n"
                           "bob2 < BYE\n"
                           "bob2 > 200 BYE\n"
                           "alice < 200/BYE\n"},
    {"late ACKs to a forked call", "RFC 3261 13.2.2.4", "testForkedInviteClientLateAck",
     BOTH_RING "bob > 200\n"
               "alice < 200 from bob\n" CALLED_OFF("bob2") "wait 4s\n"
                                                           "bob again 200/INVITE\n"
                                                           "wait 10ms\n"
                                                           "alice repeats 1 200\n"
                                                           "alice > ACK\n"
                                                           "bob < ACK\n" ALICE_HANGS_UP},
    {"all phones answer 5xx: one of them reaches the caller", "RFC 3261 16.7 step 6",
     "testInviteForkAll5xxResponses",
     BOTH_INVITED FINAL("bob", "500") FINAL("bob2", "502") "alice < 500\n"
                                                           "alice > ACK\n"},
    {"200 beats 5xx", "RFC 3261 16.7 step 5", "testInviteFork200And5xx",
     BOTH_INVITED FINAL("bob2", "500") "alice none\n" BOB_ANSWERS},
    {"6xx ends all", "RFC 3261 16.7 step 5", "testInviteForkAll6xxResponses",
     BOTH_RING FINAL("bob", "603") CALLED_OFF("bob2") ALICE_GETS("603")},
    {"two 6xx at once: one reaches the caller", "RFC 3261 16.7 step 6", "",
     BOTH_INVITED "bob > 603\n"
                  "bob2 > 600\n"
                  "bob < ACK\n"
                  "bob2 gets ACK\n"
                  "alice < 603\n"
                  "alice > ACK\n"},
    {"6xx came first: the 200 of the phone that is being called off still counts",
     "RFC 3261 16.7 step 5", "testInviteFork6xxBeats200",
     BOTH_RING FINAL("bob2", "603") "bob < CANCEL\n"
                                    "bob > 200 INVITE\n"
                                    "bob > 481 CANCEL\n"
                                    "alice < 200 from bob\n"
                                    "alice > ACK\n"
                                    "bob < ACK\n"},
    {"200 came first: the 6xx is only acknowledged", "RFC 3261 16.7 step 5",
     "testInviteFork200Beats6xx",
     BOTH_RING BOB_ANSWERS "bob2 < CANCEL\n"
                           "bob2 > 200 CANCEL\n"
                           "bob2 > 603 INVITE\n"
                           "bob2 < ACK\n"
                           "alice none\n"},
    {"4xx is better than 5xx", "RFC 3261 16.7 step 6", "testInviteFork4xxAnd5xx",
     BOTH_INVITED FINAL("bob", "500") FINAL("bob2", "404") ALICE_GETS("404")},
    {"6xx is better than 4xx and 5xx", "RFC 3261 16.7 step 6", "testInviteFork4xx5xx6xx",
     TWO_PHONES "register bob3\n"
                "alice > INVITE bob\n"
                "bob < INVITE\n"
                "bob2 < INVITE\n"
                "bob3 < INVITE\n" FINAL("bob", "404") FINAL("bob2", "500") FINAL("bob3", "600")
                    ALICE_GETS("600")},
    {"4xx that help the caller are preferred", "RFC 3261 16.7 step 6", "",
     BOTH_INVITED FINAL("bob", "486") FINAL("bob2", "484") ALICE_GETS("484")},
    {"the challenges of all phones reach the caller together", "RFC 3261 16.7 step 7", "",
     BOTH_INVITED "bob > 401 \"+WWW-Authenticate: Digest realm=one, nonce=1\"\n"
                  "bob < ACK\n"
                  "bob2 > 407 \"+Proxy-Authenticate: Digest realm=two, nonce=2\"\n"
                  "bob2 < ACK\n"
                  "alice gets 401 \"WWW-Authenticate: Digest realm=one\" \"Proxy-Authenticate: "
                  "Digest realm=two\"\n"
                  "alice > ACK\n"},
    {"503 of one phone does not hide the 404 of another", "RFC 3261 16.7 step 6", "",
     BOTH_INVITED FINAL("bob", "503") FINAL("bob2", "404") ALICE_GETS("404")},
    {"one phone is dead, the other answers", "RFC 3261 16.7", "",
     TWO_PHONES "bob2 dies\n"
                "alice > INVITE bob\n"
                "bob < INVITE\n"
                "bob > 180\n"
                "alice < 180\n" BOB_ANSWERS ALICE_HANGS_UP},
    {"one phone is dead, the other is busy: the caller waits for timer B", "RFC 3261 16.7 step 6",
     "",
     TWO_PHONES "bob2 dies\n"
                "alice > INVITE bob\n"
                "bob < INVITE\n" FINAL("bob", "486") "alice none\n"
                                                     "alice < 486 within 33s\n"
                                                     "alice > ACK\n"},
    {"a user who leads to a user with two phones", "RFC 3261 16.5", "testInviteSpiralThenFork",
     TWO_PHONES "carol is sip:bob@example.com\n"
                "register carol\n"
                "alice > INVITE carol\n"
                "bob < INVITE\n"
                "bob2 < INVITE\n"
                "bob2 > 180\n"
                "alice < 180\n" BOB_ANSWERS CALLED_OFF("bob2")},
    {"a user with a phone and another user", "RFC 3261 16.5", "testInviteForkThenSpiral",
     ALICE_AND_BOB "register carol\n"
                   "carol2 is sip:bob@example.com\n"
                   "register carol2\n"
                   "alice > INVITE carol\n"
                   "bob < INVITE\n"
                   "carol < INVITE\n"
                   "carol > 180\n"
                   "alice < 180\n" BOB_ANSWERS CALLED_OFF("carol")},
    {"two ways lead to one phone: it rings once", "RFC 3261 16.5", "testInviteForkMerges",
     ALICE_AND_BOB "carol is sip:bob@example.com\n"
                   "register carol\n"
                   "carol2 is sip:bob@192.0.2.11:5060\n"
                   "register carol2\n"
                   "alice > INVITE carol\n"
                   "bob < INVITE\n"
                   "bob none\n" BOB_ANSWERS ALICE_HANGS_UP},
    {"a MESSAGE goes to all phones; the first 200 counts", "RFC 3261 16.7 step 5", "",
     TWO_PHONES "alice > MESSAGE bob\n"
                "bob < MESSAGE\n"
                "bob2 < MESSAGE\n"
                "bob > 200\n"
                "alice < 200 from bob\n"
                "bob2 > 200\n"
                "alice none\n"
                "bob2 none\n"},
    {"a MESSAGE that all phones refuse", "RFC 3261 16.7 step 6", "",
     TWO_PHONES "alice > MESSAGE bob\n"
                "bob < MESSAGE\n"
                "bob2 < MESSAGE\n"
                "bob > 486\n"
                "alice none\n"
                "bob2 > 404\n"
                "alice < 486\n"},
    {"more phones than Max-Breadth allows", "RFC 5393 5.3.3", "",
     TWO_PHONES "alice > INVITE bob \"+Max-Breadth: 1\"\n"
                "alice < 440\n"
                "alice > ACK\n"
                "bob none\n"},
    {"Max-Breadth is shared out", "RFC 5393 5.3.3.1", "",
     TWO_PHONES "alice > INVITE bob \"+Max-Breadth: 10\"\n"
                "bob < INVITE \"Max-Breadth: 5\"\n"
                "bob2 < INVITE \"Max-Breadth: 5\"\n" FINAL("bob", "486") FINAL("bob2", "486")
                    ALICE_GETS("486")},
    {"timer C runs for each phone", "RFC 3261 16.6 step 11, 16.8", "testTimerCForked",
     "config timer_c 181\n" BOTH_RING "wait 180.5s\n"
     "alice none\n"
     "bob < CANCEL within 500ms\n"
     "bob > 200 CANCEL\n"
     "bob > 487 INVITE\n"
     "bob < ACK\n" CALLED_OFF("bob2") ALICE_GETS("487")},
};

SCENARIO_TABLE(fork, NULL)
