/* Is somebody looking at the packets of this host? Inside src/loop only. */
#ifndef LOOP_CAPTURE_H
#define LOOP_CAPTURE_H

#include <stdbool.h>

/* True when a packet socket is open in our network namespace that takes IP: a capture (tcpdump,
 * sngrep and the like), or some DHCP clients. Reads a file; not for every turn. */
bool capture_runs(void);

#endif
