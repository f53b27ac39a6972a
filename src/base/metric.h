/* Counters and gauges. A set is an array of numbers described by a const table; each worker has its
 * own set, so that counting takes no lock; a reader adds the sets up. */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/writer.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metric_info {
    const char *name;   /* Prometheus name without the "trapezoid_" prefix, e.g. "requests_total" */
    const char *labels; /* e.g. "method=\"INVITE\"" or NULL; never anything a sender chooses */
    enum metric_kind kind;
    const char *help; /* one sentence a person can read */
};

/* A table is written as a list macro with a row X(ID, NAME, KIND, HELP) for each metric, from which
 * both come: enum x_metric {X_METRIC_LIST(METRIC_ID) X_METRICS}; and x_metric_infos[X_METRICS] =
 * {X_METRIC_LIST(METRIC_ROW)}. */
#define METRIC_ID(id, name, kind, help)  id,
#define METRIC_ROW(id, name, kind, help) [id] = {(name), NULL, (kind), (help)},

typedef _Atomic int64_t metric;

/* Only the owning thread writes. */
static inline void metric_add(metric *m, int64_t n)
{
    atomic_store_explicit(m, atomic_load_explicit(m, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline void metric_set(metric *m, int64_t n)
{
    atomic_store_explicit(m, n, memory_order_relaxed);
}

static inline int64_t metric_get(const metric *m)
{
    return atomic_load_explicit(m, memory_order_relaxed);
}

/* The sum of metric index over sets. */
int64_t metric_sum(const metric *const *sets, size_t set_count, size_t index);

/* Prometheus text format for infos[0..count), each summed over the sets. Rows of one name must be
 * adjacent. The writer's overflow tells when it did not fit. Any thread. */
void metric_write(struct writer *w, const struct metric_info *infos, size_t count,
                  const metric *const *sets, size_t set_count);

#endif
