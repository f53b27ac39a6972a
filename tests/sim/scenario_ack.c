/* ACK: hop by hop after a refusal, end to end after a 2xx. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

static const struct scenario scenarios[] = {
    {"the ACK of a challenge is lost: the challenge comes once, the call goes on",
     "RFC 3261 26.3.2.4, 22.2", "testInviteAck407Dropped",
     "register bob\n"
     "alice > INVITE bob\n"
     "alice < 407\n"
     "wait 600ms\n"
     "alice none\n"
     "alice > INVITE bob same\n"
     "bob < INVITE\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK\n"},
    {"the challenge itself is lost: the INVITE that comes again brings another",
     "RFC 3261 26.3.2.4, 8.2.7", "testInvite407Dropped",
     "register bob\n"
     "alice misses 407\n"
     "alice > INVITE bob\n"
     "wait 500ms\n"
     "alice again INVITE\n"
     "alice < 407\n"
     "alice > ACK\n"
     "alice > INVITE bob same\n"
     "bob < INVITE\n"
     "bob > 486\n"
     "bob < ACK\n"
     "alice < 486\n"
     "alice > ACK\n"},
    {"ACKs of a challenge go nowhere", "RFC 3261 17.2.1", "testInviteClientSpamsAck407",
     "register bob\n"
     "alice > INVITE bob\n"
     "alice < 407\n"
     "alice > ACK\n"
     "alice again ACK\n"
     "alice again ACK\n"
     "bob none\n"
     "alice none\n"},
    {"the ACK of a refusal with another branch does not end its sending again", "RFC 3261 17.1.1.3",
     "testInviteBadAckTid1",
     INVITED "bob > 486\n"
             "bob < ACK\n"
             "alice < 486\n"
             "alice > ACK %z9hG4bKalice%z9hG4bKother%\n"
             "bob < ACK\n" /* what looks like the ACK of a 2xx is passed on */
             "wait 1.6s\n"
             "alice repeats 2+ 486\n"
             "alice > ACK\n"
             "wait 10s\n"
             "alice repeats 0 486\n"},
    {"the ACK of a 200 with the INVITE's branch is passed on all the same", "RFC 6026 7.1",
     "testInviteBadAckTid2",
     ANSWERED "alice > ACK %z9hG4bKalice-4%z9hG4bKalice-3%\n"
              "bob < ACK\n" ALICE_HANGS_UP},
    {"a 200 with ACK in CSeq answers nothing", "RFC 3261 17.1.3", "testAck200WithResponse",
     TALKING "bob > 200 ACK\n"
             "alice none\n" ALICE_HANGS_UP},
    {"an answer to the ACK of a refusal goes nowhere", "RFC 3261 17.1.3",
     "testAckFailureWithResponse",
     INVITED REFUSED("486") "bob > 200 ACK\n"
                            "alice none\n"},
    {"an answer with ACK in CSeq does not answer the INVITE", "RFC 3261 17.1.3",
     "testInviteAckResponse testInviteNonInviteResponse",
     INVITED "bob > 200 \"%CSeq: 1 INVITE%CSeq: 1 ACK%\"\n"
             "bob > 200 \"%CSeq: 1 INVITE%CSeq: 1 OPTIONS%\"\n"
             "alice none\n"
             "bob > 200\n"
             "alice < 200\n"
             "alice > ACK\n"
             "bob < ACK\n"},
    {"an ACK with no To tag from nowhere is not answered", "RFC 3261 17.2.3, 16.11", "",
     ALICE_AND_BOB "alice > ACK bob\n"
                   "bob < ACK\n"
                   "alice none\n"},
    {"an ACK for a third party is dropped", "RFC 3261 16.3, 22.1", "",
     "carol > ACK sip:dave@192.0.2.99 from=carol@elsewhere.example.org\n"
     "carol none\n"},
    {"the ACK of a dialog that never was is passed by its token alone", "RFC 3261 16.12", "",
     TALKING "alice > ACK \"%tag=bob-tag%tag=other%\"\n"
             "bob < ACK\n" ALICE_HANGS_UP},
    {"the 487 after a CANCEL is acknowledged for each side", "RFC 3261 16.10, 17.1.1.3", "",
     RINGING "alice > CANCEL\n"
             "alice < 200/CANCEL\n"
             "bob < CANCEL\n"
             "bob > 200 CANCEL\n"
             "bob > 487 INVITE\n"
             "bob < ACK\n"
             "bob again 487\n"
             "wait 10ms\n"
             "bob repeats 1 ACK\n"
             "alice < 487/INVITE\n"
             "alice > ACK\n"},
};

SCENARIO_TABLE(ack, NULL)
