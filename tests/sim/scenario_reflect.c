/* Requests that come back to the server from the phone they were sent to, as they were or as
 * another method: the transactions that exist must not suffer. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

/* The phone that reflects breaks the rules: what it gets is not checked. */
#define BOB_LAX "bob lax\n"
/* What could open something new proves itself again, although it claims to be of a dialog. */
#define NOT_BACK_TO_BOB                                                                            \
    "bob gets 407\n"                                                                               \
    "alice none\n"
#define GOES_ON                                                                                    \
    "bob > 200 INVITE\n"                                                                           \
    "alice < 200\n"                                                                                \
    "alice > ACK\n"                                                                                \
    "bob < ACK\n" ALICE_HANGS_UP

static const struct scenario scenarios[] = {
    {"an INVITE comes back", "RFC 3261 16.3 step 4, 17.2.3", "testReflectedInvite",
     BOB_LAX INVITED "bob reflects\n"
                     "bob gets 407\n"
                     "alice none\n" GOES_ON},
    {"an INVITE comes back as MESSAGE", "RFC 3261 17.2.3", "testInviteReflectedAsNonInvite",
     BOB_LAX INVITED "bob reflects MESSAGE\n"
                     "bob < 407\n"
                     "alice none\n" GOES_ON},
    {"an INVITE comes back as ACK", "RFC 3261 17.2.3, 16.11", "testInviteReflectedAsAck",
     BOB_LAX INVITED "bob reflects ACK\n"
                     "alice none\n"
                     "bob none\n" GOES_ON},
    {"an INVITE comes back as CANCEL: the proxy's own branch is no server transaction",
     "RFC 3261 9.2", "",
     BOB_LAX INVITED "bob reflects CANCEL\n"
                     "bob < 481/CANCEL\n"
                     "alice none\n" GOES_ON},
    {"a MESSAGE comes back as INVITE", "RFC 3261 17.2.3", "testNitReflectedAsInvite",
     BOB_LAX MESSAGED "bob reflects INVITE\n"
                      "bob gets 407\n"
                      "alice none\n"
                      "bob > 200 MESSAGE\n"
                      "alice < 200\n"},
    {"a MESSAGE comes back", "RFC 3261 16.3 step 4, 17.2.3", "testNitReflected",
     BOB_LAX MESSAGED "bob reflects\n"
                      "bob < 407\n"
                      "alice none\n"
                      "bob > 200 MESSAGE\n"
                      "alice < 200\n"},
    {"a MESSAGE comes back as INFO", "RFC 3261 17.2.3", "testNitReflectedAsDifferentNit",
     BOB_LAX MESSAGED "bob reflects INFO\n"
                      "bob < 407\n"
                      "alice none\n"
                      "bob > 200 MESSAGE\n"
                      "alice < 200\n"},
    {"a MESSAGE comes back as ACK", "RFC 3261 17.2.3", "testNitReflectedAsAck",
     BOB_LAX MESSAGED "bob reflects ACK\n"
                      "bob none\n"
                      "alice none\n"
                      "bob > 200 MESSAGE\n"
                      "alice < 200\n"},
    {"the ACK of a 200 comes back as INVITE", "RFC 3261 12.2.2", "testAck200ReflectedAsInvite",
     BOB_LAX TALKING "bob reflects INVITE\n" NOT_BACK_TO_BOB ALICE_HANGS_UP},
    {"the ACK of a 200 comes back as MESSAGE", "RFC 3261 12.2.2", "testAck200ReflectedAsNit",
     BOB_LAX TALKING "bob reflects MESSAGE\n" NOT_BACK_TO_BOB ALICE_HANGS_UP},
    {"the ACK of a 200 comes back", "RFC 3261 16.11", "testAck200Reflected",
     BOB_LAX TALKING "bob reflects\n"
                     "bob < ACK\n"
                     "alice none\n" ALICE_HANGS_UP},
    {"the ACK of a refusal comes back as INVITE", "RFC 3261 17.2.3",
     "testAckFailureReflectedAsInvite",
     BOB_LAX INVITED REFUSED("486") "bob reflects INVITE\n" NOT_BACK_TO_BOB},
    {"the ACK of a refusal comes back as MESSAGE", "RFC 3261 17.2.3",
     "testAckFailureReflectedAsNit",
     BOB_LAX INVITED REFUSED("486") "bob reflects MESSAGE\n" NOT_BACK_TO_BOB},
    {"the ACK of a refusal comes back", "RFC 3261 17.2.3, 16.11", "testAckFailureReflected",
     BOB_LAX INVITED REFUSED("486") "bob reflects\n"
                                    "bob < ACK\n"
                                    "alice none\n"},
    {"a user whose contact is his own address: a loop", "RFC 3261 16.3 step 4", "testInviteLoop",
     "register alice\n"
     "bob is sip:bob@example.com\n"
     "register bob\n"
     "alice > INVITE bob\n"
     "alice < 482\n"
     "alice > ACK\n"},
    {"two users who lead to each other", "RFC 3261 16.3 step 4", "",
     "register alice\n"
     "bob is sip:carol@example.com\n"
     "register bob\n"
     "carol is sip:bob@192.0.2.1\n"
     "register carol\n"
     "alice > INVITE bob\n"
     "alice < 482\n"
     "alice > ACK\n"},
    {"a loop through another proxy, which changes nothing", "RFC 3261 16.3 step 4, RFC 5393 4.2",
     "",
     "config auth_call off\n"
     "config route 99 sip:192.0.2.10:5060\n"
     "carol lax\n"
     "carol none\n"
     "alice > INVITE 991\n"
     "carol < INVITE\n"
     "carol reflects \"^Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKcarol\" "
     "%sip:991@192.0.2.10:5060%sip:991@example.com%\n"
     "carol gets 482\n"
     "carol > 482 INVITE\n"
     "carol < ACK\n"
     "alice < 482\n"
     "alice > ACK\n"},
    {"a spiral through another proxy, which changes the Request-URI", "RFC 3261 16.3 step 4",
     "testSpiral",
     "config auth_call off\n"
     "config route 99 sip:192.0.2.10:5060\n"
     "carol lax\n"
     "carol none\n"
     "register bob\n"
     "bob lax\n"
     "alice > INVITE 991\n"
     "carol < INVITE\n"
     "carol reflects \"^Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKcarol\" "
     "%sip:991@192.0.2.10:5060%sip:bob@example.com%\n"
     "bob < INVITE vias=4\n"
     "bob > 486\n"
     "bob < ACK\n"
     "carol gets 486\n"
     "carol > ACK\n"
     "carol > 486 INVITE\n"
     "carol < ACK\n"
     "alice < 486\n"
     "alice > ACK\n"},
};

SCENARIO_TABLE(reflect, NULL)
