/* Recovery: the records of the log, in order, make the state again. Records that contradict each
 * other are corruption. */
#include "participant/part_internal.h"

#include <inttypes.h>

/* What is wrong with a record; names its LSN, type and transaction. */
static enum tx_error contradiction(const struct txlog_record *record, struct tx_why *why,
                                   const char *what)
{
    char id[TX_ID_TEXT];
    return tx_why(why, TX_ECORRUPT,
                  "record %" PRIu64 " (%s of transaction %s) contradicts the log before it: %s",
                  record->lsn.n, txlog_type_name(record->type),
                  tx_id_print(txlog_record_tx(record), id), what);
}

static const char *known_state(const struct part_core *core, struct tx_id id)
{
    return part_core_state_name(core, id);
}

/* ---- its own starts ---- */

static enum tx_error recover_start(struct part_core *core, const struct txlog_record *record,
                                   struct tx_why *why)
{
    struct tx_position position = {record->start, record->started.life, record->lsn};
    if (record->start < core->options.incarnation && tx_lineage_add(&core->lineage, position))
        return TX_OK;
    return tx_why(why, TX_ECORRUPT,
                  "record %" PRIu64 " (START %" PRIu64 ") does not follow the starts before it",
                  record->lsn.n, record->start);
}

static enum tx_error recover_starts(struct part_core *core, const struct txlog_record *record,
                                    struct tx_why *why)
{
    const struct txlog_snapshot_begin *begin = &record->snapshot_begin;
    if (tx_lineage_set(&core->lineage, begin->starts, begin->starts_n) &&
        tx_lineage_before(&core->lineage, core->options.incarnation, record->lsn))
        return TX_OK;
    return tx_why(why, TX_ECORRUPT, "record %" PRIu64 " (SNAPSHOT_BEGIN) holds no starts in order",
                  record->lsn.n);
}

/* ---- coordinators ---- */

static enum tx_error recover_epoch(struct part_core *core, const struct txlog_record *record,
                                   struct tx_why *why)
{
    const struct txlog_epoch *epoch = &record->epoch;
    uint64_t number = epoch->known.start;
    if (epoch->coordinator < 1 || epoch->coordinator > TX_COORDINATOR_ID_MAX || number < 1)
        return contradiction(record, why, "it names no coordinator or no epoch");
    struct part_coordinator *coordinator = part_coordinator_find(core, epoch->coordinator);
    if (coordinator == NULL)
        coordinator = part_coordinator_new(core, epoch->coordinator);
    bool same = number == coordinator->epoch && epoch->known.life == coordinator->life;
    if (number <= coordinator->epoch && !(core->restating && same))
        return tx_why(why, TX_ECORRUPT,
                      "record %" PRIu64 " (EPOCH %" PRIu64 " of coordinator %" PRIu32
                      ") comes after epoch %" PRIu64 " of it",
                      record->lsn.n, number, epoch->coordinator, coordinator->epoch);
    if (number > coordinator->epoch)
        coordinator->floor = 0;
    coordinator->epoch = number;
    coordinator->life = epoch->known.life;
    part_coordinator_reached(coordinator, epoch->known.lsn);
    coordinator->address = epoch->address;
    coordinator->epoch_lsn = record->lsn;
    return TX_OK;
}

static enum tx_error recover_forget(struct part_core *core, const struct txlog_record *record,
                                    struct tx_why *why)
{
    const struct txlog_forget *forget = &record->forget;
    struct part_coordinator *coordinator = part_coordinator_find(core, forget->coordinator);
    struct tx_msg_forget words = {.epoch = forget->epoch,
                                  .below = forget->below,
                                  .open = forget->open,
                                  .open_n = forget->open_n};
    if (coordinator == NULL || forget->epoch > coordinator->epoch || !part_forget_valid(&words))
        return tx_why(why, TX_ECORRUPT,
                      "record %" PRIu64 " (FORGET of coordinator %" PRIu32 ", epoch %" PRIu64
                      ") names an epoch that the log does not know, or an impossible mark",
                      record->lsn.n, forget->coordinator, forget->epoch);
    if (!part_mark_merge(coordinator, forget->epoch, forget->below, forget->open, forget->open_n))
        return TX_OK;
    struct part_link *next;
    for (struct part_link *l = coordinator->txs.next; l != &coordinator->txs; l = next) {
        next = l->next;
        (void)part_forget_ended(core, PART_CONTAINER(l, struct part_tx, in_coordinator));
    }
    for (struct part_link *l = coordinator->tombstones.next; l != &coordinator->tombstones;
         l = next) {
        next = l->next;
        struct part_tombstone *tombstone = PART_CONTAINER(l, struct part_tombstone, in_coordinator);
        if (part_mark_covers(coordinator, tombstone->id))
            part_tombstone_drop(core, tombstone);
    }
    return TX_OK;
}

