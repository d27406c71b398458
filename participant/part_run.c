/* Running operations: each takes its lock, then goes to the resource manager. What the lock manager
 * says comes back as a list of events, worked off at the end of the step: nothing here calls
 * itself. */
#include "participant/part_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *part_place_print(struct lock_name name, char *out, size_t out_size)
{
    if (name.space.len == 0) {
        (void)snprintf(out, out_size, "the store");
        return out;
    }
    tx_bytes_print(name.space, out, out_size / (name.range ? 3 : 2));
    size_t used = strlen(out);
    if (name.range || name.key.len > 0) {
        out[used++] = '/';
        tx_bytes_print(name.key, out + used, (out_size - used) / (name.range ? 2 : 1));
    }
    if (name.range) {
        used += strlen(out + used);
        out[used++] = '.';
        out[used++] = '.';
        tx_bytes_print(name.to, out + used, out_size - used);
    }
    return out;
}

/* The mode that an operation needs. */
static enum tx_lock_mode mode_of(const struct tx_op *op)
{
    switch (op->type) {
    case TX_OP_GET:
    case TX_OP_CHECK:
        return TX_LOCK_S;
    case TX_OP_GET_FOR_UPDATE:
        return TX_LOCK_U;
    case TX_OP_PUT:
    case TX_OP_INSERT:
    case TX_OP_DELETE:
    case TX_OP_ADD:
        return TX_LOCK_X;
    case TX_OP_LOCK:
        return op->mode;
    case TX_OP_SCAN:
        return TX_LOCK_S;
    case TX_OP_TYPES_N:
        break;
    }
    return TX_LOCK_NONE;
}

/* What the next operation needs the lock on. */
static struct lock_name wanted_place(const struct part_tx *tx)
{
    const struct tx_op *op = &tx->ops[tx->ops_done];
    TX_ASSERT(tx->ops_done < tx->ops_n);
    if (op->type == TX_OP_SCAN)
        return tx->scan.range;
    return (struct lock_name){.space = op->space, .key = op->key};
}

static enum tx_lock_mode wanted_mode(const struct part_tx *tx)
{
    return mode_of(&tx->ops[tx->ops_done]);
}

/* Below repeatable read, what has only been read is not kept locked. A CHECK, a read for an update
 * and a LOCK say that it matters. */
static bool reads_unlocked(const struct part_tx *tx)
{
    enum tx_op_type type = tx->ops[tx->ops_done].type;
    return tx->isolation == TX_READ_UNCOMMITTED && (type == TX_OP_GET || type == TX_OP_SCAN);
}

static bool reads_briefly(const struct part_tx *tx)
{
    return tx->isolation == TX_READ_COMMITTED && tx->ops[tx->ops_done].type == TX_OP_GET;
}

/* Marks whom the last call wounded, while it is known who needed what: a wounded one may not go on
 * to prepare before its event is worked off. */
void part_note_wounds(struct part_core *core, size_t from, const struct part_tx *by)
{
    for (size_t i = from; i < core->events.events_n; i++) {
        const struct lock_event *event = &core->events.events[i];
        if (event->type != LOCK_EVENT_WOUNDED)
            continue;
        struct part_tx *tx = part_tx_find(core, event->tx);
        TX_ASSERT(tx != NULL && tx->owner == event->owner);
        tx->wounded = true;
        if (by == NULL || tx->state != PART_WORKING)
            continue;
        char id[TX_ID_TEXT];
        char place[200];
        part_place_print(wanted_place(by), place, sizeof place);
        struct tx_bytes text = part_text(core, "the older transaction %s needs the lock on %s",
                                         tx_id_print(by->id, id), place);
        tx->text = part_copy(&tx->kept, text);
    }
}

