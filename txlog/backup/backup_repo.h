/* A repository of backups: a directory that holds any number of backups of one cluster, which share
 * what they have in common.
 *
 *   DIR/FORMAT                            "assent backups 1\n": makes the directory a repository
 *   DIR/LOCK                              locked with flock(2): exclusively by whoever changes
 *                                         something, shared by readers; never removed
 *   DIR/blobs/<digest>.zst                content (backup_blob.h)
 *   DIR/backups/<name>/node-<NODE>.json   of each node (backup_node.h)
 *   DIR/backups/<name>/MANIFEST.json      written last (backup_manifest.h)
 *
 * What is removed goes in this order, so that a crash at any place leaves whole backups and, at
 * most, blobs that nobody needs: the MANIFEST.json, the directory of the backup, the blobs. */
#ifndef ASSENT_TXLOG_BACKUP_REPO_H
#define ASSENT_TXLOG_BACKUP_REPO_H

#include "txlog/backup/backup_manifest.h"

#include <limits.h>

enum backup_repo_mode {
    BACKUP_REPO_READ,   /* it must be there; shared with other readers */
    BACKUP_REPO_CHANGE, /* it must be there; nobody else */
    BACKUP_REPO_CREATE, /* as CHANGE, and a new or empty directory becomes one */
};

struct backup_repo {
    char path[PATH_MAX - 256]; /* absolute */
    int lock_fd;
};

/* TX_EBUSY when somebody else has it, TX_ENOTFOUND, TX_EINVAL when it is another directory,
 * TX_EVERSION, and those of backup_fail(). */
enum tx_error backup_repo_open(struct backup_repo *repo, const char *path,
                               enum backup_repo_mode mode, struct tx_why *why) TX_MUST_CHECK;
void backup_repo_close(struct backup_repo *repo);

/* The names of the backups that have a manifest, oldest first. Each name is the caller's to free
 * with the array: backup_names_deinit(). */
struct backup_names {
    char (*items)[BACKUP_NAME_MAX];
    size_t n;
};
enum tx_error backup_repo_list(const struct backup_repo *repo, struct backup_names *names,
                               struct tx_why *why) TX_MUST_CHECK;
void backup_names_deinit(struct backup_names *names);

/* Reads a manifest; `name` NULL or "latest": of the newest one. TX_ENOTFOUND. */
enum tx_error backup_repo_manifest(const struct backup_repo *repo, const char *name,
                                   struct backup_manifest *manifest,
                                   struct tx_why *why) TX_MUST_CHECK;
/* Reads what it has of a node, and checks it against the manifest. */
enum tx_error backup_repo_node(const struct backup_repo *repo,
                               const struct backup_manifest *manifest,
                               const struct backup_member *member, struct backup_node *node,
                               struct tx_why *why) TX_MUST_CHECK;

/* Removes what runs that did not end have left. */
enum tx_error backup_repo_clean(const struct backup_repo *repo, struct tx_why *why) TX_MUST_CHECK;
/* Begins a backup: gives its name, by the time (Unix ms), and makes its directory. */
enum tx_error backup_repo_begin(const struct backup_repo *repo, uint64_t now_ms,
                                char name[BACKUP_NAME_MAX], struct tx_why *why) TX_MUST_CHECK;
/* Adds to the manifest what a node has written. */
enum tx_error backup_repo_take(const struct backup_repo *repo, struct backup_manifest *manifest,
                               const char *label, struct tx_why *why) TX_MUST_CHECK;
/* Writes the manifest: from here on the backup exists. */
enum tx_error backup_repo_end(const struct backup_repo *repo,
                              const struct backup_manifest *manifest,
                              struct tx_why *why) TX_MUST_CHECK;
/* Removes a backup, or what there is of one; its blobs are left to backup_repo_sweep(). */
enum tx_error backup_repo_remove(const struct backup_repo *repo, const char *name,
                                 struct tx_why *why) TX_MUST_CHECK;
/* Removes the blobs that no backup needs; not a single one when what a backup needs cannot be read.
 */
struct backup_sweep {
    uint64_t blobs, bytes;
};
enum tx_error backup_repo_sweep(const struct backup_repo *repo, struct backup_sweep *swept,
                                struct tx_why *why) TX_MUST_CHECK;

/* For a node: writes its part into the directory of a backup, in a repository that somebody else
 * has open. */
enum tx_error backup_repo_put_node(const char *repository, const struct backup_node *node,
                                   struct tx_why *why) TX_MUST_CHECK;
/* For a node: what the newest backup has of it, to take over what has not changed. TX_ENOTFOUND
 * when there is none that can be used. */
enum tx_error backup_repo_last_node(const char *repository, const char *label,
                                    struct backup_node *node, struct tx_why *why) TX_MUST_CHECK;

#endif