/* The coordinator of a transaction that a record speaks of. */
static enum tx_error find_coordinator(struct part_core *core, const struct txlog_record *record,
                                      struct part_coordinator **coordinator, struct tx_why *why)
{
    struct tx_id id = txlog_record_tx(record);
    *coordinator = tx_id_valid(id) ? part_coordinator_find(core, id.coordinator) : NULL;
    if (*coordinator == NULL || id.epoch > (*coordinator)->epoch)
        return contradiction(record, why, "no EPOCH record of its coordinator comes before");
    return TX_OK;
}

/* ---- transactions ---- */

static const struct txlog_lock *copy_locks(struct tx_arena *arena, const struct txlog_lock *locks,
                                           size_t n)
{
    struct txlog_lock *copy = part_alloc(arena, n, sizeof *copy);
    for (size_t i = 0; i < n; i++) {
        copy[i] = (struct txlog_lock){.mode = locks[i].mode,
                                      .space = part_copy(arena, locks[i].space),
                                      .key = part_copy(arena, locks[i].key),
                                      .range = locks[i].range,
                                      .to = part_copy(arena, locks[i].to)};
    }
    return copy;
}

static struct lock_name lock_place(const struct txlog_lock *lock)
{
    return (struct lock_name){
        .space = lock->space, .key = lock->key, .to = lock->to, .range = lock->range};
}

static bool range_possible(const struct txlog_lock *lock)
{
    return lock->mode == TX_LOCK_S && lock->space.len > 0 && lock->space.len <= TX_SPACE_MAX &&
           lock->key.len <= TX_BOUND_MAX && lock->to.len <= TX_BOUND_MAX &&
           (lock->to.len == 0 || tx_bytes_compare(lock->key, lock->to) < 0);
}

/* Could anybody hold this lock? */
static bool lock_possible(const struct txlog_lock *lock)
{
    if (lock->range)
        return range_possible(lock);
    if (lock->to.len > 0)
        return false;
    bool below_nothing = lock->key.len > 0; /* a key: intentions speak of what is further down */
    if (lock->mode != TX_LOCK_S && lock->mode != TX_LOCK_U && lock->mode != TX_LOCK_X &&
        (below_nothing || lock->mode == TX_LOCK_NONE))
        return false;
    return lock->space.len <= TX_SPACE_MAX && lock->key.len <= TX_KEY_MAX &&
           (lock->space.len > 0 || lock->key.len == 0);
}

static bool locks_possible(const struct txlog_prepared *prepared)
{
    for (size_t i = 0; i < prepared->locks_n; i++) {
        if (!lock_possible(&prepared->locks[i]))
            return false;
    }
    return true;
}

static enum tx_error take_prepared(struct part_core *core, struct part_tx *tx,
                                   const struct txlog_record *record, struct tx_why *why)
{
    const struct txlog_prepared *prepared = &record->prepared;
    tx->lsn = record->lsn;
    tx->log_at = core->log_bytes - record->stored_bytes;
    tx->rm_open = true; /* the shell hands its redo to the resource manager */
    tx_arena_reset(&tx->kept);
    tx_arena_reset(&tx->work);
    tx->members = part_copy_members(&tx->kept, prepared->members, prepared->members_n);
    tx->members_n = prepared->members_n;
    tx->known = part_copy_positions(&tx->kept, prepared->known, prepared->members_n);
    tx->locks = copy_locks(&tx->work, prepared->locks, prepared->locks_n);
    tx->locks_n = prepared->locks_n;
    tx->members_decide = prepared->members_decide;
    for (tx->self = 0; tx->self < tx->members_n; tx->self++) {
        if (tx_name_equal(&tx->members[tx->self].name, &core->options.name))
            return TX_OK;
    }
    return contradiction(record, why, "its members do not name this participant");
}

