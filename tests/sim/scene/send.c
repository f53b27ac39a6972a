/* What the phones of a scenario send, written from what they have sent and got so far. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/scene/scene.h"

/* A message being written. */
struct draft {
    char text[SCENE_MESSAGE];
    struct writer w;
    bool tcp;
    struct address to;
};

static bool has_word(char **words, unsigned count, const char *word)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}

static const char *value_of(char **words, unsigned count, const char *key)
{
    size_t length = strlen(key);
    for (unsigned i = 0; i < count; i++) {
        if (strncmp(words[i], key, length) == 0 && words[i][length] == '=')
            return words[i] + length + 1;
    }
    return NULL;
}

/* ---- changes to a whole message ---- */

static void splice(struct draft *draft, size_t at, size_t remove, const char *insert)
{
    size_t length = writer_length(&draft->w), added = strlen(insert);
    if (length - remove + added >= sizeof(draft->text))
        abort();
    memmove(draft->text + at + added, draft->text + at + remove, length - at - remove);
    memcpy(draft->text + at, insert, added);
    draft->w.at = draft->text + length - remove + added;
}

static size_t find_text(const struct draft *draft, const char *text)
{
    const char *found = memmem(draft->text, writer_length(&draft->w), text, strlen(text));
    return found == NULL ? SIZE_MAX : (size_t)(found - draft->text);
}

static void add_line(struct draft *draft, const char *line, bool first)
{
    char text[SCENE_MESSAGE];
    (void)snprintf(text, sizeof(text), "%s\r\n", line);
    for (char *at = text; (at = strchr(at, '`')) != NULL;
         at++) /* scenarios have quotes of their own */
        *at = '"';
    splice(draft, first ? find_text(draft, "\r\n") + 2 : find_text(draft, "\r\n\r\n") + 2, 0, text);
}

static void remove_lines(struct draft *draft, const char *name)
{
    char start[80];
    size_t at;
    (void)snprintf(start, sizeof(start), "\r\n%s:", name);
    while ((at = find_text(draft, start)) != SIZE_MAX) {
        const char *end = strstr(draft->text + at + 2, "\r\n");
        splice(draft, at, (size_t)(end - draft->text) - at, "");
    }
}

/* All lines of a name but the first. */
static void remove_lines_below(struct draft *draft, const char *name)
{
    char start[80];
    size_t first = find_text(draft, name);
    (void)snprintf(start, sizeof(start), "\r\n%s", name);
    for (const char *more; (more = strstr(draft->text + first, start)) != NULL;) {
        const char *end = strstr(more + 2, "\r\n");
        splice(draft, (size_t)(more - draft->text), (size_t)(end - more), "");
    }
}

/* "%old%new%" */
static void replace(struct scene *scene, struct draft *draft, const char *change)
{
    char copy[SCENE_MESSAGE];
    (void)snprintf(copy, sizeof(copy), "%s", change + 1);
    char *middle = strchr(copy, '%');
    char *end = middle != NULL ? strchr(middle + 1, '%') : NULL;
    if (end == NULL) {
        scene_fail(scene, "no such change: %s", change);
        return;
    }
    *middle = *end = '\0';
    size_t at = find_text(draft, copy);
    if (at == SIZE_MAX)
        scene_fail(scene, "nothing to change: %s", change);
    else
        splice(draft, at, strlen(copy), middle + 1);
}

static void pad(struct draft *draft, unsigned size)
{
    char line[SCENE_MESSAGE];
    int n = snprintf(line, sizeof(line), "X-Padding: ");
    memset(line + n, 'x', size);
    line[(size_t)n + size] = '\0';
    add_line(draft, line, false);
}

