#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "service/turn/credential.h"
#include "service/turn/credential_key.h"
#include "service/turn/credential_nonce.h"
#include "stun/bytes.h"

#include <cmocka.h>

#define NOW   UINT64_C(1700000000000)
#define REALM "example.org"

static const uint8_t id[STUN_ID_SIZE] = {0x21, 0x12, 0xa4, 0x42, 1, 2,  3,  4,
                                         5,    6,    7,    8,    9, 10, 11, 12};
static const struct slice users[] = {SLICE_LITERAL("alice:wonder:land"), SLICE_LITERAL("bob:b")};
static const struct slice secrets[] = {SLICE_LITERAL("old"), SLICE_LITERAL("north")};
static const struct slice token_keys[] = {
    SLICE_LITERAL("k1:A256GCM:SEdrajMyS0pHaXV5MDk4c2RmYXFiTmpPaWF6NzE5MjM=")};

/* A server, and a client that speaks to it from one place. */
struct fixture {
    struct turn_credential_config config;
    struct turn_credentials *credentials;
    struct store *store;
    struct accounts *accounts;
    struct log log;
    int log_pipe[2];
    struct stun_integrity integrity;
    struct turn_hasher hasher;
    struct flow flow;
    uint64_t now;
    struct turn_identity identity;
    const struct turn_identity *allocation;
    /* Of the last answer. */
    char answer[1024];
    struct stun_message refusal;
    char nonce[128];
    size_t nonce_len;
};

static const struct turn_credential_secret secret = {.nonce_key = "0123456789abcdef0123456789abcde",
                                                     .user_key = {1, 2}};

static struct flow flow_from(const char *address)
{
    struct flow flow = {.transport = TRANSPORT_UDP};
    assert_int_equal(address_parse(slice_from_string(address), &flow.remote), 0);
    return flow;
}

static int set_up(void **state)
{
    struct fixture *f = memory_zalloc(1, sizeof *f);
    assert_non_null(f);
    f->config = (struct turn_credential_config){.realm = REALM,
                                                .account_realm = REALM,
                                                .md5 = true,
                                                .sha256 = true,
                                                .users = users,
                                                .user_count = 2,
                                                .secrets = secrets,
                                                .secret_count = 2};
    assert_int_equal(pipe2(f->log_pipe, O_NONBLOCK), 0);
    log_init(&f->log, f->log_pipe[1], false, LOG_INFO);
    struct store_options options = {.path = ":memory:"};
    assert_int_equal(store_open(&options, &f->store), 0);
    assert_int_equal(accounts_new(f->store, SLICE(REALM), &f->accounts), 0);
    assert_int_equal(accounts_add(f->accounts, SLICE("carol"), SLICE("sip")), 0);
    assert_int_equal(
        turn_credentials_new(&f->config, &secret, f->accounts, &f->log, &f->credentials), 0);
    assert_int_equal(stun_integrity_init(&f->integrity), 0);
    assert_int_equal(turn_hasher_init(&f->hasher), 0);
    f->flow = flow_from("192.0.2.1:5000");
    f->now = NOW;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    turn_credentials_free(f->credentials);
    accounts_free(f->accounts);
    store_close(f->store);
    stun_integrity_done(&f->integrity);
    turn_hasher_done(&f->hasher);
    (void)close(f->log_pipe[0]);
    (void)close(f->log_pipe[1]);
    memory_free(f);
    return 0;
}

static void reload(struct fixture *f)
{
    assert_int_equal(turn_credentials_reload(f->credentials, &f->config), 0);
}

