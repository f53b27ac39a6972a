#include "store/rows.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

#define CHUNK_ROWS 1024
#define WORDS      (CHUNK_ROWS / 64)

struct store_rows_chunk {
    uint64_t present[WORDS];
    uint64_t live[WORDS]; /* of those present */
    unsigned present_count, live_count;
    struct store_rows_chunk *next; /* among the spares */
};

void store_rows_done(struct store_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        memory_free(rows->chunks[i]);
    while (rows->spares != NULL) {
        struct store_rows_chunk *next = rows->spares->next;
        memory_free(rows->spares);
        rows->spares = next;
    }
    memory_free(rows->chunks);
    *rows = (struct store_rows){0};
}

static size_t number_of(int64_t id)
{
    return (size_t)id / CHUNK_ROWS;
}

static struct store_rows_chunk *chunk_at(const struct store_rows *rows, size_t number)
{
    if (number < rows->base || number - rows->base >= rows->count)
        return NULL;
    return rows->chunks[number - rows->base];
}

/* Forgets the empty places at the front. */
static void drop_front(struct store_rows *rows)
{
    size_t empty = 0;
    while (empty < rows->count && rows->chunks[empty] == NULL)
        empty++;
    if (empty == 0)
        return;
    memmove(rows->chunks, rows->chunks + empty,
            (rows->count - empty) * sizeof(struct store_rows_chunk *));
    rows->base += empty;
    rows->count -= empty;
}

static int reserve_places(struct store_rows *rows, size_t number)
{
    drop_front(rows);
    if (rows->count == 0)
        rows->base = rows->lowest = number;
    size_t places = number + 1 - rows->base;
    if (places <= rows->room)
        return 0;
    size_t room = places + places / 2 + 64;
    struct store_rows_chunk **chunks =
        memory_realloc(rows->chunks, room * sizeof(struct store_rows_chunk *));
    if (chunks == NULL)
        return ERR_NO_MEMORY;
    rows->chunks = chunks;
    rows->room = room;
    return 0;
}

int store_rows_reserve(struct store_rows *rows, int64_t first, int64_t last)
{
    size_t number = number_of(first), chunks = number_of(last) - number + 1;
    if (rows->count == 0) {
        int status = reserve_places(rows, number);
        if (status < 0)
            return status;
    }
    if (number_of(last) - rows->base >= rows->room) {
        int status = reserve_places(rows, number_of(last));
        if (status < 0)
            return status;
    }
    while (rows->spare_count < chunks) {
        struct store_rows_chunk *spare = memory_zalloc(1, sizeof *spare);
        if (spare == NULL)
            return ERR_NO_MEMORY;
        spare->next = rows->spares;
        rows->spares = spare;
        rows->spare_count++;
    }
    return 0;
}

void store_rows_add(struct store_rows *rows, int64_t id)
{
    size_t place = number_of(id) - rows->base;
    assert(number_of(id) >= rows->base && place < rows->room);
    while (rows->count <= place)
        rows->chunks[rows->count++] = NULL;
    struct store_rows_chunk *chunk = rows->chunks[place];
    if (chunk == NULL) {
        chunk = rows->spares;
        assert(chunk != NULL);
        rows->spares = chunk->next;
        rows->spare_count--;
        rows->chunks[place] = chunk;
    }
    unsigned bit = (unsigned)(id % CHUNK_ROWS);
    uint64_t mask = (uint64_t)1 << bit % 64;
    assert((chunk->present[bit / 64] & mask) == 0);
    chunk->present[bit / 64] |= mask;
    chunk->live[bit / 64] |= mask;
    chunk->present_count++;
    chunk->live_count++;
    rows->live++;
}

bool store_rows_is_live(const struct store_rows *rows, int64_t id)
{
    const struct store_rows_chunk *chunk = id <= 0 ? NULL : chunk_at(rows, number_of(id));
    unsigned bit = (unsigned)(id % CHUNK_ROWS);
    return chunk != NULL && (chunk->live[bit / 64] >> bit % 64 & 1) != 0;
}

