/* txrecover replay: a participant's directory anew, from its log alone. */
#include "txlog/recover/txrecover.h"

#include "common/assert.h"
#include "txlog/recover/recover_compare.h"
#include "txlog/recover/recover_progress.h"
#include "txlog/recover/recover_source.h"
#include "txlog/recover/recover_target.h"
#include "txlog/redo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

struct replay {
    const struct txrecover_options *options;
    struct recover_source source;
    struct recover_target target;
    struct story *story;
    struct recover_progress progress;
    struct tx_lsn first, last; /* what is replayed */
    uint64_t records, committed, puts, deletes, lost;
    /* The changes of one record. */
    struct tx_buf stored;
    struct tx_arena arena;
    struct txlog_put *changes;
    size_t changes_n, changes_capacity;
    struct tx_why why;
};

/* ---- one record ---- */

static enum tx_error add_change(void *arg, const struct redo_write *write)
{
    struct replay *replay = arg;
    if (replay->changes_n == replay->changes_capacity) {
        replay->changes_capacity = replay->changes_n == 0 ? 64 : 2 * replay->changes_n;
        replay->changes =
            tx_xrealloc(replay->changes, replay->changes_capacity * sizeof(*replay->changes));
    }
    struct tx_buf key = {0};
    redo_data_key(write->space, write->key, &key);
    struct tx_bytes kept = tx_arena_copy(&replay->arena, tx_buf_view(&key));
    tx_buf_deinit(&key);
    if (kept.data == NULL)
        return TX_ENOMEM;
    replay->changes[replay->changes_n++] =
        (struct txlog_put){.key = kept, .value = write->value, .deleted = write->deleted};
    if (write->deleted)
        replay->deletes++;
    else
        replay->puts++;
    return TX_OK;
}

/* The writes that the record brings into the data: its own, or those of its PREPARED. */
static enum tx_error collect_changes(struct replay *replay, const struct txlog_record *record,
                                     const struct story_step *step)
{
    struct txlog_record prepared;
    struct tx_bytes redo;
    if (step->apply_lost)
        replay->lost++;
    if (step->apply.n == 0)
        return TX_OK;
    if (step->apply.n == record->lsn.n) {
        TX_ASSERT(record->type == TXLOG_COMMITTED);
        redo = record->committed.redo;
    } else {
        enum tx_error error = recover_source_get(&replay->source, step->apply, &replay->stored,
                                                 &replay->arena, &prepared, &replay->why);
        if (error != TX_OK)
            return error;
        TX_ASSERT(prepared.type == TXLOG_PREPARED);
        redo = prepared.prepared.redo;
    }
    replay->committed++;
    enum tx_error error = redo_each(redo, add_change, replay);
    if (error != TX_OK)
        return tx_why(&replay->why, error, "LSN %" PRIu64 ": its writes cannot be read",
                      step->apply.n);
    return TX_OK;
}

static enum tx_error take(void *arg, const struct txlog_record *record, struct tx_bytes stored)
{
    struct replay *replay = arg;
    struct story_step step;
    uint64_t expected = replay->first.n + replay->records;
    recover_progress_step(&replay->progress, replay->records);
    if (record->lsn.n != expected)
        return tx_why(&replay->why, TX_EGAP, "LSN %" PRIu64 " to %" PRIu64 " cannot be read",
                      expected, record->lsn.n - 1);
    tx_arena_reset(&replay->arena);
    replay->changes_n = 0;
    enum tx_error error = story_add(replay->story, record, &step, &replay->why);
    if (error == TX_OK)
        error = collect_changes(replay, record, &step);
    if (error != TX_OK)
        return error;
    struct txlog_append append = {
        .lsn = record->lsn, .record = stored, .puts = replay->changes, .puts_n = replay->changes_n};
    error =
        txlog_append(replay->target.log, &append, 1, record->lsn.n == replay->last.n, &replay->why);
    if (error != TX_OK)
        return error;
    replay->records++;
    return TX_OK;
}

/* ---- what is refused ---- */

static int check_damage(const struct replay *replay)
{
    const struct recover_source *source = &replay->source;
    const struct txrecover_options *options = replay->options;
    bool before = source->damaged_at.n == 0 || options->until.n < source->damaged_at.n;
    if (source->damages == 0 || (options->until.n != 0 && before))
        return 0;
    if (source->damaged_at.n > txlog_first(source->log).n)
        return recover_complain(EX_DATAERR,
                                "%s: is damaged; --until %" PRIu64 " rebuilds the data up to the "
                                "first damage",
                                source->directory, source->damaged_at.n - 1);
    return recover_complain(EX_DATAERR, "%s: is damaged; txrecover verify says more",
                            source->directory);
}

