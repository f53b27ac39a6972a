#include "base/error.h"
#include "sip/message/media.h"
#include "unit/sip/text.h"

static char buffer[128];

/* RFC 3261 section 20.15. */
static void content_types_are_read_and_written(void **state)
{
    (void)state;
    struct sip_media media;
    struct writer w;
    assert_int_equal(sip_content_type_parse(SLICE("text/html; charset=ISO-8859-4"), &media), 0);
    assert_slice(media.type, "text");
    assert_slice(media.subtype, "html");
    assert_slice(media.params, "; charset=ISO-8859-4");
    assert_int_equal(sip_content_type_parse(SLICE("multipart / mixed;boundary=\"a;b\""), &media),
                     0);
    writer_init(&w, buffer, sizeof(buffer));
    sip_media_write(&w, &media);
    assert_slice(writer_slice(&w), "multipart/mixed;boundary=\"a;b\"");
    static const char *const bad[] = {"",         "text",  "/sdp",  "text/",    "text/*",
                                      "*/*",      "a b/c", "a/b c", "a/b;",     "a/b;x",
                                      "a/b;x=\"", "a//b",  "a/b/c", "a/b, c/d", ";x=y"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (sip_content_type_parse(slice_from_string(bad[i]), &media) != ERR_SYNTAX) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

/* RFC 3261 section 20.1. */
static void accept_ranges_are_read(void **state)
{
    (void)state;
    struct sip_media range, type;
    assert_int_equal(sip_accept_parse(SLICE("text/*;level=1 ; q=0.3"), &range), 0);
    assert_int_equal(range.q, 300);
    assert_int_equal(sip_content_type_parse(SLICE("TEXT/plain"), &type), 0);
    assert_true(sip_media_covers(&range, &type));
    assert_int_equal(sip_accept_parse(SLICE("*/*"), &range), 0);
    assert_int_equal(range.q, 1000);
    assert_true(sip_media_covers(&range, &type));
    assert_int_equal(sip_accept_parse(SLICE("text/html"), &range), 0);
    assert_false(sip_media_covers(&range, &type));
    assert_int_equal(sip_accept_parse(SLICE("application/*"), &range), 0);
    assert_false(sip_media_covers(&range, &type));
    assert_int_equal(sip_accept_parse(SLICE("*/sdp"), &range), ERR_SYNTAX);
    assert_int_equal(sip_accept_parse(SLICE("text/*;q=2"), &range), ERR_SYNTAX);
    assert_int_equal(sip_accept_parse(SLICE("text/*;q"), &range), ERR_SYNTAX);
}

/* RFC 3261 sections 20.2, 20.3, 20.13; RFC 5646 section 2.1. */
static void codings_and_languages_are_read(void **state)
{
    (void)state;
    struct sip_preference preference;
    struct writer w;
    assert_int_equal(sip_accept_encoding_parse(SLICE("gzip ;q=0.5"), &preference), 0);
    assert_slice(preference.name, "gzip");
    assert_int_equal(preference.q, 500);
    writer_init(&w, buffer, sizeof(buffer));
    sip_preference_write(&w, &preference);
    assert_slice(writer_slice(&w), "gzip;q=0.5");
    assert_int_equal(sip_accept_encoding_parse(SLICE("*"), &preference), 0);
    assert_int_equal(sip_accept_encoding_parse(SLICE("g zip"), &preference), ERR_SYNTAX);
    assert_int_equal(sip_accept_encoding_parse(SLICE(""), &preference), ERR_SYNTAX);
    assert_int_equal(sip_accept_language_parse(SLICE("en-gb;q=0.8"), &preference), 0);
    assert_slice(preference.name, "en-gb");
    assert_int_equal(preference.q, 800);
    assert_int_equal(sip_accept_language_parse(SLICE("*;q=0"), &preference), 0);
    assert_int_equal(sip_accept_language_parse(SLICE("e9"), &preference), ERR_SYNTAX);
    assert_true(sip_is_language(SLICE("es-419")));
    assert_true(sip_is_language(SLICE("abcdefgh")));
    assert_false(sip_is_language(SLICE("abcdefghi")));
    assert_false(sip_is_language(SLICE("en-")));
    assert_false(sip_is_language(SLICE("-en")));
    assert_false(sip_is_language(SLICE("")));
}

/* RFC 3261 section 20.11: handling is required unless it is said to be optional. */
static void dispositions_are_read(void **state)
{
    (void)state;
    struct sip_disposition disposition;
    struct writer w;
    assert_int_equal(sip_disposition_parse(SLICE("session"), &disposition), 0);
    assert_true(disposition.required);
    assert_int_equal(sip_disposition_parse(SLICE("icon;Handling=Optional"), &disposition), 0);
    assert_slice(disposition.type, "icon");
    assert_false(disposition.required);
    writer_init(&w, buffer, sizeof(buffer));
    sip_disposition_write(&w, &disposition);
    assert_slice(writer_slice(&w), "icon;Handling=Optional");
    assert_int_equal(sip_disposition_parse(SLICE("a b"), &disposition), ERR_SYNTAX);
    assert_int_equal(sip_disposition_parse(SLICE(";handling=optional"), &disposition), ERR_SYNTAX);
}

/* RFC 3261 section 20.24. */
static void mime_versions_are_read(void **state)
{
    (void)state;
    struct sip_mime_version version;
    struct writer w;
    assert_int_equal(sip_mime_version_parse(SLICE(" 1.0 "), &version), 0);
    assert_int_equal(version.major, 1);
    assert_int_equal(version.minor, 0);
    writer_init(&w, buffer, sizeof(buffer));
    sip_mime_version_write(&w, &version);
    assert_slice(writer_slice(&w), "1.0");
    static const char *const bad[] = {"", "1", "1.", ".0", "1.0.0", "1,0", "a.b", "1.99999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(sip_mime_version_parse(slice_from_string(bad[i]), &version), ERR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_types_are_read_and_written),
        cmocka_unit_test(accept_ranges_are_read),
        cmocka_unit_test(codings_and_languages_are_read),
        cmocka_unit_test(dispositions_are_read),
        cmocka_unit_test(mime_versions_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
