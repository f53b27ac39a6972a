#include "base/metric.h"

#include <string.h>

int64_t metric_sum(const metric *const *sets, size_t set_count, size_t index)
{
    /* Unsigned, so that a sum past the end wraps instead of being undefined. */
    uint64_t sum = 0;
    for (size_t i = 0; i < set_count; i++)
        sum += (uint64_t)metric_get(&sets[i][index]);
    return (int64_t)sum;
}

/* Help text: backslash and line feed are escaped (Prometheus text format 0.0.4). */
static void write_help(struct writer *w, const char *help)
{
    for (; *help != '\0'; help++) {
        if (*help == '\\')
            writer_literal(w, "\\\\");
        else if (*help == '\n')
            writer_literal(w, "\\n");
        else
            writer_char(w, *help);
    }
}

static void write_head(struct writer *w, const struct metric_info *info)
{
    writer_literal(w, "# HELP trapezoid_");
    writer_string(w, info->name);
    writer_char(w, ' ');
    write_help(w, info->help);
    writer_literal(w, "\n# TYPE trapezoid_");
    writer_string(w, info->name);
    writer_string(w, info->kind == METRIC_COUNTER ? " counter\n" : " gauge\n");
}

void metric_write(struct writer *w, const struct metric_info *infos, size_t count,
                  const metric *const *sets, size_t set_count)
{
    for (size_t i = 0; i < count; i++) {
        const struct metric_info *info = &infos[i];
        if (i == 0 || strcmp(info->name, infos[i - 1].name) != 0)
            write_head(w, info);
        writer_literal(w, "trapezoid_");
        writer_string(w, info->name);
        if (info->labels != NULL) {
            writer_char(w, '{');
            writer_string(w, info->labels);
            writer_char(w, '}');
        }
        int64_t value = metric_sum(sets, set_count, i);
        writer_char(w, ' ');
        if (value < 0)
            writer_char(w, '-');
        writer_u64(w, value < 0 ? -(uint64_t)value : (uint64_t)value);
        writer_char(w, '\n');
    }
}
