/* Flows that phones register by: several of one phone, flows that end, edge proxies before us. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

#define REFUSED_AT_ONCE(status)                                                                    \
    "alice > INVITE bob\n"                                                                         \
    "alice < " status " within 100ms\n"                                                            \
    "alice > ACK\n"
#define RINGS_AND_DECLINES(name)                                                                   \
    name " < INVITE\n" name " > 486\n" name " < ACK\n"                                             \
         "alice < 486\n"                                                                           \
         "alice > ACK\n"
/* Bob's phone has two connections: those of bob and bob2. The second is the newer one. */
#define TWO_FLOWS                                                                                  \
    "register alice\n"                                                                             \
    "bob tcp\n"                                                                                    \
    "bob2 tcp\n"                                                                                   \
    "register bob reg-id=1\n"                                                                      \
    "wait 10ms\n"                                                                                  \
    "register bob2 reg-id=2\n"

/* Whom nothing but his connection leads to, and who has not registered, calls Bob. */
#define STRANGER_TALKS                                                                             \
    "config record_route off\n"                                                                    \
    "register bob\n"                                                                               \
    "alice tcp\n"                                                                                  \
    "alice udponly\n"                                                                              \
    "alice is sip:alice@qk5j8a.invalid\n"                                                          \
    "alice > INVITE bob from=alice@elsewhere.example.org noauth\n"                                 \
    "bob < INVITE \"Record-Route: ;fl=\"\n"                                                        \
    "bob > 200\n"                                                                                  \
    "alice < 200\n"                                                                                \
    "alice > ACK\n"                                                                                \
    "bob < ACK\n"
/* Bob registers with Carol, to whom requests for his domain go, through us. */
#define REGISTERED_ELSEWHERE                                                                       \
    "config auth_call off\n"                                                                       \
    "config record_route off\n"                                                                    \
    "config domain_route elsewhere.example.org sip:192.0.2.10:5060\n"                              \
    "carol none\n"                                                                                 \
    "bob tcp\n"                                                                                    \
    "bob udponly\n"                                                                                \
    "bob is sip:bob@qk5j8a.invalid\n"                                                              \
    "bob > REGISTER sip:bob@elsewhere.example.org ruri=sip:elsewhere.example.org "                 \
    "\"+Supported: path, outbound\" "                                                              \
    "\"+Contact: <sip:bob@qk5j8a.invalid>;reg-id=1;+sip.instance=`<urn:x>`\"\n"                    \
    "carol < REGISTER \"Path: <sip:192.0.2.1:5060;lr;ob;fl=\"\n"                                   \
    "carol > 200\n"                                                                                \
    "bob < 200\n"

