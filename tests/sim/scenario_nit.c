/* Requests other than INVITE ("NIT": non-INVITE transaction). */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

#define DONE                                                                                       \
    "bob > 200\n"                                                                                  \
    "alice < 200 from bob\n"

static const struct scenario scenarios[] = {
    {"a MESSAGE is delivered and answered", "RFC 3428, RFC 3261 17.1.2", "", MESSAGED DONE},
    {"INFO in a call", "RFC 6086, RFC 3261 16.12", "testInfo",
     TALKING "alice > INFO\n"
             "bob < INFO\n"
             "bob > 200\n"
             "alice < 200/INFO\n"
             "bob > INFO\n"
             "alice < INFO\n"
             "alice > 200\n"
             "bob < 200/INFO\n" ALICE_HANGS_UP},
    {"UPDATE and PRACK pass in an early dialog", "RFC 3311, RFC 3262, RFC 3261 16.12", "",
     RINGING "alice > PRACK to=bob\n"
             "bob < PRACK\n"
             "bob > 200 PRACK\n"
             "alice < 200/PRACK\n"
             "alice > UPDATE to=bob\n"
             "bob < UPDATE\n"
             "bob > 200 UPDATE\n"
             "alice < 200/UPDATE\n"
             "bob > 200 INVITE\n"
             "alice < 200/INVITE\n"
             "alice > ACK\n"
             "bob < ACK\n"},
    {"a method that nobody knows passes", "RFC 3261 16.3", "",
     ALICE_AND_BOB "alice > FROBNICATE bob\n"
                   "bob < FROBNICATE\n" DONE},
    {"SUBSCRIBE makes a dialog, NOTIFY comes back in it", "RFC 6665", "",
     ALICE_AND_BOB "alice > SUBSCRIBE bob \"+Event: presence\"\n"
                   "bob < SUBSCRIBE \"Record-Route: 192.0.2.1\"\n"
                   "bob > 200\n"
                   "alice < 200\n"
                   "bob > NOTIFY \"+Event: presence\"\n"
                   "alice < NOTIFY \"Event: presence\"\n"
                   "alice > 200\n"
                   "bob < 200/NOTIFY\n"},
    {"busy", "RFC 3261 16.7", "testNonInviteBusy testNonInvite4xxResponse",
     MESSAGED "bob > 486\n"
              "alice < 486\n"},
    {"500", "RFC 3261 16.7", "testNonInvite5xxResponse",
     MESSAGED "bob > 500\n"
              "alice < 500\n"},
    {"600", "RFC 3261 16.7", "testNonInvite6xxResponse",
     MESSAGED "bob > 600\n"
              "alice < 600\n"},
    {"nobody is there", "RFC 3261 16.5", "testNonInviteNoContacts",
     "register alice\n"
     "alice > MESSAGE bob\n"
     "alice < 480\n"},
    {"a spiral: carol's contact is bob's address", "RFC 3261 16.3 step 4, 16.5",
     "testNonInviteSpiral",
     ALICE_AND_BOB "carol is sip:bob@example.com\n"
                   "register carol\n"
                   "alice > MESSAGE carol\n"
                   "bob < MESSAGE\n" DONE},
    {"a provisional response is not passed on; nobody can CANCEL but an INVITE",
     "RFC 4320 4.1, RFC 3261 9.1, 9.2", "testNonInviteWith180andCancel",
     MESSAGED "bob > 180\n"
              "alice none\n"
              "alice > CANCEL\n"
              "alice < 200/CANCEL\n"
              "bob none\n"
              "bob > 200 MESSAGE\n"
              "alice < 200/MESSAGE\n"},
    {"180 is not passed on, however often it comes", "RFC 4320 4.1",
     "testNonInviteWith180 testNonInviteSpam180",
     MESSAGED "bob > 180\n"
              "bob again 180\n"
              "bob again 180\n"
              "alice none\n" DONE},
    {"a CANCEL after the 200 does nothing", "RFC 3261 9.2", "testNonInvite200ThenCancel",
     MESSAGED DONE "alice > CANCEL\n"
                   "alice < 200/CANCEL\n"
                   "bob none\n"},
    {"a CANCEL after the 400 does nothing", "RFC 3261 9.2", "testNonInvite400ThenCancel",
     MESSAGED "bob > 400\n"
              "alice < 400\n"
              "alice > CANCEL\n"
              "alice < 200/CANCEL\n"
              "bob none\n"},
    {"a CANCEL after the 500 does nothing", "RFC 3261 9.2", "testNonInvite500ThenCancel",
     MESSAGED "bob > 500\n"
              "alice < 500\n"
              "alice > CANCEL\n"
              "alice < 200/CANCEL\n"
              "bob none\n"},
    {"the challenge is lost: the request comes again and gets it again", "RFC 3261 17.2.2",
     "testNonInvite407Dropped",
     "register bob\n"
     "alice misses 407\n"
     "alice > MESSAGE bob\n"
     "alice none\n"
     "alice again MESSAGE\n"
     "alice < 407\n"
     "alice > MESSAGE bob same\n"
     "bob < MESSAGE\n" DONE},
    {"the request is lost: it comes again", "RFC 3261 17.1.2.2", "testNonInviteDropped",
     ALICE_AND_BOB "bob misses MESSAGE\n"
                   "alice > MESSAGE bob\n"
                   "bob none\n"
                   "bob < MESSAGE within 400ms\n" DONE},
    {"the 200 is lost: the request that comes again gets it", "RFC 3261 17.2.2",
     "testNonInvite200Dropped",
     MESSAGED "alice misses 200\n"
              "bob > 200\n"
              "alice none\n"
              "alice again MESSAGE\n"
              "alice < 200\n"
              "bob none\n"},
    {"the phone called sends its 200 many times", "RFC 3261 17.1.2.2", "testNonInviteSpam200",
     MESSAGED DONE "bob again 200\n"
                   "bob again 200\n"
                   "alice repeats 0 200\n"
                   "alice none\n"},
    {"180 after the 200", "RFC 3261 17.1.2.2", "testNonInvite200then180 testNit2xxThen1xx",
     MESSAGED DONE "bob > 180\n"
                   "alice none\n"},
    {"the caller sends many times before the answer: one goes on", "RFC 3261 17.2.2",
     "testNonInviteSpamRequestBeforeResponse",
     MESSAGED "alice again MESSAGE\n"
              "alice again MESSAGE\n"
              "bob repeats 0 MESSAGE\n"
              "alice none\n"
              "bob none\n" DONE},
    {"the caller sends many times after the answer: it gets the same one", "RFC 3261 17.2.2",
     "testNonInviteSpamRequestAfterResponse",
     MESSAGED DONE "alice again MESSAGE\n"
                   "alice again MESSAGE\n"
                   "wait 10ms\n"
                   "alice repeats 2 200\n"
                   "bob none\n"},
    {"an answer with another method in CSeq is none", "RFC 3261 17.1.3",
     "testNonInviteWithWrongMethodResponse testNitDifferentNitResponse testNitInviteResponse "
     "testNitAckResponse",
     MESSAGED "bob > 200 \"%CSeq: 1 MESSAGE%CSeq: 1 OPTIONS%\"\n"
              "bob > 200 \"%CSeq: 1 MESSAGE%CSeq: 1 INVITE%\"\n"
              "bob > 200 \"%CSeq: 1 MESSAGE%CSeq: 1 ACK%\"\n"
              "alice none\n" DONE},
    {"the request is sent again until it is answered", "RFC 3261 17.1.2.2",
     "testNonInviteClientRetransmissionsWithRecovery",
     MESSAGED "wait 3.6s\n"
              "bob repeats 3 MESSAGE\n" DONE},
    {"the phone called never answers: no 408, nothing left", "RFC 3261 17.1.2.2, RFC 4320 4.2",
     "testNonInviteClientRetransmissionsWithTimeout",
     MESSAGED "wait 40s\n"
              "bob repeats 10 MESSAGE\n"
              "alice none\n"},
    {"an answer that comes again is absorbed", "RFC 3261 17.1.2.2",
     "testNonInviteServerRetransmission",
     MESSAGED "bob > 486\n"
              "alice < 486\n"
              "bob again 486\n"
              "alice repeats 0 486\n"
              "alice none\n"},
    {"an ACK after a refused MESSAGE is passed on like any stray one, and never answered",
     "RFC 3261 16.11, 17.2.2", "testNonInviteWithAckFailure",
     MESSAGED "bob > 486\n"
              "alice < 486\n"
              "alice > ACK bob same \"%CSeq: 2 ACK%CSeq: 1 ACK%\" %alice-4%alice-3%\n"
              "bob < ACK\n"
              "alice none\n"},
    {"an ACK after a MESSAGE that was taken does no harm", "RFC 3261 16.11, 17.2.2",
     "testNonInviteWithAck200",
     MESSAGED DONE "alice > ACK bob same \"%CSeq: 2 ACK%CSeq: 1 ACK%\"\n"
                   "bob < ACK\n"
                   "alice none\n"},
    {"100 Trying to a non-INVITE that takes long", "RFC 4320 4.1", "",
     MESSAGED "bob > 100\n"
              "wait 1s\n"
              "bob > 200\n"
              "alice < 200\n"},
    {"OPTIONS to the server", "RFC 3261 11.2", "",
     "alice > OPTIONS sip:example.com\n"
     "alice < 200 Allow: Accept: Supported:\n"},
    {"OPTIONS to the server's address", "RFC 3261 11.2", "",
     "alice > OPTIONS sip:192.0.2.1\n"
     "alice < 200\n"},
    {"OPTIONS to a phone goes there", "RFC 3261 11.2", "",
     ALICE_AND_BOB "alice > OPTIONS bob\n"
                   "bob < OPTIONS\n" DONE},
    {"OPTIONS to a phone that may not be forwarded any more", "RFC 3261 16.3 step 3", "",
     ALICE_AND_BOB "alice > OPTIONS bob \"%Max-Forwards: 70%Max-Forwards: 0%\"\n"
                   "alice < 483\n"
                   "bob none\n"},
};

SCENARIO_TABLE(nit, NULL)
