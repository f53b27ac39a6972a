#include "sip/auth/digest.h"

#include "base/ascii.h"
#include "base/error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

static const struct {
    struct slice name; /* RFC 7616 section 6.1 */
    const char *library_name;
    size_t size;
} algorithms[SIP_DIGEST_COUNT] = {
    [SIP_DIGEST_MD5] = {SLICE_LITERAL("MD5"), "MD5", 16},
    [SIP_DIGEST_SHA256] = {SLICE_LITERAL("SHA-256"), "SHA2-256", 32},
    [SIP_DIGEST_SHA512_256] = {SLICE_LITERAL("SHA-512-256"), "SHA2-512/256", 32},
};

int sip_digest_init(struct sip_digest *d)
{
    *d = (struct sip_digest){0};
    for (unsigned i = 0; i < SIP_DIGEST_COUNT; i++) {
        d->md[i] = EVP_MD_fetch(NULL, algorithms[i].library_name, NULL);
        d->context[i] = d->md[i] ? EVP_MD_CTX_new() : NULL;
        if (!d->context[i] || !EVP_DigestInit_ex2(d->context[i], d->md[i], NULL)) {
            int rc = d->md[i] ? ERR_NO_MEMORY : ERR_UNSUPPORTED;
            sip_digest_done(d);
            return rc;
        }
    }
    return 0;
}

void sip_digest_done(struct sip_digest *d)
{
    for (unsigned i = 0; i < SIP_DIGEST_COUNT; i++) {
        EVP_MD_CTX_free(d->context[i]);
        EVP_MD_free(d->md[i]);
    }
    *d = (struct sip_digest){0};
}

size_t sip_digest_size(enum sip_digest_algorithm algorithm)
{
    return algorithms[algorithm].size;
}

struct slice sip_digest_name(enum sip_digest_algorithm algorithm)
{
    return algorithms[algorithm].name;
}

int sip_digest_algorithm_parse(struct slice text, enum sip_digest_algorithm *ret_algorithm,
                               bool *ret_session)
{
    if (slice_empty(text)) {
        text = algorithms[SIP_DIGEST_MD5].name;
    }
    bool session = slice_ends_with_nocase(text, SLICE("-sess"));
    struct slice name = session ? slice_of(text.ptr, text.len - 5) : text;
    for (unsigned i = 0; i < SIP_DIGEST_COUNT; i++) {
        if (slice_equal_nocase(name, algorithms[i].name)) {
            *ret_algorithm = (enum sip_digest_algorithm)i;
            *ret_session = session;
            return 0;
        }
    }
    return ERR_UNSUPPORTED;
}

/* H(a:b:c ...): parts joined by colons. */
static int hash_parts(struct sip_digest *d, enum sip_digest_algorithm algorithm,
                      const struct slice *parts, size_t count, uint8_t *ret_digest)
{
    EVP_MD_CTX *context = d->context[algorithm];
    char buffer[512]; /* one update instead of many: most inputs fit */
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    int good = EVP_DigestInit_ex2(context, d->md[algorithm], NULL);
    for (size_t i = 0; i < count; i++) {
        if (writer_space(&w) < parts[i].len + 1) {
            good &= EVP_DigestUpdate(context, buffer, writer_length(&w));
            writer_init(&w, buffer, sizeof(buffer));
        }
        if (i > 0) {
            writer_char(&w, ':');
        }
        if (parts[i].len < sizeof(buffer)) {
            writer_put(&w, parts[i]);
        } else {
            good &= EVP_DigestUpdate(context, buffer, writer_length(&w));
            good &= EVP_DigestUpdate(context, parts[i].ptr, parts[i].len);
            writer_init(&w, buffer, sizeof(buffer));
        }
    }
    good &= EVP_DigestUpdate(context, buffer, writer_length(&w));
    good &= EVP_DigestFinal_ex(context, ret_digest, NULL);
    return good ? 0 : ERR_NO_MEMORY;
}

int sip_digest_ha1(struct sip_digest *d, enum sip_digest_algorithm algorithm, struct slice user,
                   struct slice realm, struct slice password, uint8_t *ret_ha1)
{
    const struct slice parts[] = {user, realm, password};
    return hash_parts(d, algorithm, parts, 3, ret_ha1);
}

