#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/scene/scene.h"

struct note *actor_note(struct list *list, struct slice bytes, const char **ret_why)
{
    struct note *note = calloc(1, sizeof(*note) + bytes.len);
    if (note == NULL)
        abort();
    memcpy(note->bytes, bytes.ptr, bytes.len);
    *ret_why = NULL;
    const char *why;
    if (!view_parse(slice_of(note->bytes, bytes.len), &note->view, &why))
        *ret_why = why;
    list_append(list, &note->node);
    return note;
}

bool note_is(const struct note *note, const char *what)
{
    const struct view *view = &note->view;
    struct slice rest = slice_from_string(what), word = slice_cut(&rest, '/');
    uint32_t status;
    if (slice_to_u32(word, 699, &status) == 0)
        return view->status == status && (rest.len == 0 || slice_equal(view->method, rest));
    return view->status == 0 && slice_equal(view->method, word);
}

struct note *note_last(const struct list *list, const char *what, const char *call_id)
{
    for (struct list *node = list->prev; node != list; node = node->prev) {
        struct note *note = container_of(node, struct note, node);
        if (note_is(note, what) && !note->unread &&
            (call_id == NULL || slice_equal(note->view.call_id, slice_from_string(call_id))))
            return note;
    }
    return NULL;
}

/* The request of the same transaction. */
struct note *note_by_branch(const struct list *list, const struct view *like)
{
    list_for_each(node, list)
    {
        struct note *note = container_of(node, struct note, node);
        if (note->view.status == 0 && slice_equal_nocase(note->view.branch, like->branch) &&
            slice_equal(note->view.cseq_method, like->cseq_method) &&
            note->view.cseq == like->cseq && slice_equal(note->view.call_id, like->call_id))
            return note;
    }
    return NULL;
}

/* ---- receiving ---- */

static bool misses(struct actor *actor, const struct note *note)
{
    for (unsigned i = 0; i < actor->miss_count; i++) {
        if (!note_is(note, actor->misses[i]))
            continue;
        memmove(actor->misses[i], actor->misses[i + 1],
                (size_t)(--actor->miss_count - i) * sizeof(actor->misses[0]));
        return true;
    }
    return false;
}

static bool is_repeat(struct actor *actor, const struct note *fresh)
{
    list_for_each(node, &actor->got)
    {
        struct note *note = container_of(node, struct note, node);
        if (note == fresh || !slice_equal(note->view.raw, fresh->view.raw))
            continue;
        note->repeats++;
        return true;
    }
    return false;
}

static void forget(struct note *note)
{
    list_remove(&note->node);
    free(note);
}

/* A keep-alive of the server: nothing that a scenario has to ask for. */
static bool take_ping(struct actor *actor, bool tcp, const struct address *from,
                      const struct view *view)
{
    char text[SCENE_MESSAGE];
    struct writer w;
    if (actor->scene->config.keepalive.pace.mode == LOCATION_KEEP_OFF || view->status != 0 ||
        !slice_equal(view->method, SLICE("OPTIONS")) ||
        !slice_equal(view_line(view, "Max-Forwards", 0), SLICE("0")))
        return false;
    actor->pings++;
    if (actor->asleep)
        return true;
    static const char *const copied[] = {"Via", "From", "To", "Call-ID", "CSeq"};
    writer_init(&w, text, sizeof text);
    writer_literal(&w, "SIP/2.0 486 Busy Here\r\n");
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
        writer_format(&w, "%s: %.*s%s\r\n", copied[i], SLICE_ARG(view_line(view, copied[i], 0)),
                      i == 2 ? ";tag=awake" : "");
    writer_literal(&w, "Content-Length: 0\r\n\r\n");
    actor_transmit(actor, tcp, from, writer_slice(&w));
    return true;
}

static void on_message(void *user, bool tcp, const struct address *from, struct slice bytes)
{
    struct actor *actor = user;
    struct scene *scene = actor->scene;
    const char *why;
    struct note *note = actor_note(&actor->got, bytes, &why);
    sim_trace(&scene->world, "%s < %.*s", actor->name, SLICE_ARG(note->view.start_line));
    if (why != NULL) {
        scene_fail(scene, "%s got something malformed (%s):\n%.*s", actor->name, why,
                   SLICE_ARG(bytes));
        return;
    }
    note->tcp = tcp;
    note->peer = *from;
    note->at_us = sim_now_us(&scene->world);
    note->unread = true;
    if (take_ping(actor, tcp, from, &note->view)) {
        forget(note);
        return;
    }
    if (misses(actor, note) || is_repeat(actor, note)) {
        forget(note);
        return;
    }
    if (!actor->lax)
        actor_check(actor, note);
}

void actor_transmit(struct actor *actor, bool tcp, const struct address *to, struct slice bytes)
{
    if (tcp)
        wire_send_tcp(&actor->wire, to, bytes);
    else
        wire_send_udp(&actor->wire, to, bytes);
}

/* ---- making ---- */

static const struct scene_nat *nat_of(const struct scene *scene, const char *name)
{
    for (unsigned i = 0; i < scene->nat_count; i++) {
        if (strcmp(scene->nats[i].name, name) == 0)
            return &scene->nats[i];
    }
    return NULL;
}

struct actor *scene_actor(struct scene *scene, const char *name)
{
    for (unsigned i = 0; i < scene->actor_count; i++) {
        if (strcmp(scene->actors[i].name, name) == 0)
            return &scene->actors[i];
    }
    if (scene->actor_count == SCENE_ACTORS || strlen(name) >= sizeof(scene->actors[0].name))
        abort();
    struct actor *actor = &scene->actors[scene->actor_count++];
    char address[32], marked[32], text[ADDRESS_TEXT_MAX];
    (void)snprintf(marked, sizeof(marked), " %s ", name);
    bool v6 = strstr(scene->v6, marked) != NULL, nat = strstr(scene->nat, marked) != NULL;
    const struct scene_nat *kind = nat_of(scene, name);
    (void)snprintf(address, sizeof(address),
                   nat || kind != NULL ? "10.0.0.%u"
                   : v6                ? "2001:db8::%u"
                                       : "192.0.2.%u",
                   9 + scene->actor_count);
    memset(actor, 0, sizeof(*actor));
    actor->scene = scene;
    (void)snprintf(actor->name, sizeof(actor->name), "%s", name);
    for (size_t i = 0; name[i] != '\0' && !isdigit((unsigned char)name[i]); i++)
        actor->user[i] = name[i];
    list_init(&actor->sent);
    list_init(&actor->got);
    writer_init(&actor->held_w, actor->held, sizeof(actor->held));
    actor->host = sim_host_add(&scene->world, name, address);
    (void)snprintf(address, sizeof(address), "192.0.2.%u", 109 + scene->actor_count);
    if (nat)
        sim_nat_init(&actor->nat, actor->host, address);
    if (kind != NULL)
        sim_nat_init_kind(&actor->nat, actor->host, address, kind->kind, kind->lifetime_us);
    wire_open(&actor->wire, actor->host, 5060, on_message, actor);
    actor->server = scene->server.address;
    if (v6)
        actor->server = sim_address("[2001:db8::1]:5060");
    (void)snprintf(actor->contact, sizeof(actor->contact), "sip:%s@%s", name,
                   address_text(&actor->wire.local, text));
    return actor;
}

void actor_done(struct actor *actor)
{
    wire_forget(&actor->wire);
    list_for_each_safe(node, &actor->sent) forget(container_of(node, struct note, node));
    list_for_each_safe(node, &actor->got) forget(container_of(node, struct note, node));
}
