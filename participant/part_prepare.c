/* PREPARE: one-shot, interactive, one-phase, read-only; and the record that a vote rests on. */
#include "participant/part_internal.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- the PREPARED record ---- */

struct lock_list {
    struct tx_arena *arena;
    struct txlog_lock *locks;
    size_t n, room;
};

/* The intentions come back with the locks below them. */
static bool is_recorded(struct lock_name name, enum tx_lock_mode mode)
{
    if (TX_SEEDED_BUG(RANGE_NOT_RECORDED) && name.range)
        return false;
    return mode != TX_LOCK_IS && mode != TX_LOCK_IX;
}

static void copy_lock(void *arg, struct lock_name name, enum tx_lock_mode mode)
{
    struct lock_list *list = arg;
    if (!is_recorded(name, mode))
        return;
    TX_ASSERT(list->n < list->room);
    list->locks[list->n++] = (struct txlog_lock){
        .mode = mode,
        .space = part_copy(list->arena, name.space),
        .key = part_copy(list->arena, name.key),
        .range = name.range,
        .to = part_copy(list->arena, name.to),
    };
}

const struct txlog_lock *part_locks_list(struct tx_arena *arena, const struct part_tx *tx,
                                         size_t *n)
{
    struct lock_list list = {.arena = arena};
    if (tx->owner != NULL) {
        list.room = lockmgr_held_n(tx->owner); /* with the intentions */
        list.locks = part_alloc(arena, list.room, sizeof *list.locks);
        lockmgr_each_held(tx->owner, copy_lock, &list);
    }
    *n = list.n;
    return list.locks;
}

void part_append_prepared(struct part_core *core, const struct part_tx *tx, struct tx_bytes redo,
                          bool restate)
{
    struct tx_arena *arena = &core->out->arena;
    struct part_action *action = part_append(core, TXLOG_PREPARED, tx->id, !restate);
    struct txlog_prepared *prepared = &action->record.prepared;
    *prepared = (struct txlog_prepared){
        .id = tx->id,
        .age = tx->age,
        .coordinator = tx->coordinator->address,
        .members = part_copy_members(arena, tx->members, tx->members_n),
        .members_n = tx->members_n,
        .known = part_copy_positions(arena, tx->known, tx->members_n),
        .redo = part_copy(arena, redo),
        .members_decide = tx->members_decide,
    };
    prepared->locks = part_locks_list(arena, tx, &prepared->locks_n);
    /* An operator's decision has ended it in the resource manager: nobody needs its redo
     * any more. */
    action->redo_wanted = restate && tx->state != PART_HEURISTIC;
}

/* ---- a working transaction prepares ---- */

void part_prepare_begin(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->members_n > 0 && tx->ops_done == tx->ops_n && !tx->wounded);
    part_timer_clear(core, tx);
    if (tx->one_shot)
        part_phase_end(core, tx, PART_PHASE_OPERATION);
    tx->phase_us = core->now_us;
    lockmgr_protect(core->locks, tx->owner);
    part_tx_move(core, tx, PART_PREPARING, PART_WAIT_RM);
    if (tx->rm_open) {
        part_act(core, PART_ACTION_PREPARE, tx->id);
        return;
    }
    /* It has only taken locks: the resource manager has never heard of it. */
    struct part_event nothing = {.call = PART_RM_PREPARE, .status = PART_RM_READ_ONLY};
    part_prepare_answered(core, tx, &nothing);
}

/* The vote READ_ONLY carries the results of a one-shot as well: nothing else brings them to the
 * client. */
static void drop_out(struct part_core *core, struct part_tx *tx)
{
    struct part_results *results = tx->one_shot ? part_results_new(tx->results, tx->ops_n) : NULL;
    enum part_tombstone_kind kind =
        tx->one_phase ? PART_TOMB_READ_ONLY_ONE_PHASE : PART_TOMB_READ_ONLY;
    struct part_coordinator *coordinator = tx->coordinator;
    struct tx_id id = tx->id;
    struct tx_arena kept = tx->kept;
    const struct part_deferred *deferred = tx->deferred;
    size_t deferred_n = tx->deferred_n;
    tx->kept = (struct tx_arena){0};
    struct part_tombstone vote = {.id = id, .kind = kind, .coordinator = coordinator};
    vote.results = results;
    part_vote_tombstone(core, &vote);
    part_locks_release(core, tx);
    part_tombstone_put(core, coordinator, id, kind, TX_REASON_NONE, tx_bytes(NULL, 0), &results);
    free(results); /* below the mark, no tombstone takes them */
    part_tx_free(core, tx);
    part_deferred_play(core, id, deferred, deferred_n);
    part_arena_give(core, &kept);
}

