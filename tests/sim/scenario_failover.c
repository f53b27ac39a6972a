/* One server after the other (RFC 3263 section 4.3), and which servers are remembered to be down.
 */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

/* Calls to 49... go to two servers, the first one first. alice is at 192.0.2.10, they follow. */
#define ROUTE_TO(how)                                                                              \
    "config route 49 sip:gw.example.net" how "\n"                                                  \
    "config name one.example.net 192.0.2.11\n"                                                     \
    "config name two.example.net 192.0.2.12\n"                                                     \
    "config name three.example.net 192.0.2.13\n"
#define BY_UDP                                                                                     \
    "config name _sip._udp.gw.example.net SRV 10 0 5060 one.example.net\n"                         \
    "config name _sip._udp.gw.example.net SRV 20 0 5060 two.example.net\n"
#define BY_TCP                                                                                     \
    "config name _sip._tcp.gw.example.net SRV 10 0 5060 one.example.net\n"                         \
    "config name _sip._tcp.gw.example.net SRV 20 0 5060 two.example.net\n"
#define PHONES                                                                                     \
    "register alice\n"                                                                             \
    "one none\n"                                                                                   \
    "two none\n"
#define TWO_SERVERS ROUTE_TO("") BY_UDP PHONES
#define CALLS                                                                                      \
    "alice > INVITE 4930123 sdp\n"                                                                 \
    "alice < 100\n"
/* The server answers the INVITE that it has got. */
#define TALKS_WITH(server)                                                                         \
    server " > 200\n"                                                                              \
           "alice < 200 from " server "\n"                                                         \
           "alice > ACK\n" server " < ACK\n"                                                       \
           "alice > BYE\n" server " < BYE\n" server " > 200\n"                                     \
           "alice < 200/BYE\n"
#define REFUSES(server, status) server " > " status "\n" server " < ACK\n"
#define ALICE_REFUSED(status)                                                                      \
    "alice < " status "\n"                                                                         \
    "alice > ACK\n"
/* What remains of a server that said nothing: it hears a CANCEL when it speaks at last. */
#define CALLED_OFF(server)                                                                         \
    server " < CANCEL\n" server " > 200 CANCEL\n" server " > 487 INVITE\n" server " < ACK\n"

