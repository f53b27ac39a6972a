#include "app/control/users.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define LIST_LIMIT 1000

static json_t *describe_failure(int status, const char *name)
{
    switch (status) {
    case ERR_EXISTS: return answer_bad(ANSWER_FAILED, "there is already an account %s", name);
    case ERR_NOT_FOUND: return answer_bad(ANSWER_FAILED, "there is no account %s", name);
    case ERR_SYNTAX:
        return answer_bad(
            ANSWER_USAGE,
            "\"%s\" is no account name; write a user name (alice), or one of a single "
            "domain (alice@example.org)",
            name);
    default: return answer_bad(ANSWER_FAILED, "%s: %s", name, error_text(status));
    }
}

/* With the password when it was made here. */
static json_t *give_password(struct accounts *accounts, bool add, const char *name,
                             const char *password)
{
    char made[ACCOUNT_PASSWORD_LENGTH + 1];
    int status = password == NULL ? account_password_make(made) : 0;
    struct slice text = slice_from_string(password == NULL ? made : password);
    if (status == 0 && slice_empty(text))
        return answer_bad(ANSWER_USAGE, "an empty password is no password");
    if (status == 0)
        status = add ? accounts_add(accounts, slice_from_string(name), text)
                     : accounts_set_password(accounts, slice_from_string(name), text);
    if (status < 0)
        return describe_failure(status, name);
    json_t *answer = answer_good();
    if (answer != NULL && password == NULL)
        json_object_set_new(answer, "password", json_string(made));
    return answer;
}

struct listing {
    json_t *users;
    struct slice after;
    size_t limit;
    bool more;
    bool failed;
};

static void visit(void *user, struct slice name, int64_t created_ms)
{
    struct listing *listing = user;
    if (listing->more || listing->failed || slice_compare(name, listing->after) <= 0)
        return;
    if (json_array_size(listing->users) == listing->limit) {
        listing->more = true;
        return;
    }
    json_t *item =
        json_pack("{s:o, s:o}", "name", answer_text(name), "created", answer_time(created_ms));
    if (item == NULL || json_array_append_new(listing->users, item) < 0)
        listing->failed = true;
}

static json_t *list(struct accounts *accounts, const json_t *request)
{
    struct listing listing = {.users = json_array(),
                              .after = slice_from_string(answer_string(request, "after")),
                              .limit = LIST_LIMIT};
    json_int_t limit = json_integer_value(json_object_get(request, "limit"));
    if (limit > 0 && limit < LIST_LIMIT)
        listing.limit = (size_t)limit;
    if (listing.users == NULL)
        return NULL;
    int status = accounts_each(accounts, visit, &listing);
    if (status < 0 || listing.failed) {
        json_decref(listing.users);
        return status < 0 ? answer_bad(ANSWER_FAILED, "%s", error_text(status)) : NULL;
    }
    return json_pack("{s:b, s:o, s:b}", "ok", true, "users", listing.users, "more", listing.more);
}

json_t *users_answer(struct accounts *accounts, const json_t *request)
{
    const char *action = answer_string(request, "action");
    const char *name = answer_string(request, "name");
    const char *password = answer_string(request, "password");
    if (action == NULL)
        return answer_bad(ANSWER_USAGE, "an action is missing");
    if (strcmp(action, "list") == 0)
        return list(accounts, request);
    if (name == NULL)
        return answer_bad(ANSWER_USAGE, "a name is missing");
    if (strcmp(action, "add") == 0)
        return give_password(accounts, true, name, password);
    if (strcmp(action, "password") == 0)
        return give_password(accounts, false, name, password);
    if (strcmp(action, "remove") != 0)
        return answer_bad(ANSWER_USAGE, "\"%s\" is no action", action);
    int status = accounts_remove(accounts, slice_from_string(name));
    return status < 0 ? describe_failure(status, name) : answer_good();
}
