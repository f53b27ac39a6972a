#include "app/control/targets.h"

#include "base/clock.h"

#define PAGE 200

static const char *state_text(enum health_state state)
{
    switch (state) {
    case HEALTH_UP: return "up";
    case HEALTH_PROBED: return "probed";
    default: return "down";
    }
}

/* Seconds from then to now; -1: never. */
static json_int_t ago(uint64_t now_ms, uint64_t then_ms)
{
    if (then_ms == 0)
        return -1;
    return now_ms > then_ms ? (json_int_t)((now_ms - then_ms) / 1000) : 0;
}

static json_t *target_json(const struct health_entry *entry, uint64_t now_ms)
{
    char address[ADDRESS_TEXT_MAX];
    uint64_t wait = entry->until_ms > now_ms ? entry->until_ms - now_ms : 0;
    return json_pack("{s:o, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "transport",
                     answer_text(transport_uri_name((enum transport)entry->transport)), "address",
                     address_text(&entry->address, address), "state", state_text(entry->state),
                     "state_age", ago(now_ms, entry->since_ms), "tried_again_in",
                     (json_int_t)((wait + 999) / 1000), "failures", (json_int_t)entry->failures,
                     "failures_in_a_row", (json_int_t)entry->streak, "last_ok_age",
                     ago(now_ms, entry->last_ok_ms));
}

json_t *targets_answer(struct server *server, const json_t *request)
{
    struct health_entry entries[PAGE];
    json_int_t from = json_integer_value(json_object_get(request, "cursor"));
    unsigned cursor = from > 0 && from < HEALTH_TARGETS ? (unsigned)from : 0;
    uint64_t now_ms = clock_monotonic_us() / 1000;
    unsigned count = health_read(server->health, &cursor, now_ms, PAGE, entries);
    json_t *targets = json_array();
    for (unsigned i = 0; targets != NULL && i < count; i++)
        json_array_append_new(targets, target_json(&entries[i], now_ms));
    return json_pack("{s:b, s:o, s:I}", "ok", true, "targets", targets, "cursor",
                     (json_int_t)(cursor < HEALTH_TARGETS ? cursor : 0));
}
