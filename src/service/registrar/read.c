/* What a REGISTER asks for (RFC 3261 section 10.3 steps 6 and 7, section 10.2.1.1; RFC 3327; RFC
 * 5626 section 6). */
#include "base/error.h"
#include "service/registrar/registrar_private.h"
#include "stack/nat.h"

/* Seconds of the Expires header; absent or malformed: the default (10.2.1.1, 20.19). */
static uint32_t header_expires(const struct registrar *registrar, const struct sip_message *msg)
{
    uint32_t seconds;
    struct slice value = sip_message_value(msg, SIP_HEADER_EXPIRES);
    if (value.len == 0 || slice_to_u32(value, UINT32_MAX, &seconds) < 0)
        return registrar->config.expires_default_s;
    return seconds;
}

/* The usual spellings of one contact have one key (outbound.c has another one); the location finds
 * the others by 19.1.4. */
static bool write_key(struct registrar *registrar, const struct sip_contact *contact,
                      struct slice *ret_key)
{
    char text[1024];
    struct writer w;
    writer_init(&w, text, sizeof(text));
    sip_uri_write_key(&w, &contact->uri);
    return writer_status(&w) == 0 && arena_copy(&registrar->arena, writer_slice(&w), ret_key) == 0;
}

/* A phone does not name its GRUUs (RFC 5627 section 5.1). */
static bool is_ours_to_write(struct slice name)
{
    return slice_equal_nocase(name, SLICE("q")) || slice_equal_nocase(name, SLICE("expires")) ||
           slice_equal_nocase(name, SLICE("pub-gruu")) ||
           slice_equal_nocase(name, SLICE("temp-gruu"));
}

/* RFC 5627 section 5.1: a contact that leads back to its own address-of-record, itself or as a
 * GRUU.
 */
static bool leads_to_itself(struct registrar *registrar, const struct sip_contact *contact,
                            struct slice aor)
{
    char text[AUTHENTICATOR_AOR_MAX];
    struct gruu_name name;
    struct slice domain;
    struct writer w;
    writer_init(&w, text, sizeof(text));
    if (!domains_local(registrar->parts.domains, contact->uri.host, contact->uri.port, &domain))
        return false;
    if (gruu_is(&contact->uri) &&
        gruu_read(registrar->gruu, &contact->uri, domain, &registrar->arena, &name) == 0)
        return slice_equal(name.aor, aor);
    return domains_aor(registrar->parts.domains, &contact->uri, &w) == 0 &&
           slice_equal(writer_slice(&w), aor);
}

/* Contact parameters that are given back in the 200: all but those that are written anew. */
static struct slice other_params(struct registrar *registrar, const struct sip_contact *contact)
{
    char text[1024];
    struct writer w;
    struct slice rest = contact->address.params, copy;
    struct sip_param param;
    writer_init(&w, text, sizeof(text));
    while (sip_param_next(&rest, &param) > 0) {
        if (is_ours_to_write(param.name))
            continue;
        writer_char(&w, ';');
        writer_put(&w, param.name);
        if (param.has_value) {
            writer_char(&w, '=');
            writer_put(&w, param.value);
        }
    }
    if (writer_status(&w) < 0 || arena_copy(&registrar->arena, writer_slice(&w), &copy) < 0)
        return SLICE_NULL;
    return copy;
}

static bool refuse_brief(struct registrar *registrar, const struct endpoint_request *request)
{
    char line[48];
    struct writer w;
    writer_init(&w, line, sizeof(line));
    writer_format(&w, "Min-Expires: %u\r\n", registrar->config.expires_min_s);
    registrar_refuse(registrar, request, 423, NULL, writer_slice(&w));
    return false;
}

/* RFC 5630 section 5.2: a sips contact needs a sips Request-URI, sips in every Path, and TLS at
 * least where we can see it. */
static bool secure_all_the_way(const struct endpoint_request *request)
{
    struct sip_values values;
    struct slice value;
    struct sip_address address;
    if (request->uri.scheme != SIP_URI_SIPS ||
        !transport_secure((enum transport)request->flow.transport))
        return false;
    sip_values_init(&values, request->msg, SIP_HEADER_PATH);
    while (sip_values_next(&values, &value)) {
        if (sip_address_parse(value, false, &address) < 0 ||
            !slice_starts_with_nocase(address.uri, SLICE("sips:")))
            return false;
    }
    return true;
}

/* Step 7 for one contact. */
static bool read_contact(struct registrar *registrar, const struct endpoint_request *request,
                         const struct sip_contact *contact, uint32_t default_expires,
                         struct location_change *change)
{
    const struct registrar_config *config = &registrar->config;
    uint32_t expires = contact->has_expires ? contact->expires : default_expires;
    if (expires > 0 && expires < config->expires_min_s && expires < 3600)
        return refuse_brief(registrar, request);
    if (contact->instance.len > 0 && expires > 0 &&
        leads_to_itself(registrar, contact, registrar->update.aor)) {
        registrar_refuse(registrar, request, 403, "Forbidden - Contact Leads To Itself",
                         SLICE_NULL);
        return false;
    }
    if (expires > config->expires_max_s)
        expires = config->expires_max_s;
    *change = (struct location_change){.expires_s = expires};
    change->binding.contact = contact->address.uri;
    change->binding.q = contact->q;
    change->binding.instance = contact->instance;
    /* Without an instance it means nothing (RFC 5626 section 6). */
    change->binding.reg_id = contact->instance.len > 0 ? contact->reg_id : 0;
    change->binding.params = other_params(registrar, contact);
    change->binding.gruu = contact->instance.len > 0 && registrar_knows_gruus(request->msg);
    /* Others cannot be reached from here. */
    if (contact->uri.scheme != SIP_URI_SIP &&
        !(contact->uri.scheme == SIP_URI_SIPS && secure_all_the_way(request))) {
        registrar_refuse(registrar, request, 400, "Bad Request - Contact Scheme Not Supported",
                         SLICE_NULL);
        return false;
    }
    if (contact->instance.len > REGISTRAR_INSTANCE_MAX ||
        !write_key(registrar, contact, &change->key)) {
        registrar_refuse(registrar, request, 400, "Bad Request - Contact Too Long", SLICE_NULL);
        return false;
    }
    return true;
}