static void force_one_phase(struct part_core *core, struct part_tx *tx, struct tx_bytes redo)
{
    struct tx_bytes copy = part_copy(&core->out->arena, redo);
    struct part_action *action = part_append(core, TXLOG_COMMITTED, tx->id, true);
    action->record.committed = (struct txlog_committed){
        .id = tx->id, .one_phase = true, .known = tx->coordinator->known_lsn, .redo = copy};
    part_with_writes(core, action);
    core->one_phase = core->last;
    tx->rm_open = false;
    tx->lsn = core->last;
    tx->wait = PART_WAIT_LOG;
    part_hold(core,
              &(struct part_held){.lsn = core->last, .type = PART_HELD_COMMITTED, .tx = tx->id});
    if (TX_SEEDED_BUG(ONE_PHASE_BEFORE_DURABLE))
        part_vote_tx(core, tx, TX_VOTE_COMMITTED);
}

static void force_prepared(struct part_core *core, struct part_tx *tx, struct tx_bytes redo)
{
    tx->log_at = core->log_bytes;
    part_append_prepared(core, tx, redo, false);
    tx->lsn = core->last;
    tx->wait = PART_WAIT_LOG;
    part_hold(core,
              &(struct part_held){.lsn = core->last, .type = PART_HELD_PREPARED, .tx = tx->id});
    if (TX_SEEDED_BUG(VOTE_BEFORE_DURABLE))
        part_vote_tx(core, tx, TX_VOTE_YES);
    if (TX_SEEDED_BUG(UNLOCK_AT_PREPARE))
        part_locks_release(core, tx);
}

/* Only whom the list marks read-only may drop out, for the others ask every other member when in
 * doubt. A one-shot of several members stays as well: elsewhere locks may still be acquired, and
 * two-phase locking forbids to release before. */
static bool may_drop_out(const struct part_tx *tx)
{
    if (tx->one_phase || TX_SEEDED_BUG(EARLY_READ_RELEASE))
        return true;
    return tx->members[tx->self].read_only && (!tx->one_shot || tx->members_n == 1);
}

static void prepared_by_rm(struct part_core *core, struct part_tx *tx, bool writes,
                           struct tx_bytes redo)
{
    if (!writes && may_drop_out(tx))
        drop_out(core, tx);
    else if (writes && tx->members[tx->self].read_only)
        part_undo(core, tx, TX_REASON_REFUSED,
                  part_text(core,
                            "the list of members calls participant %s read-only, but it has "
                            "writes of this transaction",
                            core->options.name.s),
                  true);
    else if (tx->one_phase)
        force_one_phase(core, tx, redo);
    else
        force_prepared(core, tx, redo);
}

void part_prepare_answered(struct part_core *core, struct part_tx *tx,
                           const struct part_event *event)
{
    TX_ASSERT(tx->state == PART_PREPARING && tx->wait == PART_WAIT_RM);
    tx->wait = PART_WAIT_NOBODY;
    switch (event->status) {
    case PART_RM_OK:
        prepared_by_rm(core, tx, true, event->redo);
        return;
    case PART_RM_READ_ONLY:
        tx->rm_open = false;
        prepared_by_rm(core, tx, false, tx_bytes(NULL, 0));
        return;
    case PART_RM_ROLLED_BACK:
        tx->rm_open = false;
        part_undo(core, tx, part_rm_reason(event), event->text, true);
        return;
    case PART_RM_RETRY:
        part_undo(core, tx, TX_REASON_BUSY, event->text, true);
        return;
    }
}

void part_prepared_durable(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->state == PART_PREPARING && tx->wait == PART_WAIT_LOG);
    part_phase_end(core, tx, PART_PHASE_PREPARE);
    part_tx_move(core, tx, PART_PREPARED, PART_WAIT_NOBODY);
    tx->since_us = core->now_us;
    part_vote_tx(core, tx, TX_VOTE_YES);
    part_in_doubt_begin(core, tx);
    if (part_members_alone(tx) && tx->lsn.n > tx->coordinator->epoch_lsn.n)
        part_inquire(core, tx); /* otherwise the next epoch's WELCOME brings it */
    size_t deferred_n = tx->deferred_n;
    tx->deferred_n = 0;
    if (deferred_n > 0) {
        /* The first of them may end the transaction, and its memory with it. */
        struct part_deferred *deferred =
            part_alloc(&core->out->arena, deferred_n, sizeof *deferred);
        for (size_t i = 0; i < deferred_n; i++)
            deferred[i] = tx->deferred[i];
        part_deferred_play(core, tx->id, deferred, deferred_n);
    }
}