/* What was logged since the last call. */
static const char *logged(struct fixture *f)
{
    static char text[16384];
    ssize_t n = read(f->log_pipe[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static int metric_of(const struct fixture *f, enum turn_credential_metric which)
{
    return (int)metric_get(&turn_credential_metrics(f->credentials)[which]);
}

/* The server's answer to a verdict, parsed; its nonce is the client's next one. */
static void refuse(struct fixture *f, enum turn_verdict verdict)
{
    struct stun_writer w;
    stun_write_begin(&w, f->answer, sizeof f->answer, stun_type(STUN_ERROR, STUN_ALLOCATE), id);
    turn_credential_refuse(f->credentials, verdict, &f->flow, f->now, &w);
    assert_int_equal(stun_parse(stun_write_end(&w), &f->refusal), 0);
    struct slice nonce = stun_value(&f->refusal, STUN_NONCE);
    if (nonce.ptr == NULL)
        return;
    memcpy(f->nonce, nonce.ptr, nonce.len);
    f->nonce_len = nonce.len;
}

/* What a client puts into a request. */
struct form {
    struct slice name; /* ptr NULL: left out, as all below */
    const uint8_t *userhash;
    struct slice token;
    struct slice realm;
    bool no_realm, no_nonce;
    bool list, choice; /* PASSWORD-ALGORITHMS, PASSWORD-ALGORITHM are written */
    uint16_t algorithm;
    struct slice other_list;
    bool unsigned_;
    bool sha256;      /* MESSAGE-INTEGRITY-SHA256 */
    size_t truncated; /* to so many bytes; 0: not */
    struct slice key;
    unsigned method;
};

static const char both_algorithms[] = {0, 2, 0, 0, 0, 1, 0, 0};

static void write_algorithms(struct stun_writer *w, const struct form *form)
{
    char choice[4] = {0, (char)form->algorithm, 0, 0};
    struct slice list = form->other_list;
    if (list.ptr == NULL)
        list = slice_of(both_algorithms, sizeof both_algorithms);
    if (form->list)
        stun_write(w, STUN_PASSWORD_ALGORITHMS, list);
    if (form->choice)
        stun_write(w, STUN_PASSWORD_ALGORITHM, slice_of(choice, sizeof choice));
}

static void sign(struct fixture *f, const struct form *form, struct stun_writer *w)
{
    uint8_t mac[STUN_HMAC_MAX];
    if (form->truncated == 0) {
        stun_write_integrity(w, &f->integrity, form->sha256 ? STUN_HMAC_SHA256 : STUN_HMAC_SHA1,
                             form->key);
        return;
    }
    bytes_put16(w->start + 2, (uint16_t)(w->length - STUN_HEADER_SIZE + 4 + form->truncated));
    struct slice text = slice_of((const char *)w->start, w->length);
    assert_int_equal(
        stun_integrity_sign(&f->integrity, STUN_HMAC_SHA256, form->key, text, SLICE_NULL, mac), 0);
    stun_write(w, STUN_MESSAGE_INTEGRITY_SHA256, slice_of((const char *)mac, form->truncated));
}

static enum turn_verdict ask(struct fixture *f, const struct form *form)
{
    static char buffer[2048];
    struct stun_writer w;
    struct stun_message request;
    unsigned method = form->method != 0 ? form->method : STUN_ALLOCATE;
    stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_REQUEST, method), id);
    if (form->name.ptr != NULL)
        stun_write(&w, STUN_USERNAME, form->name);
    if (form->userhash != NULL)
        stun_write(&w, STUN_USERHASH, slice_of((const char *)form->userhash, 32));
    if (form->token.ptr != NULL)
        stun_write(&w, STUN_ACCESS_TOKEN, form->token);
    if (!form->no_realm)
        stun_write(&w, STUN_REALM, form->realm.ptr != NULL ? form->realm : SLICE(REALM));
    if (!form->no_nonce)
        stun_write(&w, STUN_NONCE, slice_of(f->nonce, f->nonce_len));
    write_algorithms(&w, form);
    if (!form->unsigned_)
        sign(f, form, &w);
    stun_write_fingerprint(&w);
    assert_int_equal(stun_parse(stun_write_end(&w), &request), 0);
    memset(&f->identity, 0, sizeof f->identity);
    return turn_credential_check(f->credentials, &request, &f->flow, f->now, f->allocation,
                                 &f->identity);
}

/* The key of a name and password in our realm; static. */
static struct slice key_of(struct fixture *f, enum turn_algorithm algorithm, const char *name,
                           const char *password)
{
    static uint8_t key[32];
    assert_int_equal(turn_key_make(&f->hasher, algorithm, slice_from_string(name), SLICE(REALM),
                                   slice_from_string(password), key),
                     0);
    return slice_of((const char *)key, turn_key_size(algorithm));
}

/* As clients of RFC 5389 do it. */
static enum turn_verdict log_in(struct fixture *f, const char *name, const char *password)
{
    struct form form = {.name = slice_from_string(name),
                        .key = key_of(f, TURN_MD5, name, password)};
    return ask(f, &form);
}

/* RFC 8489 section 9.2.4, first item */
static void an_unsigned_request_is_challenged(void **state)
{
    struct fixture *f = *state;
    struct form form = {.unsigned_ = true, .no_realm = true, .no_nonce = true};
    unsigned code;
    struct slice reason;
    assert_int_equal(ask(f, &form), TURN_CHALLENGE);
    refuse(f, TURN_CHALLENGE);
    assert_int_equal(stun_get_error(&f->refusal, &code, &reason), 0);
    assert_int_equal(code, 401);
    assert_true(slice_equal(stun_value(&f->refusal, STUN_REALM), SLICE(REALM)));
    /* Section 9.2: the cookie; only bit 0, password algorithms, is set. */
    assert_memory_equal(f->nonce, "obMatJos2gAAA", 13);
    assert_in_range(f->nonce_len, 14, 127);
    assert_true(slice_equal(stun_value(&f->refusal, STUN_PASSWORD_ALGORITHMS),
                            slice_of(both_algorithms, sizeof both_algorithms)));
    assert_false(stun_has(&f->refusal, STUN_USERNAME));
    assert_false(stun_has(&f->refusal, STUN_THIRD_PARTY_AUTHORIZATION));
    assert_int_equal(metric_of(f, TURN_CREDENTIAL_CHALLENGES), 1);
    assert_string_equal(logged(f), "");
}

/* RFC 8489 section 9.2.4: without PASSWORD-ALGORITHM it is MD5, and the answer is signed with
 * MESSAGE-INTEGRITY */
static void a_user_logs_in_with_md5(void **state)
{
    struct fixture *f = *state;
    refuse(f, TURN_CHALLENGE);
    assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_OK);
    assert_string_equal(f->identity.name, "alice");
    assert_int_equal(f->identity.hmac, STUN_HMAC_SHA1);
    assert_int_equal(f->identity.key_len, 16);
    assert_int_equal(f->identity.until_ms, 0);
    assert_true(
        slice_equal(turn_identity_key(&f->identity), key_of(f, TURN_MD5, "alice", "wonder:land")));
    assert_int_equal(metric_of(f, TURN_CREDENTIAL_ACCEPTED), 1);
}

