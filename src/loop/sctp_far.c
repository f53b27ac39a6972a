/* Associations as workers other than 0 see them: a name (flow) of their own for each remote
 * address, under which they send by mail. The first message under a name makes the association if
 * there is none. When it ends, each worker that gave it a name is told, and the name ends with it:
 * what is sent under it later is refused, never sent on another association. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/sctp_private.h"

struct far_name {
    struct table_node by_remote;
    struct table_node by_number;
    struct flow flow;
    struct assoc_listener *listener;
    bool told; /* worker 0 has heard of it */
};

struct assoc_far {
    struct table by_remote;
    struct table by_number;
    struct pool pool;
    uint32_t number; /* of the next name */
    uint32_t generation;
};

struct far_mail {
    enum {
        FAR_SEND,    /* to a flow of worker 0 */
        FAR_SEND_AS, /* under a name of the sender */
        FAR_CLOSED   /* to the worker whose name it is */
    } what;
    uint32_t connection;
    uint32_t generation;
    uint16_t listener;
    bool first;
    struct address remote;
};

static int post(struct assocs *assocs, unsigned to, const struct far_mail *mail, struct slice data)
{
    struct mesh *mesh = assocs->loop->config.mesh;
    struct slice parts[2] = {slice_of((const char *)mail, sizeof(*mail)), data};
    return mesh == NULL || to >= mesh_workers(mesh)
               ? ERR_CLOSED
               : mesh_post(mesh, assocs->loop->config.worker, to, MAIL_SCTP, parts, 2);
}

/* ---- the names of a worker ---- */

static bool remote_match(const struct table_node *node, const void *key)
{
    return address_equal(&container_of_const(node, struct far_name, by_remote)->flow.remote, key);
}

static bool number_match(const struct table_node *node, const void *key)
{
    const struct flow *own = &container_of_const(node, struct far_name, by_number)->flow;
    const struct flow *flow = key;
    return own->connection == flow->connection && own->generation == flow->generation;
}

static uint64_t number_hash(const struct flow *flow)
{
    return hash_mix(flow->generation, flow->connection);
}

static struct far_name *by_remote(const struct assocs *assocs, const struct address *remote)
{
    struct table_node *node = table_find(&assocs->far->by_remote,
                                         address_hash(assocs->seed, remote), remote_match, remote);
    return node != NULL ? container_of(node, struct far_name, by_remote) : NULL;
}

static struct far_name *by_flow(const struct assocs *assocs, const struct flow *flow)
{
    if (flow->worker != assocs->loop->config.worker)
        return NULL;
    struct table_node *node =
        table_find(&assocs->far->by_number, number_hash(flow), number_match, flow);
    return node != NULL ? container_of(node, struct far_name, by_number) : NULL;
}

static void remove_name(struct assocs *assocs, struct far_name *name)
{
    table_remove(&assocs->far->by_remote, &name->by_remote);
    table_remove(&assocs->far->by_number, &name->by_number);
    pool_put(&assocs->far->pool, name);
}

int assoc_far_connect(struct assoc_listener *listener, const struct address *remote,
                      struct flow *ret_flow)
{
    struct assocs *assocs = listener->owner;
    struct assoc_far *far = assocs->far;
    if (address_is_v6(remote) != address_is_v6(&listener->local))
        return ERR_UNREACHABLE;
    if (assoc_far_find(assocs, remote, ret_flow) == 0)
        return 0;
    struct far_name *name =
        far->by_number.count < listener->options.limits.associations ? pool_get(&far->pool) : NULL;
    if (name == NULL)
        return ERR_LIMIT;
    if (++far->number >= ASSOC_FAR) {
        far->number = 1;
        far->generation++;
    }
    memset(name, 0, sizeof(*name));
    name->listener = listener;
    name->flow = (struct flow){.transport = TRANSPORT_SCTP,
                               .worker = (uint8_t)assocs->loop->config.worker,
                               .listener = listener->options.listener,
                               .connection = ASSOC_CONNECTION | ASSOC_FAR | far->number,
                               .generation = far->generation,
                               .local = listener->local,
                               .remote = *remote};
    table_add(&far->by_remote, &name->by_remote, address_hash(assocs->seed, remote));
    table_add(&far->by_number, &name->by_number, number_hash(&name->flow));
    *ret_flow = name->flow;
    return 0;
}

int assoc_far_find(struct assocs *assocs, const struct address *remote, struct flow *ret_flow)
{
    const struct far_name *name = by_remote(assocs, remote);
    if (name == NULL)
        return ERR_NOT_FOUND;
    *ret_flow = name->flow;
    return 0;
}

bool assoc_far_alive(struct assocs *assocs, const struct flow *flow)
{
    return flow->worker != assocs->loop->config.worker || by_flow(assocs, flow) != NULL;
}

int assoc_far_send(struct assocs *assocs, const struct flow *flow, struct slice data)
{
    struct far_mail mail;
    memset(&mail, 0, sizeof(mail));
    mail.connection = flow->connection;
    mail.generation = flow->generation;
    if (flow->worker != assocs->loop->config.worker) {
        mail.what = FAR_SEND;
        return post(assocs, flow->worker, &mail, data);
    }
    struct far_name *name = by_flow(assocs, flow);
    if (name == NULL) {
        assocs->counts[ASSOC_SEND_LATE]++;
        return ERR_CLOSED;
    }
    mail.what = FAR_SEND_AS;
    mail.listener = flow->listener;
    mail.first = !name->told;
    mail.remote = flow->remote;
    int status = post(assocs, 0, &mail, data);
    if (status == 0)
        name->told = true;
    return status;
}

