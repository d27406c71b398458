#include "sim_reads.h"

#include "plan_scan.h"

#include <stdlib.h>
#include <string.h>

#define FEW 16u /* operations of most transactions */

struct ops {
    struct history_op few[FEW];
    struct history_op *more; /* in place of the few; NULL: there are not so many */
    uint32_t n, capacity;
};

struct reading {
    struct sim *sim;
    const struct plan *plan;
    const struct history_tx *tx;
    struct ops own;  /* of the transaction */
    struct ops once; /* read at one moment, and not locked after that */
};

static void add(struct ops *ops, struct history_op op)
{
    if (ops->n < FEW && ops->more == NULL) {
        ops->few[ops->n++] = op;
        return;
    }
    if (ops->n >= ops->capacity) {
        ops->capacity = ops->n * 2;
        ops->more = tx_xrealloc(ops->more, ops->capacity * sizeof *ops->more);
        if (ops->n == FEW)
            memcpy(ops->more, ops->few, sizeof ops->few);
    }
    ops->more[ops->n++] = op;
}

static const struct history_op *all(const struct ops *ops)
{
    return ops->more != NULL ? ops->more : ops->few;
}

/* ---- reads that stand alone ---- */

/* At read committed everything that was read at once was locked while it was: as a transaction that
 * does nothing else, somewhere in the time of this one. Without a lock it may have come late, too:
 * what was promised to others may have been on its way here. */
static void flush(struct reading *reading)
{
    struct history_tx alone = *reading->tx;

    alone.ops = all(&reading->once);
    alone.ops_n = reading->once.n;
    alone.reads_all = false;
    alone.wrote_n = 0;
    if (reading->plan->isolation == TX_READ_UNCOMMITTED) {
        alone.invoked_ns = 0;
        alone.completed_ns = HISTORY_NEVER - 1;
    }
    if (alone.ops_n > 0 && alone.outcome == TX_OUTCOME_COMMITTED)
        history_add_tx(&reading->sim->history, &alone);
    reading->once.n = 0;
}

static void read_once(struct reading *reading, struct history_op op)
{
    add(&reading->once, op);
    if (reading->plan->isolation == TX_READ_UNCOMMITTED)
        flush(reading); /* not even two keys at one moment: commits arrive one by one */
}

/* ---- operations ---- */

/* Has it locked this key before, to the end, by an operation of its own? */
static bool is_locked(const struct plan *plan, const struct plan_op *before, unsigned item)
{
    for (const struct plan_op *op = plan->ops; op < before; op++) {
        if (op->place == before->place && op->participant == before->participant &&
            op->item == item && (op->type == TX_OP_GET_FOR_UPDATE || tx_op_writes(op->type)))
            return true;
    }
    return false;
}

static struct history_op read_of(struct reading *reading, const struct plan_op *op, unsigned item)
{
    struct plan_op key = *op;

    key.item = item;
    return (struct history_op){
        .type = HISTORY_READ, .key = sim_history_key(reading->sim, &key), .known = op->known};
}

static void add_row(struct reading *reading, const struct plan_op *op, unsigned item,
                    const struct plan_row *row)
{
    struct history_op read = read_of(reading, op, item);
    enum tx_isolation isolation = reading->plan->isolation;
    bool own = isolation == TX_SERIALIZABLE || is_locked(reading->plan, op, item);

    if (row != NULL) {
        read.list = row->list;
        read.list_n = row->list_n;
    }
    if (own || (isolation == TX_REPEATABLE_READ && row != NULL))
        add(&reading->own, read);
    if (!own)
        read_once(reading, read);
}

/* Every row that it went over, found or not. */
static void add_scan(struct reading *reading, const struct plan_op *op)
{
    const struct plan_span *span = &reading->plan->spans[op->span];
    unsigned top = plan_scan_top(reading->sim);
    unsigned end = span->end < top ? span->end : top;
    uint32_t next = 0;

    if (!op->known)
        return;
    for (unsigned item = span->begin; item < end; item++) {
        const struct plan_row *row = NULL;
        uint32_t at = span->reverse ? span->rows_n - 1 - next : next;

        if (next < span->rows_n && span->rows[at].item == item) {
            row = &span->rows[at];
            next++;
        }
        add_row(reading, op, item, row);
    }
    TX_ASSERT(next == span->rows_n);
    flush(reading);
}

static void add_get(struct reading *reading, const struct plan_op *op)
{
    struct history_op read = read_of(reading, op, op->item);

    read.list = op->list;
    read.list_n = op->known ? op->list_n : 0;
    if (op->type == TX_OP_GET && reading->plan->isolation >= TX_READ_COMMITTED &&
        !is_locked(reading->plan, op, op->item)) {
        read_once(reading, read);
        flush(reading);
    } else {
        add(&reading->own, read);
    }
}

static void add_write(struct reading *reading, const struct plan_op *op)
{
    struct history_op append = read_of(reading, op, op->item);

    if (op->type == TX_OP_INSERT) { /* nothing was there, if it has committed */
        append.known = true;
        add(&reading->own, append);
    }
    append.type = HISTORY_APPEND;
    append.number = op->number;
    add(&reading->own, append);
}

static void add_op(struct reading *reading, const struct plan_op *op)
{
    if (op->place == PLAN_BANK)
        add(&reading->own, sim_history_bank(reading->sim, op));
    if (op->place != PLAN_LIST && op->place != PLAN_ROW)
        return;
    if (op->type == TX_OP_SCAN)
        add_scan(reading, op);
    else if (tx_op_writes(op->type))
        add_write(reading, op);
    else
        add_get(reading, op);
}

void sim_reads_add(struct sim *sim, const struct sim_attempt *attempt, struct history_tx *tx)
{
    struct reading reading;

    reading.sim = sim;
    reading.plan = attempt->plan;
    reading.tx = tx;
    reading.own.more = reading.once.more = NULL;
    reading.own.n = reading.once.n = reading.own.capacity = reading.once.capacity = 0;
    for (unsigned i = 0; i < attempt->plan->ops_n; i++)
        add_op(&reading, &attempt->plan->ops[i]);
    tx->ops = all(&reading.own);
    tx->ops_n = reading.own.n;
    history_add_tx(&sim->history, tx);
    free(reading.own.more);
    free(reading.once.more);
}
