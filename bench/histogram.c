#include "histogram.h"

#include "base/macro.h"

/*
 * Below two times HISTOGRAM_STEPS each value has a bucket of its own; from there on a bucket holds
 * the values that differ only in their lowest `shift` bits.
 */
static size_t bucket_of(uint64_t us)
{
    if (us < HISTOGRAM_STEPS) {
        return (size_t)us;
    }
    unsigned shift = 63U - (unsigned)__builtin_clzll(us) - HISTOGRAM_STEPS_LOG2;
    return ((size_t)shift << HISTOGRAM_STEPS_LOG2) + (size_t)(us >> shift);
}

static int64_t last_of_bucket(size_t bucket)
{
    if (bucket < HISTOGRAM_STEPS) {
        return (int64_t)bucket;
    }
    size_t shift = (bucket >> HISTOGRAM_STEPS_LOG2) - 1;
    uint64_t step = HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS;
    return (int64_t)(((step + 1) << shift) - 1);
}

void histogram_add(struct histogram *histogram, int64_t us)
{
    const int64_t longest = (INT64_C(1) << HISTOGRAM_BITS_MAX) - 1;
    int64_t counted = us < 0 ? 0 : us;

    if (counted > longest) {
        counted = longest;
    }
    histogram->counts[bucket_of((uint64_t)counted)]++;
    histogram->total++;
    if (counted > histogram->max_us) {
        histogram->max_us = counted;
    }
}

int64_t histogram_quantile(const struct histogram *histogram, uint64_t per_mille)
{
    uint64_t wanted = (histogram->total * per_mille + 999) / 1000;
    uint64_t seen = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted && seen > 0) {
            int64_t last = last_of_bucket(i);
            return last < histogram->max_us ? last : histogram->max_us;
        }
    }
    return 0;
}

void histogram_put(const struct histogram *histogram, struct json_writer *out)
{
    static const struct {
        const char *name;
        uint64_t per_mille;
    } rows[] = {{"p50", 500}, {"p90", 900}, {"p99", 990}, {"p99_9", 999}};

    json_begin_object(out);
    json_key(out, "count");
    json_put_i64(out, (int64_t)histogram->total);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_key(out, rows[i].name);
        json_put_i64(out, histogram_quantile(histogram, rows[i].per_mille));
    }
    json_key(out, "max");
    json_put_i64(out, histogram->max_us);
    json_end_object(out);
}
