/* Names of accounts: user or user@domain, in one canonical form. */
#ifndef SERVICE_ACCOUNT_NAME_H
#define SERVICE_ACCOUNT_NAME_H

#include "service/account/account.h"

struct account_name {
    size_t length;
    size_t user_length; /* length when there is no domain */
    char text[ACCOUNT_NAME_MAX];
};

static inline struct slice account_name_slice(const struct account_name *name)
{
    return slice_of(name->text, name->length);
}

/* The domain, which has no case, becomes lower case; the user stays as it is (RFC 3261 section
 * 19.1.4). domain may be empty. ERR_SYNTAX when it is no name. */
int account_name_make(struct slice user, struct slice domain, struct account_name *ret_name);
/* From "user" or "user@domain". ERR_SYNTAX. */
int account_name_parse(struct slice text, struct account_name *ret_name);

#endif
