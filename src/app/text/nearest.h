/* The word of a list that was probably meant: for typing errors in keys and commands. */
#ifndef APP_TEXT_NEAREST_H
#define APP_TEXT_NEAREST_H

#include "base/slice.h"

#define NEAREST_WORD_MAX 64 /* longer words have no nearest one */

/* How many letters to add, drop, change or swap with their neighbour turn a into b, ASCII case
 * ignored. Longer words than NEAREST_WORD_MAX: SIZE_MAX. */
size_t nearest_distance(struct slice a, struct slice b);

struct nearest {
    struct slice word; /* what was written; borrowed */
    size_t distance;
    char best[NEAREST_WORD_MAX + 1]; /* empty: nothing is near enough */
};

void nearest_init(struct nearest *n, struct slice word);
/* Takes candidate when it is near enough and nearer than those before. The same ending after a dot
 * ("t1" for "sip.t1") is near too. */
void nearest_try(struct nearest *n, struct slice candidate);

#endif
