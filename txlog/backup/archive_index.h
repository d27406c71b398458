/* What the parts of an archive share: the list of a node's segments. For txlog/archive*.c alone. */
#ifndef ASSENT_TXLOG_ARCHIVE_INDEX_H
#define ASSENT_TXLOG_ARCHIVE_INDEX_H

#include "txlog/backup/archive.h"

#include <limits.h>

#define ARCHIVE_PATH (PATH_MAX - 256)

struct archive_item {
    struct tx_lsn first, last;
    uint64_t bytes;               /* of the file */
    struct archive_segment *head; /* read when it is needed; else NULL */
};

struct archive {
    char parent[ARCHIVE_PATH]; /* DIR/generation-<G> */
    char path[ARCHIVE_PATH];   /* ... /<label> */
    struct txlog_identity identity;
    uint64_t generation;
    int lock_fd;                /* -1: for reading */
    struct archive_item *items; /* ascending, none overlaps another */
    size_t n, capacity;
    uint64_t bytes;
};

/* The path of a segment's file. */
enum tx_error archive_item_path(const struct archive *archive, size_t i, char *out, size_t out_size,
                                struct tx_why *why) TX_MUST_CHECK;
/* Reads the head of a segment, unless that was done, and checks whose it is. */
enum tx_error archive_item_head(struct archive *archive, size_t i,
                                const struct archive_segment **head,
                                struct tx_why *why) TX_MUST_CHECK;
/* Adds one behind the last; it takes over what `segment` owns. TX_ENOMEM. */
enum tx_error archive_index_add(struct archive *archive, struct archive_segment *segment,
                                struct tx_why *why) TX_MUST_CHECK;
/* Takes `n` items from the i-th on out of the list; the files are left to the caller. */
void archive_index_remove(struct archive *archive, size_t i, size_t n);

/* Is the directory an archive? TX_ENOTFOUND, TX_EVERSION. */
enum tx_error archive_check_format(const char *directory, struct tx_why *why) TX_MUST_CHECK;
/* Lists the segments that are there. For archive_open() and its like. */
enum tx_error archive_index_read(struct archive *archive, struct tx_why *why) TX_MUST_CHECK;

#endif