static void apply(struct scene *scene, struct draft *draft, char **words, unsigned count)
{
    *draft->w.at = '\0';
    for (unsigned i = 0; i < count; i++) {
        const char *word = words[i];
        if (word[0] == '+' || word[0] == '^')
            add_line(draft, word + 1, word[0] == '^');
        else if (word[0] == '-')
            remove_lines(draft, word + 1);
        else if (word[0] == '%')
            replace(scene, draft, word);
        else if (strncmp(word, "pad=", 4) == 0)
            pad(draft, (unsigned)atoi(word + 4));
        else if (strcmp(word, "dropvia") == 0)
            splice(draft, find_text(draft, "Via:"),
                   strcspn(draft->text + find_text(draft, "Via:"), "\n") + 1, "");
        else if (strcmp(word, "lonelyvia") == 0)
            remove_lines_below(draft, "Via:");
        *draft->w.at = '\0';
    }
}

static void send_draft(struct actor *actor, struct draft *draft, char **words, unsigned count)
{
    const char *why;
    apply(actor->scene, draft, words, count);
    struct slice bytes = writer_slice(&draft->w);
    struct note *note = actor_note(&actor->sent, bytes, &why);
    note->tcp = draft->tcp;
    note->peer = draft->to;
    note->at_us = sim_now_us(&actor->scene->world);
    if (note->view.call_id.len > 0)
        slice_to_string(note->view.call_id, actor->call_id, sizeof(actor->call_id));
    sim_trace(&actor->scene->world, "%s > %.*s", actor->name, SLICE_ARG(note->view.start_line));
    if (has_word(words, count, "hold")) { /* goes out with what is sent next */
        writer_put(&actor->held_w, bytes);
        return;
    }
    writer_put(&actor->held_w, bytes);
    actor_transmit(actor, draft->tcp, &draft->to, writer_slice(&actor->held_w));
    writer_rewind(&actor->held_w, 0);
}

/* ---- requests ---- */

/* Where and as whom a request goes. */
struct way {
    const char *method;
    char uri[512];
    char from[512];
    char to[520];
    char call_id[64];
    char route[1024]; /* lines */
    uint32_t cseq;
};

static void copy(struct slice s, char *buf, size_t size)
{
    slice_to_string(s, buf, size);
}

static void write_via(struct actor *actor, struct draft *draft)
{
    char text[ADDRESS_TEXT_MAX];
    writer_format(&draft->w, "Via: SIP/2.0/%s %s;rport;branch=z9hG4bK%s-%u\r\n",
                  draft->tcp ? "TCP" : "UDP", address_text(&actor->wire.local, text), actor->name,
                  ++actor->branches);
}

static void write_credentials(struct actor *actor, struct draft *draft, const struct way *way,
                              char **words, unsigned count)
{
    const char *user = value_of(words, count, "user");
    struct digest_credentials credentials = {
        .header = strcmp(way->method, "REGISTER") == 0 ? "Authorization" : "Proxy-Authorization",
        .user = user != NULL ? user : actor->user,
        .password = has_word(words, count, "badauth") ? "wrong" : SIM_PASSWORD,
        .method = slice_from_string(way->method),
        .uri = slice_from_string(way->uri),
        .no_qop = has_word(words, count, "noqop"),
    };
    if (actor->challenge.known && !has_word(words, count, "noauth"))
        digest_write(&draft->w, &actor->challenge, &credentials);
}

static void write_contact(struct actor *actor, struct draft *draft)
{
    writer_format(&draft->w, "Contact: <%s%s>\r\n", actor->contact,
                  actor->tcp ? ";transport=tcp" : "");
}

static void write_body(struct writer *w, bool sdp)
{
    writer_string(w, sdp ? "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
                         : "Content-Length: 0\r\n\r\n");
}

static void write_request(struct actor *actor, struct draft *draft, const struct way *way,
                          char **words, unsigned count)
{
    struct writer *w = &draft->w;
    writer_format(w, "%s %s SIP/2.0\r\n", way->method, way->uri);
    write_via(actor, draft);
    writer_format(w, "%sMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\n", way->route,
                  way->from, way->to, way->call_id);
    writer_format(w, "CSeq: %u %s\r\n", way->cseq, way->method);
    if (strcmp(way->method, "REGISTER") != 0)
        write_contact(actor, draft);
    write_credentials(actor, draft, way, words, count);
    write_body(w, has_word(words, count, "sdp"));
}

