/* UDP and TCP on either side, connections that end, large and broken messages. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

#define CALL                                                                                       \
    "alice > INVITE bob\n"                                                                         \
    "bob < INVITE\n"                                                                               \
    "bob > 180\n"                                                                                  \
    "alice < 180\n"                                                                                \
    "bob > 200\n"                                                                                  \
    "alice < 200\n"                                                                                \
    "alice > ACK\n"                                                                                \
    "bob < ACK\n"
#define ALICE_TCP                                                                                  \
    "alice tcp\n"                                                                                  \
    "register alice\n"                                                                             \
    "register bob\n"
#define BOB_TCP                                                                                    \
    "bob tcp\n"                                                                                    \
    "register alice\n"                                                                             \
    "register bob\n"
#define BOTH_TCP                                                                                   \
    "alice tcp\n"                                                                                  \
    "bob tcp\n"                                                                                    \
    "register alice\n"                                                                             \
    "register bob\n"

static const struct scenario scenarios[] = {
    {"UDP to TCP, the caller hangs up", "RFC 3261 18, RFC 5658", "testInviteUDPToTCPCallerHangsUp",
     BOB_TCP CALL ALICE_HANGS_UP},
    {"UDP to TCP, the called one hangs up", "RFC 3261 18, RFC 5658",
     "testInviteUDPToTCPCalleeHangsUp", BOB_TCP CALL BOB_HANGS_UP},
    {"TCP to UDP, the caller hangs up", "RFC 3261 18, RFC 5658", "testInviteTCPToUDPCallerHangsUp",
     ALICE_TCP CALL ALICE_HANGS_UP},
    {"TCP to UDP, the called one hangs up", "RFC 3261 18, RFC 5658",
     "testInviteTCPToUDPCalleeHangsUp", ALICE_TCP CALL BOB_HANGS_UP},
    {"TCP to TCP", "RFC 3261 18", "",
     BOTH_TCP "alice > INVITE bob\n"
              "bob < INVITE tcp\n"
              "bob > 200\n"
              "alice < 200 tcp\n"
              "alice > ACK\n"
              "bob < ACK tcp\n" BOB_HANGS_UP},
    {"a double Record-Route where the transports differ, a single one where not",
     "RFC 5658 4, RFC 3261 16.6 step 4", "",
     BOB_TCP
     "alice > INVITE bob\n"
     "bob < INVITE \"Record-Route: transport=tcp\" \"Record-Route: <sip:192.0.2.1:5060;lr\"\n"
     "bob > 486\n"
     "bob < ACK\n"
     "alice < 486\n"
     "alice > ACK\n"},
    {"with Record-Route off, too, for a phone may speak one transport only", "RFC 3261 16.6 step 4",
     "",
     "config record_route off\n" BOB_TCP "alice > INVITE bob\n"
     "bob < INVITE \"Record-Route: transport=tcp\" \"Record-Route: <sip:192.0.2.1:5060;lr\"\n"
     "bob > 486\n"
     "bob < ACK\n"
     "alice < 486\n"
     "alice > ACK\n"},
    {"but not where both speak the same", "RFC 3261 16.6 step 4", "",
     "config record_route off\n" BOTH_TCP "alice > INVITE bob\n"
     "bob < INVITE tcp !Record-Route\n"
     "bob > 486\n"
     "bob < ACK\n"
     "alice < 486\n"
     "alice > ACK\n"},
    {"MESSAGE: UDP to TCP", "RFC 3261 18", "testNonInviteUDPtoTCP",
     BOB_TCP "alice > MESSAGE bob\n"
             "bob < MESSAGE tcp\n"
             "bob > 200\n"
             "alice < 200 udp\n"},
    {"MESSAGE: TCP to UDP", "RFC 3261 18", "testNonInviteTCPtoUDP",
     ALICE_TCP "alice > MESSAGE bob\n"
               "bob < MESSAGE udp\n"
               "bob > 200\n"
               "alice < 200 tcp\n"},
    {"a refusal over TCP is not sent again", "RFC 3261 17.2.1 timer G", "",
     BOTH_TCP "alice > INVITE bob\n"
              "bob < INVITE\n"
              "bob > 486\n"
              "bob < ACK\n"
              "alice < 486\n"
              "wait 5s\n"
              "alice repeats 0 486\n"
              "alice > ACK\n"},
    {"two messages in one piece of TCP", "RFC 3261 18.3", "testTCPMultiMsg",
     ALICE_TCP "alice > MESSAGE bob hold\n"
               "alice > OPTIONS bob hold\n"
               "alice > INFO bob\n"
               "bob < MESSAGE\n"
               "bob < OPTIONS\n"
               "bob < INFO\n"
               "bob > 200 MESSAGE\n"
               "bob > 200 OPTIONS\n"
               "bob > 200 INFO\n"
               "alice gets 200/MESSAGE\n"
               "alice gets 200/OPTIONS\n"
               "alice gets 200/INFO\n"},
    {"a message on TCP that is no SIP: the connection ends, others go on", "RFC 3261 18.3, 7.3",
     "testTCPPreparseError",
     ALICE_TCP "carol lax\n"
               "carol tcp\n"
               "carol > OPTIONS sip:example.com %SIP/2.0%NOTSIP%\n"
               "carol < 400\n"
               "alice > MESSAGE bob\n"
               "bob < MESSAGE\n"
               "bob > 200\n"
               "alice < 200\n"},
    {"a Content-Length on TCP that is no number", "RFC 3261 18.3, 20.14", "testTCPParseBufferError",
     ALICE_TCP "carol lax\n"
               "carol tcp\n"
               "carol > OPTIONS sip:example.com \"%Content-Length: 0%Content-Length: zero%\"\n"
               "carol < 400\n"
               "alice > MESSAGE bob\n"
               "bob < MESSAGE\n"
               "bob > 200\n"
               "alice < 200\n"},
    {"no Content-Length on TCP", "RFC 3261 18.3, 20.14", "",
     "carol lax\n"
     "carol tcp\n"
     "carol > OPTIONS sip:example.com -Content-Length\n"
     "carol < 400\n"},
    {"the caller's connection ends before the answer: it comes over a new one", "RFC 3261 18.2.2",
     "",
     ALICE_TCP "alice > INVITE bob\n"
               "alice < 100\n"
               "bob < INVITE\n"
               "alice closes\n"
               "wait 10ms\n"
               "bob > 200\n"
               "alice < 200 tcp\n"
               "alice > ACK\n"
               "bob < ACK\n" ALICE_HANGS_UP},
    {"the caller's connection ends, and nobody listens there: the servers that Via names",
     "RFC 3261 18.2.2, RFC 3263 5", "",
     "config name _sip._tcp.client.example.net SRV 0 0 5060 gone.example.net\n"
     "config name _sip._tcp.client.example.net SRV 1 0 5060 other.example.net\n"
     "config name gone.example.net 192.0.2.11\n"
     "config name other.example.net 192.0.2.12\n" ALICE_TCP "bob udponly\n"
     "carol lax\n"
     "alice > INVITE bob %192.0.2.10:5060;rport%client.example.net;rport%\n"
     "alice < 100\n"
     "bob < INVITE\n"
     "alice udponly\n"
     "alice closes\n"
     "wait 10ms\n"
     "bob > 486\n"
     "bob < ACK\n"
     "carol < 486 tcp\n"},
    {"the same with a port: the addresses of the name", "RFC 3263 5", "",
     "config name client.example.net 192.0.2.12\n" ALICE_TCP "carol lax\n"
     "alice > MESSAGE bob %192.0.2.10:5060;rport%client.example.net:5060;rport%\n"
     "bob < MESSAGE\n"
     "alice udponly\n"
     "alice closes\n"
     "wait 10ms\n"
     "bob > 200\n"
     "carol < 200 tcp\n"},
    {"maddr in Via is followed where the operator wants it", "RFC 3261 18.2.2", "",
     "config via_maddr on\n" ALICE_AND_BOB "carol lax\n"
     "alice > MESSAGE bob %;rport%;maddr=192.0.2.12%\n"
     "bob < MESSAGE\n"
     "bob > 200\n"
     "carol < 200\n"
     "alice none\n"},
    {"maddr in Via is not followed by default", "RFC 3261 18.2.2", "",
     ALICE_AND_BOB "carol none\n"
                   "alice > MESSAGE bob %;rport%;maddr=192.0.2.12%\n"
                   "bob < MESSAGE\n"
                   "bob > 200\n"
                   "alice < 200\n"},
    {"the called one's connection ends while it rings: the answer may come over another",
     "RFC 3261 17.1.4, 18.2.2", "",
     BOB_TCP "alice > INVITE bob\n"
             "bob < INVITE\n"
             "bob > 180\n"
             "alice < 180\n"
             "bob closes\n"
             "wait 10ms\n"
             "bob > 200\n"
             "alice < 200\n"
             "alice > ACK\n"
             "bob < ACK\n" ALICE_HANGS_UP},
    {"a phone whose connection was reset is reached at its contact", "RFC 3261 18.1.1", "",
     BOB_TCP "bob resets\n"
             "wait 10ms\n"
             "alice > INVITE bob\n"
             "bob < INVITE tcp\n"
             "bob > 486\n"
             "bob < ACK\n"
             "alice < 486\n"
             "alice > ACK\n"},
    {"a phone on TCP that died without a word", "RFC 3261 17.1.4, 16.9", "",
     BOB_TCP "bob dies\n"
             "alice > INVITE bob\n"
             "alice < 500 within 33s\n"
             "alice > ACK\n"},
    {"a phone on TCP that died delays nobody else", "RFC 3261 18", "",
     BOB_TCP "register carol\n"
             "bob dies\n"
             "alice > INVITE bob\n"
             "alice > MESSAGE carol\n"
             "carol < MESSAGE\n"
             "carol > 200\n"
             "alice < 200/MESSAGE\n"
             "alice < 500 within 33s\n"
             "alice > ACK\n"},
    {"nobody listens at the contact's port", "RFC 3261 16.9, 17.1.4", "testInviteTransportFailure",
     "register alice\n"
     "bob is sip:bob@192.0.2.11:7777;transport=tcp\n"
     "register bob\n"
     "alice > INVITE bob\n"
     "alice < 500\n"
     "alice > ACK\n"},
    {"the contact's host does not answer to TCP: the connect times out", "RFC 3261 16.9", "",
     "register alice\n"
     "bob is sip:bob@192.0.2.200:5060;transport=tcp\n"
     "register bob\n"
     "alice > INVITE bob\n"
     "alice < 500 within 6s\n"
     "alice > ACK\n"},
    {"the system knows no way to the contact", "RFC 3261 16.9, 17.1.4", "",
     "register alice\n"
     "bob is sip:bob@203.0.113.5:5060\n"
     "register bob\n"
     "alice > INVITE bob\n"
     "alice < 500 within 2s\n"
     "alice > ACK\n"},
    {"a large request goes by TCP", "RFC 3261 18.1.1", "",
     ALICE_AND_BOB "alice > INVITE bob tcp pad=1400\n"
                   "bob < INVITE tcp \"Via: SIP/2.0/TCP\"\n"
                   "bob > 486\n"
                   "bob < ACK tcp\n"
                   "alice < 486\n"
                   "alice > ACK\n"},
    {"that alone does not keep us in the path", "RFC 3261 16.6 step 4, 18.1.1", "",
     "config record_route off\n" ALICE_AND_BOB "alice > INVITE bob udp pad=1400\n"
     "bob < INVITE tcp !Record-Route\n"
     "bob > 486\n"
     "bob < ACK tcp\n"
     "alice < 486\n"
     "alice > ACK\n"},
    {"a large request to a phone that has only UDP goes by UDP after all", "RFC 3261 18.1.1", "",
     ALICE_AND_BOB "bob udponly\n"
                   "alice > INVITE bob tcp pad=1400\n"
                   "bob < INVITE udp \"Via: SIP/2.0/UDP\"\n"
                   "bob > 486\n"
                   "bob < ACK udp\n"
                   "alice < 486\n"
                   "alice > ACK\n"},
    {"a large MESSAGE to a phone that has only UDP", "RFC 3261 18.1.1", "",
     ALICE_AND_BOB "bob udponly\n"
                   "alice > MESSAGE bob tcp pad=1400\n"
                   "bob < MESSAGE udp\n"
                   "bob > 200\n"
                   "alice < 200\n"},
    {"rport: answers go where the request came from", "RFC 3581 4", "testInviteForRport",
     ALICE_AND_BOB "alice > INVITE bob \"%192.0.2.10:5060;rport%10.1.2.3:7777;rport%\"\n"
                   "bob < INVITE \"Via: 10.1.2.3:7777;rport=5060;received=192.0.2.10\"\n"
                   "bob > 486\n"
                   "bob < ACK\n"
                   "alice < 486\n"
                   "alice > ACK\n"},
    {"without rport answers go to the port in Via", "RFC 3261 18.2.2", "",
     ALICE_AND_BOB "alice > MESSAGE bob \"%192.0.2.10:5060;rport%192.0.2.10;x%\"\n"
                   "bob < MESSAGE \"Via: 192.0.2.10;x\"\n"
                   "bob > 200\n"
                   "alice < 200\n"},
    {"several workers, any of which may get a datagram", "RFC 3261 17", "",
     "config workers 4\n"
     "config spray on\n" ALICE_AND_BOB CALL ALICE_HANGS_UP CALL BOB_HANGS_UP "alice > INVITE bob\n"
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
     "alice > ACK\n"},
    {"several workers, phones on TCP", "RFC 3261 18", "",
     "config workers 4\n" BOTH_TCP CALL ALICE_HANGS_UP CALL BOB_HANGS_UP CALL ALICE_HANGS_UP CALL
         BOB_HANGS_UP},
    {"several workers: the phone's connection ends while it rings", "RFC 3261 17.1.4, 18.2.2", "",
     "config workers 4\n" BOB_TCP "alice > INVITE bob\n"
     "bob < INVITE\n"
     "bob > 180\n"
     "alice < 180\n"
     "bob closes\n"
     "wait 10ms\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK\n" ALICE_HANGS_UP},
    {"a phone behind a NAT is reached where its REGISTER came from", "RFC 3581, RFC 5626 3.4", "",
     "config nat bob\n" ALICE_AND_BOB "alice > INVITE bob\n"
     "bob < INVITE uri=sip:bob@10.0.0.11:5060\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK\n" BOB_HANGS_UP CALL ALICE_HANGS_UP},
    {"a phone behind a NAT calls and hangs up", "RFC 3581 4", "",
     "config nat alice\n" ALICE_AND_BOB CALL ALICE_HANGS_UP},
    {"a phone behind a NAT on TCP is reached along its connection", "RFC 5626 3.4", "",
     "config nat bob\nbob tcp\n" ALICE_AND_BOB "connections bob 1\n"
     "alice > INVITE bob\n"
     "bob < INVITE tcp\n"
     "connections bob 1\n"
     "bob > 486\n"
     "bob < ACK\n"
     "alice < 486\n"
     "alice > ACK\n"},
    {"a phone behind a NAT after a restart of the server", "RFC 3581, RFC 5626 3.4", "",
     "config nat bob\n" ALICE_AND_BOB "server cut\n"
     "server start\n"
     "alice > MESSAGE bob from=alice@elsewhere.example.org noauth\n"
     "bob < MESSAGE\n"
     "bob > 200\n"
     "alice < 200\n"},
    {"a connection with an alias is used for requests to that address", "RFC 5923 5", "",
     "config workers 1\n" ALICE_AND_BOB "bob > OPTIONS sip:example.com tcp %;rport%;rport;alias%\n"
     "bob < 200 tcp\n"
     "connections bob 1\n"
     "alice > MESSAGE bob tcp pad=1400\n"
     "bob < MESSAGE tcp\n"
     "connections bob 1\n"
     "bob > 200 MESSAGE\n"
     "alice < 200\n"},
    {"IPv6 to IPv6", "RFC 3261 18, 19.1.1", "",
     "config v6 alice\nconfig v6 bob\n" ALICE_AND_BOB CALL ALICE_HANGS_UP CALL BOB_HANGS_UP},
    {"IPv4 to IPv6: each side finds us at an address that it can reach", "RFC 5658 4", "",
     "config v6 bob\n" ALICE_AND_BOB "alice > INVITE bob\n"
     "bob < INVITE \"Record-Route: <sip:[2001:db8::1]:5060\" \"Record-Route: <sip:192.0.2.1:5060\" "
     "\"Via: SIP/2.0/UDP [2001:db8::1]:5060\"\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK\n" ALICE_HANGS_UP CALL BOB_HANGS_UP},
    {"IPv6 and TCP to IPv4 and UDP", "RFC 5658 4", "",
     "config v6 alice\nalice tcp\n" ALICE_AND_BOB CALL ALICE_HANGS_UP CALL BOB_HANGS_UP},
    {"a server that stops refuses new calls and lets the others end", "RFC 3261 21.5.4", "",
     TALKING "server drain\n" ALICE_HANGS_UP "alice > MESSAGE bob\n"
             "alice < 503\n"
             "bob none\n"},
    {"the ACK of a refusal by a server that is full or stops goes nowhere", "RFC 3261 8.2.7", "",
     TALKING "server drain\n" ALICE_HANGS_UP "alice > INVITE bob\n"
             "alice < 503\n"
             "alice > ACK\n"
             "wait 100ms\n"
             "alice again ACK\n"
             "wait 100ms\n"
             "bob none\n"},
    {"an overloaded server refuses new calls, and no registrations", "RFC 3261 21.5.4", "",
     ALICE_AND_BOB "server floods\n"
                   "alice > INVITE bob sdp\n"
                   "alice < 503 \"Retry-After: 5\"\n"
                   "alice > ACK\n"
                   "alice again INVITE\n"
                   "wait 100ms\n"
                   "alice repeats 1 503\n"
                   "alice again ACK\n"
                   "alice > MESSAGE bob\n"
                   "alice < 503\n"
                   "register alice2\n"
                   "bob none\n"
                   "wait 2s\n" CALL ALICE_HANGS_UP},
    {"an overloaded server goes on with what it has let in", "RFC 6357 5, RFC 3261 17.2.1", "",
     INVITED "server floods\n"
             "alice again INVITE\n"
             "wait 100ms\n"
             "alice repeats 1 100\n"
             "bob > 180\n"
             "alice < 180\n"
             "bob > 200\n"
             "alice < 200\n"
             "alice > ACK\n"
             "bob < ACK\n"
             "alice > INVITE sdp\n"
             "alice < 100\n"
             "bob < INVITE\n"
             "bob > 200\n"
             "alice < 200\n"
             "alice > ACK\n"
             "bob < ACK\n" ALICE_HANGS_UP},
    {"a name that leads nowhere", "RFC 3261 16.9, RFC 3263 4", "testInviteNoDNS",
     "config name gone.example.net fails\n"
     "register alice\n"
     "bob is sip:bob@gone.example.net\n"
     "register bob\n"
     "alice > INVITE bob\n"
     "alice < 500\n"
     "alice > ACK\n"},
    {"a name that leads nowhere, by TCP", "RFC 3261 16.9, RFC 3263 4", "testInviteNoDNSTcp",
     "config name gone.example.net fails\n"
     "register alice\n"
     "bob is sip:bob@gone.example.net;transport=tcp\n"
     "register bob\n"
     "alice > INVITE bob\n"
     "alice < 500\n"
     "alice > ACK\n"},
    {"a name server that does not answer", "RFC 3261 16.9, RFC 3263 4", "",
     "config name slow.example.net silent\n"
     "register alice\n"
     "bob is sip:bob@slow.example.net\n"
     "register bob\n"
     "alice > INVITE bob\n"
     "alice < 100\n"
     "alice < 500 within 11s\n"
     "alice > ACK\n"},
    {"the ACK of a 200 whose Contact is a name waits for it", "RFC 3261 13.2.2.4, 16.11", "",
     "config name phone.example.net 192.0.2.11\n" ALICE_AND_BOB "alice > INVITE bob\n"
     "bob < INVITE\n"
     "bob is sip:bob@phone.example.net:5060\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK\n" BOB_HANGS_UP},
    {"the ACK of a 200 whose Contact is a name that leads nowhere", "RFC 3261 13.3.1.4, 16.11", "",
     "config name gone.example.net fails\n" ALICE_AND_BOB "alice > INVITE bob\n"
     "bob < INVITE\n"
     "bob is sip:bob@gone.example.net:5060\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob none\n"
     "alice none\n"},
    {"a phone by its name", "RFC 3263 4", "",
     "config name phone.example.net 192.0.2.11\n"
     "register alice\n"
     "bob is sip:bob@phone.example.net:5060\n"
     "register bob\n" CALL ALICE_HANGS_UP},
    {"one name leads nowhere, the other phone answers", "RFC 3261 16.7", "",
     "config name gone.example.net fails\n"
     "register alice\n"
     "bob is sip:bob@gone.example.net\n"
     "register bob\n"
     "register bob2\n"
     "alice > INVITE bob\n"
     "bob2 < INVITE\n"
     "bob2 > 200\n"
     "alice < 200 from bob2\n"
     "alice > ACK\n"
     "bob2 < ACK\n"},
};

SCENARIO_TABLE(transport, NULL)