static const struct scenario scenarios[] = {
    {"outbound is confirmed to those who ask for it", "RFC 5626 6", "",
     "config auth_register off\n"
     "bob tcp\n"
     "bob > REGISTER bob \"+Supported: outbound\" "
     "\"+Contact: <sip:bob@192.0.2.10>;reg-id=1;+sip.instance=`<urn:x>`\"\n"
     "bob < 200 \"Require: outbound\" !Flow-Timer !Service-Route\n"},
    {"not to those who do not", "RFC 5626 6", "",
     "config auth_register off\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.10>;reg-id=1;+sip.instance=`<urn:x>`\"\n"
     "bob < 200 !Require \"Contact: reg-id=1\"\n"},
    {"a reg-id without an instance means nothing", "RFC 5626 6", "",
     "config auth_register off\n"
     "bob > REGISTER bob \"+Supported: outbound\" \"+Contact: <sip:bob@192.0.2.10>;reg-id=1\"\n"
     "bob < 200 !Require\n"
     "bob > REGISTER bob \"+Supported: outbound\" \"+Contact: <sip:bob2@192.0.2.10>;reg-id=1\"\n"
     "bob < 200 !Require contacts=2\n"},
    {"Flow-Timer and Service-Route as configured", "RFC 5626 5.4, RFC 3608 6.2", "",
     "config auth_register off\n"
     "config flow_timer 120\n"
     "config service_route on\n"
     "bob > REGISTER bob tcp \"+Supported: outbound\" "
     "\"+Contact: <sip:bob@192.0.2.10>;reg-id=1;+sip.instance=`<urn:x>`\"\n"
     "bob < 200 \"Require: outbound\" \"Flow-Timer: 120\" "
     "\"Service-Route: <sip:192.0.2.1:5060;transport=tcp;lr>\"\n"
     "bob > REGISTER bob udp \"+Contact: <sip:bob@192.0.2.10>\"\n"
     "bob < 200 !Require !Flow-Timer \"Service-Route: <sip:192.0.2.1:5060;lr>\"\n"
     "bob > REGISTER bob udp \"+Contact: *\" \"+Expires: 0\"\n"
     "bob < 200 !Service-Route\n"},
    {"the Service-Route leads to those who are called", "RFC 3608 6.3", "",
     "config service_route on\n" ALICE_AND_BOB
     "alice > MESSAGE bob \"+Route: <sip:192.0.2.1:5060;lr>\"\n"
     "bob < MESSAGE routes=0\n"
     "bob > 200\n"
     "alice < 200\n"},
    {"a first hop that keeps no flow: 439", "RFC 5626 6, 11.6", "",
     "config auth_register off\n"
     "bob lax\n"
     "bob > REGISTER bob \"+Supported: outbound\" "
     "\"+Via: SIP/2.0/TCP 10.1.1.1;branch=z9hG4bKphone\" "
     "\"+Contact: <sip:bob@10.1.1.1>;reg-id=1;+sip.instance=`<urn:x>`\"\n"
     "bob < 439\n"
     "bob > REGISTER bob \"+Supported: outbound\" "
     "\"+Via: SIP/2.0/TCP 10.1.1.1;branch=z9hG4bKphone\" \"+Path: <sip:192.0.2.10;lr>\" "
     "\"+Contact: <sip:bob@10.1.1.1>;reg-id=1;+sip.instance=`<urn:x>`\"\n"
     "bob < 439\n"
     "bindings bob 0\n"},
    {"without outbound in Supported its reg-id is ignored", "RFC 5626 6", "",
     "config auth_register off\n"
     "bob lax\n"
     "bob > REGISTER bob \"+Via: SIP/2.0/TCP 10.1.1.1;branch=z9hG4bKphone\" "
     "\"+Contact: <sip:bob@10.1.1.1>;reg-id=1;+sip.instance=`<urn:x>`\"\n"
     "bob < 200 !Require\n"},
    {"an edge proxy that keeps the flow", "RFC 5626 6, RFC 3327 5.3", "",
     "config auth_register off\n"
     "bob lax\n"
     "bob > REGISTER bob \"+Supported: outbound, path\" "
     "\"+Via: SIP/2.0/TCP 10.1.1.1;branch=z9hG4bKphone\" "
     "\"+Path: <sip:192.0.2.10;lr>, <sip:edge.example.net;lr;ob>\" "
     "\"+Contact: <sip:bob@10.1.1.1>;reg-id=1;+sip.instance=`<urn:x>`\"\n"
     "bob < 200 \"Require: outbound\" \"Path: <sip:192.0.2.10;lr>\"\n"},
    {"one contact per flow", "RFC 5626 6", "",
     "config auth_register off\n"
     "bob > REGISTER bob \"+Supported: outbound\" "
     "\"+Contact: <sip:bob@192.0.2.10>;reg-id=1;+sip.instance=`<urn:x>`, "
     "<sip:bob@192.0.2.11>\"\n"
     "bob < 400\n"
     "bindings bob 0\n"},
    {"an instance that is too long", "RFC 5626 4.1", "",
     "config auth_register off\n"
     "bob > REGISTER bob "
     "\"+Contact: <sip:bob@192.0.2.10>;+sip.instance=`<urn:x:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaa>`\"\n"
     "bob < 400\n"},
    {"of two flows of one phone one is called, the newest", "RFC 5626 7", "",
     TWO_FLOWS "bindings bob 2\n"
               "alice > INVITE bob\n" RINGS_AND_DECLINES("bob2") "bob none\n"},
    {"a flow that has ended is passed over at once", "RFC 5626 7", "",
     TWO_FLOWS "bob2 closes\n"
               "wait 10ms\n"
               "alice > INVITE bob\n" RINGS_AND_DECLINES("bob")},
    {"a flow that ends with the request on it: the next one is tried", "RFC 5626 7", "",
     TWO_FLOWS "bob2 misses INVITE\n"
               "alice > INVITE bob\n"
               "wait 10ms\n"
               "bob2 closes\n" RINGS_AND_DECLINES("bob")},
    {"a MESSAGE takes the next flow, too", "RFC 5626 7", "",
     TWO_FLOWS "bob2 misses MESSAGE\n"
               "alice > MESSAGE bob\n"
               "wait 10ms\n"
               "bob2 closes\n"
               "bob < MESSAGE\n"
               "bob > 200\n"
               "alice < 200\n"},
    {"430 from an edge proxy: the next flow is tried", "RFC 5626 7", "",
     TWO_FLOWS "alice > INVITE bob\n"
               "bob2 < INVITE\n"
               "bob2 > 430\n"
               "bob2 < ACK\n" RINGS_AND_DECLINES("bob")},
    {"an instance that has answered is not asked again", "RFC 5626 7", "",
     TWO_FLOWS "alice > INVITE bob\n" RINGS_AND_DECLINES("bob2") "bob none\n"},
    {"430 along every flow: the caller gets 480", "RFC 5626 7, 11.5", "",
     TWO_FLOWS "alice > INVITE bob\n"
               "bob2 < INVITE\n"
               "bob2 > 430\n"
               "bob2 < ACK\n"
               "bob < INVITE\n"
               "bob > 430\n"
               "bob < ACK\n"
               "alice < 480\n"
               "alice > ACK\n"},
    {"two instances ring at once, each along one flow", "RFC 5626 7, RFC 3261 16.6", "",
     TWO_FLOWS "bob3 tcp\n"
               "register bob3 reg-id=1 instance=other\n"
               "alice > INVITE bob\n"
               "bob2 < INVITE\n"
               "bob3 < INVITE\n"
               "bob none\n"
               "bob3 > 180\n"
               "alice < 180 from bob3\n"
               "bob2 > 430\n"
               "bob2 < ACK\n"
               "bob < INVITE\n"
               "bob > 200\n"
               "alice < 200 from bob\n"
               "alice > ACK\n"
               "bob < ACK\n"
               "bob3 < CANCEL\n"
               "bob3 > 200 CANCEL\n"
               "bob3 > 487 INVITE\n"
               "bob3 < ACK\n"},
    {"a caller who gives up is not carried on to the next flow", "RFC 5626 7, RFC 3261 16.10", "",
     TWO_FLOWS "alice > INVITE bob\n"
               "bob2 < INVITE\n"
               "bob2 > 180\n"
               "alice < 180\n"
               "alice > CANCEL\n"
               "alice < 200/CANCEL\n"
               "bob2 < CANCEL\n"
               "bob2 > 200 CANCEL\n"
               "bob2 > 430 INVITE\n"
               "bob2 < ACK\n"
               "alice < 487/INVITE\n"
               "alice > ACK\n"
               "bob none\n"},
    {"all flows have ended: 480 at once", "RFC 5626 7", "",
     TWO_FLOWS "bob closes\n"
               "bob2 closes\n"
               "wait 10ms\n" REFUSED_AT_ONCE("480")},
    {"a phone that comes back along a new connection", "RFC 5626 6", "",
     TWO_FLOWS "bob closes\n"
               "bob2 closes\n"
               "wait 10ms\n"
               "register bob reg-id=1\n"
               "bindings bob 2\n"
               "alice > INVITE bob\n" RINGS_AND_DECLINES("bob")},
    {"a phone behind a NAT whose connection has ended: 480 at once", "RFC 5626 7", "",
     "config nat bob\n"
     "register alice\n"
     "bob tcp\n"
     "register bob\n"
     "bob closes\n"
     "wait 10ms\n" REFUSED_AT_ONCE("480")},
    {"a phone whose host ends in .invalid: its connection alone leads to it", "RFC 7118 5", "",
     "register alice\n"
     "bob tcp\n"
     "bob is sip:bob@df7jal23ls0d.invalid\n"
     "register bob\n"
     "alice > MESSAGE bob\n"
     "bob < MESSAGE tcp\n"
     "bob > 200\n"
     "alice < 200\n"
     "bob closes\n"
     "wait 10ms\n" REFUSED_AT_ONCE("480")},
    {"after a restart no connection is left: 480 at once", "RFC 5626 7", "",
     "config auth_call off\nconfig auth_register off\n" TWO_FLOWS "server cut\n"
     "server start\n"
     "bindings bob 2\n"
     "alice > INVITE bob\n"
     "alice < 480 within 100ms\n"
     "alice > ACK\n"
     "bob resets\n"
     "register bob reg-id=1\n"
     "alice > INVITE bob\n" RINGS_AND_DECLINES("bob")},
    {"a phone that was told a Flow-Timer and keeps silent is passed over", "RFC 5626 5.4", "",
     "config flow_timer 20\n" TWO_FLOWS "wait 25s\n"
     "register bob reg-id=1\n"
     "wait 10s\n"
     "alice > INVITE bob\n" RINGS_AND_DECLINES("bob") "wait 60s\n" REFUSED_AT_ONCE("480")},
    {"a stranger whom only his connection leads to is called back along it", "RFC 5626 5.3.2", "",
     STRANGER_TALKS BOB_HANGS_UP},
    {"and hangs up himself", "RFC 5626 5.3.2", "", STRANGER_TALKS ALICE_HANGS_UP},
    {"a request along a flow that has ended: 430 at once", "RFC 5626 5.3.1", "",
     STRANGER_TALKS "alice closes\n"
                    "wait 10ms\n"
                    "bob > BYE\n"
                    "bob < 430 within 100ms\n"},
    {"a flow of before a restart: 430 at once", "RFC 5626 5.3.1", "",
     STRANGER_TALKS "server cut\n"
                    "alice resets\n"
                    "server start\n"
                    "carol tcp\n"
                    "carol > OPTIONS sip:example.com\n" /* may get the number of the old one */
                    "carol < 200\n"
                    "bob > BYE\n"
                    "bob < 430 within 100ms\n"
                    "carol none\n"},
    {"a flow token that was tampered with: 403", "RFC 5626 5.3.1", "",
     STRANGER_TALKS "bob > BYE %;fl=Q%;fl=R%\n"
                    "bob < 403\n"
                    "alice none\n" BOB_HANGS_UP},
    {"a flow token of another call: 403", "RFC 5626 5.3.1", "",
     STRANGER_TALKS "bob lax\n"
                    "bob > BYE %alice-call-1%alice-call-2%\n"
                    "bob < 403\n"
                    "alice none\n"},
    {"a flow token is no way round the proof of who one is", "RFC 5626 5.3, RFC 3261 26", "",
     STRANGER_TALKS "bob > INVITE noauth\n"
                    "bob < 407\n"
                    "bob > ACK\n"
                    "alice none\n"},
    {"a phone that comes back along another connection is found in its dialog", "RFC 5626 5.3", "",
     "config record_route off\n"
     "register alice\n"
     "bob tcp\n"
     "bob is sip:bob@qk5j8a.invalid\n"
     "register bob reg-id=1\n"
     "alice > INVITE bob\n"
     "bob < INVITE \"Record-Route: transport=tcp\"\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK\n"
     "bob closes\n"
     "wait 10ms\n"
     "alice > INFO\n"
     "alice < 430 within 100ms\n"
     "register bob reg-id=1\n"
     "alice takes alice-call-1\n" ALICE_HANGS_UP},
    {"in mid-call the flow ends: the phone's other flow is taken", "RFC 5626 7, 5.3", "",
     "config record_route off\n" TWO_FLOWS "bob lax\n"
     "alice > INVITE bob\n"
     "bob2 < INVITE\n"
     "bob2 > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob2 < ACK\n"
     "alice > INFO\n"
     "bob2 < INFO\n"
     "bob2 > 200\n"
     "alice < 200/INFO\n"
     "bob2 closes\n"
     "wait 10ms\n"
     "alice > BYE\n"
     "bob < BYE tcp\n"
     "bob > 200\n"
     "alice < 200/BYE\n"},
    {"a phone behind a NAT that has not registered is called back", "RFC 5626 5.3.2, RFC 3581", "",
     "config record_route off\n"
     "config nat alice\n"
     "alice none\n"
     "register bob\n"
     "alice > INVITE bob from=alice@elsewhere.example.org noauth\n"
     "bob < INVITE \"Record-Route: ;fl=\"\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK\n" BOB_HANGS_UP},
    {"who can be reached at his contact needs no token", "RFC 5626 5.3.2", "",
     "config record_route off\n" ALICE_AND_BOB "alice > INVITE bob tcp\n"
     "bob < INVITE \"Record-Route: transport=tcp\" lacks=;fl=\n"
     "bob > 486\n"
     "bob < ACK\n"
     "alice < 486\n"
     "alice > ACK\n"},
    {"a Contact with ob asks for the way back", "RFC 5626 5.3.2", "",
     "config record_route off\n" ALICE_AND_BOB "alice > INVITE bob %:5060>%:5060;ob>%\n"
     "bob < INVITE \"Record-Route: ;fl=\"\n"
     "bob > 486\n"
     "bob < ACK\n"
     "alice < 486\n"
     "alice > ACK\n"},
    {"a phone that registers elsewhere through us is called along its flow", "RFC 5626 5.1, 5.3.1",
     "",
     REGISTERED_ELSEWHERE "carol > INVITE sip:bob@qk5j8a.invalid path\n"
                          "bob < INVITE tcp routes=0 \"Record-Route: ;fl=\"\n"
                          "bob > 200\n"
                          "carol < 200\n"
                          "carol > ACK\n"
                          "bob < ACK\n"
                          "carol > BYE\n"
                          "bob < BYE\n"
                          "bob > 200\n"
                          "carol < 200/BYE\n"},
    {"its flow has ended: 430", "RFC 5626 5.3.1", "",
     REGISTERED_ELSEWHERE "bob closes\n"
                          "wait 10ms\n"
                          "carol > MESSAGE sip:bob@qk5j8a.invalid path\n"
                          "carol < 430 within 100ms\n"},
    {"a Path of ours that was tampered with: 403", "RFC 5626 5.3.1", "",
     REGISTERED_ELSEWHERE "carol > MESSAGE sip:bob@qk5j8a.invalid path %;fl=U%;fl=V%\n"
                          "carol < 403\n"
                          "bob none\n"},
    {"STUN keeps a flow of datagrams with Flow-Timer alive, silence ends it", "RFC 5626 5.4, 4.4.2",
     "",
     "config flow_timer 20\n"
     "register alice\n"
     "register bob reg-id=1\n"
     "wait 20s\n"
     "bob pings\n"
     "carol pings\n"
     "wait 15s\n"
     "alice > INVITE bob\n" RINGS_AND_DECLINES("bob") "wait 20s\n" REFUSED_AT_ONCE(
         "480") "bob pings\n"
                "wait 10ms\n"
                "alice > INVITE bob\n" RINGS_AND_DECLINES("bob")},
    {"of two flows of datagrams the one that is kept alive is called", "RFC 5626 5.4, 4.4.2", "",
     "config flow_timer 20\n"
     "register alice\n"
     "register bob reg-id=1\n"
     "wait 10ms\n"
     "register bob2 reg-id=2\n"
     "wait 20s\n"
     "bob pings\n"
     "wait 15s\n"
     "alice > INVITE bob\n" RINGS_AND_DECLINES("bob")},
    {"a flow of datagrams outlives a restart, whenever its phone spoke last", "RFC 5626 5.4", "",
     "config flow_timer 20\nconfig auth_call off\nconfig auth_register off\n"
     "register alice\n"
     "register bob reg-id=1\n"
     "server cut\n"
     "server start\n"
     "wait 60s\n"
     "alice > INVITE bob\n" RINGS_AND_DECLINES("bob")},
    {"keep-alives keep a flow with Flow-Timer alive", "RFC 5626 5.4, 4.4.1", "",
     "config flow_timer 20\n" TWO_FLOWS "wait 20s\n"
     "bob pings\n"
     "wait 15s\n"
     "alice > INVITE bob\n" RINGS_AND_DECLINES("bob") "wait 20s\n" REFUSED_AT_ONCE(
         "480") "bob2 > OPTIONS sip:example.com\n"
                "bob2 < 200\n"
                "alice > INVITE bob\n" RINGS_AND_DECLINES("bob2")},
};

SCENARIO_TABLE(outbound, NULL)
