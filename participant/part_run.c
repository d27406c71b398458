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
    tx_bytes_print(name.space, out, out_size / 2);
    if (name.key.len > 0) {
        size_t used = strlen(out);
        out[used++] = '/';
        tx_bytes_print(name.key, out + used, out_size - used);
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

static struct lock_name place_of(const struct tx_op *op)
{
    return (struct lock_name){.space = op->space, .key = op->key};
}

/* Marks whom the last call wounded, while it is known who needed what: a wounded one may not go on
 * to prepare before its event is worked off. */
static void note_wounds(struct part_core *core, size_t from, const struct part_tx *by)
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
        part_place_print(place_of(&by->ops[by->ops_done]), place, sizeof place);
        struct tx_bytes text = part_text(core, "the older transaction %s needs the lock on %s",
                                         tx_id_print(by->id, id), place);
        tx->text = part_copy(&tx->kept, text);
    }
}

static enum lock_status acquire(struct part_core *core, struct part_tx *tx)
{
    const struct tx_op *op = &tx->ops[tx->ops_done];
    size_t from = core->events.events_n;
    enum lock_status status = lockmgr_acquire(core->locks, tx->owner, place_of(op), mode_of(op),
                                              core->now_us, tx->lock_timeout_us, &core->events);
    note_wounds(core, from, tx);
    return status;
}

/* The policy of this participant does not let it wait. */
static void refuse_lock(struct part_core *core, struct part_tx *tx)
{
    const struct tx_op *op = &tx->ops[tx->ops_done];
    char place[200];
    part_place_print(place_of(op), place, sizeof place);
    part_undo(core, tx, TX_REASON_LOCK_CONFLICT,
              part_text(core,
                        "the %s lock on %s is not free, and the policy of participant %s is %s",
                        tx_lock_mode_name(mode_of(op)), place, core->options.name.s,
                        tx_lock_policy_name(core->options.lock_policy)),
              true);
}

/* Takes the lock of the next operation; true when it is held. */
static bool take_lock(struct part_core *core, struct part_tx *tx)
{
    switch (acquire(core, tx)) {
    case LOCK_GRANTED:
        tx->op_locked = true;
        return true;
    case LOCK_WAITING:
        tx->wait = PART_WAIT_LOCK;
        return false;
    case LOCK_CONFLICT:
        refuse_lock(core, tx);
        return false;
    case LOCK_REFUSED:
        part_undo(core, tx, TX_REASON_LIMIT,
                  part_text(core, "participant %s has its maximum of %zu locks in use",
                            core->options.name.s, core->options.locks_max),
                  true);
        return false;
    }
    return false;
}

static void execute(struct part_core *core, struct part_tx *tx)
{
    struct part_action *action = part_act(core, PART_ACTION_EXECUTE, tx->id);
    action->op = *part_copy_ops(&core->out->arena, &tx->ops[tx->ops_done], 1);
    tx->wait = PART_WAIT_RM;
}

static void op_done(struct part_tx *tx, const struct tx_result *result)
{
    TX_ASSERT(tx->ops_done < tx->ops_n && tx->op_locked);
    tx->results[tx->ops_done] =
        (struct tx_result){.found = result->found, .value = part_copy(&tx->work, result->value)};
    tx->ops_done++;
    tx->op_locked = false;
}

void part_run(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->state == PART_WORKING);
    tx->wait = PART_WAIT_NOBODY;
    while (!tx->wounded && tx->ops_done < tx->ops_n) {
        if (!tx->op_locked && !take_lock(core, tx))
            return; /* it waits, or is gone */
        if (tx->ops[tx->ops_done].type != TX_OP_LOCK) {
            execute(core, tx);
            return;
        }
        op_done(tx, &(struct tx_result){0});
    }
    if (tx->wounded)
        return; /* the event is in the worklist */
    if (tx->one_shot)
        part_prepare_begin(core, tx);
    else
        part_step_done(core, tx);
}

/* ---- the worklist ---- */

static void on_timed_out(struct part_core *core, struct part_tx *tx)
{
    const struct tx_op *op = &tx->ops[tx->ops_done];
    char place[200];
    uint64_t waited_us =
        tx->lock_timeout_us > 0 ? tx->lock_timeout_us : core->options.lock_timeout_us;
    part_place_print(place_of(op), place, sizeof place);
    part_undo(core, tx, TX_REASON_LOCK_TIMEOUT,
              part_text(core, "no %s lock on %s within %" PRIu64 " ms",
                        tx_lock_mode_name(mode_of(op)), place, waited_us / 1000),
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
    tx->op_locked = true;
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
    note_wounds(core, from, NULL);
}

void part_locks_release(struct part_core *core, struct part_tx *tx)
{
    if (tx->owner == NULL)
        return;
    size_t from = core->events.events_n;
    lockmgr_release_all(core->locks, &tx->owner, &core->events);
    note_wounds(core, from, NULL);
    TX_ASSERT(tx->owner == NULL);
}

/* ---- answers of the resource manager ---- */

enum tx_reason part_rm_reason(const struct part_event *event)
{
    TX_ASSERT((unsigned)event->reason < TX_REASONS_N);
    return event->reason != TX_REASON_NONE ? event->reason : TX_REASON_REFUSED;
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
        op_done(tx, &event->result);
        part_run(core, tx);
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
