/* Messages of every type, built from a fuzzer's choices out of small ranges, so that they meet one
 * another: a few transactions, members, keys and values that are mostly the right ones. */
#ifndef ASSENT_TESTS_FUZZ_FUZZ_MSG_H
#define ASSENT_TESTS_FUZZ_FUZZ_MSG_H

#include "common/msg.h"
#include "fuzz_input.h"

#define FUZZ_NODES 4u

/* What a sender who does not lie would say, and room for what the last message points to. */
struct fuzz_msgs {
    struct fuzz_input *in;
    uint32_t coordinator;              /* of the transactions spoken of */
    uint64_t epoch;                    /* of that coordinator */
    uint64_t seq;                      /* the newest transaction; the last few are spoken of */
    uint64_t number;                   /* of the last HELLO */
    struct tx_position here;           /* where the log of the sender stands */
    uint64_t incarnations[FUZZ_NODES]; /* of participants "a" to "d" */

    struct tx_op ops[4];
    struct tx_member members[FUZZ_NODES];
    struct tx_position known[FUZZ_NODES]; /* of the members */
    struct tx_result results[4];
    struct tx_position starts[3];
    uint64_t open[3];
};

/* One of the last eight transactions, rarely another. */
struct tx_id fuzz_id(struct fuzz_msgs *m);
struct tx_name fuzz_node_name(unsigned node);
struct tx_address fuzz_node_address(unsigned node);
struct tx_address fuzz_coordinator_address(uint32_t coordinator);
/* Borrows from `m` until the next one. */
struct tx_msg fuzz_msg(struct fuzz_msgs *m, enum tx_msg_type type);

#endif
