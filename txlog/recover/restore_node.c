/* Restoring one node of a backup. */
#include "txlog/recover/restore_node.h"

#include "common/assert.h"
#include "common/clock.h"
#include "txlog/backup/backup_blob.h"
#include "txlog/backup/backup_files.h"
#include "txlog/backup/backup_records.h"
#include "txlog/recover/recover_changes.h"
#include "txlog/recover/recover_source.h"
#include "txlog/recover/restore_files.h"
#include "txlog/rocksdb_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the log up to the cut ---- */

struct applying {
    struct restore_node *restore;
    struct recover_source source; /* of the directory that is being built */
    struct story *story;
    struct recover_changes changes;
    struct tx_arena arena;
    uint64_t cut;          /* of the last CUT record */
    struct tx_lsn cut_lsn; /* and its place */
    struct tx_lsn last;    /* where this part ends */
    struct tx_why *why;
};

/* A snapshot restates older cuts, and the records may end in the middle of one. */
static void note_cut(struct applying *applying, const struct txlog_record *record)
{
    if (record->type != TXLOG_CUT || record->cut.lsn.n != record->lsn.n)
        return;
    applying->cut = record->cut.number;
    applying->cut_lsn = record->cut.lsn;
}

static enum tx_error tell_story(void *arg, const struct txlog_record *record,
                                struct tx_bytes stored)
{
    struct applying *applying = arg;
    struct story_step step;
    (void)stored;
    note_cut(applying, record);
    return story_add(applying->story, record, &step, applying->why);
}

/* The writes that the record brings into the data: its own, or those of its PREPARED. */
static enum tx_error collect(struct applying *applying, const struct txlog_record *record,
                             const struct story_step *step)
{
    const struct backup_node *node = applying->restore->node;
    struct recover_changes *changes = &applying->changes;
    recover_changes_clear(changes);
    if (step->apply_lost)
        return tx_why(applying->why, TX_ECORRUPT,
                      "backup %s of %s: LSN %" PRIu64 " commits writes that it does not hold",
                      node->backup, node->node, record->lsn.n);
    if (step->apply.n == 0)
        return TX_OK;
    applying->restore->committed++;
    if (step->apply.n != record->lsn.n)
        return recover_changes_of(changes, applying->source.log, step->apply, applying->why);
    TX_ASSERT(record->type == TXLOG_COMMITTED);
    enum tx_error error = recover_changes_add(changes, record->committed.redo);
    return error == TX_OK ? TX_OK
                          : tx_why(applying->why, error,
                                   "LSN %" PRIu64 ": its writes cannot be read", record->lsn.n);
}

/* The checkpoint may already hold some of them. */
static enum tx_error apply(struct applying *applying, const struct txlog_record *record,
                           struct tx_bytes stored)
{
    struct txlog *log = applying->source.log;
    const struct backup_node *node = applying->restore->node;
    uint64_t next = txlog_last(log).n + 1;
    struct story_step step;
    if (record->lsn.n < next)
        return TX_OK;
    if (record->lsn.n != next || record->lsn.n > applying->last.n)
        return tx_why(applying->why, TX_EGAP,
                      "backup %s of %s: LSN %" PRIu64 " follows LSN %" PRIu64, node->backup,
                      node->node, record->lsn.n, next - 1);
    enum tx_error error = story_add(applying->story, record, &step, applying->why);
    if (error == TX_OK)
        error = collect(applying, record, &step);
    if (error != TX_OK)
        return error;
    struct txlog_append append = {.lsn = record->lsn,
                                  .record = stored,
                                  .puts = applying->changes.puts,
                                  .puts_n = applying->changes.puts_n};
    error = txlog_append(log, &append, 1, record->lsn.n == applying->last.n, applying->why);
    note_cut(applying, record);
    applying->restore->records++;
    return error;
}

/* ---- the records of the backup ---- */

static enum tx_error take_piece(void *arg, struct tx_bytes bytes, struct tx_why *why)
{
    struct backup_records *records = arg;
    return backup_records_take(records, bytes, why);
}