bool store_rows_spoil(struct store_rows *rows, int64_t id)
{
    if (!store_rows_is_live(rows, id))
        return false;
    struct store_rows_chunk *chunk = chunk_at(rows, number_of(id));
    unsigned bit = (unsigned)(id % CHUNK_ROWS);
    chunk->live[bit / 64] &= ~((uint64_t)1 << bit % 64);
    chunk->live_count--;
    rows->live--;
    rows->stale++;
    if (number_of(id) < rows->lowest)
        rows->lowest = number_of(id);
    return true;
}

/* The run of rows that are not live which begins with the first stale one at or after bit. */
static bool find_run(const struct store_rows_chunk *chunk, unsigned bit, unsigned *ret_first,
                     unsigned *ret_last, unsigned *ret_stale)
{
    unsigned first = CHUNK_ROWS, last = 0, stale = 0;
    for (; bit < CHUNK_ROWS; bit++) {
        unsigned word = bit / 64;
        uint64_t mask = (uint64_t)1 << bit % 64;
        if (chunk->live[word] & mask) {
            if (stale > 0)
                break;
        } else if (chunk->present[word] & mask) {
            first = stale == 0 ? bit : first;
            last = bit;
            stale++;
        }
    }
    *ret_first = first;
    *ret_last = last;
    *ret_stale = stale;
    return stale > 0;
}

bool store_rows_next_stale(struct store_rows *rows, int64_t after, struct store_rows_run *ret_run)
{
    size_t number = rows->lowest > rows->base ? rows->lowest : rows->base;
    if (after > 0 && number_of(after + 1) > number)
        number = number_of(after + 1);
    for (; number < rows->base + rows->count; number++) {
        const struct store_rows_chunk *chunk = chunk_at(rows, number);
        if (chunk == NULL || chunk->present_count == chunk->live_count)
            continue;
        if (after == 0)
            rows->lowest = number;
        bool same = after > 0 && number_of(after + 1) == number;
        unsigned first, last, stale;
        if (!find_run(chunk, same ? (unsigned)((after + 1) % CHUNK_ROWS) : 0, &first, &last,
                      &stale))
            continue;
        int64_t start = (int64_t)(number * CHUNK_ROWS);
        *ret_run = (struct store_rows_run){start + first, start + last, stale};
        return true;
    }
    if (after == 0)
        rows->lowest = number;
    return false;
}

void store_rows_remove(struct store_rows *rows, const struct store_rows_run *run)
{
    size_t number = number_of(run->first);
    struct store_rows_chunk *chunk = chunk_at(rows, number);
    for (int64_t id = run->first; id <= run->last; id++) {
        unsigned bit = (unsigned)(id % CHUNK_ROWS);
        chunk->present[bit / 64] &= ~((uint64_t)1 << bit % 64);
    }
    chunk->present_count -= run->stale;
    rows->stale -= run->stale;
    if (chunk->present_count == chunk->live_count && number == rows->lowest)
        rows->lowest++;
    if (chunk->present_count == 0) {
        rows->chunks[number - rows->base] = NULL;
        memory_free(chunk);
    }
}

/* Is one of the 64 rows live? first is a multiple of 64. */
static bool word_is_live(const struct store_rows *rows, int64_t first)
{
    const struct store_rows_chunk *chunk = chunk_at(rows, number_of(first));
    return chunk != NULL && chunk->live[first % CHUNK_ROWS / 64] != 0;
}

bool store_rows_next_live(const struct store_rows *rows, int64_t from, int64_t end,
                          int64_t *ret_first, int64_t *ret_end)
{
    int64_t last = (int64_t)((rows->base + rows->count) * CHUNK_ROWS);
    int64_t first = from - from % 64;
    end = end < last ? end : last;
    while (first < end && !word_is_live(rows, first))
        first += 64;
    if (first >= end)
        return false;
    int64_t stop = first + 64;
    while (stop < end && word_is_live(rows, stop))
        stop += 64;
    *ret_first = first > from ? first : from;
    *ret_end = stop < end ? stop : end;
    return true;
}

int64_t store_rows_cut(const struct store_rows *rows, unsigned part, unsigned parts)
{
    uint64_t wanted = (rows->live + rows->stale) * part / parts, seen = 0;
    size_t place = 0;
    for (; place < rows->count && (seen < wanted || part == parts); place++)
        seen += rows->chunks[place] == NULL ? 0 : rows->chunks[place]->present_count;
    return (int64_t)((rows->base + place) * CHUNK_ROWS);
}
