#include "app/control/contacts.h"

#include "app/control/contact_nat.h"
#include "base/clock.h"
#include "base/error.h"

#define PAGE_CONTACTS 500 /* a page ends once it has so many */
#define ARENA_CHUNK   65536
#define ARENA_MAX     (8 * 1024 * 1024)
#define AOR_MAX       1024

/* ---- One binding ---- */

/* What a call to it meets now. */
static const char *reach_text(const struct binding *binding, enum binding_reach reach)
{
    bool gone = flow_reliable(&binding->flow) && binding->flow.connection == 0;
    switch (reach) {
    case BINDING_BY_FLOW: return "connected: requests go along its connection";
    case BINDING_BY_FLOW_ONLY:
        if (flow_reliable(&binding->flow))
            return "connected: requests go along its connection, which alone leads to it";
        return binding->behind_nat ? "behind NAT: requests go to the address it registered from"
                                   : "requests go to the address it registered from";
    case BINDING_GONE:
        return gone ? "its connection is gone: not reachable until it registers again"
               : flow_reliable(&binding->flow)
                   ? "its keep-alives have not come: not called along its connection until it "
                     "shows up there"
                   : "its keep-alives have not come: not called until it shows up again";
    default:
        if (binding->path.len > 0)
            return "requests go along its Path";
        return gone ? "its connection is gone: the next request connects to its contact address"
                    : "requests go to its contact address";
    }
}

/* Datagrams have nothing that could be gone. */
static const char *flow_text(const struct binding *binding, enum binding_reach reach)
{
    if (binding->path.len > 0)
        return "path";
    if (!flow_reliable(&binding->flow))
        return "datagrams";
    return binding->flow.connection == 0 || reach == BINDING_GONE ? "gone" : "alive";
}

static bool is_reachable(const struct server *server, const struct binding *binding, int64_t now_ms)
{
    return location_reach(server->location, binding, now_ms) != BINDING_GONE;
}

/* All bindings of one user, for what only several of them show. */
struct siblings {
    const struct binding *items[LOCATION_CONTACTS_MAX];
    unsigned count;
};

static json_t *contact_json(const struct server *server, struct slice aor,
                            const struct binding *binding, const struct siblings *siblings,
                            int64_t now_ms)
{
    char from[ADDRESS_TEXT_MAX];
    enum transport transport = (enum transport)binding->flow.transport;
    enum binding_reach reach = location_reach(server->location, binding, now_ms);
    json_t *item = json_pack(
        "{s:o, s:o, s:o, s:s, s:b, s:o, s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:f, s:o}", "aor",
        answer_text(aor), "contact", answer_text(binding->contact), "transport",
        answer_text(transport_uri_name(transport)), "from",
        address_text(&binding->flow.remote, from), "behind_nat", binding->behind_nat, "nat",
        contact_nat_json(binding, siblings->items, siblings->count), "reachable",
        reach != BINDING_GONE, "reach", reach_text(binding, reach), "flow",
        flow_text(binding, reach), "since", answer_time(binding->since_ms), "updated",
        answer_time(binding->updated_ms), "seen", answer_time(binding->seen_ms), "expires",
        answer_time(binding->expires_ms), "expires_in",
        (json_int_t)((binding->expires_ms - now_ms) / 1000), "q", (double)binding->q / 1000,
        "user_agent", answer_text(binding->user_agent));
    if (item == NULL)
        return NULL;
    if (!slice_empty(binding->instance))
        json_object_set_new(item, "instance", answer_text(binding->instance));
    if (binding->reg_id != 0)
        json_object_set_new(item, "reg_id", json_integer(binding->reg_id));
    if (!slice_empty(binding->path))
        json_object_set_new(item, "path", answer_text(binding->path));
    return item;
}

/* ---- One address-of-record ---- */

