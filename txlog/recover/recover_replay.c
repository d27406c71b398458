/* txrecover replay: a directory anew, from its log alone. */
#include "txlog/recover/txrecover.h"

#include "common/assert.h"
#include "txlog/recover/recover_changes.h"
#include "txlog/recover/recover_compare.h"
#include "txlog/recover/recover_json.h"
#include "txlog/recover/recover_progress.h"
#include "txlog/recover/recover_source.h"
#include "txlog/recover/recover_target.h"
#include "txlog/recover/recover_text.h"

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
    struct tx_lsn until;       /* where it is to end; 0: with the log */
    uint64_t records, committed, puts, deletes, lost;
    /* The changes of one record. */
    struct recover_changes changes;
    struct recover_difference difference;
    bool compared;
    struct tx_why unreadable; /* why the data of the source cannot be compared; else empty */
    struct tx_why why;
};

/* ---- one record ---- */

/* The writes that the record brings into the data: its own, or those of its PREPARED. */
static enum tx_error collect_changes(struct replay *replay, const struct txlog_record *record,
                                     const struct story_step *step)
{
    if (step->apply_lost)
        replay->lost++;
    if (step->apply.n == 0)
        return TX_OK;
    replay->committed++;
    enum tx_error error;
    if (step->apply.n != record->lsn.n) {
        error = recover_changes_of(&replay->changes, replay->source.log, step->apply, &replay->why);
    } else {
        TX_ASSERT(record->type == TXLOG_COMMITTED);
        error = recover_changes_add(&replay->changes, record->committed.redo);
        if (error != TX_OK)
            (void)tx_why(&replay->why, error, "LSN %" PRIu64 ": its writes cannot be read",
                         step->apply.n);
    }
    for (size_t i = 0; i < replay->changes.puts_n; i++) {
        replay->deletes += replay->changes.puts[i].deleted;
        replay->puts += !replay->changes.puts[i].deleted;
    }
    return error;
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
    recover_changes_clear(&replay->changes);
    enum tx_error error = story_add(replay->story, record, &step, &replay->why);
    if (error == TX_OK)
        error = collect_changes(replay, record, &step);
    if (error != TX_OK)
        return error;
    struct txlog_append append = {.lsn = record->lsn,
                                  .record = stored,
                                  .puts = replay->changes.puts,
                                  .puts_n = replay->changes.puts_n};
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
    bool before = source->damaged_at.n == 0 || replay->until.n < source->damaged_at.n;
    if (source->damages == 0 || (replay->until.n != 0 && before))
        return 0;
    if (source->damaged_at.n > txlog_first(source->log).n)
        return recover_complain(EX_DATAERR,
                                "%s: is damaged; --until %" PRIu64 " rebuilds the data up to the "
                                "first damage",
                                source->directory, source->damaged_at.n - 1);
    return recover_complain(EX_DATAERR, "%s: is damaged; txrecover verify says more",
                            source->directory);
}

static bool is_coordinator(const struct replay *replay)
{
    return replay->source.identity.role == TX_ROLE_COORDINATOR;
}

struct moment {
    uint64_t ms;
    struct tx_lsn last; /* before the first record that is later */
};

static enum tx_error look_at_time(void *arg, const struct txlog_record *record,
                                  struct tx_bytes stored)
{
    struct moment *moment = arg;
    (void)stored;
    if (record->time_ms > moment->ms)
        return TX_EEXIST;
    moment->last = record->lsn;
    return TX_OK;
}

/* Where the log stood at the time that is asked for. Should a clock have gone back, it is the first
 * later record that counts. */
static int find_time(struct replay *replay)
{
    struct moment moment = {.ms = replay->options->until_ms};
    struct tx_lsn all = {0};
    char text[RECOVER_TIME_TEXT];
    enum tx_error error =
        recover_source_each(&replay->source, all, all, look_at_time, &moment, &replay->why);
    if (error != TX_OK && error != TX_EEXIST)
        return recover_complain(recover_exit_status(error), "%s", replay->why.text);
    if (moment.last.n == 0)
        return recover_complain(EX_USAGE, "--until-time: %s begins after %s",
                                replay->source.directory, recover_time(moment.ms, text));
    if (error == TX_EEXIST)
        replay->until = moment.last;
    return 0;
}