/* The policy of this participant does not let it wait. */
static void refuse_lock(struct part_core *core, struct part_tx *tx)
{
    char place[200];
    part_place_print(wanted_place(tx), place, sizeof place);
    part_undo(core, tx, TX_REASON_LOCK_CONFLICT,
              part_text(core,
                        "the %s lock on %s is not free, and the policy of participant %s is %s",
                        tx_lock_mode_name(wanted_mode(tx)), place, core->options.name.s,
                        tx_lock_policy_name(core->options.lock_policy)),
              true);
}

void part_refuse_room(struct part_core *core, struct part_tx *tx)
{
    part_undo(core, tx, TX_REASON_LIMIT,
              part_text(core, "participant %s has its maximum of %zu locks in use",
                        core->options.name.s, core->options.locks_max),
              true);
}

enum lock_status part_take_lock(struct part_core *core, struct part_tx *tx)
{
    size_t from = core->events.events_n;
    enum lock_status status =
        lockmgr_acquire(core->locks, tx->owner, wanted_place(tx), wanted_mode(tx), core->now_us,
                        tx->lock_timeout_us, &core->events);
    part_note_wounds(core, from, tx);
    switch (status) {
    case LOCK_GRANTED:
        break;
    case LOCK_WAITING:
        tx->wait = PART_WAIT_LOCK;
        break;
    case LOCK_CONFLICT:
        refuse_lock(core, tx);
        break;
    case LOCK_REFUSED:
        part_refuse_room(core, tx);
        break;
    }
    return status;
}

/* Takes the lock of the next operation, if it needs one; false when it waits for it, or is gone. */
static bool lock_op(struct part_core *core, struct part_tx *tx)
{
    if (reads_briefly(tx))
        tx->op_held_before = lockmgr_held(core->locks, tx->owner, wanted_place(tx)) != TX_LOCK_NONE;
    if (!reads_unlocked(tx) && part_take_lock(core, tx) != LOCK_GRANTED)
        return false;
    tx->op_locked = true;
    return true;
}

void part_execute(struct part_core *core, struct part_tx *tx)
{
    struct part_action *action = part_act(core, PART_ACTION_EXECUTE, tx->id);
    action->op = tx->ops[tx->ops_done]; /* which stays until the answer has come */
    tx->wait = PART_WAIT_RM;
}

size_t part_results_max(const struct part_core *core, const struct part_tx *tx)
{
    size_t own = core->options.results_max;
    return tx->results_max > 0 && tx->results_max < own ? tx->results_max : own;
}

size_t part_results_room(const struct part_core *core, const struct part_tx *tx)
{
    size_t used = tx->results_bytes + PART_RESULT_BYTES;
    size_t max = part_results_max(core, tx);
    return max > used ? max - used : 0;
}

void part_refuse_results(struct part_core *core, struct part_tx *tx)
{
    /* Its coordinator has divided what an answer to the client holds. */
    bool shared = part_results_max(core, tx) < core->options.results_max;
    part_undo(core, tx, TX_REASON_LIMIT,
              part_text(core,
                        "the results of the first %zu operations fit into %s of "
                        "participant %s (%zu bytes), that of the next does not: read less at once, "
                        "or use several steps",
                        tx->ops_done, shared ? "the share" : "one message", core->options.name.s,
                        part_results_max(core, tx)),
              true);
}

void part_op_done(struct part_tx *tx, const struct tx_result *result)
{
    TX_ASSERT(tx->ops_done < tx->ops_n && tx->op_locked);
    tx->results[tx->ops_done] =
        (struct tx_result){.found = result->found, .value = part_copy(&tx->work, result->value)};
    tx->results_bytes += PART_RESULT_BYTES + result->value.len;
    tx->ops_done++;
    tx->op_locked = false;
    tx->scan = (struct part_scan){0};
}

/* What has been read may be in the store and not on disk, where its own record alone decides about
 * it: until then nobody hears of it. */
static bool waits_for_log(struct part_core *core, struct part_tx *tx)
{
    if (tx->rests_on.n <= core->durable.n || TX_SEEDED_BUG(READ_BEFORE_DURABLE))
        return false;
    tx->wait = PART_WAIT_LOG;
    part_hold(core, &(struct part_held){.lsn = core->last, .type = PART_HELD_READ, .tx = tx->id});
    return true;
}

