/* txrecover plan, apply and undo: decides what is in doubt at stopped participants as the logs of
 * the other nodes prove it.
 *
 * A log is append-only, and what was decided has changed data: taking that back means putting the
 * directory back that there was before. So apply makes a checkpoint of each directory first, and
 * undo puts it in the place of the changed one, as long as nobody can have seen the change: nothing
 * stands in the log behind the decisions, no daemon has been started on them. */
#include "txlog/recover/txrecover.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/crash_point.h"
#include "txlog/recover/recover_changes.h"
#include "txlog/recover/recover_file.h"
#include "txlog/recover/recover_json.h"
#include "txlog/rocksdb_log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- plan ---- */

/* For people, while the file is for apply. */
static void say_plan(const struct recover_plan *plan)
{
    char id[TX_ID_TEXT];
    (void)fflush(stdout);
    for (size_t i = 0; i < plan->steps_n; i++) {
        const struct recover_step *step = &plan->steps[i];
        (void)fprintf(stderr, "%s at %s: %s: %s\n", tx_id_print(step->tx, id),
                      plan->nodes[step->node].name,
                      !step->decided ? "CANNOT BE DECIDED"
                      : step->commit ? "commit"
                                     : "abort",
                      step->reason);
    }
    size_t actions = recover_plan_actions(plan, SIZE_MAX);
    (void)fprintf(stderr, "%zu in doubt, %zu to decide, %zu cannot be decided\n", plan->steps_n,
                  actions, plan->steps_n - actions);
}

int txrecover_plan(const struct txrecover_options *options)
{
    struct recover_plan plan;
    char *text = NULL;
    size_t size;
    int status = recover_plan_make(&plan, options->directories, options->directories_n);
    if (status == 0) {
        FILE *out = open_memstream(&text, &size);
        if (out == NULL)
            tx_memory_failed(__func__);
        recover_file_write_plan(out, &plan, clock_wall_ms());
        (void)fclose(out);
        if (options->output != NULL)
            status = recover_file_make(options->output, text, size);
        else
            (void)fputs(text, stdout);
    }
    if (status == 0)
        say_plan(&plan);
    free(text);
    recover_plan_deinit(&plan);
    return status;
}

/* ---- apply: is everything as it was? ---- */

struct applying {
    const struct txrecover_options *options;
    struct tx_name operator_name;
    struct recover_file file;
    struct recover_plan plan; /* made anew, of the directories as they are now */
    struct recover_undo_node *undo;
    char (*paths)[2][PATH_MAX]; /* of each undo: the directory, the checkpoint */
    size_t undo_n;
    char undo_file[PATH_MAX];
    uint64_t now_ms;
    struct tx_why why;
};

static int check_node(const struct applying *a, size_t i)
{
    const struct recover_file_node *then = &a->file.nodes[i];
    const struct recover_node *now = &a->plan.nodes[i];
    if (strcmp(a->file.cluster, now->identity.cluster) != 0 || strcmp(then->name, now->name) != 0)
        return recover_complain(EX_DATAERR, "%s: is now of %s of cluster %s, and was of %s of %s",
                                then->directory, now->name, now->identity.cluster, then->name,
                                a->file.cluster);
    if (then->last.n != now->last.n || then->first.n != now->first.n || then->digest != now->digest)
        return recover_complain(EX_DATAERR,
                                "%s: has changed since the plan was made: its log went from LSN "
                                "%" PRIu64 " to %" PRIu64 ", and goes from %" PRIu64 " to %" PRIu64
                                " now; make a new plan",
                                then->directory, then->first.n, then->last.n, now->first.n,
                                now->last.n);
    return 0;
}

static const struct recover_step *find_step(const struct applying *a,
                                            const struct recover_file_action *action)
{
    for (size_t i = 0; i < a->plan.steps_n; i++) {
        const struct recover_step *step = &a->plan.steps[i];
        if (tx_id_equal(step->tx, action->tx) &&
            strcmp(a->plan.nodes[step->node].name, action->name) == 0)
            return step;
    }
    return NULL;
}

/* The evidence is looked for anew: the file is believed nothing that the logs do not say. */
static int check_action(const struct applying *a, const struct recover_file_action *action)
{
    const struct recover_step *step = find_step(a, action);
    char id[TX_ID_TEXT];
    tx_id_print(action->tx, id);
    if (step == NULL)
        return recover_complain(EX_DATAERR, "%s is not in doubt at %s", id, action->name);
    if (!step->decided)
        return recover_complain(EX_DATAERR, "%s at %s: the evidence does not hold: %s", id,
                                action->name, step->reason);
    if (step->commit != action->commit)
        return recover_complain(EX_DATAERR, "%s at %s: the plan says %s, and the evidence %s: %s",
                                id, action->name, action->commit ? "commit" : "abort",
                                step->commit ? "commit" : "abort", step->reason);
    return 0;
}

