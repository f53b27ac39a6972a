/* Durations counted in buckets that are 1/16 wide, from 1 us to over an hour: percentiles within 6
 * %. */
#ifndef LOADGEN_HISTOGRAM_H
#define LOADGEN_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 32 * 16 };

struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t max_ns;
};

void histogram_add(struct histogram *h, uint64_t ns);

/* The duration in microseconds that `share` (0 to 1) of the entries do not exceed; 0 when there are
 * none. */
double histogram_us(const struct histogram *h, double share);

#endif
