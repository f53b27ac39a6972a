/* Which nonce counts were seen: no request with digest credentials is accepted twice. RFC 7616
 * sections 3.4 (nc) and 5.5. One table, shared by all workers, no locks. */
#ifndef SIP_AUTH_REPLAY_H
#define SIP_AUTH_REPLAY_H

#include "sip/auth/nonce.h"

struct sip_replay;

#define SIP_REPLAY_WINDOW 32    /* counts this far below the highest may still come, once each */
#define SIP_REPLAY_NC_MAX 65535 /* of one nonce; beyond, it counts as stale */

/* Remembers about that many nonces (rounded up; 18 bytes each); what does not fit pushes out the
 * oldest of its set, which then counts as stale. So do nonces from before now_ms: what was accepted
 * with them is not known. ERR_NO_MEMORY. */
int sip_replay_new(size_t nonces, uint64_t now_ms, struct sip_replay **ret_replay);
/* NULL is accepted. */
void sip_replay_free(struct sip_replay *replay);

/* Brings what accept looks at into the caches, ahead of it. */
void sip_replay_expect(const struct sip_replay *replay, const struct sip_nonce *nonce);
/* 0 and nc of nonce is now used; ERR_STALE when it was used before, is too far behind, or cannot be
 * told. Only for nonces that sip_nonce_verify took and credentials that are right. Any thread. */
int sip_replay_accept(struct sip_replay *replay, const struct sip_nonce *nonce, uint32_t nc);

#endif
