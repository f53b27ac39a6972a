#include "service/gruu/gruu.h"

#include <openssl/evp.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/memory.h"

#define NONCE_BYTES 12
#define PROOF_BYTES 12
#define PLAIN_MAX   512
#define NAMED_MAX   1024 /* of a user, of an instance; all that can be registered is shorter */
#define PLAIN_STEP  32   /* all of one step are of one length */
#define TIME_BYTES  6
#define UUID_BYTES  16

static const struct slice user_prefix = SLICE_LITERAL("tgruu.");
static const struct slice uuid_prefix = SLICE_LITERAL("<urn:uuid:");

struct gruu {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *context;
    uint8_t key[GRUU_KEY];
};

int gruu_new(const uint8_t key[GRUU_KEY], struct gruu **ret_gruu)
{
    struct gruu *gruu = memory_zalloc(1, sizeof(*gruu));
    if (gruu == NULL)
        return ERR_NO_MEMORY;
    memcpy(gruu->key, key, sizeof(gruu->key));
    gruu->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    gruu->context = EVP_CIPHER_CTX_new();
    if (gruu->cipher == NULL || gruu->context == NULL) {
        gruu_free(gruu);
        return ERR_NO_MEMORY;
    }
    *ret_gruu = gruu;
    return 0;
}

void gruu_free(struct gruu *gruu)
{
    if (gruu == NULL)
        return;
    EVP_CIPHER_CTX_free(gruu->context);
    EVP_CIPHER_free(gruu->cipher);
    memory_free(gruu);
}

bool gruu_is(const struct sip_uri *uri)
{
    struct slice value;
    return (uri->scheme == SIP_URI_SIP || uri->scheme == SIP_URI_SIPS) &&
           sip_uri_param(uri, SLICE("gr"), &value);
}

/* ---- public (section 5.4, appendix A.1) ---- */

static struct slice without_brackets(struct slice instance)
{
    bool bracketed =
        instance.len >= 2 && instance.ptr[0] == '<' && instance.ptr[instance.len - 1] == '>';
    return bracketed ? slice_of(instance.ptr + 1, instance.len - 2) : instance;
}

/* What may stand in a parameter of a URI as it is (RFC 3261 section 25.1: paramchar). */
static bool is_plain(char c)
{
    static const struct slice marks = SLICE_LITERAL("-_.!~*'()[]/:&+$");
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           slice_index(marks, c) < marks.len;
}

void gruu_write_public(struct writer *w, struct slice aor, struct slice instance)
{
    struct slice text = without_brackets(instance);
    writer_put(w, aor);
    writer_literal(w, ";gr=");
    for (size_t i = 0; i < text.len; i++) {
        if (is_plain(text.ptr[i])) {
            writer_char(w, text.ptr[i]);
        } else {
            writer_char(w, '%');
            writer_hex(w, (uint8_t)text.ptr[i], 2);
        }
    }
}

/* ---- temporary (appendix A.2, with both names in it instead of a number) ---- */

/* "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>" as 16 bytes; false for any other instance. */
static bool pack_uuid(struct slice instance, uint8_t uuid[UUID_BYTES])
{
    uint64_t high, low;
    char digits[33];
    size_t count = 0;
    if (instance.len != 47 || !slice_starts_with(instance, uuid_prefix) || instance.ptr[46] != '>')
        return false;
    for (size_t i = 0; i < 36; i++) {
        char c = instance.ptr[uuid_prefix.len + i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (c == '-') || (c >= 'A' && c <= 'F')) /* it must come out as it went in */
            return false;
        if (!dash)
            digits[count++] = c;
    }
    if (slice_hex_to_u64(slice_of(digits, 16), &high) < 0 ||
        slice_hex_to_u64(slice_of(digits + 16, 16), &low) < 0)
        return false;
    memcpy(uuid, &high, sizeof(high));
    memcpy(uuid + sizeof(high), &low, sizeof(low));
    return true;
}

static void write_uuid(struct writer *w, const uint8_t uuid[UUID_BYTES])
{
    uint64_t high, low;
    memcpy(&high, uuid, sizeof(high));
    memcpy(&low, uuid + sizeof(high), sizeof(low));
    writer_put(w, uuid_prefix);
    writer_hex(w, high >> 32, 8);
    writer_char(w, '-');
    writer_hex(w, high >> 16 & 0xffff, 4);
    writer_char(w, '-');
    writer_hex(w, high & 0xffff, 4);
    writer_char(w, '-');
    writer_hex(w, low >> 48, 4);
    writer_char(w, '-');
    writer_hex(w, low & 0xffffffffffff, 12);
    writer_char(w, '>');
}

