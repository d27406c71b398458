/* The configuration keys that both daemons have. The configuration of a daemon begins with a struct
 * node_config, and its schema names these keys as shared ones. Two more fields are of both, but
 * with a default or a meaning of their own: `listen` and `data`. */
#ifndef ASSENT_COMMON_DAEMON_NODE_CONFIG_H
#define ASSENT_COMMON_DAEMON_NODE_CONFIG_H

#include "common/config.h"
#include "common/daemon/http.h"
#include "common/log.h"

struct daemon_program;

struct node_config {
    char cluster[TX_CLUSTER_MAX + 1];
    struct tx_address listen;
    char data[1024];
    char audit_file[1024]; /* "none": there is none */
    uint64_t drain_ms, message_max;
    uint64_t snapshot_records, retain_records, disk_reserve, lazy_ms, group_wait_us;
    uint64_t backup_rate;
    char archive_directory[1024]; /* "none": there is none */
    uint64_t archive_limit, archive_segment, archive_every_ms, archive_lag;
    enum log_level log_level;
    /* What a reload reads again, and how; main() sets them. */
    const char *file;
    const struct daemon_program *program;
    char http_listen[HTTP_LISTEN_MAX + 1];
};

#define NODE_CONFIG_KEYS_N 16u
extern const struct config_key node_config_keys[NODE_CONFIG_KEYS_N];

/* Is there an archive of the log? */
bool node_config_archives(const struct node_config *config);

/* What one key alone cannot tell; a text that goes behind "FILE: ". */
enum tx_error node_config_check(const struct node_config *config, struct tx_why *why) TX_MUST_CHECK;

#endif
