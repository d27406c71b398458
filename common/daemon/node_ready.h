/* Why a node does not take new transactions, and what else an operator should look at. */
#ifndef ASSENT_COMMON_DAEMON_NODE_READY_H
#define ASSENT_COMMON_DAEMON_NODE_READY_H

#include "common/error.h"
#include "common/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODE_READY_ITEMS_MAX 8u

struct node_ready_item {
    const char *code; /* "draining": for programs */
    char text[TX_TEXT_MAX + 1];
};

struct node_ready {
    struct node_ready_item reasons[NODE_READY_ITEMS_MAX]; /* none: it is ready */
    size_t reasons_n;
    struct node_ready_item warnings[NODE_READY_ITEMS_MAX]; /* it serves all the same */
    size_t warnings_n;
};

/* What does not fit any more is left out. */
void node_ready_reason(struct node_ready *ready, const char *code, const char *format, ...)
    TX_PRINTF(3, 4);
void node_ready_warning(struct node_ready *ready, const char *code, const char *format, ...)
    TX_PRINTF(3, 4);

/* What both daemons have to say: an operator wants no new transactions, the disk is at its reserve;
 * and how many alarms there were. */
void node_ready_refusing(struct node_ready *ready, bool draining, bool disk_low);
void node_ready_alarms(struct node_ready *ready, uint64_t alarms);

#endif
