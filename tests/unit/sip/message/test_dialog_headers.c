#include "base/error.h"
#include "sip/message/dialog_headers.h"
#include "unit/sip/text.h"

static char buffer[128];

/* RFC 3891 section 6.1: its examples and rules. */
static void replaces_names_a_dialog(void **state)
{
    (void)state;
    struct sip_replaces replaces;
    struct writer w;
    assert_int_equal(
        sip_replaces_parse(
            SLICE("98732@sip.example.com\r\n  ;from-tag=r33th4x0r\r\n  ;to-tag=ff87ff"), &replaces),
        0);
    assert_slice(replaces.call_id, "98732@sip.example.com");
    assert_slice(replaces.from_tag, "r33th4x0r");
    assert_slice(replaces.to_tag, "ff87ff");
    assert_false(replaces.early_only);
    assert_int_equal(
        sip_replaces_parse(SLICE("12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only"),
                           &replaces),
        0);
    assert_true(replaces.early_only);
    writer_init(&w, buffer, sizeof(buffer));
    sip_replaces_write(&w, &replaces);
    assert_slice(writer_slice(&w), "12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only");
    static const char *const bad[] = {"",
                                      "a",
                                      "a;to-tag=1",
                                      "a;from-tag=1",
                                      "a;to-tag=1;from-tag=2;to-tag=1",
                                      "a;to-tag;from-tag=2",
                                      "a;to-tag=\"1\";from-tag=2",
                                      "a b;to-tag=1;from-tag=2",
                                      ";to-tag=1;from-tag=2"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(sip_replaces_parse(slice_from_string(bad[i]), &replaces), ERR_SYNTAX);
    }
}

/* RFC 6665 section 8.4. */
static void events_have_a_package_and_templates(void **state)
{
    (void)state;
    struct sip_event event;
    struct writer w;
    assert_int_equal(sip_event_parse(SLICE("presence.winfo.x ; id=17"), &event), 0);
    assert_slice(event.type, "presence.winfo.x");
    assert_slice(event.package, "presence");
    assert_slice(event.id, "17");
    writer_init(&w, buffer, sizeof(buffer));
    sip_event_write(&w, &event);
    assert_slice(writer_slice(&w), "presence.winfo.x; id=17");
    assert_int_equal(sip_event_parse(SLICE("refer"), &event), 0);
    assert_slice(event.package, "refer");
    assert_slice(event.id, "");
    static const char *const bad[] = {"",    ".",    "a.",          ".a", "a..b",
                                      "a b", "a;id", "a;id=1;id=2", "a/b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(sip_event_parse(slice_from_string(bad[i]), &event), ERR_SYNTAX);
    }
}

/* RFC 6665 section 8.4. */
static void subscription_states_are_read(void **state)
{
    (void)state;
    struct sip_subscription_state s;
    struct writer w;
    assert_int_equal(
        sip_subscription_state_parse(SLICE("terminated;reason=probation;retry-after=30"), &s), 0);
    assert_slice(s.state, "terminated");
    assert_slice(s.reason, "probation");
    assert_true(s.has_retry_after);
    assert_int_equal(s.retry_after, 30);
    assert_false(s.has_expires);
    assert_int_equal(sip_subscription_state_parse(SLICE("active ;expires=600"), &s), 0);
    assert_int_equal(s.expires, 600);
    writer_init(&w, buffer, sizeof(buffer));
    sip_subscription_state_write(&w, &s);
    assert_slice(writer_slice(&w), "active;expires=600");
    assert_int_equal(sip_subscription_state_parse(SLICE("active;expires=x"), &s), ERR_SYNTAX);
    assert_int_equal(sip_subscription_state_parse(SLICE("active;expires=4294967296"), &s),
                     ERR_RANGE);
    assert_int_equal(sip_subscription_state_parse(SLICE(";expires=1"), &s), ERR_SYNTAX);
}

/* RFC 4028 section 4. */
static void session_expires_names_its_refresher(void **state)
{
    (void)state;
    struct sip_session_expires expires;
    struct writer w;
    assert_int_equal(sip_session_expires_parse(SLICE("4000;refresher=UAC"), &expires), 0);
    assert_int_equal(expires.seconds, 4000);
    assert_int_equal(expires.refresher, SIP_REFRESHER_UAC);
    assert_int_equal(sip_session_expires_parse(SLICE("90 ; refresher=uas"), &expires), 0);
    assert_int_equal(expires.refresher, SIP_REFRESHER_UAS);
    writer_init(&w, buffer, sizeof(buffer));
    sip_session_expires_write(&w, &expires);
    assert_slice(writer_slice(&w), "90; refresher=uas");
    assert_int_equal(sip_session_expires_parse(SLICE("1800"), &expires), 0);
    assert_int_equal(expires.refresher, SIP_REFRESHER_NONE);
    assert_int_equal(sip_session_expires_parse(SLICE("1800;refresher=both"), &expires), ERR_SYNTAX);
    assert_int_equal(sip_session_expires_parse(SLICE("x"), &expires), ERR_SYNTAX);
    assert_int_equal(sip_session_expires_parse(SLICE("4294967296"), &expires), ERR_RANGE);
}

/* RFC 3262 section 7.2. */
static void rack_names_response_and_request(void **state)
{
    (void)state;
    struct sip_rack rack;
    struct writer w;
    assert_int_equal(sip_rack_parse(SLICE("776656 1 INVITE"), &rack), 0);
    assert_int_equal(rack.response, 776656);
    assert_int_equal(rack.cseq, 1);
    assert_int_equal(rack.method, SIP_INVITE);
    assert_int_equal(sip_rack_parse(SLICE("1 \t2\r\n invite"), &rack), 0);
    assert_int_equal(rack.method, SIP_METHOD_OTHER);
    writer_init(&w, buffer, sizeof(buffer));
    sip_rack_write(&w, &rack);
    assert_slice(writer_slice(&w), "1 2 invite");
    static const char *const bad[] = {
        "", "1", "1 2", "1 2 ", "1 INVITE", "1 2 IN VITE", "x 2 INVITE", "1 2INVITE", "1 2 a/b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct slice input = text_new(bad[i], strlen(bad[i]));
        if (sip_rack_parse(input, &rack) != ERR_SYNTAX) {
            fail_msg("taken: %s", bad[i]);
        }
        text_free(input);
    }
    assert_int_equal(sip_rack_parse(SLICE("4294967296 1 INVITE"), &rack), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_names_a_dialog),
        cmocka_unit_test(events_have_a_package_and_templates),
        cmocka_unit_test(subscription_states_are_read),
        cmocka_unit_test(session_expires_names_its_refresher),
        cmocka_unit_test(rack_names_response_and_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
