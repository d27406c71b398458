/* Frames that come once more, long after: copies of what was sent to a node, also of what was lost
 * or found it down. They come after its start, when an operator has decided there, and at any time.
 */
#ifndef ASSENT_TESTS_SIM_ECHO_H
#define ASSENT_TESTS_SIM_ECHO_H

#include "sim.h"

/* A frame is sent: keeps a copy for later, and now and then repeats an earlier one. */
void sim_echo_keep(struct sim *sim, size_t from, size_t to, struct tx_bytes bytes);
/* After a start: repeats some of what was sent to this node, soon or over a while. */
void sim_echo_start(struct sim *sim, size_t node);
/* Repeats some of what was sent to this node, within `span_us`. */
void sim_echo(struct sim *sim, size_t node, uint64_t span_us);
void sim_echo_deinit(struct sim *sim);

#endif
