#include "app/config/problem.h"

#include <stdarg.h>
#include <stdio.h>

void config_problems_init(struct config_problems *problems)
{
    problems->count = 0;
    problems->ended = false;
    /* One byte is kept back for the NUL. */
    writer_init(&problems->w, problems->text, sizeof problems->text - 1);
    problems->text[0] = '\0';
}

static void write_printable(struct writer *w, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        writer_char(w, c < 0x20 || c == 0x7f ? '?' : (char)c);
    }
}

void config_problem(struct config_problems *problems, const struct config_origin *origin,
                    struct slice key, const char *format, ...)
{
    problems->count++;
    if (problems->count > CONFIG_PROBLEMS_MAX)
        return;
    char what[CONFIG_PROBLEM_TEXT_MAX];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(what, sizeof what, format, args);
    va_end(args);

    struct writer *w = &problems->w;
    size_t before = writer_length(w);
    if (origin->file != NULL) {
        write_printable(w, slice_from_string(origin->file));
        if (origin->line > 0) {
            writer_char(w, ':');
            writer_u64(w, origin->line);
        }
        writer_literal(w, ": ");
    }
    if (!slice_empty(key)) {
        write_printable(w, key);
        writer_literal(w, ": ");
    }
    if (length > 0)
        write_printable(w, slice_from_string(what));
    writer_char(w, '\n');
    if (w->overflow)
        writer_rewind(w, before);
}

const char *config_problems_text(struct config_problems *problems)
{
    if (problems->count > CONFIG_PROBLEMS_MAX && !problems->ended)
        writer_format(&problems->w, "and %u more\n", problems->count - CONFIG_PROBLEMS_MAX);
    problems->ended = true;
    *problems->w.at = '\0';
    return problems->text;
}
