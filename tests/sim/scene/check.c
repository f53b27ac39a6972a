/* What holds for every message that the server sends to a phone, whatever the scenario. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/scene/scene.h"

/* When timer E of a client is reset to T2: 500, 1,000 and 2,000 ms. */
#define TRYING_US (UINT64_C(3500) * 1000)

static void complain(struct actor *actor, const struct note *note, const char *what)
{
    scene_fail(actor->scene, "%s: %s:\n%.*s", actor->name, what, SLICE_ARG(note->view.raw));
}

/* Transport and sent-by: up to the first ';'. */
static struct slice sent_by(struct slice via)
{
    return slice_trim(slice_cut(&via, ';'));
}

static bool same_via(struct slice a, struct slice b)
{
    return slice_equal(sent_by(a), sent_by(b)) &&
           slice_equal_nocase(view_param(a, "branch"), view_param(b, "branch"));
}

static bool same_line(const struct view *a, const struct view *b, const char *name)
{
    return slice_equal(view_line(a, name, 0), view_line(b, name, 0));
}

/* ---- responses ---- */

/* An answer was there already: a further one is only right when it is another phone's 2xx to an
 * INVITE (16.7 step 5, RFC 6026). */
static const char *compare_finals(const struct view *before, const struct view *now)
{
    bool invite = slice_equal(now->method, SLICE("INVITE"));
    if (before->status < 200)
        return NULL;
    if (now->status < 200)
        return "a provisional response after the final one (17.2.1)";
    if (!invite || before->status >= 300 || now->status >= 300)
        return "a second final response (16.7 step 6)";
    return slice_equal(before->to_tag, now->to_tag) ? "two 2xx of one dialog" : NULL;
}

static const char *check_response(struct actor *actor, const struct note *note)
{
    const struct view *view = &note->view;
    const struct note *request = note_by_branch(&actor->sent, view);
    bool invite = slice_equal(view->method, SLICE("INVITE"));
    if (request == NULL)
        return "a response to nothing that was sent";
    unsigned vias = view_values(view, "Via");
    if (vias != view_values(&request->view, "Via"))
        return "not the Vias that were sent (16.7 step 3)";
    for (unsigned i = 0; i < vias; i++) {
        if (!same_via(view_value(view, "Via", i), view_value(&request->view, "Via", i)))
            return "another Via than was sent (16.7 step 3)";
    }
    if (!same_line(view, &request->view, "From") || !same_line(view, &request->view, "CSeq"))
        return "From or CSeq changed (8.2.6.2)";
    if (!slice_equal(view_uri(view_line(view, "To", 0)),
                     view_uri(view_line(&request->view, "To", 0))))
        return "To changed (8.2.6.2)";
    if (view->status > 100 && view->to_tag.len == 0)
        return "no To tag (8.2.6.2)";
    if (!invite && view->status > 100 && view->status < 200)
        return "a 1xx other than 100 to a non-INVITE (RFC 4320 section 4.1)";
    if (!invite && view->status == 100 && !note->tcp && note->at_us < request->at_us + TRYING_US)
        return "a 100 to a non-INVITE too early (RFC 4320 section 4.1)";
    if (!invite && view->status == 408)
        return "a 408 to a non-INVITE (RFC 4320 section 4.2)";
    list_for_each(node, &actor->got)
    {
        const struct note *before = container_of(node, struct note, node);
        if (before == note || before->view.status == 0 ||
            note_by_branch(&actor->sent, &before->view) != request)
            continue;
        const char *why = compare_finals(&before->view, view);
        if (why != NULL)
            return why;
    }
    return NULL;
}

/* ---- requests ---- */

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

/* CANCEL, and the ACK of a refusal: made by the hop before (9.1, 17.1.1.3). */
static const char *check_hop(const struct note *note, const struct note *invite)
{
    const struct view *view = &note->view;
    if (invite == NULL)
        return "no INVITE with that branch was there (9.1)";
    if (view_values(view, "Via") != 1 ||
        !slice_equal(view_value(view, "Via", 0), view_value(&invite->view, "Via", 0)))
        return "not the INVITE's top Via alone (9.1, 17.1.1.3)";
    if (!slice_equal(view->uri, invite->view.uri) || view->cseq != invite->view.cseq ||
        !slice_equal(view->call_id, invite->view.call_id) ||
        !same_line(view, &invite->view, "From") || !same_line(view, &invite->view, "Route"))
        return "not like the INVITE (9.1, 17.1.1.3)";
    if (slice_equal(view->method, SLICE("CANCEL")) && !same_line(view, &invite->view, "To"))
        return "another To than the INVITE's (9.1)";
    if (slice_equal(view->method, SLICE("ACK")) && view->to_tag.len == 0)
        return "an ACK without the To tag of the response (17.1.1.3)";
    return NULL;
}

static const char *check_vias(const struct view *view, const struct view *original)
{
    unsigned now = view_values(view, "Via"), before = view_values(original, "Via");
    if (now <= before)
        return "the server's own Via is missing (16.6 step 8)";
    for (unsigned i = 0; i < before; i++) {
        if (!same_via(view_value(view, "Via", now - before + i), view_value(original, "Via", i)))
            return "the Vias below the server's have changed (16.6 step 8)";
    }
    if (!slice_starts_with(view->branch, SLICE("z9hG4bK")))
        return "no magic cookie in the branch (8.1.1.7)";
    struct slice below = view_value(view, "Via", now - before);
    if (view_has_param(view_value(original, "Via", 0), "rport") &&
        (view_param(below, "rport").len == 0 || view_param(below, "received").len == 0))
        return "rport and received are not filled in (RFC 3581 section 4)";
    return NULL;
}

static unsigned max_forwards(const struct view *view, unsigned missing)
{
    uint32_t n = missing;
    (void)slice_to_u32(view_line(view, "Max-Forwards", 0), 255, &n);
    return n;
}

static const char *check_forwarded(struct actor *actor, const struct note *note)
{
    const struct view *view = &note->view;
    const struct note *original = original_of(actor->scene, view);
    if (original == NULL)
        return "a request that nobody has sent";
    if (address_equal(&original->peer, &actor->wire.local))
        return NULL; /* straight from the other phone */
    const char *why = check_vias(view, &original->view);
    if (why != NULL)
        return why;
    unsigned hops = view_values(view, "Via") - view_values(&original->view, "Via");
    if (max_forwards(view, 0) + hops != max_forwards(&original->view, 70 + 1))
        return "Max-Forwards is not one less for each hop (16.6 step 3)";
    if (!same_line(view, &original->view, "From") || !same_line(view, &original->view, "To") ||
        !same_line(view, &original->view, "Contact") ||
        !slice_equal(view->body, original->view.body))
        return "From, To, Contact or body changed (16.6)";
    if (view_line(view, "Content-Length", 0).len == 0)
        return "no Content-Length (16.6 step 9)";
    if (actor->scene->config.auth_call && view_line(view, "Proxy-Authorization", 0).len > 0)
        return "credentials for our realm were passed on (22.3)";
    return NULL;
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
    if (slice_equal(view->method, SLICE("CANCEL")) || (ack && invite != NULL))
        return check_hop(note, invite);
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
        complain(actor, note, why);
}
