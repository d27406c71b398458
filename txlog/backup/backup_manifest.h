/* DIR/backups/<name>/MANIFEST.json: what makes a backup one. It is written last, when everything
 * that it names is on disk; a backup without it does not exist, and the next run removes what there
 * is of it.
 *
 *   format        1
 *   backup        its name: the time of its beginning, 20261121T142501.123Z, and "-2" where there
 *                 is one already
 *   cluster, cut  the cluster's name, and the number of the consistent cut that it ends at
 *   full          nothing was taken over from an earlier backup
 *   began_ms, ended_ms   Unix time
 *   bytes, stored of all nodes: of the content, and of the blobs that this backup has added
 *   nodes         node (its label), bytes, stored, file_bytes, blake2b (of its node-<NODE>.json)
 *   blake2b       of everything that stands before this member; with it the file ends:
 *                 ,"blake2b":"<64 digits>"}\n */
#ifndef ASSENT_TXLOG_BACKUP_MANIFEST_H
#define ASSENT_TXLOG_BACKUP_MANIFEST_H

#include "txlog/backup/backup_node.h"

#define BACKUP_MANIFEST_FORMAT 1u
#define BACKUP_MANIFEST_FILE   "MANIFEST.json"

struct backup_member {
    char node[BACKUP_NODE_MAX];
    uint64_t bytes, stored;
    uint64_t file_bytes;
    struct backup_digest digest;
};

struct backup_manifest {
    char name[BACKUP_NAME_MAX];
    char cluster[TX_CLUSTER_MAX + 1];
    uint64_t cut;
    bool full;
    uint64_t began_ms, ended_ms;
    uint64_t bytes, stored;
    struct backup_member *members;
    size_t members_n;
};

/* Adds one; TX_ENOMEM. */
enum tx_error backup_manifest_add(struct backup_manifest *manifest,
                                  const struct backup_member *member) TX_MUST_CHECK;
/* By its label ("participant-a"), or a participant by its name ("a"); NULL: there is none. */
const struct backup_member *backup_manifest_find(const struct backup_manifest *manifest,
                                                 const char *node);

enum tx_error backup_manifest_encode(const struct backup_manifest *manifest, struct tx_buf *out,
                                     struct tx_why *why) TX_MUST_CHECK;
/* As backup_node_decode(); a changed byte is TX_ECORRUPT. */
enum tx_error backup_manifest_decode(struct tx_bytes text, const char *path,
                                     struct backup_manifest *manifest,
                                     struct tx_why *why) TX_MUST_CHECK;
void backup_manifest_deinit(struct backup_manifest *manifest);

#endif
