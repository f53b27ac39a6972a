/* The other end of the control socket: asks the running server. */
#ifndef APP_CONTROL_CLIENT_H
#define APP_CONTROL_CLIENT_H

#include <jansson.h>

#define CLIENT_ANSWER_MAX (64 * 1024 * 1024)

struct control_client;

/* Errors: ERR_NOT_FOUND (no server is there), ERR_DENIED, ERR_IO, ERR_NO_MEMORY. */
int control_client_open(const char *path, struct control_client **ret_client);
/* NULL is accepted. */
void control_client_close(struct control_client *client);
/* Sends request and waits for its answer, at most a minute. Errors: ERR_CLOSED, ERR_TIMEOUT,
 * ERR_SYNTAX (no JSON came), ERR_LIMIT, ERR_NO_MEMORY. */
int control_client_ask(struct control_client *client, const json_t *request, json_t **ret_answer);

#endif