/* Step 6: "*" stands alone and needs Expires: 0. */
static bool read_star(struct registrar *registrar, const struct endpoint_request *request,
                      unsigned count)
{
    uint32_t seconds;
    struct slice value = sip_message_value(request->msg, SIP_HEADER_EXPIRES);
    if (count == 1 && value.len > 0 && slice_to_u32(value, UINT32_MAX, &seconds) == 0 &&
        seconds == 0)
        return true;
    registrar_refuse(registrar, request, 400,
                     "Bad Request - Contact * Needs Expires 0 And No Other Contact", SLICE_NULL);
    return false;
}

static bool read_contacts(struct registrar *registrar, const struct endpoint_request *request,
                          struct location_update *update)
{
    struct sip_values values;
    struct slice value;
    unsigned count = 0;
    uint32_t default_expires = header_expires(registrar, request->msg);
    sip_values_init(&values, request->msg, SIP_HEADER_CONTACT);
    while (sip_values_next(&values, &value)) {
        struct sip_contact contact;
        count++;
        if (slice_equal(value, SLICE("*"))) {
            update->remove_all = true;
            continue;
        }
        if (sip_contact_parse(value, &contact) < 0) {
            registrar_refuse(registrar, request, 400, "Bad Request - Contact Malformed",
                             SLICE_NULL);
            return false;
        }
        if (update->count == LOCATION_CHANGES_MAX) {
            registrar_refuse(registrar, request, 400, "Bad Request - Too Many Contacts",
                             SLICE_NULL);
            return false;
        }
        if (!read_contact(registrar, request, &contact, default_expires,
                          &update->changes[update->count]))
            return false;
        update->count++;
    }
    return !update->remove_all || read_star(registrar, request, count);
}

/* The Path values as one list (RFC 3327 section 5.3). */
static bool read_path(struct registrar *registrar, const struct endpoint_request *request,
                      struct slice *ret_path)
{
    char text[2048];
    struct writer w;
    struct sip_values values;
    struct slice value;
    writer_init(&w, text, sizeof(text));
    sip_values_init(&values, request->msg, SIP_HEADER_PATH);
    while (sip_values_next(&values, &value)) {
        struct sip_address address;
        struct sip_uri uri;
        if (sip_address_parse(value, false, &address) < 0 || sip_uri_parse(address.uri, &uri) < 0) {
            registrar_refuse(registrar, request, 400, "Bad Request - Path Malformed", SLICE_NULL);
            return false;
        }
        if (writer_length(&w) > 0)
            writer_literal(&w, ", ");
        writer_put(&w, value);
    }
    if (writer_status(&w) == 0 && arena_copy(&registrar->arena, writer_slice(&w), ret_path) == 0)
        return true;
    registrar_refuse(registrar, request, 400, "Bad Request - Path Too Long", SLICE_NULL);
    return false;
}

/* Must its calls go back along the flow, because a NAT stands between? */
static bool is_behind_nat(const struct endpoint_request *request,
                          const struct location_update *update)
{
    struct sip_uri contact;
    return update->count > 0 && registrar_is_first_hop(request->msg) &&
           sip_uri_parse(update->changes[0].binding.contact, &contact) == 0 &&
           nat_hides(&request->via, &request->flow, &contact);
}

/* Behind different NATs phones have the same private addresses: where they are is part of who they
 * are. */
static bool mark_keys(struct registrar *registrar, const struct endpoint_request *request,
                      struct location_update *update)
{
    char text[1024 + ADDRESS_TEXT_MAX];
    for (unsigned i = 0; i < update->count; i++) {
        struct location_change *change = &update->changes[i];
        struct sip_uri contact;
        struct address place;
        struct writer w;
        if (change->binding.reg_id != 0 || sip_uri_parse(change->binding.contact, &contact) < 0 ||
            address_parse_host(contact.host, 0, &place) < 0 || !address_is_private(&place))
            continue;
        writer_init(&w, text, sizeof(text));
        writer_put(&w, change->key);
        writer_char(&w, ' ');
        address_write_host(&w, &request->flow.remote, false);
        if (writer_status(&w) < 0 ||
            arena_copy(&registrar->arena, writer_slice(&w), &change->key) < 0) {
            registrar_refuse(registrar, request, 500, NULL, SLICE_NULL);
            return false;
        }
    }
    return true;
}

bool registrar_read(struct registrar *registrar, const struct endpoint_request *request,
                    struct slice aor, struct location_update *ret_update)
{
    const struct sip_message *msg = request->msg;
    struct location_update *update = ret_update;
    update->aor = aor;
    update->call_id = sip_message_value(msg, SIP_HEADER_CALL_ID);
    update->user_agent = sip_message_value(msg, SIP_HEADER_USER_AGENT);
    update->flow = request->flow;
    update->remove_all = false;
    update->undoable = registrar->config.durable;
    update->may_repeat = !registrar->config.auth; /* see registrar_acknowledge */
    update->count = 0;
    update->cseq = msg->parts.cseq.number;
    if (!read_path(registrar, request, &update->path) || !read_contacts(registrar, request, update))
        return false;
    update->behind_nat = is_behind_nat(request, update);
    return registrar_read_outbound(registrar, request, update) &&
           (!update->behind_nat || mark_keys(registrar, request, update));
}
