/* What the simulator looks up inside of the cores: their interfaces do not show it, because nobody
 * else needs it. */
#ifndef ASSENT_TESTS_SIM_INSIDE_H
#define ASSENT_TESTS_SIM_INSIDE_H

#include "coordinator/coord_core.h"
#include "participant/part_core.h"
#include "tests/check/history.h"

/* All locks held at a participant, as a snapshot of the history. */
void inside_locks(const struct part_core *core, struct history *history, uint32_t node,
                  uint64_t time_ns);
/* Who waits for a lock at a participant, and for whom: one of those that stand in its way. */
void inside_waits(const struct part_core *core,
                  void (*visit)(void *arg, struct tx_id waiter, struct tx_id blocker), void *arg);
/* Transactions that a snapshot of the log would restate, open and ended ones. */
size_t inside_part_live(const struct part_core *core);
size_t inside_coord_live(const struct coord_core *core);

/* What is in doubt at a participant of one coordinator's: who decides it. */
struct inside_doubt {
    unsigned members_decide, coordinator_decides;
    struct tx_id id; /* one of those that the members decide */
};
/* Adds to the counts. */
void inside_part_in_doubt(const struct part_core *core, uint32_t coordinator,
                          struct inside_doubt *doubt);

/* One that it has committed by what the other members have said; all zero: there is none. */
struct tx_id inside_part_found_out(const struct part_core *core);
/* Decisions by hand that have not heard yet what it really was. */
unsigned inside_part_unended(const struct part_core *core);

/* Would it take the word of such a node, as far as it knows? Of a HELLO, a WELCOME, and a NO to one
 * that is in doubt. */
bool inside_part_welcomes(const struct part_core *core, uint32_t coordinator,
                          const struct tx_msg_hello *hello);
bool inside_coord_takes(const struct coord_core *core, const struct tx_envelope *from,
                        const struct tx_msg_welcome *welcome);
bool inside_part_takes_no(const struct part_core *core, const struct tx_envelope *from,
                          const struct tx_msg_state *state, struct tx_position *known);
/* Does that position, which an inquiry carries, prove to this participant that it is a copy? */
bool inside_part_disproved(const struct part_core *core, struct tx_position known);

#endif
