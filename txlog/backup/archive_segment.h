/* A segment of an archive: a file with a dense run of one node's records.
 *
 *   a line of JSON      the head, see below; it ends with the BLAKE2b-256 of what stands before
 *                       (backup_seal())
 *   one zstd frame      the records, each as u32 length and the stored record (record.h)
 *   skippable frame     u32 0x184D2A5A, u32 32, the BLAKE2b-256 of all bytes before it
 *
 * so that "tail -n +2 FILE | zstd -d" gives the records, and no byte can change unseen.
 *
 *   format              1
 *   cluster, role, name, coordinator, generation, record_version       as in backup_node.h
 *   first, last         LSNs
 *   first_ms, last_ms   the times that these two records carry; written_ms: of the segment
 *   bytes               of the records, before compression
 *   before              what the segment before it ends with, so that they form a chain; 64 zeros:
 *                       there is none, or there is a gap
 *   cuts                the CUT records within it: number, lsn, time_ms */
#ifndef ASSENT_TXLOG_ARCHIVE_SEGMENT_H
#define ASSENT_TXLOG_ARCHIVE_SEGMENT_H

#include "common/cut.h"
#include "txlog/backup/backup_node.h"

#define ARCHIVE_SEGMENT_FORMAT 1u
#define ARCHIVE_SEGMENT_NAME   48u /* bytes of a file's name, the NUL included */
/* Of one segment; a writer ends it before there are more. */
#define ARCHIVE_CUTS_MAX 16384u

struct archive_segment {
    struct txlog_identity identity;
    uint64_t generation;
    struct tx_lsn first, last;
    uint64_t first_ms, last_ms, written_ms;
    uint64_t bytes;
    uint64_t stored;                     /* of the file */
    uint64_t head;                       /* bytes of the first line */
    struct backup_digest before, digest; /* the latter: what it ends with */
    struct tx_cut *cuts;
    size_t cuts_n;
};
void archive_segment_deinit(struct archive_segment *segment);

/* "<first>-<last>.seg"; returns `out`. */
const char *archive_segment_name(struct tx_lsn first, struct tx_lsn last,
                                 char out[ARCHIVE_SEGMENT_NAME]);
/* False: that is no segment's name. */
bool archive_segment_parse(const char *name, struct tx_lsn *first,
                           struct tx_lsn *last) TX_MUST_CHECK;

/* ---- writing ---- */

struct archive_segment_writer;
/* Gathers compressed records in memory. `head`: identity, generation and `before` of the new
 * segment. TX_ENOMEM. */
enum tx_error archive_segment_begin(const struct archive_segment *head,
                                    struct archive_segment_writer **writer,
                                    struct tx_why *why) TX_MUST_CHECK;
/* The next one. TX_EGAP when it is not; TX_ECORRUPT, TX_EVERSION when it is no whole record. */
enum tx_error archive_segment_add(struct archive_segment_writer *writer, struct tx_lsn lsn,
                                  struct tx_bytes stored, struct tx_why *why) TX_MUST_CHECK;
/* Bytes of records so far; UINT64_MAX when no more cuts would fit. */
uint64_t archive_segment_size(const struct archive_segment_writer *writer);
/* Writes the file, synced with its directory, and gives what it is; it has one record at least.
 * Frees the writer, whatever happens. */
enum tx_error archive_segment_end(struct archive_segment_writer **writer, const char *directory,
                                  uint64_t now_ms, struct archive_segment *segment,
                                  struct tx_why *why) TX_MUST_CHECK;
/* Instead of the end; NULL is fine. */
void archive_segment_drop(struct archive_segment_writer **writer);

/* ---- reading ---- */

/* Reads the head, and what the file ends with. TX_ECORRUPT when either is not as it was written. */
enum tx_error archive_segment_open(const char *path, struct archive_segment *segment,
                                   struct tx_why *why) TX_MUST_CHECK;

typedef enum tx_error archive_visit(void *arg, struct tx_lsn lsn, struct tx_bytes stored,
                                    struct tx_why *why);
/* Reads and checks all of it, and visits each record. What the visitor was given counts when all is
 * TX_OK. */
enum tx_error archive_segment_each(const char *path, const struct archive_segment *segment,
                                   archive_visit *visit, void *arg,
                                   struct tx_why *why) TX_MUST_CHECK;

#endif
