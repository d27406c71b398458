/* A node's disk: a log in memory with an unsynced tail, behind the interface of txlog/txlog.h, so
 * that the real recovery and the real store read it.
 *
 * What is appended is queued; sim_disk_synced() makes a front part of the queue durable, with the
 * data that belong to it; a crash keeps what is durable and any part of the queue from its front.
 * Compaction hides records from the node; the checks still see them. */
#ifndef ASSENT_TESTS_SIM_DISK_H
#define ASSENT_TESTS_SIM_DISK_H

#include "random.h"
#include "txlog/record.h"
#include "txlog/txlog.h"

struct sim_disk;

struct sim_disk *sim_disk_new(void);
/* The same durable content on a disk of its own: an image. */
struct sim_disk *sim_disk_copy(const struct sim_disk *disk);
/* The content up to that record, with the data that those records make; compacted up to the last
 * snapshot in it. `upto` is durable. */
struct sim_disk *sim_disk_prefix(const struct sim_disk *disk, struct tx_lsn upto);
void sim_disk_destroy(struct sim_disk **disk);

/* Its durable part, as a node sees it that has just started. Borrowed. */
struct txlog *sim_disk_log(struct sim_disk *disk);
/* Queues one record and its data. Its LSN must be the next one. */
void sim_disk_append(struct sim_disk *disk, const struct txlog_record *record,
                     const struct txlog_put *puts, size_t puts_n);
struct tx_lsn sim_disk_queued(const struct sim_disk *disk);
struct tx_lsn sim_disk_durable(const struct sim_disk *disk);
/* Records that compaction has left. */
uint64_t sim_disk_retained(const struct sim_disk *disk);
void sim_disk_synced(struct sim_disk *disk, struct tx_lsn upto);
void sim_disk_crash(struct sim_disk *disk, struct sim_random *random);

/* For the checks: every durable record of one of these types (a bit for each) since the beginning,
 * decoded, valid during the call. */
void sim_disk_each(const struct sim_disk *disk, unsigned types,
                   void (*visit)(void *arg, const struct txlog_record *record), void *arg);

#endif