enum tx_error restore_node_records(const struct backup_repo *repo, const struct backup_node *node,
                                   enum tx_error (*visit)(void *arg, struct tx_bytes stored,
                                                          struct tx_why *why),
                                   void *arg, struct tx_why *why)
{
    struct backup_records records = {.visit = visit, .arg = arg};
    enum tx_error error = TX_OK;
    for (size_t i = 0; error == TX_OK && i < node->segments_n; i++) {
        error = backup_blob_read(repo->path, &node->segments[i].blob, take_piece, &records, why);
        if (error == TX_OK && records.pending.len > 0)
            error = tx_why(why, TX_ECORRUPT, "backup %s of %s: its log ends within a record",
                           node->backup, node->node);
    }
    tx_buf_deinit(&records.pending);
    return error;
}

static enum tx_error take_record(void *arg, struct tx_bytes stored, struct tx_why *why)
{
    struct applying *applying = arg;
    struct txlog_record record;
    applying->why = why;
    tx_arena_reset(&applying->arena);
    enum tx_error error = txlog_record_decode(stored, &applying->arena, &record, why);
    if (error == TX_OK)
        error = apply(applying, &record, stored);
    atomic_fetch_add(applying->restore->done, stored.len);
    return error;
}

static enum tx_error apply_backup(struct applying *applying, struct tx_why *why)
{
    const struct restore_node *restore = applying->restore;
    const struct backup_node *node = restore->node;
    applying->last = node->cut_lsn;
    enum tx_error error = restore_node_records(restore->repo, node, take_record, applying, why);
    if (error != TX_OK)
        return error;
    uint64_t last = txlog_last(applying->source.log).n;
    if (last != node->cut_lsn.n || applying->cut < node->cut)
        return tx_why(why, TX_ECORRUPT,
                      "backup %s of %s: its log ends at LSN %" PRIu64 " with cut %" PRIu64
                      ", and not at LSN %" PRIu64 " with cut %" PRIu64,
                      node->backup, node->node, last, applying->cut, node->cut_lsn.n, node->cut);
    return TX_OK;
}

/* ---- the records of the archive ---- */

/* The record that both have, the last one of the backup, is the same when they are of one history.
 */
static enum tx_error check_history(struct applying *applying, struct tx_lsn lsn,
                                   struct tx_bytes stored, struct tx_why *why)
{
    const struct restore_node *restore = applying->restore;
    struct tx_buf own = {0};
    enum tx_error error = txlog_get(applying->source.log, lsn, &own, why);
    if (error == TX_OK && !tx_bytes_equal(tx_buf_view(&own), stored))
        error = tx_why(why, TX_ECORRUPT,
                       "%.200s: does not go on from backup %s: LSN %" PRIu64
                       " is another record there; the node has gone another way since, and what it "
                       "was before stands beside it, as \"before\"",
                       archive_path(restore->archive), restore->node->backup, lsn.n);
    tx_buf_deinit(&own);
    return error;
}

static enum tx_error take_archived(void *arg, struct tx_lsn lsn, struct tx_bytes stored,
                                   struct tx_why *why)
{
    struct applying *applying = arg;
    if (lsn.n == applying->restore->node->cut_lsn.n)
        return check_history(applying, lsn, stored, why);
    return take_record(applying, stored, why);
}

static enum tx_error apply_archive(struct applying *applying, struct tx_why *why)
{
    const struct restore_node *restore = applying->restore;
    struct tx_lsn from = restore->node->cut_lsn;
    if (restore->until.n == from.n)
        return TX_OK;
    applying->last = restore->until;
    if (archive_reach(restore->archive, from).n == 0)
        from.n++;
    enum tx_error error =
        archive_each(restore->archive, from, restore->until, take_archived, applying, why);
    if (error != TX_OK)
        return error;
    uint64_t last = txlog_last(applying->source.log).n;
    bool at_cut = restore->to_end || applying->cut_lsn.n == last;
    if (last != restore->until.n || applying->cut < restore->cut || !at_cut)
        return tx_why(why, TX_ECORRUPT,
                      "%.200s: its records end at LSN %" PRIu64 " with cut %" PRIu64
                      ", and not at LSN %" PRIu64 " with cut %" PRIu64,
                      archive_path(restore->archive), last, applying->cut, restore->until.n,
                      restore->cut);
    return TX_OK;
}

