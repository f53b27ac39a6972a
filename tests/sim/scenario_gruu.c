/* URIs that lead to one phone of a user (RFC 5627), as the registrar has given them. */
#include "sim/scenario_steps.h"
#include "sim/scenario_tables.h"

#define DECLINES_AFTER(name)                                                                       \
    name " > 486\n" name " < ACK\n"                                                                \
         "alice < 486\n"                                                                           \
         "alice > ACK\n"
#define DECLINES(name) name " < INVITE\n" DECLINES_AFTER(name)
#define REFUSED_WITH(status)                                                                       \
    "alice < " status "\n"                                                                         \
    "alice > ACK\n"
/* Two phones of Bob's, the second has two flows: bob2 and bob3. */
#define PHONES                                                                                     \
    "register alice\n"                                                                             \
    "register bob reg-id=1 instance=one\n"                                                         \
    "wait 10ms\n"                                                                                  \
    "register bob2 reg-id=1 instance=two\n"                                                        \
    "wait 10ms\n"

static const struct scenario scenarios[] = {
    {"a public GRUU rings one phone of several", "RFC 5627 6.1", "",
     PHONES "alice > INVITE pub-gruu:bob\n" DECLINES(
         "bob") "bob2 none\n"
                "alice > INVITE pub-gruu:bob2\n" DECLINES("bob2") "bob none\n"},
    {"so does a temporary one", "RFC 5627 6.1", "",
     PHONES "alice > INVITE temp-gruu:bob\n" DECLINES("bob") "bob2 none\n"},
    {"a stranger may call a GRUU as he may call the user", "RFC 5627 3.1", "",
     PHONES "alice > MESSAGE temp-gruu:bob from=alice@elsewhere.example.org noauth\n"
            "bob < MESSAGE uri=sip:bob@192.0.2.11:5060\n"
            "bob > 200\n"
            "alice < 200\n"},
    {"temporary GRUUs of earlier responses hold", "RFC 5627 3.2", "",
     PHONES "register bob reg-id=1 instance=one\n"
            "register bob reg-id=1 instance=one\n"
            "alice > INVITE temp-gruu:bob:1\n" DECLINES("bob")},
    {"they end with a change of Call-ID", "RFC 5627 5.1", "",
     PHONES
     "register bob reg-id=1 instance=one call=other\n"
     "alice > INVITE temp-gruu:bob:1\n" REFUSED_WITH(
         "404") "alice > INVITE temp-gruu:bob\n" DECLINES("bob") "alice > INVITE "
                                                                 "pub-gruu:bob\n" DECLINES("bob")},
    {"they end with the registration, public ones do not", "RFC 5627 5.3", "",
     PHONES
     "register bob reg-id=1 instance=one expires=0\n"
     "alice > INVITE temp-gruu:bob:1\n" REFUSED_WITH(
         "404") "alice > INVITE pub-gruu:bob:1\n" REFUSED_WITH("480") "register bob reg-id=1 "
                                                                      "instance=one\n"
                                                                      "alice > INVITE "
                                                                      "temp-gruu:bob:"
                                                                      "1\n" REFUSED_WITH(
                                                                          "404") "alice > INVITE "
                                                                                 "pub-gruu:bob:"
                                                                                 "1\n" DECLINES(
                                                                                     "bo"
                                                                                     "b")},
    {"they hold as long as one flow of the phone does", "RFC 5627 4.2", "",
     PHONES "register bob3 reg-id=2 instance=two\n"
            "wait 10ms\n"
            "register bob2 reg-id=1 instance=two expires=0\n"
            "alice > INVITE temp-gruu:bob2:1\n" DECLINES("bob3")},
    {"of several flows of the phone one is called, then the next", "RFC 5627 6.1, RFC 5626 7", "",
     PHONES "register bob3 reg-id=2 instance=two\n"
            "alice > INVITE pub-gruu:bob2\n"
            "bob3 < INVITE\n"
            "bob3 > 430\n"
            "bob3 < ACK\n" DECLINES("bob2") "bob none\n"},
    {"without reg-id: the contact refreshed last", "RFC 5627 6.1", "",
     "register alice\n"
     "register bob instance=one\n"
     "wait 10ms\n"
     "register bob2 instance=one\n"
     "alice > INVITE pub-gruu:bob\n" DECLINES("bob2") "bob none\n"},
    {"they outlive a restart", "RFC 5627 5.4", "",
     "config auth_call off\n"
     "config auth_register off\n" PHONES "server cut\n"
     "server start\n"
     "alice > INVITE temp-gruu:bob\n" DECLINES("bob") "alice > INVITE pub-gruu:bob\n" DECLINES(
         "bob")},
    {"what is no GRUU of ours: 404", "RFC 5627 6.1", "",
     PHONES "alice > INVITE sip:tgruu.AAAAAAAA@example.com;gr\n" REFUSED_WITH(
         "404") "alice > INVITE "
                "sip:bob@example.com;"
                "gr\n" REFUSED_WITH("404") "alice > INVITE "
                                           "sip:nobody@example.com;gr=urn:uuid:one\n" REFUSED_WITH(
                                               "404") "alice > "
                                                      "INVITE "
                                                      "sip:bob@"
                                                      "example."
                                                      "com;gr="
                                                      "urn:uuid:"
                                                      "unseen"
                                                      "\n" REFUSED_WITH("480")},
    {"a GRUU as Contact leads the dialog's requests to the phone", "RFC 5627 3.3, 6.1", "",
     "config record_route off\n" PHONES "bob uses pub-gruu\n"
     "alice > INVITE bob\n"
     "bob < INVITE\n"
     "bob2 < INVITE\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK uri=sip:bob@192.0.2.11:5060\n"
     "bob2 none\n" ALICE_HANGS_UP},
    {"a temporary one of the caller's, who is behind a NAT", "RFC 5627 3.3, 6.1", "",
     "config record_route off\n"
     "config nat alice\n"
     "register alice reg-id=1 instance=hers\n"
     "register bob\n"
     "alice uses temp-gruu\n"
     "alice > INVITE bob\n"
     "bob < INVITE\n"
     "bob > 200\n"
     "alice < 200\n"
     "alice > ACK\n"
     "bob < ACK\n" BOB_HANGS_UP},
    {"record-routed for a phone that may answer with its GRUU, which DNS may not know",
     "RFC 5627 6.2", "",
     "config record_route off\n"
     "register alice\n"
     "register bob instance=one\n"
     "register carol\n"
     "alice > INVITE bob\n"
     "bob < INVITE \"Record-Route: <sip:192.0.2.1:5060;lr\"\n" DECLINES_AFTER(
         "bob") "bob uses pub-gruu\n"
                "bob > INVITE carol\n"
                "carol < INVITE \"Record-Route: <sip:192.0.2.1:5060;lr\"\n"
                "carol > 486\n"
                "carol < ACK\n"
                "bob < 486\n"
                "bob > ACK\n"
                "alice > INVITE carol\n"
                "carol < INVITE !Record-Route\n" DECLINES_AFTER("carol")},
    {"it is remembered over a restart, whose phone has GRUUs", "RFC 5627 6.2", "",
     "config record_route off\n"
     "config auth_call off\n"
     "register alice\n"
     "register bob instance=one\n"
     "server cut\n"
     "server start\n"
     "alice > INVITE bob\n"
     "bob < INVITE \"Record-Route: <sip:192.0.2.1:5060;lr\"\n" DECLINES_AFTER("bob")},
    {"record-routed where other proxies are in the path", "RFC 5627 6.2", "",
     "config record_route off\n" PHONES "bob uses pub-gruu\n"
     "bob > MESSAGE alice\n"
     "alice < MESSAGE !Record-Route\n"
     "alice > 200\n"
     "bob < 200\n"
     "bob > SUBSCRIBE alice \"+Record-Route: <sip:p.example.org;lr>\" lax\n"
     "alice < SUBSCRIBE \"Record-Route: <sip:192.0.2.1:5060;lr\"\n"
     "alice > 486\n"
     "bob < 486\n"},
    {"nobody registers himself as his own contact", "RFC 5627 5.1", "",
     "config auth_register off\n"
     "bob > REGISTER bob \"+Contact: <sip:bob@EXAMPLE.com>;+sip.instance=`<urn:uuid:one>`\"\n"
     "bob < 403\n"
     "bob > REGISTER bob "
     "\"+Contact: <sip:bob@example.com;gr=urn:uuid:one>;+sip.instance=`<urn:uuid:one>`\"\n"
     "bob < 403\n"
     "bindings bob 0\n"},
    {"those who do not know of GRUUs get none; what a phone says is its GRUU does not count",
     "RFC 5627 5.1, 5.2", "",
     "config auth_register off\n"
     "bob > REGISTER bob \"+Contact: "
     "<sip:bob@192.0.2.10>;+sip.instance=`<urn:x>`;pub-gruu=`sip:x@y;gr=z`\"\n"
     "bob < 200 lacks=gruu\n"
     "bob > REGISTER bob \"+Require: gruu\"\n"
     "bob < 200 \"Contact: ;pub-gruu=`sip:bob@example.com;gr=urn:x`\" "
     "\"Contact: ;temp-gruu=`sip:tgruu.\"\n"},
};

SCENARIO_TABLE(gruu, NULL)
