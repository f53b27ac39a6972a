/* What bodies are and what is accepted: Accept, Accept-Encoding, Accept-Language, Content-Type,
 * Content-Disposition, Content-Language, MIME-Version. RFC 3261 sections 20.1
 * to 20.3, 20.11, 20.13, 20.15, 20.24. All are of one value: sip_values divides lists. Errors of
 * every _parse: ERR_SYNTAX. */
#ifndef SIP_MESSAGE_MEDIA_H
#define SIP_MESSAGE_MEDIA_H

#include "sip/message/param.h"

struct sip_media {
    struct slice type;    /* "application"; a range: also "*" */
    struct slice subtype; /* "sdp"; a range: also "*" */
    struct slice params;  /* from their first ';', q included */
    uint16_t q;           /* Accept: thousandths, 1000 when absent; Content-Type: 1000 */
};

/* Content-Type: no wildcards, every parameter has a value. */
int sip_content_type_parse(struct slice value, struct sip_media *ret_media);
/* One media range of Accept. */
int sip_accept_parse(struct slice value, struct sip_media *ret_media);
void sip_media_write(struct writer *w, const struct sip_media *media);
/* Is the type within the range (parameters aside)? */
bool sip_media_covers(const struct sip_media *range, const struct sip_media *type);

/* One coding of Accept-Encoding or one language range of Accept-Language. */
struct sip_preference {
    struct slice name;   /* a token, or "*" */
    struct slice params; /* from their first ';', q included */
    uint16_t q;          /* thousandths, 1000 when absent */
};

int sip_accept_encoding_parse(struct slice value, struct sip_preference *ret_preference);
int sip_accept_language_parse(struct slice value, struct sip_preference *ret_preference);
void sip_preference_write(struct writer *w, const struct sip_preference *preference);
/* language-tag, with digits after its first part as in RFC 5646: a value of Content-Language. */
bool sip_is_language(struct slice s);

struct sip_disposition {
    struct slice type; /* "session", "render" ... */
    struct slice params;
    bool required; /* handling; required unless it says optional (section 20.11) */
};

int sip_disposition_parse(struct slice value, struct sip_disposition *ret_disposition);
void sip_disposition_write(struct writer *w, const struct sip_disposition *disposition);

/* MIME-Version: 1.0. */
struct sip_mime_version {
    uint32_t major, minor;
};

int sip_mime_version_parse(struct slice value, struct sip_mime_version *ret_version);
void sip_mime_version_write(struct writer *w, const struct sip_mime_version *version);

#endif
