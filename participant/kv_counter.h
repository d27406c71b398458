/* Counters: values that are the decimal text of a signed 64-bit number.
 *
 * An optional '-', then digits, nothing else, at most 20 characters. Leading zeroes are allowed, a
 * '+' is not. */
#ifndef ASSENT_PARTICIPANT_KV_COUNTER_H
#define ASSENT_PARTICIPANT_KV_COUNTER_H

#include "common/op.h"
#include "common/reason.h"

#define KV_COUNTER_TEXT 21 /* "-9223372036854775808" and the NUL */

/* TX_EFORMAT when the text is no such number. */
enum tx_error kv_counter_parse(struct tx_bytes text, int64_t *value) TX_MUST_CHECK;
/* The view is of `out`, and ends with a NUL that it does not count. */
struct tx_bytes kv_counter_print(int64_t value, char out[KV_COUNTER_TEXT]);

/* Adds op->delta to `old`. TX_REASON_NONE and the sum; or TX_REASON_FLOOR or TX_REASON_CEILING when
 * the sum is beyond op's bounds (which are inclusive) or beyond 64 bits. */
enum tx_reason kv_counter_add(int64_t old, const struct tx_op *op, int64_t *sum) TX_MUST_CHECK;
/* The text for people about such a refusal, "add PLACE: ...". */
void kv_counter_explain(int64_t old, const struct tx_op *op, enum tx_reason reason,
                        const char *place, struct tx_why *why);

#endif
