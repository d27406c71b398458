#include "sim_history.h"

#include "inside.h"
#include "inside_locks.h"
#include "operator.h"
#include "plan_seats.h"
#include "sim_coordinator.h"
#include "sim_participant.h"
#include "sim_reads.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NS_OF_US 1000u

static uint64_t now_ns(const struct sim *sim)
{
    return sim->now * NS_OF_US;
}

static uint32_t name_of(struct sim *sim, size_t node)
{
    return history_intern(&sim->history, sim->nodes[node].name.s);
}

/* ---- clients ---- */

uint32_t sim_history_key(struct sim *sim, const struct plan_op *op)
{
    static const char *const places[] = {
        [PLAN_BANK] = "bank", [PLAN_LIST] = "lists", [PLAN_ROW] = "rows"};
    bool row = op->place == PLAN_ROW;
    uint32_t *kept = row ? &sim->history_rows[op->participant][op->item]
                         : &sim->history_keys[op->participant][op->place == PLAN_LIST][op->item];
    char text[64];

    TX_ASSERT(op->item < (row ? SIM_ROWS : SIM_ITEMS_MAX));
    if (*kept > 0)
        return *kept - 1;
    snprintf(text, sizeof text, "%s/%s/%u",
             sim->nodes[sim_participant_node(sim, op->participant)].name.s, places[op->place],
             op->item);
    *kept = history_intern(&sim->history, text) + 1;
    return *kept - 1;
}

struct history_op sim_history_bank(struct sim *sim, const struct plan_op *op)
{
    bool reads = op->type == TX_OP_GET || op->type == TX_OP_GET_FOR_UPDATE;

    return (struct history_op){.type = reads ? HISTORY_GET : HISTORY_ADD,
                               .key = sim_history_key(sim, op),
                               .known = op->known,
                               .number = reads ? op->balance : op->number};
}

/* Seats are no part of what is read and appended. */
static uint32_t wrote_seats(struct sim *sim, const struct plan *plan,
                            uint32_t wrote[SIM_PARTICIPANTS_MAX])
{
    bool sure = plan->kind == PLAN_SEATS && plan->isolation == TX_SERIALIZABLE;
    unsigned mask = sure ? plan_writes(plan) : 0;
    uint32_t n = 0;

    for (unsigned i = 0; i < sim->options.participants; i++) {
        if ((mask >> i & 1u) != 0)
            wrote[n++] = name_of(sim, sim_participant_node(sim, i));
    }
    return n;
}

void sim_history_tx(struct sim *sim, const struct sim_attempt *attempt)
{
    const struct plan *plan = attempt->plan;
    uint32_t wrote[SIM_PARTICIPANTS_MAX];
    struct history_tx tx = {
        .process = attempt->client,
        .invoked_ns = attempt->invoked * NS_OF_US,
        .completed_ns =
            attempt->completed == UINT64_MAX ? HISTORY_NEVER : attempt->completed * NS_OF_US,
        .outcome = attempt->outcome,
        .id = attempt->id,
        .wrote = wrote,
        .reads_all = plan->kind == PLAN_TOTAL && plan->isolation <= TX_REPEATABLE_READ,
        .may_stay_unknown = attempt->may_stay_unknown};

    tx.wrote_n = wrote_seats(sim, plan, wrote);
    sim_reads_add(sim, attempt, &tx);
}

void sim_history_told(struct sim *sim, struct tx_id id, enum tx_outcome outcome)
{
    history_add_told(&sim->history, id, outcome);
}

/* ---- nodes ---- */

static void bound(struct sim *sim, size_t node, const char *what, uint64_t value, uint64_t limit)
{
    history_add_bound(&sim->history,
                      &(struct history_bound){.node = name_of(sim, node),
                                              .time_ns = now_ns(sim),
                                              .what = history_intern(&sim->history, what),
                                              .value = value,
                                              .limit = limit});
}

/* The history that is asked for; what comes until the next snapshot is due, twice, since the first
 * may be on its way to the disk; and that snapshot. */
static void bound_log(struct sim *sim, size_t at, uint64_t live)
{
    struct sim_node *node = &sim->nodes[at];
    uint64_t every = sim->options.snapshot_records;

    if (live > node->live_most)
        node->live_most = live;
    /* A transaction takes up to three records, a coordinator some, and crashes cut snapshots. */
    live = 3 * node->live_most + 100;
    if (every < live)
        every = live;
    bound(sim, at, "log records", sim_disk_retained(node->disk),
          sim->options.retain_records + 2 * every + live);
}

