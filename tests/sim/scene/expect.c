/* What the phones of a scenario wait for. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "sim/scene/scene.h"

/* Shorter than T1, so that no retransmission can stand in for a message that was lost. */
#define PATIENCE_US UINT64_C(400000)

static struct note *first_unread(struct actor *actor, bool skip_trying)
{
    list_for_each(node, &actor->got)
    {
        struct note *note = container_of(node, struct note, node);
        if (!note->unread)
            continue;
        if (!skip_trying || note->view.status != 100)
            return note;
        note->unread = false;
    }
    return NULL;
}

static bool has_news(void *user)
{
    struct actor *actor = user;
    return scene_failed(actor->scene) || first_unread(actor, true) != NULL;
}

static bool has_any(void *user)
{
    struct actor *actor = user;
    return scene_failed(actor->scene) || first_unread(actor, false) != NULL;
}

static void take(struct actor *actor, struct note *note)
{
    note->unread = false;
    slice_to_string(note->view.call_id, actor->call_id, sizeof(actor->call_id));
    if (note->view.status != 401 && note->view.status != 407)
        return;
    for (unsigned i = 0; i < 4; i++) {
        const char *name = note->view.status == 401 ? "WWW-Authenticate" : "Proxy-Authenticate";
        if (digest_read(view_line(&note->view, name, i), &actor->challenge))
            return;
    }
}

/* "Header: text": some line of it has the text. "Header:": there is one. */
static bool header_has(const struct view *view, const char *word)
{
    char name[64];
    const char *colon = strchr(word, ':');
    (void)snprintf(name, sizeof(name), "%.*s", (int)(colon - word), word);
    char text[256];
    (void)snprintf(text, sizeof(text), "%s", colon + 1 + strspn(colon + 1, " "));
    for (char *at = text; (at = strchr(at, '`')) != NULL;
         at++) /* scenarios have quotes of their own */
        *at = '"';
    for (unsigned i = 0; view_line(view, name, i).len > 0; i++) {
        struct slice line = view_line(view, name, i);
        if (*text == '\0' || memmem(line.ptr, line.len, text, strlen(text)) != NULL)
            return true;
    }
    return false;
}

static bool number_is(const char *word, const char *key, uint64_t value, bool *ret_known)
{
    size_t length = strlen(key);
    if (strncmp(word, key, length) != 0)
        return true;
    *ret_known = true;
    return strtoull(word + length, NULL, 10) == value;
}

static bool holds(const struct note *note, const char *word, bool *ret_known)
{
    const struct view *view = &note->view;
    struct slice reason = view->start_line;
    *ret_known = true;
    if (strcmp(word, "tcp") == 0 || strcmp(word, "udp") == 0)
        return note->tcp == (word[0] == 't');
    if (word[0] == '!')
        return view_line(view, word + 1, 0).len == 0;
    if (strncmp(word, "lacks=", 6) == 0)
        return memmem(view->raw.ptr, view->raw.len, word + 6, strlen(word + 6)) == NULL;
    if (strncmp(word, "uri=", 4) == 0)
        return slice_equal(view->uri, slice_from_string(word + 4));
    if (strncmp(word, "reason=", 7) == 0)
        return memmem(reason.ptr, reason.len, word + 7, strlen(word + 7)) != NULL;
    uint64_t hops = 0;
    (void)slice_to_u64(view_line(view, "Max-Forwards", 0), UINT64_MAX, &hops);
    *ret_known = false;
    if (!number_is(word, "contacts=", view_values(view, "Contact"), ret_known) ||
        !number_is(word, "vias=", view_values(view, "Via"), ret_known) ||
        !number_is(word, "routes=", view_values(view, "Route"), ret_known) ||
        !number_is(word, "max-forwards=", hops, ret_known))
        return false;
    if (*ret_known)
        return true;
    *ret_known = strchr(word, ':') != NULL;
    return *ret_known && header_has(view, word);
}

