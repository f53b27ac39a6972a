/* Registration, plain and with instance and reg-id (RFC 5626): "{}" is empty or "outbound". */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

#define LONG_TEXT                                                                                  \
    "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901" \
    "23456789"

static const char *const variants[] = {"", "outbound", NULL};

/* Bob's contact with what "outbound" adds to it, and other parameters. */
#define TWO_CONTACTS                                                                               \
    "register bob {}\n"                                                                            \
    "register bob2 {}\n"

static const struct scenario scenarios[] = {
    {"a phone registers", "RFC 3261 10.2, 10.3", "testRegisterBasic testRegisterBasicWithOutbound",
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.10:5060>\"\n"
     "bob < 401 WWW-Authenticate:\n"
     "bindings bob 0\n"
     "register bob {}\n"
     "bindings bob 1\n"},
    {"two phones of a user: the 200 lists both", "RFC 3261 10.3 step 8",
     "testMultiple1 testMultiple1WithOutbound",
     TWO_CONTACTS "bindings bob 2\n"
                  "bob > REGISTER bob\n"
                  "bob < 200 contacts=2 Date:\n"},
    {"each contact has its own expiry", "RFC 3261 10.2.1.1, 10.3",
     "testMixedExpires testMixedExpiresWithOutbound",
     "register bob {} expires=100\n"
     "register bob2 {} expires=1000\n"
     "bindings bob 2\n"
     "wait 101s\n"
     "bindings bob 1\n"
     "wait 900s\n"
     "bindings bob 0\n"},
    {"nobody registers for another user", "RFC 3261 10.3 step 4",
     "testThirdPartyRegistration testThirdPartyRegistrationWithOutbound testRefreshThirdParty "
     "testRefreshThirdPartyWithOutbound",
     "register alice\n"
     "register bob {}\n"
     "alice > REGISTER bob user=alice \"+Contact: <sip:bob@192.0.2.10:5060>\"\n"
     "alice < 403\n"
     "bindings bob 1\n"},
    {"a third party with the right credentials registers for the user", "RFC 3261 10.2",
     "testThirdPartyRegistration testThirdPartyRegistrationWithOutbound",
     "alice > REGISTER bob user=bob\n"
     "alice < 401\n"
     "alice > REGISTER bob same user=bob from=alice \"+Contact: <sip:bob@192.0.2.99>\"\n"
     "alice < 200 contacts=1\n"
     "bindings bob 1\n"},
    {"q comes back as it was given", "RFC 3261 10.2.1.2, 10.3 step 8",
     "testDetailsQValue testDetailsQValueWithOutbound",
     "register bob {} q=0.3\n"
     "bob > REGISTER bob\n"
     "bob < 200 \"Contact: ;q=0.3\"\n"},
    {"expires comes back, counted down", "RFC 3261 10.3 step 8",
     "testDetailsExpires testDetailsExpiresWithOutbound",
     "register bob {} expires=500\n"
     "wait 100s\n"
     "bob > REGISTER bob\n"
     "bob < 200 \"Contact: ;expires=400\"\n"},
    {"without any expires the default counts", "RFC 3261 10.2.1.1, 10.3 step 7", "",
     "register bob {}\n"
     "bob > REGISTER bob\n"
     "bob < 200 \"Contact: ;expires=3600\"\n"},
    {"the Expires line counts where the contact says nothing", "RFC 3261 10.2.1.1", "",
     "register bob {} \"+Expires: 700\"\n"
     "bob > REGISTER bob\n"
     "bob < 200 \"Contact: ;expires=700\"\n"},
    {"too short an expiry is refused", "RFC 3261 10.3 step 7, 21.4.17", "",
     "register bob {}\n"
     "bob > REGISTER bob call=reg-bob \"+Contact: <sip:bob@192.0.2.10:5060>;expires=10\"\n"
     "bob < 423 \"Min-Expires: 60\"\n"
     "bindings bob 1\n"},
    {"the challenge is lost", "RFC 3261 17.2.2",
     "testRegister407Dropped testRegister407DroppedWithOutbound",
     "bob misses 401\n"
     "bob > REGISTER bob\n"
     "bob none\n"
     "bob again REGISTER\n"
     "bob < 401\n"
     "bob > REGISTER bob same \"+Contact: <sip:bob@192.0.2.10:5060>\"\n"
     "bob < 200 contacts=1\n"},
    {"wrong password", "RFC 3261 22.1, 22.2",
     "testRegisterBogusAuth testRegisterBogusAuthWithOutbound",
     "bob > REGISTER bob\n"
     "bob < 401\n"
     "bob > REGISTER bob same badauth \"+Contact: <sip:bob@192.0.2.10:5060>\"\n"
     "bob < 401\n"
     "bindings bob 0\n"},
    {"the credentials come late: stale, and then good", "RFC 7616 3.3",
     "testRegisterLateDigestResponse testRegisterLateDigestResponseWithOutbound",
     "bob > REGISTER bob\n"
     "bob < 401\n"
     "wait 301s\n"
     "bob > REGISTER bob same \"+Contact: <sip:bob@192.0.2.10:5060>\"\n"
     "bob < 401 \"WWW-Authenticate: stale=true\"\n"
     "bob > REGISTER bob same \"+Contact: <sip:bob@192.0.2.10:5060>\"\n"
     "bob < 200\n"},
    {"a REGISTER sent again gets the same answer and changes nothing", "RFC 3261 17.2.2",
     "testRegisterClientRetransmits testRegisterClientRetransmitsWithOutbound",
     "register bob {}\n"
     "bob again REGISTER\n"
     "wait 10ms\n"
     "bob repeats 1 200\n"
     "bindings bob 1\n"},
    {"no user in To", "RFC 3261 10.3 step 5",
     "testRegisterNoUserInTo testRegisterNoUserInToWithOutbound",
     "register bob {}\n"
     "bob > REGISTER sip:example.com\n"
     "bob < 404\n"},
    {"a user in the Request-URI does not matter", "RFC 3261 10.2, 10.3 step 1",
     "testRegisterUserInReqUri testRegisterUserInReqUriWithOutbound",
     "register bob {}\n"
     "bob > REGISTER bob ruri=sip:bob@example.com\n"
     "bob < 200 contacts=1\n"},
    {"a domain that is not ours", "RFC 3261 10.3 step 1, 16.5",
     "testRegisterUnknownAorHost testRegisterUnknownAorHostWithOutbound",
     "register bob {}\n"
     "bob > REGISTER sip:bob@elsewhere.example.org\n"
     "bob < 404\n"},
    {"a user that nobody knows is challenged like any", "RFC 3261 22.1",
     "testRegisterUnknownAorUser testRegisterUnknownAorUserWithOutbound",
     "nobody > REGISTER nobody\n"
     "nobody < 401\n"
     "nobody > REGISTER nobody same \"+Contact: <sip:nobody@192.0.2.10:5060>\"\n"
     "nobody < 401\n"
     "bindings nobody 0\n"},
    {"a Call-ID of 500 bytes", "RFC 3261 8.1.1.4",
     "testOversizeCallIdRegister testOversizeCallIdRegisterWithOutbound",
     "register bob {}\n"
     "bob > REGISTER bob %bob-call-1%bob-call-1{}-" LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT
         LONG_TEXT "% \"+Contact: <sip:bob@192.0.2.77:5060>\"\n"
     "bob < 200 contacts=2\n"},
    {"a contact that is too long", "RFC 3261 21.4.1, 10.3",
     "testOversizeContactRegister testOversizeContactRegisterWithOutbound",
     "register bob {}\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.77:5060>;x=1\" pad=1 "
     "%sip:bob@192.0.2.77%sip:bob-" LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT
         LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT "@192.0.2.77%\n"
     "bob < 400\n"
     "bindings bob 1\n"},
    {"a refresh moves the expiry", "RFC 3261 10.2.4", "testRefresh testRefreshWithOutbound",
     "register bob {} expires=100\n"
     "wait 60s\n"
     "register bob {} expires=100\n"
     "bindings bob 1\n"
     "wait 60s\n"
     "bindings bob 1\n"
     "wait 41s\n"
     "bindings bob 0\n"},
    {"two phones refresh each for itself", "RFC 3261 10.2.4",
     "testRefreshMulti testRefreshMultiWithOutbound",
     "register bob {} expires=100\n"
     "register bob2 {} expires=100\n"
     "wait 60s\n"
     "register bob {} expires=100\n"
     "wait 60s\n"
     "bindings bob 1\n"},
    {"q is changed", "RFC 3261 10.2.1.2", "testChangeQValue testChangeQValueWithOutbound",
     "register bob {} q=0.3\n"
     "register bob {} q=0.8\n"
     "bob > REGISTER bob\n"
     "bob < 200 contacts=1 \"Contact: ;q=0.8\"\n"},
    {"one of two is taken away", "RFC 3261 10.2.2",
     "testSetThenRemoveSpecific testSetThenRemoveSpecificWithOutbound",
     TWO_CONTACTS "register bob {} expires=0\n"
                  "bindings bob 1\n"
                  "bob > REGISTER bob\n"
                  "bob < 200 contacts=1 \"Contact: sip:bob2@\"\n"},
    {"several are taken away in one request", "RFC 3261 10.2.2, 10.3 step 7",
     "testUnregisterMulti testUnregisterMultiWithOutbound",
     "register bob\n"
     "register bob2\n"
     "register bob3\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.10:5060>;expires=0, "
     "<sip:bob2@192.0.2.11:5060>;expires=0\"\n"
     "bob < 200 contacts=1\n"
     "bindings bob 1\n"},
    {"what has expired is taken away once more", "RFC 3261 10.2.2",
     "testUnregisterExpired testUnregisterExpiredWithOutbound",
     "register bob {} expires=100\n"
     "wait 101s\n"
     "register bob {} expires=0\n"
     "bindings bob 0\n"},
    {"all are taken away", "RFC 3261 10.2.2, 10.3 step 6", "testUnregisterAll",
     TWO_CONTACTS "bob > REGISTER bob \"+Contact: *\" \"+Expires: 0\"\n"
                  "bob < 200 contacts=0\n"
                  "bindings bob 0\n"},
    {"* without Expires: 0 is refused", "RFC 3261 10.3 step 6",
     "testUnregisterAllBadExpires testUnregisterAllBadExpiresWithOutbound",
     TWO_CONTACTS "bob > REGISTER bob \"+Contact: *\" \"+Expires: 10\"\n"
                  "bob < 400\n"
                  "bob > REGISTER bob \"+Contact: *\"\n"
                  "bob < 400\n"
                  "bob > REGISTER bob \"+Contact: *, <sip:bob@192.0.2.10>\" \"+Expires: 0\"\n"
                  "bob < 400\n"
                  "bindings bob 2\n"},
    {"what never was is taken away", "RFC 3261 10.2.2",
     "testUnregisterNonExistent testUnregisterNonExistentWithOutbound",
     "register bob {}\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.77>;expires=0\"\n"
     "bob < 200 contacts=1\n"},
    {"a query changes nothing", "RFC 3261 10.2.3", "testFetch testFetchWithOutbound",
     TWO_CONTACTS "bob > REGISTER bob\n"
                  "bob < 200 contacts=2\n"
                  "bindings bob 2\n"},
    {"a query without bindings", "RFC 3261 10.2.3",
     "testFetchNonExistent testFetchNonExistentWithOutbound",
     "bob > REGISTER bob\n"
     "bob < 401\n"
     "bob > REGISTER bob same\n"
     "bob < 200 contacts=0\n"},
    {"what has expired is swept away, and calls find nobody", "RFC 3261 10.3, 16.5",
     "testExpiryCleanup testExpiryCleanupWithOutbound",
     "register alice\n"
     "register bob {} expires=60\n"
     "wait 61s\n"
     "bindings bob 0\n"
     "alice > INVITE bob\n"
     "alice < 480\n"
     "alice > ACK\n"},
    {"an update out of order is refused", "RFC 3261 10.3 step 7", "",
     "register bob\n"
     "bob > REGISTER bob call=reg-bob \"+Contact: <sip:bob@192.0.2.10:5060>;q=0.1\" "
     "\"%CSeq: 3 REGISTER%CSeq: 1 REGISTER%\"\n"
     "bob < 500\n"},
    {"a late copy of a REGISTER does not bring back what was taken off", "RFC 3261 8.2.7, 17.2.2",
     "",
     "register bob {}\n"
     "register bob {} expires=0\n"
     "bindings bob 0\n"
     "bob again REGISTER 2\n"
     "wait 100ms\n"
     "bindings bob 0\n"},
    {"a phone that has restarted takes its old contact over", "RFC 3261 10.3 step 7", "",
     "register bob {} q=0.2\n"
     "register bob {} q=0.4 call=another\n"
     "bindings bob 1\n"},
    {"everything that was acknowledged is there after a crash", "RFC 3261 10", "",
     "config commit 50\n" TWO_CONTACTS "server crash\n"
     "server start\n"
     "bindings bob 2\n"},
    {"what was not committed has not been acknowledged", "RFC 3261 10", "",
     "config commit 300\n"
     "bob > REGISTER bob\n"
     "bob < 401\n"
     "bob > REGISTER bob same \"+Contact: <sip:bob@192.0.2.10:5060>\"\n"
     "bob none\n"
     "bindings bob 1\n"
     "server cut\n"
     "server start\n"
     "bob none\n"},
    {"the disk fails: 500, nothing has changed, and the phone may try again", "RFC 3261 10.3", "",
     "register bob {}\n"
     "server fails\n"
     "bob2 > REGISTER bob\n"
     "bob2 < 401\n"
     "bob2 > REGISTER bob same \"+Contact: <sip:bob2@192.0.2.11:5060>\"\n"
     "bob2 < 500\n"
     "bindings bob 1\n"
     "register bob2\n"
     "bindings bob 2\n"},
    {"the disk fails while a phone takes its registration back: it is still there", "RFC 3261 10.3",
     "",
     "register alice\n"
     "register bob {}\n"
     "server fails\n"
     "bob > REGISTER bob \"+Contact: *\" \"+Expires: 0\"\n"
     "bob < 500\n"
     "bindings bob 1\n"
     "alice > INVITE bob\n"
     "bob < INVITE\n" REFUSED("486")},
    {"the disk takes nothing: 503 with Retry-After", "RFC 3261 10.3, 21.5.4", "",
     "register bob {}\n"
     "server full\n"
     "bob2 > REGISTER bob\n"
     "bob2 < 401\n"
     "bob2 > REGISTER bob same \"+Contact: <sip:bob2@192.0.2.11:5060>\"\n"
     "bob2 < 503 Retry-After:\n"
     "bindings bob 1\n"},
    {"a call after a restart finds the phone, and its dialog goes on", "RFC 3261 10, 16.12", "",
     "register alice\n"
     "register bob {}\n"
     "alice > INVITE bob\n"
     "bob < INVITE\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK\n"
     "server cut\n"
     "server start\n" ALICE_HANGS_UP "alice > INVITE bob\n"
     "alice < 407 \"Proxy-Authenticate: stale=true\"\n"
     "alice > ACK\n"
     "alice > INVITE bob same\n"
     "bob < INVITE\n"
     "bob > 486\n"
     "bob < ACK\n"
     "alice < 486\n"
     "alice > ACK\n"},
    {"Path comes back to those who know it", "RFC 3327 5.3", "",
     "register bob {} \"+Supported: path\" \"+Path: <sip:192.0.2.88;lr>\"\n"
     "bob > REGISTER bob \"+Supported: path\" \"+Path: <sip:192.0.2.88;lr>\"\n"
     "bob < 200 \"Path: <sip:192.0.2.88;lr>\"\n"},
    {"a call takes the Path", "RFC 3327 5.4", "",
     "register alice\n"
     "edge none\n"
     "register bob {} \"+Supported: path\" \"+Path: <sip:192.0.2.11:5060;lr>\"\n"
     "alice > INVITE bob\n"
     "edge < INVITE uri=sip:bob@192.0.2.12:5060 \"Route: <sip:192.0.2.11:5060;lr>\"\n"
     "edge > 404\n"
     "edge < ACK\n"
     "alice < 404\n"
     "alice > ACK\n"},
    {"Require that nobody here knows", "RFC 3261 10.3 step 2, 8.2.2.3", "",
     "register bob {}\n"
     "bob > REGISTER bob \"+Require: time-travel\"\n"
     "bob < 420 \"Unsupported: time-travel\"\n"},
    {"more contacts than a user may have", "RFC 3261 10.3 step 7", "",
     "register bob {}\n"
     "bob > REGISTER bob \"+Contact: <sip:b1@192.0.2.77>, <sip:b2@192.0.2.77>, "
     "<sip:b3@192.0.2.77>, "
     "<sip:b4@192.0.2.77>, <sip:b5@192.0.2.77>, <sip:b6@192.0.2.77>, <sip:b7@192.0.2.77>, "
     "<sip:b8@192.0.2.77>, <sip:b9@192.0.2.77>, <sip:b10@192.0.2.77>\"\n"
     "bob < 403\n"
     "bindings bob 1\n"},
    {"one bad contact of two: nothing changes", "RFC 3261 10.3 step 7", "",
     "register bob {}\n"
     "bob > REGISTER bob \"+Contact: <sip:b1@192.0.2.77>;expires=100, "
     "<sip:b2@192.0.2.77>;expires=5\"\n"
     "bob < 423\n"
     "bindings bob 1\n"},
};

SCENARIO_TABLE(register, variants)
