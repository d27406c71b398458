/* What the decoder refuses, as if it had not: the cores look at sizes and lists themselves, as a
 * second line of defence. */
#ifndef ASSENT_TESTS_SIM_LIAR_RAW_H
#define ASSENT_TESTS_SIM_LIAR_RAW_H

#include "sim.h"

struct liar_raw {
    struct sim_random random;
    struct tx_member members[TX_MEMBERS_MAX + 1];
};

/* One such message to the node, which must refuse it and go on. `id` and `token` are those of a
 * transaction that the liar has begun, or zero. */
void liar_raw_arrives(struct sim *sim, struct liar_raw *raw, size_t node, struct tx_id id,
                      struct tx_token token);

#endif
