#include "app/text/nearest.h"

#include "base/ascii.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: three rows of the table are kept. */
size_t nearest_distance(struct slice a, struct slice b)
{
    if (a.len > NEAREST_WORD_MAX || b.len > NEAREST_WORD_MAX)
        return SIZE_MAX;
    size_t rows[3][NEAREST_WORD_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned char x = ascii_lower((unsigned char)a.ptr[i - 1]);
            unsigned char y = ascii_lower((unsigned char)b.ptr[j - 1]);
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == ascii_lower((unsigned char)b.ptr[j - 2]) &&
                y == ascii_lower((unsigned char)a.ptr[i - 2]))
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

void nearest_init(struct nearest *n, struct slice word)
{
    *n = (struct nearest){.word = word, .distance = SIZE_MAX};
}

/* What follows the last dot. */
static struct slice last_part(struct slice word)
{
    for (size_t i = word.len; i > 0; i--) {
        if (word.ptr[i - 1] == '.')
            return slice_from(word, i);
    }
    return word;
}

void nearest_try(struct nearest *n, struct slice candidate)
{
    size_t distance = nearest_distance(n->word, candidate);
    size_t allowed = n->word.len / 3 > 2 ? n->word.len / 3 : 2;
    if (distance > allowed && slice_equal_nocase(last_part(n->word), last_part(candidate)))
        distance = allowed;
    if (distance <= allowed && distance < n->distance && distance < candidate.len) {
        slice_to_string(candidate, n->best, sizeof n->best);
        n->distance = distance;
    }
}
