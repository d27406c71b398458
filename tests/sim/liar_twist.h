/* How a message becomes a lie: one of its fields is changed, to another value out of a small range,
 * so that it still speaks of what is going on. */
#ifndef ASSENT_TESTS_SIM_LIAR_TWIST_H
#define ASSENT_TESTS_SIM_LIAR_TWIST_H

#include "common/msg.h"
#include "random.h"

#define LIAR_IDS     32u
#define LIAR_MEMBERS (TX_MEMBERS_MAX + 2u)
#define LIAR_OPS     8u

/* What is spoken of, and room for what the last message points to. */
struct liar_talk {
    struct sim_random random;
    struct tx_id ids[LIAR_IDS]; /* heard lately, a ring */
    uint64_t ids_n;
    bool drastic; /* now and then, what ends the service of a node for good */
    struct tx_member members[LIAR_MEMBERS];
    struct tx_position known[LIAR_MEMBERS];
    struct tx_op ops[LIAR_OPS];
    struct tx_result results[4];
    struct tx_position starts[TX_LINEAGE_MAX + 1];
    uint64_t open[4];
    char text[TX_TEXT_MAX];
};

/* True once in `n`, by chance. */
bool liar_once_in(struct liar_talk *talk, unsigned n);
/* Mostly `usual`, or beside it, or at an edge. */
uint64_t liar_near(struct liar_talk *talk, uint64_t usual);
/* One that was heard of lately, or nearly one. */
struct tx_id liar_id(struct liar_talk *talk);
void liar_heard_of(struct liar_talk *talk, struct tx_id id);
/* Changes one thing in it. Borrows from `talk` until the next one. */
void liar_twist(struct liar_talk *talk, struct tx_msg *msg);
/* Operations on keys that nobody else uses, some of them impossible. */
size_t liar_ops(struct liar_talk *talk, const struct tx_name *participant);
/* The list with one more, one less, or one that is otherwise; in `talk->members`. */
size_t liar_members(struct liar_talk *talk, const struct tx_member *members, size_t n);

#endif
