/* What a backup has of one node: DIR/backups/<name>/node-<NODE>.json, written by the node itself,
 * when everything that it names is on disk.
 *
 *   format      1
 *   node        "coordinator-1", "participant-a"
 *   backup      the name of the backup
 *   cluster, role, name, coordinator      whose log it is (struct txlog_identity)
 *   generation  of the cluster (docs/backup.md), 0 if it was never restored
 *   record_version                        as in record.h
 *   checkpoint  the highest LSN that the files hold for certain
 *   cut, cut_lsn                          the number of the cut, and its position in this log
 *   bytes, stored                         of the content; of the blobs that this backup has added
 *   files       of the checkpoint: name, bytes, blob, inode, mtime_ns. The last two belong to the
 *               node's own directory: a later backup takes over the blob of a table that has not
 *               changed since without reading it
 *   records     segments of the log, ascending: first, last, bytes, blob. A segment holds its
 *               records as u32 length and the stored record (record.h), one after the other. There
 *               is one here, from behind the checkpoint to the cut; an archive of the log continues
 *               in the same form, from this cut to the next
 *
 * Its digest stands in the MANIFEST.json. */
#ifndef ASSENT_TXLOG_BACKUP_NODE_H
#define ASSENT_TXLOG_BACKUP_NODE_H

#include "txlog/backup/backup_digest.h"
#include "txlog/txlog.h"

#define BACKUP_NODE_FORMAT 1u
#define BACKUP_NODE_MAX    (TX_NAME_MAX + 16u) /* bytes of a node's label, the NUL included */
#define BACKUP_NAME_MAX    48u                 /* of a backup's name, the NUL included */
#define BACKUP_FILE_MAX    64u                 /* of the name of a file in a checkpoint */

struct backup_file {
    char name[BACKUP_FILE_MAX];
    uint64_t bytes;
    uint64_t inode, mtime_ns;
    struct backup_digest blob;
};

struct backup_segment {
    struct tx_lsn first, last;
    uint64_t bytes;
    struct backup_digest blob;
};

struct backup_node {
    char node[BACKUP_NODE_MAX];
    char backup[BACKUP_NAME_MAX];
    struct txlog_identity identity;
    uint64_t generation;
    struct tx_lsn checkpoint;
    uint64_t cut;
    struct tx_lsn cut_lsn;
    uint64_t bytes, stored;
    struct backup_file *files;
    size_t files_n;
    struct backup_segment *segments;
    size_t segments_n;
};

/* "coordinator-1", "participant-a"; returns `out`. */
const char *backup_node_label(const struct txlog_identity *identity, char out[BACKUP_NODE_MAX]);

/* Adds one; TX_ENOMEM. */
enum tx_error backup_node_add_file(struct backup_node *node,
                                   const struct backup_file *file) TX_MUST_CHECK;
enum tx_error backup_node_add_segment(struct backup_node *node,
                                      const struct backup_segment *segment) TX_MUST_CHECK;
/* NULL: there is none of that name. */
const struct backup_file *backup_node_file(const struct backup_node *node, const char *name);

enum tx_error backup_node_encode(const struct backup_node *node, struct tx_buf *out,
                                 struct tx_why *why) TX_MUST_CHECK;
/* `path`: for the sentence. TX_ECORRUPT, TX_EVERSION, TX_ENOMEM. After an error there is nothing to
 * be freed. */
enum tx_error backup_node_decode(struct tx_bytes text, const char *path, struct backup_node *node,
                                 struct tx_why *why) TX_MUST_CHECK;
void backup_node_deinit(struct backup_node *node);

/* Whose log it is, as members of a document: cluster, role, name, coordinator. Reading also checks
 * its "record_version". */
struct json;
struct backup_reader;
void backup_identity_write(struct json *json, const struct txlog_identity *identity);
void backup_identity_read(struct backup_reader *reader, struct txlog_identity *identity);

/* Is it a file that stands in a checkpoint, and no way out of the directory? */
bool backup_file_name_valid(const char *name);

#endif
