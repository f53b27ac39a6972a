#include "sip/auth/challenge.h"

#include "sip/message/param.h"

void sip_challenge_write(struct writer *w, const struct sip_challenge *challenge)
{
    for (unsigned i = 0; i < challenge->algorithm_count; i++) {
        if (challenge->proxy) {
            writer_literal(w, "Proxy-Authenticate: Digest realm=");
        } else {
            writer_literal(w, "WWW-Authenticate: Digest realm=");
        }
        sip_quote_write(w, challenge->realm);
        writer_literal(w, ", nonce=\"");
        writer_put(w, challenge->nonce);
        writer_literal(w, "\", algorithm=");
        writer_put(w, sip_digest_name(challenge->algorithms[i]));
        writer_literal(w, ", qop=\"auth\"");
        if (challenge->stale) {
            writer_literal(w, ", stale=true");
        }
        writer_literal(w, "\r\n");
    }
}
