/* The point that a restore goes to: the cut of a backup, or a later one of which the archive tells.
 *
 * A cut is a position in each node's log, that of the first CUT record with its number or a higher
 * one (docs/protocol.md, "The consistent cut"). A node reaches it when the archive holds everything
 * from the end of its backup to there. The time of a cut is the latest one at which a node took it:
 * nothing in the restored cluster is newer. */
#ifndef ASSENT_TXLOG_RESTORE_POINT_H
#define ASSENT_TXLOG_RESTORE_POINT_H

#include "txlog/backup/archive.h"
#include "txlog/backup/backup_repo.h"

enum restore_want {
    RESTORE_BACKUP, /* the cut of the backup; no archive */
    RESTORE_NEWEST, /* the newest cut that all nodes reach */
    RESTORE_CUT,    /* that of this number */
    RESTORE_TIME,   /* the newest one that is not later */
    RESTORE_END,    /* all that is archived, whatever cut there is; for one node */
};

struct restore_point_node {
    struct backup_node backup;
    struct archive *archive; /* NULL: none is asked for */
    struct tx_lsn reach;     /* the last record that can be restored */
    uint64_t reach_ms;       /* its time; 0: not known, it is the backup's own */
    struct tx_cut *cuts;     /* that of the backup, then those behind it, up to `reach` */
    size_t cuts_n;
    char limit[384];     /* why it reaches no further; empty: there is no more */
    struct tx_lsn until; /* what was found: the position of the point */
    uint64_t bytes;      /* of the backup's files and records, and of the segments up to there */
};

struct restore_point {
    /* What is asked for. */
    enum restore_want want;
    uint64_t cut, time_ms;
    const char *archive; /* the directory; NULL with RESTORE_BACKUP */
    const char *only;    /* restore this node alone, whose point need not be the others'; or NULL */
    /* What there is. */
    struct restore_point_node *nodes;
    size_t n;
    uint64_t backup_cut, backup_ms;
    /* What was found. */
    uint64_t number;                        /* of the cut; with RESTORE_END of the last one */
    uint64_t at_ms;                         /* its time */
    uint64_t newest;                        /* the newest cut that all of them reach */
    const struct restore_point_node *bound; /* the one that reaches no newer cut */
};

/* Which backup such a restore begins with, when none is named: the newest one that ends before the
 * point. TX_ENOTFOUND. */
enum tx_error restore_point_backup(const struct restore_point *point,
                                   const struct backup_repo *repo, struct backup_manifest *manifest,
                                   struct tx_why *why) TX_MUST_CHECK;

/* Reads what the backup and the archive have of the nodes, and finds the point: of all nodes, or,
 * with RESTORE_CUT and RESTORE_END, of the one that is to be restored. TX_EINVAL when it cannot be
 * reached, with a sentence that says what can. After an error only restore_point_deinit() is left.
 */
enum tx_error restore_point_find(struct restore_point *point, const struct backup_repo *repo,
                                 const struct backup_manifest *manifest,
                                 struct tx_why *why) TX_MUST_CHECK;
void restore_point_deinit(struct restore_point *point);

/* What the archive has behind the point, of one node: records, and the time from the point to the
 * last of them. */
struct restore_behind {
    uint64_t records, ms;
};
struct restore_behind restore_point_behind(const struct restore_point *point,
                                           const struct restore_point_node *node);

#endif
