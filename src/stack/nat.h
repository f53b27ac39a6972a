/* What a message shows of a NAT between its sender and us. Pure; for requests whose sender speaks
 * to us himself. */
#ifndef STACK_NAT_H
#define STACK_NAT_H

#include "base/flow.h"
#include "sip/message/uri.h"
#include "sip/message/via.h"

/* Do answers go to the port that the request came from though it does not ask for that (RFC 3581)?
 * Its sent-by is a private address other than its source: only a NAT's mapping leads there, and the
 * port in Via (RFC 3261 section 18.2.2) is one that the NAT knows nothing of. */
bool nat_answers_source(const struct sip_via *via, const struct flow *flow);

/* Does the contact lead to its phone only along the flow? The phone
 * - writes an address into Via and contact that it does not send from,
 * - has learned the address of its mapping, and says so in the contact,
 * - has learned that of another mapping, as a symmetric NAT has for other servers: Via and contact
 *   name the right host, but not the port that it sends from (with rport it listens there),
 * - or names a private address, but does not send from one.
 * Whoever names another place on purpose is taken at his word. */
bool nat_hides(const struct sip_via *via, const struct flow *flow, const struct sip_uri *contact);

#endif