/* RFC 8489 sections 9.2.4, 18.5.1.2 */
static void a_user_logs_in_with_sha256(void **state)
{
    struct fixture *f = *state;
    refuse(f, TURN_CHALLENGE);
    struct form form = {.name = SLICE("bob"),
                        .list = true,
                        .choice = true,
                        .algorithm = TURN_SHA256,
                        .sha256 = true,
                        .key = key_of(f, TURN_SHA256, "bob", "b")};
    assert_int_equal(ask(f, &form), TURN_OK);
    assert_int_equal(f->identity.hmac, STUN_HMAC_SHA256);
    assert_int_equal(f->identity.key_len, 32);
    form.algorithm = TURN_MD5;
    form.key = key_of(f, TURN_MD5, "bob", "b");
    assert_int_equal(ask(f, &form), TURN_OK);
    assert_int_equal(f->identity.hmac, STUN_HMAC_SHA256);
    assert_int_equal(f->identity.key_len, 16);
}

/* RFC 8489 section 14.6: truncated only where the usage says so, which RFC 8656 does not */
static void a_truncated_signature_is_none(void **state)
{
    struct fixture *f = *state;
    refuse(f, TURN_CHALLENGE);
    struct form form = {.name = SLICE("bob"),
                        .list = true,
                        .choice = true,
                        .algorithm = TURN_SHA256,
                        .sha256 = true,
                        .key = key_of(f, TURN_SHA256, "bob", "b")};
    for (form.truncated = 16; form.truncated < 32; form.truncated += 4)
        assert_int_equal(ask(f, &form), TURN_WRONG);
    assert_int_equal(ask(f, &form), TURN_OK);
}

/* RFC 8489 section 9.2.2: the key is HA1 of SIP */
static void a_sip_account_logs_in_when_the_realms_agree(void **state)
{
    struct fixture *f = *state;
    refuse(f, TURN_CHALLENGE);
    assert_int_equal(log_in(f, "carol", "sip"), TURN_OK);
    struct turn_identity short_form = f->identity;
    assert_int_equal(log_in(f, "carol@" REALM, "sip"), TURN_OK);
    assert_true(turn_credential_owner(&f->identity, &short_form));
    assert_int_equal(f->identity.account, short_form.account);
    f->config.account_realm = "another";
    reload(f);
    assert_int_equal(log_in(f, "carol", "sip"), TURN_WRONG);
}

