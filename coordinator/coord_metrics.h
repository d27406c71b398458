/* What monitoring sees of a coordinator: its metrics, durations, and whether it is ready.
 * docs/metrics.md is checked against the table in coord_metrics.c. */
#ifndef ASSENT_COORDINATOR_COORD_METRICS_H
#define ASSENT_COORDINATOR_COORD_METRICS_H

#include "common/daemon/node_shell.h"
#include "coordinator/backup_schedule.h"
#include "coordinator/coord_core.h"

/* `begin`: how long BEGINs have taken, which the core cannot see. */
void coord_metrics_write(struct node_shell *node, const struct coord_core *core,
                         const struct tx_times *begin, const struct backup_schedule_view *backup,
                         FILE *out);
void coord_metrics_phases(const struct coord_core *core, const struct tx_times *begin,
                          struct node_phases *phases);
void coord_metrics_ready(const struct coord_core *core, struct node_ready *ready);

/* Rows of docs/metrics.md. */
void coord_metrics_print(FILE *out);

#endif
