/* Playing a scenario, line by line. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/scene/scene.h"

/* Longer than Timer C and everything after it: whatever was left in the middle has ended. */
#define DRAIN_US (UINT64_C(1000) * SIM_SECOND)

void scene_fail(struct scene *scene, const char *format, ...)
{
    va_list args;
    if (scene_failed(scene))
        return;
    va_start(args, format);
    (void)vsnprintf(scene->failure, sizeof(scene->failure), format, args);
    va_end(args);
}

uint64_t scene_time(struct scene *scene, const char *word)
{
    char *end;
    double value = strtod(word, &end);
    if (strcmp(end, "ms") == 0)
        return (uint64_t)(value * 1e3);
    if (strcmp(end, "s") != 0)
        scene_fail(scene, "no time: %s", word);
    return (uint64_t)(value * 1e6);
}

/* ---- words ---- */

/* Cuts at blanks; a word that begins with a quote goes on to the next. */
static unsigned cut_words(char *line, char **words)
{
    unsigned count = 0;
    for (char *at = line; count < SCENE_WORDS;) {
        while (*at == ' ')
            at++;
        if (*at == '\0' || *at == '#')
            break;
        char end = *at == '"' ? '"' : ' ';
        at += end == '"';
        words[count++] = at;
        at += strcspn(at, end == '"' ? "\"" : " ");
        if (*at != '\0')
            *at++ = '\0';
    }
    return count;
}

/* ---- steps ---- */

static void start_server(struct scene *scene)
{
    struct accounts *accounts = scene->server.accounts;
    struct journal journal = scene->server.journal;
    if (scene->started)
        return;
    scene->started = true;
    sim_server_init(&scene->server, scene->host, &scene->config, accounts);
    scene->server.journal.commit_low_us = journal.commit_low_us;
    scene->server.journal.commit_high_us = journal.commit_high_us;
    sim_server_start(&scene->server);
    sim_run(&scene->world, 10000);
}

static void server_step(struct scene *scene, const char *what)
{
    struct sim_server *server = &scene->server;
    if (strcmp(what, "crash") == 0)
        sim_server_crash(server, false);
    else if (strcmp(what, "cut") == 0)
        sim_server_crash(server, true);
    else if (strcmp(what, "stop") == 0)
        sim_server_stop(server);
    else if (strcmp(what, "start") == 0)
        sim_server_start(server);
    else if (strcmp(what, "drain") == 0)
        sim_server_drain(server);
    else if (strcmp(what, "floods") == 0)
        sim_server_flood(server);
    else if (strcmp(what, "full") == 0)
        server->journal.full = true;
    else if (strcmp(what, "fails") == 0)
        server->journal.fail_commits = 1;
    else
        scene_fail(scene, "the server cannot %s", what);
}

static void bindings_step(struct scene *scene, char **words, unsigned count)
{
    unsigned wanted = count > 1 ? (unsigned)atoi(words[1]) : 0;
    unsigned n = sim_server_bindings(&scene->server, words[0]);
    if (n != wanted)
        scene_fail(scene, "%s has %u bindings", words[0], n);
}

static void pings_step(struct scene *scene, char **words, unsigned count)
{
    struct actor *actor = scene_actor(scene, words[0]);
    unsigned least = count > 1 ? (unsigned)atoi(words[1]) : 0;
    unsigned most = count > 2 ? (unsigned)atoi(words[2]) : least;
    if (actor->pings < least || actor->pings > most)
        scene_fail(scene, "%s has got %u keep-alives", words[0], actor->pings);
    actor->pings = 0;
}

static void connections_step(struct scene *scene, char **words, unsigned count)
{
    unsigned wanted = count > 1 ? (unsigned)atoi(words[1]) : 0, n = 0;
    list_for_each(node, &scene_actor(scene, words[0])->wire.connections) n +=
        container_of(node, struct wire_connection, node)->side != NULL;
    if (n != wanted)
        scene_fail(scene, "%s has %u connections", words[0], n);
}

static void connections_end(struct actor *actor, bool abort)
{
    list_for_each(node, &actor->wire.connections)
        wire_connection_close(container_of(node, struct wire_connection, node), abort);
}