static void put_length(struct writer *w, size_t length)
{
    uint16_t value = (uint16_t)length;
    writer_bytes(w, &value, sizeof(value));
}

/* Time, user, instance; filled up so that lengths tell little about who it is. */
static int write_plain(struct writer *w, struct slice user, struct slice instance, int64_t now_ms)
{
    uint8_t uuid[UUID_BYTES];
    uint64_t time = (uint64_t)now_ms;
    writer_bytes(w, &time, TIME_BYTES);
    put_length(w, user.len);
    writer_put(w, user);
    if (pack_uuid(instance, uuid)) {
        put_length(w, 0);
        writer_bytes(w, uuid, sizeof(uuid));
    } else {
        put_length(w, instance.len);
        writer_put(w, instance);
    }
    while (writer_status(w) == 0 && writer_length(w) % PLAIN_STEP != 0)
        writer_char(w, '\0');
    return writer_status(w);
}

static bool encrypt(struct gruu *gruu, const uint8_t *nonce, struct slice domain,
                    struct slice plain, uint8_t *out)
{
    EVP_CIPHER_CTX *c = gruu->context;
    int length = 0;
    return EVP_EncryptInit_ex2(c, gruu->cipher, gruu->key, nonce, NULL) == 1 &&
           EVP_EncryptUpdate(c, NULL, &length, (const uint8_t *)domain.ptr, (int)domain.len) == 1 &&
           EVP_EncryptUpdate(c, out, &length, (const uint8_t *)plain.ptr, (int)plain.len) == 1 &&
           EVP_EncryptFinal_ex(c, out + length, &length) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, PROOF_BYTES, out + plain.len) == 1;
}

static bool decrypt(struct gruu *gruu, const uint8_t *nonce, struct slice domain, uint8_t *bytes,
                    size_t len, uint8_t *out)
{
    EVP_CIPHER_CTX *c = gruu->context;
    int length = 0;
    return EVP_DecryptInit_ex2(c, gruu->cipher, gruu->key, nonce, NULL) == 1 &&
           EVP_DecryptUpdate(c, NULL, &length, (const uint8_t *)domain.ptr, (int)domain.len) == 1 &&
           EVP_DecryptUpdate(c, out, &length, bytes, (int)len) == 1 &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, PROOF_BYTES, bytes + len) == 1 &&
           EVP_DecryptFinal_ex(c, out + length, &length) == 1;
}

/* "sip:user@domain" */
static bool split_aor(struct slice aor, struct slice *ret_user, struct slice *ret_domain)
{
    struct slice rest = slice_from(aor, 4);
    *ret_user = slice_cut(&rest, '@');
    *ret_domain = rest;
    return rest.len > 0;
}

int gruu_write_temporary(struct gruu *gruu, struct writer *w, struct slice aor,
                         struct slice instance, int64_t now_ms, struct random *random)
{
    char plain[PLAIN_MAX];
    uint8_t bytes[NONCE_BYTES + PLAIN_MAX + PROOF_BYTES];
    uint64_t numbers[2] = {random_u64(random), random_u64(random)};
    struct slice user, domain;
    struct writer p;
    writer_init(&p, plain, sizeof(plain));
    if (!split_aor(aor, &user, &domain) || write_plain(&p, user, instance, now_ms) < 0)
        return ERR_LIMIT;
    memcpy(bytes, numbers, NONCE_BYTES);
    if (!encrypt(gruu, bytes, domain, writer_slice(&p), bytes + NONCE_BYTES))
        return ERR_NO_MEMORY;
    writer_literal(w, "sip:");
    writer_put(w, user_prefix);
    base64url_write(w, bytes, NONCE_BYTES + writer_length(&p) + PROOF_BYTES);
    writer_char(w, '@');
    writer_put(w, domain);
    writer_literal(w, ";gr");
    return writer_status(w);
}

static bool take(struct slice *rest, void *ret, size_t size)
{
    if (rest->len < size)
        return false;
    memcpy(ret, rest->ptr, size);
    *rest = slice_from(*rest, size);
    return true;
}

