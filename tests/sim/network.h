/* The network: messages travel as frames through the real codec, and may be lost, come twice, late,
 * or in another order. */
#ifndef ASSENT_TESTS_SIM_NETWORK_H
#define ASSENT_TESTS_SIM_NETWORK_H

#include "common/wire.h"
#include "sim.h"

void sim_network_send(struct sim *sim, size_t from, size_t to, const struct tx_msg *msg);
/* Decodes an arrived frame into the arena. */
void sim_network_receive(const struct sim *sim, const struct sim_event *event,
                         struct tx_arena *arena, struct tx_frame *frame);
/* Cuts some ways for a while. */
void sim_network_part(struct sim *sim);
void sim_network_mend(struct sim *sim, uint64_t number);
void sim_network_heal(struct sim *sim);

#endif