void part_read_durable(struct part_core *core, struct part_tx *tx)
{
    if (tx != NULL && tx->state == PART_WORKING && tx->wait == PART_WAIT_LOG)
        part_run(core, tx);
}

void part_run(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->state == PART_WORKING);
    tx->wait = PART_WAIT_NOBODY;
    while (!tx->wounded && tx->ops_done < tx->ops_n) {
        enum tx_op_type type = tx->ops[tx->ops_done].type;
        if (type == TX_OP_SCAN) {
            part_scan_read(core, tx);
            return;
        }
        if (!tx->op_locked && !lock_op(core, tx))
            return; /* it waits, or is gone */
        if (type != TX_OP_LOCK) {
            part_execute(core, tx);
            return;
        }
        part_op_done(tx, &(struct tx_result){0});
    }
    if (tx->wounded)
        return; /* the event is in the worklist */
    if (waits_for_log(core, tx))
        return;
    if (tx->one_shot)
        part_prepare_begin(core, tx);
    else
        part_step_done(core, tx);
}

/* ---- the worklist ---- */

static void on_timed_out(struct part_core *core, struct part_tx *tx)
{
    char place[200];
    uint64_t waited_us =
        tx->lock_timeout_us > 0 ? tx->lock_timeout_us : core->options.lock_timeout_us;
    part_place_print(wanted_place(tx), place, sizeof place);
    part_undo(core, tx, TX_REASON_LOCK_TIMEOUT,
              part_text(core, "no %s lock on %s within %" PRIu64 " ms",
                        tx_lock_mode_name(wanted_mode(tx)), place, waited_us / 1000),
              true);
}

static void on_wounded(struct part_core *core, struct part_tx *tx)
{
    struct tx_bytes text = tx->text;
    if (text.len == 0)
        text = part_text(core, "an older transaction needs a lock of this one");
    part_undo(core, tx, TX_REASON_WOUNDED, text, true);
}

static void on_lock_event(struct part_core *core, const struct lock_event *event)
{
    struct part_tx *tx = part_tx_find(core, event->tx);
    if (TX_SEEDED_BUG(WOUND_PREPARED) && tx != NULL && tx->state == PART_PREPARED) {
        part_abort_prepared(core, tx, TX_REASON_WOUNDED, "an older transaction");
        return;
    }
    if (tx == NULL || tx->owner != event->owner)
        return; /* undone since, by an earlier event of the list */
    if (event->type == LOCK_EVENT_WANTED) {
        part_wanted(core, tx);
        return;
    }
    if (tx->state != PART_WORKING)
        return;
    if (event->type == LOCK_EVENT_WOUNDED) {
        on_wounded(core, tx);
        return;
    }
    TX_ASSERT(tx->wait == PART_WAIT_LOCK && !lockmgr_is_waiting(tx->owner));
    if (event->type == LOCK_EVENT_TIMED_OUT) {
        on_timed_out(core, tx);
        return;
    }
    if (event->type == LOCK_EVENT_CONFLICT) {
        refuse_lock(core, tx);
        return;
    }
    TX_ASSERT(event->type == LOCK_EVENT_GRANTED);
    tx->op_locked = tx->ops[tx->ops_done].type != TX_OP_SCAN; /* which reads again */
    part_run(core, tx);
}

void part_locks_settle(struct part_core *core)
{
    for (size_t i = 0; i < core->events.events_n; i++) {
        struct lock_event event = core->events.events[i]; /* the list grows and moves meanwhile */
        on_lock_event(core, &event);
    }
    core->events.events_n = 0;
}

void part_locks_expire(struct part_core *core)
{
    size_t from = core->events.events_n;
    lockmgr_expire(core->locks, core->now_us, &core->events);
    part_note_wounds(core, from, NULL);
}