static enum tx_error mark(struct applying *applying, struct tx_why *why)
{
    const struct restore_node *restore = applying->restore;
    struct log_restored restored = {.cut = restore->cut,
                                    .time_ms = clock_wall_ms(),
                                    .generation = restore->generation,
                                    .last = restore->until,
                                    .to_end = restore->to_end};
    (void)snprintf(restored.backup, sizeof(restored.backup), "%s", restore->node->backup);
    return rocksdb_log_set_restored(applying->source.log, &restored, why);
}

/* The whole log is told to the story: who prepared before the checkpoint may commit behind it. */
static enum tx_error go_to_cut(struct applying *applying, struct tx_why *why)
{
    struct tx_lsn all = {0};
    applying->why = why;
    enum tx_error error = recover_source_story(&applying->source, &applying->story, why);
    if (error == TX_OK)
        error = recover_source_each(&applying->source, all, all, tell_story, applying, why);
    if (error == TX_OK && applying->source.damages > 0)
        error = tx_why(why, TX_ECORRUPT, "%.300s: the checkpoint holds records that cannot be read",
                       applying->source.directory);
    if (error == TX_OK)
        error = apply_backup(applying, why);
    if (error == TX_OK)
        error = apply_archive(applying, why);
    return error == TX_OK ? mark(applying, why) : error;
}

static enum tx_error finish_log(struct restore_node *restore, const char *directory,
                                struct tx_why *why)
{
    struct rocksdb_log_options options = {.directory = directory,
                                          .mode = ROCKSDB_LOG_OPEN,
                                          .identity = restore->node->identity,
                                          .accepts_restored = true};
    struct applying applying = {.restore = restore};
    applying.source = (struct recover_source){
        .directory = directory, .identity = restore->node->identity, .reports = stderr};
    enum tx_error error = rocksdb_log_open(&options, &applying.source.log, why);
    if (error == TX_OK)
        error = go_to_cut(&applying, why);
    if (applying.source.log != NULL) {
        restore->last = txlog_last(applying.source.log);
        txlog_close(&applying.source.log);
    }
    story_destroy(&applying.story);
    recover_changes_deinit(&applying.changes);
    tx_arena_deinit(&applying.arena);
    return error;
}

/* ---- the directory ---- */

static enum tx_error count_entry(void *arg, const char *name)
{
    (void)name;
    (*(size_t *)arg)++;
    return TX_OK;
}

static enum tx_error check_free(const char *path, struct tx_why *why)
{
    size_t entries = 0;
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return TX_OK;
    enum tx_error error = backup_directory_each(path, count_entry, &entries, why);
    if (error == TX_OK && entries > 0)
        return tx_why(why, TX_EEXIST, "%.300s: is not empty; name a new or an empty directory",
                      path);
    return error;
}

static enum tx_error rename_synced(const char *build, const char *into, struct tx_why *why)
{
    char parent[PATH_MAX];
    if (rename(build, into) != 0)
        return backup_fail(into, "give the directory its name", why);
    (void)snprintf(parent, sizeof(parent), "%s", into);
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        (void)snprintf(parent, sizeof(parent), ".");
    else
        slash[slash == parent ? 1 : 0] = '\0';
    return backup_directory_sync(parent, why);
}

enum tx_error restore_node_run(struct restore_node *restore, struct tx_why *why)
{
    char build[PATH_MAX];
    int len = snprintf(build, sizeof(build), "%s.incomplete", restore->into);
    if (len < 0 || (size_t)len >= sizeof(build))
        return tx_why(why, TX_ELIMIT, "%.300s: the path is too long", restore->into);
    enum tx_error error = check_free(restore->into, why);
    if (error != TX_OK)
        return error;
    if (mkdir(build, 0750) != 0) {
        if (errno != EEXIST)
            return backup_fail(build, "make the directory", why);
        return tx_why(why, TX_EEXIST,
                      "%.300s: is left of a restore that did not end; remove it first", build);
    }
    error = restore_files(restore, build, why);
    if (error == TX_OK)
        error = finish_log(restore, build, why);
    if (error == TX_OK)
        error = rename_synced(build, restore->into, why);
    /* What cannot be removed is named at the next try. */
    enum tx_error removed = error == TX_OK ? TX_OK : backup_directory_remove(build, NULL);
    (void)removed;
    return error;
}
