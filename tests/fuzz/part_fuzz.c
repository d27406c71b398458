#include "part_fuzz.h"

#include "common/assert.h"
#include "participant/kv.h"
#include "txlog/recovery.h"

#include <stdlib.h>
#include <string.h>

#define ACTIONS_MAX 20000u /* of one step: more would not be bounded by its input */

/* ---- the store ---- */

static void tell(struct part_fuzz *f, struct tx_id tx, enum part_rm_call call,
                 enum part_rm_status status, const struct rm_answer *answer)
{
    struct part_event event = {.type = PART_EVENT_RM,
                               .tx = tx,
                               .call = call,
                               .status = status,
                               .reason = answer->reason,
                               .text = answer->text,
                               .result = answer->result,
                               .redo = answer->redo,
                               .wrote = answer->wrote};
    part_core_step(f->core, &event, f->now_us, &f->actions);
}

static void call_rm(struct part_fuzz *f, const struct part_fuzz_call *call)
{
    static const enum part_rm_status statuses[] = {[RM_OK] = PART_RM_OK,
                                                   [RM_READ_ONLY] = PART_RM_READ_ONLY,
                                                   [RM_ROLLED_BACK] = PART_RM_ROLLED_BACK};
    struct rm_answer answer = {0};
    if (call->prepare)
        f->rm->vtable->prepare(f->rm, call->tx, &answer);
    else
        f->rm->vtable->execute(f->rm, call->tx, &call->op, &answer);
    TX_ASSERT(answer.status <= RM_ROLLED_BACK);
    tell(f, call->tx, call->prepare ? PART_RM_PREPARE : PART_RM_EXECUTE, statuses[answer.status],
         &answer);
}

static void queue_call(struct part_fuzz *f, const struct part_action *action)
{
    struct part_fuzz_call call = {.tx = action->tx, .prepare = action->type == PART_ACTION_PREPARE};
    if (!call.prepare)
        call.op = action->op;
    if (!f->rm_slow) {
        call_rm(f, &call);
        return;
    }
    call.op.space = tx_arena_copy(&call.arena, call.op.space);
    call.op.key = tx_arena_copy(&call.arena, call.op.key);
    call.op.value = tx_arena_copy(&call.arena, call.op.value);
    call.op.to = tx_arena_copy(&call.arena, call.op.to);
    if (f->calls_n == f->calls_capacity) {
        f->calls_capacity = f->calls_capacity * 2 + 16;
        f->calls = tx_xrealloc(f->calls, f->calls_capacity * sizeof *f->calls);
    }
    f->calls[f->calls_n++] = call;
}

/* ---- actions ---- */

static void append(struct part_fuzz *f, struct part_action *action)
{
    struct rm_answer answer = {0};
    struct rm_batch batch = {0};
    TX_ASSERT(action->record.lsn.n == action->lsn.n);
    action->record.start = f->options.incarnation;
    if (action->redo_wanted)
        action->record.prepared.redo = f->rm->vtable->redo(f->rm, action->tx);
    if (action->commit_writes) {
        f->rm->vtable->commit(f->rm, action->tx, action->record.lsn, &batch, &answer);
        TX_ASSERT(answer.status == RM_OK);
    }
    fuzz_log_append(&f->log, &action->record, batch.puts, batch.puts_n);
    if (action->commit_writes)
        f->rm->vtable->committed(f->rm, action->tx);
}

static void perform(struct part_fuzz *f, struct part_action *action)
{
    struct rm_answer answer = {0};
    struct tx_why why = {{0}};
    enum tx_error error;
    switch (action->type) {
    case PART_ACTION_SEND:
        part_fuzz_check_sent(f, action);
        return;
    case PART_ACTION_APPEND:
        append(f, action);
        return;
    case PART_ACTION_EXECUTE:
    case PART_ACTION_PREPARE:
        queue_call(f, action);
        return;
    case PART_ACTION_ROLLBACK:
        f->rm->vtable->rollback(f->rm, action->tx, &answer);
        TX_ASSERT(answer.status == RM_OK);
        return;
    case PART_ACTION_COMPACT:
        error = txlog_compact(sim_disk_log(f->log.disk), action->lsn, &why);
        TX_ASSERT(error == TX_OK);
        return;
    case PART_ACTION_STAMP:
        TX_ASSERT(action->cut > f->stamped);
        f->stamped = action->cut;
        return;
    case PART_ACTION_ALARM:
    case PART_ACTION_NOTE:
        TX_ASSERT(action->text.len > 0);
        return;
    }
}

static void check(const struct part_fuzz *f)
{
    struct part_stats stats;
    part_core_check(f->core);
    part_core_stats(f->core, f->now_us, &stats);
    TX_ASSERT(stats.working + stats.preparing <= f->options.txs_max);
    TX_ASSERT(stats.locks_held <= f->options.locks_max);
    TX_ASSERT(stats.tombstones <= f->options.tombstones_max);
}

static void perform_all(struct part_fuzz *f)
{
    for (size_t i = 0; i < f->actions.n && f->actions_left > 0; i++) {
        struct part_action action = f->actions.items[i]; /* performing may move the array */
        TX_ASSERT(f->actions.n < ACTIONS_MAX);
        perform(f, &action);
        f->actions_left -= f->actions_left != SIZE_MAX;
    }
    part_actions_clear(&f->actions);
    check(f);
}

/* ---- events ---- */

void part_fuzz_step(struct part_fuzz *f, const struct part_event *event)
{
    part_core_step(f->core, event, f->now_us, &f->actions);
    perform_all(f);
}

