/* A daemon's archive of its log: a thread that writes what is durable into segments (archive.h), so
 * that the log can be had from a backup to a later point in time although the node compacts it.
 *
 *   a record is durable --> it is in the open segment, which exists in the log alone -->
 *   the segment is closed (`segment` bytes, or `every` after its first record): in the archive
 *
 * What is not archived yet is held back from compaction (log_writer_hold()), for at most `lag`
 * bytes of records. While the archive cannot be written that is tried again, with growing pauses;
 * when the log has grown by more than `lag` meanwhile, or the node's disk is at its reserve, the
 * log is compacted all the same, and the archive has a gap from there on. A gap is known until a
 * backup that lies behind it is whole, or until it has been trimmed away.
 *
 * Neither the loop nor the start waits for the archive: an archive that cannot be used is a state
 * of this thread, which the loop asks for. */
#ifndef ASSENT_TXLOG_ARCHIVE_WORKER_H
#define ASSENT_TXLOG_ARCHIVE_WORKER_H

#include "txlog/backup/archive.h"
#include "txlog/log_writer.h"

struct archive_worker_limits {
    uint64_t limit;    /* bytes of segments that are kept; 0: all */
    uint64_t segment;  /* bytes of records after which one is closed */
    uint64_t every_ms; /* after its first record */
    uint64_t lag;      /* bytes of records for which compaction waits */
};

struct archive_worker_options {
    struct txlog *log;         /* must outlive the worker, and so must the next three */
    struct log_writer *writer; /* of that log */
    const char *data;          /* the node's data directory */
    const char *directory;     /* of the archive */
    struct txlog_identity identity;
    uint64_t generation; /* of the cluster */
    struct archive_worker_limits limits;
};

struct archive_worker;

/* What there is to be told; all zero where there is no archive. */
struct archive_worker_stats {
    bool on;
    struct tx_lsn last;    /* the newest record that is archived; 0: none that one knows of */
    uint64_t segments;     /* that are kept, and their bytes */
    uint64_t bytes;        /* of them */
    uint64_t written;      /* segments, by this start */
    uint64_t behind_bytes; /* of records that are durable and not archived */
    uint64_t behind_us;    /* since when the oldest of them has been durable, up to a second less */
    uint64_t errors;       /* failures, by this start */
    uint64_t failing_us;   /* since when it fails; 0: it does not */
    bool let_go;           /* the log is not held back for it */
    uint64_t gaps;         /* that no whole backup lies behind */
    struct archive_place gap; /* the newest of them */
    struct tx_why why;        /* of the last failure, while it fails */
};

/* Starts the thread, and holds the log. TX_ENOMEM, TX_EIO. What is wrong with the archive itself is
 * told by the stats alone. */
enum tx_error archive_worker_new(const struct archive_worker_options *options,
                                 struct archive_worker **worker, struct tx_why *why) TX_MUST_CHECK;

/* From now on; what fails is tried again at once. NULL: there is none. */
void archive_worker_set(struct archive_worker *worker, const struct archive_worker_limits *limits);

/* The node's disk is at its reserve, or not any more. NULL: there is none. */
void archive_worker_disk(struct archive_worker *worker, bool low);

/* This node's part of a backup is there, up to `cut`; once the backup is whole, gaps before that
 * are mended. From any thread; NULL: there is none. */
void archive_worker_backed_up(struct archive_worker *worker, const char *repository,
                              const char *backup, struct tx_lsn cut);

/* Never blocks on the disk. NULL: there is none. */
struct archive_worker_stats archive_worker_stats(struct archive_worker *worker);

/* Archives what is durable, for some seconds at most, and ends. After the last hand-over to the
 * writer, and before that is stopped. NULL is fine. */
void archive_worker_destroy(struct archive_worker **worker);

#endif
