#include "app/control/request.h"

#include <stdlib.h>
#include <string.h>

#include "app/control/contacts.h"
#include "app/control/dry_invite.h"
#include "app/control/relays.h"
#include "app/control/reload.h"
#include "app/control/status.h"
#include "app/control/targets.h"
#include "app/control/users.h"
#include "base/error.h"
#include "base/memory.h"

static json_t *on_status(struct server *server, const json_t *request)
{
    (void)request;
    return status_answer(server);
}

/* An account of a domain that is not ours is of no use yet. */
static void note_domain(const struct server *server, const char *name, json_t *answer)
{
    struct slice host = slice_from_string(name), domain;
    (void)slice_cut(&host, '@');
    if (host.len == 0 || domains_local(server->settings->domains, host, 0, &domain))
        return;
    json_object_set_new(answer, "note",
                        json_sprintf("%.*s is no domain of this server: until it stands in "
                                     "domains, nobody can register as %s",
                                     SLICE_ARG(host), name));
}

static json_t *on_user(struct server *server, const json_t *request)
{
    json_t *answer = users_answer(server->accounts, request);
    const char *action = answer_string(request, "action");
    const char *name = answer_string(request, "name");
    if (json_is_true(json_object_get(answer, "ok")) && name != NULL)
        log_info(server->log, LOG_CONTROL, "user %s: %s", action, name);
    if (json_is_true(json_object_get(answer, "ok")) && name != NULL && strcmp(action, "add") == 0)
        note_domain(server, name, answer);
    return answer;
}

static json_t *on_log(struct server *server, const json_t *request)
{
    const char *level = answer_string(request, "level");
    int status = level == NULL ? ERR_SYNTAX : log_set(server->log, level);
    if (status == ERR_NOT_FOUND)
        return answer_bad(ANSWER_USAGE, "\"%s\": no such subsystem; trapezoid help log lists them",
                          level);
    if (status < 0)
        return answer_bad(ANSWER_USAGE,
                          "\"%s\" is no level; write error, warn, info or debug, or "
                          "SUBSYSTEM=LEVEL",
                          level == NULL ? "" : level);
    log_info(server->log, LOG_CONTROL, "log: %s", level);
    return answer_good();
}

static json_t *on_reload(struct server *server, const json_t *request)
{
    (void)request;
    struct config_problems *complaints = memory_alloc(sizeof *complaints);
    if (complaints == NULL)
        return NULL;
    config_problems_init(complaints);
    json_t *answer = NULL;
    if (reload_run(server, complaints) == 0)
        answer = answer_good();
    else
        answer =
            json_pack("{s:b, s:i, s:o}", "ok", false, "code", ANSWER_FAILED, "message",
                      answer_text(slice_trim(slice_from_string(config_problems_text(complaints)))));
    memory_free(complaints);
    return answer;
}

/* Holds up the controlling thread for as long as DNS takes, DRY_WAIT_MS at most. */
static json_t *on_route(struct server *server, const json_t *request)
{
    const char *text = answer_string(request, "message");
    if (text == NULL)
        return answer_bad(ANSWER_USAGE, "a route needs a \"message\"");
    struct dry_parts parts = {.settings = server->settings,
                              .secrets = &server->shared,
                              .log = server->log,
                              .location = server->location,
                              .accounts = server->accounts,
                              .health = server->health};
    json_t *answer = dry_invite(&parts, slice_from_string(text));
    json_object_set_new(answer, "ok", json_true());
    return answer;
}

static const struct {
    const char *command;
    json_t *(*answer)(struct server *server, const json_t *request);
} requests[] = {
    {"status", on_status},
    {"contacts", contacts_answer},
    {"targets", targets_answer},
    {"route", on_route},
    {"kick", contacts_kick},
    {"user", on_user},
    {"log", on_log},
    {"reload", on_reload},
    {"relays", relays_answer},
    {"relays-drain", relays_drain},
};

static json_t *answer_request(struct server *server, const json_t *request)
{
    const char *command = answer_string(request, "command");
    if (command == NULL)
        return answer_bad(ANSWER_USAGE, "a request is a JSON object with \"command\"");
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (strcmp(requests[i].command, command) == 0)
            return requests[i].answer(server, request);
    }
    return answer_bad(ANSWER_USAGE, "there is no command \"%s\"", command);
}

int request_answer(struct server *server, struct slice line, char **ret_line, size_t *ret_len)
{
    json_error_t error;
    json_t *request = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, &error);
    json_t *answer = request == NULL ? answer_bad(ANSWER_USAGE, "this is no JSON: %s", error.text)
                                     : answer_request(server, request);
    json_decref(request);
    if (answer == NULL)
        answer = answer_bad(ANSWER_FAILED, "out of memory");
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    if (text == NULL)
        return ERR_NO_MEMORY;
    size_t len = strlen(text);
    text[len] = '\n'; /* in the place of its NUL */
    *ret_line = text;
    *ret_len = len + 1;
    return 0;
}
