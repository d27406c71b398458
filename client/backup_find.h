/* The daemons that a backup is of: those that the coordinator knows, and the coordinators that
 * these have met. And what goes wrong in a backup, put into words. */
#ifndef ASSENT_CLIENT_BACKUP_FIND_H
#define ASSENT_CLIENT_BACKUP_FIND_H

#include "client/backup_drive.h"

/* Fills drive->targets. False: drive->trouble says why. */
bool backup_drive_find(struct backup_drive *drive) TX_MUST_CHECK;

/* What went wrong; false, for the caller to hand on. The first trouble counts. */
bool backup_drive_fail(struct backup_drive *drive, enum tx_error error, const char *format, ...)
    TX_PRINTF(3, 4);
/* Nothing is wrong, and it goes no further all the same. */
bool backup_drive_withdraw(struct backup_drive *drive, const char *why);
/* As backup_drive_fail() of a daemon, with the sentence of the handle's last call; `address` NULL:
 * left out. */
bool backup_drive_blame(struct backup_drive *drive, const char *name, const char *address,
                        txclient_status status);

#endif
