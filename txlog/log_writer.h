/* The log writer: turns everything queued since its last write into one batch with one sync. It has
 * a thread for that, which the owner may spare the work while there is little (`owner_writes`).
 *
 * The owner queues appends in LSN order, hands over together what belongs together (a daemon: all
 * of one pass of its loop), and is told through a descriptor how far the log is durable. While one
 * batch is written and synced, whatever is handed over gathers for the next: the group commit. What
 * is handed over without a forced append waits for company: it is written with the next forced one,
 * or after `lazy_ms`. */
#ifndef ASSENT_TXLOG_LOG_WRITER_H
#define ASSENT_TXLOG_LOG_WRITER_H

#include "common/times.h"
#include "txlog/txlog.h"

struct log_writer;

struct log_writer_options {
    uint32_t lazy_ms;       /* 0: 10 */
    uint32_t group_wait_us; /* how long a forced append may wait for company; 0: not at all */
    size_t batch_bytes_max; /* 0: 4 MiB; a batch ends with the hand-over that reaches it, and a
                             * hand-over with the append that does */
    bool owner_writes;      /* the owner calls log_writer_write() after each hand-over */
};

struct log_writer_stats {
    uint64_t batches, records, bytes;
    uint64_t record_bytes;  /* of `bytes`, the stored records themselves */
    struct tx_lsn durable;  /* what these records end with */
    uint64_t owner_batches; /* of `batches`, those that the owner wrote */
    uint64_t batch_records_max;
    uint64_t sync_us_total, sync_us_max;
    struct tx_times batch_sizes; /* records */
    struct tx_times sync_times;  /* microseconds */
    struct tx_lsn compacted;     /* everything up to here is gone, of what this writer was asked */
    uint64_t wakes; /* how often the thread has woken, to write or to find that it need not */
};

/* Starts the thread. The log must outlive the writer, and nobody else may append to it. */
enum tx_error log_writer_new(struct txlog *log, const struct log_writer_options *options,
                             struct log_writer **writer, struct tx_why *why) TX_MUST_CHECK;

/* Queues one append; copies everything. It stays with the owner until the next hand-over. `force`:
 * the hand-over wakes the writer. Never blocks on the disk. TX_ENOMEM only. */
enum tx_error log_writer_queue(struct log_writer *writer, const struct txlog_append *append,
                               bool force) TX_MUST_CHECK;

/* Gives the thread everything that is queued, as one piece: what is handed over together is written
 * with one sync. Nothing happens when nothing is queued. log_writer_stop() does it as well. */
void log_writer_hand_over(struct log_writer *writer);

/* For an owner that said so with `owner_writes`, after each hand-over, when it has nothing else to
 * do: writes what was handed over, and returns when it is durable, where the hand-over has found
 * that this is quicker than waking the thread: few records, one transaction after another, a quick
 * disk. Mostly it does nothing. The descriptor tells of what is durable, and log_writer_poll() of a
 * failure, as if the thread had written. */
void log_writer_write(struct log_writer *writer);

/* Queues the removal of old records (txlog_compact), done between two batches. */
void log_writer_compact(struct log_writer *writer, struct tx_lsn up_to);

/* Who may need records that the owner has asked to be removed. */
enum log_holder { LOG_HOLD_BACKUP, LOG_HOLD_ARCHIVE, LOG_HOLDERS_N };

/* Keeps the records from `from` on, whatever the owner asks for: `holder`, who reads them, needs
 * them for a while. 0: not any more, and what was asked for meanwhile is removed, unless another
 * holder needs it: the lowest counts. With a `bytes_max` the hold is given up by itself once so
 * many bytes of further records have been written; 0: it is not. Gives the first record that is
 * kept from now on, of those from `from` on: a higher one when those before it are removed, or
 * being removed by a compaction that is under way. From any thread. */
struct tx_lsn log_writer_hold(struct log_writer *writer, enum log_holder holder, struct tx_lsn from,
                              uint64_t bytes_max);

/* An eventfd that becomes readable when the durable LSN has moved or the writer has failed. */
int log_writer_fd(const struct log_writer *writer);

/* Clears the descriptor and gives the durable LSN. After a failed write: that error and its text,
 * for ever after. */
enum tx_error log_writer_poll(struct log_writer *writer, struct tx_lsn *durable,
                              struct tx_why *why) TX_MUST_CHECK;

/* Bytes that are queued and not yet durable. */
size_t log_writer_backlog(struct log_writer *writer);
struct log_writer_stats log_writer_stats(struct log_writer *writer);

/* Writes and syncs what is queued (unless a write has failed), ends the thread, frees. The error of
 * the last write, if any. */
enum tx_error log_writer_stop(struct log_writer **writer, struct tx_why *why) TX_MUST_CHECK;

#endif