void sim_history_look(struct sim *sim, size_t at)
{
    const struct sim_node *node = &sim->nodes[at];
    struct part_stats part;
    struct coord_stats coord;

    if (node->participant != NULL) {
        part_core_stats(sim_participant_core(node), sim_clock(sim, at), &part);
        inside_locks(sim_participant_core(node), &sim->history, name_of(sim, at), now_ns(sim));
        inside_locks_ranges(sim, at);
        bound(sim, at, "tombstones", part.tombstones, sim->options.tombstones_max);
        bound_log(sim, at, inside_part_live(sim_participant_core(node)));
    }
    if (node->coordinator != NULL) {
        coord_core_stats(sim_coordinator_core(node), &coord);
        bound(sim, at, "outcomes", coord.retained, sim->options.retained_max);
        bound_log(sim, at, inside_coord_live(sim_coordinator_core(node)));
    }
}

static void end_of(struct sim *sim, size_t at)
{
    const struct sim_node *node = &sim->nodes[at];
    struct history_end end = {.node = name_of(sim, at), .alarms = node->alarms};
    struct part_stats part;
    struct coord_stats coord;

    if (node->participant != NULL) {
        part_core_stats(sim_participant_core(node), sim_clock(sim, at), &part);
        end.working = part.working;
        end.preparing = part.preparing;
        end.prepared = part.prepared;
        end.locks = part.locks_held;
        end.waiting = part.locks_waiting;
    }
    if (node->coordinator != NULL) {
        coord_core_stats(sim_coordinator_core(node), &coord);
        end.open = coord.active + coord.collecting + coord.deciding + coord.committed;
    }
    history_add_end(&sim->history, &end);
}

/* ---- what is on the disks ---- */

struct reading {
    struct sim *sim;
    size_t node;
};

static void add_record(void *arg, const struct txlog_record *record)
{
    const struct reading *reading = arg;
    struct sim *sim = reading->sim;
    uint32_t members[SIM_PARTICIPANTS_MAX];
    struct history_record out = {.node = name_of(sim, reading->node),
                                 .lsn = record->lsn.n,
                                 .id = txlog_record_tx(record),
                                 .members = members};

    if (sim_operator_decided(sim, out.id))
        return;
    if (record->type == TXLOG_PREPARED) {
        out.type = HISTORY_PREPARED;
        out.members_decide = record->prepared.members_decide;
        for (size_t i = 0; out.members_decide && i < record->prepared.members_n; i++)
            members[out.members_n++] =
                history_intern(&sim->history, record->prepared.members[i].name.s);
    }
    if (record->type == TXLOG_ABORTED)
        out.type = HISTORY_ABORTED;
    if (record->type == TXLOG_COMMITTED) {
        out.type = HISTORY_COMMITTED;
        out.one_phase = record->committed.one_phase;
    }
    if (record->type == TXLOG_COMMIT) {
        out.type = HISTORY_COMMIT;
        for (size_t i = 0; i < record->commit.members_n; i++)
            members[out.members_n++] =
                history_intern(&sim->history, record->commit.members[i].name.s);
    }
    history_add_record(&sim->history, &out);
}

static enum tx_error add_balance(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    const struct reading *reading = arg;
    struct sim *sim = reading->sim;
    char text[24] = "", name[64];

    if (key.len < 5 || !tx_bytes_equal(tx_bytes(key.data + 1, 4), tx_bytes_str("bank")))
        return TX_OK;
    TX_ASSERT(value.len > 0 && value.len < sizeof text);
    memcpy(text, value.data, value.len);
    snprintf(name, sizeof name, "%s/bank/%.*s", sim->nodes[reading->node].name.s,
             (int)(key.len - 5), (const char *)key.data + 5);
    history_add_balance(&sim->history, history_intern(&sim->history, name),
                        strtoll(text, NULL, 10));
    return TX_OK;
}

static void read_disk(struct sim *sim, size_t at)
{
    static const unsigned types =
        1u << TXLOG_PREPARED | 1u << TXLOG_COMMITTED | 1u << TXLOG_ABORTED | 1u << TXLOG_COMMIT;
    const struct sim_node *node = &sim->nodes[at];
    struct reading reading = {.sim = sim, .node = at};
    bool participant = node->role == SIM_PARTICIPANT;
    enum tx_error error;

    history_add_log(&sim->history, name_of(sim, at),
                    participant ? TX_ROLE_PARTICIPANT : TX_ROLE_COORDINATOR);
    sim_disk_each(node->disk, types, add_record, &reading);
    if (!participant)
        return;
    error = txlog_data_each(sim_disk_log(node->disk), add_balance, &reading, NULL);
    TX_ASSERT(error == TX_OK);
}

void sim_history_end(struct sim *sim)
{
    snprintf(sim->history.source, sizeof sim->history.source, "txsim seed %" PRIu64, sim->seed);
    sim->history.bank_checked = true;
    sim->history.final = true;
    sim_operator_collect(sim);
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].role == SIM_CLIENT)
            continue;
        sim_history_look(sim, i);
        end_of(sim, i);
        read_disk(sim, i);
    }
    plan_seats_end(sim);
    sim_operator_end(sim);
}
