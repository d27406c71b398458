/* The network: messages travel as frames through the real codec, and may be lost, come twice, late,
 * or in another order. As in the real transport, what a node has for one receiver after a step
 * travels in one frame. */
#ifndef ASSENT_TESTS_SIM_NETWORK_H
#define ASSENT_TESTS_SIM_NETWORK_H

#include "common/wire.h"
#include "sim.h"

/* A start of a node has an outbox of its own, with its envelope. */
void sim_network_open(struct sim *sim, size_t node);
void sim_network_close(struct sim *sim, size_t node);

/* Who it is, as it is stamped on its frames. */
struct tx_envelope sim_network_envelope(const struct sim *sim, size_t node);
/* Into the outbox. */
void sim_network_send(struct sim *sim, size_t from, size_t to, const struct tx_msg *msg);
/* The outbox goes on its way. */
void sim_network_flush(struct sim *sim, size_t from);
/* Decodes an arrived frame; valid until the next one. */
void sim_network_receive(struct sim *sim, const struct sim_event *event, struct tx_frame *frame);

/* Cuts some ways for a while. */
void sim_network_part(struct sim *sim);
void sim_network_mend(struct sim *sim, uint64_t number);
void sim_network_heal(struct sim *sim);

#endif
