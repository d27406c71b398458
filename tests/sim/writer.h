/* The writer of a node's log on virtual time, as txlog/log_writer.h describes the real one: one
 * write at a time, of everything that is queued when it begins; what nobody waits for is held back
 * for company. */
#ifndef ASSENT_TESTS_SIM_WRITER_H
#define ASSENT_TESTS_SIM_WRITER_H

#include "sim.h"

void sim_writer_append(struct sim *sim, size_t node, const struct txlog_record *record,
                       const struct txlog_put *puts, size_t puts_n, bool force);
/* SIM_EVENT_WRITE: has waited for company long enough. */
void sim_writer_due(struct sim *sim, size_t node);
/* SIM_EVENT_SYNCED: durable up to there; the next write begins. */
void sim_writer_synced(struct sim *sim, size_t node, struct tx_lsn upto);

#endif
