/* What tests of points in time share: a cluster that moved money, was backed up, went on, archived
 * its logs and is lost; what is known of the cuts since; and txrecover on what is left of it. */
#ifndef ASSENT_TESTS_INTEGRATION_PITR_CASE_H
#define ASSENT_TESTS_INTEGRATION_PITR_CASE_H

#include "tests/integration/backup_case.h"

#include <jansson.h>
#include <stdint.h>

#ifdef ASSENT_SANITIZED
#define PITR_POINTS 8u
#else
#define PITR_POINTS 20u
#endif
/* No segment holds this point and the one two before it, or this one and the next. */
#define PITR_MIDDLE (PITR_POINTS / 2)
#define PITR_NODES  3u /* coordinator-1, participant-a, participant-b */

/* What is known of a cut from the outside. */
struct pitr_point {
    unsigned long before, after; /* the last transfer was one of these */
    uint64_t number;
    uint64_t time_ms; /* all daemons had taken it */
    uint64_t lsns[PITR_NODES];
};
extern struct pitr_point pitr_points[PITR_POINTS];
extern struct transfers pitr_transfers;

/* Setup for cmocka: the cluster with its past, killed. Snapshots follow one another quickly, and
 * compaction with them: the nodes' own logs do not go back to the backup. No cut lies behind the
 * last point, but transfers do, in the archive of every node. */
int pitr_setup(void **state);

struct daemon *pitr_node(size_t i);
/* The node with that label, as backups and archives name it. */
size_t pitr_index(const char *label);
/* A path in the cluster's directory; the last eight are kept. */
const char *pitr_within(const char *name);
void pitr_remove(const char *path);

/* Waits for so many transfers more. */
void pitr_let_move(unsigned long n);
/* While transfers are made, through `client`. */
void pitr_take_cut(struct pitr_point *point);

/* txrecover restore with what stands in `options`, separated by blanks; '_' stands for one. Gives
 * its status. */
int pitr_restore(const char *into, const char *options);
void pitr_must_restore(const char *into, const char *options);
/* It fails with that status and text, and leaves nothing. */
void pitr_refused(const char *options, int expected, const char *text);
/* What each node knows of the others' logs lies within these. */
void pitr_check_logs(const char *into);
/* txrecover archive ACTION on the archive, with an option or NULL; gives its status. */
int pitr_archive(const char *action, const char *option);

/* What the last program wrote, as JSON, to be freed with json_decref(). */
json_t *pitr_result(void);
uint64_t pitr_member(const json_t *of, const char *name);

#endif
