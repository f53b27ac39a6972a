#include "sim/phone/digest.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/phone/view.h"

#define HEX_MAX 65

bool digest_read(struct slice value, struct digest_challenge *challenge)
{
    struct slice algorithm = view_digest_param(value, "algorithm");
    if (!slice_starts_with_nocase(value, SLICE("Digest ")))
        return false;
    bool sha256 = slice_equal_nocase(algorithm, SLICE("SHA-256"));
    if (!sha256 && algorithm.len > 0 && !slice_equal_nocase(algorithm, SLICE("MD5")))
        return false;
    *challenge = (struct digest_challenge){.known = true, .sha256 = sha256};
    challenge->stale = slice_equal_nocase(view_digest_param(value, "stale"), SLICE("true"));
    slice_to_string(view_digest_param(value, "realm"), challenge->realm, sizeof(challenge->realm));
    slice_to_string(view_digest_param(value, "nonce"), challenge->nonce, sizeof(challenge->nonce));
    slice_to_string(view_digest_param(value, "opaque"), challenge->opaque,
                    sizeof(challenge->opaque));
    return true;
}

static void hash(bool sha256, char hex[HEX_MAX], const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void hash(bool sha256, char hex[HEX_MAX], const char *format, ...)
{
    char text[1024];
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(text) ||
        EVP_Digest(text, (size_t)n, bytes, &length, sha256 ? EVP_sha256() : EVP_md5(), NULL) != 1)
        abort();
    for (unsigned i = 0; i < length; i++)
        (void)snprintf(hex + (size_t)i * 2, 3, "%02x", bytes[i]);
}

void digest_write(struct writer *w, struct digest_challenge *challenge,
                  const struct digest_credentials *c)
{
    char ha1[HEX_MAX], ha2[HEX_MAX], response[HEX_MAX];
    const char *cnonce = "0a4f113b";
    challenge->nc++;
    hash(challenge->sha256, ha1, "%s:%s:%s", c->user, challenge->realm, c->password);
    hash(challenge->sha256, ha2, "%.*s:%.*s", SLICE_ARG(c->method), SLICE_ARG(c->uri));
    if (c->no_qop)
        hash(challenge->sha256, response, "%s:%s:%s", ha1, challenge->nonce, ha2);
    else
        hash(challenge->sha256, response, "%s:%s:%08x:%s:auth:%s", ha1, challenge->nonce,
             challenge->nc, cnonce, ha2);
    writer_format(w,
                  "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%.*s\", "
                  "response=\"%s\", algorithm=%s",
                  c->header, c->user, challenge->realm, challenge->nonce, SLICE_ARG(c->uri),
                  response, challenge->sha256 ? "SHA-256" : "MD5");
    if (!c->no_qop)
        writer_format(w, ", cnonce=\"%s\", qop=auth, nc=%08x", cnonce, challenge->nc);
    if (challenge->opaque[0] != '\0')
        writer_format(w, ", opaque=\"%s\"", challenge->opaque);
    writer_literal(w, "\r\n");
}
