/* Credentials, challenges and Authentication-Info. RFC 3261 section 25.1, RFC 7616. */
#include "base/error.h"
#include "fuzz/check.h"
#include "sip/auth/digest.h"
#include "sip/message/credentials.h"

static int rewrite_credentials(struct slice input, struct writer *w)
{
    struct sip_credentials c;
    int rc = sip_credentials_parse(input, &c);
    if (rc < 0) {
        return rc;
    }
    const struct slice fields[] = {c.username,  c.realm,  c.nonce,  c.uri,    c.response,
                                   c.algorithm, c.cnonce, c.opaque, c.qop,    c.nc,
                                   c.userhash,  c.domain, c.stale,  c.scheme, c.params};
    bool any = !c.digest;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        fuzz_inside(input, fields[i]);
        any = any || (i < 13 && fields[i].ptr);
    }
    enum sip_digest_algorithm algorithm;
    bool session;
    if (sip_digest_algorithm_parse(c.algorithm, &algorithm, &session) == 0) {
        FUZZ_CHECK(algorithm < SIP_DIGEST_COUNT);
    }
    sip_credentials_write(w, &c);
    /* Nothing that we know of: nothing would be left to write. */
    return any ? 0 : ERR_NOT_FOUND;
}

static int rewrite_info(struct slice input, struct writer *w)
{
    struct sip_authentication_info info;
    int rc = sip_authentication_info_parse(input, &info);
    if (rc < 0) {
        return rc;
    }
    fuzz_inside(input, info.nextnonce);
    fuzz_inside(input, info.rspauth);
    fuzz_inside(input, info.cnonce);
    fuzz_inside(input, info.qop);
    fuzz_inside(input, info.nc);
    sip_authentication_info_write(w, &info);
    return writer_length(w) > 0 ? 0 : ERR_NOT_FOUND;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of((const char *)data, size);
    fuzz_roundtrip(input, rewrite_credentials);
    fuzz_roundtrip(input, rewrite_info);
    return 0;
}
