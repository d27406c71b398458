/* Those who lie: they overhear what is sent, and send messages that no correct peer sends, made
 * from what they heard, through the real encoder and decoder.
 *
 * `liar` = 1: a stranger, who calls himself a participant or a coordinator that the cluster does
 * not have, and a client. They may break nothing. `liar` = 2: a coordinator or a participant of the
 * cluster, too. What it says in its own name may cost atomicity; nobody's invariants, no limit, and
 * no honest node's own log. */
#ifndef ASSENT_TESTS_SIM_LIAR_H
#define ASSENT_TESTS_SIM_LIAR_H

#include "sim.h"

/* Nothing at all when the options have no liar. */
void sim_liar_start(struct sim *sim);
void sim_liar_stop(struct sim *sim);
/* `msg` is on its way; a lie may follow it. */
void sim_liar_overhears(struct sim *sim, size_t from, size_t to, const struct tx_msg *msg);
/* Somebody answers the liar's own request, or sends to an address that nobody has. */
void sim_liar_hears(struct sim *sim, size_t from, const struct tx_msg *msg);
/* A frame without bytes is one of the liar's that no decoder has seen. */
void sim_liar_raw(struct sim *sim, size_t to);
/* Does a node of the cluster lie? Then few promises are left. */
bool sim_lies_within(const struct sim *sim);

#endif
