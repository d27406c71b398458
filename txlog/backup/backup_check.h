/* Checking a backup: everything that it needs is there, and as it was written. */
#ifndef ASSENT_TXLOG_BACKUP_CHECK_H
#define ASSENT_TXLOG_BACKUP_CHECK_H

#include "txlog/backup/backup_repo.h"

struct backup_check {
    unsigned sample; /* percent of the blobs that are read, drawn at random; the others must be
                        there. 100: all */
    /* Each damage, by its sentence. */
    void (*damage)(void *arg, const char *text);
    /* After each piece that was read. May be NULL. */
    void (*progress)(void *arg, uint64_t bytes);
    void *arg;
    /* What was found. */
    uint64_t blobs, read, bytes, damages;
};

/* Checks one backup; blobs that it shares with one that was checked before are read again. An error
 * only when the check itself cannot go on; a damage is told and counted. */
enum tx_error backup_check_run(const struct backup_repo *repo, const char *name,
                               struct backup_check *check, struct tx_why *why) TX_MUST_CHECK;

#endif
