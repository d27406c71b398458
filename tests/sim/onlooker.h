/* Somebody looks at the locks of a participant while others work: pages of all kinds, which go on
 * now and then. */
#ifndef ASSENT_TESTS_SIM_ONLOOKER_H
#define ASSENT_TESTS_SIM_ONLOOKER_H

#include "sim.h"

#define ONLOOKER_REQ UINT64_C(0) /* which no other request of a client has */

/* From this client, now and then (looks_percent). */
void onlooker_ask(struct sim *sim, size_t node);
/* A page has come: is it one? */
void onlooker_answered(struct sim *sim, size_t node, size_t from, const struct tx_msg_locks *locks);

#endif