/* RFC 8489 section 9.2.4, second item */
static void what_is_signed_but_lacks_a_part_is_a_bad_request(void **state)
{
    struct fixture *f = *state;
    refuse(f, TURN_CHALLENGE);
    uint8_t userhash[32] = {0};
    const struct form forms[] = {
        {.key = SLICE("x")},
        {.name = SLICE("alice"), .no_realm = true, .key = SLICE("x")},
        {.name = SLICE("alice"), .no_nonce = true, .key = SLICE("x")},
        {.name = SLICE("alice"), .userhash = userhash, .key = SLICE("x")},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        assert_int_equal(ask(f, &forms[i]), TURN_BAD);
    refuse(f, TURN_BAD);
    assert_false(stun_has(&f->refusal, STUN_NONCE));
    assert_false(stun_has(&f->refusal, STUN_REALM));
    assert_int_equal(metric_of(f, TURN_CREDENTIAL_FAILED), 4);
}

/* RFC 8489 section 9.2.4, third item: bid-down protection */
static void an_algorithm_must_be_one_of_the_list_that_was_sent(void **state)
{
    static const char only_md5[] = {0, 1, 0, 0}, broken[] = {0, 2, 0, 9};
    struct fixture *f = *state;
    refuse(f, TURN_CHALLENGE);
    struct slice md5 = slice_of(only_md5, sizeof only_md5);
    const struct form forms[] = {
        {.choice = true, .algorithm = TURN_MD5},
        {.list = true},
        {.list = true, .choice = true, .algorithm = 3},
        {.list = true, .choice = true, .algorithm = TURN_MD5, .other_list = md5},
        {.list = true, .choice = true, .algorithm = TURN_SHA256, .other_list = md5},
        {.list = true,
         .choice = true,
         .algorithm = TURN_SHA256,
         .other_list = slice_of(broken, sizeof broken)},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct form form = forms[i];
        form.name = SLICE("alice");
        form.key = key_of(f, TURN_MD5, "alice", "wonder:land");
        assert_int_equal(ask(f, &form), TURN_BAD);
    }
}

/* RFC 8489 section 9.2.1: whoever takes bits out of the cookie ends up with a nonce of nobody's */
static void a_nonce_that_was_tampered_with_is_stale(void **state)
{
    struct fixture *f = *state;
    refuse(f, TURN_CHALLENGE);
    char good[sizeof f->nonce];
    memcpy(good, f->nonce, sizeof good);
    for (size_t i = 0; i < f->nonce_len; i++) {
        memcpy(f->nonce, good, sizeof good);
        f->nonce[i] = good[i] == 'A' ? 'B' : 'A';
        assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_STALE);
    }
    memcpy(f->nonce, good, sizeof good);
    f->nonce_len--;
    assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_STALE);
    f->nonce_len = 0;
    assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_STALE);
}

/* RFC 8489 section 9.2.4: 438 brings a new nonce, which serves */
static void a_nonce_ends_with_its_lifetime(void **state)
{
    struct fixture *f = *state;
    f->config.nonce_lifetime_s = 10;
    reload(f);
    refuse(f, TURN_CHALLENGE);
    f->now = NOW + 9999;
    assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_OK);
    f->now = NOW + 10000;
    assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_STALE);
    assert_int_equal(metric_of(f, TURN_CREDENTIAL_STALE), 1);
    refuse(f, TURN_STALE);
    assert_true(stun_has(&f->refusal, STUN_REALM));
    assert_true(stun_has(&f->refusal, STUN_PASSWORD_ALGORITHMS));
    assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_OK);
    f->now = NOW; /* from the future: the clock was set back */
    assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_STALE);
}

/* RFC 8489 section 9.2.4: no two sources get the same nonce; and none may use another's */
static void a_nonce_serves_its_source_only(void **state)
{
    struct fixture *f = *state;
    const struct flow others[] = {flow_from("192.0.2.2:5000"), flow_from("192.0.2.1:5001"),
                                  flow_from("[2001:db8::1]:5000")};
    struct flow tcp = f->flow;
    char first[sizeof f->nonce];
    tcp.transport = TRANSPORT_TCP;
    refuse(f, TURN_CHALLENGE);
    memcpy(first, f->nonce, sizeof first);
    struct flow mine = f->flow;
    for (size_t i = 0; i < 4; i++) {
        f->flow = i < 3 ? others[i] : tcp;
        memcpy(f->nonce, first, sizeof first);
        assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_STALE);
        refuse(f, TURN_STALE);
        assert_memory_not_equal(f->nonce, first, f->nonce_len);
    }
    /* The same client, seen through a socket for both families. */
    f->flow = flow_from("[::ffff:192.0.2.1]:5000");
    memcpy(f->nonce, first, sizeof first);
    assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_OK);
    f->flow = mine;
}