static void start_draft(struct actor *actor, struct draft *draft, char **words, unsigned count)
{
    writer_init(&draft->w, draft->text, sizeof(draft->text) - 1);
    draft->tcp = (actor->tcp || has_word(words, count, "tcp")) && !has_word(words, count, "udp");
    draft->to = actor->server;
    const char *to = value_of(words, count, "dst");
    if (to != NULL)
        draft->to = sim_address(to);
}

static uint32_t next_cseq(struct actor *actor, const char *call_id)
{
    uint32_t highest = 0;
    list_for_each(node, &actor->sent)
    {
        const struct note *note = container_of(node, struct note, node);
        if (note->view.status == 0 && note->view.cseq > highest &&
            slice_equal(note->view.call_id, slice_from_string(call_id)))
            highest = note->view.cseq;
    }
    return highest + 1;
}

/* "pub-gruu:bob" or "temp-gruu:bob": what the registrar has given to that phone, in the last 200
 * or, with ":1", in the first. */
bool scene_gruu(struct scene *scene, const char *target, char *buf, size_t size)
{
    char param[32], name[16];
    unsigned number = 0;
    if (sscanf(target, "%9[a-z]-gruu:%15[a-z0-9]:%u", param, name, &number) < 2)
        return false;
    struct actor *actor = scene_actor(scene, name);
    (void)strcat(param, "-gruu=\"");
    list_for_each(node, &actor->got)
    {
        const struct note *note = container_of(node, struct note, node);
        for (unsigned i = 0; note_is(note, "200/REGISTER"); i++) {
            struct slice line = view_line(&note->view, "Contact", i);
            if (line.len == 0)
                break;
            const char *at = memmem(line.ptr, line.len, param, strlen(param));
            if (at == NULL || !slice_equal(view_uri(line), slice_from_string(actor->registered)))
                continue;
            struct slice rest = slice_between(at + strlen(param), line.ptr + line.len);
            slice_to_string(slice_cut(&rest, '"'), buf, size);
            if (number-- == 1)
                return true;
        }
    }
    return true;
}

static void target_uri(struct scene *scene, const char *target, char *buf, size_t size)
{
    if (scene_gruu(scene, target, buf, size))
        return;
    (void)snprintf(buf, size, strchr(target, ':') != NULL ? "%s" : "sip:%s@" SIM_DOMAIN, target);
}

static void add_route(struct way *way, struct slice value)
{
    size_t length = strlen(way->route);
    (void)snprintf(way->route + length, sizeof(way->route) - length, "Route: %.*s\r\n",
                   SLICE_ARG(value));
}

/* As a registrar that the phone has registered with through this server (RFC 3327). */
static void route_by_path(struct actor *actor, struct way *way)
{
    const struct note *note = note_last(&actor->got, "REGISTER", NULL);
    for (unsigned i = 0; note != NULL && i < view_values(&note->view, "Path"); i++)
        add_route(way, view_value(&note->view, "Path", i));
}

/* A request outside of any dialog: words[1] is whom it is for, "path" the way that he registered
 * by. After a challenge it is the same call once more, with the next CSeq (22.1). */
static void request_outside(struct actor *actor, char **words, unsigned count)
{
    struct draft draft;
    struct way way = {.method = words[0]};
    const char *from = value_of(words, count, "from"), *call = value_of(words, count, "call");
    const char *ruri = value_of(words, count, "ruri");
    start_draft(actor, &draft, words, count);
    target_uri(actor->scene, words[1], way.uri, sizeof(way.uri));
    (void)snprintf(way.to, sizeof(way.to), "<%s>", way.uri);
    if (strcmp(way.method, "REGISTER") == 0)
        (void)snprintf(way.uri, sizeof(way.uri), "%s", ruri ? ruri : "sip:" SIM_DOMAIN);
    if (has_word(words, count, "same"))
        copy(slice_from_string(actor->call_id), way.call_id, sizeof(way.call_id));
    else if (call != NULL)
        copy(slice_from_string(call), way.call_id, sizeof(way.call_id));
    else
        (void)snprintf(way.call_id, sizeof(way.call_id), "%s-call-%u", actor->name, ++actor->calls);
    if (has_word(words, count, "path"))
        route_by_path(actor, &way);
    way.cseq = next_cseq(actor, way.call_id);
    (void)snprintf(way.from, sizeof(way.from), "<%s%s%s>;tag=%s-from",
                   from != NULL && strchr(from, ':') ? "" : "sip:", from ? from : actor->user,
                   from != NULL && strchr(from, '@') ? "" : "@" SIM_DOMAIN, actor->name);
    write_request(actor, &draft, &way, words, count);
    send_draft(actor, &draft, words, count);
}

