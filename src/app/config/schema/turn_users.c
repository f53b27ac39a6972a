/* TURN, who may use it: `turn`. */
#include "app/config/check.h"
#include "app/config/schema/section.h"
#include "base/error.h"
#include "service/turn/credential_token.h"
#include "service/turn/credential_users.h"

#include <openssl/crypto.h>

static int check_user(struct slice item, struct writer *why)
{
    struct slice name, password;
    if (turn_user_parse(item, &name, &password) == 0)
        return 0;
    writer_literal(why, "an item is no NAME:PASSWORD; write for example alice:wonderland");
    return ERR_SYNTAX;
}

static int check_token_key(struct slice item, struct writer *why)
{
    struct turn_token_key key;
    int status = turn_token_key_parse(item, &key);
    OPENSSL_cleanse(&key, sizeof key);
    if (status == 0)
        return 0;
    writer_literal(why, "an item is no KID:ALGORITHM:KEY; write A128GCM or A256GCM for the "
                        "algorithm and the key, of 16 or 32 bytes, in base64");
    return ERR_SYNTAX;
}

static const struct config_key keys[] = {
    {.name = "turn.realm",
     .type = CONFIG_STRING,
     .live = true,
     CONFIG_FIELD(turn_realm),
     .max = 100,
     .standard = "",
     .automatic = "auth.realm",
     .check = config_check_realm,
     .help =
         "The realm of TURN's passwords; when it is not auth.realm, SIP accounts cannot be used "
         "for TURN, because their passwords are kept for that realm only."},
    {.name = "turn.users",
     .type = CONFIG_STRINGS,
     .live = true,
     .secret = true,
     CONFIG_FIELD(turn_users),
     .max = TURN_USERS_MAX,
     .standard = "",
     .check = check_user,
     .help = "Users of TURN beside the SIP accounts: NAME:PASSWORD."},
    {.name = "turn.secret",
     .type = CONFIG_STRINGS,
     .live = true,
     .secret = true,
     CONFIG_FIELD(turn_secrets),
     .max = TURN_SECRETS_MAX,
     .standard = "",
     .help = "Secrets of TURN credentials that expire, as WebRTC applications give them out: the "
             "name is EXPIRY:USER with Unix seconds, the password base64(HMAC-SHA1(secret, name)); "
             "several, so that a new one can come before the old one goes."},
    {.name = "turn.token_keys",
     .type = CONFIG_STRINGS,
     .live = true,
     .secret = true,
     CONFIG_FIELD(turn_token_keys),
     .max = TURN_TOKEN_KEYS_MAX,
     .standard = "",
     .check = check_token_key,
     .help = "Keys shared with an authorization server whose tokens are taken for TURN (RFC 7635): "
             "KID:ALGORITHM:KEY with A128GCM or A256GCM and the key in base64."},
    {.name = "turn.server_name",
     .type = CONFIG_STRING,
     .live = true,
     CONFIG_FIELD(turn_server_name),
     .max = 255,
     .standard = "",
     .automatic = "turn.realm",
     .check = config_check_realm,
     .help = "The name that tokens must have been made for, told in THIRD-PARTY-AUTHORIZATION "
             "(RFC 7635)."},
    {.name = "turn.algorithms",
     .type = CONFIG_FLAGS,
     .live = true,
     CONFIG_FIELD(turn_algorithms),
     .min = 1,
     .max = 2,
     .words = config_algorithm_words,
     .standard = "SHA-256,MD5",
     .help = "Password algorithms offered to TURN clients (RFC 8489 section 18.5); most clients, "
             "browsers among them, know MD5 only."},
    {.name = "turn.userhash",
     .type = CONFIG_BOOL,
     .live = true,
     CONFIG_FIELD(turn_credential.userhash),
     .standard = "off",
     .help = "Tell clients to send their name hashed (RFC 8489 section 9.2.1); works for "
             "turn.users and SIP accounts, not for names that expire (turn.secret)."},
    {.name = "turn.nonce_lifetime",
     .type = CONFIG_SECONDS,
     .live = true,
     CONFIG_FIELD(turn_credential.nonce_lifetime_s),
     .min = 1,
     .max = HOUR_S,
     .standard = "600s",
     .help =
         "How long a nonce may be used, by the address and port that it was given to; later the "
         "client is given a new one (RFC 8489 section 9.2.4)."},
    {.name = "turn.user_allocations",
     .type = CONFIG_UINT,
     .live = true,
     CONFIG_FIELD(turn_quota.allocations),
     .max = 1000000,
     .unit = "allocations",
     .standard = "100",
     .help = "Allocations that one user may have at a time, on all workers together; beyond, they "
             "are answered 486; 0 means no limit."},
    {.name = "turn.user_bandwidth",
     .type = CONFIG_SIZE,
     .live = true,
     CONFIG_FIELD(turn_quota.bandwidth),
     .max = G(16),
     .standard = "0",
     .help =
         "Bytes per second that the allocations of one user carry, each way, a second's worth at "
         "once; what is beyond is lost, on connections it waits; 0 means no limit."},
};

const struct config_section config_section_turn_users = CONFIG_SECTION(keys);
