/* Those we know nothing of. One SSL meets all of them and forgets each; when one brings back the
 * cookie that was sent to his address, it becomes his session, and the next stranger gets a new
 * one. */
#include "loop/dtls/dtls_private.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/error.h"
#include "base/random.h"

#define COOKIE_PERIOD_MS 60000u /* a cookie is good in its own and in the next one */
#define HANDSHAKE_MTU    1200   /* bytes of UDP payload: fits every way */

/* RFC 6347 section 4.3: a record's header, a handshake message's, a version, the random. */
#define RECORD_HEADER    13
#define HANDSHAKE_HEADER 12
#define RANDOM_AT        (RECORD_HEADER + HANDSHAKE_HEADER + 2)

/* ---- Cookies: a MAC of both addresses and the time ---- */

bool dtls_cookie_write(const struct tls_cookies *cookies, unsigned age, unsigned char *cookie)
{
    const struct dtls_wire *wire = (const struct dtls_wire *)(const void *)cookies;
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t length;
    const struct dtls *dtls = wire->owner;
    const struct flow *flow = wire->flow;
    uint64_t period = loop_now_ms(dtls->loop) / COOKIE_PERIOD_MS - age;
    struct {
        uint8_t host[16];
        uint32_t port;
    } ends[2] = {0};
    const struct address *addresses[] = {&flow->remote, &flow->local};
    for (unsigned i = 0; i < 2; i++) {
        const struct address *a = addresses[i];
        if (address_is_v6(a))
            memcpy(ends[i].host, &a->in6.sin6_addr, 16);
        else
            memcpy(ends[i].host, &a->in4.sin_addr, 4);
        ends[i].port = address_port(a);
    }
    if (EVP_MAC_init(dtls->mac, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(dtls->mac, (const unsigned char *)ends, sizeof ends) != 1 ||
        EVP_MAC_update(dtls->mac, (const unsigned char *)&period, sizeof period) != 1 ||
        EVP_MAC_final(dtls->mac, mac, &length, sizeof mac) != 1)
        return false;
    memcpy(cookie, mac, TLS_COOKIE_SIZE);
    return true;
}

int dtls_hello_init(struct dtls *dtls)
{
    unsigned char key[32];
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    dtls->mac = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    if (dtls->mac == NULL)
        return ERR_UNSUPPORTED;
    int status = random_secret(key, sizeof key);
    if (status == 0 && EVP_MAC_init(dtls->mac, key, sizeof key, parameters) != 1)
        status = ERR_UNSUPPORTED;
    OPENSSL_cleanse(key, sizeof key);
    return status;
}

void dtls_hello_done(struct dtls *dtls)
{
    SSL_free(dtls->waiting);
    EVP_MAC_CTX_free(dtls->mac);
}

/* ---- ClientHellos ---- */

bool dtls_is_hello(struct slice data, const char **ret_random)
{
    const uint8_t *at = (const uint8_t *)data.ptr;
    if (data.len < RANDOM_AT + DTLS_RANDOM_SIZE || at[0] != 22 /* handshake */ || at[3] != 0 ||
        at[4] != 0 /* epoch */ || at[RECORD_HEADER] != 1 /* client_hello */)
        return false;
    *ret_random = data.ptr + RANDOM_AT;
    return true;
}

static int make_waiting(struct dtls *dtls)
{
    int status = tls_datagram_ssl(dtls->options.tls, &dtls->waiting, &dtls->waiting_generation);
    if (status < 0)
        return status;
    BIO *bio = BIO_new(dtls->method);
    if (bio == NULL) {
        SSL_free(dtls->waiting);
        dtls->waiting = NULL;
        return ERR_NO_MEMORY;
    }
    BIO_set_data(bio, &dtls->wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(dtls->waiting, bio, bio);
    SSL_set_app_data(dtls->waiting, &dtls->wire);
    SSL_set_mtu(dtls->waiting, HANDSHAKE_MTU);
    return 0;
}

static void drop_waiting(struct dtls *dtls)
{
    SSL_free(dtls->waiting);
    dtls->waiting = NULL;
}

/* Positive: he has brought our cookie back. */
static int meet(struct dtls *dtls, const struct flow *flow, struct slice data)
{
    if (dtls->waiting != NULL && dtls->waiting_generation != tls_generation(dtls->options.tls))
        drop_waiting(dtls);
    if (dtls->waiting == NULL && make_waiting(dtls) < 0)
        return ERR_NO_MEMORY;
    BIO_ADDR *nobody = BIO_ADDR_new();
    if (nobody == NULL)
        return ERR_NO_MEMORY;
    dtls->wire = (struct dtls_wire){
        .cookies = {dtls_cookie_write}, .owner = dtls, .flow = flow, .in = data, .status = ERR_IO};
    int met = DTLSv1_listen(dtls->waiting, nobody);
    BIO_ADDR_free(nobody);
    ERR_clear_error();
    if (met <= 0 && dtls->wire.status == 0)
        dtls_count(dtls, DTLS_COOKIES);
    if (met < 0)
        drop_waiting(dtls);
    return met;
}

void dtls_welcome(struct dtls *dtls, const struct flow *flow, struct slice data,
                  struct dtls_session *old)
{
    const char *random;
    dtls_count(dtls, DTLS_HELLOS);
    if (old == NULL && !dtls_has_room(dtls, flow)) {
        dtls_count(dtls, DTLS_REFUSED);
        return;
    }
    if (meet(dtls, flow, data) <= 0 || !dtls_is_hello(data, &random))
        return;
    /* RFC 6347 section 4.2.8: now that the address is proven, the old session may go. */
    if (old != NULL)
        dtls_session_end(old, STREAM_CLOSED_BY_PEER);
    SSL *ssl = dtls->waiting;
    dtls->waiting = NULL;
    if (dtls_session_new(dtls, flow, ssl, random) == 0)
        dtls_open_pending(dtls);
}
