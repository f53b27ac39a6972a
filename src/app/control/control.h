/* The control socket: a UNIX socket of mode 0600 on which each line is a JSON request and gets one
 * line as answer. Served by the controlling thread's libuv loop; a client that does not read holds
 * up only itself. */
#ifndef APP_CONTROL_CONTROL_H
#define APP_CONTROL_CONTROL_H

#include <uv.h>

#include "app/server/server.h"

struct control;

/* Makes the socket's directory when it is missing; takes the place of a socket that nobody answers
 * any more. Says in the log what fails. Errors: ERR_EXISTS (a server answers there), ERR_DENIED,
 * ERR_IO, ERR_NO_MEMORY. server is borrowed. */
int control_open(uv_loop_t *loop, const char *path, struct server *server,
                 struct control **ret_control);
/* Closes the socket and all clients, and removes the socket; its memory goes with the loop's next
 * turns. NULL is accepted. */
void control_close(struct control *control);

#endif
