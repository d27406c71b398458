/* What a log says of itself, in the column family "meta":
 *
 *   "format"     u32 1
 *   "identity"   blob cluster, u8 role, blob name, u32 coordinator (of struct txlog_identity)
 *   "compacted"  u64 the highest LSN that was removed on purpose; absent: none
 *   "snapshot"   u64 where the newest complete snapshot begins; absent: nobody knows. Written with
 *                the end of the snapshot, and only told: the records have the last word
 *
 *   "generation" u64 which restore of a backup this cluster goes back to (docs/backup.md); absent:
 * 0 "restored"   u32 2, blob name of the backup, u64 cut, u64 time_ms, u64 generation, u64 last,
 *                bool to_end: it comes from a backup and may not be opened by a daemon until
 *                somebody has said so; absent: it may. u32 1: without the last two
 *
 * "compacted" is what tells a compacted log from one that lost its beginning. */
#ifndef ASSENT_TXLOG_LOG_META_H
#define ASSENT_TXLOG_LOG_META_H

#include "txlog/rdb.h"
#include "txlog/txlog.h"

#define LOG_META_FORMAT 1u

/* Where a directory comes from that was restored, and has not joined yet. */
struct log_restored {
    char backup[TX_BACKUP_NAME_MAX + 1];
    uint64_t cut;        /* the highest that it holds */
    uint64_t time_ms;    /* when it was restored */
    uint64_t generation; /* that it will be of */
    struct tx_lsn last;  /* the last record that was restored; 0: an older program has not said */
    bool to_end;         /* all that was archived, whatever cuts there are */
};

struct log_meta {
    struct txlog_identity identity;
    struct tx_lsn compacted;
    struct tx_lsn snapshot; /* 0: nobody knows */
    uint64_t generation;
    bool is_restored;
    struct log_restored restored;
};

/* Stamps a new log, synced. */
enum tx_error log_meta_create(struct rdb *rdb, const struct txlog_identity *identity,
                              struct tx_why *why) TX_MUST_CHECK;

/* TX_EVERSION for a newer format, TX_ECORRUPT when something is missing or malformed. */
enum tx_error log_meta_read(struct rdb *rdb, const char *directory, struct log_meta *meta,
                            struct tx_why *why) TX_MUST_CHECK;

/* TX_ECLUSTER or TX_ENODE when the log is somebody else's. */
enum tx_error log_meta_check(const struct log_meta *meta, const struct txlog_identity *expected,
                             const char *directory, struct tx_why *why) TX_MUST_CHECK;

/* Adds the new compaction point to the pending batch. */
void log_meta_put_compacted(struct rdb *rdb, struct tx_lsn compacted);

/* Adds the place of a snapshot that ends with this batch. */
void log_meta_put_snapshot(struct rdb *rdb, struct tx_lsn begin);

/* Marks a log as restored, synced. TX_ENOMEM and those of rdb_commit(). */
enum tx_error log_meta_set_restored(struct rdb *rdb, const struct log_restored *restored,
                                    struct tx_why *why) TX_MUST_CHECK;
/* Takes the mark away, synced: from here on it is of that generation. */
enum tx_error log_meta_join(struct rdb *rdb, uint64_t generation, struct tx_why *why) TX_MUST_CHECK;

/* What HEAD holds of the identity. TX_ENOMEM only. */
enum tx_error log_meta_identity_hash(const struct txlog_identity *identity,
                                     uint64_t *hash) TX_MUST_CHECK;

#endif
