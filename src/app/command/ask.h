/* What the commands that speak to a running server share. */
#ifndef APP_COMMAND_ASK_H
#define APP_COMMAND_ASK_H

#include "app/command/command.h"
#include "app/control/client.h"

struct asking {
    const struct options *options; /* borrowed */
    struct app_config *config;     /* owned */
    unsigned problems;             /* of the configuration, said already */
    struct control_client *client; /* owned; NULL: no server is running */
};

/* Reads the configuration and connects. 0, or an exit code with its complaint made. EXIT_NO_SERVER
 * says nothing when quiet: the caller does without a server (config is there then). */
int asking_open(struct asking *asking, const struct options *options, bool quiet);
void asking_close(struct asking *asking);
/* What is wrong: on stderr, or, with --json, as an answer on stdout. */
void asking_complain(const struct options *options, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Sends request (taken over). 0 and a good answer, or an exit code with its complaint made: on
 * stderr, or, with --json, the answer itself on stdout. */
int asking_ask(struct asking *asking, json_t *request, json_t **ret_answer);
/* What asking_ask does with an answer, for answers from elsewhere (taken over). */
int asking_judge(const struct asking *asking, json_t *answer, json_t **ret_answer);

/* An answer as JSON on stdout, without "ok". */
void print_json(json_t *answer);
/* Text from the network for a terminal: control characters become '?'. */
void print_text(const char *text);
/* The string of a key, or "". */
const char *text_of(const json_t *object, const char *key);
long long number_of(const json_t *object, const char *key);

#endif
