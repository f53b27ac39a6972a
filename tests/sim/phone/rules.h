/* What RFC 3261 asks of the messages that a server hands on or answers with, as two messages side
 * by side show it. Each function returns NULL, or what is wrong. */
#ifndef SIM_PHONE_RULES_H
#define SIM_PHONE_RULES_H

#include "sim/phone/view.h"

/* A response, and the request that it answers as it was sent. */
const char *rule_response(const struct view *response, const struct view *request);
/* Two different responses to one request, in the order in which they came. */
const char *rule_order(const struct view *before, const struct view *now);
/* The same where the network may have turned the order around: two finals only. */
const char *rule_finals(const struct view *before, const struct view *now);
/* A CANCEL or the ACK of a refusal, and the INVITE that it belongs to. */
const char *rule_hop(const struct view *request, const struct view *invite);
/* A forwarded request, and as it was sent. */
const char *rule_forwarded(const struct view *request, const struct view *original);

#endif
