/* Restoring one node of a backup into a directory of its own: the files of its checkpoint, then the
 * records up to the cut, and those of an archive up to a later point, whose writes go into the data
 * as they did when the node wrote them.
 *
 * The directory is built under another name (DIR.incomplete) and renamed at the end, when all is on
 * disk: nothing half-built can be taken for a node's directory. It carries a mark
 * (struct log_restored), with which no daemon opens it. */
#ifndef ASSENT_TXLOG_RESTORE_NODE_H
#define ASSENT_TXLOG_RESTORE_NODE_H

#include "txlog/backup/archive.h"
#include "txlog/backup/backup_repo.h"
#include "txlog/log_meta.h"

#include <stdatomic.h>

struct restore_node {
    const struct backup_repo *repo;
    const struct backup_node *node;
    const char *into;        /* must not exist, or be empty */
    struct archive *archive; /* for a later point than the backup's; else NULL */
    struct tx_lsn until;     /* the last record: that of the cut, or behind it */
    uint64_t cut;            /* the highest cut that is reached by then */
    bool to_end;             /* `until` is no cut's place: all that is archived */
    uint64_t generation;     /* for the mark */
    unsigned threads;        /* that decompress and check */
    /* Bytes of files that are there by now; counted up, for who looks on. */
    atomic_uint_least64_t *done;
    /* What came of it. */
    struct tx_lsn last;
    uint64_t records, committed; /* from behind the checkpoint */
};

/* The records that a backup has of a node beside its checkpoint. `visit` gets what is not checked
 * yet: it counts when all is TX_OK. */
enum tx_error restore_node_records(const struct backup_repo *repo, const struct backup_node *node,
                                   enum tx_error (*visit)(void *arg, struct tx_bytes stored,
                                                          struct tx_why *why),
                                   void *arg, struct tx_why *why) TX_MUST_CHECK;

/* Everything is checked against its digest; after an error nothing is left but what was there
 * before. TX_EEXIST: the place is taken. */
enum tx_error restore_node_run(struct restore_node *restore, struct tx_why *why) TX_MUST_CHECK;

#endif
