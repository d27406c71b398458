/* Counters: values that are the decimal text of a signed 64-bit number. */
#include "participant/kv_counter.h"

#include "common/assert.h"

#include <inttypes.h>

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
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *end = out + KV_COUNTER_TEXT - 1;
    char *at = end;
    *end = '\0';
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        *--at = '-';
    return tx_bytes(at, (size_t)(end - at));
}

enum tx_reason kv_counter_add(int64_t old, const struct tx_op *op, int64_t *sum)
{
    if (__builtin_add_overflow(old, op->delta, sum))
        return op->delta > 0 ? TX_REASON_CEILING : TX_REASON_FLOOR;
    if (op->has_min && *sum < op->min)
        return TX_REASON_FLOOR;
    return op->has_max && *sum > op->max ? TX_REASON_CEILING : TX_REASON_NONE;
}

void kv_counter_explain(int64_t old, const struct tx_op *op, enum tx_reason reason,
                        const char *place, struct tx_why *why)
{
    int64_t sum;
    TX_ASSERT(reason == TX_REASON_CEILING || reason == TX_REASON_FLOOR);
    bool above = reason == TX_REASON_CEILING;
    if (__builtin_add_overflow(old, op->delta, &sum))
        (void)tx_why(why, TX_ELIMIT,
                     "add %s: %" PRId64 " with %" PRId64
                     " added would be %s a 64-bit number can be",
                     place, old, op->delta, above ? "more than" : "less than");
    else
        (void)tx_why(why, TX_ELIMIT,
                     "add %s: %" PRId64 " with %" PRId64 " added would be %s of %" PRId64, place,
                     old, op->delta, above ? "above the ceiling" : "below the floor",
                     above ? op->max : op->min);
}