/* RFC 6062 section 4.3: a data connection has another port than its control connection */
static void it_can_be_told_whom_a_nonce_was_given_to(void **state)
{
    struct fixture *f = *state;
    struct flow control = f->flow, data = flow_from("192.0.2.1:5001");
    char buffer[256];
    struct stun_writer w;
    struct stun_message request;
    refuse(f, TURN_CHALLENGE);
    stun_write_begin(&w, buffer, sizeof buffer, stun_type(STUN_REQUEST, STUN_CONNECTION_BIND), id);
    stun_write(&w, STUN_NONCE, slice_of(f->nonce, f->nonce_len));
    assert_int_equal(stun_parse(stun_write_end(&w), &request), 0);
    assert_true(turn_credential_nonce_of(f->credentials, &request, &control, f->now));
    assert_false(turn_credential_nonce_of(f->credentials, &request, &data, f->now));
    assert_false(turn_credential_nonce_of(f->credentials, &request, &control, f->now + 600000));
}

/* RFC 8489 section 9.2.4: a reload that offers other algorithms leaves no nonce behind that would
 * vouch for the old list */
static void nonces_of_another_offer_are_stale(void **state)
{
    struct fixture *f = *state;
    refuse(f, TURN_CHALLENGE);
    struct form form = {.name = SLICE("bob"),
                        .list = true,
                        .choice = true,
                        .algorithm = TURN_SHA256,
                        .sha256 = true,
                        .key = key_of(f, TURN_SHA256, "bob", "b")};
    f->config.md5 = false;
    reload(f);
    assert_int_equal(ask(f, &form), TURN_STALE);
    refuse(f, TURN_STALE);
    assert_int_equal(stun_value(&f->refusal, STUN_PASSWORD_ALGORITHMS).len, 4);
    form.other_list = stun_value(&f->refusal, STUN_PASSWORD_ALGORITHMS);
    assert_int_equal(ask(f, &form), TURN_OK);
    /* MD5 is not offered any more: not even by saying nothing. */
    assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_CHALLENGE);
}

/* RFC 8489 section 16.1: names cannot be found out */
static void an_unknown_user_and_a_wrong_password_look_alike(void **state)
{
    struct fixture *f = *state;
    char first[sizeof f->answer];
    refuse(f, TURN_CHALLENGE);
    assert_int_equal(log_in(f, "alice", "no"), TURN_WRONG);
    refuse(f, TURN_WRONG);
    memcpy(first, f->answer, f->refusal.raw.len);
    assert_int_equal(log_in(f, "nobody", "no"), TURN_WRONG);
    refuse(f, TURN_WRONG);
    assert_memory_equal(first, f->answer, f->refusal.raw.len);
    assert_int_equal(turn_verdict_code(TURN_WRONG), 401);
    struct form form = {.name = SLICE("nobody"), .key = slice_of("ZZZZZZZZZZZZZZZZ", 16)};
    assert_int_equal(ask(f, &form), TURN_WRONG); /* the key that stands in for none */
    form.name = SLICE("");
    assert_int_equal(ask(f, &form), TURN_WRONG);
    form = (struct form){.name = SLICE("alice"),
                         .realm = SLICE("elsewhere"),
                         .key = key_of(f, TURN_MD5, "alice", "wonder:land")};
    assert_int_equal(ask(f, &form), TURN_WRONG);
}

/* One line per failure, as the SIP authenticator writes them; never for a source that is not
 * proven */
static void failures_are_logged_with_their_source(void **state)
{
    struct fixture *f = *state;
    refuse(f, TURN_CHALLENGE);
    assert_int_equal(log_in(f, "al\nice", "no"), TURN_WRONG);
    const char *line = logged(f);
    assert_non_null(strstr(line, "auth-failure src=192.0.2.1 port=5000 proto=UDP method=Allocate "
                                 "user=al\\nice reason=wrong-credentials"));
    f->flow = flow_from("198.51.100.7:5000"); /* forged: the nonce was given to another */
    assert_int_equal(log_in(f, "alice", "no"), TURN_WRONG);
    assert_string_equal(logged(f), "");
}

/* Nobody fills the log */
static void lines_of_failures_are_bounded(void **state)
{
    struct fixture *f = *state;
    refuse(f, TURN_CHALLENGE);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(log_in(f, "alice", "no"), TURN_WRONG);
    unsigned lines = 0;
    for (const char *at = logged(f); (at = strstr(at, "auth-failure")) != NULL; at++)
        lines++;
    assert_int_equal(lines, 20);
    assert_int_equal(metric_of(f, TURN_CREDENTIAL_UNLOGGED), 80);
    assert_int_equal(metric_of(f, TURN_CREDENTIAL_FAILED), 100);
    f->now += 1000;
    assert_int_equal(log_in(f, "alice", "no"), TURN_WRONG);
    assert_non_null(strstr(logged(f), "80 failures of TURN logins were not logged"));
}

