/* Part of wire_samples.h: what operators and their tools ask of a daemon, and its answers. */
#ifndef ASSENT_TESTS_COMMON_WIRE_SAMPLES_ADMIN_H
#define ASSENT_TESTS_COMMON_WIRE_SAMPLES_ADMIN_H

#include "common/msg.h"
#include "tests/common/test.h"

#define VIEW(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
#define N_OF(list) (sizeof(list) / sizeof((list)[0]))

/* RESOLVE, STATUS, LOCKS, CUT, BACKUP, TXS, ALARMS, their requests, ADMIN_REQUEST or PUT_ASIDE with
 * every field set. */
struct tx_msg sample_of_operators(enum tx_msg_type type);
/* Empties what may be left out of one of these; any other is left as it is. */
void sample_bare_of_operators(struct tx_msg *msg);
/* Fails the test unless the two, of one of these types, say the same. */
void sample_same_of_operators(const struct tx_msg *a, const struct tx_msg *b);

static inline void same_id(struct tx_id a, struct tx_id b)
{
    assert_true(tx_id_equal(a, b));
}

static inline void same_age(struct tx_age a, struct tx_age b)
{
    assert_int_equal(tx_age_compare(a, b), 0);
}

static inline void same_bytes(struct tx_bytes a, struct tx_bytes b)
{
    assert_true(tx_bytes_equal(a, b));
}

#endif
