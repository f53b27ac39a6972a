#include "app/control/relays.h"

#include "base/error.h"
#include "base/memory.h"

#define PAGE 256

static json_t *way_json(const struct turn_relay_info *info, enum turn_way way)
{
    return json_pack("{s:I, s:I}", "packets", (json_int_t)info->packets[way], "bytes",
                     (json_int_t)info->bytes[way]);
}

static json_t *relayed_json(const struct turn_relay_info *info)
{
    json_t *relayed = json_array();
    for (unsigned i = 0; relayed != NULL && i < info->relay_count; i++) {
        char text[ADDRESS_TEXT_MAX];
        json_array_append_new(relayed, json_pack("{s:s, s:I}", "address",
                                                 address_text(&info->relays[i], text), "expires_in",
                                                 (json_int_t)info->lifetime_s[i]));
    }
    return relayed;
}

static json_t *relay_json(unsigned worker, const struct turn_relay_info *info)
{
    char client[ADDRESS_TEXT_MAX], local[ADDRESS_TEXT_MAX];
    enum transport transport = (enum transport)info->client.transport;
    return json_pack(
        "{s:i, s:I, s:o, s:o, s:s, s:s, s:I, s:o, s:I, s:I, s:o, s:o, s:I}", "worker", (int)worker,
        "number", (json_int_t)info->number, "owner", answer_text(slice_from_string(info->owner)),
        "transport", answer_text(transport_uri_name(transport)), "client",
        address_text(&info->client.remote, client), "server",
        address_text(&info->client.local, local), "age", (json_int_t)info->age_s, "relayed",
        relayed_json(info), "permissions", (json_int_t)info->permissions, "channels",
        (json_int_t)info->channels, "to_peers", way_json(info, TURN_TO_PEER), "from_peers",
        way_json(info, TURN_FROM_PEER), "dropped", (json_int_t)info->dropped);
}

/* The page of one worker; the next worker's follows when it is done. */
static json_t *page(struct server *server, unsigned worker, uint64_t after,
                    struct turn_relay_info *infos)
{
    unsigned count = 0;
    if (worker_relays(server->workers[worker], after, infos, PAGE, &count) < 0)
        return answer_bad(ANSWER_FAILED, "worker %u does not answer", worker);
    json_t *relays = json_array();
    for (unsigned i = 0; relays != NULL && i < count; i++)
        json_array_append_new(relays, relay_json(worker, &infos[i]));
    bool whole = count < PAGE;
    return json_pack("{s:b, s:b, s:o, s:b, s:i, s:I}", "ok", true, "draining",
                     turn_ports_draining(server->turn_ports), "relays", relays, "more",
                     !whole || worker + 1 < server->worker_count, "next_worker",
                     (int)(whole ? worker + 1 : worker), "next_number",
                     (json_int_t)(whole ? 0 : infos[count - 1].number));
}

static json_t *off(void)
{
    return answer_bad(ANSWER_FAILED, "this server relays nothing: turn.enabled is off");
}

json_t *relays_answer(struct server *server, const json_t *request)
{
    json_int_t worker = json_integer_value(json_object_get(request, "worker"));
    json_int_t number = json_integer_value(json_object_get(request, "number"));
    if (server->turn_ports == NULL)
        return off();
    if (worker < 0 || worker >= server->worker_count || number < 0)
        return answer_bad(ANSWER_USAGE, "there is no worker %lld", (long long)worker);
    struct turn_relay_info *infos = memory_zalloc(PAGE, sizeof *infos);
    if (infos == NULL)
        return NULL;
    json_t *answer = page(server, (unsigned)worker, (uint64_t)number, infos);
    memory_free(infos);
    return answer;
}

json_t *relays_drain(struct server *server, const json_t *request)
{
    const json_t *on = json_object_get(request, "on");
    if (server->turn_ports == NULL)
        return off();
    if (!json_is_boolean(on))
        return answer_bad(ANSWER_USAGE, "\"on\" is true or false");
    turn_ports_drain(server->turn_ports, json_is_true(on));
    log_info(server->log, LOG_CONTROL, "relays: drain %s", json_is_true(on) ? "on" : "off");
    return json_pack("{s:b, s:b, s:I}", "ok", true, "draining", json_is_true(on), "relays",
                     (json_int_t)server_metric(server, WORKER_METRICS_TURN, TURN_ALLOCATIONS));
}