/* base64(HMAC-SHA1(secret, name)); the expected value is of Python's hmac */
static void the_password_of_a_name_that_expires(void **state)
{
    struct fixture *f = *state;
    char password[TURN_REST_PASSWORD_MAX + 1];
    assert_int_equal(turn_rest_password(&f->integrity, SLICE("north"),
                                        SLICE("1433065916:ninefingers"), password),
                     0);
    assert_string_equal(password, "SDuA3OErhfGFaxmFHH7fTICexdg=");
}

static enum turn_verdict log_in_expiring(struct fixture *f, const char *name, const char *under)
{
    char password[TURN_REST_PASSWORD_MAX + 1];
    assert_int_equal(turn_rest_password(&f->integrity, slice_from_string(under),
                                        slice_from_string(name), password),
                     0);
    return log_in(f, name, password);
}

/* The REST scheme that WebRTC clients know, with several secrets for rotation */
static void a_name_that_expires_logs_in_until_then(void **state)
{
    struct fixture *f = *state;
    refuse(f, TURN_CHALLENGE);
    assert_int_equal(log_in_expiring(f, "1700000010:dave", "north"), TURN_OK);
    assert_int_equal(f->identity.until_ms, UINT64_C(1700000010000));
    struct turn_identity dave = f->identity;
    assert_int_equal(log_in_expiring(f, "1700000060:dave", "old"), TURN_OK);
    assert_true(turn_credential_owner(&f->identity, &dave));
    assert_int_equal(log_in_expiring(f, "1700000010:erin", "north"), TURN_OK);
    assert_false(turn_credential_owner(&f->identity, &dave));
    assert_int_equal(log_in_expiring(f, "1700000010", "north"), TURN_OK);
    assert_int_equal(log_in_expiring(f, "1700000010:", "north"), TURN_OK);
    assert_int_equal(log_in_expiring(f, "1700000010:dave", "west"), TURN_WRONG);
    assert_int_equal(log_in_expiring(f, "9999999999999999:dave", "north"), TURN_WRONG);
    assert_int_equal(log_in_expiring(f, "dave:1700000010", "north"), TURN_WRONG);
    assert_int_equal(turn_identity_lifetime(&dave, NOW, 600), 10);
    assert_int_equal(turn_identity_lifetime(&dave, NOW + 10000, 600), 0);
    assert_int_equal(turn_identity_lifetime(&dave, NOW, 5), 5);
    assert_int_equal(turn_identity_lifetime(&dave, NOW + 9001, 600), 1);
    assert_int_equal(turn_identity_lifetime(&dave, NOW + 9999, 600), 1);
    f->now = NOW + 10000;
    assert_int_equal(log_in_expiring(f, "1700000010:dave", "north"), TURN_WRONG);
    f->config.secret_count = 1; /* north is withdrawn */
    reload(f);
    f->now = NOW;
    assert_int_equal(log_in_expiring(f, "1700000010:erin", "north"), TURN_WRONG);
    assert_int_equal(log_in_expiring(f, "1700000010:erin", "old"), TURN_OK);
}

/* One name in two hands: alice of turn.users is not alice of a secret */
static void kinds_of_users_are_told_apart(void **state)
{
    struct fixture *f = *state;
    refuse(f, TURN_CHALLENGE);
    assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_OK);
    struct turn_identity alice = f->identity;
    assert_int_equal(log_in_expiring(f, "1700000010:alice", "north"), TURN_OK);
    assert_false(turn_credential_owner(&f->identity, &alice));
}

/* RFC 8489 sections 9.2.4, 14.4, 18.1: username anonymity */
static void a_hashed_name_serves_as_the_name(void **state)
{
    struct fixture *f = *state;
    uint8_t userhash[32];
    f->config.userhash = true;
    reload(f);
    refuse(f, TURN_CHALLENGE);
    assert_memory_equal(f->nonce, "obMatJos2wAAA", 13);
    assert_int_equal(turn_userhash_make(&f->hasher, SLICE("bob"), SLICE(REALM), userhash), 0);
    struct form form = {.userhash = userhash,
                        .list = true,
                        .choice = true,
                        .algorithm = TURN_SHA256,
                        .sha256 = true,
                        .key = key_of(f, TURN_SHA256, "bob", "b")};
    assert_int_equal(ask(f, &form), TURN_OK);
    assert_string_equal(f->identity.name, "bob");
    struct turn_identity hashed = f->identity;
    assert_int_equal(log_in(f, "bob", "b"), TURN_OK);
    assert_true(turn_credential_owner(&f->identity, &hashed));
    userhash[31] ^= 1;
    assert_int_equal(ask(f, &form), TURN_WRONG);
}

