/* Answers in an order that no honest phone sends, and answers that do not fit. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

#define TAKEN                                                                                      \
    "alice < 200 from bob\n"                                                                       \
    "alice > ACK\n"                                                                                \
    "bob < ACK\n"

static const struct scenario scenarios[] = {
    {"603, then 200: the first answer counts", "RFC 3261 17.1.1.2", "testInvite6xxThen2xx",
     INVITED REFUSED("603") "bob > 200 INVITE\n"
                            "alice none\n"},
    {"200, then 603: the first answer counts", "RFC 6026 7.2", "testInvite2xxThen6xx",
     TALKING "bob > 603 INVITE\n"
             "alice none\n" ALICE_HANGS_UP},
    {"486, then 180", "RFC 3261 17.1.1.2", "testInvite4xxThen1xx",
     INVITED REFUSED("486") "bob > 180 INVITE\n"
                            "alice none\n"},
    {"200, then 486", "RFC 6026 7.2", "testInvite2xxThen4xx",
     TALKING "bob > 486 INVITE\n"
             "alice none\n" ALICE_HANGS_UP},
    {"486, then 200", "RFC 3261 17.1.1.2", "testInvite4xxThen2xx",
     INVITED REFUSED("486") "bob > 200 INVITE\n"
                            "alice none\n"},
    {"486, then 404, then 480", "RFC 3261 17.1.1.2", "testInviteMultiple4xx",
     INVITED REFUSED("486") "bob > 404 INVITE\n"
                            "bob > 480 INVITE\n"
                            "alice none\n"},
    {"a broken 1xx is none: 408 after timer B", "RFC 3261 17.1.1.2, 17.1.3",
     "testInviteMalformed1xxWithTimeout",
     INVITED "bob > 180 \"%CSeq: 1 INVITE%CSeq: one INVITE%\"\n"
             "alice none\n"
             "alice < 408 within 33s\n"
             "alice > ACK\n"},
    {"the phone takes our Via away: its answer is none", "RFC 3261 16.7 step 1, 17.1.3",
     "testInviteUASRemovesProxyVia",
     INVITED "bob > 200 dropvia\n"
             "alice none\n"
             "bob > 200\n" TAKEN},
    {"the phone takes all Vias but ours away: nobody can get its 200", "RFC 3261 16.7 step 3", "",
     INVITED "bob > 200 lonelyvia\n"
             "alice < 502\n"
             "alice > ACK\n"},
    {"MESSAGE: all Vias but ours taken away", "RFC 3261 16.7 step 3", "",
     MESSAGED "bob > 200 lonelyvia\n"
              "alice < 502\n"},
    {"the phone puts a Via of its own on top: its answer is none", "RFC 3261 17.1.3, 18.1.2",
     "testInviteUASAddsVia",
     INVITED "bob > 200 \"^Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKown\"\n"
             "alice none\n"
             "bob > 200\n" TAKEN},
    {"the phone changes our branch: its answer is none", "RFC 3261 17.1.3",
     "testInviteUASChangesProxyBranch",
     INVITED "bob > 200 %branch=z9hG4bKtz%branch=z9hG4bKtzff%\n"
             "bob > 200 %branch=z9hG4bKtz%branch=z9hG4bKzz%\n"
             "alice none\n"
             "bob > 200\n" TAKEN},
    {"the phone writes our branch in capitals: it is the same", "RFC 3261 7.3.1, 17.1.3",
     "testInviteBranchCaseAltered",
     INVITED "bob > 200 %branch=z9hG4bKtz%branch=Z9HG4BKTZ%\n" TAKEN},
    {"MESSAGE: our Via taken away", "RFC 3261 17.1.3", "testNitUASRemovesProxyVia",
     MESSAGED "bob > 200 dropvia\n"
              "alice none\n"
              "bob > 200\n"
              "alice < 200\n"},
    {"MESSAGE: a Via more", "RFC 3261 17.1.3", "testNitUASAddsVia",
     MESSAGED "bob > 200 \"^Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKown\"\n"
              "alice none\n"
              "bob > 200\n"
              "alice < 200\n"},
    {"MESSAGE: another branch", "RFC 3261 17.1.3", "testNitUASChangesProxyBranch",
     MESSAGED "bob > 200 %branch=z9hG4bKtz%branch=z9hG4bKzz%\n"
              "alice none\n"
              "bob > 200\n"
              "alice < 200\n"},
    {"MESSAGE: our branch in capitals", "RFC 3261 7.3.1, 17.1.3", "testNitBranchCaseAltered",
     MESSAGED "bob > 200 %branch=z9hG4bKtz%branch=Z9HG4BKTZ%\n"
              "alice < 200\n"},
    {"MESSAGE: 486, then 180", "RFC 3261 17.1.2.2", "testNit4xxThen1xx",
     MESSAGED "bob > 486\n"
              "alice < 486\n"
              "bob > 180\n"
              "alice none\n"},
    {"MESSAGE: 200, then 486", "RFC 3261 17.1.2.2", "testNit2xxThen4xx",
     MESSAGED "bob > 200\n"
              "alice < 200\n"
              "bob > 486\n"
              "alice none\n"},
    {"MESSAGE: 486, then 200", "RFC 3261 17.1.2.2", "testNit4xxThen2xx",
     MESSAGED "bob > 486\n"
              "alice < 486\n"
              "bob > 200\n"
              "alice none\n"},
    {"MESSAGE: 486, then 404, then 480", "RFC 3261 17.1.2.2", "testNitMultiple4xx",
     MESSAGED "bob > 486\n"
              "alice < 486\n"
              "bob > 404\n"
              "bob > 480\n"
              "alice none\n"},
    {"MESSAGE: a broken 1xx, then nothing", "RFC 3261 17.1.2.2, RFC 4320 4.2",
     "testNitMalformed1xxWithTimeout",
     MESSAGED "bob > 100 \"%CSeq: 1 MESSAGE%CSeq: one MESSAGE%\"\n"
              "wait 40s\n"
              "bob repeats 10 MESSAGE\n"
              "alice none\n"},
};

SCENARIO_TABLE(order, NULL)
