/* Phones behind NATs of every kind, whose mappings expire, change, and are kept alive. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

#define OPEN                                                                                       \
    "config auth_register off\n"                                                                   \
    "config auth_call off\n"                                                                       \
    "config record_route off\n"
#define CALL                                                                                       \
    "alice > INVITE bob\n"                                                                         \
    "bob < INVITE \"Record-Route: ;fl=\"\n"                                                        \
    "bob > 180\n"                                                                                  \
    "alice < 180\n"                                                                                \
    "bob > 200\n"                                                                                  \
    "alice < 200\n"                                                                                \
    "alice > ACK\n"                                                                                \
    "bob < ACK\n"
#define GETS_THROUGH                                                                               \
    "alice > MESSAGE bob\n"                                                                        \
    "bob < MESSAGE\n"                                                                              \
    "bob > 200\n"                                                                                  \
    "alice < 200\n"
#define IS_LOST                                                                                    \
    "alice > MESSAGE bob\n"                                                                        \
    "wait 40s\n"                                                                                   \
    "bob none\n"                                                                                   \
    "alice none\n"
#define DECLINED                                                                                   \
    "alice < INVITE\n"                                                                             \
    "alice > 486\n"                                                                                \
    "alice < ACK\n"                                                                                \
    "bob < 486\n"                                                                                  \
    "bob > ACK\n"

static const struct scenario scenarios[] = {
    {"a phone behind a NAT is called", "RFC 5626 5.3", "",
     OPEN "config nat bob {}\n" ALICE_AND_BOB CALL "bob > INVITE\n"
          "alice < INVITE\n"
          "alice > 200\n"
          "bob < 200\n"
          "bob > ACK\n"
          "alice < ACK\n" ALICE_HANGS_UP CALL BOB_HANGS_UP},
    {"a phone behind a NAT calls", "RFC 5626 5.3.2", "",
     OPEN "config nat alice {}\n" ALICE_AND_BOB CALL ALICE_HANGS_UP CALL BOB_HANGS_UP},
    {"two phones behind NATs call each other", "RFC 5626 5.3", "",
     OPEN "config nat alice {}\nconfig nat bob symmetric\n" ALICE_AND_BOB CALL ALICE_HANGS_UP CALL
         BOB_HANGS_UP},
    {"a mapping expires, and nobody knows", "RFC 4787 4.3", "",
     OPEN "config nat bob {} 40s\n" ALICE_AND_BOB GETS_THROUGH "wait 60s\n" IS_LOST
          "register bob\n" GETS_THROUGH},
    {"it is kept alive", "RFC 5626 4.4", "",
     OPEN "config keepalive auto\nconfig keepalive_max 35\n"
          "config nat bob {} 40s\n" ALICE_AND_BOB "wait 3000s\n"
          "pings bob 80 125\n"
          "pings alice 0\n" GETS_THROUGH},
    {"the interval grows until a mapping is lost, and is right from then on", "RFC 5626 4.4", "",
     OPEN "config keepalive auto\n"
          "config nat bob {} 40s\n" ALICE_AND_BOB "wait 600s\n" IS_LOST "register bob\n"
          "pings bob 5 30\n"
          "wait 2900s\n"
          "pings bob 70 95\n" GETS_THROUGH},
    {"a mapping that lives for longer is asked for seldom", "RFC 5626 4.4, RFC 4787 4.3", "",
     OPEN "config keepalive auto\n"
          "config nat bob {} 130s\n" ALICE_AND_BOB "wait 3300s\n"
          "pings bob 33 55\n" GETS_THROUGH},
    {"a phone that does it itself is left alone, and all are not", "RFC 5626 4.4", "",
     OPEN "config keepalive auto\n"
          "config nat bob {}\nregister alice\n"
          "register bob reg-id=1\n"
          "wait 100s\n"
          "pings bob 0\n"},
    {"behind a firewall without NAT", "RFC 5626 4.4", "",
     OPEN "config keepalive all\nregister alice\n"
          "wait 100s\n"
          "pings alice 2 5\n"},
    {"a phone that has gone is asked less and less, and called all the same", "RFC 3261 10.3", "",
     OPEN "config keepalive auto\nconfig keepalive_max 110\n"
          "config nat bob {}\n" ALICE_AND_BOB "wait 30s\n"
          "pings bob 1\n"
          "bob sleeps\n"
          "wait 100s\n"
          "pings bob 3 9\n"
          "wait 1100s\n"
          "pings bob 24 36\n"
          "bob wakes\n" GETS_THROUGH "wait 120s\n"
          "pings bob 1 4\n"},
    {"a phone that never answers is asked at a steady pace", "RFC 3261 11", "",
     OPEN "config keepalive auto\n"
          "config nat bob {}\n" ALICE_AND_BOB "bob sleeps\n"
          "wait 120s\n"
          "pings bob 7 15\n"
          "wait 270s\n"
          "pings bob 8 12\n" GETS_THROUGH},
    {"its NAT was restarted: the next request with a password finds it", "RFC 3261 22", "",
     "config nat bob {}\nconfig keepalive auto\n" ALICE_AND_BOB "bob remaps\n" IS_LOST
     "bob > INVITE alice\n" DECLINED GETS_THROUGH},
    {"its NAT was restarted: so does its next REGISTER", "RFC 3261 10.3", "",
     "config nat bob {}\n" ALICE_AND_BOB "bob remaps\n" IS_LOST "register bob\n"
     "bindings bob 1\n" GETS_THROUGH},
    {"two phones of one user with the same private address behind different NATs",
     "RFC 3261 10.3, 19.1.4", "",
     OPEN "config nat bob {}\nconfig nat bob2 {}\nregister alice\n"
          "bob is sip:bob@10.0.0.99\nbob2 is sip:bob@10.0.0.99\n"
          "register bob\n"
          "register bob2\n"
          "bindings bob 2\n"
          "register bob\n"
          "bob2 remaps\n"
          "register bob2\n"
          "bindings bob 2\n"
          "alice > INVITE bob\n"
          "bob < INVITE\n"
          "bob2 < INVITE\n"
          "bob > 486\n"
          "bob < ACK\n"
          "bob2 > 200\n"
          "alice < 200 from bob2\n"
          "alice > ACK\n"
          "bob2 < ACK\n"
          "alice > BYE\n"
          "bob2 < BYE\n"
          "bob2 > 200\n"
          "alice < 200/BYE\n"
          "bob none\n"
          "server cut\n"
          "server start\n"
          "bindings bob 2\n"},
    {"after a restart of the server mappings are kept alive again", "RFC 5626 4.4", "",
     OPEN "config keepalive auto\nconfig keepalive_max 35\n"
          "config nat bob {} 60s\n" ALICE_AND_BOB "server cut\n"
          "server start\n"
          "wait 1000s\n" GETS_THROUGH},
};

static const char *const variants[] = {"full", "restricted", "port-restricted", "symmetric", NULL};
SCENARIO_TABLE(nat, variants)
