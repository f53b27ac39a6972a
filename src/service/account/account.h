/* Accounts: who may register and call. Kept in the store as HA1 digests per algorithm (never a
 * password), read from memory. Any thread. */
#ifndef SERVICE_ACCOUNT_ACCOUNT_H
#define SERVICE_ACCOUNT_ACCOUNT_H

#include "base/random.h"
#include "base/slice.h"
#include "store/store.h"

struct accounts;

#define ACCOUNT_NAME_MAX        128
#define ACCOUNT_PASSWORD_LENGTH 20 /* of a generated password, NUL not counted */

/* Reads every account of the store. realm: digests are made and found for it. store may be shared;
 * borrowed. */
int accounts_new(struct store *store, struct slice realm, struct accounts **ret_accounts);
void accounts_free(struct accounts *accounts);
size_t accounts_count(const struct accounts *accounts);

/* HA1 of "user" at one of our domains: the account "user@domain" if there is one, else "user".
 * algorithm: 0 MD5, 1 SHA-256. Copies 16 or 32 bytes. ERR_NOT_FOUND. Wait-free or nearly so: it is
 * on the path of every authenticated request. */
int accounts_ha1(struct accounts *accounts, struct slice user, struct slice domain,
                 unsigned algorithm, uint8_t *ret_ha1);
/* Does the account exist at all (known users without bindings get 480, unknown ones 404)? */
bool accounts_known(struct accounts *accounts, struct slice user, struct slice domain);

/* Errors: ERR_EXISTS, ERR_SYNTAX (name), ERR_IO. */
int accounts_add(struct accounts *accounts, struct slice name, struct slice password);
/* ERR_NOT_FOUND. */
int accounts_set_password(struct accounts *accounts, struct slice name, struct slice password);
int accounts_remove(struct accounts *accounts, struct slice name);
/* In order of name. */
int accounts_each(struct accounts *accounts,
                  void (*visit)(void *user, struct slice name, int64_t created_ms), void *user);
/* A random password that a person can type: letters and digits without look-alikes. buf holds
 * ACCOUNT_PASSWORD_LENGTH + 1. */
int account_password_make(char *buf);

#endif
