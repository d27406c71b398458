/* A client: does one transaction after the other, sends again what is not answered, and asks for
 * the outcome until it hears it. It keeps the rules of client/README.md. */
#ifndef ASSENT_TESTS_SIM_SIM_CLIENT_H
#define ASSENT_TESTS_SIM_SIM_CLIENT_H

#include "sim.h"

void sim_client_start(struct sim *sim, size_t node);
void sim_client_stop(struct sim *sim, size_t node);
void sim_client_tick(struct sim *sim, size_t node);
void sim_client_received(struct sim *sim, size_t node, size_t from, const struct tx_msg *msg);
/* The run is over: what it still does not know is written down as unknown. */
void sim_client_end(struct sim *sim, size_t node);
/* Everything has healed, and it has nothing left to do. */
bool sim_client_done(const struct sim_node *node);
/* The transaction that it is at, or was at last; perhaps none. */
struct tx_id sim_client_tx(const struct sim_node *node);

#endif
