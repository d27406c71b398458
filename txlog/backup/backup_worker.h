/* A daemon's part in a backup: a thread that writes a checkpoint of its log and data into a
 * repository, and later the log from there to a consistent cut (docs/backup.md).
 *
 *   none --BEGIN--> copying ----> copied --FINISH--> finishing ----> done
 *                      |             |                   |
 *                      +-------------+-------------------+--> failed
 *                        (an error, ABANDON, nobody asked for too long, the log grew too much)
 *
 * The daemon's loop asks and never waits: it gets the state as it is. While a backup goes on the
 * log is kept from behind the checkpoint on (log_writer_hold()), and the checkpoint's hard links
 * lie in the data directory, in "backup.staging". */
#ifndef ASSENT_TXLOG_BACKUP_WORKER_H
#define ASSENT_TXLOG_BACKUP_WORKER_H

#include "common/msg.h"
#include "txlog/log_writer.h"

/* The most that the log may grow while it is held for a backup. */
#define BACKUP_HOLD_BYTES_MAX (UINT64_C(4) << 30)

struct backup_worker_options {
    struct txlog *log;         /* must outlive the worker, and so must the next two */
    struct log_writer *writer; /* of that log */
    const char *directory;     /* the daemon's data directory */
    struct txlog_identity identity;
    uint64_t generation; /* of the cluster */
    uint64_t rate;       /* bytes a second that are read; 0: as fast as it goes */
    /* Told when this node has done its part, from the worker's thread. NULL: nobody is. */
    void (*backed_up)(void *arg, const char *repository, const char *backup, struct tx_lsn cut);
    void *arg;
};

struct backup_worker;

/* Removes what a backup has left in the data directory whose daemon was killed; starts nothing. */
enum tx_error backup_worker_new(const struct backup_worker_options *options,
                                struct backup_worker **worker, struct tx_why *why) TX_MUST_CHECK;

/* Serves one request. The answer's views live until the next call. An error when the request itself
 * is refused, with a text: TX_EINVAL, TX_EBUSY (another backup is under way), TX_ESTATE, TX_EIO.
 * Never blocks. */
enum tx_error backup_worker_ask(struct backup_worker *worker,
                                const struct tx_msg_backup_request *request,
                                struct tx_msg_backup *answer, struct tx_why *why) TX_MUST_CHECK;

/* The rate of what is under way and of later backups. */
void backup_worker_set_rate(struct backup_worker *worker, uint64_t rate);

/* Is there a backup under way? */
bool backup_worker_busy(struct backup_worker *worker);

/* Gives up what is under way, and waits for that. Before the log is closed. NULL is fine. */
void backup_worker_destroy(struct backup_worker **worker);

#endif
