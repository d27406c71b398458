/* The configuration of txcoordinator. docs/configuration.md is checked against the table in
 * coord_config.c. */
#ifndef ASSENT_COORDINATOR_COORD_CONFIG_H
#define ASSENT_COORDINATOR_COORD_CONFIG_H

#include "common/commit_mode.h"
#include "common/daemon/node_config.h"

struct coord_config {
    struct node_config node; /* must be first: the shared keys are of it */
    uint64_t id;
    struct tx_member participants[TX_NODES_MAX]; /* the section [participants] */
    size_t participants_n;
    uint64_t prepare_ms, active_idle_ms, resend_ms, resend_max_ms, hello_ms, peer_down_ms;
    uint64_t forget_ms, retention_ms, lock_timeout_ms;
    uint64_t prepare_tries, transactions_max, retained_max;
    uint64_t cut_every_ms;
    char backup_into[1024];
    uint64_t backup_every_ms, backup_keep;
    char backup_at[6]; /* "HH:MM", or empty */
    enum tx_commit_mode commit_mode;
};

extern const struct config_schema coord_config_schema;

#endif