/* ---- PREPARE ---- */

/* The receiver's place in the list; `n` when it is not in it. */
static size_t find_self(const struct part_core *core, const struct tx_msg_prepare *prepare)
{
    size_t i = 0;
    while (i < prepare->members_n && !tx_name_equal(&prepare->members[i].name, &core->options.name))
        i++;
    return i;
}

/* What one member commits in one phase is its own affair. */
static bool can_members_decide(const struct tx_msg_prepare *prepare)
{
    return !prepare->one_phase && tx_members_can_decide(prepare->members, prepare->members_n);
}

static bool prepare_valid(const struct tx_msg_prepare *prepare, size_t self)
{
    return prepare->members_n >= 1 && prepare->members_n <= TX_MEMBERS_MAX &&
           self < prepare->members_n && (!prepare->one_phase || prepare->members_n == 1) &&
           (!prepare->members_decide || can_members_decide(prepare)) &&
           (prepare->one_shot || prepare->ops_n == 0) && prepare->age.counter > 0 &&
           part_ops_valid(prepare->ops, prepare->ops_n, NULL);
}

static void take_members(struct part_tx *tx, const struct tx_msg_prepare *prepare, size_t self)
{
    /* The next step of an interactive one would take `work` away; here it has had its last. */
    tx->members = part_copy_members(&tx->work, prepare->members, prepare->members_n);
    tx->members_n = prepare->members_n;
    tx->known = part_copy_positions(&tx->work, prepare->known, prepare->members_n);
    tx->self = self;
    tx->one_phase = prepare->one_phase;
    tx->members_decide = prepare->members_decide;
}

/* Does it name another start than this one? What that start has refused, this one does not know. */
static bool of_another_start(const struct part_core *core, const struct tx_msg_prepare *prepare,
                             size_t self)
{
    if (TX_SEEDED_BUG(NO_INCARNATION_CHECK) ||
        (TX_SEEDED_BUG(REFUSAL_FORGOTTEN) && prepare->members_decide))
        return false;
    return prepare->members[self].incarnation != core->options.incarnation;
}

/* Why an interactive transaction cannot be prepared as this PREPARE asks; NULL when it can. */
static const char *mismatch(const struct part_tx *tx, const struct tx_msg_prepare *prepare)
{
    if (prepare->one_shot)
        return "PREPARE brings operations to a transaction that has some already";
    if (!tx_token_equal(&tx->token, &prepare->token))
        return "the operations here came with another token than that of the transaction";
    if (tx->wait != PART_WAIT_CLIENT)
        return "PREPARE came while an operation was still running";
    return NULL;
}

static void prepare_working(struct part_core *core, struct part_tx *tx,
                            const struct tx_msg_prepare *prepare, size_t self)
{
    if (tx->one_shot) {
        core->stale++; /* its operations are running */
        return;
    }
    const char *why = mismatch(tx, prepare);
    if (part_may_have_lost(core, prepare->members[self].incarnation)) {
        core->stale++; /* a late copy of its first step has begun it anew; it idles out */
    } else if (of_another_start(core, prepare, self)) {
        part_undo(
            core, tx, TX_REASON_RESTARTED,
            part_text(core, "participant %s has restarted since its work", core->options.name.s),
            true);
    } else if (why != NULL) {
        part_undo(core, tx, TX_REASON_REFUSED, tx_bytes_str(why), true);
    } else {
        take_members(tx, prepare, self);
        part_prepare_begin(core, tx);
    }
}

static void prepare_known(struct part_core *core, struct part_tx *tx,
                          const struct tx_msg_prepare *prepare, size_t self)
{
    switch (tx->state) {
    case PART_WORKING:
        prepare_working(core, tx, prepare, self);
        return;
    case PART_UNDOING:
        part_vote_no(core, tx->coordinator, tx->id, tx->reason, tx->text);
        return;
    case PART_PREPARING:
        core->stale++;
        return;
    case PART_PREPARED:
    case PART_HEURISTIC:
        part_vote_tx(core, tx, TX_VOTE_YES);
        return;
    case PART_COMMITTED:
        if (tx->lsn.n <= core->durable.n)
            part_vote_tx(core, tx, TX_VOTE_COMMITTED);
        else
            core->stale++;
        return;
    case PART_STATES_N:
        return;
    }
}