static enum tx_error recover_prepared(struct part_core *core, const struct txlog_record *record,
                                      struct tx_why *why)
{
    const struct txlog_prepared *prepared = &record->prepared;
    struct part_coordinator *coordinator;
    enum tx_error error = find_coordinator(core, record, &coordinator, why);
    if (error != TX_OK)
        return error;
    if (prepared->members_n > TX_MEMBERS_MAX)
        return contradiction(record, why, "it has too many members");
    if (prepared->members_decide && !tx_members_can_decide(prepared->members, prepared->members_n))
        return contradiction(record, why, "its members cannot decide it");
    if (!locks_possible(prepared))
        return contradiction(record, why, "it holds a lock that cannot be");
    struct part_tx *tx = part_tx_find(core, prepared->id);
    if (tx == NULL && part_tombstone_find(core, prepared->id) != NULL)
        return contradiction(record, why, "it was aborted");
    if (tx == NULL) {
        tx = part_tx_new(core, coordinator, prepared->id, prepared->age, PART_PREPARED);
        part_learn_age(core, prepared->age);
        return take_prepared(core, tx, record, why);
    }
    if (!core->restating || tx->state == PART_COMMITTED)
        return contradiction(record, why, known_state(core, tx->id));
    /* A heuristic one has had its PREPARED restated in front of its HEURISTIC. */
    return tx->state == PART_PREPARED ? take_prepared(core, tx, record, why) : TX_OK;
}

static enum tx_error recover_committed(struct part_core *core, const struct txlog_record *record,
                                       struct tx_why *why)
{
    struct tx_id id = record->committed.id;
    struct part_coordinator *coordinator;
    enum tx_error error = find_coordinator(core, record, &coordinator, why);
    if (error != TX_OK)
        return error;
    struct part_tx *tx = part_tx_find(core, id);
    bool again = tx != NULL && tx->state == PART_COMMITTED && core->restating;
    if (record->committed.one_phase && record->committed.members_decide)
        return contradiction(record, why, "it is of one phase");
    if (tx == NULL && part_tombstone_find(core, id) != NULL)
        return contradiction(record, why, "it was aborted");
    if (tx != NULL && tx->state != PART_PREPARED && !again)
        return contradiction(record, why, known_state(core, id));
    if (tx != NULL)
        part_tx_free(core, tx);
    tx = part_tx_new(core, coordinator, id, (struct tx_age){0}, PART_COMMITTED);
    tx->lsn = record->lsn;
    tx->members_decide = record->committed.members_decide;
    part_coordinator_reached(coordinator, record->committed.known);
    (void)part_forget_ended(core, tx);
    return TX_OK;
}

static enum tx_error recover_aborted(struct part_core *core, const struct txlog_record *record,
                                     struct tx_why *why)
{
    struct part_tx *tx = part_tx_find(core, record->id.id);
    if (tx == NULL || tx->state != PART_PREPARED)
        return contradiction(record, why, known_state(core, record->id.id));
    part_tombstone_put(core, tx->coordinator, tx->id, PART_TOMB_NO, TX_REASON_PRESUMED,
                       tx_bytes_str("aborted after it was prepared"), NULL);
    part_tx_free(core, tx);
    return TX_OK;
}

static enum tx_error recover_heuristic(struct part_core *core, const struct txlog_record *record,
                                       struct tx_why *why)
{
    const struct txlog_heuristic *heuristic = &record->heuristic;
    struct part_tx *tx = part_tx_find(core, heuristic->id);
    if (tx != NULL && tx->state == PART_HEURISTIC && core->restating &&
        tx->heuristic.commit == heuristic->commit)
        return TX_OK;
    if (tx == NULL || tx->state != PART_PREPARED)
        return contradiction(record, why, known_state(core, heuristic->id));
    part_tx_move(core, tx, PART_HEURISTIC, PART_WAIT_NOBODY);
    tx->rm_open = false;
    tx->lsn = record->lsn;
    tx->heuristic = (struct part_heuristic){.commit = heuristic->commit,
                                            .operator_name = heuristic->operator_name,
                                            .wall_ms = heuristic->time_ms};
    return TX_OK;
}

