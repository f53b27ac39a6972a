/* CANCEL, and what overtakes it. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

/* Alice has cancelled, bob has heard it. */
#define CANCELLED                                                                                  \
    "alice > CANCEL\n"                                                                             \
    "alice < 200/CANCEL\n"                                                                         \
    "bob < CANCEL\n"                                                                               \
    "bob > 200 CANCEL\n"
#define TERMINATED                                                                                 \
    "bob > 487 INVITE\n"                                                                           \
    "bob < ACK\n"                                                                                  \
    "alice < 487/INVITE\n"                                                                         \
    "alice > ACK\n"

static const struct scenario scenarios[] = {
    {"the caller gives up while it rings", "RFC 3261 9.1, 9.2, 16.10",
     "testInviteCallerCancels testInviteNoAnswerCancel", RINGING CANCELLED TERMINATED},
    {"the caller gives up before anything came from the phone: the CANCEL waits for a 1xx",
     "RFC 3261 9.1", "testInviteCancelBefore1xx",
     INVITED "alice > CANCEL\n"
             "alice < 200/CANCEL\n"
             "bob none\n"
             "bob > 180\n"
             "bob < CANCEL\n"
             "bob > 200 CANCEL\n"
             "alice gets 180\n" TERMINATED},
    {"CANCEL before any 1xx, and the phone never says 487: the caller gets its end in time",
     "RFC 3261 9.1", "testInviteCancelBefore1xxNo487",
     INVITED "alice > CANCEL\n"
             "alice < 200/CANCEL\n"
             "bob > 180\n"
             "bob < CANCEL\n"
             "bob > 200 CANCEL\n"
             "alice gets 180\n"
             "alice < 487/INVITE within 33s\n"
             "alice > ACK\n"},
    {"CANCEL, and the phone says nothing at all", "RFC 3261 9.1, 17.1.1.2",
     "testInviteCancelBefore1xxNo487or1xx",
     INVITED "alice > CANCEL\n"
             "alice < 200/CANCEL\n"
             "alice < 487/INVITE within 33s\n"
             "alice > ACK\n"},
    {"the phone takes the CANCEL and never says 487", "RFC 3261 9.1",
     "testInviteCallerCancelsNo487",
     RINGING CANCELLED "alice < 487/INVITE within 33s\n"
                       "alice > ACK\n"},
    {"CANCEL crosses the 200 on the caller's side", "RFC 3261 9.1, 16.10",
     "testInvite200BeatsCancelClientSide testInviteCallerCancelsWithRace",
     RINGING "bob > 200\n"
             "wait 10ms\n"
             "alice > CANCEL\n"
             "alice < 200/INVITE\n"
             "alice > ACK\n"
             "bob < ACK\n"
             "alice < 200/CANCEL\n"
             "bob none\n" ALICE_HANGS_UP},
    {"CANCEL crosses the 200 on the phone's side", "RFC 3261 9.1, 15.1", "",
     RINGING "alice > CANCEL\n"
             "alice < 200/CANCEL\n"
             "bob < CANCEL\n"
             "bob > 200 INVITE\n"
             "bob > 481 CANCEL\n"
             "alice < 200/INVITE\n"
             "alice > ACK\n"
             "bob < ACK\n" ALICE_HANGS_UP},
    {"486 beats the CANCEL on the phone's side", "RFC 3261 9.2",
     "testInvite486BeatsCancelServerSide",
     RINGING "alice > CANCEL\n"
             "alice < 200/CANCEL\n"
             "bob < CANCEL\n"
             "bob > 486 INVITE\n"
             "bob > 481 CANCEL\n"
             "bob < ACK\n"
             "alice < 486/INVITE\n"
             "alice > ACK\n"},
    {"486 beats the CANCEL on the caller's side", "RFC 3261 9.2, 16.10",
     "testInvite486BeatsCancelClientSide",
     RINGING "bob > 486\n"
             "bob < ACK\n"
             "alice > CANCEL\n"
             "alice < 486/INVITE\n"
             "alice > ACK\n"
             "alice < 200/CANCEL\n"
             "bob none\n"},
    {"503 beats the CANCEL", "RFC 3261 9.2", "testInvite503BeatsCancelServerSide",
     RINGING "alice > CANCEL\n"
             "alice < 200/CANCEL\n"
             "bob < CANCEL\n"
             "bob > 503 INVITE\n"
             "bob > 481 CANCEL\n"
             "bob < ACK\n"
             "alice < 500/INVITE\n"
             "alice > ACK\n"},
    {"a CANCEL that comes twice is answered twice, and passed on once", "RFC 3261 9.2, 17.2.2", "",
     RINGING "alice > CANCEL\n"
             "alice < 200/CANCEL\n"
             "alice again CANCEL\n"
             "wait 10ms\n"
             "alice repeats 1 200/CANCEL\n"
             "bob < CANCEL\n"
             "bob > 200 CANCEL\n"
             "bob repeats 0 CANCEL\n" TERMINATED},
    {"the phone's 200 to the CANCEL is lost: the CANCEL is sent again", "RFC 3261 9.1, 17.1.2", "",
     RINGING "alice > CANCEL\n"
             "alice < 200/CANCEL\n"
             "bob < CANCEL\n"
             "wait 600ms\n"
             "bob repeats 1 CANCEL\n"
             "bob > 200 CANCEL\n" TERMINATED},
    {"a CANCEL of nothing", "RFC 3261 9.2", "",
     RINGING "alice > CANCEL %z9hG4bKalice%z9hG4bKother%\n"
             "alice < 481/CANCEL\n"
             "bob none\n"
             "bob > 486\n"
             "bob < ACK\n"
             "alice < 486\n"
             "alice > ACK\n"},
    {"the CANCEL of somebody else's address changes nothing without the branch's own sent-by",
     "RFC 3261 9.2, 17.2.3", "",
     RINGING "alice > CANCEL \"%192.0.2.10:5060;rport%192.0.2.99:5060;rport%\"\n"
             "alice < 481/CANCEL\n"
             "bob none\n"
             "bob > 486\n"
             "bob < ACK\n"
             "alice < 486\n"
             "alice > ACK\n"},
    {"a CANCEL with another CSeq number cancels nothing", "RFC 3261 9.1, 9.2",
     "testInviteCancelCSeq",
     RINGING "alice > CANCEL \"%CSeq: 1 CANCEL%CSeq: 8 CANCEL%\"\n"
             "alice < 481/CANCEL\n"
             "bob none\n"
             "bob > 486\n"
             "bob < ACK\n"
             "alice < 486\n"
             "alice > ACK\n"},
    {"a CANCEL whose CSeq says INVITE", "RFC 3261 8.1.1.5", "testCancelInviteCSeq",
     RINGING "alice lax\n" /* the 400 looks like one to the INVITE */
             "alice > CANCEL \"%CSeq: 1 CANCEL%CSeq: 1 INVITE%\"\n"
             "alice < 400\n"
             "bob none\n"
             "bob > 486\n"
             "bob < ACK\n"
             "alice < 486\n"
             "alice > ACK\n"},
    {"an INVITE whose CSeq says something else", "RFC 3261 8.1.1.5", "testInviteUnknownCSeq",
     ALICE_AND_BOB "alice > INVITE bob \"%CSeq: 1 INVITE%CSeq: 1 FROBNICATE%\"\n"
                   "alice < 400\n"
                   "bob none\n"},
    {"a call that went a second way through us is cancelled", "RFC 3261 16.10",
     "testSpiralWithCancel",
     ALICE_AND_BOB "carol is sip:bob@example.com\n"
                   "register carol\n"
                   "alice > INVITE carol\n"
                   "bob < INVITE\n"
                   "bob > 180\n"
                   "alice < 180\n" CANCELLED TERMINATED},
    {"a call that waits for a name is cancelled at once", "RFC 3261 16.10", "",
     "config name slow.example.net silent\n"
     "register alice\n"
     "carol is sip:carol@slow.example.net\n"
     "register carol\n"
     "alice > INVITE carol\n"
     "alice < 100\n"
     "alice > CANCEL\n"
     "alice gets 200/CANCEL\n"
     "alice gets 487/INVITE\n"
     "alice > ACK\n"},
};

SCENARIO_TABLE(cancel, NULL)
