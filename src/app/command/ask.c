#include "app/command/ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/control/answer.h"
#include "base/error.h"
#include "base/utf8.h"

void asking_complain(const struct options *options, int code, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_t *answer = NULL;
    if (options->json)
        answer = answer_bad(code, "%s", len < 0 ? "" : text);
    if (answer != NULL)
        print_json(answer);
    else
        fprintf(stderr, "trapezoid %s: %s\n", options->command, len < 0 ? "" : text);
}

/* Whoever started the server with sudo forgets it here. */
static const char *system_hint(const char *path)
{
    static const char folder[] = "/run/trapezoid";
    bool of_system = strncmp(path, folder, sizeof folder - 1) == 0;
    return geteuid() != 0 && !of_system && access(folder, F_OK) == 0
               ? " One that was started as root is asked with sudo."
               : "";
}

int asking_open(struct asking *asking, const struct options *options, bool quiet)
{
    *asking = (struct asking){.options = options};
    int status = options_config(options, true, &asking->config, &asking->problems);
    if (status < 0)
        return status == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED;
    const char *path = asking->config->control_path;
    status = control_client_open(path, &asking->client);
    if (status == 0)
        return EXIT_GOOD;
    int code = status == ERR_NOT_FOUND ? EXIT_NO_SERVER : EXIT_FAILED;
    if (code == EXIT_NO_SERVER && quiet)
        return code;
    if (status == ERR_DENIED)
        asking_complain(options, code, "%s belongs to another user; try as root", path);
    else if (status == ERR_NOT_FOUND)
        asking_complain(
            options, code,
            "no server answers on %s; is it running, with this configuration (-c FILE, --set "
            "control.path=FILE)?%s",
            path, system_hint(path));
    else
        asking_complain(options, code, "%s: %s", path, error_text(status));
    asking_close(asking);
    return code;
}

void asking_close(struct asking *asking)
{
    control_client_close(asking->client);
    config_free(asking->config);
    asking->client = NULL;
    asking->config = NULL;
}

int asking_judge(const struct asking *asking, json_t *answer, json_t **ret_answer)
{
    if (json_is_true(json_object_get(answer, "ok"))) {
        *ret_answer = answer;
        return EXIT_GOOD;
    }
    int code = (int)number_of(answer, "code");
    if (asking->options->json) {
        print_json(answer);
    } else {
        fprintf(stderr, "trapezoid %s: %s\n", asking->options->command, text_of(answer, "message"));
        json_decref(answer);
    }
    return code == EXIT_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

int asking_ask(struct asking *asking, json_t *request, json_t **ret_answer)
{
    json_t *answer;
    int status =
        request == NULL ? ERR_NO_MEMORY : control_client_ask(asking->client, request, &answer);
    json_decref(request);
    if (status == 0)
        return asking_judge(asking, answer, ret_answer);
    asking_complain(asking->options, EXIT_FAILED, "the server gives no answer: %s",
                    error_text(status));
    return EXIT_FAILED;
}

void print_json(json_t *answer)
{
    json_object_del(answer, "ok");
    json_object_del(answer, "code");
    (void)json_dumpf(answer, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(answer);
}

void print_text(const char *text)
{
    struct slice rest = slice_from_string(text);
    while (!slice_empty(rest)) {
        uint32_t c;
        size_t len = utf8_decode(rest, &c);
        bool shown = len > 0 && c >= 0x20 && !(c >= 0x7f && c < 0xa0) &&
                     !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069);
        if (shown)
            (void)fwrite(rest.ptr, 1, len, stdout);
        else
            (void)putchar('?');
        rest = slice_from(rest, len > 0 ? len : 1);
    }
}

const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

long long number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}
