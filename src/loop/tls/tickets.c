/* Sessions are kept by the client, in a ticket that only we can read (RFC 5077, RFC 8446 section
 * 4.6.1): any worker resumes them, and none costs memory here. */
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "loop/tls/tls_private.h"

#define ROTATE_MS UINT64_C(3600000)

int tickets_init(struct tickets *tickets)
{
    if (pthread_mutex_init(&tickets->lock, NULL) != 0)
        return ERR_NO_MEMORY;
    tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    return tickets->cipher == NULL ? ERR_NO_MEMORY : 0;
}

void tickets_done(struct tickets *tickets)
{
    OPENSSL_cleanse(tickets->keys, sizeof(tickets->keys));
    EVP_CIPHER_free(tickets->cipher);
    (void)pthread_mutex_destroy(&tickets->lock);
}

void tickets_forget(struct tickets *tickets)
{
    (void)pthread_mutex_lock(&tickets->lock);
    OPENSSL_cleanse(tickets->keys, sizeof(tickets->keys));
    (void)pthread_mutex_unlock(&tickets->lock);
}

static uint64_t now_ms(void)
{
    return clock_monotonic_us() / 1000 + 1;
}

static int rotate(struct tickets *tickets, uint64_t now)
{
    struct ticket_key fresh = {.made_ms = now};
    if (random_secret(fresh.name, sizeof(fresh.name)) != 0 ||
        random_secret(fresh.cipher, sizeof(fresh.cipher)) != 0 ||
        random_secret(fresh.mac, sizeof(fresh.mac)) != 0)
        return ERR_IO;
    memmove(&tickets->keys[1], &tickets->keys[0], sizeof(fresh) * (TICKET_KEYS - 1));
    tickets->keys[0] = fresh;
    OPENSSL_cleanse(&fresh, sizeof(fresh));
    return 0;
}

static int current(struct tickets *tickets, struct ticket_key *ret_key)
{
    int err = 0;
    uint64_t now = now_ms();
    (void)pthread_mutex_lock(&tickets->lock);
    if (tickets->keys[0].made_ms == 0 || now - tickets->keys[0].made_ms >= ROTATE_MS)
        err = rotate(tickets, now);
    *ret_key = tickets->keys[0];
    (void)pthread_mutex_unlock(&tickets->lock);
    return err;
}

/* 0: unknown or too old; 1: found; 2: found, but a new ticket is due. */
static int find(struct tickets *tickets, const unsigned char *name, struct ticket_key *ret_key)
{
    int found = 0;
    uint64_t now = now_ms();
    (void)pthread_mutex_lock(&tickets->lock);
    for (int i = 0; i < TICKET_KEYS && found == 0; i++) {
        const struct ticket_key *key = &tickets->keys[i];
        if (key->made_ms == 0 || now - key->made_ms >= ROTATE_MS * TICKET_KEYS ||
            memcmp(key->name, name, sizeof(key->name)) != 0)
            continue;
        *ret_key = *key;
        found = now - key->made_ms < ROTATE_MS ? 1 : 2;
    }
    (void)pthread_mutex_unlock(&tickets->lock);
    return found;
}

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

int tickets_on_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                   EVP_MAC_CTX *mac, int encrypt)
{
    struct tickets *tickets = &tls_of(SSL_get_SSL_CTX(ssl))->tickets;
    struct ticket_key key;
    int found;
    if (encrypt) {
        found = 1;
        if (current(tickets, &key) != 0 || random_secret(iv, EVP_MAX_IV_LENGTH) != 0)
            return -1;
        memcpy(name, key.name, sizeof(key.name));
    } else {
        found = find(tickets, name, &key);
        if (found == 0)
            return 0;
        if (SSL_version(ssl) >= TLS1_3_VERSION) /* a ticket is used once (RFC 8446 appendix C.4) */
            found = 2;
    }
    if (EVP_CipherInit_ex2(cipher, tickets->cipher, key.cipher, iv, encrypt, NULL) != 1 ||
        !set_mac(mac, &key))
        found = -1;
    OPENSSL_cleanse(&key, sizeof(key));
    return found;
}
