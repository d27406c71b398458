/* The coordinator's shell and its schedule of backups: what of the configuration it goes by, and
 * what audit log, log, status and health say of it. */
#ifndef ASSENT_COORDINATOR_COORD_BACKUP_H
#define ASSENT_COORDINATOR_COORD_BACKUP_H

#include "common/daemon/node_shell.h"
#include "coordinator/backup_schedule.h"
#include "coordinator/coord_config.h"

struct coord_backup {
    struct node_shell *node;
    struct backup_schedule *schedule;
    struct backup_schedule_view view; /* of the last look; the fields of a status point into it */
};

/* For a configuration: what its [backup] cannot mean; a text that goes behind "FILE: ". */
enum tx_error coord_backup_check(const struct coord_config *config,
                                 struct tx_why *why) TX_MUST_CHECK;

/* On a shell that listens; begins at once when there is a schedule. */
enum tx_error coord_backup_open(struct coord_backup *backup, struct node_shell *node,
                                const struct coord_config *config,
                                struct tx_why *why) TX_MUST_CHECK;
/* The configuration has changed. */
void coord_backup_reload(struct coord_backup *backup, const struct coord_config *config);
/* The loop has ended: gives up what is under way, and tells of it. */
void coord_backup_stop(struct coord_backup *backup);
/* After the loop is gone. Harmless on one that was never opened. */
void coord_backup_close(struct coord_backup *backup);

/* What a daemon shows of it; nothing while there is no schedule, but for the first field. */
void coord_backup_fields(struct coord_backup *backup, struct status_fields *fields);
void coord_backup_ready(struct coord_backup *backup, struct node_ready *ready);

#endif