static void on_closed(struct assocs *assocs, const struct far_mail *mail)
{
    struct flow flow = {.worker = (uint8_t)assocs->loop->config.worker,
                        .connection = mail->connection,
                        .generation = mail->generation};
    struct far_name *name = by_flow(assocs, &flow);
    if (name == NULL)
        return;
    const struct assoc_handler *handler = &name->listener->options.handler;
    flow = name->flow;
    remove_name(assocs, name);
    if (handler->on_close != NULL)
        handler->on_close(handler->user, &flow, STREAM_IO_ERROR);
}

/* ---- worker 0 ---- */

static void tell_closed(struct assocs *assocs, unsigned worker, uint32_t connection,
                        uint32_t generation)
{
    struct far_mail mail;
    memset(&mail, 0, sizeof(mail));
    mail.what = FAR_CLOSED;
    mail.connection = connection;
    mail.generation = generation;
    /* When it is lost, what is sent under the name later is answered the same. */
    (void)post(assocs, worker, &mail, SLICE(""));
}

static bool has_name(const struct assoc *assoc, unsigned worker, const struct far_mail *mail)
{
    list_for_each(node, &assoc->names)
    {
        const struct assoc_name *name = container_of_const(node, struct assoc_name, node);
        if (name->worker == worker && name->connection == mail->connection &&
            name->generation == mail->generation)
            return true;
    }
    return false;
}

static void add_name(struct assoc *assoc, unsigned worker, const struct far_mail *mail)
{
    struct assoc_name *name = pool_get(&assoc->owner->name_pool);
    if (name == NULL)
        return; /* the next message under it is refused */
    name->worker = (uint8_t)worker;
    name->connection = mail->connection;
    name->generation = mail->generation;
    list_append(&assoc->names, &name->node);
}

static struct assoc *connect_for(struct assocs *assocs, const struct far_mail *mail)
{
    list_for_each(node, &assocs->listeners)
    {
        struct assoc_listener *l = container_of(node, struct assoc_listener, node);
        struct flow flow;
        if (l->options.listener == mail->listener)
            return assoc_connect(l, &mail->remote, &flow) == 0 ? assoc_of_flow(assocs, &flow)
                                                               : NULL;
    }
    return NULL;
}

static void send_as(struct assocs *assocs, unsigned worker, const struct far_mail *mail,
                    struct slice data)
{
    struct assoc *assoc = assoc_by_remote(assocs, &mail->remote);
    bool known = assoc != NULL && has_name(assoc, worker, mail);
    if (assoc == NULL && mail->first)
        assoc = connect_for(assocs, mail);
    if (assoc == NULL || (!known && !mail->first)) {
        tell_closed(assocs, worker, mail->connection, mail->generation);
        return;
    }
    if (!known)
        add_name(assoc, worker, mail);
    (void)assoc_queue(assoc, data);
}

void assoc_far_closed(struct assoc *assoc)
{
    list_for_each_safe(node, &assoc->names)
    {
        struct assoc_name *name = container_of(node, struct assoc_name, node);
        tell_closed(assoc->owner, name->worker, name->connection, name->generation);
        list_remove(&name->node);
        pool_put(&assoc->owner->name_pool, name);
    }
}

/* ---- mail ---- */

static void on_mail(void *user, unsigned from, struct slice data)
{
    struct assocs *assocs = user;
    struct far_mail mail;
    if (data.len < sizeof(mail))
        return;
    memcpy(&mail, data.ptr, sizeof(mail));
    struct slice rest = slice_from(data, sizeof(mail));
    if (mail.what == FAR_CLOSED) {
        if (assocs->far != NULL)
            on_closed(assocs, &mail);
    } else if (assocs->slots == NULL) {
        return; /* only worker 0 sends for others */
    } else if (mail.what == FAR_SEND) {
        struct flow flow = {
            .worker = 0, .connection = mail.connection, .generation = mail.generation};
        (void)assoc_send(assocs->loop, &flow, rest);
    } else {
        send_as(assocs, from, &mail, rest);
    }
}

static int new_far(struct assocs *assocs)
{
    assocs->far = memory_zalloc(1, sizeof(*assocs->far));
    if (assocs->far == NULL)
        return ERR_NO_MEMORY;
    assocs->far->generation = 1;
    pool_init(&assocs->far->pool, sizeof(struct far_name), 0);
    int status = table_init(&assocs->far->by_remote, 16);
    return status < 0 ? status : table_init(&assocs->far->by_number, 16);
}

int assoc_far_start(struct assocs *assocs)
{
    int status = assocs->loop->config.worker != 0 ? new_far(assocs) : 0;
    if (status == 0 && assocs->loop->config.mesh != NULL)
        mesh_on_mail(assocs->loop, MAIL_SCTP, on_mail, assocs);
    return status;
}

void assoc_far_free(struct assocs *assocs)
{
    if (assocs->far == NULL)
        return;
    table_done(&assocs->far->by_remote);
    table_done(&assocs->far->by_number);
    pool_done(&assocs->far->pool);
    memory_free(assocs->far);
}
