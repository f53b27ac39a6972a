/* Who may call whom. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

static const struct scenario scenarios[] = {
    {"the whole exchange: 407, ACK, and again with credentials", "RFC 3261 22.3", "",
     "register bob\n"
     "alice > INVITE bob\n"
     "alice < 407 Proxy-Authenticate:\n"
     "alice > ACK\n"
     "alice > INVITE bob same\n"
     "bob < INVITE !Proxy-Authorization\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK\n" ALICE_HANGS_UP},
    {"wrong password", "RFC 3261 22.3", "testInviteBogusAuth",
     ALICE_AND_BOB "alice > INVITE bob badauth\n"
                   "alice < 407\n"
                   "alice > ACK\n"
                   "bob none\n"},
    {"wrong password for a MESSAGE", "RFC 3261 22.3", "testNonInviteBadAuth",
     ALICE_AND_BOB "alice > MESSAGE bob badauth\n"
                   "alice < 407\n"
                   "bob none\n"},
    {"credentials of one user, From of another", "RFC 3261 22.3", "testInviteForgedUserInFrom",
     ALICE_AND_BOB "alice > INVITE bob from=carol\n"
                   "alice < 403\n"
                   "alice > ACK\n"
                   "bob none\n"},
    {"From of a domain that is not ours: our users can be called, nobody else",
     "RFC 3261 22.3, 26.3", "testInviteForgedHostInFrom",
     ALICE_AND_BOB "alice > INVITE bob from=alice@elsewhere.example.org\n"
                   "bob < INVITE\n"
                   "bob > 486\n"
                   "bob < ACK\n"
                   "alice < 486\n"
                   "alice > ACK\n"
                   "alice > INVITE sip:dave@192.0.2.99 from=alice@elsewhere.example.org\n"
                   "alice < 403\n"
                   "alice > ACK\n"},
    {"credentials are good once only", "RFC 7616 3.4, 5.5", "",
     "register bob\n"
     "alice > INVITE bob\n"
     "alice < 407\n"
     "alice > ACK\n"
     "alice > INVITE bob same\n"
     "bob < INVITE\n"
     "bob > 486\n"
     "bob < ACK\n"
     "alice < 486\n"
     "alice > ACK\n"
     "alice again INVITE\n"
     "wait 10ms\n"
     "bob none\n"
     "carol lax\n"
     "carol > INVITE bob from=alice call=stolen\n"
     "carol < 407\n"
     "carol > ACK\n"},
    {"the server's clock is set: passwords work as before", "RFC 7616 3.3, 5.5", "",
     ALICE_AND_BOB "clock back 7200s\n"
                   "wait 1s\n"
                   "register carol\n"
                   "alice > MESSAGE bob\n"
                   "bob < MESSAGE\n"
                   "bob > 200\n"
                   "alice < 200\n"
                   "clock on 14400s\n"
                   "wait 1s\n"
                   "register bob\n"
                   "register carol2\n"
                   "alice > MESSAGE bob\n"
                   "bob < MESSAGE\n"
                   "bob > 200\n"
                   "alice < 200\n"},
    {"RFC 2543 clients can authenticate too", "RFC 3261 17.2.3, 22.3",
     "testInvite2543TidWithDigest",
     "register bob\n"
     "alice > INVITE bob %z9hG4bK%old-%\n"
     "alice < 407\n"
     "alice > ACK\n"
     "alice > INVITE bob same %z9hG4bK%old-%\n"
     "bob < INVITE\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK %z9hG4bK%old-%\n"
     "bob < ACK\n"},
    {"a user of ours may call out", "RFC 3261 16.5", "",
     "register alice\n"
     "dave none\n"
     "alice > INVITE sip:dave@192.0.2.11:5060\n"
     "dave < INVITE uri=sip:dave@192.0.2.11:5060\n"
     "dave > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "dave < ACK\n"
     "dave > BYE\n"
     "alice < BYE\n"
     "alice > 200\n"
     "dave < 200/BYE\n"},
    {"a stranger is not helped to a third party", "RFC 3261 26.3.2", "",
     "dave none\n"
     "carol > INVITE sip:dave@192.0.2.10:5060 from=carol@elsewhere.example.org\n"
     "carol < 403\n"
     "carol > ACK\n"
     "dave none\n"},
    {"a stranger with a Route is not helped either", "RFC 3261 16.4, 26.3.2", "",
     "register bob\n"
     "dave none\n"
     "carol > INVITE bob from=carol@elsewhere.example.org \"+Route: <sip:192.0.2.1;lr>\" "
     "\"+Route: <sip:192.0.2.11:5060;lr>\"\n"
     "carol < 403\n"
     "carol > ACK\n"
     "dave none\n"},
    {"a stranger with a To tag and a false token is not helped either", "RFC 3261 12.2, 26.3.2", "",
     "dave none\n"
     "carol > BYE sip:dave@192.0.2.10:5060 from=carol@elsewhere.example.org "
     "\"%To: <sip:dave@192.0.2.10:5060>%To: <sip:dave@192.0.2.10:5060>;tag=x%\" "
     "\"+Route: <sip:192.0.2.1;lr;tz=0123456789abcdef>\"\n"
     "carol < 403\n"
     "dave none\n"},
    {"without authentication of calls: who is registered may call out", "RFC 3261 16.3", "",
     "config auth_call off\n"
     "register alice\n"
     "dave none\n"
     "alice > INVITE sip:dave@192.0.2.11:5060 noauth\n"
     "dave < INVITE\n"
     "dave > 486\n"
     "dave < ACK\n"
     "alice < 486\n"
     "alice > ACK\n"
     "carol > INVITE sip:dave@192.0.2.11:5060\n"
     "carol < 403\n"
     "carol > ACK\n"},
    {"without any authentication", "RFC 3261 10, 16", "",
     "config auth_call off\n"
     "config auth_register off\n"
     "register alice\n"
     "register bob\n"
     "alice > INVITE bob\n"
     "bob < INVITE\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK\n" BOB_HANGS_UP},
    {"credentials for other realms pass", "RFC 3261 22.3", "",
     "config auth_call off\n" ALICE_AND_BOB
     "alice > INVITE bob noauth \"+Proxy-Authorization: Digest realm=far, nonce=1\" "
     "\"+Authorization: Digest realm=bob, nonce=2\"\n"
     "bob < INVITE \"Proxy-Authorization: realm=far\" \"Authorization: realm=bob\"\n"
     "bob > 401 \"+WWW-Authenticate: Digest realm=bob, nonce=3\"\n"
     "bob < ACK\n"
     "alice < 401 \"WWW-Authenticate: realm=bob\"\n"
     "alice > ACK\n"},
    {"a challenge of the phone called reaches the caller and its answer the phone", "RFC 3261 22.2",
     "",
     INVITED "bob > 401 \"+WWW-Authenticate: Digest realm=phone, nonce=3\"\n"
             "bob < ACK\n"
             "alice < 401 \"WWW-Authenticate: realm=phone\"\n"
             "alice > ACK\n"},
};

SCENARIO_TABLE(auth, NULL)