static bool take_text(struct slice *rest, size_t length, struct slice *ret)
{
    if (rest->len < length)
        return false;
    *ret = slice_of(rest->ptr, length);
    *rest = slice_from(*rest, length);
    return true;
}

/* The reverse of write_plain; nobody else can have written what was proved. */
static bool read_plain(struct slice plain, uint64_t *ret_time, struct slice *ret_user,
                       struct writer *instance)
{
    uint8_t uuid[UUID_BYTES];
    struct slice text;
    uint16_t length;
    *ret_time = 0;
    if (!take(&plain, ret_time, TIME_BYTES) || !take(&plain, &length, sizeof(length)) ||
        !take_text(&plain, length, ret_user) || !take(&plain, &length, sizeof(length)))
        return false;
    if (length == 0) {
        if (!take(&plain, uuid, sizeof(uuid)))
            return false;
        write_uuid(instance, uuid);
    } else {
        if (!take_text(&plain, length, &text))
            return false;
        writer_put(instance, text);
    }
    return writer_status(instance) == 0;
}

static int write_names(struct arena *arena, struct slice user, struct slice domain,
                       struct slice instance, struct gruu_name *ret_name)
{
    char text[NAMED_MAX + 300];
    struct writer w;
    writer_init(&w, text, sizeof(text));
    writer_literal(&w, "sip:");
    writer_put(&w, user);
    writer_char(&w, '@');
    writer_put(&w, domain);
    if (writer_status(&w) < 0)
        return ERR_NOT_FOUND;
    int status = arena_copy(arena, writer_slice(&w), &ret_name->aor);
    return status < 0 ? status : arena_copy(arena, instance, &ret_name->instance);
}

static int read_temporary(struct gruu *gruu, struct slice text, struct slice domain,
                          struct arena *arena, struct gruu_name *ret_name)
{
    uint8_t bytes[NONCE_BYTES + PLAIN_MAX + PROOF_BYTES], plain[PLAIN_MAX];
    char instance[PLAIN_MAX];
    size_t len;
    uint64_t time;
    struct slice user;
    struct writer w;
    writer_init(&w, instance, sizeof(instance));
    if (base64url_parse(text, bytes, sizeof(bytes), &len) < 0 || len <= NONCE_BYTES + PROOF_BYTES)
        return ERR_NOT_FOUND;
    len -= NONCE_BYTES + PROOF_BYTES;
    if (!decrypt(gruu, bytes, domain, bytes + NONCE_BYTES, len, plain) ||
        !read_plain(slice_of((const char *)plain, len), &time, &user, &w))
        return ERR_NOT_FOUND;
    ret_name->temporary = true;
    ret_name->made_ms = (int64_t)time;
    return write_names(arena, user, domain, writer_slice(&w), ret_name);
}

static int read_public(const struct sip_uri *uri, struct slice value, struct slice domain,
                       struct arena *arena, struct gruu_name *ret_name)
{
    char user[NAMED_MAX], instance[NAMED_MAX];
    struct writer u, i;
    writer_init(&u, user, sizeof(user));
    writer_init(&i, instance, sizeof(instance));
    sip_uri_write_user(&u, uri->user);
    writer_char(&i, '<');
    sip_unescape_write(&i, value);
    writer_char(&i, '>');
    if (uri->user.len == 0 || writer_status(&u) < 0 || writer_status(&i) < 0)
        return ERR_NOT_FOUND;
    ret_name->temporary = false;
    ret_name->made_ms = 0;
    return write_names(arena, writer_slice(&u), domain, writer_slice(&i), ret_name);
}

int gruu_read(struct gruu *gruu, const struct sip_uri *uri, struct slice domain,
              struct arena *arena, struct gruu_name *ret_name)
{
    struct slice value;
    if (!sip_uri_param(uri, SLICE("gr"), &value))
        return ERR_NOT_FOUND;
    if (value.len > 0)
        return read_public(uri, value, domain, arena, ret_name);
    if (!slice_starts_with(uri->user, user_prefix))
        return ERR_NOT_FOUND;
    return read_temporary(gruu, slice_from(uri->user, user_prefix.len), domain, arena, ret_name);
}

bool gruu_leads_to(const struct gruu_name *name, const struct binding *binding)
{
    return binding->instance.len > 0 &&
           slice_equal_nocase(without_brackets(binding->instance),
                              without_brackets(name->instance)) &&
           (!name->temporary || name->made_ms >= binding->since_ms);
}
