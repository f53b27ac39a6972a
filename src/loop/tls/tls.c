#include "loop/tls/tls.h"

#include "base/error.h"
#include "base/memory.h"
#include "loop/tls/identity.h"
#include "loop/tls/tls_private.h"

static int equip(struct tls *tls, const struct tls_config *config, struct tls_fault *fault)
{
    if (pthread_mutex_init(&tls->lock, NULL) != 0)
        return ERR_NO_MEMORY;
    int err = tickets_init(&tls->tickets);
    int also = sessions_init(&tls->sessions);
    tls->bio = tls_bio_method();
    if (err == 0)
        err = also;
    if (err == 0 && tls->bio == NULL)
        err = ERR_NO_MEMORY;
    return err == 0 ? tls_contexts_make(tls, config, &tls->contexts, fault) : err;
}

int tls_new(const struct tls_config *config, struct tls_fault *ret_fault, struct tls **ret_tls)
{
    struct tls *tls = memory_zalloc(1, sizeof(*tls));
    if (tls == NULL)
        return ERR_NO_MEMORY;
    int err = equip(tls, config, ret_fault);
    if (err != 0)
        tls_free(tls);
    else
        *ret_tls = tls;
    return err;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    tls_contexts_free(&tls->contexts);
    tickets_done(&tls->tickets);
    sessions_done(&tls->sessions);
    BIO_meth_free(tls->bio);
    (void)pthread_mutex_destroy(&tls->lock);
    memory_free(tls);
}

int tls_reload(struct tls *tls, const struct tls_config *config, struct tls_fault *ret_fault)
{
    struct tls_contexts fresh;
    int err = tls_contexts_make(tls, config, &fresh, ret_fault);
    if (err != 0)
        return err;
    (void)pthread_mutex_lock(&tls->lock);
    struct tls_contexts old = tls->contexts;
    tls->contexts = fresh;
    (void)atomic_fetch_add(&tls->generation, 1);
    (void)pthread_mutex_unlock(&tls->lock);
    tls_contexts_free(&old); /* connections hold what they use */
    /* What was trusted then may not be trusted now. */
    tickets_forget(&tls->tickets);
    sessions_forget(&tls->sessions);
    return 0;
}

bool tls_has_certificate(struct tls *tls, struct slice domain)
{
    bool has = false;
    (void)pthread_mutex_lock(&tls->lock);
    for (unsigned i = 0; i < tls->contexts.server_count && !has; i++)
        has = tls_identity_proves(SSL_CTX_get0_certificate(tls->contexts.servers[i]), domain);
    (void)pthread_mutex_unlock(&tls->lock);
    return has;
}

int tls_datagram_ssl(struct tls *tls, SSL **ret_ssl, unsigned *ret_generation)
{
    (void)pthread_mutex_lock(&tls->lock);
    SSL_CTX *context = tls->contexts.datagrams[0];
    SSL *ssl = context == NULL ? NULL : SSL_new(context);
    *ret_generation = atomic_load(&tls->generation);
    (void)pthread_mutex_unlock(&tls->lock);
    if (ssl == NULL)
        return context == NULL ? ERR_UNSUPPORTED : ERR_NO_MEMORY;
    SSL_set_accept_state(ssl);
    *ret_ssl = ssl;
    return 0;
}

unsigned tls_generation(const struct tls *tls)
{
    return atomic_load_explicit(&tls->generation, memory_order_relaxed);
}

uint64_t tls_count(const struct tls *tls, enum tls_count which)
{
    return atomic_load_explicit(&tls->counts[which], memory_order_relaxed);
}