static const struct scenario scenarios[] = {
    {"the server of the lowest priority is asked, the other one is not", "RFC 3263 4.2, RFC 2782",
     "", TWO_SERVERS CALLS "one < INVITE uri=sip:4930123@gw.example.net\n" TALKS_WITH("one")},
    {"NAPTR names the transport, SRV the server", "RFC 3263 4.1", "",
     ROUTE_TO("") BY_UDP BY_TCP
     "config name gw.example.net NAPTR 10 10 `s` `SIPS+D2T` `` _sips._tcp.gw.example.net\n"
     "config name gw.example.net NAPTR 20 10 `s` `SIP+D2T` `` _sip._tcp.gw.example.net\n"
     "config name gw.example.net NAPTR 30 10 `s` `SIP+D2U` `` "
     "_sip._udp.gw.example.net\n" PHONES CALLS "one < INVITE tcp\n" TALKS_WITH("one")},
    {"a silent server: the next one is asked after a while, and at once by the next call",
     "RFC 3263 4.3", "",
     TWO_SERVERS "one dies\n" CALLS "wait 3500ms\n"
                 "two none\n"
                 "two < INVITE within 1s\n"
                 "two > 180\n"
                 "alice < 180\n" TALKS_WITH("two") CALLS "two < INVITE\n" TALKS_WITH("two")},
    {"a silent server: a MESSAGE goes to the next one", "RFC 3263 4.3", "",
     TWO_SERVERS "one dies\n"
                 "alice > MESSAGE 4930123\n"
                 "two < MESSAGE within 5s\n"
                 "two > 200\n"
                 "alice < 200 from two\n"},
    {"a server that answers 503: the next one is asked at once", "RFC 3263 4.3", "",
     TWO_SERVERS CALLS "one < INVITE\n" REFUSES("one", "503") "two < INVITE\n" TALKS_WITH("two")},
    {"503 to a MESSAGE: the next one is asked at once", "RFC 3263 4.3", "",
     TWO_SERVERS "alice > MESSAGE 4930123\n"
                 "one < MESSAGE\n"
                 "one > 503\n"
                 "two < MESSAGE\n"
                 "two > 202\n"
                 "alice < 202 from two\n"},
    {"503 after it has rung: the next one is asked", "RFC 3263 4.3", "",
     TWO_SERVERS CALLS "one < INVITE\n"
                       "one > 180\n"
                       "alice < 180\n" REFUSES("one", "503") "two < INVITE\n" TALKS_WITH("two")},
    {"every server answers 503: 500", "RFC 3263 4.3, RFC 3261 16.7 step 6", "",
     TWO_SERVERS CALLS "one < INVITE\n" REFUSES("one", "503") "two < INVITE\n" REFUSES("two", "503")
         ALICE_REFUSED("500")},
    {"one answers 503, the next one its own no: that counts", "RFC 3263 4.3", "",
     TWO_SERVERS CALLS "one < INVITE\n" REFUSES("one", "503") "two < INVITE\n" REFUSES("two", "486")
         ALICE_REFUSED("486")},
    {"any other answer is the answer", "RFC 3263 4.3", "",
     TWO_SERVERS CALLS "one < INVITE\n" REFUSES("one", "500") ALICE_REFUSED("500") "two none\n"},
    {"a 503 with Retry-After: for so long the other one is asked first", "RFC 3261 21.5.4", "",
     TWO_SERVERS CALLS "one < INVITE\n"
                       "one > 503 \"+Retry-After: 20\"\n"
                       "one < ACK\n"
                       "two < INVITE\n" TALKS_WITH("two") CALLS
     "two < INVITE\n" TALKS_WITH("two") "wait 20s\n" CALLS "one < INVITE\n" TALKS_WITH("one") CALLS
     "one < INVITE\n" TALKS_WITH("one")},
    {"a connection that is refused: the next server is asked at once",
     "RFC 3263 4.3, RFC 3261 16.9", "",
     ROUTE_TO(";transport=tcp") BY_TCP PHONES "one udponly\n" CALLS "two < INVITE tcp\n" TALKS_WITH(
         "two") CALLS "two < INVITE tcp\n" TALKS_WITH("two")},
    {"a host that does not answer to TCP: the next server is asked", "RFC 3263 4.3", "",
     ROUTE_TO(";transport=tcp") BY_TCP PHONES "one dies\n" CALLS
                                              "two < INVITE tcp within 5s\n" TALKS_WITH("two")},
    {"every server is silent: the caller learns it when the last one's time is over",
     "RFC 3263 4.3, RFC 3261 17.1.1.2", "",
     TWO_SERVERS "one dies\n"
                 "two dies\n" CALLS "wait 35s\n"
                 "alice none\n"
                 "alice < 408 within 2s\n"
                 "alice > ACK\n"},
    {"the addresses of one name, one after the other", "RFC 3263 4.2", "",
     ROUTE_TO(":5060") "config name gw.example.net 192.0.2.11\n"
                       "config name gw.example.net 192.0.2.12\n" PHONES "one dies\n"
                       "alice > INVITE 4930123\n"
                       "two < INVITE within 5s\n" TALKS_WITH("two") CALLS
     "two < INVITE\n" TALKS_WITH("two")},
    {"a server whose name leads nowhere is passed over", "RFC 3263 4.2", "",
     ROUTE_TO("") "config name _sip._udp.gw.example.net SRV 5 0 5060 gone.example.net\n" BY_UDP
         PHONES CALLS "one < INVITE\n" TALKS_WITH("one")},
    {"a server that no route leads to is passed over", "RFC 3263 4.3", "",
     ROUTE_TO("") "config name far.example.net 203.0.113.5\n"
                  "config name _sip._udp.gw.example.net SRV 5 0 5060 far.example.net\n" BY_UDP
                      PHONES CALLS "one < INVITE within 1s\n" TALKS_WITH("one")},
    {"a name server that does not answer for the second server: the first one is waited for",
     "RFC 3263 4.2", "",
     ROUTE_TO(
         "") "config name slow.example.net silent\n"
             "config name _sip._udp.gw.example.net SRV 10 0 5060 one.example.net\n"
             "config name _sip._udp.gw.example.net SRV 20 0 5060 slow.example.net\n" PHONES CALLS
             "one < INVITE\n"
             "wait 12s\n"
             "alice none\n" TALKS_WITH("one")},

    /* ---- CANCEL ---- */
    {"CANCEL while the first server is silent: no other is asked", "RFC 3261 16.10", "",
     TWO_SERVERS "one deaf\n" CALLS "wait 1s\n"
                 "alice > CANCEL\n"
                 "alice < 200/CANCEL\n"
                 "wait 5s\n"
                 "two none\n"
                 "alice < 487 within 33s\n"
                 "alice > ACK\n"},
    {"CANCEL while the second server rings", "RFC 3261 16.10", "",
     TWO_SERVERS "one dies\n" CALLS "two < INVITE within 5s\n"
                 "two > 180\n"
                 "alice < 180\n"
                 "alice > CANCEL\n"
                 "alice < 200/CANCEL\n" CALLED_OFF("two") "alice < 487/INVITE\n"
                                                          "alice > ACK\n"},
    {"CANCEL when the first server has said 503", "RFC 3261 16.10", "",
     TWO_SERVERS CALLS "one < INVITE\n" REFUSES("one", "503") "two < INVITE\n"
                                                              "two > 180\n"
                                                              "alice < 180\n"
                                                              "alice > CANCEL\n"
                                                              "alice < 200/CANCEL\n" CALLED_OFF(
                                                                  "two") "alice < 487/INVITE\n"
                                                                         "alice > ACK\n"},

    /* ---- late answers ---- */
    {"the first server rings late: it is called off, the second one has the call",
     "RFC 3263 4.3, RFC 3261 9.1", "",
     TWO_SERVERS CALLS "one < INVITE\n"
                       "two < INVITE within 5s\n"
                       "one > 180\n" CALLED_OFF("one") "two > 180\n"
                                                       "alice < 180 from two\n" TALKS_WITH("two")},
    {"the first server accepts late: the call is its, the second one is called off",
     "RFC 3263 4.3, RFC 3261 16.7 steps 5, 10", "",
     TWO_SERVERS CALLS "one < INVITE\n"
                       "two < INVITE within 5s\n"
                       "two > 180\n"
                       "alice < 180 from two\n"
                       "one > 200\n"
                       "alice < 200 from one\n"
                       "alice > ACK\n"
                       "one < ACK\n" CALLED_OFF("two")},
    {"both accept: the caller gets both answers", "RFC 6026 8.3, RFC 3261 16.7 step 5", "",
     TWO_SERVERS CALLS "one < INVITE\n"
                       "two < INVITE within 5s\n"
                       "two > 200\n"
                       "alice < 200 from two\n"
                       "alice > ACK\n"
                       "two < ACK\n"
                       "one > 200\n"
                       "alice < 200 from one\n"
                       "alice > ACK\n"
                       "one < ACK\n"},
    {"the first server refuses late: the second one decides", "RFC 3263 4.3", "",
     TWO_SERVERS CALLS
     "one < INVITE\n"
     "two < INVITE within 5s\n" REFUSES("one", "404") "two > 180\n"
                                                      "alice < 180 from two\n" TALKS_WITH("two")},
    {"a no of the second server does not wait for the first one's silence", "RFC 3261 16.7 step 6",
     "",
     TWO_SERVERS "one dies\n" CALLS "two < INVITE within 5s\n" REFUSES("two", "404")
         ALICE_REFUSED("404")},
    {"a MESSAGE's late answer counts as long as there is no other", "RFC 3263 4.3", "",
     TWO_SERVERS "alice > MESSAGE 4930123\n"
                 "one < MESSAGE\n"
                 "two < MESSAGE within 5s\n"
                 "one > 200\n"
                 "alice < 200 from one\n"
                 "two > 200\n"
                 "alice none\n"},

    /* ---- what is remembered ---- */
    {"a server that was down is asked after a while, and is back when it answers",
     "RFC 3263 4.3, RFC 3261 11", "",
     TWO_SERVERS "one deaf\n" CALLS "two < INVITE within 5s\n" TALKS_WITH(
         "two") "one hears\n"
                "wait 10s\n" CALLS "two < INVITE\n" TALKS_WITH(
                    "two") "one < OPTIONS within 25s\n"
                           "one > 200\n"
                           "wait 100ms\n" CALLS "one < INVITE\n" TALKS_WITH("one") CALLS
     "one < INVITE\n" TALKS_WITH("one") "wait 60s\n"
                                        "one none\n"
                                        "two none\n"},
    {"no caller tries a server that is down: while it is asked the other one is called",
     "RFC 3263 4.3, RFC 3261 11", "",
     TWO_SERVERS "one deaf\n" CALLS "two < INVITE within 5s\n" TALKS_WITH(
         "two") "wait 31500ms\n" CALLS "two < INVITE within 1s\n" TALKS_WITH("two")},
    {"a server that answers OPTIONS by 503 stays down and is asked again, less often",
     "RFC 3261 21.5.4", "",
     TWO_SERVERS "one deaf\n" CALLS "two < INVITE within 5s\n" TALKS_WITH(
         "two") "one hears\n"
                "one < OPTIONS within 35s\n"
                "one > 503\n" CALLS "two < INVITE\n" TALKS_WITH(
                    "two") "wait 55s\n"
                           "one none\n"
                           "one < OPTIONS within 10s\n"
                           "one > 404\n"
                           "wait 100ms\n" CALLS "one < INVITE\n" TALKS_WITH("one")},
    {"a server that is down and that nobody asks for is left alone after a while", "RFC 3263 4.3",
     "",
     TWO_SERVERS "one deaf\n" CALLS "two < INVITE within 5s\n" TALKS_WITH("two") "wait 1200s\n"
                                                                                 "one hears\n"
                                                                                 "wait 1200s\n"
                                                                                 "one none\n"},
    {"all servers are down: they are tried all the same", "RFC 3263 4.3", "",
     TWO_SERVERS "one deaf\n"
                 "two deaf\n" CALLS "alice < 408 within 37s\n"
                 "alice > ACK\n"
                 "wait 5s\n"
                 "one hears\n"
                 "two hears\n" CALLS "one < INVITE\n" TALKS_WITH("one") "two < OPTIONS within 70s\n"
                                                                        "two > 200\n"},
    {"while one call finds out that a server is down, another one does not fail", "RFC 3263 4.3",
     "",
     TWO_SERVERS "one dies\n" CALLS "alice > MESSAGE 4930999\n"
                 "two < INVITE within 5s\n"
                 "two < MESSAGE\n"
                 "two > 200 MESSAGE\n"
                 "alice < 200/MESSAGE\n"
                 "two > 486 INVITE\n"
                 "two < ACK\n" ALICE_REFUSED("486/INVITE")},
};

SCENARIO_TABLE(failover, NULL)
