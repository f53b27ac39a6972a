#include "unit/app/config/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SETS_MAX 16

static void write_file(struct reading *r, const char *yaml)
{
    strcpy(r->path, "/tmp/trapezoid-test-XXXXXX");
    int fd = mkstemp(r->path);
    assert_true(fd >= 0);
    size_t len = strlen(yaml);
    assert_int_equal(write(fd, yaml, len), len);
    close(fd);
}

void reading_start(struct reading *r, const char *yaml, const char *const *sets)
{
    char *copies[SETS_MAX];
    unsigned count = 0;
    for (; sets != NULL && sets[count] != NULL; count++) {
        assert_true(count < SETS_MAX);
        copies[count] = strdup(sets[count]);
        assert_non_null(copies[count]);
    }
    r->config = NULL;
    r->path[0] = '\0';
    config_problems_init(&r->problems);
    if (yaml != NULL)
        write_file(r, yaml);
    struct config_source source = {
        .file = yaml != NULL ? r->path : NULL, .sets = copies, .set_count = count};
    r->status = config_read(&source, &r->problems, &r->config);
    if (yaml != NULL)
        unlink(r->path);
    for (unsigned i = 0; i < count; i++)
        free(copies[i]);
}

void reading_done(struct reading *r)
{
    config_free(r->config);
    r->config = NULL;
}

const char *reading_complaints(struct reading *r, char *buf, size_t size)
{
    const char *text = config_problems_text(&r->problems);
    size_t skip = strlen(r->path);
    size_t len = 0;
    while (*text != '\0' && len + 5 < size) {
        if (skip > 0 && strncmp(text, r->path, skip) == 0) {
            memcpy(buf + len, "FILE", 4);
            len += 4;
            text += skip;
        } else {
            buf[len++] = *text++;
        }
    }
    buf[len] = '\0';
    return buf;
}
