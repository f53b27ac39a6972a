#include "service/account/name.h"

#include "base/error.h"

/* A user stands in the quoted username of a digest and before a colon in its hash, so that neither
 * quote, backslash nor colon can be in it; blanks and controls are nobody's name. */
static bool is_user_char(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f && c != '"' && c != '\\' && c != ':' && c != '<' &&
           c != '>' && c != '@';
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int account_name_make(struct slice user, struct slice domain, struct account_name *ret_name)
{
    size_t length = user.len + (domain.len > 0 ? 1 + domain.len : 0);
    if (user.len == 0 || length > ACCOUNT_NAME_MAX)
        return ERR_SYNTAX;
    struct account_name name = {.length = length, .user_length = user.len};
    for (size_t i = 0; i < user.len; i++) {
        if (!is_user_char(user.ptr[i]))
            return ERR_SYNTAX;
        name.text[i] = user.ptr[i];
    }
    if (domain.len > 0)
        name.text[user.len] = '@';
    for (size_t i = 0; i < domain.len; i++) {
        char c = lower(domain.ptr[i]);
        if (!is_host_char(c))
            return ERR_SYNTAX;
        name.text[user.len + 1 + i] = c;
    }
    *ret_name = name;
    return 0;
}

int account_name_parse(struct slice text, struct account_name *ret_name)
{
    size_t at = slice_index(text, '@');
    struct slice domain = slice_from(text, at + 1);
    if (at < text.len && domain.len == 0)
        return ERR_SYNTAX;
    return account_name_make(slice_of(text.ptr, at), domain, ret_name);
}
