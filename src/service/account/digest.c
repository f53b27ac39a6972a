#include "service/account/digest.h"

#include <openssl/crypto.h>

#include "base/error.h"
#include "base/writer.h"

int account_digest_init(struct account_digest *digest)
{
    digest->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    digest->sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    return digest->md5 == NULL || digest->sha256 == NULL ? ERR_UNSUPPORTED : 0;
}

void account_digest_done(struct account_digest *digest)
{
    EVP_MD_free(digest->md5);
    EVP_MD_free(digest->sha256);
}

int account_digest_make(const struct account_digest *digest, struct slice username,
                        struct slice realm, struct slice password, struct store_ha1 *ret_ha1)
{
    char text[1024];
    struct writer w;
    struct store_ha1 ha1;
    writer_init(&w, text, sizeof text);
    writer_put(&w, username);
    writer_char(&w, ':');
    writer_put(&w, realm);
    writer_char(&w, ':');
    writer_put(&w, password);
    int status = writer_status(&w) < 0 ? ERR_RANGE : 0;
    size_t length = writer_length(&w);
    if (status == 0 && (EVP_Digest(text, length, ha1.md5, NULL, digest->md5, NULL) != 1 ||
                        EVP_Digest(text, length, ha1.sha256, NULL, digest->sha256, NULL) != 1))
        status = ERR_NO_MEMORY;
    OPENSSL_cleanse(text, sizeof text);
    if (status == 0)
        *ret_ha1 = ha1;
    return status;
}
