/* Driving all daemons of a cluster through a backup into a repository (docs/backup.md): who they
 * are, checkpoints everywhere, one cut, the log up to it, and the manifest that makes a backup of
 * it. txctl does this when somebody asks for it, a coordinator by its schedule.
 *
 * It prints and logs nothing, and knows no way to end a process: what went wrong is in `trouble`.
 */
#ifndef ASSENT_CLIENT_BACKUP_DRIVE_H
#define ASSENT_CLIENT_BACKUP_DRIVE_H

#include "client/txclient.h"
#include "txlog/backup/backup_repo.h"

/* A daemon of the cluster. */
struct backup_drive_target {
    char *name; /* "participant a", "coordinator 1" */
    char *address;
    txclient_backup_progress progress;
};

struct backup_drive_trouble {
    txclient_status status; /* what a daemon, or its silence, came to; OK: `error` says more */
    enum tx_error error;    /* what went wrong; TX_OK: nothing did */
    bool withdrawn;         /* nothing is wrong: `stopped` said so, or the coordinator is fenced */
    bool early;             /* before any daemon was told to begin */
    char text[1024];        /* which daemon or file, what, and what to do */
};

struct backup_drive {
    /* What the caller sets, before backup_drive_run(). */
    txclient *client;
    const struct backup_repo *repo; /* open for changes */
    bool full;                      /* take nothing over from earlier backups */
    uint32_t patience_ms;           /* of the daemons, when they hear nothing; 0: theirs */
    uint32_t answer_ms; /* a silent daemon is asked again for so long, on top of the handle's
                           request timeout */
    bool need_up;       /* the coordinator must serve, and have every participant up */
    bool (*stopped)(void *arg); /* give up now? Asked all the time; NULL: never */
    /* How far it is; `doing` NULL: that is over. May be NULL. */
    void (*progress)(void *arg, const char *doing, uint64_t done, uint64_t bytes);
    void *arg;
    /* What came of it; the next two are freed by backup_drive_deinit(). */
    struct backup_drive_target *targets;
    size_t targets_n;
    struct backup_manifest manifest; /* of the finished backup */
    struct backup_drive_trouble trouble;
};

/* Takes a backup. False: there is none, every daemon that could be reached has been told to abandon
 * it, and `trouble` says why. Blocks; with `stopped`, no longer than the handle's request timeout
 * and some 2 s more once that is true. */
bool backup_drive_run(struct backup_drive *drive) TX_MUST_CHECK;
void backup_drive_deinit(struct backup_drive *drive);

/* Removes all backups but the newest `n`, at least 1, with what they alone need, and what backups
 * that did not end have left. The one called `spared` stays in any case (NULL: none): a clock that
 * was set back makes a new backup look old. */
struct backup_kept {
    size_t kept, removed;
    struct backup_sweep swept;
};
enum tx_error backup_drive_keep(const struct backup_repo *repo, size_t n, const char *spared,
                                struct backup_kept *kept, struct tx_why *why) TX_MUST_CHECK;

#endif