static int check_source(struct replay *replay)
{
    const struct recover_source *source = &replay->source;
    const struct txrecover_options *options = replay->options;
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
    replay->until = options->until;
    if (options->until_time) {
        int status = find_time(replay);
        if (status != 0)
            return status;
    }
    if (replay->until.n != 0)
        replay->last = replay->until;
    if (replay->first.n > 1 && !options->partial && !is_coordinator(replay))
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
    if (replay->first.n > 1 && !is_coordinator(replay))
        (void)printf("partial: what LSN 1 to %" PRIu64 " wrote is missing, and so are the writes "
                     "of %" PRIu64 " transactions that had prepared there. Do not put it in the "
                     "place of the node\n",
                     replay->first.n - 1, replay->lost);
    if (replay->last.n < txlog_last(replay->source.log).n)
        (void)puts(is_coordinator(replay)
                       ? "it ends before its source does: a participant that knows more of this "
                         "coordinator will fence it"
                       : "it ends before its source does: a coordinator that knows more of this "
                         "participant will quarantine it");
}

static void print_compared(const struct replay *replay)
{
    const struct recover_difference *difference = &replay->difference;
    if (!replay->compared)
        (void)printf("the data of %s are damaged and were not compared: %s\n",
                     replay->source.directory, replay->unreadable.text);
    else if (difference->different == 0)
        (void)printf("the data equal those of %s: %" PRIu64 " keys\n", replay->source.directory,
                     difference->keys);
    else
        (void)printf("the data DIFFER from those of %s in %" PRIu64 " keys; the first: %s\n",
                     replay->source.directory, difference->different, difference->text);
}

static void print_json(const struct replay *replay)
{
    struct json json;
    json_init(&json, stdout);
    json_object_begin(&json);
    json_member(&json, "into", replay->options->into);
    json_member(&json, "from", replay->source.directory);
    json_member_u64(&json, "first_lsn", replay->first.n);
    json_member_u64(&json, "last_lsn", replay->last.n);
    json_member_u64(&json, "source_last_lsn", txlog_last(replay->source.log).n);
    json_member_u64(&json, "records", replay->records);
    json_member_u64(&json, "committed", replay->committed);
    json_member_u64(&json, "writes", replay->puts);
    json_member_u64(&json, "deletes", replay->deletes);
    json_member_u64(&json, "in_doubt", story_count(replay->story, STORY_PREPARED));
    json_member_u64(&json, "writes_lost", replay->lost);
    if (replay->compared) {
        json_member_u64(&json, "keys", replay->difference.keys);
        json_member_u64(&json, "keys_different", replay->difference.different);
    }
    if (replay->unreadable.text[0] != '\0')
        json_member(&json, "not_compared", replay->unreadable.text);
    json_object_end(&json);
    (void)putchar('\n');
}

static enum tx_error pass_over(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    (void)arg;
    (void)key;
    (void)value;
    return TX_OK;
}

/* Damaged data are what a rebuilding is for: its own are made of the log alone. */
static bool source_is_unreadable(struct replay *replay)
{
    return txlog_data_each(replay->source.log, pass_over, NULL, &replay->unreadable) == TX_ECORRUPT;
}

/* A partial replay is expected to differ. */
static int compare(struct replay *replay)
{
    enum tx_error error =
        recover_compare(replay->source.log, replay->target.log, &replay->difference, &replay->why);
    if (error == TX_ECORRUPT && source_is_unreadable(replay))
        return 0;
    if (error != TX_OK)
        return recover_complain(recover_exit_status(error), "%s", replay->why.text);
    replay->compared = true;
    bool good = replay->difference.different == 0 || replay->options->partial;
    return good ? 0 : EX_DATAERR;
}

/* ---- all of it ---- */

static int run(struct replay *replay)
{
    enum tx_error error = recover_source_story(&replay->source, &replay->story, &replay->why);
    if (error != TX_OK)
        return recover_complain(recover_exit_status(error), "%s", replay->why.text);
    recover_progress_begin(&replay->progress, "replaying", replay->last.n - replay->first.n + 1,
                           replay->options->progress);
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

/* A coordinator has all that it must remember in its log: since the beginning, or in a snapshot. */
static int check_whole(const struct replay *replay)
{
    if (story_whole(replay->story))
        return 0;
    return recover_complain(EX_DATAERR,
                            "%s: LSN 1 to %" PRIu64 " were removed, and no whole snapshot stands "
                            "from there up to LSN %" PRIu64,
                            replay->source.directory, replay->first.n - 1, replay->last.n);
}

/* A difference is told, and the directory kept for a closer look. */
static int build(struct replay *replay)
{
    int status = recover_target_open(&replay->target, replay->options->into, &replay->source);
    if (status == 0)
        status = run(replay);
    if (status == 0 && is_coordinator(replay))
        status = check_whole(replay);
    if (status != 0)
        return status;
    int equal = replay->until.n == 0 ? compare(replay) : 0;
    if (replay->options->json)
        print_json(replay);
    else
        print_applied(replay);
    if ((replay->compared || replay->unreadable.text[0] != '\0') && !replay->options->json)
        print_compared(replay);
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
    recover_changes_deinit(&replay.changes);
    recover_source_close(&replay.source);
    return status;
}
