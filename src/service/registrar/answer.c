/* Changing the bindings and answering (RFC 3261 section 10.3 steps 7 and 8). */
#include "base/error.h"
#include "service/registrar/registrar_private.h"
#include "sip/message/date.h"

static int64_t wall_ms(const struct registrar *registrar)
{
    return loop_wall_ms(endpoint_loop(registrar->parts.endpoint));
}

bool registrar_apply(struct registrar *registrar, const struct endpoint_request *request,
                     struct slice aor, int64_t *ret_ticket)
{
    struct location *location = registrar->parts.location;
    const struct location_update *update = &registrar->update;
    int status;
    *ret_ticket = 0;
    if (update->count == 0 && !update->remove_all) /* a query (10.2.3) */
        status = location_find(location, aor, wall_ms(registrar), &registrar->arena,
                               &registrar->bindings);
    else
        status = location_update(location, update, wall_ms(registrar), &registrar->arena,
                                 &registrar->bindings, ret_ticket);
    switch (status) {
    case 0: return true;
    case ERR_CONFLICT: /* step 7: an update out of order */
        registrar_refuse(registrar, request, 500, "Server Internal Error - CSeq Out Of Order",
                         SLICE_NULL);
        return false;
    case ERR_LIMIT:
        registrar_refuse(registrar, request, 403, "Forbidden - Too Many Contacts For This User",
                         SLICE_NULL);
        return false;
    case ERR_BUSY:
        registrar_refuse(registrar, request, 503, NULL, SLICE("Retry-After: 5\r\n"));
        return false;
    default: registrar_refuse(registrar, request, 500, NULL, SLICE_NULL); return false;
    }
}

bool registrar_knows_gruus(const struct sip_message *msg)
{
    return sip_message_has_token(msg, SIP_HEADER_SUPPORTED, SLICE("gruu")) ||
           sip_message_has_token(msg, SIP_HEADER_REQUIRE, SLICE("gruu"));
}

/* RFC 5627 section 5.2. */
static void write_gruus(struct registrar *registrar, struct writer *w,
                        const struct binding *binding, int64_t now_ms)
{
    struct slice aor = registrar->update.aor;
    struct random *random = loop_random(endpoint_loop(registrar->parts.endpoint));
    writer_literal(w, ";pub-gruu=\"");
    gruu_write_public(w, aor, binding->instance);
    writer_char(w, '"');
    size_t before = writer_length(w);
    writer_literal(w, ";temp-gruu=\"");
    if (gruu_write_temporary(registrar->gruu, w, aor, binding->instance, now_ms, random) == 0)
        writer_char(w, '"');
    else if (writer_status(w) == 0)
        writer_rewind(w, before);
}

static void write_binding(struct registrar *registrar, struct writer *w,
                          const struct binding *binding, bool with_gruus, int64_t now_ms)
{
    int64_t left_s = (binding->expires_ms - now_ms + 999) / 1000;
    writer_literal(w, "Contact: <");
    writer_put(w, binding->contact);
    writer_literal(w, ">");
    if (binding->q != 1000) {
        writer_literal(w, ";q=");
        sip_qvalue_write(w, binding->q);
    }
    writer_literal(w, ";expires=");
    writer_u64(w, (uint64_t)(left_s > 0 ? left_s : 0));
    writer_put(w, binding->params);
    if (with_gruus && binding->instance.len > 0)
        write_gruus(registrar, w, binding, now_ms);
    writer_literal(w, "\r\n");
}

/* Path only to those who understand it (RFC 3327 section 5.3). */
static void write_path(struct writer *w, const struct registrar *registrar,
                       const struct sip_message *msg)
{
    if (registrar->update.path.len == 0 ||
        !sip_message_has_token(msg, SIP_HEADER_SUPPORTED, SLICE("path")))
        return;
    writer_literal(w, "Path: ");
    writer_put(w, registrar->update.path);
    writer_literal(w, "\r\n");
}

/* The line Date, written once a second. */
static struct slice date_line(struct registrar *registrar, int64_t now_s)
{
    struct writer w;
    if (registrar->date_s != now_s) {
        writer_init(&w, registrar->date_text, sizeof(registrar->date_text));
        writer_literal(&w, "Date: ");
        sip_date_write(&w, now_s);
        writer_literal(&w, "\r\n");
        registrar->date = writer_slice(&w);
        registrar->date_s = now_s;
    }
    return registrar->date;
}

