/* What single sentences of the RFCs ask for and no call shows by itself: see docs/rfc. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

static const struct scenario scenarios[] = {
    {"the late ACK of a refusal of ours goes nowhere", "RFC 3261 8.2.7", "",
     "register bob\n"
     "alice > INVITE bob noauth\n"
     "alice < 407\n"
     "alice > ACK\n"
     "wait 40s\n"
     "alice again ACK\n"
     "wait 100ms\n"
     "bob none\n"},
    {"a MESSAGE that waits gets a 100 after 3.5 s, and none before", "RFC 4320 4.1", "",
     ALICE_AND_BOB "alice > MESSAGE bob \"+Timestamp: 54.21\"\n"
                   "bob < MESSAGE\n"
                   "wait 3450ms\n"
                   "alice < 100 within 100ms \"Timestamp: 54.21 3.500\"\n"
                   "alice again MESSAGE\n"
                   "wait 10ms\n"
                   "alice repeats 1 100\n"
                   "bob > 200\n"
                   "alice < 200\n"},
    {"the phone's own 100 to a MESSAGE stays between the hops", "RFC 4320 4.1", "",
     MESSAGED "bob > 100\n"
              "alice none\n"
              "bob > 200\n"
              "alice < 200\n"},
    {"the other phones learn that the call was answered", "RFC 3326 3.1, RFC 3261 16.7 step 10", "",
     "register alice\n"
     "register bob\n"
     "register bob2\n"
     "alice > INVITE bob\n"
     "alice < 100\n"
     "bob < INVITE \"Max-Breadth: 30\"\n"
     "bob2 < INVITE \"Max-Breadth: 30\"\n"
     "bob > 180\n"
     "alice < 180\n"
     "bob2 > 180\n"
     "alice < 180\n"
     "bob > 200\n"
     "alice < 200 from bob\n"
     "bob2 < CANCEL \"Reason: SIP;cause=200;\"\n"
     "bob2 > 200 CANCEL\n"
     "bob2 > 487 INVITE\n"
     "bob2 < ACK\n"
     "alice > ACK\n"
     "bob < ACK \"Max-Breadth: 60\"\n"},
    {"the other phones learn that somebody has declined for all", "RFC 3326 2, 16.7 step 5", "",
     "register alice\n"
     "register bob\n"
     "register bob2\n"
     "alice > INVITE bob\n"
     "alice < 100\n"
     "bob < INVITE\n"
     "bob2 < INVITE\n"
     "bob2 > 180\n"
     "alice < 180\n"
     "bob > 603\n"
     "bob < ACK\n"
     "bob2 < CANCEL \"Reason: SIP;cause=603;\"\n"
     "bob2 > 200 CANCEL\n"
     "alice none\n"
     "bob2 > 487 INVITE\n"
     "bob2 < ACK\n"
     "alice < 603 from bob\n"
     "alice > ACK\n"},
    {"the reason of a CANCEL goes on with it", "RFC 3326 2", "",
     RINGING "alice > CANCEL \"+Reason: Q.850;cause=16\" \"+Reason: SIP;cause=200\"\n"
             "alice < 200/CANCEL\n"
             "bob < CANCEL \"Reason: Q.850;cause=16\" \"Reason: SIP;cause=200\"\n"
             "bob > 200 CANCEL\n"
             "bob > 487 INVITE\n"
             "bob < ACK\n"
             "alice < 487\n"
             "alice > ACK\n"},
    {"a REGISTER that waits for the disk gets a 100 after 3.5 s", "RFC 4320 4.1", "",
     "config commit 4000\n"
     "bob > REGISTER bob\n"
     "bob < 401\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.10:5060>\" \"+X: 1\"\n"
     "wait 3450ms\n"
     "bob < 100 within 100ms contacts=0\n"
     "bob < 200 within 600ms contacts=1\n"},
    {"of two that wait for the disk each gets its 100 in time", "RFC 4320 4.1", "",
     "config auth_register off\n"
     "config commit 8000\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.10:5060>\"\n"
     "wait 1s\n"
     "carol > REGISTER carol \"+Contact: <sip:carol@192.0.2.11:5060>\"\n"
     "wait 2450ms\n"
     "bob < 100 within 100ms\n"
     "wait 900ms\n"
     "carol < 100 within 200ms\n"
     "bob < 200 within 10s\n"
     "carol < 200 within 10s\n"},
    {"sips without TLS is refused, not downgraded", "RFC 3261 16.6 step 7, RFC 5630 5.3", "",
     ALICE_AND_BOB "alice > INVITE sips:bob@example.com\n"
                   "alice < 416\n"
                   "alice > ACK\n"
                   "alice > MESSAGE sips:carol@elsewhere.example.org\n"
                   "alice < 416\n"
                   "bob none\n"},
    {"a sips Route without TLS leads nowhere", "RFC 3261 16.6 step 7", "",
     ALICE_AND_BOB "alice > MESSAGE sip:carol@192.0.2.99 noauth\n"
                   "alice < 407\n"
                   "alice > MESSAGE sip:bob@192.0.2.12:5060 same "
                   "\"+Route: <sips:192.0.2.11:5060;lr>\"\n"
                   "alice < 500\n"
                   "bob none\n"},
    {"sips REGISTER and OPTIONS without TLS are refused", "RFC 3261 8.2.2.1, RFC 5630 5.2", "",
     "bob > REGISTER bob %sip:example.com%sips:example.com%\n"
     "bob < 416\n"
     "bob > OPTIONS sips:example.com\n"
     "bob < 416\n"},
    {"a contact that is no sip URI is refused", "RFC 3261 10.3, RFC 5630 5.2", "",
     "config auth_register off\n"
     "bob > REGISTER bob \"+Contact: <sips:bob@192.0.2.10>\"\n"
     "bob < 400\n"
     "bob > REGISTER bob \"+Contact: <tel:+491234>\"\n"
     "bob < 400\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.10>, <mailto:bob@example.com>\"\n"
     "bob < 400\n"
     "bindings bob 0\n"},
    {"the address-of-record must be of the domain that is asked", "RFC 3261 10.3 step 5", "",
     "config auth_register off\n"
     "bob > REGISTER sip:bob@second.example.com \"+Contact: <sip:bob@192.0.2.10>\"\n"
     "bob < 404\n"
     "bob > REGISTER sip:bob@second.example.com \"+Contact: <sip:bob@192.0.2.10>\" "
     "%sip:example.com%sip:second.example.com%\n"
     "bob < 200 contacts=1\n"
     "bob > REGISTER sip:bob@second.example.com %sip:example.com%sip:192.0.2.1%\n"
     "bob < 200\n"},
    {"an maddr that is not ours is the only target, and nobody relays by it", "RFC 3261 16.5", "",
     ALICE_AND_BOB "carol > MESSAGE sip:bob@example.com;maddr=192.0.2.10 "
                   "from=carol@elsewhere.example.org noauth\n"
                   "carol < 403\n"
                   "carol > BYE sip:bob@192.0.2.11:5060;maddr=192.0.2.10 "
                   "from=carol@elsewhere.example.org "
                   "\"%To: <sip:bob@192.0.2.11:5060;maddr=192.0.2.10>%To: "
                   "<sip:bob@example.com>;tag=x%\"\n"
                   "carol < 403\n"
                   "alice none\n"
                   "bob none\n"
                   "alice > MESSAGE sip:carol@example.com;maddr=192.0.2.11\n"
                   "bob < MESSAGE uri=sip:carol@example.com;maddr=192.0.2.11\n"
                   "bob > 200\n"
                   "alice < 200\n"},
    {"an maddr that is ours is taken off", "RFC 3261 16.4", "",
     ALICE_AND_BOB "carol > MESSAGE sip:bob@example.com;maddr=192.0.2.1 "
                   "from=carol@elsewhere.example.org\n"
                   "bob < MESSAGE\n"
                   "bob > 200\n"
                   "carol < 200\n"
                   "alice > MESSAGE sip:bob@192.0.2.11:5060;maddr=192.0.2.1;x=1\n"
                   "bob < MESSAGE uri=sip:bob@192.0.2.11;x=1\n"
                   "bob > 200\n"
                   "alice < 200\n"},
    {"a tel URI reaches the user with that number", "RFC 3261 19.1.6, RFC 3966 5.1.1", "",
     "config auth_register off\n"
     "bob > REGISTER sip:+4930123@example.com \"+Contact: <sip:bob@192.0.2.10:5060>\"\n"
     "bob < 200\n"
     "carol > MESSAGE tel:+49-(30)-123 from=carol@elsewhere.example.org\n"
     "bob < MESSAGE uri=sip:bob@192.0.2.10:5060\n"
     "bob > 200\n"
     "carol < 200\n"
     "carol > MESSAGE tel:+4930124 from=carol@elsewhere.example.org\n"
     "carol < 404\n"},
    {"Require and Proxy-Require of CANCEL and ACK are ignored", "RFC 3261 8.2.2.3", "",
     RINGING "alice > CANCEL +Require:x +Proxy-Require:x\n"
             "alice < 200/CANCEL\n"
             "bob < CANCEL !Require !Proxy-Require\n"
             "bob > 200 CANCEL\n"
             "bob > 487 INVITE\n"
             "bob < ACK\n"
             "alice < 487\n"
             "alice > ACK +Proxy-Require:x\n"
             "alice > INVITE bob\n"
             "bob < INVITE\n"
             "bob > 200\n"
             "alice < 200\n"
             "alice > ACK +Require:x +Proxy-Require:x\n"
             "bob < ACK\n"},
    {"CANCEL and INVITE get the same To tag from us", "RFC 3261 9.2, 8.2.6.2", "",
     "config name slow.example.net silent\n"
     "register alice\n"
     "bob is sip:bob@slow.example.net\n"
     "register bob\n"
     "alice > INVITE bob\n"
     "alice < 100\n"
     "alice > CANCEL\n"
     "alice < 200/CANCEL\n" /* what holds for every message: check.c compares the tags */
     "alice < 487\n"
     "alice > ACK\n"},
    {"a Record-Route in a REGISTER is ignored", "RFC 3261 10.3", "",
     "config auth_register off\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.10:5060>\" "
     "\"+Record-Route: <sip:192.0.2.99;lr>\"\n"
     "bob < 200 contacts=1 !Record-Route\n"
     "alice > MESSAGE bob from=alice@elsewhere.example.org\n"
     "bob < MESSAGE routes=0\n"
     "bob > 200\n"
     "alice < 200\n"},
    {"an expiry of an hour is never too short", "RFC 3261 10.3 step 7", "",
     "config auth_register off\n"
     "config expires_min 7200\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.10:5060>;expires=3599\"\n"
     "bob < 423 \"Min-Expires: 7200\"\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.10:5060>;expires=3600\"\n"
     "bob < 200 \"Contact: expires=3600\"\n"},
    {"an expiry beyond the limit is cut", "RFC 3261 10.3 step 7", "",
     "config auth_register off\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.10:5060>;expires=4294967295\"\n"
     "bob < 200 \"Contact: expires=86400\"\n"},
    {"a redirect of a foreign domain is passed on, not followed", "RFC 3261 16.5", "",
     "config follow_redirects on\n"
     "register alice\n"
     "carol none\n"
     "alice > INVITE sip:carol@192.0.2.11:5060\n"
     "carol < INVITE\n"
     "carol > 302 \"+Contact: <sip:alice@192.0.2.10:5060>\"\n"
     "carol < ACK\n"
     "alice < 302 \"Contact: <sip:alice@192.0.2.10:5060>\"\n"
     "alice > ACK\n"},
    {"a redirect to sips is passed on, not followed", "RFC 5630 5.3", "",
     "config follow_redirects on\n" INVITED "bob > 302 \"+Contact: <sips:bob@192.0.2.11>\"\n"
     "bob < ACK\n"
     "alice < 302 \"Contact: <sips:bob@192.0.2.11>\"\n"
     "alice > ACK\n"},
    {"a Content-Length that was missing is put in", "RFC 3261 16.6 step 9, 18.3", "",
     ALICE_AND_BOB "alice > MESSAGE bob -Content-Length\n"
                   "bob < MESSAGE \"Content-Length: 0\"\n"
                   "bob > 200\n"
                   "alice < 200\n"},
    {"a Max-Breadth over ours is cut, one that is 0 ends here", "RFC 5393 5.3.3", "",
     ALICE_AND_BOB "alice > MESSAGE bob \"+Max-Breadth: 1000\"\n"
                   "bob < MESSAGE \"Max-Breadth: 60\"\n"
                   "bob > 200\n"
                   "alice < 200\n"
                   "alice > MESSAGE bob \"+Max-Breadth: 0\"\n"
                   "alice < 440\n"},
    {"phones in a row get the whole Max-Breadth each", "RFC 5393 5.3.3.1", "",
     "register alice\n"
     "register bob q=0.9\n"
     "register bob2 q=0.5\n"
     "alice > INVITE bob\n"
     "alice < 100\n"
     "bob < INVITE \"Max-Breadth: 60\"\n"
     "bob > 486\n"
     "bob < ACK\n"
     "bob2 < INVITE \"Max-Breadth: 60\"\n"
     "bob2 > 486\n"
     "bob2 < ACK\n"
     "alice < 486\n"
     "alice > ACK\n"},
    {"an alias brings requests back along the connection", "RFC 5923 8.2", "",
     "config auth_register off\n"
     "config workers 1\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@192.0.2.10:5070;transport=tcp>\"\n"
     "bob < 200\n"
     /* nobody listens at 5070: only the connection leads to the phone */
     "bob > OPTIONS sip:example.com call=x "
     "tcp \"%192.0.2.10:5060;rport%192.0.2.10:5070;alias;rport%\"\n"
     "bob < 200/OPTIONS\n"
     "alice > MESSAGE bob call=x from=alice@elsewhere.example.org\n"
     "bob < MESSAGE tcp\n"
     "bob > 200\n"
     "alice < 200\n"},
    {"credentials without qop are taken, each nonce once", "RFC 3261 22.4 rule 8, RFC 2069", "",
     "bob > REGISTER bob\n"
     "bob < 401\n"
     "bob > REGISTER bob noqop \"+Contact: <sip:bob@192.0.2.10:5060>\"\n"
     "bob < 200 contacts=1\n"
     "bob > REGISTER bob noqop\n"
     "bob < 401 \"WWW-Authenticate: stale=true\"\n"
     "bob > REGISTER bob noqop\n"
     "bob < 200 contacts=1\n"},
};

SCENARIO_TABLE(rfc, NULL)
