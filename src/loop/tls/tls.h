/* TLS as a layer (loop/layer.h): certificates, keys, trust and sessions, shared by all workers, and
 * the layer of one connection. TLS 1.2 and 1.3. Whom we connect to must prove his name as RFC 5922
 * says. Thread-safe: everything but tls_free may be called while workers use it. */
#ifndef LOOP_TLS_TLS_H
#define LOOP_TLS_TLS_H

#include "loop/layer.h"

#define TLS_PAIRS_MAX 16

struct tls;

enum tls_client { TLS_CLIENT_NONE, TLS_CLIENT_REQUEST, TLS_CLIENT_REQUIRE };
enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* A certificate, with what leads from it to its root after it, and its key: PEM files. */
struct tls_pair {
    const char *certificate;
    const char *key;
};

struct tls_config {
    /* The one whose names fit what a client asks for (SNI) is shown, else the first. None: we can
     * connect, but nobody to us. */
    struct tls_pair pairs[TLS_PAIRS_MAX];
    unsigned pair_count;
    const char *trust; /* PEM file of roots; NULL or empty: those of the system */
    bool verify;       /* whom we connect to must prove his name */
    uint32_t client;   /* enum tls_client: whether who connects to us must have a certificate */
    uint32_t version;  /* enum tls_version: the oldest */
};

enum tls_part { TLS_PART_CERTIFICATE, TLS_PART_KEY, TLS_PART_TRUST, TLS_PART_NONE };

/* What is wrong with a configuration, and what would be right. */
struct tls_fault {
    enum tls_part part;
    char text[640];
};

/* Reads and checks all files. ERR_INVALID with *ret_fault, ERR_NO_MEMORY. */
int tls_new(const struct tls_config *config, struct tls_fault *ret_fault, struct tls **ret_tls);
/* After the last layer. NULL is accepted. */
void tls_free(struct tls *tls);
/* New connections use the new files, present ones stay as they are; sessions from before are not
 * resumed. Whole or not at all; errors as tls_new. */
int tls_reload(struct tls *tls, const struct tls_config *config, struct tls_fault *ret_fault);

/* Do we have a certificate that proves domain? */
bool tls_has_certificate(struct tls *tls, struct slice domain);

enum tls_count {
    TLS_ACCEPTED,  /* handshakes done */
    TLS_CONNECTED, /* the same, where we connected */
    TLS_RESUMED,   /* of both: by a session from before */
    TLS_COUNTS
};
uint64_t tls_count(const struct tls *tls, enum tls_count which);

/* config: struct tls. */
extern const struct layer_type tls_layer;

/* A certificate that signs itself: ECDSA P-256, ten years. Names are domains or numeric addresses;
 * each becomes an identity as RFC 5922 section 7.1 reads it. */
struct tls_make {
    const char *certificate; /* files that do not exist yet; the key's is readable for us only */
    const char *key;
    const struct slice *names;
    unsigned name_count; /* at least one */
};
/* ERR_EXISTS, ERR_INVALID with *ret_fault, ERR_NO_MEMORY. */
int tls_make(const struct tls_make *make, struct tls_fault *ret_fault);

#endif
