/* Accounts: who may register and call. Kept in the store as HA1 digests per algorithm (never a
 * password), read from memory. Any thread. */
#ifndef SERVICE_ACCOUNT_ACCOUNT_H
#define SERVICE_ACCOUNT_ACCOUNT_H

#include "base/random.h"
#include "base/slice.h"
#include "store/store.h"

struct accounts;

#define ACCOUNT_NAME_MAX        128
#define ACCOUNT_PASSWORD_MAX    256
#define ACCOUNT_PASSWORD_LENGTH 20 /* of a generated password, NUL not counted */
#define ACCOUNT_USERHASH_SIZE   32

/* Reads every account of the store. realm: digests are made and found for it. store may be shared;
 * borrowed. ERR_IO, ERR_NO_MEMORY, ERR_UNSUPPORTED (OpenSSL refuses MD5 or SHA-256). */
int accounts_new(struct store *store, struct slice realm, struct accounts **ret_accounts);
void accounts_free(struct accounts *accounts);
size_t accounts_count(const struct accounts *accounts);
/* How many were made for another realm: they are known, but nobody can log in with them until they
 * get a new password. */
size_t accounts_count_of_other_realms(const struct accounts *accounts);

/* HA1 for the username of a digest, at one of our domains: the account "user@domain" if there is
 * one, else "user". user is what the phone sent, "alice" or "alice@example.com"; with the second
 * form the account must be that of this domain, or the domain the realm. algorithm: 0 MD5, 1
 * SHA-256. Copies 16 or 32 bytes. ERR_NOT_FOUND. Nearly wait-free: it is on the path of every
 * authenticated request. */
int accounts_ha1(struct accounts *accounts, struct slice user, struct slice domain,
                 unsigned algorithm, uint8_t *ret_ha1);
/* Does the account exist at all (known users without bindings get 480, unknown ones 404)? user has
 * no domain. */
bool accounts_known(struct accounts *accounts, struct slice user, struct slice domain);

/* From now on usernames are found by their hash, SHA-256 of username ":" realm (RFC 8489 section
 * 14.4); takes two hashes and some 150 bytes for each account. Does nothing when they are kept
 * already. ERR_NO_MEMORY. */
int accounts_keep_hashes(struct accounts *accounts);
/* The username of that hash, as accounts_ha1 takes it. ERR_NOT_FOUND: nobody's, or no hashes are
 * kept. */
int accounts_name_of_hash(struct accounts *accounts, const uint8_t userhash[ACCOUNT_USERHASH_SIZE],
                          char buf[ACCOUNT_NAME_MAX], size_t *ret_length);

/* name: "alice" or "alice@example.com". Errors: ERR_EXISTS, ERR_SYNTAX (name), ERR_RANGE (password
 * empty or too long), ERR_IO, ERR_NO_MEMORY. */
int accounts_add(struct accounts *accounts, struct slice name, struct slice password);
/* ERR_NOT_FOUND, else as accounts_add. */
int accounts_set_password(struct accounts *accounts, struct slice name, struct slice password);
/* ERR_NOT_FOUND, ERR_IO. */
int accounts_remove(struct accounts *accounts, struct slice name);
/* In order of name, all accounts of one moment. ERR_NO_MEMORY. */
int accounts_each(struct accounts *accounts,
                  void (*visit)(void *user, struct slice name, int64_t created_ms), void *user);
/* A random password that a person can type: letters and digits without look-alikes, 100 bits. buf
 * holds ACCOUNT_PASSWORD_LENGTH + 1. ERR_IO. */
int account_password_make(char *buf);

#endif