static int check_plan(struct applying *a)
{
    const char **directories = tx_xcalloc(a->file.nodes_n, sizeof(*directories));
    for (size_t i = 0; i < a->file.nodes_n; i++)
        directories[i] = a->file.nodes[i].directory;
    int status = recover_plan_make(&a->plan, directories, a->file.nodes_n);
    free(directories);
    for (size_t i = 0; status == 0 && i < a->file.nodes_n; i++)
        status = check_node(a, i);
    for (size_t i = 0; status == 0 && i < a->file.actions_n; i++)
        status = check_action(a, &a->file.actions[i]);
    if (status == 0 && a->file.actions_n == 0)
        status = recover_complain(EX_DATAERR, "%s: holds no action, so there is nothing to apply",
                                  a->options->directory);
    return status;
}

/* Only what the plan names is done: a line may have been taken out of it. */
static bool is_wanted(const struct applying *a, const struct recover_step *step)
{
    for (size_t i = 0; i < a->file.actions_n; i++) {
        if (find_step(a, &a->file.actions[i]) == step)
            return true;
    }
    return false;
}

static size_t wanted_at(const struct applying *a, size_t node)
{
    size_t n = 0;
    for (size_t i = 0; i < a->plan.steps_n; i++)
        n += a->plan.steps[i].node == node && is_wanted(a, &a->plan.steps[i]);
    return n;
}

/* ---- apply: the way back ---- */

static int add_undo(struct applying *a, size_t node)
{
    struct recover_undo_node *undo = &a->undo[a->undo_n];
    char(*paths)[PATH_MAX] = a->paths[a->undo_n];
    int len = 0;
    if (realpath(a->plan.nodes[node].directory, paths[0]) != NULL)
        len = snprintf(paths[1], PATH_MAX, "%s.before-%" PRIu64, paths[0], a->now_ms);
    if (len <= 0 || len >= PATH_MAX)
        return recover_complain(EX_IOERR, "%s: no path can be made of it",
                                a->plan.nodes[node].directory);
    *undo = (struct recover_undo_node){
        .node = &a->plan.nodes[node],
        .directory = paths[0],
        .checkpoint = paths[1],
        .last_after = {a->plan.nodes[node].last.n + wanted_at(a, node)},
    };
    a->undo_n++;
    return 0;
}

/* Before anything is touched: whatever comes, this file says what to undo. */
static int write_undo(struct applying *a)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        tx_memory_failed(__func__);
    recover_file_write_undo(out, a->undo, a->undo_n, a->file.cluster, &a->operator_name, a->now_ms);
    (void)fclose(out);
    int status = recover_file_make(a->undo_file, text, size);
    free(text);
    return status;
}

static int prepare_undo(struct applying *a)
{
    int status = 0;
    a->undo = tx_xcalloc(a->plan.nodes_n, sizeof(*a->undo));
    a->paths = tx_xcalloc(a->plan.nodes_n, sizeof(*a->paths));
    for (size_t i = 0; status == 0 && i < a->plan.nodes_n; i++) {
        if (wanted_at(a, i) > 0)
            status = add_undo(a, i);
    }
    return status == 0 ? write_undo(a) : status;
}

/* ---- apply: the decisions ---- */

static enum tx_error decide(struct applying *a, struct txlog *log, const struct recover_step *step,
                            struct recover_changes *changes)
{
    const struct recover_node *node = &a->plan.nodes[step->node];
    struct txlog_record record = {
        .type = TXLOG_HEURISTIC,
        .lsn = {txlog_last(log).n + 1},
        .start = node->start,
        .time_ms = a->now_ms,
        .heuristic = {.id = step->tx,
                      .commit = step->commit,
                      .operator_name = a->operator_name,
                      .time_ms = a->now_ms},
    };
    struct tx_buf stored = {0};
    enum tx_error error = txlog_record_encode(&record, &stored);
    recover_changes_clear(changes);
    if (error == TX_OK && step->commit)
        error = recover_changes_of(changes, log, step->prepared, &a->why);
    struct txlog_append append = {.lsn = record.lsn,
                                  .record = tx_buf_view(&stored),
                                  .puts = changes->puts,
                                  .puts_n = changes->puts_n};
    if (error == TX_OK) {
        crash_point("log", txlog_type_name(record.type), "before");
        error = txlog_append(log, &append, 1, true, &a->why);
        crash_point("log", txlog_type_name(record.type), "after");
    }
    tx_buf_deinit(&stored);
    return error;
}