static enum tx_error recover_heuristic_end(struct part_core *core,
                                           const struct txlog_record *record, struct tx_why *why)
{
    struct tx_id id = record->heuristic_end.id;
    struct part_tx *tx = part_tx_find(core, id);
    enum tx_heuristic end = record->heuristic_end.damage ? TX_HEURISTIC_DAMAGE : TX_HEURISTIC_OK;
    if (tx == NULL || tx->state != PART_HEURISTIC)
        return contradiction(record, why, known_state(core, id));
    if (tx->heuristic.end != TX_HEURISTIC_NONE && (!core->restating || tx->heuristic.end != end))
        return contradiction(record, why, "it has ended before");
    tx->heuristic.end = end;
    tx->heuristic.lsn = record->lsn;
    part_unsettled_update(core, tx);
    (void)part_forget_ended(core, tx);
    return TX_OK;
}

static enum tx_error recover_put_aside(struct part_core *core, const struct txlog_record *record,
                                       struct tx_why *why)
{
    const struct txlog_put_aside *aside = &record->put_aside;
    struct part_tx *tx = part_tx_find(core, aside->id);
    if (tx == NULL || tx->state != PART_HEURISTIC)
        return contradiction(record, why, known_state(core, aside->id));
    if (tx->heuristic.put_aside && !core->restating)
        return contradiction(record, why, "it was put aside before");
    tx->heuristic.put_aside = true;
    tx->heuristic.aside = record->lsn;
    tx->heuristic.aside_by = aside->operator_name;
    tx->heuristic.aside_ms = aside->time_ms;
    (void)part_forget_ended(core, tx);
    return TX_OK;
}

static enum tx_error recover_one(struct part_core *core, const struct txlog_record *record,
                                 struct tx_why *why)
{
    switch (record->type) {
    case TXLOG_START:
        core->restating = false; /* a crash may have cut a snapshot */
        return recover_start(core, record, why);
    case TXLOG_EPOCH:
        return recover_epoch(core, record, why);
    case TXLOG_PREPARED:
        return recover_prepared(core, record, why);
    case TXLOG_COMMITTED:
        return recover_committed(core, record, why);
    case TXLOG_ABORTED:
        return recover_aborted(core, record, why);
    case TXLOG_FORGET:
        return recover_forget(core, record, why);
    case TXLOG_HEURISTIC:
        return recover_heuristic(core, record, why);
    case TXLOG_HEURISTIC_END:
        return recover_heuristic_end(core, record, why);
    case TXLOG_PUT_ASIDE:
        return recover_put_aside(core, record, why);
    case TXLOG_ALARM:
        core->alarms_total +=
            part_alarm_keep(core, record->alarm.id, record->alarm.text, record->time_ms);
        return TX_OK;
    case TXLOG_SNAPSHOT_BEGIN:
        core->restating = true;
        return recover_starts(core, record, why);
    case TXLOG_SNAPSHOT_END:
        core->restating = false;
        core->snapshot_end = record->lsn;
        return TX_OK;
    case TXLOG_CUT:
        return part_cut_recover(core, record, why);
    case TXLOG_LOSS:
        return part_loss_recover(core, record, why);
    case TXLOG_READMIT:
    case TXLOG_COMMIT:
    case TXLOG_END:
    case TXLOG_OUTCOME:
    case TXLOG_PEER:
    case TXLOG_NONE:
    case TXLOG_TYPES_N:
        break;
    }
    return tx_why(why, TX_ECORRUPT,
                  "record %" PRIu64 " (%s) does not belong into the log of a "
                  "participant",
                  record->lsn.n, txlog_type_name(record->type));
}

enum tx_error part_core_recover(struct part_core *core, const struct txlog_record *record,
                                struct tx_why *why)
{
    TX_ASSERT(core->recovering);
    if (core->last.n != 0 && record->lsn.n != core->last.n + 1)
        return tx_why(why, TX_EGAP, "record %" PRIu64 " follows record %" PRIu64, record->lsn.n,
                      core->last.n);
    core->last = core->durable = record->lsn;
    core->log_bytes += record->stored_bytes;
    core->log_bytes_from = core->log_bytes;
    return recover_one(core, record, why);
}

/* ---- the end of recovery ---- */