void part_fuzz_durable(struct part_fuzz *f, uint64_t lsn)
{
    sim_disk_synced(f->log.disk, (struct tx_lsn){lsn});
    f->rm->vtable->durable(f->rm, (struct tx_lsn){lsn});
    part_fuzz_step(f, &(struct part_event){.type = PART_EVENT_DURABLE, .lsn = {lsn}});
}

void part_fuzz_pass(struct part_fuzz *f, uint64_t us)
{
    f->now_us += us;
    if (part_core_deadline(f->core) > f->now_us)
        return;
    part_fuzz_step(f, &(struct part_event){.type = PART_EVENT_TICK});
    TX_ASSERT(part_core_deadline(f->core) > f->now_us); /* or the daemon would spin */
}

void part_fuzz_answer(struct part_fuzz *f, size_t at, enum part_rm_status status)
{
    TX_ASSERT(at < f->calls_n);
    struct part_fuzz_call call = f->calls[at];
    f->calls[at] = f->calls[--f->calls_n];
    if (status == PART_RM_OK) {
        call_rm(f, &call);
    } else {
        struct rm_answer answer = {.reason = TX_REASON_REFUSED};
        if (status == PART_RM_ROLLED_BACK)
            f->rm->vtable->rollback(f->rm, call.tx, &answer);
        tell(f, call.tx, call.prepare ? PART_RM_PREPARE : PART_RM_EXECUTE, status, &answer);
    }
    tx_arena_deinit(&call.arena);
    perform_all(f);
}

/* ---- life ---- */

static enum tx_error replay(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    struct part_fuzz *f = arg;
    return part_core_recover(f->core, record, why);
}

static void recover_prepared(void *arg, struct tx_id tx, struct tx_lsn prepared)
{
    struct part_fuzz *f = arg;
    struct rm_answer answer = {0};
    struct tx_buf stored = {0};
    struct tx_arena arena = {0};
    struct txlog_record record;
    enum tx_error error = txlog_get(sim_disk_log(f->log.disk), prepared, &stored, NULL);
    TX_ASSERT(error == TX_OK);
    error = txlog_record_decode(tx_buf_view(&stored), &arena, &record, NULL);
    TX_ASSERT(error == TX_OK && record.type == TXLOG_PREPARED);
    TX_ASSERT(tx_id_equal(record.prepared.id, tx));
    f->rm->vtable->recover(f->rm, tx, record.prepared.redo, &answer);
    TX_ASSERT(answer.status == RM_OK);
    tx_buf_deinit(&stored);
    tx_arena_deinit(&arena);
}

static void start(struct part_fuzz *f)
{
    struct txlog *log = sim_disk_log(f->log.disk);
    struct recovery_summary summary;
    struct tx_why why = {{0}};
    f->options.incarnation = txlog_last_start(log) + 1;
    f->options.life = 0x50 + ++f->starts;
    f->core = part_core_new(&f->options);
    enum tx_error error = recovery_replay(log, replay, f, &summary, &why);
    TX_ASSERT(error == TX_OK); /* no log that it has written may be called corrupt */
    uint64_t started = fuzz_log_start(&f->log, f->options.life);
    TX_ASSERT(started == f->options.incarnation);
    f->started_at = f->log.n;
    error = kv_open(log, 1024, &f->rm, &why);
    TX_ASSERT(error == TX_OK);
    part_core_each_prepared(f->core, recover_prepared, f);
    f->actions_left = SIZE_MAX;
    f->stamped = 0;
    error = part_core_recovered(f->core, txlog_last(log), f->now_us, &f->actions, &why);
    TX_ASSERT(error == TX_OK);
    perform_all(f);
}

static void stop(struct part_fuzz *f)
{
    while (f->calls_n > 0)
        tx_arena_deinit(&f->calls[--f->calls_n].arena);
    f->readers_n = 0;
    f->rm->vtable->close(&f->rm);
    part_core_destroy(&f->core);
    part_actions_clear(&f->actions);
}

void part_fuzz_restart(struct part_fuzz *f, uint8_t choice)
{
    stop(f);
    fuzz_log_crash(&f->log, choice);
    start(f);
}

void part_fuzz_init(struct part_fuzz *f, const struct part_options *options)
{
    *f = (struct part_fuzz){.options = *options, .now_us = 1000000};
    fuzz_log_init(&f->log);
    start(f);
}

void part_fuzz_deinit(struct part_fuzz *f)
{
    stop(f);
    part_actions_deinit(&f->actions);
    fuzz_log_deinit(&f->log);
    free(f->calls);
    free(f->readers);
}

/* The store has forgotten every transaction that the core no longer holds open: what it kept would
 * be kept for ever. */
static void check_store(struct part_fuzz *f)
{
    static const char *const open[] = {"working", "undoing", "preparing", "prepared"};
    for (uint64_t seq = 1; seq < 32; seq++) {
        struct rm_answer answer = {0};
        struct tx_id id = {1, 1, seq};
        const char *state = part_core_state_name(f->core, id);
        bool is_open = false;
        for (size_t i = 0; i < sizeof open / sizeof *open; i++)
            is_open = is_open || strcmp(state, open[i]) == 0;
        f->rm->vtable->rollback(f->rm, id, &answer);
        TX_ASSERT(is_open || answer.status == RM_NOT_FOUND);
    }
}

void part_fuzz_settle(struct part_fuzz *f)
{
    while (f->calls_n > 0)
        part_fuzz_answer(f, 0, PART_RM_OK);
    while (fuzz_log_durable(&f->log) < f->log.n)
        part_fuzz_durable(f, f->log.n);
    check_store(f);
}
