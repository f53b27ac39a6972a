/* Headers of dialogs and subscriptions: Replaces (RFC 3891), Event and Subscription-State (RFC 6665
 * section 8.4), Session-Expires (RFC 4028 section 4), RAck (RFC 3262 section 7.2). Errors of every
 * _parse: ERR_SYNTAX, ERR_RANGE (numbers over 2^32-1). */
#ifndef SIP_MESSAGE_DIALOG_HEADERS_H
#define SIP_MESSAGE_DIALOG_HEADERS_H

#include "sip/message/method.h"
#include "sip/message/param.h"

struct sip_replaces {
    struct slice call_id;
    struct slice to_tag, from_tag; /* "0" also stands for none (RFC 3891 section 6.1) */
    bool early_only;
    struct slice params;
};

/* Both tags must be there exactly once (RFC 3891 section 6.1). */
int sip_replaces_parse(struct slice value, struct sip_replaces *ret_replaces);
void sip_replaces_write(struct writer *w, const struct sip_replaces *replaces);

struct sip_event {
    struct slice type;    /* with its templates: "presence.winfo" */
    struct slice package; /* before the first dot: "presence" */
    struct slice id;      /* empty when absent */
    struct slice params;
};

int sip_event_parse(struct slice value, struct sip_event *ret_event);
void sip_event_write(struct writer *w, const struct sip_event *event);

struct sip_subscription_state {
    struct slice state;  /* "active", "pending", "terminated" or another token */
    struct slice reason; /* empty when absent */
    bool has_expires, has_retry_after;
    uint32_t expires, retry_after; /* seconds */
    struct slice params;
};

int sip_subscription_state_parse(struct slice value, struct sip_subscription_state *ret_state);
void sip_subscription_state_write(struct writer *w, const struct sip_subscription_state *state);

enum sip_refresher { SIP_REFRESHER_NONE, SIP_REFRESHER_UAC, SIP_REFRESHER_UAS };

struct sip_session_expires {
    uint32_t seconds;
    enum sip_refresher refresher;
    struct slice params;
};

int sip_session_expires_parse(struct slice value, struct sip_session_expires *ret_expires);
void sip_session_expires_write(struct writer *w, const struct sip_session_expires *expires);

struct sip_rack {
    uint32_t response; /* RSeq of the provisional response */
    uint32_t cseq;
    enum sip_method method;
    struct slice method_name;
};

int sip_rack_parse(struct slice value, struct sip_rack *ret_rack);
void sip_rack_write(struct writer *w, const struct sip_rack *rack);

#endif
