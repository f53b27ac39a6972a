#include "histogram.h"

/* Buckets 0 to 15 hold one microsecond each, then every doubling is divided into 16. */
static unsigned bucket_of(uint64_t us)
{
    if (us < 16)
        return (unsigned)us;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(us);
    unsigned bucket = (exponent - 3) * 16 + (unsigned)(us >> (exponent - 4) & 15);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t bucket_end(unsigned bucket)
{
    if (bucket < 16)
        return bucket + 1;
    unsigned exponent = bucket / 16 + 3;
    return (uint64_t)(16 + bucket % 16 + 1) << (exponent - 4);
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    h->bucket[bucket_of(ns / 1000)]++;
    h->count++;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

double histogram_us(const struct histogram *h, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)h->count);
    uint64_t seen = 0;
    double max = (double)h->max_ns / 1000;
    if (h->count == 0)
        return 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen > wanted || seen == h->count)
            return (double)bucket_end(i) < max ? (double)bucket_end(i) : max;
    }
    return max;
}
