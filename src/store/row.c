#include "store/row.h"

static const struct slice transport_names[TRANSPORT_COUNT] = {
#define TRANSPORT_TEXT(name, via, uri, reliable, secure) [TRANSPORT_##name] = SLICE_LITERAL(via),
    TRANSPORT_LIST(TRANSPORT_TEXT)
#undef TRANSPORT_TEXT
};

static void bind_optional(sqlite3_stmt *statement, enum store_column column, struct slice text)
{
    if (text.len > 0)
        store_bind_text(statement, column + 1, text);
    else
        sqlite3_bind_null(statement, column + 1);
}

static void bind_address(sqlite3_stmt *statement, enum store_column column,
                         const struct address *address, char *buf)
{
    struct writer w;
    writer_init(&w, buf, ADDRESS_TEXT_MAX);
    if (address->sa.sa_family == AF_INET || address->sa.sa_family == AF_INET6)
        address_write(&w, address);
    bind_optional(statement, column, writer_slice(&w));
}

static void bind_numbers(sqlite3_stmt *statement, const struct store_op *op)
{
    sqlite3_bind_int64(statement, COLUMN_CSEQ + 1, op->cseq);
    sqlite3_bind_int(statement, COLUMN_Q + 1, op->q);
    sqlite3_bind_int64(statement, COLUMN_EXPIRES + 1, op->expires_ms);
    sqlite3_bind_int64(statement, COLUMN_SINCE + 1, op->since_ms);
    sqlite3_bind_int64(statement, COLUMN_UPDATED + 1, op->updated_ms);
    sqlite3_bind_int(statement, COLUMN_LISTENER + 1, op->flow.listener);
    sqlite3_bind_int(statement, COLUMN_BEHIND_NAT + 1, op->behind_nat);
    sqlite3_bind_int(statement, COLUMN_GRUU + 1, op->gruu);
    if (op->reg_id != 0)
        sqlite3_bind_int64(statement, COLUMN_REG_ID + 1, op->reg_id);
    else
        sqlite3_bind_null(statement, COLUMN_REG_ID + 1);
}

void store_row_bind(sqlite3_stmt *statement, int64_t id, const struct store_op *op,
                    struct store_row_texts *texts)
{
    struct slice text[STORE_TEXTS];
    const char *at = op->texts;
    for (unsigned i = 0; i < STORE_TEXTS; i++) {
        text[i] = slice_of(at, op->lengths[i]);
        at += op->lengths[i];
    }
    sqlite3_bind_int64(statement, COLUMN_ID + 1, id);
    if (op->old_place != 0)
        sqlite3_bind_int64(statement, COLUMN_SUPERSEDES + 1, op->old_place);
    else
        sqlite3_bind_null(statement, COLUMN_SUPERSEDES + 1);
    bool key_is_contact = slice_equal(text[TEXT_key], text[TEXT_contact]);
    store_bind_text(statement, COLUMN_AOR + 1, text[TEXT_aor]);
    bind_optional(statement, COLUMN_KEY, key_is_contact ? SLICE_NULL : text[TEXT_key]);
    store_bind_text(statement, COLUMN_CONTACT + 1, text[TEXT_contact]);
    store_bind_text(statement, COLUMN_CALL_ID + 1, text[TEXT_call_id]);
    bind_numbers(statement, op);
    struct slice transport = SLICE("");
    if (op->flow.transport < TRANSPORT_COUNT)
        transport = transport_names[op->flow.transport];
    store_bind_text(statement, COLUMN_TRANSPORT + 1, transport);
    bind_address(statement, COLUMN_REMOTE, &op->flow.remote, texts->remote);
    bind_address(statement, COLUMN_LOCAL, &op->flow.local, texts->local);
    bind_optional(statement, COLUMN_USER_AGENT, text[TEXT_user_agent]);
    bind_optional(statement, COLUMN_INSTANCE, text[TEXT_instance]);
    bind_optional(statement, COLUMN_PATH, text[TEXT_path]);
    bind_optional(statement, COLUMN_PARAMS, text[TEXT_params]);
}

static bool read_transport(struct slice text, struct flow *flow)
{
    for (unsigned i = 0; i < TRANSPORT_COUNT; i++) {
        if (slice_equal(text, transport_names[i])) {
            flow->transport = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static bool read_address(struct slice text, struct address *ret)
{
    return text.len == 0 || address_parse(text, ret) == 0;
}

bool store_row_read(sqlite3_stmt *statement, struct store_binding *ret_binding)
{
    struct store_binding b = {0};
    b.aor = store_column_text(statement, COLUMN_AOR);
    b.contact = store_column_text(statement, COLUMN_CONTACT);
    b.key = store_column_text(statement, COLUMN_KEY);
    if (b.key.len == 0)
        b.key = b.contact;
    b.call_id = store_column_text(statement, COLUMN_CALL_ID);
    b.cseq = (uint32_t)sqlite3_column_int64(statement, COLUMN_CSEQ);
    b.q = (uint16_t)sqlite3_column_int(statement, COLUMN_Q);
    b.expires_ms = sqlite3_column_int64(statement, COLUMN_EXPIRES);
    b.since_ms = sqlite3_column_int64(statement, COLUMN_SINCE);
    b.updated_ms = sqlite3_column_int64(statement, COLUMN_UPDATED);
    b.flow.listener = (uint16_t)sqlite3_column_int(statement, COLUMN_LISTENER);
    b.behind_nat = sqlite3_column_int(statement, COLUMN_BEHIND_NAT) != 0;
    b.gruu = sqlite3_column_int(statement, COLUMN_GRUU) != 0;
    b.user_agent = store_column_text(statement, COLUMN_USER_AGENT);
    b.instance = store_column_text(statement, COLUMN_INSTANCE);
    b.reg_id = (uint32_t)sqlite3_column_int64(statement, COLUMN_REG_ID);
    b.path = store_column_text(statement, COLUMN_PATH);
    b.params = store_column_text(statement, COLUMN_PARAMS);
    if (b.aor.len == 0 || b.contact.len == 0 ||
        !read_transport(store_column_text(statement, COLUMN_TRANSPORT), &b.flow) ||
        !read_address(store_column_text(statement, COLUMN_REMOTE), &b.flow.remote) ||
        !read_address(store_column_text(statement, COLUMN_LOCAL), &b.flow.local))
        return false;
    *ret_binding = b;
    return true;
}
