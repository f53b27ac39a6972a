/* A SIP message as the simulated phones read it: their own few lines, nothing of the server's
 * parser, so that an error there cannot hide here. Slices into the message. */
#ifndef SIM_PHONE_VIEW_H
#define SIM_PHONE_VIEW_H

#include "base/slice.h"

#define VIEW_HEADERS_MAX 64

struct view_header {
    struct slice name; /* long form */
    struct slice value;
};

struct view {
    struct slice raw;
    struct slice start_line;
    unsigned status;          /* 0: a request */
    struct slice method;      /* of the request line, or of CSeq */
    struct slice cseq_method; /* of CSeq */
    struct slice uri;         /* of the request line */
    uint32_t cseq;
    struct slice call_id;
    struct slice branch; /* of the top Via */
    struct slice from_tag;
    struct slice to_tag;
    unsigned count;
    struct view_header headers[VIEW_HEADERS_MAX];
    struct slice body;
};

/* False when it is no whole SIP message: *ret_why tells. */
bool view_parse(struct slice raw, struct view *ret_view, const char **ret_why);
/* The n-th line of that name (from 0 on), compact forms count; empty when there is none. */
struct slice view_line(const struct view *view, const char *name, unsigned n);
/* The n-th value of that name; lines are split at their commas. */
struct slice view_value(const struct view *view, const char *name, unsigned n);
unsigned view_values(const struct view *view, const char *name);
/* The parameter of a header value (after the URI's brackets, or after the first ';'). */
struct slice view_param(struct slice value, const char *name);
bool view_has_param(struct slice value, const char *name);
/* The URI of a name-addr or addr-spec. */
struct slice view_uri(struct slice value);
/* The parameter of a URI. */
struct slice view_uri_param(struct slice uri, const char *name);
bool view_uri_has_param(struct slice uri, const char *name);
/* A parameter's value of a list "a=b, c="d"" (digest challenges), quotes taken off. */
struct slice view_digest_param(struct slice value, const char *name);
/* Bytes of the first whole message in a stream, 0 when more are needed. */
size_t view_frame(struct slice bytes);

#endif
