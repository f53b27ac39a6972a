#include <stdio.h>
#include <stdlib.h>

#include "sim/agent/agent.h"
#include "sim/server/server.h"

#define TRIES_MAX 5

static void send_register(struct agent *agent);

/* Our contact among those that the 200 lists; empty when it is not there. */
static struct slice own_contact(const struct agent *agent, const struct view *view)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof(wanted), "sip:%s@", agent->name);
    for (unsigned i = 0; i < view_values(view, "Contact"); i++) {
        struct slice value = view_value(view, "Contact", i);
        if (slice_starts_with(view_uri(value), slice_from_string(wanted)))
            return value;
    }
    return SLICE_NULL;
}

static void on_registered(struct agent *agent, const struct agent_tx *tx, const struct view *view)
{
    struct slice contact = own_contact(agent, view);
    uint32_t expires = 0;
    agent->crowd->counts[CROWD_REGISTERED]++;
    agent->present = contact.len > 0;
    agent->uncertain = false;
    if (agent->present != (agent->wanted_s > 0)) {
        agent_fail(agent, view, "the 200 does not list what was registered (10.3 step 8)");
        return;
    }
    if (!agent->present)
        return;
    if (slice_to_u32(view_param(contact, "expires"), UINT32_MAX, &expires) < 0 ||
        expires > agent->wanted_s || expires == 0)
        agent_fail(agent, view, "not the expires that was asked for (10.3 step 8)");
    int64_t sent_ms = sim_wall_ms(agent->crowd->world) -
                      (int64_t)((sim_now_us(agent->crowd->world) - tx->begun_us) / 1000);
    agent->until_ms = sent_ms + (int64_t)expires * 1000;
    agent->until_latest_ms = sim_wall_ms(agent->crowd->world) + (int64_t)expires * 1000;
}

static void on_response(struct agent_tx *tx, const struct view *view)
{
    struct agent *agent = tx->user;
    if (view != NULL && view->status < 200)
        return;
    agent->registering = false;
    if (view == NULL) {
        agent->crowd->counts[CROWD_LOST]++;
        if (agent->crowd->certain)
            agent_fail(agent, &tx->view, "a REGISTER got no answer");
    } else if (view->status == 401 && agent->register_tries < TRIES_MAX) {
        if (agent_challenged(agent, view))
            send_register(agent);
        else
            agent_fail(agent, view, "a 401 without a challenge (22.1)");
    } else if (view->status == 200) {
        on_registered(agent, tx, view);
    } else if (agent->crowd->certain) {
        agent_fail(agent, view, "a REGISTER was refused");
    }
}

static void send_register(struct agent *agent)
{
    char bytes[AGENT_MESSAGE], who[128], call_id[64], extra[256], text[ADDRESS_TEXT_MAX];
    struct writer w;
    agent->registering = true;
    agent->uncertain = true;
    agent->register_tries++;
    (void)snprintf(who, sizeof(who), "<sip:%s@" SIM_DOMAIN ">", agent->user);
    (void)snprintf(call_id, sizeof(call_id), "reg-%s", agent->name);
    (void)snprintf(extra, sizeof(extra), "Contact: <sip:%s@%s%s>;expires=%u%s%s\r\n", agent->name,
                   address_text(&agent->wire.local, text), agent->tcp ? ";transport=tcp" : "",
                   agent->wanted_s, agent->q ? ";q=" : "", agent->q ? agent->q : "");
    char from[160];
    (void)snprintf(from, sizeof(from), "%s;tag=r%u", who, agent->register_cseq + 1);
    struct agent_request request = {
        .method = "REGISTER",
        .uri = "sip:" SIM_DOMAIN,
        .from = from,
        .to = who,
        .call_id = call_id,
        .extra = extra,
        .cseq = ++agent->register_cseq,
        .credentials = true,
    };
    writer_init(&w, bytes, sizeof(bytes));
    agent_write_request(agent, &request, &w);
    (void)agent_send(agent, writer_slice(&w), agent->tcp, &agent->crowd->server, on_response,
                     agent);
}

void agent_register(struct agent *agent, uint32_t expires_s)
{
    if (agent->registering || agent->dead)
        return;
    agent->wanted_s = expires_s;
    if (expires_s == 0)
        agent->removed_ms = sim_wall_ms(agent->crowd->world);
    agent->register_tries = 0;
    send_register(agent);
}