/* The appendix's first sample: made 1410984813.28 s after 1970, for an hour */
#define TOKEN_NOW UINT64_C(1410984813000)
static const char token[] =
    "\x00\x0c\x68\x34\x6a\x33\x6b\x32\x6c\x32\x6e\x34\x62\x35\x61\x7e\xf1\x34\xa3\xd5\xe4\x4e\x9a"
    "\x19\xcc\x7d\xc1\x04\xb0\xc0\x3d\x03\xb2\xa5\x51\xd8\xfd\xf5\xcd\x3b\x6d\xca\x6f\x10\xcf\xb7"
    "\x7e\x5b\x2d\xde\xc8\x4d\x29\x3a\x5c\x50\x49\x93\x59\xf0\xc2\xe2\x6f\x76";
#define TOKEN_KEY "ZksjpweoixXmvn67534m"

static void use_tokens(struct fixture *f)
{
    f->config.token_keys = token_keys;
    f->config.token_key_count = 1;
    f->config.server_name = "blackdow.carleon.gov";
    reload(f);
    f->now = TOKEN_NOW;
    refuse(f, TURN_CHALLENGE);
}

/* RFC 8489 section 14.4, for accounts: both forms of their names, as long as there are such
 * accounts */
static void a_hashed_name_serves_sip_accounts(void **state)
{
    struct fixture *f = *state;
    uint8_t userhash[32];
    static const char *const names[] = {"carol", "carol@" REALM};
    struct form form = {.userhash = userhash};
    for (unsigned i = 0; i < 2; i++) {
        f->config.userhash = false;
        reload(f);
        refuse(f, TURN_CHALLENGE);
        struct slice name = slice_from_string(names[i]);
        assert_int_equal(turn_userhash_make(&f->hasher, name, SLICE(REALM), userhash), 0);
        f->config.userhash = true;
        reload(f);
        refuse(f, TURN_CHALLENGE);
        form.key = key_of(f, TURN_MD5, names[i], "sip");
        assert_int_equal(ask(f, &form), TURN_OK);
        assert_string_equal(f->identity.name, names[i]);
        struct turn_identity hashed = f->identity;
        assert_int_equal(log_in(f, "carol", "sip"), TURN_OK);
        assert_true(turn_credential_owner(&f->identity, &hashed));
        form.key = key_of(f, TURN_MD5, names[i], "wrong");
        assert_int_equal(ask(f, &form), TURN_WRONG);
    }
    form.key = key_of(f, TURN_MD5, names[1], "sip");
    assert_int_equal(accounts_remove(f->accounts, SLICE("carol")), 0);
    assert_int_equal(ask(f, &form), TURN_WRONG);
    assert_int_equal(accounts_add(f->accounts, SLICE("carol"), SLICE("sip")), 0);
    assert_int_equal(ask(f, &form), TURN_OK);
    f->config.account_realm = "another";
    reload(f);
    assert_int_equal(ask(f, &form), TURN_WRONG);
}

/* RFC 7635 sections 6.1, 7 */
static void a_token_logs_in(void **state)
{
    struct fixture *f = *state;
    use_tokens(f);
    assert_true(slice_equal(stun_value(&f->refusal, STUN_THIRD_PARTY_AUTHORIZATION),
                            SLICE("blackdow.carleon.gov")));
    struct form form = {
        .name = SLICE("k1"), .token = slice_of(token, sizeof token - 1), .key = SLICE(TOKEN_KEY)};
    assert_int_equal(ask(f, &form), TURN_OK);
    assert_true(slice_equal(turn_identity_key(&f->identity), SLICE(TOKEN_KEY)));
    assert_int_equal(f->identity.hmac, STUN_HMAC_SHA1);
    /* Section 9: lifetime + Delta - abs(RDnew - TS) */
    assert_int_equal(turn_identity_lifetime(&f->identity, f->now, 100000), 3605);
    form.key = SLICE("another");
    assert_int_equal(ask(f, &form), TURN_WRONG);
    form.key = SLICE(TOKEN_KEY);
    form.name = SLICE("k2");
    assert_int_equal(ask(f, &form), TURN_WRONG);
    form.name = SLICE("k1");
    form.realm = SLICE("elsewhere");
    assert_int_equal(ask(f, &form), TURN_WRONG);
    form.realm = SLICE_NULL;
    f->now += 3700000;
    refuse(f, TURN_STALE);
    assert_int_equal(ask(f, &form), TURN_WRONG);
}

