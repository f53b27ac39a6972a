#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/error.h"
#include "base/random.h"
#include "loop/ws.h"

#define NONCE_BYTES 16
/* RFC 6455 section 1.3 */
#define WS_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

int ws_key_new(char key[WS_KEY_LENGTH])
{
    unsigned char nonce[NONCE_BYTES];
    unsigned char text[WS_KEY_LENGTH + 1];
    if (random_secret(nonce, sizeof(nonce)) != 0)
        return ERR_IO;
    EVP_EncodeBlock(text, nonce, sizeof(nonce));
    memcpy(key, text, WS_KEY_LENGTH);
    return 0;
}

int ws_key_hash(struct slice key, char hash[WS_HASH_LENGTH])
{
    char buffer[128];
    unsigned char digest[SHA_DIGEST_LENGTH];
    unsigned char text[WS_HASH_LENGTH + 1];
    struct writer w;
    writer_init(&w, buffer, sizeof(buffer));
    writer_put(&w, key);
    writer_literal(&w, WS_GUID);
    if (EVP_Digest(buffer, writer_length(&w), digest, NULL, EVP_sha1(), NULL) != 1)
        return ERR_NO_MEMORY;
    EVP_EncodeBlock(text, digest, sizeof(digest));
    memcpy(hash, text, WS_HASH_LENGTH);
    return 0;
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* 22 characters and two of padding; what the last character carries beyond 16 bytes is ignored. */
bool ws_key_valid(struct slice key)
{
    if (key.len != WS_KEY_LENGTH || memcmp(key.ptr + WS_KEY_LENGTH - 2, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < WS_KEY_LENGTH - 2; i++) {
        if (!is_base64(key.ptr[i]))
            return false;
    }
    return true;
}