static int check_source(struct replay *replay)
{
    const struct recover_source *source = &replay->source;
    const struct txrecover_options *options = replay->options;
    if (source->identity.role != TX_ROLE_PARTICIPANT)
        return recover_complain(EX_USAGE,
                                "%s: is the log of %s; a coordinator has no data to rebuild",
                                source->directory, source->name);
    replay->first = txlog_first(source->log);
    replay->last = txlog_last(source->log);
    if (replay->first.n == 0)
        return recover_complain(EX_DATAERR, "%s: holds no record, so there is nothing to rebuild",
                                source->directory);
    if (options->until.n > replay->last.n)
        return recover_complain(EX_USAGE, "--until %" PRIu64 ": %s ends at LSN %" PRIu64,
                                options->until.n, source->directory, replay->last.n);
    if (options->until.n != 0 && options->until.n < replay->first.n)
        return recover_complain(EX_USAGE,
                                "--until %" PRIu64 ": %s begins at LSN %" PRIu64
                                "; older records were removed",
                                options->until.n, source->directory, replay->first.n);
    if (options->until.n != 0)
        replay->last = options->until;
    if (replay->first.n > 1 && !options->partial)
        return recover_complain(EX_DATAERR,
                                "%s: LSN 1 to %" PRIu64 " were removed by compaction, and with "
                                "them the writes of the transactions that committed there; "
                                "--partial rebuilds the rest without them",
                                source->directory, replay->first.n - 1);
    return check_damage(replay);
}

/* ---- what is said in the end ---- */

static void print_applied(const struct replay *replay)
{
    (void)printf("%s: rebuilt from LSN %" PRIu64 " to %" PRIu64 " of %s: %" PRIu64
                 " records, %" PRIu64 " transactions committed, %" PRIu64 " writes, %" PRIu64
                 " deletes, %zu still in doubt\n",
                 replay->options->into, replay->first.n, replay->last.n, replay->source.directory,
                 replay->records, replay->committed, replay->puts, replay->deletes,
                 story_count(replay->story, STORY_PREPARED));
    if (replay->first.n > 1)
        (void)printf("partial: what LSN 1 to %" PRIu64 " wrote is missing, and so are the writes "
                     "of %" PRIu64 " transactions that had prepared there. Do not put it in the "
                     "place of the node\n",
                     replay->first.n - 1, replay->lost);
    if (replay->last.n < txlog_last(replay->source.log).n)
        (void)puts("it ends before its source does: a coordinator that knows more of this "
                   "participant will quarantine it");
}

/* A partial replay is expected to differ. */
static int compare(struct replay *replay)
{
    struct recover_difference difference;
    enum tx_error error =
        recover_compare(replay->source.log, replay->target.log, &difference, &replay->why);
    if (error != TX_OK)
        return recover_complain(recover_exit_status(error), "%s", replay->why.text);
    if (difference.different == 0) {
        (void)printf("the data equal those of %s: %" PRIu64 " keys\n", replay->source.directory,
                     difference.keys);
        return 0;
    }
    (void)printf("the data DIFFER from those of %s in %" PRIu64 " keys; the first: %s\n",
                 replay->source.directory, difference.different, difference.text);
    return replay->options->partial ? 0 : EX_DATAERR;
}

/* ---- all of it ---- */

static int run(struct replay *replay)
{
    enum tx_error error = recover_source_story(&replay->source, &replay->story, &replay->why);
    if (error != TX_OK)
        return recover_complain(recover_exit_status(error), "%s", replay->why.text);
    recover_progress_begin(&replay->progress, "replaying", replay->last.n - replay->first.n + 1);
    struct tx_why why;
    error = recover_source_each(&replay->source, replay->first, replay->last, take, replay, &why);
    recover_progress_end(&replay->progress);
    if (error == TX_OK && replay->records != replay->last.n - replay->first.n + 1)
        error = tx_why(&replay->why, TX_EGAP, "LSN %" PRIu64 " cannot be read",
                       replay->first.n + replay->records);
    if (error != TX_OK)
        return recover_complain(recover_exit_status(error), "%s: %s", replay->source.directory,
                                replay->why.text[0] != '\0' ? replay->why.text : why.text);
    return 0;
}

/* A difference is told, and the directory kept for a closer look. */
static int build(struct replay *replay)
{
    int status = recover_target_open(&replay->target, replay->options->into, &replay->source);
    if (status == 0)
        status = run(replay);
    if (status != 0)
        return status;
    print_applied(replay);
    int equal = replay->options->until.n == 0 ? compare(replay) : 0;
    status = recover_target_finish(&replay->target);
    return status != 0 ? status : equal;
}

int txrecover_replay(const struct txrecover_options *options)
{
    struct replay replay = {.options = options};
    int status = recover_source_open(&replay.source, options->directory, stderr);
    if (status == 0)
        status = check_source(&replay);
    if (status == 0)
        status = build(&replay);
    recover_target_close(&replay.target);
    story_destroy(&replay.story);
    free(replay.changes);
    tx_buf_deinit(&replay.stored);
    tx_arena_deinit(&replay.arena);
    recover_source_close(&replay.source);
    return status;
}
