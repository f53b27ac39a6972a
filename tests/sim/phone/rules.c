#include "sim/phone/rules.h"

#include <stddef.h>

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

static const char *compare_vias(const struct view *response, const struct view *request)
{
    unsigned vias = view_values(response, "Via");
    if (vias != view_values(request, "Via"))
        return "not the Vias that were sent (16.7 step 3)";
    for (unsigned i = 0; i < vias; i++) {
        if (!same_via(view_value(response, "Via", i), view_value(request, "Via", i)))
            return "another Via than was sent (16.7 step 3)";
    }
    return NULL;
}

const char *rule_response(const struct view *response, const struct view *request)
{
    bool invite = slice_equal(response->method, SLICE("INVITE"));
    const char *why = compare_vias(response, request);
    if (why != NULL)
        return why;
    if (!same_line(response, request, "From") || !same_line(response, request, "CSeq"))
        return "From or CSeq changed (8.2.6.2)";
    if (!slice_equal(view_uri(view_line(response, "To", 0)), view_uri(view_line(request, "To", 0))))
        return "To changed (8.2.6.2)";
    if (response->status > 100 && response->to_tag.len == 0)
        return "no To tag (8.2.6.2)";
    if (!invite && response->status > 100 && response->status < 200)
        return "a 1xx other than 100 to a non-INVITE (RFC 4320 section 4.1)";
    if (!invite && response->status == 408)
        return "a 408 to a non-INVITE (RFC 4320 section 4.2)";
    return NULL;
}

/* An answer was there already: a further one is only right when it is another phone's 2xx to an
 * INVITE (16.7 step 5, RFC 6026). */
const char *rule_finals(const struct view *before, const struct view *now)
{
    bool invite = slice_equal(now->method, SLICE("INVITE"));
    if (before->status < 200 || now->status < 200)
        return NULL;
    /* Strangers are challenged without a transaction (26.3.2.4): each time with another nonce. */
    if (before->status == now->status && (now->status == 401 || now->status == 407))
        return NULL;
    if (!invite || before->status >= 300 || now->status >= 300)
        return "a second final response (16.7 step 6)";
    return slice_equal(before->to_tag, now->to_tag) ? "two 2xx of one dialog" : NULL;
}

const char *rule_order(const struct view *before, const struct view *now)
{
    if (before->status >= 200 && now->status < 200)
        return "a provisional response after the final one (17.2.1)";
    return rule_finals(before, now);
}

/* ---- requests ---- */

const char *rule_hop(const struct view *request, const struct view *invite)
{
    if (view_values(request, "Via") != 1 ||
        !slice_equal(view_value(request, "Via", 0), view_value(invite, "Via", 0)))
        return "not the INVITE's top Via alone (9.1, 17.1.1.3)";
    if (!slice_equal(request->uri, invite->uri) || request->cseq != invite->cseq ||
        !slice_equal(request->call_id, invite->call_id) || !same_line(request, invite, "From") ||
        !same_line(request, invite, "Route"))
        return "not like the INVITE (9.1, 17.1.1.3)";
    if (slice_equal(request->method, SLICE("CANCEL")) && !same_line(request, invite, "To"))
        return "another To than the INVITE's (9.1)";
    if (slice_equal(request->method, SLICE("ACK")) && request->to_tag.len == 0)
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

const char *rule_forwarded(const struct view *request, const struct view *original)
{
    const char *why = check_vias(request, original);
    if (why != NULL)
        return why;
    unsigned hops = view_values(request, "Via") - view_values(original, "Via");
    if (max_forwards(request, 0) + hops != max_forwards(original, 70 + 1))
        return "Max-Forwards is not one less for each hop (16.6 step 3)";
    if (!same_line(request, original, "From") || !same_line(request, original, "To") ||
        !same_line(request, original, "Contact") || !slice_equal(request->body, original->body))
        return "From, To, Contact or body changed (16.6)";
    if (view_line(request, "Content-Length", 0).len == 0)
        return "no Content-Length (16.6 step 9)";
    return NULL;
}