static void state_step(struct actor *actor, char **words, unsigned count)
{
    struct scene *scene = actor->scene;
    const char *verb = words[0];
    if (strcmp(verb, "dies") == 0) {
        sim_host_down(actor->host, true);
    } else if (strcmp(verb, "deaf") == 0) {
        actor->host->island = 1;
    } else if (strcmp(verb, "hears") == 0) {
        actor->host->island = 0;
    } else if (strcmp(verb, "closes") == 0 || strcmp(verb, "resets") == 0) {
        connections_end(actor, verb[0] == 'r');
    } else if (strcmp(verb, "pings") == 0 && !actor->tcp) { /* RFC 5626 section 4.4.2 */
        static const char stun[] = "\0\1\0\0\x21\x12\xa4\x42"
                                   "transaction.";
        wire_send_udp(&actor->wire, &actor->server, slice_of(stun, sizeof(stun) - 1));
    } else if (strcmp(verb, "pings") == 0) { /* RFC 5626 section 4.4.1 */
        wire_send_tcp(&actor->wire, &actor->server, SLICE("\r\n\r\n"));
    } else if (strcmp(verb, "udponly") == 0) {
        sim_listener_close(&actor->wire.listener);
    } else if (strcmp(verb, "takes") == 0 && count == 2) { /* up another of its calls */
        (void)snprintf(actor->call_id, sizeof(actor->call_id), "%s", words[1]);
    } else if (strcmp(verb, "sleeps") == 0 || strcmp(verb, "wakes") == 0) {
        actor->asleep = verb[0] == 's';
    } else if (strcmp(verb, "remaps") == 0) {
        sim_nat_forget(&actor->nat);
    } else if (strcmp(verb, "lax") == 0) {
        actor->lax = true;
    } else if (strcmp(verb, "tcp") == 0) {
        actor->tcp = true;
    } else if (strcmp(verb, "is") == 0 && count == 2) { /* another contact than its address */
        (void)snprintf(actor->contact, sizeof(actor->contact), "%s", words[1]);
    } else if (strcmp(verb, "uses") == 0 && count == 2) { /* a GRUU of its own as Contact */
        char target[64];
        (void)snprintf(target, sizeof(target), "%s:%s", words[1], actor->name);
        (void)scene_gruu(scene, target, actor->contact, sizeof(actor->contact));
    } else if (strcmp(verb, "misses") == 0 && count == 2 && actor->miss_count < SCENE_MISSES) {
        (void)snprintf(actor->misses[actor->miss_count++], sizeof(actor->misses[0]), "%s",
                       words[1]);
    } else {
        scene_fail(scene, "%s cannot %s", actor->name, verb);
    }
}

static void send_step(struct actor *actor, char **words, unsigned count)
{
    if (isdigit((unsigned char)words[0][0]))
        actor_respond(actor, (unsigned)atoi(words[0]), words, count);
    else
        actor_request(actor, words, count);
}

static void actor_step(struct scene *scene, char **words, unsigned count)
{
    struct actor *actor = scene_actor(scene, words[0]);
    const char *verb = words[1];
    char **rest = words + 2;
    unsigned left = count - 2;
    if (strcmp(verb, ">") == 0 && left > 0)
        send_step(actor, rest, left);
    else if (strcmp(verb, "<") == 0 && left > 0)
        actor_expect(actor, rest, left);
    else if (strcmp(verb, "gets") == 0 && left > 0)
        actor_expect_any(actor, rest, left);
    else if (strcmp(verb, "none") == 0)
        actor_expect_none(actor);
    else if (strcmp(verb, "repeats") == 0 && left > 0)
        actor_expect_repeats(actor, rest, left);
    else if (strcmp(verb, "again") == 0)
        actor_again(actor, left > 0 ? rest[0] : NULL, left > 1 ? (unsigned)atoi(rest[1]) : 0);
    else if (strcmp(verb, "reflects") == 0)
        actor_reflect(actor, rest, left);
    else
        state_step(actor, words + 1, count - 1);
}

static void clock_step(struct scene *scene, const char *way, const char *how_far)
{
    int64_t ms = (int64_t)(scene_time(scene, how_far) / 1000);
    scene->world.wall_start_ms += strcmp(way, "back") == 0 ? -ms : ms;
}

