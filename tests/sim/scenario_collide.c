/* Two different things with the same branch, Call-ID or CSeq. Each transaction keeps to itself. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

#define ONE(method) "\"%CSeq: 2 " method "%CSeq: 1 " method "%\""
#define GOES_ON                                                                                    \
    "bob > 200 INVITE\n"                                                                           \
    "alice < 200/INVITE\n"                                                                         \
    "alice > ACK\n"                                                                                \
    "bob < ACK\n"

static const struct scenario scenarios[] = {
    {"a MESSAGE with the INVITE's branch", "RFC 3261 17.2.3",
     "testInviteAndNitCollide testNonInviteWithInviteCollision",
     INVITED "alice > MESSAGE bob same " ONE("MESSAGE") " %alice-4%alice-3%\n"
                                                        "bob < MESSAGE\n"
                                                        "bob > 200 MESSAGE\n"
                                                        "alice < 200/MESSAGE\n" GOES_ON},
    {"an ACK with the INVITE's branch before any answer", "RFC 3261 17.2.1",
     "testInviteAndAckCollide",
     INVITED "alice > ACK bob same " ONE("ACK") " %alice-4%alice-3%\n"
                                                "alice none\n"
                                                "bob none\n" GOES_ON},
    {"an answer with the branch of the INVITE that its sender sent", "RFC 3261 17.1.3",
     "testInviteAndResponse testInviteAndNitResponse testInviteAndAckResponse",
     INVITED "alice > 200 INVITE own dst=192.0.2.1:5060\n"
             "alice > 200 INVITE own \"%CSeq: 1 INVITE%CSeq: 1 OPTIONS%\"\n"
             "alice > 200 INVITE own \"%CSeq: 1 INVITE%CSeq: 1 ACK%\"\n"
             "alice none\n"
             "bob none\n" GOES_ON},
    {"an INVITE with the branch of a MESSAGE", "RFC 3261 17.2.3", "testNitAndInviteCollide",
     MESSAGED "alice > INVITE bob same " ONE("INVITE") " %alice-4%alice-3%\n"
                                                       "bob < INVITE\n"
                                                       "bob > 486 INVITE\n"
                                                       "bob < ACK\n"
                                                       "alice < 486/INVITE\n"
                                                       "alice > ACK\n"
                                                       "bob > 200 MESSAGE\n"
                                                       "alice < 200/MESSAGE\n"},
    {"an INFO with the branch of a MESSAGE", "RFC 3261 17.2.3", "testNitAndDifferentNitCollide",
     MESSAGED "alice > INFO bob same " ONE("INFO") " %alice-4%alice-3%\n"
                                                   "bob < INFO\n"
                                                   "bob > 200 INFO\n"
                                                   "alice < 200/INFO\n"
                                                   "bob > 200 MESSAGE\n"
                                                   "alice < 200/MESSAGE\n"},
    {"an ACK with the branch of a MESSAGE", "RFC 3261 17.2.3, 16.11", "testNitAndAckCollide",
     MESSAGED "alice > ACK bob same " ONE("ACK") " %alice-4%alice-3%\n"
                                                 "bob < ACK\n"
                                                 "alice none\n"
                                                 "bob > 200 MESSAGE\n"
                                                 "alice < 200/MESSAGE\n"},
    {"answers with the branch of the MESSAGE that their sender sent", "RFC 3261 17.1.3",
     "testNitAndInviteResponse testNitAndResponse testNitAndDifferentNitResponse "
     "testNitAndAckResponse",
     MESSAGED "alice > 200 MESSAGE own\n"
              "alice > 200 MESSAGE own \"%CSeq: 1 MESSAGE%CSeq: 1 INVITE%\"\n"
              "alice > 200 MESSAGE own \"%CSeq: 1 MESSAGE%CSeq: 1 INFO%\"\n"
              "alice > 200 MESSAGE own \"%CSeq: 1 MESSAGE%CSeq: 1 ACK%\"\n"
              "alice none\n"
              "bob none\n"
              "bob > 200 MESSAGE\n"
              "alice < 200/MESSAGE\n"},
    {"an INVITE with the branch of the ACK of a 200", "RFC 3261 17.2.3",
     "testAck200AndInviteCollide",
     TALKING "alice > INVITE %alice-5%alice-4%\n"
             "bob < INVITE\n"
             "bob > 200 INVITE\n"
             "alice < 200/INVITE\n"
             "alice > ACK\n"
             "bob < ACK\n"},
    {"a MESSAGE with the branch of the ACK of a 200", "RFC 3261 17.2.3", "testAck200AndNitCollide",
     TALKING "alice > MESSAGE %alice-5%alice-4%\n"
             "bob < MESSAGE\n"
             "bob > 200 MESSAGE\n"
             "alice < 200/MESSAGE\n"},
    {"answers with the branch of the ACK of a 200", "RFC 3261 17.1.3",
     "testAck200InviteResponse testAck200NitResponse testAck200AndInviteResponse "
     "testAck200AndNitResponse testAck200AndAckResponse",
     TALKING "bob > 200 ACK \"%CSeq: 1 ACK%CSeq: 1 INVITE%\"\n"
             "bob > 200 ACK \"%CSeq: 1 ACK%CSeq: 1 MESSAGE%\"\n"
             "alice > 200 ACK own\n"
             "alice > 200 ACK own \"%CSeq: 1 ACK%CSeq: 1 INVITE%\"\n"
             "alice > 200 ACK own \"%CSeq: 1 ACK%CSeq: 1 MESSAGE%\"\n"
             "alice none\n"
             "bob none\n" ALICE_HANGS_UP},
    {"the refused INVITE once more, after its ACK", "RFC 3261 17.2.1",
     "testAckFailureAndInviteCollide",
     INVITED REFUSED("486") "alice again INVITE\n"
                            "alice none\n"
                            "bob none\n"},
    {"another INVITE with the branch of a refused one", "RFC 3261 17.2.3, 8.1.1.7", "",
     INVITED REFUSED("486") "alice > INVITE bob %alice-4%alice-3%\n"
                            "bob < INVITE\n"
                            "bob > 486\n"
                            "bob < ACK\n"
                            "alice < 486\n"
                            "alice lax\n"
                            "alice > ACK\n"},
    {"a MESSAGE with the branch of the ACK of a refusal", "RFC 3261 17.2.3",
     "testAckFailureAndNitCollide",
     INVITED REFUSED("486") "alice > MESSAGE bob same " ONE("MESSAGE") " %alice-4%alice-3%\n"
                                                                       "bob < MESSAGE\n"
                                                                       "bob > 200 MESSAGE\n"
                                                                       "alice < 200/MESSAGE\n"},
    {"answers with the branch of the ACK of a refusal", "RFC 3261 17.1.3",
     "testAckFailureInviteResponse testAckFailureNitResponse testAckFailureAndInviteResponse "
     "testAckFailureAndNitResponse testAckFailureAndAckResponse",
     INVITED REFUSED("486") "bob > 200 ACK \"%CSeq: 1 ACK%CSeq: 1 INVITE%\"\n"
                            "bob > 200 ACK \"%CSeq: 1 ACK%CSeq: 1 MESSAGE%\"\n"
                            "alice > 200 ACK own\n"
                            "alice > 200 ACK own \"%CSeq: 1 ACK%CSeq: 1 INVITE%\"\n"
                            "alice > 200 ACK own \"%CSeq: 1 ACK%CSeq: 1 MESSAGE%\"\n"
                            "alice none\n"
                            "bob none\n"},
    {"an INVITE without the magic cookie", "RFC 3261 17.2.3", "testInvite2543Tid",
     ALICE_AND_BOB "alice > INVITE bob %z9hG4bK%old-%\n"
                   "bob < INVITE\n"
                   "alice again INVITE\n"
                   "bob > 180\n"
                   "alice < 180\n"
                   "bob repeats 0 INVITE\n"
                   "bob > 486\n"
                   "bob < ACK\n"
                   "alice < 486\n"
                   "alice > ACK\n"
                   "wait 10s\n"
                   "alice repeats 0 486\n"},
    {"an INVITE without any branch, cancelled", "RFC 3261 17.2.3, 9.2", "",
     ALICE_AND_BOB "alice > INVITE bob %;branch=z9hG4bKalice-3%%\n"
                   "bob < INVITE\n"
                   "bob > 180\n"
                   "alice < 180\n"
                   "alice > CANCEL\n"
                   "alice < 200/CANCEL\n"
                   "bob < CANCEL\n"
                   "bob > 200 CANCEL\n"
                   "bob > 487 INVITE\n"
                   "bob < ACK\n"
                   "alice < 487/INVITE\n"
                   "alice > ACK\n"
                   "wait 10s\n"
                   "alice repeats 0 487\n"},
    {"a MESSAGE without the magic cookie", "RFC 3261 17.2.3", "testNit2543Tid testNonInvite2543Tid",
     ALICE_AND_BOB "alice > MESSAGE bob %z9hG4bK%old-%\n"
                   "bob < MESSAGE\n"
                   "alice again MESSAGE\n"
                   "bob > 200\n"
                   "alice < 200\n"
                   "alice again MESSAGE\n"
                   "wait 10ms\n"
                   "alice repeats 1 200\n"
                   "bob repeats 0 MESSAGE\n"},
    {"an ACK without the magic cookie", "RFC 3261 17.2.3, 16.11", "testAck2543Tid",
     ANSWERED "alice > ACK %z9hG4bK%old-%\n"
              "bob < ACK\n" ALICE_HANGS_UP},
};

SCENARIO_TABLE(collide, NULL)
