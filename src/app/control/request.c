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

static const struct {
    const char *command;
    json_t *(*answer)(struct server *server, const json_t *request);
} requests[] = {
    {"status", on_status},
    {"contacts", contacts_answer},
    {"targets", targets_answer},
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
    if (strcmp(command, "route") == 0)
        return answer_bad(ANSWER_USAGE, "a route needs a \"message\"");
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (strcmp(requests[i].command, command) == 0)
            return requests[i].answer(server, request);
    }
    return answer_bad(ANSWER_USAGE, "there is no command \"%s\"", command);
}

static int write_answer(json_t *answer, char **ret_line, size_t *ret_len)
{
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

/* ---- the way of a request, which waits for DNS ---- */

struct request_work {
    struct settings *settings; /* owned: a reload meanwhile frees those of the server */
    struct dry_parts parts;
    json_t *request; /* owned */
    json_t *answer;  /* owned */
};

static bool is_long(const json_t *request)
{
    const char *command = answer_string(request, "command");
    return command != NULL && strcmp(command, "route") == 0 &&
           answer_string(request, "message") != NULL;
}

static int begin_work(struct server *server, json_t *request, struct request_work **ret_work)
{
    struct request_work *work = memory_zalloc(1, sizeof *work);
    if (work == NULL)
        return ERR_NO_MEMORY;
    int status =
        settings_renew(server->settings, server->outside.found.hosts, server->log, &work->settings);
    if (status < 0) {
        memory_free(work);
        return status;
    }
    work->parts = (struct dry_parts){.settings = work->settings,
                                     .secrets = &server->shared,
                                     .log = server->log,
                                     .location = server->location,
                                     .accounts = server->accounts,
                                     .health = server->health};
    work->request = json_incref(request);
    *ret_work = work;
    return 0;
}

void request_run(struct request_work *work)
{
    const char *message = answer_string(work->request, "message");
    work->answer = dry_invite(&work->parts, slice_from_string(message));
    json_object_set_new(work->answer, "ok", json_true());
}

int request_finish(struct request_work *work, char **ret_line, size_t *ret_len)
{
    int status = write_answer(work->answer, ret_line, ret_len);
    json_decref(work->request);
    settings_free(work->settings);
    memory_free(work);
    return status;
}

int request_answer(struct server *server, struct slice line, char **ret_line, size_t *ret_len,
                   struct request_work **ret_work)
{
    json_error_t error;
    json_t *request = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, &error);
    if (request != NULL && is_long(request)) {
        int status = begin_work(server, request, ret_work);
        json_decref(request);
        return status < 0 ? ERR_NO_MEMORY : 1;
    }
    json_t *answer = request == NULL ? answer_bad(ANSWER_USAGE, "this is no JSON: %s", error.text)
                                     : answer_request(server, request);
    json_decref(request);
    return write_answer(answer, ret_line, ret_len);
}