/* ---- requests of a dialog (12.2.1.1) ---- */

static struct note *first_of_call(const struct list *list, const char *call_id)
{
    list_for_each(node, list)
    {
        struct note *note = container_of(node, struct note, node);
        if (note->view.status == 0 && note->view.to_tag.len == 0 &&
            slice_equal(note->view.call_id, slice_from_string(call_id)))
            return note;
    }
    return NULL;
}

/* The response that made the dialog: the last 2xx, or one with the tag of that phone. */
static struct note *dialog_response(struct actor *actor, const char *peer)
{
    char tag[32];
    const struct note *first = first_of_call(&actor->sent, actor->call_id);
    (void)snprintf(tag, sizeof(tag), "%s-tag", peer ? peer : "");
    for (struct list *node = actor->got.prev; node != &actor->got; node = node->prev) {
        struct note *note = container_of(node, struct note, node);
        const struct view *view = &note->view;
        if (view->status <= 100 || note->unread || view->to_tag.len == 0 ||
            !slice_equal(view->method, first->view.method) ||
            !slice_equal(view->call_id, slice_from_string(actor->call_id)))
            continue;
        if (peer != NULL ? slice_equal(view->to_tag, slice_from_string(tag))
                         : view->status / 100 == 2)
            return note;
    }
    return NULL;
}

static bool way_as_caller(struct actor *actor, struct way *way, const char *peer)
{
    const struct note *response = dialog_response(actor, peer);
    if (response == NULL)
        return false;
    const struct view *view = &response->view;
    copy(view_uri(view_line(view, "Contact", 0)), way->uri, sizeof(way->uri));
    copy(view_line(view, "From", 0), way->from, sizeof(way->from));
    copy(view_line(view, "To", 0), way->to, sizeof(way->to));
    for (unsigned i = view_values(view, "Record-Route"); i > 0; i--)
        add_route(way, view_value(view, "Record-Route", i - 1));
    return true;
}

static bool way_as_callee(struct actor *actor, struct way *way)
{
    const struct note *request = first_of_call(&actor->got, actor->call_id);
    if (request == NULL)
        return false;
    const struct view *view = &request->view;
    copy(view_uri(view_line(view, "Contact", 0)), way->uri, sizeof(way->uri));
    (void)snprintf(way->from, sizeof(way->from), "%.*s;tag=%s-tag",
                   SLICE_ARG(view_line(view, "To", 0)), actor->name);
    copy(view_line(view, "From", 0), way->to, sizeof(way->to));
    for (unsigned i = 0; i < view_values(view, "Record-Route"); i++)
        add_route(way, view_value(view, "Record-Route", i));
    return true;
}

/* The next hop: the first Route, else the Request-URI; phones know numeric hosts only. */
static void route_draft(struct draft *draft, const struct way *way)
{
    struct slice uri = slice_from_string(way->uri), rest, host;
    if (way->route[0] != '\0') {
        rest = slice_from_string(way->route);
        (void)slice_cut(&rest, '<');
        uri = slice_cut(&rest, '>');
    }
    rest = uri;
    if (view_uri_has_param(uri, "transport"))
        draft->tcp = slice_equal_nocase(view_uri_param(uri, "transport"), SLICE("tcp"));
    (void)slice_cut(&rest, ':');
    host = slice_cut(&rest, ';');
    if (slice_index(host, '@') < host.len)
        (void)slice_cut(&host, '@');
    if (address_parse(host, &draft->to) < 0 && address_parse_host(host, 5060, &draft->to) < 0)
        return;
}

