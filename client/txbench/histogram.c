/* A log-linear histogram. */
#include "client/txbench/histogram.h"

#define STEPS_PER_OCTAVE (UINT64_C(1) << HISTOGRAM_STEP_BITS)
#define VALUE_MAX        ((UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1)

/* Below 128: the value. Above: the octave, and within it the seven bits behind the leading one. */
static size_t step_of(uint64_t value)
{
    if (value < STEPS_PER_OCTAVE) {
        return (size_t)value;
    }
    unsigned octave = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
    return (size_t)((octave + 1) * STEPS_PER_OCTAVE + ((value >> octave) - STEPS_PER_OCTAVE));
}

/* The largest value of a step. */
static uint64_t step_end(size_t step)
{
    if (step < STEPS_PER_OCTAVE) {
        return step;
    }
    unsigned octave = (unsigned)(step / STEPS_PER_OCTAVE) - 1;
    uint64_t leading = STEPS_PER_OCTAVE + step % STEPS_PER_OCTAVE;
    return ((leading + 1) << octave) - 1;
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
    value = value < VALUE_MAX ? value : VALUE_MAX;
    histogram->counts[step_of(value)]++;
    histogram->total++;
    histogram->max = value > histogram->max ? value : histogram->max;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_STEPS; i++) {
        into->counts[i] += from->counts[i];
    }
    into->total += from->total;
    into->max = from->max > into->max ? from->max : into->max;
}

uint64_t histogram_quantile(const struct histogram *histogram, double fraction)
{
    double exact = fraction * (double)histogram->total;
    uint64_t wanted = (uint64_t)exact;
    wanted += (double)wanted < exact ? 1 : 0;
    wanted = wanted < 1 ? 1 : wanted;
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_STEPS && histogram->total > 0; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted) {
            uint64_t end = step_end(i);
            return end < histogram->max ? end : histogram->max;
        }
    }
    return histogram->max;
}
