/* ;name=value parameters (RFC 3261 section 25.1 generic-param) and the lexical pieces of header
 * values. */
#ifndef SIP_MESSAGE_PARAM_H
#define SIP_MESSAGE_PARAM_H

#include "base/slice.h"
#include "base/writer.h"

struct sip_param {
    struct slice name;
    struct slice value; /* as sent, quotes included; empty when there is none */
    bool has_value;
};

/* Cuts the next parameter off *rest, which starts at ';' (after LWS) or is empty. >0 one was read,
 * 0 the end, ERR_SYNTAX. An unquoted value may hold '/' and '=' too, since tags in base64 are seen.
 */
int sip_param_next(struct slice *rest, struct sip_param *ret_param);
/* Are these parameters well-formed to their end? 0, ERR_SYNTAX. */
int sip_params_check(struct slice params);
/* First parameter of that name (case ignored); params must have been checked once. False when
 * absent. */
bool sip_param_find(struct slice params, struct slice name, struct sip_param *ret_param);

/* Character classes of RFC 3261 section 25.1. */
bool sip_is_token(struct slice s);
bool sip_is_token_char(unsigned char c);
/* Past LWS, folds included, from the front. */
struct slice sip_skip_lws(struct slice s);
/* A quoted-string at the front: its length with quotes, 0 when there is none, ERR_SYNTAX when it
 * does not end. */
int sip_quoted_length(struct slice s);
/* A comment "(...)" at the front, others nested in it: as above. */
int sip_comment_length(struct slice s);
/* Content of a quoted-string without quotes and backslashes, or the slice itself when it is not
 * quoted. */
void sip_unquote_write(struct writer *w, struct slice quoted);
void sip_quote_write(struct writer *w, struct slice text);

#endif
