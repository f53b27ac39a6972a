#include "unit/sip/torture/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TAKEN  NULL, 0
#define DROP   0
#define BAD(s) "Bad Request - " s, 400

const struct torture_case torture_cases[] = {
    /* 3.1.1 valid messages */
    {"wsinv", "3.1.1.1", TAKEN, TORTURE_UAS, "100 180 200"},
    {"intmeth", "3.1.1.2", TAKEN, TORTURE_UAS, "501 404"},
    {"esc01", "3.1.1.3", TAKEN, TORTURE_UAS, "100 180 200"},
    {"escnull", "3.1.1.4", TAKEN, TORTURE_REGISTRAR, "200"},
    {"esc02", "3.1.1.5", TAKEN, TORTURE_UAS, "501 404"},
    {"lwsdisp", "3.1.1.6", TAKEN, TORTURE_UAS, "200"},
    {"longreq", "3.1.1.7", TAKEN, TORTURE_UAS, "100 180 200"},
    {"dblreq", "3.1.1.8", TAKEN, TORTURE_REGISTRAR, "200"},
    {"semiuri", "3.1.1.9", TAKEN, TORTURE_UAS, "200"},
    {"transports", "3.1.1.10", TAKEN, TORTURE_UAS, "200"},
    {"mpart01", "3.1.1.11", TAKEN, TORTURE_UAS, "200"},
    {"unreason", "3.1.1.12", TAKEN, TORTURE_NOBODY, ""},
    {"noreason", "3.1.1.13", TAKEN, TORTURE_NOBODY, ""},
    /* 3.1.2 invalid messages */
    {"badinv01", "3.1.2.1", BAD("Malformed Via"), TORTURE_PARSER, "400"},
    {"clerr", "3.1.2.2", BAD("Body is shorter than Content-Length"), TORTURE_PARSER, "400"},
    {"ncl", "3.1.2.3", BAD("Malformed Content-Length"), TORTURE_PARSER, "400"},
    {"scalar02", "3.1.2.4", BAD("CSeq number over 2^32-1"), TORTURE_PARSER, "400"},
    {"scalarlg", "3.1.2.5", "Bad Request - CSeq number over 2^32-1", DROP, TORTURE_NOBODY, ""},
    {"quotbal", "3.1.2.6", BAD("Malformed To"), TORTURE_PARSER, "400"},
    {"ltgtruri", "3.1.2.7", BAD("Malformed Request-URI"), TORTURE_PARSER, "400"},
    {"lwsruri", "3.1.2.8", BAD("Malformed end of request line"), TORTURE_PARSER, "400"},
    {"lwsstart", "3.1.2.9", BAD("Malformed Request-URI"), TORTURE_PARSER, "400"},
    {"trws", "3.1.2.10", BAD("Malformed end of request line"), TORTURE_PARSER, "400"},
    {"escruri", "3.1.2.11", BAD("Headers in Request-URI"), TORTURE_PARSER, "400"},
    {"baddate", "3.1.2.12", TAKEN, TORTURE_UAS, "100 180 200"}, /* the Date is ignored */
    {"regbadct", "3.1.2.13", BAD("Malformed Contact"), TORTURE_PARSER, "400"},
    {"badaspec", "3.1.2.14", BAD("Malformed To"), TORTURE_PARSER, "400"},
    /* Its last bytes are the CRLF of a header line: there is no empty line. */
    {"baddn", "3.1.2.15", BAD("No empty line after the headers"), TORTURE_PARSER, "400"},
    {"badvers", "3.1.2.16", "Version Not Supported", 505, TORTURE_PARSER, "505"},
    {"mismatch01", "3.1.2.17", BAD("CSeq names another method"), TORTURE_PARSER, "400"},
    {"mismatch02", "3.1.2.18", "Not Implemented - Unknown method that CSeq does not name", 501,
     TORTURE_PARSER, "501 400"},
    {"bigcode", "3.1.2.19", "Status code is not one of 100 to 699", DROP, TORTURE_NOBODY, ""},
    /* 3.2 transaction layer semantics */
    {"badbranch", "3.2.1", TAKEN, TORTURE_UAS, "200 400"}, /* matched as RFC 2543 says */
    /* 3.3 application layer semantics */
    {"insuf", "3.3.1", BAD("From missing"), TORTURE_PARSER, "400"},
    {"unkscm", "3.3.2", TAKEN, TORTURE_PROXY, "416"},
    {"novelsc", "3.3.3", TAKEN, TORTURE_PROXY, "416 404"},
    {"unksm2", "3.3.4", TAKEN, TORTURE_REGISTRAR, "400"},
    {"bext01", "3.3.5", TAKEN, TORTURE_PROXY, "420"},
    {"invut", "3.3.6", TAKEN, TORTURE_UAS, "415"},
    {"regaut01", "3.3.7", TAKEN, TORTURE_REGISTRAR, "200 401"},
    {"multi01", "3.3.8", BAD("A header that may stand once is there twice"), TORTURE_PARSER, "400"},
    {"mcl01", "3.3.9", BAD("A header that may stand once is there twice"), TORTURE_PARSER, "400"},
    {"bcast", "3.3.10", TAKEN, TORTURE_NOBODY, ""},
    {"zeromf", "3.3.11", TAKEN, TORTURE_PROXY, "483 200"},
    {"cparam01", "3.3.12", TAKEN, TORTURE_REGISTRAR, "200"},
    {"cparam02", "3.3.13", TAKEN, TORTURE_REGISTRAR, "200"},
    {"regescrt", "3.3.14", TAKEN, TORTURE_REGISTRAR, "200"},
    {"sdp01", "3.3.15", TAKEN, TORTURE_UAS, "406 400"},
    /* 3.4 backward compatibility */
    {"inv2543", "3.4.1", TAKEN, TORTURE_UAS, "100 180 200"},
    /* not described by the RFC: no SIP-Version, no Via, a header line without colon */
    {"test", "", "Bad Request - Malformed Request-URI", DROP, TORTURE_NOBODY, ""},
};

const size_t torture_count = sizeof(torture_cases) / sizeof(torture_cases[0]);

struct slice torture_read(const char *file)
{
    enum { MAX = 8192 };
    char path[1024];
    snprintf(path, sizeof(path), "%s/unit/sip/torture/vectors/%s.dat", TESTS_DIR, file);
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    char *bytes = malloc(MAX);
    assert_non_null(bytes);
    size_t length = fread(bytes, 1, MAX, stream);
    assert_in_range(length, 1, MAX - 1);
    fclose(stream);
    return slice_of(bytes, length);
}