static enum tx_error lock_conflict(struct part_core *core, const struct part_tx *tx,
                                   const struct txlog_lock *lock, struct tx_why *why)
{
    struct lock_wait_info info = {0};
    char id[TX_ID_TEXT];
    char other[TX_ID_TEXT];
    char place[200];
    (void)lockmgr_wait_info(core->locks, tx->owner, &info);
    part_place_print(lock_place(lock), place, sizeof place);
    return tx_why(why, TX_ECORRUPT,
                  "the prepared transactions %s and %s both hold a lock on %s: the log is damaged",
                  tx_id_print(tx->id, id), tx_id_print(info.blocker, other), place);
}

static enum tx_error take_locks(struct part_core *core, struct part_tx *tx, struct tx_why *why)
{
    char id[TX_ID_TEXT];
    tx->owner = lockmgr_begin(core->locks, tx->id, tx->age);
    lockmgr_restoring(tx->owner);
    for (size_t i = 0; i < tx->locks_n && !TX_SEEDED_BUG(NO_RELOCK); i++) {
        const struct txlog_lock *lock = &tx->locks[i];
        switch (lockmgr_acquire(core->locks, tx->owner, lock_place(lock), lock->mode, core->now_us,
                                0, &core->events)) {
        case LOCK_GRANTED:
            break;
        case LOCK_WAITING:
        case LOCK_CONFLICT:
            return lock_conflict(core, tx, lock, why);
        case LOCK_REFUSED:
            return tx_why(why, TX_ELIMIT,
                          "transaction %s was prepared with more locks than fit now; raise the "
                          "limit of %zu locks",
                          tx_id_print(tx->id, id), core->options.locks_max);
        }
    }
    lockmgr_protect(core->locks, tx->owner);
    tx->locks = NULL;
    tx->locks_n = 0;
    tx_arena_deinit(&tx->work);
    return TX_OK;
}

static void resume(struct part_core *core, struct part_tx *tx)
{
    tx->since_us = tx->begun_us = tx->moved_us = core->now_us;
    if (tx->state == PART_HEURISTIC && tx->heuristic.end != TX_HEURISTIC_NONE)
        return;
    tx->noted = tx->state == PART_PREPARED;
    part_in_doubt_begin(core, tx);
    part_inquire(core, tx);
}

static enum tx_error take_all_locks(struct part_core *core, struct tx_why *why)
{
    for (struct part_link *l = core->live.next; l != &core->live; l = l->next) {
        struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_live);
        enum tx_error error = tx->state == PART_PREPARED ? take_locks(core, tx, why) : TX_OK;
        if (error != TX_OK)
            return error;
    }
    TX_ASSERT(core->events.events_n == 0);
    return TX_OK;
}

enum tx_error part_core_recovered(struct part_core *core, struct tx_lsn last, uint64_t now_us,
                                  struct part_actions *actions, struct tx_why *why)
{
    TX_ASSERT(core->recovering);
    if (last.n < core->last.n)
        return tx_why(why, TX_EGAP,
                      "the log ends at record %" PRIu64 ", but record %" PRIu64 " was replayed",
                      last.n, core->last.n);
    core->last = core->durable = last;
    bool follows = tx_lineage_add(
        &core->lineage, (struct tx_position){core->options.incarnation, core->options.life, last});
    TX_ASSERT(follows);
    core->now_us = core->started_us = now_us;
    core->restating = false;
    enum tx_error error = take_all_locks(core, why);
    if (error != TX_OK)
        return error;
    core->recovering = false;
    core->out = actions;
    part_cut_start(core);
    part_loss_start(core);
    for (struct part_coordinator *c = core->coordinators; c != NULL; c = c->hh.next)
        c->heard_us = now_us;
    for (struct part_link *l = core->live.next; l != &core->live; l = l->next)
        resume(core, PART_CONTAINER(l, struct part_tx, in_live));
    if (core->states[PART_PREPARED] > 0)
        part_note(core, (struct tx_id){0},
                  part_text(core,
                            "recovered %zu prepared transactions: their locks are held, their "
                            "coordinators are asked",
                            core->states[PART_PREPARED]));
    core->out = NULL;
    return TX_OK;
}

void part_core_each_prepared(const struct part_core *core,
                             void (*visit)(void *arg, struct tx_id tx, struct tx_lsn prepared),
                             void *arg)
{
    for (const struct part_link *l = core->live.next; l != &core->live; l = l->next) {
        const struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_live);
        if (tx->state == PART_PREPARED)
            visit(arg, tx->id, tx->lsn);
    }
}