/* "alice", "alice@example.org" or a SIP URI becomes a canonical AOR. NULL, or the complaint. */
static json_t *parse_aor(const struct server *server, const char *text, struct writer *aor)
{
    char buf[AOR_MAX];
    struct writer w;
    struct sip_uri uri;
    struct slice given = slice_from_string(text);
    writer_init(&w, buf, sizeof buf);
    bool has_scheme = slice_starts_with_nocase(given, SLICE("sip:")) ||
                      slice_starts_with_nocase(given, SLICE("sips:"));
    if (!has_scheme)
        writer_literal(&w, "sip:");
    writer_put(&w, given);
    if (slice_index(given, '@') == given.len && !has_scheme) {
        writer_char(&w, '@');
        writer_put(&w, domains_primary(server->settings->domains));
    }
    if (writer_status(&w) < 0 || sip_uri_parse(writer_slice(&w), &uri) < 0 || !uri.has_user)
        return answer_bad(ANSWER_USAGE,
                          "\"%s\" is no address-of-record; write alice, alice@example.org or "
                          "sip:alice@example.org",
                          text);
    int status = domains_aor(server->settings->domains, &uri, aor);
    if (status == ERR_NOT_FOUND)
        return answer_bad(ANSWER_FAILED, "%.*s is no domain of this server", SLICE_ARG(uri.host));
    if (status < 0)
        return answer_bad(ANSWER_FAILED, "%s: %s", text, error_text(status));
    return NULL;
}

/* sip:user@domain is canonical. */
static bool account_exists(const struct server *server, struct slice aor)
{
    struct slice domain = slice_from(aor, 4);
    struct slice user = slice_cut(&domain, '@');
    return accounts_known(server->accounts, user, domain);
}

static json_t *reason_json(const struct server *server, struct slice aor, bool account,
                           const struct location_bindings *bindings, int64_t now_ms)
{
    unsigned reachable = 0;
    for (unsigned i = 0; i < bindings->count; i++)
        reachable += is_reachable(server, &bindings->items[i], now_ms);
    if (reachable > 0)
        return json_sprintf("%u of %u registered phones can be reached", reachable,
                            bindings->count);
    if (bindings->count > 0)
        return json_string("registered, but the connections are gone; the phones must register "
                           "again");
    if (account)
        return json_sprintf("the account exists, but no phone is registered for %.*s now",
                            SLICE_ARG(aor));
    if (server->settings->config->registrar.auth)
        return json_sprintf("there is no account for %.*s, so no phone can register for it",
                            SLICE_ARG(aor));
    return json_sprintf("no phone is registered for %.*s (no account is needed: auth.register is "
                        "off)",
                        SLICE_ARG(aor));
}

static json_t *explain(const struct server *server, struct slice aor,
                       const struct location_bindings *bindings, int64_t now_ms)
{
    bool account = account_exists(server, aor);
    struct siblings siblings = {.count = bindings->count};
    for (unsigned i = 0; i < bindings->count; i++)
        siblings.items[i] = &bindings->items[i];
    json_t *contacts = json_array();
    for (unsigned i = 0; contacts != NULL && i < bindings->count; i++) {
        json_t *item = contact_json(server, aor, &bindings->items[i], &siblings, now_ms);
        if (item == NULL || json_array_append_new(contacts, item) < 0) {
            json_decref(contacts);
            return NULL;
        }
    }
    return json_pack("{s:b, s:o, s:b, s:o, s:o}", "ok", true, "aor", answer_text(aor), "account",
                     account, "reason", reason_json(server, aor, account, bindings, now_ms),
                     "contacts", contacts);
}

static json_t *one(struct server *server, const char *text)
{
    char buf[AOR_MAX];
    struct writer aor;
    writer_init(&aor, buf, sizeof buf);
    json_t *complaint = parse_aor(server, text, &aor);
    if (complaint != NULL)
        return complaint;
    struct arena arena;
    struct location_bindings bindings;
    int64_t now_ms = (int64_t)clock_wall_ms();
    arena_init(&arena, ARENA_CHUNK, ARENA_MAX);
    int status = location_find(server->location, writer_slice(&aor), now_ms, &arena, &bindings);
    json_t *answer = status < 0 ? answer_bad(ANSWER_FAILED, "%s", error_text(status))
                                : explain(server, writer_slice(&aor), &bindings, now_ms);
    arena_done(&arena);
    return answer;
}