void part_locks_release(struct part_core *core, struct part_tx *tx)
{
    if (tx->owner == NULL)
        return;
    size_t from = core->events.events_n;
    lockmgr_release_all(core->locks, &tx->owner, &core->events);
    part_note_wounds(core, from, NULL);
    TX_ASSERT(tx->owner == NULL);
}

/* ---- answers of the resource manager ---- */

enum tx_reason part_rm_reason(const struct part_event *event)
{
    TX_ASSERT((unsigned)event->reason < TX_REASONS_N);
    return event->reason != TX_REASON_NONE ? event->reason : TX_REASON_REFUSED;
}

/* The lock on what was read at read committed goes, unless the transaction has had it before. */
static void release_read(struct part_core *core, struct part_tx *tx)
{
    size_t from = core->events.events_n;
    enum tx_error error = lockmgr_release(core->locks, tx->owner, wanted_place(tx), &core->events);
    TX_ASSERT(error == TX_OK || error == TX_ENOTFOUND); /* a lock above gives it */
    part_note_wounds(core, from, NULL);
}

/* Every lock waits for the record of a one-phase commit, but not for an operator's decision. */
static void note_what_it_rests_on(const struct part_core *core, struct part_tx *tx)
{
    struct tx_lsn seen = core->heuristic;
    if (reads_unlocked(tx) && core->one_phase.n > seen.n)
        seen = core->one_phase;
    if (seen.n > tx->rests_on.n)
        tx->rests_on = seen;
}

static void executed_ok(struct part_core *core, struct part_tx *tx, const struct tx_result *result)
{
    note_what_it_rests_on(core, tx);
    if (tx->ops[tx->ops_done].type == TX_OP_SCAN) {
        part_scan_answered(core, tx, result);
        return;
    }
    if (tx->results_bytes + PART_RESULT_BYTES + result->value.len > part_results_max(core, tx)) {
        tx->wait = PART_WAIT_NOBODY;
        part_refuse_results(core, tx);
        return;
    }
    if (reads_briefly(tx) && (!tx->op_held_before || TX_SEEDED_BUG(READ_GIVES_UP_LOCK)))
        release_read(core, tx);
    part_op_done(tx, result);
    part_run(core, tx);
}

static void executed(struct part_core *core, struct part_tx *tx, const struct part_event *event)
{
    switch (event->status) {
    case PART_RM_READ_ONLY: /* an answer to prepare alone */
        TX_ASSERT(event->status != PART_RM_READ_ONLY);
        return;
    case PART_RM_OK:
        tx->rm_open = true;
        tx->wrote = tx->wrote || event->wrote;
        executed_ok(core, tx, &event->result);
        return;
    case PART_RM_ROLLED_BACK:
        tx->rm_open = false;
        tx->wait = PART_WAIT_NOBODY;
        part_undo(core, tx, part_rm_reason(event), event->text, true);
        return;
    case PART_RM_RETRY:
        tx->wait = PART_WAIT_NOBODY;
        part_undo(core, tx, TX_REASON_BUSY, event->text, true);
        return;
    }
}

/* A transaction that was refused while the call was under way. */
static void undoing_answered(struct part_core *core, struct part_tx *tx,
                             const struct part_event *event)
{
    if (event->call == PART_RM_EXECUTE && event->status == PART_RM_OK)
        tx->rm_open = true;
    if (event->status == PART_RM_ROLLED_BACK)
        tx->rm_open = false;
    part_undo_finish(core, tx);
}

void part_on_rm(struct part_core *core, const struct part_event *event)
{
    struct part_tx *tx = part_tx_find(core, event->tx);
    TX_ASSERT(tx != NULL && tx->wait == PART_WAIT_RM);
    if (tx->state == PART_UNDOING) {
        undoing_answered(core, tx, event);
    } else if (tx->state == PART_WORKING) {
        TX_ASSERT(event->call == PART_RM_EXECUTE);
        executed(core, tx, event);
    } else {
        TX_ASSERT(event->call == PART_RM_PREPARE);
        part_prepare_answered(core, tx, event);
    }
}
