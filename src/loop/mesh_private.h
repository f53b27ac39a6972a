/* The mesh as the loop knows it. Nothing outside src/loop includes this. */
#ifndef LOOP_MESH_PRIVATE_H
#define LOOP_MESH_PRIVATE_H

#include "loop/bind.h"
#include "loop/loop_private.h"
#include "loop/mesh.h"

/* Readable when mail has come for a sleeping worker; write 8 bytes to wake it. Borrowed. */
int mesh_wake_fd(const struct mesh *mesh, unsigned worker);
/* The worker is about to sleep; false: do not, mail waits. */
bool mesh_sleep(struct mesh *mesh, unsigned worker);
void mesh_awake(struct mesh *mesh, unsigned worker);
/* Hands out the mail that waits, a bounded number per sender; true when some is left. */
bool mesh_receive(struct mesh *mesh, unsigned worker, const struct mail_handler *handlers);
/* Which addresses the workers of the mesh are bound to. */
struct bindings *mesh_bindings(struct mesh *mesh);

#endif
