/* URIs: one, or two divided by a line feed. RFC 3261 section 19.1, RFC 3966. */
#include "fuzz/check.h"
#include "sip/message/uri.h"

static void check_slices(struct slice input, const struct sip_uri *uri)
{
    const struct slice slices[] = {uri->raw,      uri->scheme_name, uri->user,
                                   uri->password, uri->host,        uri->params,
                                   uri->headers,  uri->transport,   uri->maddr};
    for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
        fuzz_inside(input, slices[i]);
    }
}

static int rewrite_request(struct slice input, struct writer *w)
{
    struct sip_uri uri;
    int rc = sip_uri_parse(input, &uri);
    if (rc == 0) {
        check_slices(input, &uri);
        FUZZ_CHECK(sip_uri_equal(&uri, &uri));
        sip_uri_write_request(w, &uri);
    }
    return rc;
}

static int rewrite_aor(struct slice input, struct writer *w)
{
    struct sip_uri uri;
    int rc = sip_uri_parse(input, &uri);
    return rc == 0 ? sip_uri_write_aor(w, &uri) : rc;
}

static void check_pair(struct slice a, struct slice b)
{
    struct sip_uri x, y;
    if (sip_uri_parse(a, &x) == 0 && sip_uri_parse(b, &y) == 0) {
        FUZZ_CHECK(sip_uri_equal(&x, &y) == sip_uri_equal(&y, &x));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of((const char *)data, size);
    struct slice first = slice_cut(&rest, '\n');
    fuzz_roundtrip(first, rewrite_request);
    fuzz_roundtrip(first, rewrite_aor);
    fuzz_roundtrip(rest, rewrite_request);
    check_pair(first, rest);
    return 0;
}