static bool to_tag_is(const struct note *note, const char *name)
{
    char tag[32];
    (void)snprintf(tag, sizeof(tag), "%s-tag", name);
    return slice_equal(note->view.to_tag, slice_from_string(tag));
}

static void check_words(struct actor *actor, const struct note *note, char **words, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        bool known = true, good;
        if (strcmp(words[i], "within") == 0) {
            i++;
            continue;
        }
        if (strcmp(words[i], "from") == 0 && i + 1 < count)
            good = to_tag_is(note, words[++i]);
        else
            good = holds(note, words[i], &known);
        if (!known)
            scene_fail(actor->scene, "no such check: %s", words[i]);
        else if (!good)
            scene_fail(actor->scene, "%s: not as expected: %s\n%.*s", actor->name, words[i],
                       SLICE_ARG(note->view.raw));
    }
}

/* With "from NAME" only that phone's response fits. */
static bool fits(const struct note *note, char **words, unsigned count)
{
    for (unsigned i = 1; i + 1 < count; i++) {
        if (strcmp(words[i], "from") == 0 && !to_tag_is(note, words[i + 1]))
            return false;
    }
    return note->unread && note_is(note, words[0]);
}

static uint64_t patience_of(struct scene *scene, char **words, unsigned count)
{
    for (unsigned i = 1; i + 1 < count; i++) {
        if (strcmp(words[i], "within") == 0)
            return scene_time(scene, words[i + 1]);
    }
    return PATIENCE_US;
}

/* The first unread message that fits, whatever came before it. */
void actor_expect_any(struct actor *actor, char **words, unsigned count)
{
    struct scene *scene = actor->scene;
    uint64_t until = sim_now_us(&scene->world) + patience_of(scene, words, count);
    do {
        list_for_each(node, &actor->got)
        {
            struct note *note = container_of(node, struct note, node);
            if (!fits(note, words, count))
                continue;
            take(actor, note);
            check_words(actor, note, words, count);
            return;
        }
    } while (!scene_failed(scene) && sim_events_step(&scene->world.events, until));
    scene_fail(scene, "%s got no %s", actor->name, words[0]);
}

void actor_expect(struct actor *actor, char **words, unsigned count)
{
    struct scene *scene = actor->scene;
    uint64_t patience = patience_of(scene, words, count);
    bool trying = strncmp(words[0], "100", 3) == 0;
    (void)sim_run_until(&scene->world, patience, trying ? has_any : has_news, actor);
    struct note *note = first_unread(actor, !trying);
    if (scene_failed(scene))
        return;
    if (note == NULL) {
        scene_fail(scene, "%s got no %s", actor->name, words[0]);
        return;
    }
    if (!note_is(note, words[0])) {
        scene_fail(scene, "%s got not %s but:\n%.*s", actor->name, words[0],
                   SLICE_ARG(note->view.raw));
        return;
    }
    take(actor, note);
    check_words(actor, note, words, count);
}

void actor_expect_none(struct actor *actor)
{
    sim_run(&actor->scene->world, PATIENCE_US / 2);
    const struct note *note = first_unread(actor, true);
    if (note != NULL)
        scene_fail(actor->scene, "%s got what nobody expected:\n%.*s", actor->name,
                   SLICE_ARG(note->view.raw));
}

void actor_expect_repeats(struct actor *actor, char **words, unsigned count)
{
    unsigned wanted = (unsigned)atoi(words[0]);
    bool more = strchr(words[0], '+') != NULL;
    struct note *note = count > 1 ? note_last(&actor->got, words[1], NULL)
                                  : container_of(actor->got.prev, struct note, node);
    if (note == NULL || list_empty(&actor->got))
        scene_fail(actor->scene, "%s got no %s", actor->name, count > 1 ? words[1] : "message");
    else if (more ? note->repeats < wanted : note->repeats != wanted)
        scene_fail(actor->scene, "%s got %u repeats, not %s, of:\n%.*s", actor->name, note->repeats,
                   words[0], SLICE_ARG(note->view.raw));
    else
        note->repeats = 0;
}