/* As a strict router would: the first Route goes into the Request-URI, that to the end (12.2.1.1).
 */
static void route_strictly(struct way *way)
{
    char target[sizeof(way->uri)];
    struct slice rest = slice_from_string(way->route);
    memcpy(target, way->uri, sizeof(target));
    (void)slice_cut(&rest, '<');
    copy(slice_cut(&rest, '>'), way->uri, sizeof(way->uri));
    way->route[0] = '\0';
    (void)snprintf(way->route, sizeof(way->route), "Route: <%s>\r\n", target);
}

static void request_inside(struct actor *actor, char **words, unsigned count)
{
    struct draft draft;
    struct way way = {.method = words[0]};
    const char *peer = value_of(words, count, "to");
    start_draft(actor, &draft, words, count);
    copy(slice_from_string(actor->call_id), way.call_id, sizeof(way.call_id));
    bool caller = first_of_call(&actor->sent, actor->call_id) != NULL;
    if (!(caller && way_as_caller(actor, &way, peer)) && !way_as_callee(actor, &way)) {
        scene_fail(actor->scene, "%s is in no dialog", actor->name);
        return;
    }
    way.cseq = next_cseq(actor, way.call_id);
    if (strcmp(way.method, "ACK") == 0) {
        const struct note *invite = note_last(&actor->sent, "INVITE", actor->call_id);
        way.cseq = invite != NULL ? invite->view.cseq : 1;
    }
    route_draft(&draft, &way);
    if (has_word(words, count, "strict"))
        route_strictly(&way);
    write_request(actor, &draft, &way, words, count);
    send_draft(actor, &draft, words, count);
}

/* ---- ACK of a refusal and CANCEL: the INVITE's own Via (17.1.1.3, 9.1) ---- */

static void write_like_invite(struct actor *actor, const struct note *invite, const char *method,
                              struct slice to, char **words, unsigned count)
{
    struct draft draft;
    const struct view *view = &invite->view;
    start_draft(actor, &draft, words, count);
    draft.tcp = invite->tcp;
    draft.to = invite->peer;
    struct writer *w = &draft.w;
    writer_format(w, "%s %.*s SIP/2.0\r\nVia: %.*s\r\n", method, SLICE_ARG(view->uri),
                  SLICE_ARG(view_line(view, "Via", 0)));
    for (unsigned i = 0; view_line(view, "Route", i).len > 0; i++)
        writer_format(w, "Route: %.*s\r\n", SLICE_ARG(view_line(view, "Route", i)));
    writer_format(w, "Max-Forwards: 70\r\nFrom: %.*s\r\nTo: %.*s\r\nCall-ID: %.*s\r\n",
                  SLICE_ARG(view_line(view, "From", 0)), SLICE_ARG(to), SLICE_ARG(view->call_id));
    writer_format(w, "CSeq: %u %s\r\nContent-Length: 0\r\n\r\n", view->cseq, method);
    send_draft(actor, &draft, words, count);
}

static const struct note *last_final(struct actor *actor)
{
    for (struct list *node = actor->got.prev; node != &actor->got; node = node->prev) {
        const struct note *note = container_of(node, struct note, node);
        if (note->view.status >= 200 && !note->unread &&
            slice_equal(note->view.method, SLICE("INVITE")) &&
            slice_equal(note->view.call_id, slice_from_string(actor->call_id)))
            return note;
    }
    return NULL;
}

static void acknowledge(struct actor *actor, char **words, unsigned count)
{
    const struct note *response = last_final(actor);
    if (response == NULL || response->view.status < 300) {
        request_inside(actor, words, count);
        return;
    }
    const struct note *invite = note_by_branch(&actor->sent, &response->view);
    if (invite == NULL)
        scene_fail(actor->scene, "%s acknowledges no INVITE of its own", actor->name);
    else
        write_like_invite(actor, invite, "ACK", view_line(&response->view, "To", 0), words, count);
}

