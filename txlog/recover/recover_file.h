/* The files of plan, apply and undo: JSON, one object, written here and read back with jansson.
 *
 * A plan:  {"assent_plan": 1, "cluster", "made_at", "nodes": [{"node", "role", ..., "directory",
 *   "first_lsn", "last_lsn", "start", "life", "digest"}], "actions": [{"tx", "node", "directory",
 *   "decision", "record": {...}, "prepared_lsn", "verdict", "reason", "rule", "evidence": [...]}],
 *   "undecided": [the same without a record]}
 * An undo: {"assent_undo": 1, "cluster", "applied_at", "operator", "nodes": [{as above, as it was
 *   before; "checkpoint", "last_lsn_after"}]} */
#ifndef ASSENT_TXLOG_RECOVER_FILE_H
#define ASSENT_TXLOG_RECOVER_FILE_H

#include "txlog/recover/recover_plan.h"

#define RECOVER_FILE_VERSION 1

/* A node as a file names it. */
struct recover_file_node {
    char *directory, *checkpoint; /* checkpoint: of an undo */
    char name[TX_NAME_MAX + 16];
    struct tx_lsn first, last;
    uint64_t digest;
    struct tx_lsn last_after; /* of an undo */
};

struct recover_file_action {
    struct tx_id tx;
    char name[TX_NAME_MAX + 16]; /* the participant */
    bool commit;
};

struct recover_file {
    char cluster[TX_CLUSTER_MAX + 1];
    struct recover_file_node *nodes;
    size_t nodes_n;
    struct recover_file_action *actions; /* of a plan */
    size_t actions_n;
};

/* The plan as a file's text. */
void recover_file_write_plan(FILE *out, const struct recover_plan *plan, uint64_t now_ms);

/* Where a node's directory was copied before it was changed. */
struct recover_undo_node {
    const struct recover_node *node;
    const char *directory, *checkpoint; /* absolute */
    struct tx_lsn last_after;
};
void recover_file_write_undo(FILE *out, const struct recover_undo_node *nodes, size_t n,
                             const char *cluster, const struct tx_name *operator_name,
                             uint64_t now_ms);

/* `kind` is "assent_plan" or "assent_undo". 0, or the exit status after a complaint that names the
 * file and what is wrong in it. recover_file_deinit() has to follow. */
int recover_file_read(const char *path, const char *kind, struct recover_file *file) TX_MUST_CHECK;
void recover_file_deinit(struct recover_file *file);

/* Makes the file with this content and syncs it and its directory; it must not be there yet. 0, or
 * the exit status after a complaint. */
int recover_file_make(const char *path, const char *text, size_t len) TX_MUST_CHECK;
/* Syncs the directory above. 0, or -1 with errno. */
int recover_file_sync_parent(const char *path) TX_MUST_CHECK;

#endif
