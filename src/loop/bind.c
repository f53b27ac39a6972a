#include "loop/bind.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/mesh_private.h"

#define LISTEN_BACKLOG 4096 /* cut to net.core.somaxconn */

struct binding {
    struct list node;
    struct address address;
    int type;
    unsigned sockets;
};

void bindings_init(struct bindings *b)
{
    (void)pthread_mutex_init(&b->lock, NULL);
    list_init(&b->list);
}

void bindings_done(struct bindings *b)
{
    list_for_each_safe(node, &b->list)
    {
        memory_free(container_of(node, struct binding, node));
    }
    (void)pthread_mutex_destroy(&b->lock);
}

static struct binding *bindings_find(struct bindings *b, int type, const struct address *address)
{
    list_for_each(node, &b->list)
    {
        struct binding *binding = container_of(node, struct binding, node);
        if (binding->type == type && address_equal(&binding->address, address))
            return binding;
    }
    return NULL;
}

static struct binding *bindings_add(struct bindings *b, int type)
{
    struct binding *binding = memory_zalloc(1, sizeof(*binding));
    if (binding == NULL)
        return NULL;
    binding->type = type;
    list_append(&b->list, &binding->node);
    return binding;
}

static void bindings_remove(struct binding *binding)
{
    list_remove(&binding->node);
    memory_free(binding);
}

int bind_error(int error)
{
    switch (error) {
    case EADDRINUSE: return ERR_EXISTS;
    case EACCES:
    case EPERM: return ERR_DENIED;
    case EADDRNOTAVAIL: return ERR_NOT_FOUND;
    case EAFNOSUPPORT: return ERR_UNSUPPORTED;
    case EMFILE:
    case ENFILE: return ERR_LIMIT;
    case ENOMEM:
    case ENOBUFS: return ERR_NO_MEMORY;
    case ENETUNREACH:
    case EHOSTUNREACH: return ERR_UNREACHABLE;
    default: return ERR_IO;
    }
}

static int set_flag(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0 ? 0 : bind_error(errno);
}

static int bind_socket(int fd, const struct bind_options *options, bool shared)
{
    int err = 0;
    if (options->type == SOCK_STREAM)
        err = set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (err == 0 && shared)
        err = set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (err == 0 && address_is_v6(&options->local))
        err = set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, options->v6_only ? 1 : 0);
    if (err == 0 && options->set_up != NULL)
        err = options->set_up(fd);
    if (err != 0)
        return err;
    if (bind(fd, &options->local.sa, address_length(&options->local)) != 0)
        return bind_error(errno);
    /* Bound alone: from now on the other workers may join. */
    if (!shared)
        err = set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (err == 0 && options->type == SOCK_STREAM && listen(fd, LISTEN_BACKLOG) != 0)
        err = bind_error(errno);
    return err;
}

static int open_socket(const struct bind_options *options, bool shared, int *ret_fd,
                       struct address *ret_local)
{
    int fd = socket(options->local.sa.sa_family, options->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return bind_error(errno);
    struct address local;
    memset(&local, 0, sizeof(local));
    socklen_t length = sizeof(local);
    int err = bind_socket(fd, options, shared);
    if (err == 0 && getsockname(fd, &local.sa, &length) != 0)
        err = ERR_IO;
    if (err != 0) {
        (void)close(fd);
        return err;
    }
    *ret_fd = fd;
    *ret_local = local;
    return 0;
}

int bind_open(struct loop *loop, const struct bind_options *options, int *ret_fd,
              struct address *ret_local)
{
    if (loop->config.mesh == NULL)
        return open_socket(options, false, ret_fd, ret_local);
    struct bindings *bindings = mesh_bindings(loop->config.mesh);
    (void)pthread_mutex_lock(&bindings->lock);
    struct binding *binding = bindings_find(bindings, options->type, &options->local);
    bool shared = binding != NULL;
    int err = ERR_NO_MEMORY;
    if (!shared)
        binding = bindings_add(bindings, options->type);
    if (binding != NULL) {
        err = open_socket(options, shared, ret_fd, ret_local);
        if (err == 0) {
            binding->address = *ret_local;
            binding->sockets++;
        } else if (!shared) {
            bindings_remove(binding);
        }
    }
    (void)pthread_mutex_unlock(&bindings->lock);
    return err;
}

void bind_close(struct loop *loop, int type, int fd, const struct address *local)
{
    if (loop->config.mesh == NULL) {
        (void)close(fd);
        return;
    }
    struct bindings *bindings = mesh_bindings(loop->config.mesh);
    (void)pthread_mutex_lock(&bindings->lock);
    (void)close(fd);
    struct binding *binding = bindings_find(bindings, type, local);
    if (binding != NULL && --binding->sockets == 0)
        bindings_remove(binding);
    (void)pthread_mutex_unlock(&bindings->lock);
}
