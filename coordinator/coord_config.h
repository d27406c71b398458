/* The configuration of txcoordinator. docs/configuration.md is checked against the table in
 * coord_config.c. */
#ifndef ASSENT_COORDINATOR_COORD_CONFIG_H
#define ASSENT_COORDINATOR_COORD_CONFIG_H

#include "common/commit_mode.h"
#include "common/config.h"
#include "common/log.h"

struct coord_config {
    char cluster[TX_CLUSTER_MAX + 1];
    uint64_t id;
    struct tx_address listen;
    char data[1024];
    struct tx_member participants[TX_NODES_MAX]; /* the section [participants] */
    size_t participants_n;
    uint64_t prepare_ms, active_idle_ms, resend_ms, resend_max_ms, hello_ms, peer_down_ms;
    uint64_t forget_ms, retention_ms, lock_timeout_ms, drain_ms;
    uint64_t prepare_tries, transactions_max, retained_max, message_max;
    uint64_t snapshot_records, retain_records, disk_reserve, lazy_ms, group_wait_us;
    enum log_level log_level;
    enum tx_commit_mode commit_mode;
};

extern const struct config_schema coord_config_schema;

#endif
