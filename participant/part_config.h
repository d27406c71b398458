/* The configuration of txparticipant. docs/configuration.md is checked against the table in
 * part_config.c. */
#ifndef ASSENT_PARTICIPANT_PART_CONFIG_H
#define ASSENT_PARTICIPANT_PART_CONFIG_H

#include "common/config.h"
#include "common/log.h"
#include "common/op.h"

struct part_config {
    char cluster[TX_CLUSTER_MAX + 1];
    struct tx_name name;
    struct tx_address listen;
    char data[1024];
    uint64_t idle_ms, lock_timeout_ms, inquiry_ms, inquiry_max_ms, drain_ms;
    uint64_t transactions_max, locks_max, tombstones_max, message_max;
    enum tx_lock_policy lock_policy;
    uint64_t escalate_at;
    uint64_t snapshot_records, retain_records, disk_reserve, cache_bytes, lazy_ms, group_wait_us;
    enum log_level log_level;
};

extern const struct config_schema part_config_schema;

#endif
