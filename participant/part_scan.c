/* Scans: a read says which range to lock, and is used if nothing has been committed in between.
 *
 * How far a scan reads is known only when it has read. So the first read is made without a lock;
 * then the range that it went through is locked, and no more of it. participant/README.md argues
 * when what was read stands; otherwise it is read again under the lock, and a third time under a
 * lock on the whole range when that read goes further. What is locked too far is given back. */
#include "participant/part_internal.h"

#include "common/rows.h"

#include <string.h>

static const struct tx_op *scan_op(const struct part_tx *tx)
{
    const struct tx_op *op = &tx->ops[tx->ops_done];
    TX_ASSERT(tx->ops_done < tx->ops_n && op->type == TX_OP_SCAN);
    return op;
}

void part_scan_read(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->state == PART_WORKING && scan_op(tx)->limit > 0);
    if (TX_SEEDED_BUG(SCAN_NOT_READ_AGAIN) && tx->scan.phase == PART_SCAN_GUESS) {
        struct tx_result first = tx->results[tx->ops_done];
        tx->op_locked = true;
        part_op_done(tx, &first);
        part_run(core, tx);
        return;
    }
    tx->scan.commits = core->commits;
    part_execute(core, tx);
}

/* ---- what was read ---- */

/* The rows of an answer, as many of them as the message has room for. */
struct read {
    struct tx_bytes rows;
    struct tx_bytes last; /* the last key */
    bool more;
};

/* False when not even the first row has room. */
static bool take_rows(const struct part_core *core, const struct part_tx *tx,
                      const struct tx_result *result, struct read *read)
{
    size_t room = part_results_room(core, tx);
    struct tx_reader reader = tx_reader(result->value);
    struct tx_row row;
    *read = (struct read){.rows = tx_bytes(result->value.data, 0), .more = result->found};
    while (tx_rows_next(&reader, &row)) {
        if (reader.at > room) {
            read->more = true;
            return read->rows.len > 0;
        }
        read->rows.len = reader.at;
        read->last = row.key;
    }
    TX_ASSERT(tx_reader_done(&reader) && (!read->more || read->rows.len > 0));
    return true;
}

static struct lock_name whole_range(const struct tx_op *op)
{
    return (struct lock_name){.space = op->space, .key = op->key, .to = op->to, .range = true};
}

/* The part of the range that the scan has gone through: where it was cut, up to its last row. The
 * place right behind a key needs `memory`, of TX_BOUND_MAX bytes. */
static struct lock_name range_read(const struct tx_op *op, const struct read *read,
                                   uint8_t memory[TX_BOUND_MAX])
{
    struct lock_name range = whole_range(op);
    if (!read->more)
        return range;
    TX_ASSERT(read->last.len > 0 && read->last.len < TX_BOUND_MAX);
    if (op->reverse && !TX_SEEDED_BUG(CUT_AT_WRONG_END)) {
        range.key = read->last;
        return range;
    }
    if (read->last.len > 0)
        memcpy(memory, read->last.data, read->last.len);
    memory[read->last.len] = 0;
    range.to = tx_bytes(memory, read->last.len + (TX_SEEDED_BUG(CUT_TOO_SHORT) ? 0 : 1));
    return range;
}

static bool same_range(struct lock_name a, struct lock_name b)
{
    return tx_bytes_equal(a.key, b.key) && tx_bytes_equal(a.to, b.to);
}

static bool is_within(struct lock_name part, struct lock_name range)
{
    return tx_bytes_compare(range.key, part.key) <= 0 &&
           (range.to.len == 0 || (part.to.len > 0 && tx_bytes_compare(part.to, range.to) <= 0));
}

/* ---- the end: the locks that the isolation level asks for ---- */

/* After an escalation there is nothing left to give back. */
static void release(struct part_core *core, struct part_tx *tx, struct lock_name range)
{
    size_t from = core->events.events_n;
    enum tx_error error = lockmgr_release(core->locks, tx->owner, range, &core->events);
    TX_ASSERT(error == TX_OK || error == TX_ENOTFOUND);
    part_note_wounds(core, from, NULL);
}

static void trim(struct part_core *core, struct part_tx *tx, struct lock_name part)
{
    size_t from = core->events.events_n;
    enum tx_error error = lockmgr_trim(core->locks, tx->owner, tx->scan.range, part, &core->events);
    TX_ASSERT(error == TX_OK || error == TX_ENOTFOUND);
    part_note_wounds(core, from, NULL);
}

/* S on every row while the range is held: none of them can have to wait. False when there is no
 * room for them; the transaction is gone then. */
