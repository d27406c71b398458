/* An archive: what the logs of a cluster's daemons have been, for points in time that are later
 * than a backup.
 *
 *   DIR/FORMAT                 "assent archive 1\n": makes the directory an archive
 *   DIR/generation-<G>/        one for each generation of the cluster (docs/backup.md); in it
 *     <label>/                 one for each node, by backup_node_label(); in it
 *       <first>-<last>.seg     records, LSNs of 20 digits (archive_segment.h)
 *       LOCK                   flock(2), exclusively by who writes
 *     <label>.before-<ms>[-<n>]/   what was moved aside, since the log took another way:
 *                              archive_agree()
 *
 * Several daemons may share DIR; each writes only below its own label. Segments are written under
 * another name, synced, renamed, and the directory synced: a crash leaves a whole archive. */
#ifndef ASSENT_TXLOG_ARCHIVE_H
#define ASSENT_TXLOG_ARCHIVE_H

#include "txlog/backup/archive_segment.h"

struct archive; /* one node's part of an archive, in one generation */

/* A dense run of records, or of what is missing. All zero: none. */
struct archive_place {
    struct tx_lsn first, last;
};

/* Opens one node's part. With `write` what is missing is made, but for the parent of `directory`,
 * what a crash has left is cleared away, and nobody else may write: TX_EBUSY. Without, a node that
 * has nothing there gives an empty archive. TX_ENOTFOUND: no directory, or (reading) no archive;
 * TX_EINVAL: the directory holds other things; TX_EVERSION, TX_ECLUSTER, TX_ENODE; TX_ECORRUPT when
 * the names of segments contradict each other or (writing) the newest one is damaged; and those of
 * backup_fail(). */
enum tx_error archive_open(const char *directory, const struct txlog_identity *identity,
                           uint64_t generation, bool write, struct archive **archive,
                           struct tx_why *why) TX_MUST_CHECK;
void archive_close(struct archive **archive);

/* The directory of the node's own segments, for sentences. */
const char *archive_path(const struct archive *archive);
/* The first and the last record that is there; 0: nothing yet. */
struct tx_lsn archive_first(const struct archive *archive);
struct tx_lsn archive_last(const struct archive *archive);
/* Bytes of all segments' files; how many there are. */
uint64_t archive_bytes(const struct archive *archive);
size_t archive_segments(const struct archive *archive);
/* What is missing between two segments: how many times, and the newest. None once trimming has
 * removed all that lies before it. */
size_t archive_gaps(const struct archive *archive);
struct archive_place archive_gap(const struct archive *archive);

/* ---- writing ---- */

/* Writes records of the log as one segment: from `first` to `last`, or up to an earlier one when
 * `limit` bytes of records are together; archive_last() says how far it came. `first` lies behind
 * archive_last(); more than one behind it makes a gap, for good. Errors leave the archive as it
 * was: those of the log, of backup_fail(), TX_EGAP when the log does not hold them all, TX_EINVAL.
 * The log is read from this thread, and may be appended to meanwhile. */
enum tx_error archive_put(struct archive *archive, struct txlog *log, struct tx_lsn first,
                          struct tx_lsn last, uint64_t limit, struct tx_why *why) TX_MUST_CHECK;

/* Does the log go on from what is archived? If not (an older state of the node went on another
 * way), what lies behind the last common record is moved aside, never deleted; `*moved` is then
 * what that was, else all zero. To be called once after opening for writing. */
enum tx_error archive_agree(struct archive *archive, struct txlog *log, struct archive_place *moved,
                            struct tx_why *why) TX_MUST_CHECK;

/* The same question, without moving anything: TX_ESTATE when the log does not go on from the newest
 * record. For those who add another's log. */
enum tx_error archive_agrees(struct archive *archive, struct txlog *log,
                             struct tx_why *why) TX_MUST_CHECK;

/* Removes the oldest segments until at most `limit` bytes are left, never the newest one;
 * `*removed` counts their bytes. */
enum tx_error archive_trim(struct archive *archive, uint64_t limit, uint64_t *removed,
                           struct tx_why *why) TX_MUST_CHECK;

/* ---- reading ---- */

/* How far the archive goes on without a gap from the record `from`, which it must hold; 0: it does
 * not hold it. */
struct tx_lsn archive_reach(const struct archive *archive, struct tx_lsn from);

/* Visits the records from `first` to `last` in order, each checked; all that a visit was given
 * counts when all is TX_OK. TX_EGAP names what is missing, and TX_ECORRUPT the damaged file. */
enum tx_error archive_each(struct archive *archive, struct tx_lsn first, struct tx_lsn last,
                           archive_visit *visit, void *arg, struct tx_why *why) TX_MUST_CHECK;

/* The heads of the segments that hold any of the records from `first` to `last`, in order; the cuts
 * within a segment, and its times, stand there. */
enum tx_error archive_heads(struct archive *archive, struct tx_lsn first, struct tx_lsn last,
                            enum tx_error (*visit)(void *arg, const struct archive_segment *segment,
                                                   struct tx_why *why),
                            void *arg, struct tx_why *why) TX_MUST_CHECK;

/* Reads and checks everything of a node; an error only when that cannot go on. */
struct archive_check {
    void (*damage)(void *arg, const char *text); /* each, by its sentence */
    void (*progress)(void *arg, uint64_t bytes); /* after so many more bytes of records */
    void *arg;
    uint64_t segments, records, bytes, damages; /* what was found */
};
enum tx_error archive_verify(struct archive *archive, struct archive_check *check,
                             struct tx_why *why) TX_MUST_CHECK;

/* The nodes that an archive has something of, by generation and label. */
struct archive_node {
    uint64_t generation;
    char label[BACKUP_NODE_MAX];
};
enum tx_error archive_nodes(const char *directory, struct archive_node **nodes, size_t *n,
                            struct tx_why *why) TX_MUST_CHECK; /* to be freed */
/* As archive_open() for reading, by such an entry. */
enum tx_error archive_open_node(const char *directory, const struct archive_node *node,
                                struct archive **archive, struct tx_why *why) TX_MUST_CHECK;

#endif