/* RFC 7635 section 9: only Allocate and Refresh carry the token */
static void requests_without_the_token_are_signed_with_its_key(void **state)
{
    struct fixture *f = *state;
    use_tokens(f);
    struct form form = {
        .name = SLICE("k1"), .token = slice_of(token, sizeof token - 1), .key = SLICE(TOKEN_KEY)};
    assert_int_equal(ask(f, &form), TURN_OK);
    struct turn_identity allocation = f->identity;
    form.token = SLICE_NULL;
    form.method = STUN_CREATE_PERMISSION;
    assert_int_equal(ask(f, &form), TURN_WRONG);
    f->allocation = &allocation;
    assert_int_equal(ask(f, &form), TURN_OK);
    assert_true(turn_credential_owner(&f->identity, &allocation));
    form.key = SLICE("another");
    assert_int_equal(ask(f, &form), TURN_WRONG);
    form.key = SLICE(TOKEN_KEY);
    form.name = SLICE("k2");
    assert_int_equal(ask(f, &form), TURN_WRONG);
    /* A user who logs in beside it is another one. */
    assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_OK);
    assert_false(turn_credential_owner(&f->identity, &allocation));
    form.name = SLICE("k1");
    allocation.until_ms = f->now;
    assert_int_equal(ask(f, &form), TURN_WRONG);
}

/* RFC 7635 section 7, last item: a token that nobody asked for */
static void a_token_that_was_not_asked_for_is_an_unknown_attribute(void **state)
{
    struct fixture *f = *state;
    struct form form = {.name = SLICE("k1"), .token = SLICE("x"), .key = SLICE("k")};
    refuse(f, TURN_CHALLENGE);
    assert_int_equal(ask(f, &form), TURN_UNKNOWN);
    refuse(f, TURN_UNKNOWN);
    struct slice unknown = stun_value(&f->refusal, STUN_UNKNOWN_ATTRIBUTES);
    assert_int_equal(unknown.len, 2);
    assert_int_equal(bytes_get16(unknown.ptr), 0x001b);
    assert_int_equal(turn_verdict_code(TURN_UNKNOWN), 420);
}

/* A configuration that is wrong changes nothing */
static void a_reload_that_fails_leaves_all_as_it_was(void **state)
{
    struct fixture *f = *state;
    static const struct slice bad[] = {SLICE_LITERAL("nobody")};
    refuse(f, TURN_CHALLENGE);
    struct turn_credential_config config = f->config;
    config.users = bad;
    config.user_count = 1;
    assert_int_equal(turn_credentials_reload(f->credentials, &config), ERR_SYNTAX);
    assert_int_equal(log_in(f, "alice", "wonder:land"), TURN_OK);
}

static void running_out_of_memory_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    size_t n = 0;
    int status;
    do {
        struct turn_credentials *c = NULL;
        memory_fail_after(n++);
        status = turn_credentials_new(&f->config, &secret, NULL, NULL, &c);
        bool failed = memory_fail_hit();
        assert_int_equal(status, failed ? ERR_NO_MEMORY : 0);
        if (status == 0)
            turn_credentials_free(c);
    } while (status < 0);
    assert_int_equal(n, MEMORY_FAULTS ? 4 : 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unsigned_request_is_challenged),
        TEST(a_user_logs_in_with_md5),
        TEST(a_user_logs_in_with_sha256),
        TEST(a_truncated_signature_is_none),
        TEST(a_sip_account_logs_in_when_the_realms_agree),
        TEST(what_is_signed_but_lacks_a_part_is_a_bad_request),
        TEST(an_algorithm_must_be_one_of_the_list_that_was_sent),
        TEST(a_nonce_that_was_tampered_with_is_stale),
        TEST(a_nonce_ends_with_its_lifetime),
        TEST(a_nonce_serves_its_source_only),
        TEST(it_can_be_told_whom_a_nonce_was_given_to),
        TEST(nonces_of_another_offer_are_stale),
        TEST(an_unknown_user_and_a_wrong_password_look_alike),
        TEST(failures_are_logged_with_their_source),
        TEST(lines_of_failures_are_bounded),
        TEST(the_password_of_a_name_that_expires),
        TEST(a_name_that_expires_logs_in_until_then),
        TEST(kinds_of_users_are_told_apart),
        TEST(a_hashed_name_serves_as_the_name),
        TEST(a_hashed_name_serves_sip_accounts),
        TEST(a_token_logs_in),
        TEST(requests_without_the_token_are_signed_with_its_key),
        TEST(a_token_that_was_not_asked_for_is_an_unknown_attribute),
        TEST(a_reload_that_fails_leaves_all_as_it_was),
        TEST(running_out_of_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
