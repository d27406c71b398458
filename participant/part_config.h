/* The configuration of txparticipant. docs/configuration.md is checked against the table in
 * part_config.c. */
#ifndef ASSENT_PARTICIPANT_PART_CONFIG_H
#define ASSENT_PARTICIPANT_PART_CONFIG_H

#include "common/daemon/node_config.h"
#include "common/op.h"

struct part_config {
    struct node_config node; /* must be first: the shared keys are of it */
    struct tx_name name;
    uint64_t idle_ms, lock_timeout_ms, inquiry_ms, inquiry_max_ms;
    uint64_t transactions_max, locks_max, tombstones_max;
    enum tx_lock_policy lock_policy;
    uint64_t escalate_at;
    uint64_t cache_bytes;
};

extern const struct config_schema part_config_schema;

#endif
