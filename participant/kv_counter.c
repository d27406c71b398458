/* Counters: values that are the decimal text of a signed 64-bit number. */
#include "participant/kv_counter.h"

#include <inttypes.h>
#include <stdio.h>

enum tx_error kv_counter_parse(struct tx_bytes text, int64_t *value)
{
    if (text.len == 0 || text.len >= KV_COUNTER_TEXT)
        return TX_EFORMAT;
    bool negative = text.data[0] == '-';
    if (negative && text.len == 1)
        return TX_EFORMAT;
    /* Summed up below zero, where there is room for the smallest number too. */
    int64_t sum = 0;
    for (size_t i = negative ? 1 : 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(sum, (int64_t)10, &sum) ||
            __builtin_sub_overflow(sum, (int64_t)(c - '0'), &sum))
            return TX_EFORMAT;
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, sum, &sum))
        return TX_EFORMAT;
    *value = sum;
    return TX_OK;
}

struct tx_bytes kv_counter_print(int64_t value, char out[KV_COUNTER_TEXT])
{
    (void)snprintf(out, KV_COUNTER_TEXT, "%" PRId64, value);
    return tx_bytes_str(out);
}

enum tx_reason kv_counter_add(int64_t old, const struct tx_op *op, const char *place, int64_t *sum,
                              struct tx_why *why)
{
    if (__builtin_add_overflow(old, op->delta, sum)) {
        bool above = op->delta > 0;
        (void)tx_why(why, TX_ELIMIT,
                     "%s: %" PRId64 " with %" PRId64 " added would be %s a 64-bit number can be",
                     place, old, op->delta, above ? "more than" : "less than");
        return above ? TX_REASON_CEILING : TX_REASON_FLOOR;
    }
    if (op->has_min && *sum < op->min) {
        (void)tx_why(why, TX_ELIMIT,
                     "%s: %" PRId64 " with %" PRId64 " added would be below the floor of %" PRId64,
                     place, old, op->delta, op->min);
        return TX_REASON_FLOOR;
    }
    if (op->has_max && *sum > op->max) {
        (void)tx_why(why, TX_ELIMIT,
                     "%s: %" PRId64 " with %" PRId64
                     " added would be above the ceiling of %" PRId64,
                     place, old, op->delta, op->max);
        return TX_REASON_CEILING;
    }
    return TX_REASON_NONE;
}
