/* What the tests of mode D share: a coordinator that is asked to let the members decide. */
#ifndef ASSENT_TESTS_COORDINATOR_MEMBERS_H
#define ASSENT_TESTS_COORDINATOR_MEMBERS_H

#include "coord_driver.h"

extern struct driver d;

/* Setup for cmocka of tests whose state is `d` at first: all participants are up, nothing is under
 * way. driver_teardown() ends it. */
int members_setup(void **state);

/* The PREPARE that has just been sent to a participant. */
const struct tx_msg_prepare *prepare(char who);
/* A one-shot of a and b, one put at each, PREPARE out. */
struct tx_id one_shot(void);
/* What a has not voted for, and b has, when the time is over. */
struct tx_id preventing(void);
const struct tx_msg_outcome *assert_committed(struct tx_id id);
/* An acknowledgement of a participant where an operator may have decided. */
void heuristic_ack(char who, struct tx_id id, enum tx_heuristic heuristic);

#endif
