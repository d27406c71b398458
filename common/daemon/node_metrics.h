/* The metrics that both daemons have: log, network, disk, process, the HTTP server itself. */
#ifndef ASSENT_COMMON_DAEMON_NODE_METRICS_H
#define ASSENT_COMMON_DAEMON_NODE_METRICS_H

#include "common/daemon/metrics.h"
#include "common/daemon/node_shell.h"

extern const struct metric_table node_metric_table;

/* What a daemon's core knows for this table. */
struct node_metrics_of_core {
    struct tx_id
        pin; /* the oldest transaction that each snapshot of the log restates; or all zero */
    uint64_t pin_us;
    uint64_t alarms;
    uint64_t violations;
    uint64_t stale;
    struct tx_lsn last, durable; /* of the log */
};

/* Writes the table as it stands now. */
void node_metrics_write(struct node_shell *shell, const struct node_metrics_of_core *core,
                        FILE *out);

/* The label of an abort's reason, for the tables of both daemons; NULL for none: no abort is
 * without a reason. */
const char *node_metric_abort_reason(unsigned reason);

#endif
