/* Routes, static ones and those of requests; what is built on dialogs: transfer, conference. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

#define REFUSED_BY(phone)                                                                          \
    phone " > 486\n" phone " < ACK\n"                                                              \
          "alice < 486\n"                                                                          \
          "alice > ACK\n"
/* Alice has a call with the phone. */
#define TALKING_TO(phone)                                                                          \
    "alice > INVITE " phone "\n" phone " < INVITE\n" phone " > 200\n"                              \
    "alice < 200 from " phone "\n"                                                                 \
    "alice > ACK\n" phone " < ACK\n"

static const struct scenario scenarios[] = {
    {"our own Route is taken off", "RFC 3261 16.4", "testRoutingBasic",
     ALICE_AND_BOB "alice > INVITE bob \"+Route: <sip:192.0.2.1:5060;lr>\"\n"
                   "bob < INVITE routes=0\n" REFUSED_BY("bob")},
    {"our own Route by the domain's name is taken off", "RFC 3261 16.4", "",
     ALICE_AND_BOB "alice > INVITE bob \"+Route: <sip:example.com;lr>\"\n"
                   "bob < INVITE routes=0\n" REFUSED_BY("bob")},
    {"a Route that leads on is followed, the Request-URI stays", "RFC 3261 16.6 steps 6, 7", "",
     "register alice\n"
     "carol none\n"
     "alice > INVITE sip:x@far.example.org \"+Route: <sip:192.0.2.1;lr>, "
     "<sip:192.0.2.11:5060;lr>\"\n"
     "carol < INVITE uri=sip:x@far.example.org routes=1\n" REFUSED_BY("carol")},
    {"a strict router before us", "RFC 3261 16.4", "",
     TALKING "alice > INFO strict\n"
             "bob < INFO uri=sip:bob@192.0.2.11:5060 routes=0\n"
             "bob > 200\n"
             "alice < 200/INFO\n"},
    {"a strict router after us", "RFC 3261 16.6 step 6", "",
     "register alice\n"
     "carol none\n"
     "alice > INVITE sip:x@far.example.org \"+Route: <sip:192.0.2.1;lr>, <sip:192.0.2.11:5060>\"\n"
     "carol < INVITE uri=sip:192.0.2.11:5060 \"Route: <sip:x@far.example.org>\"\n" REFUSED_BY(
         "carol")},
    {"a Route that is none", "RFC 3261 16.4, 21.4.1", "",
     ALICE_AND_BOB "alice > INVITE bob \"+Route: <sip:>;x\"\n"
                   "alice < 400 reason=Route\n"
                   "alice > ACK\n"},
    {"Max-Forwards that is no number", "RFC 3261 20.22, 21.4.1", "",
     ALICE_AND_BOB "alice > INVITE bob \"%Max-Forwards: 70%Max-Forwards: many%\"\n"
                   "alice < 400 reason=Max-Forwards\n"
                   "alice > ACK\n"},
    {"Max-Breadth 0", "RFC 5393 5.3.3", "",
     ALICE_AND_BOB "alice > INVITE bob \"+Max-Breadth: 0\"\n"
                   "alice < 440\n"
                   "alice > ACK\n"},
    {"a sips URI without TLS", "RFC 5630 5.3", "",
     ALICE_AND_BOB "alice > INVITE sips:bob@example.com\n"
                   "alice < 416\n"
                   "alice > ACK\n"},
    {"OPTIONS to the server with a Route that leads on", "RFC 3261 11, 16.4", "",
     "register alice\n"
     "carol none\n"
     "alice > OPTIONS sip:example.com \"+Route: <sip:192.0.2.11:5060;lr>\"\n"
     "carol < OPTIONS\n"
     "carol > 200\n"
     "alice < 200 from carol\n"},
    {"OPTIONS to the server with a Require that nobody here knows", "RFC 3261 8.2.2.3, 11.2", "",
     "alice > OPTIONS sip:example.com \"+Require: time-travel\"\n"
     "alice < 420 \"Unsupported: time-travel\"\n"},
    {"a static route by prefix", "RFC 3261 16.5", "",
     "config route 49 sip:192.0.2.11:5060\n"
     "register alice\n"
     "gateway none\n"
     "alice > INVITE 4930123\n"
     "gateway < INVITE uri=sip:4930123@192.0.2.11:5060\n" REFUSED_BY("gateway")},
    {"a number with separators takes the static route of its digits",
     "RFC 3261 19.1.6, RFC 3966 5.1.1", "",
     "config route +4930 sip:192.0.2.11:5060\n"
     "register alice\n"
     "gateway none\n"
     "alice > INVITE sip:+49-30-123@example.com;user=phone\n"
     "gateway < INVITE uri=sip:+4930123@192.0.2.11:5060\n" REFUSED_BY(
         "gateway") "alice > INVITE tel:+49(30)1.2.3\n"
                    "gateway < INVITE uri=tel:+49(30)1.2.3\n" REFUSED_BY("gateway")},
    {"a tel URI takes a static route", "RFC 3966, RFC 3261 16.5", "",
     "config route +49 sip:192.0.2.11:5060\n"
     "register alice\n"
     "gateway none\n"
     "alice > INVITE tel:+4930123\n"
     "gateway < INVITE uri=tel:+4930123\n" REFUSED_BY("gateway")},
    {"a blind transfer: REFER, NOTIFY, the new call, and the transferor hangs up at once",
     "RFC 3515, RFC 5589", "testBlindTransferExtensionToExtensionHangupImmediately",
     TALKING "register carol\n"
             "bob > REFER \"+Refer-To: <sip:carol@example.com>\"\n"
             "alice < REFER \"Refer-To: <sip:carol@example.com>\"\n"
             "alice > 202\n"
             "bob < 202\n" BOB_HANGS_UP "alice > NOTIFY \"+Event: refer\"\n"
             "bob < NOTIFY\n"
             "bob > 481\n"
             "alice < 481\n" TALKING_TO("carol") "alice > BYE\n"
                                                 "carol < BYE\n"
                                                 "carol > 200\n"
                                                 "alice < 200/BYE\n"},
    {"an attended transfer: the INVITE with Replaces goes through", "RFC 3891, RFC 5589",
     "testAttendedExtensionToExtensionTransfer",
     TALKING "register carol\n" TALKING_TO(
         "carol") "alice takes alice-call-1\n"
                  "alice > REFER \"+Refer-To: <sip:carol@example.com?Replaces=alice-call-2>\"\n"
                  "bob < REFER \"Refer-To: Replaces\"\n"
                  "bob > 202\n"
                  "alice < 202\n"
                  "bob > INVITE carol \"+Replaces: "
                  "alice-call-2;to-tag=carol-tag;from-tag=alice-from\"\n"
                  "carol < INVITE \"Replaces: alice-call-2;to-tag=carol-tag;from-tag=alice-from\"\n"
                  "carol > 200\n"
                  "bob < 200/INVITE\n"
                  "bob > ACK\n"
                  "carol < ACK\n"
                  "carol takes alice-call-2\n"
                  "carol > BYE\n"
                  "alice < BYE\n"
                  "alice > 200\n"
                  "carol < 200/BYE\n"
                  "alice takes alice-call-1\n"
                  "alice > BYE\n"
                  "bob < BYE\n"
                  "bob > 200\n"
                  "alice < 200/BYE\n"
                  "bob takes bob-call-1\n"
                  "bob > BYE\n"
                  "carol < BYE\n"
                  "carol > 200 BYE\n"
                  "bob < 200/BYE\n"},
    {"a conference: the one in the middle hangs up both calls", "RFC 4579",
     "testConferenceConferencorHangsUp",
     TALKING "register carol\n" TALKING_TO("carol") "alice > BYE\n"
                                                    "carol < BYE\n"
                                                    "carol > 200\n"
                                                    "alice < 200/BYE\n"
                                                    "alice takes alice-call-1\n" ALICE_HANGS_UP},
    {"timer C: a phone that rings for ever is called off", "RFC 3261 16.6 step 11, 16.8",
     "testTimerC",
     "config timer_c 181\n" RINGING "wait 180.5s\n"
     "alice none\n"
     "bob < CANCEL within 500ms\n"
     "bob > 200 CANCEL\n"
     "bob > 487 INVITE\n"
     "bob < ACK\n"
     "alice < 487\n"
     "alice > ACK\n"},
    {"timer C starts anew with each 180", "RFC 3261 16.7 step 2", "",
     "config timer_c 181\n" RINGING "wait 100s\n"
     "bob again 180\n"
     "wait 180.5s\n"
     "bob none\n"
     "bob < CANCEL within 500ms\n"
     "bob > 200 CANCEL\n"
     "bob > 487 INVITE\n"
     "bob < ACK\n"
     "alice < 487\n"
     "alice > ACK\n"},
    {"timer C and a phone that does not react: the call ends for the caller all the same",
     "RFC 3261 16.8, 9.1", "",
     "config timer_c 181\n" RINGING "bob dies\n"
     "wait 181s\n"
     "alice < 408 within 34s\n"
     "alice > ACK\n"},
    {"T1 is configured", "RFC 3261 17.1.1.2", "",
     "config t1 100\n" MESSAGED "wait 750ms\n"
     "bob repeats 3 MESSAGE\n"
     "bob > 200\n"
     "alice < 200\n"},
};

SCENARIO_TABLE(route, NULL)