static void refuse(struct part_core *core, struct part_coordinator *coordinator, struct tx_id id,
                   enum tx_reason reason, struct tx_bytes text)
{
    part_vote_no(core, coordinator, id, reason, text);
    part_tombstone_put(core, coordinator, id, PART_TOMB_NO, reason, text, NULL);
    part_count_abort(core, reason);
}

static void prepare_one_shot(struct part_core *core, struct part_coordinator *coordinator,
                             const struct tx_msg_prepare *prepare, size_t self)
{
    struct tx_bytes text;
    enum tx_reason refusal = part_refusal(core, &text);
    if (refusal == TX_REASON_NONE && prepare->ops_n > TX_OPS_MAX) {
        refusal = TX_REASON_LIMIT;
        text = part_text(core, "a transaction may have %u operations at a participant", TX_OPS_MAX);
    }
    if (refusal != TX_REASON_NONE) {
        refuse(core, coordinator, prepare->id, refusal, text);
        return;
    }
    struct part_tx *tx = part_tx_new(core, coordinator, prepare->id, prepare->age, PART_WORKING);
    tx->one_shot = true;
    tx->phase_us = core->now_us;
    tx->token = prepare->token;
    take_members(tx, prepare, self);
    tx->lock_timeout_us = (uint64_t)prepare->lock_timeout_ms * 1000u;
    tx->isolation = prepare->isolation;
    tx->ops = part_copy_ops(&tx->work, prepare->ops, prepare->ops_n);
    tx->ops_n = tx->ops_total = prepare->ops_n;
    tx->results_max = prepare->results_max < SIZE_MAX ? (size_t)prepare->results_max : 0;
    tx->results = part_alloc(&tx->work, tx->ops_n, sizeof *tx->results);
    part_run(core, tx);
}

static void prepare_unknown(struct part_core *core, struct part_coordinator *coordinator,
                            const struct tx_msg_prepare *prepare, size_t self)
{
    struct tx_id id = prepare->id;
    const struct part_tombstone *tombstone = part_tombstone_find(core, id);
    uint64_t incarnation = prepare->members[self].incarnation;
    if (part_may_have_lost(core, incarnation) && !TX_SEEDED_BUG(LOSS_SAYS_NO)) {
        core->stale++; /* that start may have voted YES: nothing may be said of it any more */
        return;
    }
    if (part_mark_covers(coordinator, id) && !TX_SEEDED_BUG(PREPARE_AFTER_COMMIT)) {
        core->stale++;
    } else if (tombstone != NULL) {
        part_vote_tombstone(core, tombstone);
    } else if (id.epoch < coordinator->epoch && !TX_SEEDED_BUG(NO_EPOCH_FENCE)) {
        part_vote_no(core, coordinator, id, TX_REASON_RESTARTED,
                     part_text(core, "coordinator %" PRIu32 " has restarted", coordinator->id));
    } else if (id.seq <= coordinator->floor) {
        part_vote_no(core, coordinator, id, TX_REASON_BUSY,
                     part_text(core, "participant %s cannot tell any more whether it has undone it",
                               core->options.name.s));
    } else if (!prepare->one_shot || of_another_start(core, prepare, self)) {
        refuse(core, coordinator, id, TX_REASON_RESTARTED,
               part_text(core,
                         "participant %s knows nothing of it: it has restarted (incarnation "
                         "%" PRIu64 ", not %" PRIu64 ") or never took part",
                         core->options.name.s, core->options.incarnation, incarnation));
    } else {
        prepare_one_shot(core, coordinator, prepare, self);
    }
}

void part_on_prepare(struct part_core *core, struct part_coordinator *coordinator,
                     const struct tx_msg_prepare *prepare)
{
    size_t self = find_self(core, prepare);
    if (!prepare_valid(prepare, self)) {
        core->violations++;
        return;
    }
    struct part_tx *tx = part_tx_find(core, prepare->id);
    if (tx != NULL)
        prepare_known(core, tx, prepare, self);
    else
        prepare_unknown(core, coordinator, prepare, self);
}
