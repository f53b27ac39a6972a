/* The SIP domain identities of a certificate (RFC 5922 sections 7.1, 7.2). */
#ifndef LOOP_TLS_IDENTITY_H
#define LOOP_TLS_IDENTITY_H

#include <openssl/x509.h>

#include "base/slice.h"

/* Is domain one of the certificate's identities? A numeric address is, when it is the host of a sip
 * URI, or an iPAddress, in the subjectAltName. The certificate's validity is another matter. */
bool tls_identity_proves(const X509 *certificate, struct slice domain);

#endif
