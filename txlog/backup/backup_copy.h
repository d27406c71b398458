/* Copying a node into a repository: the files of a checkpoint, and a piece of the log. */
#ifndef ASSENT_TXLOG_BACKUP_COPY_H
#define ASSENT_TXLOG_BACKUP_COPY_H

#include "txlog/backup/backup_node.h"

struct backup_copier {
    const char *repository;
    const char *label; /* of the node */
    bool full;         /* read and write everything, whatever is there */
    /* So many bytes more are to be copied; so many more have been. The latter may stop it. */
    void (*found)(void *arg, uint64_t bytes);
    enum tx_error (*went_on)(void *arg, uint64_t bytes, struct tx_why *why);
    void *arg;
};

/* Adds the files of a checkpoint to what is said of the node. */
enum tx_error backup_copy_files(const struct backup_copier *copier, const char *checkpoint,
                                struct backup_node *node, struct tx_why *why) TX_MUST_CHECK;

/* Adds the records from behind node->checkpoint to node->cut_lsn, as one segment. TX_EINVAL when
 * the log does not reach there, or the cut lies before the checkpoint. */
enum tx_error backup_copy_records(const struct backup_copier *copier, struct txlog *log,
                                  struct backup_node *node, struct tx_why *why) TX_MUST_CHECK;

#endif
