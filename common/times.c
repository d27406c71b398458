#include "common/times.h"

#include "common/assert.h"

#define STEPS_PER_POWER (UINT64_C(1) << TX_TIMES_STEP_BITS)
#define VALUE_MAX       ((UINT64_C(1) << TX_TIMES_BITS) - 1)

static unsigned leading_bit(uint64_t value)
{
    return 63u - (unsigned)__builtin_clzll(value);
}

/* Below 8: the value. Above: its power of two, and in it the bits behind the leading one. */
static size_t step_of(uint64_t value)
{
    if (value < STEPS_PER_POWER) {
        return (size_t)value;
    }
    unsigned shift = leading_bit(value) - TX_TIMES_STEP_BITS;
    return (size_t)((shift + 1) * STEPS_PER_POWER + ((value >> shift) - STEPS_PER_POWER));
}

/* The smallest value of a step. */
static uint64_t step_begin(size_t step)
{
    if (step < STEPS_PER_POWER) {
        return step;
    }
    unsigned shift = (unsigned)(step / STEPS_PER_POWER) - 1;
    return (STEPS_PER_POWER + step % STEPS_PER_POWER) << shift;
}

uint64_t tx_times_step_end(size_t i)
{
    TX_ASSERT(i < TX_TIMES_STEPS);
    return step_begin(i + 1) - 1;
}

void tx_times_count(struct tx_times *times, uint64_t us)
{
    uint64_t value = us < VALUE_MAX ? us : VALUE_MAX;
    size_t step = step_of(value);
    TX_ASSERT(step < TX_TIMES_STEPS);
    times->counts[step]++;
    times->total++;
    times->sum += value;
    times->max_us = value > times->max_us ? value : times->max_us;
}

uint64_t tx_times_percentile(const struct tx_times *times, unsigned percent)
{
    TX_ASSERT(percent >= 1 && percent <= 100);
    /* Rounded up; as two parts, which do not overflow. */
    uint64_t wanted = times->total / 100 * percent + (times->total % 100 * percent + 99) / 100;
    uint64_t seen = 0;
    for (size_t i = 0; i < TX_TIMES_STEPS && times->total > 0; i++) {
        seen += times->counts[i];
        if (seen >= wanted) {
            uint64_t end = tx_times_step_end(i);
            return end < times->max_us ? end : times->max_us;
        }
    }
    return times->max_us;
}

uint64_t tx_times_of_power(const struct tx_times *times, unsigned bit)
{
    TX_ASSERT(bit < TX_TIMES_BITS);
    uint64_t n = bit == 0 ? times->counts[0] : 0;
    size_t end = step_of((UINT64_C(1) << bit) * 2 - 1);
    for (size_t i = step_of(UINT64_C(1) << bit); i <= end; i++) {
        n += times->counts[i];
    }
    return n;
}