static void cancel(struct actor *actor, char **words, unsigned count)
{
    const struct note *invite = note_last(&actor->sent, "INVITE", actor->call_id);
    if (invite == NULL)
        invite = note_last(&actor->sent, "MESSAGE", actor->call_id);
    if (invite == NULL)
        scene_fail(actor->scene, "%s has nothing to cancel", actor->name);
    else
        write_like_invite(actor, invite, "CANCEL", view_line(&invite->view, "To", 0), words, count);
}

void actor_request(struct actor *actor, char **words, unsigned count)
{
    bool has_target = count > 1 && strchr("+-%^", words[1][0]) == NULL &&
                      (strchr(words[1], '=') == NULL || strchr(words[1], ':') != NULL) &&
                      strcmp(words[1], "sdp") != 0 && strcmp(words[1], "strict") != 0;
    if (has_target)
        request_outside(actor, words, count);
    else if (strcmp(words[0], "ACK") == 0)
        acknowledge(actor, words, count);
    else if (strcmp(words[0], "CANCEL") == 0)
        cancel(actor, words, count);
    else
        request_inside(actor, words, count);
}

/* ---- responses ---- */

static struct note *request_to_answer(struct actor *actor, const char *method)
{
    for (struct list *node = actor->got.prev; node != &actor->got; node = node->prev) {
        struct note *note = container_of(node, struct note, node);
        if (note->view.status != 0 || note->unread)
            continue;
        if (method != NULL ? slice_equal(note->view.method, slice_from_string(method))
                           : !slice_equal(note->view.method, SLICE("ACK")))
            return note;
    }
    return NULL;
}