static struct slice write_headers(struct registrar *registrar,
                                  const struct endpoint_request *request)
{
    struct writer w;
    int64_t now = wall_ms(registrar);
    writer_init(&w, registrar->headers, sizeof(registrar->headers));
    bool gruus = registrar_knows_gruus(request->msg);
    for (unsigned i = 0; i < registrar->bindings.count; i++)
        write_binding(registrar, &w, &registrar->bindings.items[i], gruus, now);
    write_path(&w, registrar, request->msg);
    registrar_write_outbound(registrar, request, &w);
    writer_put(&w, date_line(registrar, now / 1000));
    return writer_status(&w) == 0 ? writer_slice(&w) : SLICE_NULL;
}

static void free_waiting(struct registrar_waiting *waiting)
{
    struct registrar *registrar = waiting->registrar;
    list_remove(&waiting->link);
    blocks_put(&registrar->blocks, waiting->bytes, waiting->len);
    blocks_put(&registrar->blocks, waiting->failed, waiting->failed_len);
    blocks_put(&registrar->blocks, waiting->undo, waiting->undo_len);
    pool_put(&registrar->waiting_pool, waiting);
    metric_add(&registrar->metrics[REGISTRAR_WAITING], -1);
}

static void on_tx_end(struct sip_server_tx *tx, void *user)
{
    struct registrar_waiting *waiting = user;
    (void)tx;
    waiting->tx = NULL;
}

static const struct sip_server_tx_user waiting_user = {.on_end = on_tx_end};

static char *keep(struct registrar *registrar, struct slice bytes)
{
    char *block = bytes.len > 0 ? blocks_get(&registrar->blocks, bytes.len) : NULL;
    if (block != NULL)
        memcpy(block, bytes.ptr, bytes.len);
    return block;
}

/* Block and name lie in one; the block first, as it is aligned. */
static bool keep_undo(struct registrar *registrar, struct registrar_waiting *waiting)
{
    const struct location_undo *undo = &registrar->bindings.undo;
    size_t len = undo->before.len + undo->aor.len;
    waiting->undo = blocks_get(&registrar->blocks, len);
    if (waiting->undo == NULL)
        return false;
    waiting->undo_len = len;
    if (undo->before.len > 0)
        memcpy(waiting->undo, undo->before.ptr, undo->before.len);
    memcpy(waiting->undo + undo->before.len, undo->aor.ptr, undo->aor.len);
    waiting->back = *undo;
    waiting->back.before.ptr = waiting->undo;
    waiting->back.aor.ptr = waiting->undo + undo->before.len;
    return true;
}

/* 10.3 step 7: what could not be stored is taken back. */
static void take_back(struct registrar *registrar, const struct location_undo *undo)
{
    int status =
        location_take_back(registrar->parts.location, undo, wall_ms(registrar), &registrar->arena);
    if (status < 0)
        log_error(loop_log(endpoint_loop(registrar->parts.endpoint)), LOG_REGISTRAR,
                  "a registration that could not be stored stays until it expires: %s",
                  error_text(status));
}

static uint32_t trying_ms(const struct registrar *registrar)
{
    return sip_tx_trying_ms(&endpoint_transactions(registrar->parts.endpoint)->config.times);
}

/* The request is gone, but its 200 has all that a 100 needs. */
static void send_trying(struct registrar *registrar, struct registrar_waiting *waiting)
{
    struct sip_message answer;
    struct sip_fault fault;
    struct sip_response trying = {.status = 100};
    struct slice bytes = slice_of(waiting->bytes, waiting->len);
    struct writer w;
    waiting->trying = true;
    writer_init(&w, registrar->headers, sizeof(registrar->headers));
    if (waiting->tx != NULL && sip_message_parse(bytes, NULL, &answer, &fault) == 0 &&
        sip_response_write(&w, &answer, &trying) == 0)
        sip_server_tx_respond(waiting->tx, 100, writer_slice(&w));
}

/* RFC 4320 section 4.1: who has waited so long for the disk is told that we are at it. */
void registrar_on_trying(struct timer *timer)
{
    struct registrar *registrar = container_of(timer, struct registrar, trying);
    struct loop *loop = endpoint_loop(registrar->parts.endpoint);
    list_for_each(link, &registrar->waiting)
    {
        struct registrar_waiting *waiting = container_of(link, struct registrar_waiting, link);
        uint64_t due = waiting->since_ms + trying_ms(registrar);
        if (waiting->trying)
            continue;
        if (due > loop_now_ms(loop)) {
            wheel_start(loop_wheel(loop), timer, due - loop_now_ms(loop));
            return;
        }
        send_trying(registrar, waiting);
    }
}