static void say_done(const struct applying *a, const struct recover_step *step, struct tx_lsn lsn)
{
    const struct recover_node *node = &a->plan.nodes[step->node];
    char id[TX_ID_TEXT];
    struct json json;
    if (!a->options->json) {
        (void)printf("%s: %s %s, LSN %" PRIu64 ": %s\n", node->directory, tx_id_print(step->tx, id),
                     step->commit ? "committed" : "aborted", lsn.n, step->reason);
        return;
    }
    json_init(&json, stdout);
    json_object_begin(&json);
    recover_json_id(&json, "tx", step->tx);
    json_member(&json, "node", node->name);
    json_member(&json, "directory", node->directory);
    json_member(&json, "decision", step->commit ? "commit" : "abort");
    json_member_u64(&json, "lsn", lsn.n);
    json_member(&json, "reason", step->reason);
    json_object_end(&json);
    (void)putchar('\n');
}

static enum tx_error decide_all(struct applying *a, struct txlog *log, size_t node)
{
    struct recover_changes changes = {0};
    enum tx_error error = TX_OK;
    for (size_t i = 0; error == TX_OK && i < a->plan.steps_n; i++) {
        const struct recover_step *step = &a->plan.steps[i];
        if (step->node != node || !is_wanted(a, step))
            continue;
        error = decide(a, log, step, &changes);
        if (error == TX_OK)
            say_done(a, step, txlog_last(log));
    }
    recover_changes_deinit(&changes);
    return error;
}

/* Opened for writing nobody else can change it any more; so it is looked at once more. */
static int change_node(struct applying *a, const struct recover_undo_node *undo)
{
    const struct recover_node *node = undo->node;
    struct rocksdb_log_options options = {
        .directory = node->directory, .mode = ROCKSDB_LOG_OPEN, .identity = node->identity};
    struct txlog *log;
    enum tx_error error = rocksdb_log_open(&options, &log, &a->why);
    if (error != TX_OK)
        return recover_complain(recover_exit_status(error), "%s", a->why.text);
    int status = 0;
    if (txlog_last(log).n != node->last.n || txlog_last_start(log) != node->start)
        status = recover_complain(EX_DATAERR, "%s: has just been changed", node->directory);
    if (status == 0) {
        error = txlog_checkpoint(log, undo->checkpoint, &a->why);
        if (error == TX_OK)
            error = decide_all(a, log, (size_t)(node - a->plan.nodes));
        if (error != TX_OK)
            status = recover_complain(recover_exit_status(error), "%s: %s", node->directory,
                                      a->why.text);
    }
    txlog_close(&log);
    return status;
}

static int change_all(struct applying *a)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < a->undo_n; i++)
        status = change_node(a, &a->undo[i]);
    if (status == 0 && !a->options->json)
        (void)printf("to take it back, before any of these daemons is started: txrecover undo %s\n",
                     a->undo_file);
    else if (status != 0)
        (void)recover_complain(0, "not everything is done; to take back what is: txrecover undo %s",
                               a->undo_file);
    return status;
}

/* ---- apply ---- */

static int name_operator(struct applying *a)
{
    const char *name = a->options->operator_name;
    if (name == NULL)
        name = getenv("LOGNAME");
    if (name == NULL)
        return recover_complain(EX_USAGE, "who decides is recorded: name the operator with "
                                          "--operator NAME");
    if (tx_name_set(&a->operator_name, tx_bytes_str(name)) != TX_OK)
        return recover_complain(EX_USAGE,
                                "\"%.64s\" is no name: letters, digits, '-', '_' and '.', at most "
                                "%u; see --operator",
                                name, (unsigned)TX_NAME_MAX);
    return 0;
}

static int name_undo_file(struct applying *a)
{
    const char *given = a->options->undo_file;
    int len = given != NULL
                  ? snprintf(a->undo_file, sizeof(a->undo_file), "%s", given)
                  : snprintf(a->undo_file, sizeof(a->undo_file), "%s.undo", a->options->directory);
    if (len < 0 || (size_t)len >= sizeof(a->undo_file))
        return recover_complain(EX_USAGE, "the path of the undo file is too long");
    if (access(a->undo_file, F_OK) == 0)
        return recover_complain(EX_CANTCREAT,
                                "%s: is there already, perhaps of an earlier apply; name another "
                                "one with --undo-file",
                                a->undo_file);
    return 0;
}

int txrecover_apply(const struct txrecover_options *options)
{
    struct applying a = {.options = options, .now_ms = clock_wall_ms()};
    int status = name_operator(&a);
    if (status == 0)
        status = name_undo_file(&a);
    if (status == 0)
        status = recover_file_read(options->directory, "assent_plan", &a.file);
    if (status == 0)
        status = check_plan(&a);
    if (status == 0)
        status = prepare_undo(&a);
    if (status == 0)
        status = change_all(&a);
    recover_plan_deinit(&a.plan);
    recover_file_deinit(&a.file);
    free(a.undo);
    free(a.paths);
    return status;
}
