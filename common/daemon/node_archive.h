/* A daemon's archive of its log, as its shell has it: from the configuration to what it tells. */
#ifndef ASSENT_COMMON_DAEMON_NODE_ARCHIVE_H
#define ASSENT_COMMON_DAEMON_NODE_ARCHIVE_H

#include "common/daemon/node_shell.h"
#include "common/status_fields.h"

/* Starts archiving if the configuration says where; the log is open. */
enum tx_error node_archive_open(struct node_shell *shell, struct tx_why *why) TX_MUST_CHECK;

/* Takes the limits out of the configuration. */
void node_archive_reload(struct node_shell *shell);

/* Archives what was queued until now, for some seconds at most, and ends. Before the log is closed.
 */
void node_archive_close(struct node_shell *shell);

/* What its fields of a STATUS point to. */
struct node_archive_texts {
    char gap[64];
    struct tx_why why;
};
/* None when there is no archive. */
void node_archive_fields(const struct node_shell *shell, struct node_archive_texts *texts,
                         struct status_fields *fields);

/* What an operator should look at; it serves all the same. */
void node_archive_ready(const struct node_shell *shell, struct node_ready *ready);

#endif
