/* Which domains and addresses are ours (RFC 3261 section 16.4, 16.5: "a domain this element is
 * responsible for"). Read-only once made; any thread. */
#ifndef SERVICE_DOMAINS_DOMAINS_H
#define SERVICE_DOMAINS_DOMAINS_H

#include "base/address.h"
#include "sip/message/uri.h"

#define DOMAINS_MAX           1024
#define DOMAINS_ADDRESSES_MAX 64

struct domains;

/* names: the configured domains (may be none). addresses: what we listen on; a wildcard stands for
 * every address of this machine (given by the caller as the interfaces' addresses) with its port.
 * The first name, else "localhost", is the domain that addresses of ours stand for. ERR_LIMIT,
 * ERR_SYNTAX (name). */
int domains_new(const struct slice *names, size_t name_count, const struct address *addresses,
                size_t address_count, struct domains **ret_domains);
void domains_free(struct domains *domains);

/* Is the host a domain of ours, or one of our addresses with a port of ours (or none given)? Then
 * *ret_domain is its canonical name. */
bool domains_local(const struct domains *domains, struct slice host, uint16_t port,
                   struct slice *ret_domain);
/* Does the URI name this very server (one of our addresses and ports, or a domain of ours, without
 * a user, or with one we wrote)? For Route and strict routing (16.4). */
bool domains_is_self(const struct domains *domains, const struct sip_uri *uri);
struct slice domains_primary(const struct domains *domains);

/* The canonical AOR of a sip/sips URI of ours: "sip:user@domain" with the canonical domain.
 * ERR_NOT_FOUND (not ours), ERR_UNSUPPORTED (scheme), ERR_LIMIT. */
int domains_aor(const struct domains *domains, const struct sip_uri *uri, struct writer *w);

#endif
