#include <stdio.h>

#include "app/command/ask.h"
#include "app/control/users.h"
#include "app/server/process.h"
#include "base/error.h"

#define PASSWORD_MAX 256

/* The accounts of a store that no server uses. */
struct direct {
    struct log log;
    struct store *store;
    struct accounts *accounts;
};

static void direct_close(struct direct *direct)
{
    accounts_free(direct->accounts);
    store_close(direct->store);
}

static int direct_open(struct direct *direct, const struct asking *asking)
{
    const struct app_config *config = asking->config;
    struct store_options options = {.path = config->store_path, .log = &direct->log};
    *direct = (struct direct){.store = NULL};
    log_init(&direct->log, 2, false, LOG_ERROR);
    if (asking->problems > 0) {
        asking_complain(asking->options, EXIT_USAGE,
                        "no server answers, and the configuration is wrong");
        return EXIT_USAGE;
    }
    if (strcmp(config->store_path, ":memory:") == 0) {
        asking_complain(asking->options, EXIT_NO_SERVER,
                        "no server answers on %s, and store.path :memory: keeps nothing",
                        config->control_path);
        return EXIT_NO_SERVER;
    }
    int status = process_make_directory(config->data_dir) < 0 ? ERR_DENIED : 0;
    if (status == 0)
        status = store_open(&options, &direct->store);
    if (status == 0)
        status = accounts_new(direct->store, slice_from_string(config->realm), &direct->accounts);
    if (status == 0)
        return EXIT_GOOD;
    if (status == ERR_BUSY)
        asking_complain(asking->options, EXIT_NO_SERVER,
                        "a server uses %s but does not answer on %s; which control.path has it?",
                        config->store_path, config->control_path);
    else
        asking_complain(asking->options, EXIT_FAILED, "%s cannot be opened: %s", config->store_path,
                        error_text(status));
    direct_close(direct);
    return status == ERR_BUSY ? EXIT_NO_SERVER : EXIT_FAILED;
}

struct accounts_of {
    struct asking asking;
    struct direct direct;
    bool is_direct;
};

static int open_accounts(struct accounts_of *of, const struct options *options)
{
    int code = asking_open(&of->asking, options, true);
    of->is_direct = code == EXIT_NO_SERVER;
    if (of->is_direct)
        code = direct_open(&of->direct, &of->asking);
    if (code != EXIT_GOOD)
        asking_close(&of->asking);
    return code;
}

static void close_accounts(struct accounts_of *of)
{
    if (of->is_direct)
        direct_close(&of->direct);
    asking_close(&of->asking);
}

static int ask(struct accounts_of *of, json_t *request, json_t **ret_answer)
{
    if (!of->is_direct)
        return asking_ask(&of->asking, request, ret_answer);
    json_t *answer = request == NULL ? NULL : users_answer(of->direct.accounts, request);
    json_decref(request);
    if (answer == NULL) {
        fprintf(stderr, "trapezoid user: out of memory\n");
        return EXIT_FAILED;
    }
    return asking_judge(&of->asking, answer, ret_answer);
}

/* ---- add, password, remove ---- */

/* The first line of standard input. */
static int read_password(const struct options *options, char *buf)
{
    if (fgets(buf, PASSWORD_MAX, stdin) == NULL)
        return command_usage(options, "standard input holds no password");
    size_t len = strcspn(buf, "\r\n");
    if (buf[len] == '\0' && len == PASSWORD_MAX - 1)
        return command_usage(options, "the password is longer than %d characters",
                             PASSWORD_MAX - 2);
    buf[len] = '\0';
    return EXIT_GOOD;
}

static void print_change(const struct options *options, json_t *answer)
{
    const char *action = options->words[0];
    const char *name = options->words[1];
    if (options->json) {
        json_object_set_new(answer, "name", json_string(name));
        print_json(answer);
        return;
    }
    const char *password = text_of(answer, "password");
    if (strcmp(action, "remove") == 0)
        printf("%s was removed\n", name);
    else if (password[0] != '\0')
        printf("%s has the password %s\n", name, password);
    else
        printf("%s has the new password\n", name);
    const char *note = text_of(answer, "note");
    if (note[0] != '\0')
        fprintf(stderr, "trapezoid user: %s\n", note);
    json_decref(answer);
}

static int change(struct accounts_of *of, const struct options *options, const char *password)
{
    json_t *answer;
    json_t *request = json_pack("{s:s, s:s, s:s, s:s*}", "command", "user", "action",
                                options->words[0], "name", options->words[1], "password", password);
    int code = ask(of, request, &answer);
    if (code == EXIT_GOOD)
        print_change(options, answer);
    return code;
}

/* ---- list ---- */

static void print_users(const json_t *users, bool json, bool *first, char *last, size_t size)
{
    size_t i;
    json_t *user;
    json_array_foreach(users, i, user)
    {
        (void)slice_to_string(slice_from_string(text_of(user, "name")), last, size);
        if (!json) {
            print_text(last);
            printf("  made %s\n", text_of(user, "created"));
            continue;
        }
        (void)fputs(*first ? "\n  " : ",\n  ", stdout);
        (void)json_dumpf(user, stdout, 0);
        *first = false;
    }
}

static int list(struct accounts_of *of, const struct options *options)
{
    char last[ACCOUNT_NAME_MAX + 1] = "";
    bool first = true;
    bool more = true;
    if (options->json)
        (void)fputs("{\"users\": [", stdout);
    while (more) {
        json_t *answer;
        int code = ask(
            of, json_pack("{s:s, s:s, s:s}", "command", "user", "action", "list", "after", last),
            &answer);
        if (code != EXIT_GOOD)
            return code;
        print_users(json_object_get(answer, "users"), options->json, &first, last, sizeof last);
        more = json_is_true(json_object_get(answer, "more"));
        json_decref(answer);
    }
    if (options->json)
        (void)fputs("]}\n", stdout);
    return EXIT_GOOD;
}

static int check_words(const struct options *options)
{
    if (options->word_count == 0)
        return command_usage(options, "write one of add, remove, list, password");
    const char *action = options->words[0];
    bool is_list = strcmp(action, "list") == 0;
    bool is_remove = strcmp(action, "remove") == 0;
    if (!is_list && !is_remove && strcmp(action, "add") != 0 && strcmp(action, "password") != 0)
        return command_usage(options, "\"%s\" is none of add, remove, list, password", action);
    unsigned least = is_list ? 1 : 2;
    unsigned most = is_list ? 1 : is_remove || options->password_stdin ? 2 : 3;
    if (options->word_count < least)
        return command_usage(options, "a name is missing");
    if (options->word_count > most)
        return command_usage(options, "\"%s\" is too much", options->words[most]);
    return EXIT_GOOD;
}

int command_user(const struct options *options)
{
    char typed[PASSWORD_MAX];
    struct accounts_of of;
    int code = check_words(options);
    const char *password = code == EXIT_GOOD && options->word_count == 3 ? options->words[2] : NULL;
    if (code == EXIT_GOOD && options->password_stdin) {
        code = read_password(options, typed);
        password = typed;
    }
    if (code == EXIT_GOOD)
        code = open_accounts(&of, options);
    if (code != EXIT_GOOD)
        return code;
    code = strcmp(options->words[0], "list") == 0 ? list(&of, options)
                                                  : change(&of, options, password);
    close_accounts(&of);
    return code;
}