static bool lock_rows(struct part_core *core, struct part_tx *tx, struct tx_bytes rows)
{
    struct tx_reader reader = tx_reader(rows);
    struct tx_row row;
    while (!tx->wounded && !TX_SEEDED_BUG(ROWS_NOT_LOCKED) && tx_rows_next(&reader, &row)) {
        struct lock_name key = {.space = scan_op(tx)->space, .key = row.key};
        size_t from = core->events.events_n;
        enum lock_status status = lockmgr_acquire(core->locks, tx->owner, key, TX_LOCK_S,
                                                  core->now_us, tx->lock_timeout_us, &core->events);
        part_note_wounds(core, from, NULL);
        if (status == LOCK_REFUSED) {
            part_refuse_room(core, tx);
            return false;
        }
        TX_ASSERT(status == LOCK_GRANTED);
    }
    return true;
}

/* Gives back what was locked on the way. */
static void settle_ranges(struct part_core *core, struct part_tx *tx, struct lock_name read)
{
    const struct part_scan *scan = &tx->scan;
    bool to_end = tx->isolation == TX_SERIALIZABLE;
    if (scan->phase == PART_SCAN_WHOLE)
        release(core, tx, scan->guess);
    if (scan->range_before)
        return; /* not this scan's to give */
    if (!to_end)
        release(core, tx, scan->range);
    else if (!same_range(scan->range, read))
        trim(core, tx, read);
}

/* True when the operation is done; false when the transaction is gone, or wounded. */
static bool finish(struct part_core *core, struct part_tx *tx, const struct read *read,
                   struct lock_name range)
{
    struct tx_result result = {.found = read->more, .value = read->rows};
    if (tx->isolation == TX_REPEATABLE_READ && !lock_rows(core, tx, read->rows))
        return false;
    if (tx->wounded)
        return false;
    if (tx->isolation != TX_READ_UNCOMMITTED && !TX_SEEDED_BUG(SCAN_UNLOCKED))
        settle_ranges(core, tx, range);
    tx->op_locked = true;
    part_op_done(tx, &result);
    return true;
}

/* ---- on the way ---- */

/* What was read is gone when the transaction goes on later. */
static void keep_range(struct part_tx *tx)
{
    struct lock_name *range = &tx->scan.range;
    range->key = part_copy(&tx->work, range->key);
    range->to = part_copy(&tx->work, range->to);
}

/* Asks for the lock on the range that the last read calls for; true when it is held now. Otherwise
 * the transaction waits for it, or is gone, or wounded. */
static bool lock_range(struct part_core *core, struct part_tx *tx, struct lock_name range)
{
    struct part_scan *scan = &tx->scan;
    scan->guess = scan->range;
    scan->range = range;
    scan->range_before = lockmgr_held(core->locks, tx->owner, range) != TX_LOCK_NONE;
    scan->phase++;
    TX_ASSERT(scan->phase == PART_SCAN_GUESS || scan->phase == PART_SCAN_WHOLE);
    enum lock_status status = part_take_lock(core, tx);
    if (status == LOCK_WAITING)
        keep_range(tx);
    return status == LOCK_GRANTED && !tx->wounded;
}

/* The read of a phase that holds less than it turned out to need, or nothing yet. */
static void lock_and_go_on(struct part_core *core, struct part_tx *tx, const struct read *read,
                           struct lock_name range)
{
    struct lock_name wanted = tx->scan.phase == PART_SCAN_FREE ? range : whole_range(scan_op(tx));
    if (TX_SEEDED_BUG(SCAN_NOT_READ_AGAIN))
        tx->results[tx->ops_done] =
            (struct tx_result){read->more, part_copy(&tx->work, read->rows)};
    if (!lock_range(core, tx, wanted))
        return;
    if (tx->scan.range_before || tx->scan.commits == core->commits ||
        TX_SEEDED_BUG(COMMITS_NOT_COUNTED)) {
        if (finish(core, tx, read, range))
            part_run(core, tx);
        return;
    }
    keep_range(tx);
    part_scan_read(core, tx);
}

void part_scan_answered(struct part_core *core, struct part_tx *tx, const struct tx_result *result)
{
    const struct tx_op *op = scan_op(tx);
    uint8_t memory[TX_BOUND_MAX];
    struct read read;
    tx->wait = PART_WAIT_NOBODY;
    if (!take_rows(core, tx, result, &read)) {
        part_refuse_results(core, tx);
        return;
    }
    struct lock_name range = range_read(op, &read, memory);
    bool locked = tx->isolation == TX_READ_UNCOMMITTED || TX_SEEDED_BUG(SCAN_UNLOCKED) ||
                  (tx->scan.phase != PART_SCAN_FREE && is_within(range, tx->scan.range));
    if (!locked)
        lock_and_go_on(core, tx, &read, range);
    else if (finish(core, tx, &read, range))
        part_run(core, tx);
}