json_t *contacts_kick(struct server *server, const json_t *request)
{
    char buf[AOR_MAX];
    struct writer aor;
    const char *text = answer_string(request, "aor");
    if (text == NULL)
        return answer_bad(ANSWER_USAGE, "an address-of-record is missing");
    writer_init(&aor, buf, sizeof buf);
    json_t *complaint = parse_aor(server, text, &aor);
    if (complaint != NULL)
        return complaint;
    int count = location_kick(server->location, writer_slice(&aor));
    if (count < 0)
        return answer_bad(ANSWER_FAILED, "%s", error_text(count));
    if (count == 0)
        return answer_bad(ANSWER_FAILED, "no phone is registered for %.*s",
                          SLICE_ARG(writer_slice(&aor)));
    log_info(server->log, LOG_CONTROL, "kick: %d registrations of %.*s removed", count,
             SLICE_ARG(writer_slice(&aor)));
    return json_pack("{s:b, s:o, s:i}", "ok", true, "aor", answer_text(writer_slice(&aor)),
                     "removed", count);
}

/* ---- All, page by page ---- */

/* Bindings are copied while their shard is locked, and become JSON after. */
struct page_item {
    struct page_item *next;
    struct slice aor;
    struct binding binding;
};

struct page {
    struct arena arena;
    struct page_item *first, **last;
    unsigned count;
    int64_t now_ms;
    bool failed;
};

static void collect(void *user, struct slice aor, const struct binding *binding)
{
    struct page *page = user;
    if (page->failed || binding->expires_ms <= page->now_ms)
        return;
    struct page_item *item = arena_zalloc(&page->arena, sizeof *item);
    page->failed = true;
    if (item == NULL)
        return;
    item->binding = *binding;
    if (arena_copy(&page->arena, aor, &item->aor) < 0 ||
        arena_copy(&page->arena, binding->contact, &item->binding.contact) < 0 ||
        arena_copy(&page->arena, binding->instance, &item->binding.instance) < 0 ||
        arena_copy(&page->arena, binding->path, &item->binding.path) < 0 ||
        arena_copy(&page->arena, binding->user_agent, &item->binding.user_agent) < 0)
        return;
    page->failed = false;
    *page->last = item;
    page->last = &item->next;
    page->count++;
}

/* The bindings of one user stand together. */
static void gather(const struct page_item *first, struct siblings *ret)
{
    ret->count = 0;
    for (const struct page_item *i = first;
         i != NULL && ret->count < LOCATION_CONTACTS_MAX && slice_equal(i->aor, first->aor);
         i = i->next)
        ret->items[ret->count++] = &i->binding;
}

static json_t *page_json(const struct server *server, const struct page *page, uint64_t cursor)
{
    struct siblings siblings = {.count = 0};
    struct slice aor = SLICE_NULL;
    json_t *contacts = json_array();
    for (const struct page_item *i = page->first; contacts != NULL && i != NULL; i = i->next) {
        if (siblings.count == 0 || !slice_equal(i->aor, aor))
            gather(i, &siblings);
        aor = i->aor;
        json_t *item = contact_json(server, i->aor, &i->binding, &siblings, page->now_ms);
        if (item == NULL || json_array_append_new(contacts, item) < 0) {
            json_decref(contacts);
            return NULL;
        }
    }
    return json_pack("{s:b, s:o, s:I}", "ok", true, "contacts", contacts, "cursor",
                     (json_int_t)cursor);
}

static json_t *all(struct server *server, uint64_t cursor)
{
    struct page page = {.now_ms = (int64_t)clock_wall_ms()};
    page.last = &page.first;
    arena_init(&page.arena, ARENA_CHUNK, ARENA_MAX);
    do {
        cursor = location_each(server->location, cursor, collect, &page);
    } while (cursor != 0 && page.count < PAGE_CONTACTS && !page.failed);
    json_t *answer = page.failed ? NULL : page_json(server, &page, cursor);
    arena_done(&page.arena);
    return answer;
}

json_t *contacts_answer(struct server *server, const json_t *request)
{
    const char *aor = answer_string(request, "aor");
    if (aor != NULL)
        return one(server, aor);
    return all(server, (uint64_t)json_integer_value(json_object_get(request, "cursor")));
}
