#include "rebuilt.h"

#include "cuts.h"
#include "liar.h"
#include "rule.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TRIES         4u
#define TRANSACTIONS  25u
#define CLIENTS_MAX   4u
#define FIRST_PROCESS 1000u   /* the clients of the first life, as the history names them */
#define SERIAL        500000u /* beyond what a client of the first life has come to */
#define PAUSE_US      UINT64_C(1000000)

/* ---- the cut ---- */

static uint64_t daemons(const struct sim *sim)
{
    return sim->options.coordinators + sim->options.participants;
}

static bool complete(const struct sim *sim, uint64_t number, struct tx_lsn positions[])
{
    for (size_t i = 0; i < daemons(sim); i++) {
        positions[i] = sim_cuts_position(&sim->nodes[i], number);
        if (positions[i].n == 0)
            return false;
    }
    return true;
}

/* Any cut that every daemon has; 0: there is none at hand. */
static uint64_t choose(struct sim *sim, struct tx_lsn positions[])
{
    uint64_t highest = sim->cuts_begun_n > 0 ? sim->cuts_begun[sim->cuts_begun_n - 1].number : 0;

    for (unsigned i = 0; i < TRIES && highest > 0; i++) {
        uint64_t number = sim_random_between(&sim->cutting, 1, highest);

        if (complete(sim, number, positions))
            return number;
    }
    return 0;
}

/* ---- what is known of the first life ---- */

static uint32_t same_text(struct sim *to, const struct sim *from, uint32_t number)
{
    return history_intern(&to->history, history_text(&from->history, number));
}

/* A read that may have been behind the cut says nothing of what is before it. */
static uint32_t copy_ops(struct sim *to, const struct sim *from, const struct history_tx *tx,
                         bool reads, struct history_op *ops)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < tx->ops_n; i++) {
        bool writes = tx->ops[i].type == HISTORY_APPEND || tx->ops[i].type == HISTORY_ADD;

        if (!writes && !reads)
            continue;
        ops[n] = tx->ops[i];
        ops[n++].key = same_text(to, from, tx->ops[i].key);
    }
    return n;
}

/* Whoever was told so before the cut was begun holds it to that. Later ones may be within or not,
 * but for those that were told "aborted": these are nowhere. */
static void copy_tx(struct sim *to, const struct sim *from, const struct history_tx *tx,
                    uint64_t begun_ns)
{
    struct history_op *ops = tx_xcalloc((size_t)tx->ops_n + 1, sizeof *ops);
    uint32_t *wrote = tx_xcalloc((size_t)tx->wrote_n + 1, sizeof *wrote);
    struct history_tx copy = *tx;
    bool before = tx->completed_ns < begun_ns;

    copy.process += FIRST_PROCESS;
    copy.ops = ops;
    copy.ops_n = copy_ops(to, from, tx, before, ops);
    copy.wrote = wrote;
    for (uint32_t i = 0; i < tx->wrote_n; i++)
        wrote[i] = same_text(to, from, tx->wrote[i]);
    if (!before) {
        copy.reads_all = false;
        copy.may_stay_unknown = true;
    }
    if (!before && tx->outcome != TX_OUTCOME_ABORTED) {
        copy.outcome = TX_OUTCOME_UNKNOWN;
        copy.completed_ns = HISTORY_NEVER;
    }
    history_add_tx(&to->history, &copy);
    free(ops);
    free(wrote);
}

static void copy_history(struct sim *to, const struct sim *from, uint64_t begun_us)
{
    for (size_t i = 0; i < from->history.txs_n; i++)
        copy_tx(to, from, &from->history.txs[i], begun_us * 1000);
}

/* ---- the second life ---- */

struct noting {
    struct sim *sim;
    size_t node;
};

static void note_prepared(void *arg, const struct txlog_record *record)
{
    const struct noting *noting = arg;

    rule_appended(noting->sim, noting->node, record);
}

void sim_rebuilt_disks(struct sim *sim)
{
    if (sim->first_life == NULL)
        return;
    for (size_t i = 0; i < daemons(sim); i++) {
        struct noting noting = {sim, i};

        sim_disk_destroy(&sim->nodes[i].disk);
        sim->nodes[i].disk =
            sim_disk_prefix(sim->first_life->nodes[i].disk, sim->first_life->rebuilt_at[i]);
        sim_disk_each(sim->nodes[i].disk, 1u << TXLOG_PREPARED, note_prepared, &noting);
    }
}

static void set_options(struct sim *sim, const struct sim *from)
{
    struct sim_options *options = &sim->options;

    *options = from->options;
    options->transactions = TRANSACTIONS;
    if (options->clients > CLIENTS_MAX)
        options->clients = CLIENTS_MAX;
    if (options->fault_txs > TRANSACTIONS / 4)
        options->fault_txs = TRANSACTIONS / 4;
    options->copy_txs = options->rot = options->lock_calls = options->liar = 0;
    options->old_disk = options->resolve = options->lost_txs = options->twins = 0;
    options->cut_txs = 0;
}

static struct sim *second_life(struct sim *from, uint64_t number)
{
    struct sim *sim = sim_new(from->seed);

    set_options(sim, from);
    sim->first_life = from;
    sim->rebuilt_from = number;
    sim->deaf = from->deaf;
    sim->tracing = from->tracing;
    sim->trace_printed = from->trace_printed;
    sim->random.state = sim_random_next(&from->cutting);
    sim->now = sim->began_us = from->now + PAUSE_US;
    sim->elements = from->elements;
    sim->rows_drawn = from->rows_drawn;
    sim->first_serial = SERIAL;
    copy_history(sim, from, sim_cuts_first_us(from, number));
    return sim;
}

void sim_rebuilt(struct sim *sim)
{
    uint64_t number;
    struct sim *second;

    /* What an operator has decided is no promise of the protocol; an old disk has had cuts that its
     * true one does not know. */
    if (sim->first_life != NULL || sim->decided_at > 0 || sim->resolved_n > 0 ||
        sim->totals.old_disks > 0)
        return;
    number = choose(sim, sim->rebuilt_at);
    if (number == 0)
        return;
    SIM_TRACE(sim, "it is rebuilt from cut %" PRIu64, number);
    second = second_life(sim, number);
    sim->totals.rebuilt++;
    sim->failures += sim_run(second);
    sim_destroy(&second);
}