void actor_respond(struct actor *actor, unsigned status, char **words, unsigned count)
{
    struct draft draft;
    const char *method =
        count > 1 && strspn(words[1], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") > 2 ? words[1] : NULL;
    const struct note *request = request_to_answer(actor, method);
    if (has_word(words, count, "own")) /* as if its own request had come to it */
        request = note_last(&actor->sent, method, NULL);
    if (request == NULL) {
        scene_fail(actor->scene, "%s has no request to answer", actor->name);
        return;
    }
    const struct view *view = &request->view;
    start_draft(actor, &draft, words, count);
    draft.tcp = request->tcp;
    draft.to = request->peer;
    struct writer *w = &draft.w;
    writer_format(w, "SIP/2.0 %u Whatever\r\n", status);
    for (unsigned i = 0; view_line(view, "Via", i).len > 0; i++)
        writer_format(w, "Via: %.*s\r\n", SLICE_ARG(view_line(view, "Via", i)));
    for (unsigned i = 0; view_line(view, "Record-Route", i).len > 0; i++)
        writer_format(w, "Record-Route: %.*s\r\n", SLICE_ARG(view_line(view, "Record-Route", i)));
    writer_format(w, "From: %.*s\r\nTo: %.*s", SLICE_ARG(view_line(view, "From", 0)),
                  SLICE_ARG(view_line(view, "To", 0)));
    if (view->to_tag.len == 0 && status > 100)
        writer_format(w, ";tag=%s-tag", actor->name);
    writer_format(w, "\r\nCall-ID: %.*s\r\nCSeq: %u %.*s\r\n", SLICE_ARG(view->call_id), view->cseq,
                  SLICE_ARG(view->method));
    if (status > 100 && status < 300)
        write_contact(actor, &draft);
    write_body(w, has_word(words, count, "sdp"));
    send_draft(actor, &draft, words, count);
}

/* ---- once more, and back ---- */

/* The number-th that fits, from 1 on; 0: the last. */
static struct note *sent_before(struct actor *actor, const char *what, unsigned number)
{
    if (what == NULL)
        return list_empty(&actor->sent) ? NULL : container_of(actor->sent.prev, struct note, node);
    if (number == 0)
        return note_last(&actor->sent, what, NULL);
    list_for_each(node, &actor->sent)
    {
        struct note *note = container_of(node, struct note, node);
        if (note_is(note, what) && --number == 0)
            return note;
    }
    return NULL;
}

void actor_again(struct actor *actor, const char *what, unsigned number)
{
    struct note *note = sent_before(actor, what, number);
    if (note == NULL) {
        scene_fail(actor->scene, "%s has sent no %s", actor->name, what ? what : "message");
        return;
    }
    sim_trace(&actor->scene->world, "%s again %.*s", actor->name, SLICE_ARG(note->view.start_line));
    actor_transmit(actor, note->tcp, &note->peer, note->view.raw);
}

void actor_reflect(struct actor *actor, char **words, unsigned count)
{
    struct draft draft;
    const struct note *request = NULL;
    bool as = count > 0 && strspn(words[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") > 2;
    for (struct list *node = actor->got.prev; node != &actor->got && request == NULL;
         node = node->prev) {
        const struct note *note = container_of(node, struct note, node);
        if (note->view.status == 0 && !note->unread)
            request = note;
    }
    if (request == NULL) {
        scene_fail(actor->scene, "%s has nothing to reflect", actor->name);
        return;
    }
    start_draft(actor, &draft, words, count);
    draft.tcp = request->tcp;
    draft.to = request->peer;
    writer_put(&draft.w, request->view.raw);
    if (as) {
        char old[64], method[32];
        slice_to_string(request->view.method, method, sizeof(method));
        (void)snprintf(old, sizeof(old), "CSeq: %u %s", request->view.cseq, method);
        size_t at = find_text(&draft, old);
        splice(&draft, at + strlen(old) - strlen(method), strlen(method), words[0]);
        splice(&draft, 0, strlen(method), words[0]);
    }
    send_draft(actor, &draft, words, count);
}

/* ---- registration ---- */

/* The Contact that stands for this phone, with q=, expires= and "outbound" (RFC 5626). With reg-id=
 * all phones of a user are flows of one instance, unless instance= names another. */
static void contact_line(struct actor *actor, char *buf, size_t size, char **words, unsigned count)
{
    const char *q = value_of(words, count, "q"), *expires = value_of(words, count, "expires");
    const char *contact = value_of(words, count, "contact");
    const char *tcp = actor->tcp || has_word(words, count, "tcp") ? ";transport=tcp" : "";
    struct writer w;
    writer_init(&w, buf, size);
    writer_format(&w, "+Contact: <%s%s>", contact ? contact : actor->contact, contact ? "" : tcp);
    (void)snprintf(actor->registered, sizeof(actor->registered), "%.*s",
                   (int)writer_length(&w) - 12, buf + 11);
    if (has_word(words, count, "outbound"))
        writer_format(&w, ";reg-id=1;+sip.instance=\"<urn:uuid:%s>\"", actor->name);
    const char *reg_id = value_of(words, count, "reg-id");
    const char *instance = value_of(words, count, "instance");
    if (reg_id != NULL)
        writer_format(&w, ";reg-id=%s", reg_id);
    if (reg_id != NULL || instance != NULL)
        writer_format(&w, ";+sip.instance=\"<urn:uuid:%s>\"", instance ? instance : actor->user);
    if (q != NULL)
        writer_format(&w, ";q=%s", q);
    if (expires != NULL)
        writer_format(&w, ";expires=%s", expires);
    *w.at = '\0';
}

void actor_register(struct actor *actor, char **words, unsigned count)
{
    char contact[512], call[64];
    char method[] = "REGISTER", challenged[] = "401", good[] = "200", aor[16];
    char supported[] = "+Supported: path, outbound, gruu";
    char *all[SCENE_WORDS + 5] = {method, aor, contact, call, supported};
    char *expected[] = {challenged};
    (void)snprintf(aor, sizeof(aor), "%s", actor->user);
    const char *other = value_of(words, count, "call");
    (void)snprintf(call, sizeof(call), "call=%s-%s", other ? other : "reg", actor->name);
    contact_line(actor, contact, sizeof(contact), words, count);
    unsigned fixed = value_of(words, count, "reg-id") || value_of(words, count, "instance") ? 5 : 4;
    memcpy(all + fixed, words, count * sizeof(*words));
    bool known = actor->challenge.known;
    actor_request(actor, all, count + fixed);
    if (!known && actor->scene->config.auth_register) {
        actor_expect(actor, expected, 1);
        actor_request(actor, all, count + fixed);
    }
    expected[0] = good;
    actor_expect(actor, expected, 1);
}
