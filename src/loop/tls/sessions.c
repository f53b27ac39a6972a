/* Sessions with those we connect to, by server and address: the next connection there costs no
 * signatures. */
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "loop/tls/tls_private.h"

int sessions_init(struct sessions *sessions)
{
    if (pthread_mutex_init(&sessions->lock, NULL) != 0)
        return ERR_NO_MEMORY;
    sessions->slots = memory_zalloc(SESSION_SLOTS, sizeof(*sessions->slots));
    if (sessions->slots == NULL)
        return ERR_NO_MEMORY;
    return random_secret(&sessions->key, sizeof(sessions->key));
}

static void clear(struct session_slot *slot)
{
    SSL_SESSION_free(slot->session);
    memory_free(slot->server);
    *slot = (struct session_slot){0};
}

static void clear_all(struct sessions *sessions)
{
    for (unsigned i = 0; sessions->slots != NULL && i < SESSION_SLOTS; i++)
        clear(&sessions->slots[i]);
}

void sessions_forget(struct sessions *sessions)
{
    (void)pthread_mutex_lock(&sessions->lock);
    clear_all(sessions);
    (void)pthread_mutex_unlock(&sessions->lock);
}

void sessions_done(struct sessions *sessions)
{
    clear_all(sessions);
    memory_free(sessions->slots);
    (void)pthread_mutex_destroy(&sessions->lock);
}

static uint64_t hash_of(const struct sessions *sessions, const struct tls_connection *connection)
{
    struct hash_state state;
    hash_begin(&state, &sessions->key);
    hash_add_nocase(&state, slice_of(connection->server, connection->server_length));
    hash_add_u64(&state, address_hash(sessions->key.k0, &connection->remote));
    return hash_end(&state);
}

static bool is_of(const struct session_slot *slot, uint64_t hash,
                  const struct tls_connection *connection)
{
    return slot->session != NULL && slot->hash == hash &&
           address_equal(&slot->remote, &connection->remote) &&
           slice_equal_nocase(slice_from_string(slot->server),
                              slice_of(connection->server, connection->server_length));
}

void sessions_offer(struct sessions *sessions, const struct tls_connection *connection)
{
    uint64_t hash = hash_of(sessions, connection);
    const struct session_slot *slot = &sessions->slots[hash % SESSION_SLOTS];
    (void)pthread_mutex_lock(&sessions->lock);
    if (is_of(slot, hash, connection))
        (void)SSL_set_session(connection->ssl, slot->session);
    (void)pthread_mutex_unlock(&sessions->lock);
}

/* 1: the session is ours now. */
int sessions_on_new(SSL *ssl, SSL_SESSION *session)
{
    const struct tls_connection *connection = tls_connection_of(ssl);
    struct sessions *sessions = &connection->tls->sessions;
    uint64_t hash = hash_of(sessions, connection);
    struct session_slot *slot = &sessions->slots[hash % SESSION_SLOTS];
    char *server = memory_alloc((size_t)connection->server_length + 1);
    if (connection->accepted || server == NULL) {
        memory_free(server);
        return 0;
    }
    slice_to_string(slice_of(connection->server, connection->server_length), server,
                    (size_t)connection->server_length + 1);
    (void)pthread_mutex_lock(&sessions->lock);
    clear(slot);
    *slot = (struct session_slot){hash, session, server, connection->remote};
    (void)pthread_mutex_unlock(&sessions->lock);
    return 1;
}
