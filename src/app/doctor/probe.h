/* Asks a server on this machine, or elsewhere, whether it answers: one question, a bounded wait. */
#ifndef APP_DOCTOR_PROBE_H
#define APP_DOCTOR_PROBE_H

#include <openssl/x509.h>

#include "base/flow.h"

struct probe {
    enum transport transport;
    struct address address;
    bool stun; /* a STUN Binding request instead of OPTIONS; UDP, TCP and TLS */
};

struct probe_answer {
    unsigned status;   /* of the SIP response; 0 for others */
    X509 *certificate; /* that was shown; the caller's; NULL without TLS */
};

#define PROBE_WAIT_MS 2000

/* UDP, TCP, TLS: OPTIONS and its answer, or STUN; DTLS: STUN alone; WS, WSS: the HTTP answer.
 * Errors: ERR_UNREACHABLE (nobody takes it), ERR_TIMEOUT (nothing comes back), ERR_INVALID (no such
 * answer, or no TLS), ERR_UNSUPPORTED (SCTP), ERR_IO. */
int probe_run(const struct probe *probe, struct probe_answer *ret_answer);

#endif