static void step(struct scene *scene, char **words, unsigned count)
{
    if (strcmp(words[0], "config") == 0) {
        if (!scene_configure(scene, words + 1, count - 1))
            scene_fail(scene, "no such setting");
        return;
    }
    start_server(scene);
    if (count == 1)
        scene_fail(scene, "no such step");
    else if (strcmp(words[0], "wait") == 0)
        sim_run(&scene->world, scene_time(scene, words[1]));
    else if (strcmp(words[0], "clock") == 0 && count == 3)
        clock_step(scene, words[1], words[2]);
    else if (strcmp(words[0], "server") == 0)
        server_step(scene, words[1]);
    else if (strcmp(words[0], "bindings") == 0)
        bindings_step(scene, words + 1, count - 1);
    else if (strcmp(words[0], "pings") == 0)
        pings_step(scene, words + 1, count - 1);
    else if (strcmp(words[0], "connections") == 0)
        connections_step(scene, words + 1, count - 1);
    else if (strcmp(words[0], "register") == 0)
        actor_register(scene_actor(scene, words[1]), words + 2, count - 2);
    else
        actor_step(scene, words, count);
}

/* ---- the end ---- */

static void check_end(struct scene *scene)
{
    char left[512];
    for (unsigned i = 0; i < scene->actor_count && !scene_failed(scene); i++)
        actor_expect_none(&scene->actors[i]);
    if (scene_failed(scene))
        return;
    sim_run(&scene->world, DRAIN_US);
    for (unsigned i = 0; i < scene->actor_count && !scene_failed(scene); i++)
        actor_expect_none(&scene->actors[i]);
    if (!scene_failed(scene) && !sim_server_is_idle(&scene->server, left, sizeof(left)))
        scene_fail(scene, "the server has not let go of:%s", left);
}

static void play_lines(struct scene *scene, char *text)
{
    char *words[SCENE_WORDS], shown[256];
    unsigned number = 0;
    for (char *line = strtok_r(text, "\n", &text); line != NULL && !scene_failed(scene);
         line = strtok_r(NULL, "\n", &text)) {
        number++;
        (void)snprintf(shown, sizeof(shown), "%s", line);
        sim_trace(&scene->world, "--- %s", shown);
        unsigned count = cut_words(line, words);
        if (count > 0)
            step(scene, words, count);
        if (scene_failed(scene)) {
            char why[sizeof(scene->failure)];
            memcpy(why, scene->failure, sizeof(why));
            scene->failure[0] = '\0';
            scene_fail(scene, "step %u (%s) at %.3f s: %.1500s", number, shown,
                       (double)sim_now_us(&scene->world) / 1e6, why);
        }
    }
}

static char *with_variant(const char *steps, const char *variant)
{
    char *text = calloc(1, strlen(steps) * 4 + 1), *out = text;
    if (text == NULL)
        abort();
    for (const char *at = steps; *at != '\0';) {
        if (strncmp(at, "{}", 2) == 0) {
            out = stpcpy(out, variant != NULL ? variant : "");
            at += 2;
        } else {
            *out++ = *at++;
        }
    }
    return text;
}

bool scene_play(struct scene *scene, const struct scenario *scenario,
                const struct scene_options *options)
{
    memset(scene, 0, sizeof(*scene));
    sim_world_init(&scene->world, 1);
    scene->world.trace = getenv("TZ_SIM_TRACE") != NULL;
    scene->config = sim_server_config_default();
    scene->config.workers = options->workers;
    scene->world.spray = options->workers > 1;
    scene->config.wildcard = options->wildcard;
    scene->host = sim_host_add(&scene->world, "server", "192.0.2.1");
    scene->server.accounts = options->accounts;
    scene->server.journal.commit_low_us = scene->server.journal.commit_high_us = 1000;
    scene->server.address = scene->host->addresses[0];
    address_set_port(&scene->server.address, scene->config.port);
    char *text = with_variant(scenario->steps, options->variant);
    play_lines(scene, text);
    start_server(scene);
    if (!scene_failed(scene))
        check_end(scene);
    free(text);
    for (unsigned i = 0; i < scene->actor_count; i++)
        actor_done(&scene->actors[i]);
    sim_server_done(&scene->server);
    sim_world_done(&scene->world);
    return !scene_failed(scene);
}
