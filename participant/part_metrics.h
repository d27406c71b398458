/* What monitoring sees of a participant: its metrics, durations, and whether it is ready.
 * docs/metrics.md is checked against the table in part_metrics.c. */
#ifndef ASSENT_PARTICIPANT_PART_METRICS_H
#define ASSENT_PARTICIPANT_PART_METRICS_H

#include "common/daemon/node_shell.h"
#include "participant/part_core.h"
#include "participant/rm.h"

void part_metrics_write(struct node_shell *node, const struct part_core *core, const struct rm *rm,
                        FILE *out);
void part_metrics_phases(const struct part_core *core, struct node_phases *phases);
void part_metrics_ready(const struct part_core *core, struct node_ready *ready);

/* Rows of docs/metrics.md. */
void part_metrics_print(FILE *out);

#endif