int sip_digest_userhash(struct sip_digest *d, enum sip_digest_algorithm algorithm,
                        struct slice user, struct slice realm, uint8_t *ret_hash)
{
    const struct slice parts[] = {user, realm};
    return hash_parts(d, algorithm, parts, 2, ret_hash);
}

/* len is a multiple of four, as that of every digest. */
static struct slice hex_text(const uint8_t *bytes, size_t len, char *buffer)
{
    for (size_t i = 0; i < len; i += 4) {
        uint32_t word;
        memcpy(&word, bytes + i, sizeof(word));
        ascii_store8(buffer + 2 * i, ascii_hex8(be32toh(word)));
    }
    return slice_of(buffer, 2 * len);
}

/* H(A2) as text, RFC 7616 section 3.4.3: A2 = Method:digest-uri. */
static int hash_a2(struct sip_digest *d, const struct sip_digest_input *input, char *buffer,
                   struct slice *ret_text)
{
    struct sip_digest_a2 *last = &d->a2[input->algorithm];
    size_t size = algorithms[input->algorithm].size;
    char text[sizeof(last->text)];
    struct writer w;
    writer_init(&w, text, sizeof(text));
    writer_put(&w, input->method);
    writer_char(&w, ':');
    writer_put(&w, input->uri);
    bool fits = writer_status(&w) == 0;
    if (!fits || !slice_equal(writer_slice(&w), slice_of(last->text, last->length))) {
        const struct slice parts[] = {input->method, input->uri};
        uint8_t digest[SIP_DIGEST_MAX];
        int rc = hash_parts(d, input->algorithm, parts, 2, digest);
        if (rc < 0) {
            return rc;
        }
        *ret_text = hex_text(digest, size, buffer);
        if (fits) {
            last->length = writer_length(&w);
            memcpy(last->text, text, last->length);
            memcpy(last->hash, buffer, 2 * size);
        }
        return 0;
    }
    memcpy(buffer, last->hash, 2 * size);
    *ret_text = slice_of(buffer, 2 * size);
    return 0;
}

int sip_digest_response(struct sip_digest *d, const struct sip_digest_input *input,
                        uint8_t *ret_response)
{
    enum sip_digest_algorithm algorithm = input->algorithm;
    size_t size = algorithms[algorithm].size;
    uint8_t digest[SIP_DIGEST_MAX];
    char a1_text[2 * SIP_DIGEST_MAX], a2_text[2 * SIP_DIGEST_MAX];
    if (input->qop.len > 0 && !slice_equal_nocase(input->qop, SLICE("auth"))) {
        return ERR_UNSUPPORTED;
    }
    struct slice a1 = hex_text(input->ha1, size, a1_text), a2;
    int rc = 0;
    if (input->session) {
        /* RFC 7616 section 3.4.2: A1 = H(user:realm:password):nonce:cnonce. */
        const struct slice parts[] = {a1, input->nonce, input->cnonce};
        rc = hash_parts(d, algorithm, parts, 3, digest);
        a1 = hex_text(digest, size, a1_text);
    }
    if (rc == 0) {
        rc = hash_a2(d, input, a2_text, &a2);
    }
    if (rc == 0 && input->qop.len > 0) {
        const struct slice parts[] = {a1, input->nonce, input->nc, input->cnonce, input->qop, a2};
        rc = hash_parts(d, algorithm, parts, 6, digest);
    } else if (rc == 0) {
        const struct slice parts[] = {a1, input->nonce, a2};
        rc = hash_parts(d, algorithm, parts, 3, digest);
    }
    if (rc == 0) {
        memcpy(ret_response, digest, size);
    }
    return rc;
}

int sip_digest_verify(struct sip_digest *d, const struct sip_digest_input *input,
                      struct slice response)
{
    uint8_t digest[SIP_DIGEST_MAX];
    char buffer[2 * SIP_DIGEST_MAX], given[2 * SIP_DIGEST_MAX];
    int rc = sip_digest_response(d, input, digest);
    if (rc < 0) {
        return rc;
    }
    struct slice expected = hex_text(digest, algorithms[input->algorithm].size, buffer);
    if (response.len != expected.len) {
        return ERR_DENIED;
    }
    for (size_t i = 0; i < response.len; i += 8) {
        ascii_store8(given + i, ascii_lower8(ascii_load8(response.ptr + i)));
    }
    return CRYPTO_memcmp(given, expected.ptr, expected.len) != 0 ? ERR_DENIED : 0;
}