/* Everything that the later answer needs is written now, while the request is there. */
static bool wait_for(struct registrar *registrar, const struct endpoint_request *request,
                     const struct sip_response *response, int64_t ticket)
{
    struct registrar_waiting *waiting = pool_get(&registrar->waiting_pool);
    struct sip_response failure = {.status = 500,
                                   .reason = "Server Internal Error - Binding Not Stored"};
    if (waiting == NULL)
        return false;
    *waiting = (struct registrar_waiting){
        .registrar = registrar,
        .ticket = ticket,
        .since_ms = loop_now_ms(endpoint_loop(registrar->parts.endpoint)),
    };
    list_append(&registrar->waiting, &waiting->link);
    metric_add(&registrar->metrics[REGISTRAR_WAITING], 1);
    struct slice bytes = endpoint_write_response(request, response);
    waiting->bytes = keep(registrar, bytes);
    waiting->len = waiting->bytes ? bytes.len : 0;
    bytes = endpoint_write_response(request, &failure);
    waiting->failed = keep(registrar, bytes);
    waiting->failed_len = waiting->failed ? bytes.len : 0;
    if (waiting->bytes == NULL || waiting->failed == NULL || !keep_undo(registrar, waiting) ||
        sip_server_tx_new(endpoint_transactions(registrar->parts.endpoint), request->msg,
                          &request->reply, &waiting_user, waiting, &waiting->tx) < 0) {
        free_waiting(waiting);
        return false;
    }
    if (!timer_running(&registrar->trying))
        wheel_start(loop_wheel(endpoint_loop(registrar->parts.endpoint)), &registrar->trying,
                    trying_ms(registrar));
    return true;
}

void registrar_acknowledge(struct registrar *registrar, const struct endpoint_request *request,
                           int64_t ticket)
{
    struct sip_response response = {.status = 200, .headers = write_headers(registrar, request)};
    if (response.headers.len == 0) {
        registrar_refuse(registrar, request, 500,
                         "Server Internal Error - Too Many Bindings To List", SLICE_NULL);
        return;
    }
    if (ticket > 0 && registrar->config.durable) {
        if (wait_for(registrar, request, &response, ticket))
            return;
        take_back(registrar, &registrar->bindings.undo);
        registrar_refuse(registrar, request, 503, NULL, SLICE("Retry-After: 5\r\n"));
        return;
    }
    metric_add(&registrar->metrics[REGISTRAR_ACCEPTED], 1);
    /* What needed no credentials may be repeated and gets the same answer, so no transaction has to
     * remember it (RFC 3261 section 8.2.7); credentials are good once. */
    if (registrar->config.auth)
        endpoint_answer(request, &response);
    else
        endpoint_reply(request, &response);
}

void registrar_on_commit(struct registrar *registrar, int64_t ticket, int status)
{
    list_for_each_safe(link, &registrar->waiting)
    {
        struct registrar_waiting *waiting = container_of(link, struct registrar_waiting, link);
        if (waiting->ticket > ticket)
            break;
        metric_add(&registrar->metrics[status < 0 ? REGISTRAR_REFUSED : REGISTRAR_ACCEPTED], 1);
        if (status < 0) {
            arena_reset(&registrar->arena);
            take_back(registrar, &waiting->back);
        }
        if (waiting->tx != NULL && status < 0)
            sip_server_tx_respond(waiting->tx, 500, slice_of(waiting->failed, waiting->failed_len));
        else if (waiting->tx != NULL)
            sip_server_tx_respond(waiting->tx, 200, slice_of(waiting->bytes, waiting->len));
        if (waiting->tx != NULL)
            sip_server_tx_abandon(waiting->tx);
        free_waiting(waiting);
    }
}

void registrar_forget_waiting(struct registrar *registrar)
{
    wheel_stop(loop_wheel(endpoint_loop(registrar->parts.endpoint)), &registrar->trying);
    list_for_each_safe(link, &registrar->waiting)
    {
        struct registrar_waiting *waiting = container_of(link, struct registrar_waiting, link);
        if (waiting->tx != NULL)
            sip_server_tx_abandon(waiting->tx);
        free_waiting(waiting);
    }
}
