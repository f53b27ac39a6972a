#include "digest.h"

#include <openssl/evp.h>
#include <strings.h>

#include "clock.h"

struct digest {
    EVP_MD *md[DIGEST_COUNT];
    EVP_MD_CTX *context;
};

static const char *const names[DIGEST_COUNT] = {"MD5", "SHA-256"};

struct digest *digest_new(void)
{
    struct digest *digest = calloc(1, sizeof *digest);
    if (!digest)
        die("out of memory");
    digest->context = EVP_MD_CTX_new();
    for (int i = 0; i < DIGEST_COUNT; i++) {
        digest->md[i] = EVP_MD_fetch(NULL, names[i], NULL);
        if (!digest->md[i])
            die("OpenSSL has no %s", names[i]);
    }
    return digest;
}

void digest_free(struct digest *digest)
{
    if (!digest)
        return;
    for (int i = 0; i < DIGEST_COUNT; i++)
        EVP_MD_free(digest->md[i]);
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

size_t digest_hash(struct digest *digest, enum digest_algorithm algorithm, const struct span *parts,
                   unsigned count, char ret_hex[DIGEST_HEX])
{
    static const char digit[] = "0123456789abcdef";
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_DigestInit_ex2(digest->context, digest->md[algorithm], NULL);
    for (unsigned i = 0; i < count; i++) {
        if (i)
            EVP_DigestUpdate(digest->context, ":", 1);
        EVP_DigestUpdate(digest->context, parts[i].ptr, parts[i].len);
    }
    if (EVP_DigestFinal_ex(digest->context, hash, &len) != 1 || len > DIGEST_HEX / 2)
        die("OpenSSL cannot compute %s", names[algorithm]);
    for (unsigned i = 0; i < len; i++) {
        ret_hex[2 * i] = digit[hash[i] >> 4];
        ret_hex[2 * i + 1] = digit[hash[i] & 15];
    }
    return 2 * (size_t)len;
}

/* The value of a name=value or name="value" parameter of a challenge; ptr NULL when absent. */
static struct span parameter(struct span value, const char *name)
{
    size_t len = strlen(name);
    const char *end = value.ptr + value.len;
    for (const char *at = value.ptr; (at = memchr(at, '=', (size_t)(end - at))); at++) {
        bool named = (size_t)(at - value.ptr) > len && strncasecmp(at - len, name, len) == 0 &&
                     (at[-(long)len - 1] == ' ' || at[-(long)len - 1] == ',');
        const char *start = at + 1;
        bool quoted = start < end && *start == '"';
        const char *stop = quoted ? memchr(start + 1, '"', (size_t)(end - start - 1))
                                  : memchr(start, ',', (size_t)(end - start));
        if (named)
            return span_between(start + quoted, stop ? stop : end);
        if (quoted && stop)
            at = stop;
    }
    return (struct span){NULL, 0};
}

bool digest_challenge_read(struct span value, struct digest_challenge *ret_challenge)
{
    if (value.len < 7 || strncasecmp(value.ptr, "Digest ", 7) != 0)
        return false;
    struct span algorithm = parameter(value, "algorithm");
    struct span qop = parameter(value, "qop");
    struct digest_challenge c = {DIGEST_MD5, parameter(value, "realm"), parameter(value, "nonce"),
                                 parameter(value, "opaque")};
    while (algorithm.ptr && c.algorithm < DIGEST_COUNT &&
           (strlen(names[c.algorithm]) != algorithm.len ||
            strncasecmp(names[c.algorithm], algorithm.ptr, algorithm.len) != 0))
        c.algorithm++;
    if (!c.realm.ptr || !c.nonce.ptr || !qop.ptr || span_search(qop, SPAN("auth")) < 0 ||
        c.algorithm == DIGEST_COUNT)
        return false;
    *ret_challenge = c;
    return true;
}

void digest_authorize(struct digest *digest, const struct digest_challenge *challenge,
                      const struct digest_answer *answer, struct text *text)
{
    char ha2[DIGEST_HEX], response[DIGEST_HEX];
    struct span target[] = {answer->method, answer->uri};
    struct span ha2_hex = {ha2, digest_hash(digest, challenge->algorithm, target, 2, ha2)};
    struct span parts[] = {answer->ha1,    challenge->nonce, SPAN("00000001"),
                           answer->cnonce, SPAN("auth"),     ha2_hex};
    size_t len = digest_hash(digest, challenge->algorithm, parts, 6, response);

    text_add(text, "Authorization: Digest username=\"");
    text_span_add(text, answer->user);
    text_add(text, "\", realm=\"");
    text_span_add(text, challenge->realm);
    text_add(text, "\", nonce=\"");
    text_span_add(text, challenge->nonce);
    text_add(text, "\", uri=\"");
    text_span_add(text, answer->uri);
    text_add(text, "\", response=\"");
    text_bytes(text, response, len);
    text_add(text, "\", algorithm=");
    text_bytes(text, names[challenge->algorithm], strlen(names[challenge->algorithm]));
    text_add(text, ", cnonce=\"");
    text_span_add(text, answer->cnonce);
    text_add(text, "\", qop=auth, nc=00000001");
    if (challenge->opaque.ptr) {
        text_add(text, ", opaque=\"");
        text_span_add(text, challenge->opaque);
        text_add(text, "\"");
    }
    text_add(text, "\r\n");
}
