/* Calls: answered, refused, retransmitted, one caller and one phone called. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

static const struct scenario scenarios[] = {
    {"an unregistered user whose name comes escaped", "RFC 3261 19.1.4, 16.5", "",
     "register alice\n"
     "alice > INVITE sip:%62ob@example.com\n"
     "alice < 480\n"
     "alice > ACK\n"},
    {"a call is answered, and the caller hangs up", "RFC 3261 13, 15, 16",
     "testInviteBasic testInviteCallerHangsUp", TALKING ALICE_HANGS_UP},
    {"a call is answered, and the called one hangs up", "RFC 3261 15", "testInviteCalleeHangsUp",
     TALKING BOB_HANGS_UP},
    {"without Record-Route the phones talk to each other directly", "RFC 3261 16.6 step 4", "",
     "config record_route off\n" ANSWERED "alice > ACK routes=0\n"
     "bob < ACK vias=1\n"
     "alice > BYE\n"
     "bob < BYE vias=1\n"
     "bob > 200\n"
     "alice < 200/BYE\n"},
    {"the magic cookie counts in any case", "RFC 3261 7.3.1, 8.1.1.7",
     "testInviteBasicUpperCaseBranch",
     ALICE_AND_BOB "alice > INVITE bob %;branch=z9hG4bK%;branch=Z9HG4BK%\n"
                   "bob < INVITE\n"
                   "bob > 180\n"
                   "alice < 180\n"
                   "bob > 200\n"
                   "alice < 200\n"
                   "alice > ACK\n"
                   "bob < ACK\n" ALICE_HANGS_UP},
    {"a re-INVITE goes the way of its dialog", "RFC 3261 14, 16.12", "",
     TALKING "alice > INVITE sdp\n"
             "bob < INVITE !Proxy-Authorization\n"
             "bob > 200\n"
             "alice < 200\n"
             "alice > ACK\n"
             "bob < ACK\n"
             "bob > INVITE\n"
             "alice < INVITE\n"
             "alice > 200\n"
             "bob < 200\n"
             "bob > ACK\n"
             "alice < ACK\n" BOB_HANGS_UP},
    {"early media: 183 with a body passes", "RFC 3261 13.2.1", "testEarlyMedia",
     INVITED "bob > 183 sdp\n"
             "alice < 183 \"Content-Type: application/sdp\" \"Content-Length: 5\"\n"
             "bob > 200\n"
             "alice < 200\n"
             "alice > ACK\n"
             "bob < ACK\n" ALICE_HANGS_UP},
    {"the called one is busy", "RFC 3261 16.7, 17.1.1.3", "testInviteBusy", RINGING REFUSED("486")},
    {"488 comes through", "RFC 3261 16.7", "testInvite488Response", INVITED REFUSED("488")},
    {"480 comes through", "RFC 3261 16.7", "testInvite480Response", INVITED REFUSED("480")},
    {"500 comes through", "RFC 3261 16.7", "testInvite500Response", INVITED REFUSED("500")},
    {"600 comes through", "RFC 3261 16.7", "testInvite600Response", INVITED REFUSED("600")},
    {"603 comes through", "RFC 3261 16.7", "testInvite603Response", INVITED REFUSED("603")},
    {"503 of one phone becomes 500", "RFC 3261 16.7 step 6", "testInvite503Response",
     INVITED "bob > 503 \"+Retry-After: 60\"\n"
             "bob < ACK\n"
             "alice < 500 !Retry-After\n"
             "alice > ACK\n"},
    {"an unknown user is not found", "RFC 3261 16.5", "testInviteNotFound testInviteNoSuchUser",
     "register alice\n"
     "alice > INVITE nobody\n"
     "alice < 404\n"
     "alice > ACK\n"},
    {"a user without a phone is unavailable", "RFC 3261 16.5, 21.4.18", "",
     "register alice\n"
     "alice > INVITE carol\n"
     "alice < 480\n"
     "alice > ACK\n"},
    {"a stranger is refused once for each time that his INVITE comes", "RFC 3261 8.2.7", "",
     "carol > INVITE nobody from=carol@elsewhere.example.org\n"
     "carol < 404\n"
     "wait 33s\n"
     "carol repeats 0 404\n"
     "carol again INVITE\n"
     "wait 1s\n"
     "carol repeats 1 404\n"
     "carol > ACK\n"},
    {"a user of ours is refused until he acknowledges it", "RFC 3261 17.2.1", "",
     "register alice\n"
     "alice > INVITE nobody\n"
     "alice < 404\n"
     "wait 1.6s\n"
     "alice repeats 2+ 404\n"
     "alice > ACK\n"
     "wait 10s\n"
     "alice repeats 0 404\n"},
    {"a 404 that a phone sends again is acknowledged again", "RFC 3261 17.1.1.2",
     "testInviteNotFoundServerRetransmits",
     INVITED REFUSED("404") "bob again 404\n"
                            "wait 10ms\n"
                            "bob repeats 1 ACK\n"
                            "alice none\n"},
    {"180 as often as a phone likes", "RFC 3261 16.7 step 5", "testInviteServerSpams180",
     RINGING "bob again 180\n"
             "bob again 180\n"
             "bob again 180\n"
             "wait 10ms\n"
             "alice repeats 3 180\n"
             "bob > 200\n"
             "alice < 200\n"
             "alice > ACK\n"
             "bob < ACK\n"},
    {"180 after the 200 is not passed on", "RFC 3261 16.7 step 5, 17.2.1",
     "testInviteServerSends180After200 testInvite2xxThen1xx",
     TALKING "bob > 180 INVITE\n"
             "alice none\n"},
    {"each 200 that a phone sends again reaches the caller", "RFC 3261 13.3.1.4, RFC 6026 7.2",
     "testInviteServerSpams200",
     ANSWERED "bob again 200\n"
              "bob again 200\n"
              "wait 10ms\n"
              "alice repeats 2 200\n"
              "alice > ACK\n"
              "bob < ACK\n"},
    {"486 sent again is acknowledged again", "RFC 3261 17.1.1.2", "testInviteServerRetransmits486",
     INVITED REFUSED("486") "bob again 486\n"
                            "bob again 486\n"
                            "wait 10ms\n"
                            "bob repeats 2 ACK\n"
                            "alice none\n"},
    {"503 sent again is acknowledged again", "RFC 3261 17.1.1.2", "testInviteServerRetransmits503",
     INVITED "bob > 503\n"
             "bob < ACK\n"
             "alice < 500\n"
             "alice > ACK\n"
             "bob again 503\n"
             "wait 10ms\n"
             "bob repeats 1 ACK\n"},
    {"603 sent again is acknowledged again", "RFC 3261 17.1.1.2", "testInviteServerRetransmits603",
     INVITED REFUSED("603") "bob again 603\n"
                            "wait 10ms\n"
                            "bob repeats 1 ACK\n"},
    {"an INVITE sent again gets the last provisional response and goes no further",
     "RFC 3261 17.2.1", "testInviteClientSpamsInvite testInviteClientRetransmissionsWithRecovery",
     RINGING "alice again INVITE\n"
             "alice again INVITE\n"
             "wait 10ms\n"
             "alice repeats 2 180\n"
             "bob repeats 0 INVITE\n"
             "bob none\n"
             "bob > 200\n"
             "alice < 200\n"
             "alice > ACK\n"
             "bob < ACK\n"},
    {"an INVITE sent again after the 200 is absorbed", "RFC 6026 7.1",
     "testInviteClientRetransmitsAfter200",
     ANSWERED "alice again INVITE\n"
              "wait 10ms\n"
              "alice repeats 0 200\n"
              "alice none\n"
              "bob none\n"
              "alice > ACK\n"
              "bob < ACK\n"},
    {"the ACK comes late", "RFC 3261 13.3.1.4", "testInviteClientLateAck",
     ANSWERED "wait 500ms\n"
              "bob again 200\n"
              "wait 1s\n"
              "bob again 200\n"
              "wait 10ms\n"
              "alice repeats 2 200\n"
              "alice > ACK\n"
              "bob < ACK\n" ALICE_HANGS_UP},
    {"the ACK of a 200 is lost", "RFC 3261 13.2.2.4", "testInviteClientMissedAck",
     ANSWERED "bob misses ACK\n"
              "alice > ACK\n"
              "bob none\n"
              "bob again 200\n"
              "wait 10ms\n"
              "alice repeats 1 200\n"
              "alice again ACK\n"
              "bob < ACK\n"},
    {"the ACK never comes: both sides end clean", "RFC 3261 13.3.1.4, RFC 6026 8.7",
     "testInviteClientMissedAck2",
     ANSWERED "wait 32s\n"
              "bob > BYE\n"
              "alice < BYE\n"
              "alice > 200\n"
              "bob < 200/BYE\n"},
    {"a refusal that is never acknowledged is sent again until timer H", "RFC 3261 17.2.1", "",
     INVITED "bob > 486\n"
             "bob < ACK\n"
             "alice < 486\n"
             "wait 40s\n"
             "alice repeats 10 486\n"},
    {"180 is lost", "RFC 3261 17.1.1.2", "testInvite1xxDropped",
     INVITED "alice misses 180\n"
             "bob > 180\n"
             "alice none\n"
             "bob > 200\n"
             "alice < 200\n"
             "alice > ACK\n"
             "bob < ACK\n"},
    {"100 and 180 of the phone are lost: the INVITE is sent again until one comes",
     "RFC 3261 17.1.1.2", "",
     INVITED "wait 1.7s\n"
             "bob repeats 2 INVITE\n"
             "bob > 180\n"
             "alice < 180\n"
             "wait 10s\n"
             "bob repeats 0 INVITE\n"
             "bob > 200\n"
             "alice < 200\n"
             "alice > ACK\n"
             "bob < ACK\n"},
    {"ACKs of a 200 go through as often as they come, the same bytes", "RFC 3261 16.11",
     "testInviteClientSpamsAck200",
     TALKING "alice again ACK\n"
             "alice again ACK\n"
             "wait 10ms\n"
             "bob repeats 2 ACK\n"},
    {"the phone called is dead: 408 after timer B", "RFC 3261 17.1.1.2, 16.8",
     "testInviteServerDead",
     ALICE_AND_BOB "bob dies\n"
                   "alice > INVITE bob\n"
                   "alice < 100\n"
                   "wait 31.7s\n"
                   "alice none\n"
                   "alice < 408 within 300ms\n"
                   "alice > ACK\n"},
    {"the caller dies after its first INVITE", "RFC 3261 17.2.1",
     "testInviteClientDiesAfterFirstInvite",
     "register bob\n"
     "alice > INVITE bob\n"
     "alice dies\n"
     "bob none\n"},
    {"the caller dies after the INVITE with credentials", "RFC 3261 15",
     "testInviteClientDiesAfterSecondInvite",
     INVITED "alice dies\n"
             "bob > 180\n"
             "bob > 200\n"
             "wait 32s\n"
             "bob > BYE\n"
             "wait 40s\n"
             "bob none\n"},
    {"the phone called dies while it rings: the caller gives up", "RFC 3261 9.1", "",
     RINGING "bob dies\n"
             "alice > CANCEL\n"
             "alice < 200/CANCEL\n"
             "alice < 487 within 33s\n"
             "alice > ACK\n"},
    {"the caller is redirected", "RFC 3261 16.7 step 4", "testBasic302",
     INVITED "bob > 302 \"+Contact: <sip:carol@192.0.2.99>\"\n"
             "bob < ACK\n"
             "alice < 302 \"Contact: <sip:carol@192.0.2.99>\"\n"
             "alice > ACK\n"},
    {"redirects are followed when that is wanted, one after the other", "RFC 3261 16.7 step 4",
     "testInviteRecursiveRedirect",
     "config follow_redirects on\n" ALICE_AND_BOB "register carol\n"
     "register dave\n"
     "alice > INVITE bob\n"
     "bob < INVITE\n"
     "bob > 302 \"+Contact: <sip:carol@192.0.2.12:5060>\"\n"
     "bob < ACK\n"
     "carol < INVITE\n"
     "carol > 302 \"+Contact: <sip:dave@192.0.2.13:5060>\"\n"
     "carol < ACK\n"
     "dave < INVITE uri=sip:dave@192.0.2.13:5060\n"
     "dave > 200\n"
     "alice < 200 from dave\n"
     "alice > ACK\n"
     "dave < ACK\n"},
    {"a redirect that leads in a circle ends", "RFC 3261 16.7 step 4", "",
     "config follow_redirects on\nconfig merges on\n" INVITED
     "bob > 302 \"+Contact: <sip:bob@192.0.2.11:5060>\"\n"
     "bob < ACK\n"
     "alice < 302\n"
     "alice > ACK\n"},
    {"Proxy-Require that nobody here knows", "RFC 3261 16.3 step 5", "testUnsupportedProxyRequire",
     ALICE_AND_BOB "alice > INVITE bob \"+Proxy-Require: time-travel\"\n"
                   "alice < 420 \"Unsupported: time-travel\"\n"
                   "alice > ACK\n"
                   "bob none\n"},
    {"Require is for the phone called, not for the proxy", "RFC 3261 16.3 step 5, 20.32", "",
     ALICE_AND_BOB "alice > INVITE bob \"+Require: time-travel\"\n"
                   "bob < INVITE \"Require: time-travel\"\n" REFUSED("420")},
    {"Max-Forwards is used up", "RFC 3261 16.3 step 3", "",
     ALICE_AND_BOB "alice > INVITE bob \"%Max-Forwards: 70%Max-Forwards: 0%\"\n"
                   "alice < 483\n"
                   "alice > ACK\n"
                   "bob none\n"},
    {"Max-Forwards is missing", "RFC 3261 16.6 step 3", "",
     ALICE_AND_BOB "alice > INVITE bob -Max-Forwards\n"
                   "bob < INVITE max-forwards=70\n" REFUSED("486")},
    {"a scheme that nobody here knows", "RFC 3261 16.3 step 2", "",
     "register alice\n"
     "alice > INVITE soap.beep://192.0.2.1\n"
     "alice < 416\n"
     "alice > ACK\n"},
    {"a stranger calls one of our users", "RFC 3261 16.3", "",
     "register bob\n"
     "carol > INVITE bob from=carol@elsewhere.example.org\n"
     "bob < INVITE\n"
     "bob > 200\n"
     "carol < 200\n"
     "carol > ACK\n"
     "bob < ACK\n"
     "carol > BYE\n"
     "bob < BYE\n"
     "bob > 200\n"
     "carol < 200/BYE\n"},
    {"two calls at once between the same phones: glare", "RFC 3261 14.1", "",
     ALICE_AND_BOB "alice > INVITE bob\n"
                   "bob > INVITE alice\n"
                   "bob < INVITE\n"
                   "alice < INVITE\n"
                   "bob > 486\n"
                   "alice > 486\n"
                   "bob gets ACK\n"
                   "alice gets ACK\n"
                   "bob gets 486\n"
                   "alice gets 486\n"
                   "alice > ACK\n"
                   "bob > ACK\n"},
    {"re-INVITEs cross: both get 491", "RFC 3261 14.1", "",
     TALKING "alice > INVITE\n"
             "bob > INVITE\n"
             "bob < INVITE\n"
             "alice < INVITE\n"
             "bob > 491\n"
             "alice > 491\n"
             "bob gets ACK\n"
             "alice gets ACK\n"
             "bob gets 491\n"
             "alice gets 491\n"
             "alice > ACK\n"
             "bob > ACK\n" ALICE_HANGS_UP},
};

SCENARIO_TABLE(invite, NULL)
