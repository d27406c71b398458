/* The rule of commits that the members decide (docs/protocol.md): committed from the moment when
 * the PREPARED record of every listed member is durable, and not before. The checkers see only what
 * is left at the end; this looks at the moment when somebody says so. */
#ifndef ASSENT_TESTS_SIM_RULE_H
#define ASSENT_TESTS_SIM_RULE_H

#include "sim.h"

/* A participant appends a record: PREPARED is noted, COMMITTED and ABORTED are held to the rule. */
void rule_appended(struct sim *sim, size_t node, const struct txlog_record *record);
/* It has died: what was not durable by then is gone. */
void rule_died(struct sim *sim, size_t node);
/* Somebody is told, or a coordinator writes down, that a transaction is committed or aborted. */
void rule_said(struct sim *sim, size_t node, struct tx_id id, bool commit);
/* Is it committed by the rule now? False, too, when its members do not decide. */
bool rule_committed(const struct sim *sim, struct tx_id id);
/* Do its members decide, as far as anybody has prepared it? */
bool rule_applies(const struct sim *sim, struct tx_id id);
void rule_deinit(struct sim *sim);

#endif
