/* The other header values; the first byte chooses the family. RFC 3261 section 20 and later RFCs.
 */
#include "fuzz/check.h"
#include "sip/message/cseq.h"
#include "sip/message/date.h"
#include "sip/message/dialog_headers.h"
#include "sip/message/info.h"
#include "sip/message/media.h"
#include "sip/message/message.h"
#include "sip/message/number.h"
#include "sip/message/option.h"
#include "sip/message/product.h"
#include "sip/message/via.h"
#include "sip/message/warning.h"

/* Parses into object by name, checks two slices, writes. */
#define REWRITE(name, type, parse, write, slice_a, slice_b)                                        \
    static int name(struct slice input, struct writer *w)                                          \
    {                                                                                              \
        struct type v;                                                                             \
        int rc = parse(input, &v);                                                                 \
        if (rc == 0) {                                                                             \
            fuzz_inside(input, v.slice_a);                                                         \
            fuzz_inside(input, v.slice_b);                                                         \
            write(w, &v);                                                                          \
        }                                                                                          \
        return rc;                                                                                 \
    }

REWRITE(content_type, sip_media, sip_content_type_parse, sip_media_write, subtype, params)
REWRITE(accept, sip_media, sip_accept_parse, sip_media_write, type, params)
REWRITE(encoding, sip_preference, sip_accept_encoding_parse, sip_preference_write, name, params)
REWRITE(language, sip_preference, sip_accept_language_parse, sip_preference_write, name, params)
REWRITE(disposition, sip_disposition, sip_disposition_parse, sip_disposition_write, type, params)
REWRITE(retry, sip_retry_after, sip_retry_after_parse, sip_retry_after_write, comment, params)
REWRITE(timestamp, sip_timestamp, sip_timestamp_parse, sip_timestamp_write, time, delay)
REWRITE(warning, sip_warning, sip_warning_parse, sip_warning_write, agent, text)
REWRITE(info, sip_info, sip_info_parse, sip_info_write, uri, purpose)
REWRITE(replaces, sip_replaces, sip_replaces_parse, sip_replaces_write, from_tag, to_tag)
REWRITE(event, sip_event, sip_event_parse, sip_event_write, package, id)
REWRITE(subscription, sip_subscription_state, sip_subscription_state_parse,
        sip_subscription_state_write, reason, params)
REWRITE(session, sip_session_expires, sip_session_expires_parse, sip_session_expires_write, params,
        params)
REWRITE(rack, sip_rack, sip_rack_parse, sip_rack_write, method_name, method_name)

static int mime(struct slice input, struct writer *w)
{
    struct sip_mime_version version;
    int rc = sip_mime_version_parse(input, &version);
    if (rc == 0) {
        sip_mime_version_write(w, &version);
    }
    return rc;
}

static int date(struct slice input, struct writer *w)
{
    int64_t seconds;
    int rc = sip_date_parse(input, &seconds);
    if (rc == 0) {
        sip_date_write(w, seconds);
        FUZZ_CHECK(slice_equal(writer_slice(w), slice_trim(input)));
    }
    return rc;
}

static int number(struct slice input, struct writer *w)
{
    uint32_t seconds;
    uint8_t hops;
    int rc = sip_seconds_parse(input, &seconds);
    int rc_hops = sip_max_forwards_parse(input, &hops);
    if (rc == 0) {
        FUZZ_CHECK((rc_hops == 0) == (seconds <= 255));
        writer_u64(w, seconds);
    }
    return rc;
}

static int products(struct slice input, struct writer *w)
{
    struct slice rest = input;
    struct sip_product product;
    int rc;
    while ((rc = sip_product_next(&rest, &product)) > 0) {
        fuzz_inside(input, product.name);
        fuzz_inside(input, product.version);
        fuzz_inside(input, product.comment);
        sip_product_write(w, &product);
        writer_char(w, ' ');
    }
    return rc;
}

static int quoted(struct slice input, struct writer *w)
{
    int length = sip_quoted_length(input);
    if (length <= 0) {
        return -1;
    }
    FUZZ_CHECK((size_t)length <= input.len);
    char *plain = malloc(input.len);
    struct writer v;
    FUZZ_CHECK(plain);
    writer_init(&v, plain, input.len);
    sip_unquote_write(&v, slice_of(input.ptr, (size_t)length));
    FUZZ_CHECK(!v.overflow);
    sip_quote_write(w, writer_slice(&v));
    free(plain);
    return 0;
}

static int params(struct slice input, struct writer *w)
{
    struct slice rest = input;
    struct sip_param param;
    int rc;
    while ((rc = sip_param_next(&rest, &param)) > 0) {
        fuzz_inside(input, param.name);
        fuzz_inside(input, param.value);
        FUZZ_CHECK(param.name.len > 0 && param.has_value == (param.value.len > 0));
        writer_char(w, ';');
        writer_put(w, param.name);
        if (param.has_value) {
            writer_char(w, '=');
            writer_put(w, param.value);
        }
    }
    FUZZ_CHECK(rc == sip_params_check(input));
    return rc;
}

static int list(struct slice input, struct writer *w)
{
    struct slice rest = input, value;
    while (sip_list_next(&rest, &value)) {
        FUZZ_CHECK(value.len > 0);
        fuzz_inside(input, value);
        enum sip_priority priority;
        if (sip_priority_parse(value, &priority) == 0 && sip_is_call_id(value)) {
            writer_put(w, value);
            writer_literal(w, ", ");
        }
    }
    return 0;
}

static int via(struct slice input, struct writer *w)
{
    struct sip_via v;
    int rc = sip_via_parse(input, &v);
    if (rc == 0) {
        fuzz_inside(input, v.value);
        fuzz_inside(input, v.host);
        fuzz_inside(input, v.params);
        fuzz_inside(input, v.branch);
        fuzz_inside(input, v.received);
        fuzz_inside(input, v.maddr);
        fuzz_inside(input, v.rport_param);
        writer_put(w, v.value);
    }
    return rc;
}

static int cseq(struct slice input, struct writer *w)
{
    struct sip_cseq v;
    int rc = sip_cseq_parse(input, &v);
    if (rc == 0) {
        fuzz_inside(input, v.method_name);
        writer_u64(w, v.number);
        writer_char(w, ' ');
        writer_put(w, v.method_name);
    }
    return rc;
}

/* New families go to the end: the corpus counts from the start. */
static fuzz_rewrite *const families[] = {
    content_type, accept,    encoding, language, disposition, mime,  date,         number,
    retry,        timestamp, warning,  info,     replaces,    event, subscription, session,
    rack,         products,  quoted,   params,   list,        via,   cseq,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        size_t family = data[0] % (sizeof(families) / sizeof(families[0]));
        fuzz_roundtrip(slice_of((const char *)data + 1, size - 1), families[family]);
    }
    return 0;
}
