/* Which rows of the table of bindings are live and which are stale (superseded, removed or
 * expired, and not yet deleted): two bits per row, in chunks that come and go with their rows. One
 * thread. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_rows_chunk;

struct store_rows {
    struct store_rows_chunk **chunks; /* owned; NULL: no row there */
    size_t base;                      /* number of chunks[0]; chunk n begins with row n * 1024 */
    size_t count, room;               /* of chunks */
    size_t lowest;                    /* number of a chunk before which no row is stale */
    struct store_rows_chunk *spares;  /* owned */
    unsigned spare_count;
    uint64_t live, stale;
};

/* Consecutive rows of one chunk, none of them live. */
struct store_rows_run {
    int64_t first, last;
    unsigned stale; /* how many of them are in the table */
};

void store_rows_done(struct store_rows *rows);
/* Rows from first to last can be added without memory afterwards. ERR_NO_MEMORY. */
int store_rows_reserve(struct store_rows *rows, int64_t first, int64_t last);
/* A live row; reserved before, and ids rise. */
void store_rows_add(struct store_rows *rows, int64_t id);
/* A live row becomes stale. False when it was not live. */
bool store_rows_spoil(struct store_rows *rows, int64_t id);
bool store_rows_is_live(const struct store_rows *rows, int64_t id);
/* The first run after the row with stale rows in it, lowest first: the order in which they must be
 * deleted. after 0 starts. False when there is none. */
bool store_rows_next_stale(struct store_rows *rows, int64_t after, struct store_rows_run *ret_run);
/* The rows of the run have been deleted. */
void store_rows_remove(struct store_rows *rows, const struct store_rows_run *run);
/* The next rows from from on, before end, that are worth reading at once: they begin and end with
 * some 64 rows of which one is live at least. False when no more is live. */
bool store_rows_next_live(const struct store_rows *rows, int64_t from, int64_t end,
                          int64_t *ret_first, int64_t *ret_end);
/* The row with which the part begins when all rows are cut into parts of like size; for part ==
 * parts one more than the last row. */
int64_t store_rows_cut(const struct store_rows *rows, unsigned part, unsigned parts);

#endif
