/* What holds for every message that the server sends to a phone, whatever the scenario. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/phone/rules.h"
#include "sim/scene/scene.h"

/* When timer E of a client is reset to T2: 500, 1,000 and 2,000 ms. */
#define TRYING_US (UINT64_C(3500) * 1000)

/* Phones' tags end so: others are the server's own. */
static bool is_server_tag(struct slice tag)
{
    return tag.len > 0 && !slice_ends_with_nocase(tag, SLICE("-tag"));
}

/* All that the server itself answers to the requests of one branch (an INVITE and its CANCEL) has
 * one tag. */
static bool tag_differs(const struct actor *actor, const struct note *note)
{
    if (!is_server_tag(note->view.to_tag))
        return false;
    list_for_each(node, &actor->got)
    {
        const struct view *before = &container_of(node, struct note, node)->view;
        if (before->status > 100 && before != &note->view && before->cseq == note->view.cseq &&
            slice_equal(before->call_id, note->view.call_id) &&
            slice_equal_nocase(before->branch, note->view.branch) &&
            is_server_tag(before->to_tag) && !slice_equal(before->to_tag, note->view.to_tag))
            return true;
    }
    return false;
}

static const char *check_response(struct actor *actor, const struct note *note)
{
    const struct view *view = &note->view;
    const struct note *request = note_by_branch(&actor->sent, view);
    bool invite = slice_equal(view->method, SLICE("INVITE"));
    if (request == NULL)
        return "a response to nothing that was sent";
    const char *why = rule_response(view, &request->view);
    if (!invite && view->status == 100 && !note->tcp && note->at_us < request->at_us + TRYING_US)
        why = "a 100 to a non-INVITE too early (RFC 4320 section 4.1)";
    if (why == NULL && view->status > 100 && tag_differs(actor, note))
        why = "another To tag of ours than before (8.2.6.2, 9.2)";
    list_for_each(node, &actor->got)
    {
        const struct note *before = container_of(node, struct note, node);
        if (why == NULL && before != note && before->view.status != 0 &&
            note_by_branch(&actor->sent, &before->view) == request)
            why = rule_order(&before->view, view);
    }
    return why;
}

/* The request as some phone has sent it; the newest. */
static const struct note *original_of(const struct scene *scene, const struct view *view)
{
    const struct note *found = NULL;
    for (unsigned i = 0; i < scene->actor_count; i++) {
        list_for_each(node, &scene->actors[i].sent)
        {
            const struct note *note = container_of(node, struct note, node);
            if (note->view.status == 0 && note->view.cseq == view->cseq &&
                slice_equal(note->view.method, view->method) &&
                slice_equal(note->view.call_id, view->call_id) &&
                slice_equal(note->view.from_tag, view->from_tag) &&
                (found == NULL || note->at_us > found->at_us))
                found = note;
        }
    }
    return found;
}

static const struct note *invite_of_branch(const struct actor *actor, const struct view *view)
{
    list_for_each(node, &actor->got)
    {
        const struct note *note = container_of(node, struct note, node);
        if (note_is(note, "INVITE") && slice_equal(note->view.branch, view->branch))
            return note;
    }
    return NULL;
}

/* The server asks on its own account whether another one is back (stack/prober.h). */
static bool is_probe(const struct view *view)
{
    return slice_equal(view->method, SLICE("OPTIONS")) && view_line(view, "Via", 1).len == 0 &&
           slice_equal(view_line(view, "Max-Forwards", 0), SLICE("0"));
}

static const char *check_forwarded(struct actor *actor, const struct note *note)
{
    const struct note *original = original_of(actor->scene, &note->view);
    if (original == NULL && is_probe(&note->view))
        return NULL;
    if (original == NULL)
        return "a request that nobody has sent";
    if (address_equal(&original->peer, &actor->wire.local))
        return NULL; /* straight from the other phone */
    const char *why = rule_forwarded(&note->view, &original->view);
    if (why == NULL && actor->scene->config.auth_call &&
        view_line(&note->view, "Proxy-Authorization", 0).len > 0)
        why = "credentials for our realm were passed on (22.3)";
    return why;
}

/* The same request with another branch: delivered twice (8.2.2.2 calls it merged). */
static bool is_merged(const struct actor *actor, const struct note *note)
{
    list_for_each(node, &actor->got)
    {
        const struct note *before = container_of(node, struct note, node);
        if (before != note && before->view.status == 0 &&
            slice_equal(before->view.method, note->view.method) &&
            before->view.cseq == note->view.cseq &&
            slice_equal(before->view.call_id, note->view.call_id) &&
            slice_equal(before->view.from_tag, note->view.from_tag))
            return true;
    }
    return false;
}

static const char *check_request(struct actor *actor, const struct note *note)
{
    const struct view *view = &note->view;
    const struct note *invite = invite_of_branch(actor, view);
    bool ack = slice_equal(view->method, SLICE("ACK"));
    bool cancel = slice_equal(view->method, SLICE("CANCEL"));
    if (cancel && invite == NULL)
        return "no INVITE with that branch was there (9.1)";
    if (cancel || (ack && invite != NULL))
        return rule_hop(view, &invite->view);
    const char *why = check_forwarded(actor, note);
    if (why == NULL && !ack && !actor->scene->merges && is_merged(actor, note))
        why = "the same request a second time, as another transaction";
    return why;
}

void actor_check(struct actor *actor, const struct note *note)
{
    const char *why =
        note->view.status > 0 ? check_response(actor, note) : check_request(actor, note);
    if (why != NULL)
        scene_fail(actor->scene, "%s: %s:\n%.*s", actor->name, why, SLICE_ARG(note->view.raw));
}
