#include "sip/auth/digest.h"

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

static struct slice hex_text(const uint8_t *bytes, size_t len, char *buffer)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        buffer[2 * i] = digits[bytes[i] >> 4];
        buffer[2 * i + 1] = digits[bytes[i] & 15];
    }
    return slice_of(buffer, 2 * len);
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
    struct slice a1 = hex_text(input->ha1, size, a1_text);
    int rc = 0;
    if (input->session) {
        /* RFC 7616 section 3.4.2: A1 = H(user:realm:password):nonce:cnonce. */
        const struct slice parts[] = {a1, input->nonce, input->cnonce};
        rc = hash_parts(d, algorithm, parts, 3, digest);
        a1 = hex_text(digest, size, a1_text);
    }
    if (rc == 0) {
        /* RFC 7616 section 3.4.3: A2 = Method:digest-uri. */
        const struct slice parts[] = {input->method, input->uri};
        rc = hash_parts(d, algorithm, parts, 2, digest);
    }
    struct slice a2 = hex_text(digest, size, a2_text);
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

/* -1 for what is no digit. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int sip_digest_verify(struct sip_digest *d, const struct sip_digest_input *input,
                      struct slice response)
{
    uint8_t expected[SIP_DIGEST_MAX], given[SIP_DIGEST_MAX];
    int rc = sip_digest_response(d, input, expected);
    size_t size = algorithms[input->algorithm].size;
    if (rc < 0) {
        return rc;
    }
    if (response.len != 2 * size) {
        return ERR_DENIED;
    }
    int bad = 0;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(response.ptr[2 * i]), low = hex_digit(response.ptr[2 * i + 1]);
        bad |= high < 0 || low < 0;
        given[i] = (uint8_t)(((unsigned)high << 4 | (unsigned)low) & 0xff);
    }
    return bad || CRYPTO_memcmp(given, expected, size) != 0 ? ERR_DENIED : 0;
}
