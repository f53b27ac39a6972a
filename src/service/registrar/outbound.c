/* Flows that phones register by (RFC 5626 section 6), and the way that they shall take to us
 * (RFC 3608). */
#include "base/error.h"
#include "service/registrar/registrar_private.h"

static bool says(const struct sip_message *msg, struct slice option)
{
    return sip_message_has_token(msg, SIP_HEADER_SUPPORTED, option) ||
           sip_message_has_token(msg, SIP_HEADER_REQUIRE, option);
}

bool registrar_is_first_hop(const struct sip_message *msg)
{
    struct sip_values values;
    struct slice value;
    unsigned count = 0;
    sip_values_init(&values, msg, SIP_HEADER_VIA);
    while (count < 2 && sip_values_next(&values, &value))
        count++;
    return count == 1;
}

/* The edge proxy that the phone speaks to has put in its URI first, so it comes last, and its "ob"
 * says that it keeps the flow. */
static bool edge_keeps_flow(struct slice path)
{
    struct slice value, last = SLICE_NULL, ob;
    struct sip_address address;
    struct sip_uri uri;
    while (sip_list_next(&path, &value))
        last = value;
    return last.len > 0 && sip_address_parse(last, false, &address) == 0 &&
           sip_uri_parse(address.uri, &uri) == 0 && sip_uri_param(&uri, SLICE("ob"), &ob);
}

/* The binding is one of AOR, instance and reg-id, whatever its contact. */
static bool write_key(struct registrar *registrar, struct location_change *change)
{
    char text[REGISTRAR_INSTANCE_MAX + 16];
    struct writer w;
    writer_init(&w, text, sizeof(text));
    writer_put(&w, change->binding.instance);
    writer_char(&w, ';');
    writer_u64(&w, change->binding.reg_id);
    return writer_status(&w) == 0 &&
           arena_copy(&registrar->arena, writer_slice(&w), &change->key) == 0;
}

bool registrar_read_outbound(struct registrar *registrar, const struct endpoint_request *request,
                             struct location_update *update)
{
    unsigned flows = 0, lasting = 0, lasting_flows = 0;
    registrar->outbound = false;
    for (unsigned i = 0; i < update->count; i++) {
        bool flow = update->changes[i].binding.reg_id != 0, lasts = update->changes[i].expires_s;
        flows += flow;
        lasting += lasts;
        lasting_flows += flow && lasts;
    }
    if (flows == 0)
        return true;
    bool applies = registrar_is_first_hop(request->msg) || edge_keeps_flow(update->path);
    if (!applies && says(request->msg, SLICE("outbound"))) {
        registrar_refuse(registrar, request, 439, NULL, SLICE_NULL);
        return false;
    }
    if (applies && lasting > 1 && lasting_flows > 0) {
        registrar_refuse(registrar, request, 400, "Bad Request - One Contact Per Flow", SLICE_NULL);
        return false;
    }
    for (unsigned i = 0; i < update->count; i++) {
        struct location_change *change = &update->changes[i];
        if (!applies)
            change->binding.reg_id = 0;
        if (change->binding.reg_id != 0 && !write_key(registrar, change)) {
            registrar_refuse(registrar, request, 500, NULL, SLICE_NULL);
            return false;
        }
    }
    registrar->outbound = applies && says(request->msg, SLICE("outbound"));
    return true;
}

/* RFC 3608 section 6.2: the address of ours that the phone has reached. */
static void write_service_route(const struct endpoint_request *request, struct writer *w)
{
    struct address self = endpoint_sent_by(request->endpoint, &request->flow);
    writer_literal(w, "Service-Route: <sip:");
    address_write(w, &self);
    if (request->flow.transport != TRANSPORT_UDP) {
        writer_literal(w, ";transport=");
        writer_put(w, transport_uri_name((enum transport)request->flow.transport));
    }
    writer_literal(w, ";lr>\r\n");
}

void registrar_write_outbound(struct registrar *registrar, const struct endpoint_request *request,
                              struct writer *w)
{
    const struct registrar_config *config = &registrar->config;
    bool direct = registrar->update.path.len == 0;
    if (registrar->outbound)
        writer_literal(w, "Require: outbound\r\n");
    /* Section 5.4. */
    if (registrar->outbound && direct && config->flow_timer_s > 0) {
        writer_literal(w, "Flow-Timer: ");
        writer_u64(w, config->flow_timer_s);
        writer_literal(w, "\r\n");
    }
    if (config->service_route && registrar->bindings.count > 0)
        write_service_route(request, w);
}
