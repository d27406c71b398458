#include "participant/part_metrics.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/daemon/node_metrics.h"
#include "participant/kv.h"

#include <stddef.h>

enum open_state {
    OPEN_WORKING,
    OPEN_PREPARING,
    OPEN_IN_DOUBT,
    OPEN_HEURISTIC,
    OPEN_COMMITTED,
    OPEN_STATES_N
};
enum peer { PEER_INTRODUCED, PEER_NEW, PEERS_N };

struct part_values {
    uint64_t begun, committed, found_out;
    uint64_t aborted[TX_REASONS_N];
    uint64_t open[OPEN_STATES_N];
    uint64_t in_doubt, in_doubt_oldest_us, tombstones, inquiries;
    const struct tx_times *operation, *prepare, *doubt, *lock_wait;
    uint64_t locks_held, locks_waiting;
    uint64_t grants, waits, wounds, timeouts, conflicts, refusals, escalations;
    struct kv_stats kv;
    uint64_t coordinators[PEERS_N];
    uint64_t old_copy, draining, disk_low;
};

static const char *state_name(unsigned i)
{
    static const char *const names[] = {"working", "preparing", "prepared", "heuristic",
                                        "committed"};

    return names[i];
}

static const char *peer_name(unsigned i)
{
    static const char *const names[] = {"introduced", "new"};

    return names[i];
}

#define AT(field)                    offsetof(struct part_values, field)
#define ONE(name, kind, field, help) METRIC_ONE(struct part_values, name, kind, field, help)

static const struct metric metrics[] = {
    ONE("assent_participant_begun_total", METRIC_COUNTER, begun,
        "Transactions that have begun here."),
    ONE("assent_participant_committed_total", METRIC_COUNTER, committed,
        "Transactions that have committed here."),
    ONE("assent_participant_committed_found_out_total", METRIC_COUNTER, found_out,
        "Of the committed ones, those whose commit was found out from the other members."),
    {"assent_participant_aborted_total", METRIC_COUNTER, AT(aborted), "reason", TX_REASONS_N,
     node_metric_abort_reason, "Transactions that have been undone here, by reason."},
    {"assent_participant_transactions", METRIC_GAUGE, AT(open), "state", OPEN_STATES_N, state_name,
     "Transactions now, by state; heuristic: decided by an operator; committed: not forgotten "
     "yet."},
    ONE("assent_participant_in_doubt", METRIC_GAUGE, in_doubt,
        "Transactions that have voted to commit and wait for the decision, with their locks."),
    ONE("assent_participant_in_doubt_oldest_seconds", METRIC_GAUGE_SECONDS, in_doubt_oldest_us,
        "How long the oldest of them has been in doubt; 0: none is."),
    ONE("assent_participant_in_doubt_seconds", METRIC_HISTOGRAM_SECONDS, doubt,
        "How long transactions were in doubt, from their prepared record to the decision."),
    ONE("assent_participant_inquiries_total", METRIC_COUNTER, inquiries,
        "How often the coordinator or the members were asked about a transaction in doubt."),
    ONE("assent_participant_tombstones", METRIC_GAUGE, tombstones,
        "Refused transactions that are remembered until their coordinator has forgotten them."),
    ONE("assent_participant_operation_seconds", METRIC_HISTOGRAM_SECONDS, operation,
        "How long a step of an interactive transaction, or all operations of a one-shot, took, "
        "with "
        "waits for locks."),
    ONE("assent_participant_prepare_seconds", METRIC_HISTOGRAM_SECONDS, prepare,
        "How long it took from PREPARE, with the operations of a one-shot done, until its record "
        "was durable."),
    ONE("assent_participant_lock_wait_seconds", METRIC_HISTOGRAM_SECONDS, lock_wait,
        "How long waits for locks lasted, however they ended."),
    ONE("assent_participant_locks_held", METRIC_GAUGE, locks_held, "Locks that are held."),
    ONE("assent_participant_locks_waiting", METRIC_GAUGE, locks_waiting,
        "Requests for locks that wait."),
    ONE("assent_participant_lock_grants_total", METRIC_COUNTER, grants, "Locks granted."),
    ONE("assent_participant_lock_waits_total", METRIC_COUNTER, waits,
        "Requests for locks that had to wait."),
    ONE("assent_participant_lock_wounds_total", METRIC_COUNTER, wounds,
        "Transactions undone because an older one needed their lock."),
    ONE("assent_participant_lock_timeouts_total", METRIC_COUNTER, timeouts,
        "Waits for locks that took longer than their limit."),
    ONE("assent_participant_lock_conflicts_total", METRIC_COUNTER, conflicts,
        "Requests for locks that the policy did not let wait."),
    ONE("assent_participant_lock_refusals_total", METRIC_COUNTER, refusals,
        "Requests for locks refused because limits.locks was reached."),
    ONE("assent_participant_lock_escalations_total", METRIC_COUNTER, escalations,
        "Keyspaces locked as a whole instead of many keys."),
    ONE("assent_participant_cache_hits_total", METRIC_COUNTER, kv.cache_hits,
        "Reads of committed values answered from the cache of values."),
    ONE("assent_participant_cache_misses_total", METRIC_COUNTER, kv.cache_misses,
        "Reads of committed values that had to ask RocksDB."),
    ONE("assent_participant_cache_bytes", METRIC_GAUGE, kv.cache_bytes,
        "Bytes that the cache of values takes."),
    {"assent_participant_coordinators", METRIC_GAUGE, AT(coordinators), "state", PEERS_N, peer_name,
     "Coordinators that are known; introduced: have met this start."},
    ONE("assent_participant_old_copy", METRIC_GAUGE, old_copy,
        "1: another participant has proved that this data directory is an old copy."),
    ONE("assent_participant_draining", METRIC_GAUGE, draining,
        "1: no new transactions are taken, since an operator wants it so."),
    ONE("assent_participant_disk_low", METRIC_GAUGE, disk_low,
        "1: no new transactions are taken, since the disk is at its reserve."),
};

static const struct metric_table table = {metrics, sizeof metrics / sizeof metrics[0]};

static struct part_values values_of(const struct part_stats *stats)
{
    struct part_values values = {
        .begun = stats->begun,
        .committed = stats->committed_total,
        .found_out = stats->found_out,
        .open = {stats->working, stats->preparing, stats->prepared, stats->heuristic,
                 stats->committed},
        .in_doubt = stats->prepared,
        .in_doubt_oldest_us = stats->oldest_prepared_us,
        .tombstones = stats->tombstones,
        .inquiries = stats->inquiries,
        .locks_held = stats->locks_held,
        .locks_waiting = stats->locks_waiting,
        .grants = stats->lock_grants,
        .waits = stats->lock_waits,
        .wounds = stats->lock_wounds,
        .timeouts = stats->lock_timeouts,
        .conflicts = stats->lock_conflicts,
        .refusals = stats->lock_refusals,
        .escalations = stats->lock_escalations,
        .coordinators = {stats->coordinators_introduced,
                         stats->coordinators - stats->coordinators_introduced},
        .old_copy = stats->old_copy,
        .draining = stats->draining,
        .disk_low = stats->disk_low,
    };

    for (unsigned i = 0; i < TX_REASONS_N; i++)
        values.aborted[i] = stats->aborted_by[i];
    return values;
}

void part_metrics_write(struct node_shell *node, const struct part_core *core, const struct rm *rm,
                        FILE *out)
{
    struct part_stats stats;

    part_core_stats(core, clock_now_us(), &stats);
    struct part_values values = values_of(&stats);
    struct node_metrics_of_core of_core = {.pin = stats.pin,
                                           .pin_us = stats.pin_us,
                                           .alarms = stats.alarms,
                                           .violations = stats.violations,
                                           .stale = stats.stale,
                                           .last = stats.last,
                                           .durable = stats.durable};

    values.operation = part_core_times(core, PART_PHASE_OPERATION);
    values.prepare = part_core_times(core, PART_PHASE_PREPARE);
    values.doubt = part_core_times(core, PART_PHASE_IN_DOUBT);
    values.lock_wait = part_core_times(core, PART_PHASE_LOCK_WAIT);
    values.kv = kv_stats(rm);
    node_metrics_write(node, &of_core, out);
    metrics_write(&table, &values, out);
}

void part_metrics_phases(const struct part_core *core, struct node_phases *phases)
{
    static const char *const names[PART_PHASES_N] = {[PART_PHASE_OPERATION] = "operation",
                                                     [PART_PHASE_PREPARE] = "prepare",
                                                     [PART_PHASE_IN_DOUBT] = "in doubt",
                                                     [PART_PHASE_LOCK_WAIT] = "lock wait"};

    for (unsigned i = 0; i < PART_PHASES_N; i++) {
        phases->items[phases->n].name = names[i];
        phases->items[phases->n++].times = part_core_times(core, (enum part_phase)i);
    }
    TX_ASSERT(phases->n <= NODE_PHASES_MAX);
}

void part_metrics_ready(const struct part_core *core, struct node_ready *ready)
{
    struct part_stats stats;

    part_core_stats(core, clock_now_us(), &stats);
    if (stats.old_copy)
        node_ready_reason(ready, "quarantine",
                          "another participant has proved that this data directory is an old copy");
    node_ready_refusing(ready, stats.draining, stats.disk_low);
    if (stats.coordinators_introduced == 0)
        node_ready_reason(ready, "no-coordinator",
                          "no coordinator has introduced itself to this start yet");
    if (stats.heuristic > 0)
        node_ready_warning(ready, "heuristic",
                           "%zu transactions are decided by an operator, and their coordinator has "
                           "not spoken",
                           stats.heuristic);
    if (stats.oldest_prepared_us >= 10u * 1000000u)
        node_ready_warning(ready, "in-doubt",
                           "%zu transactions are in doubt, the oldest for %llu s", stats.prepared,
                           (unsigned long long)(stats.oldest_prepared_us / 1000000u));
    node_ready_alarms(ready, stats.alarms);
}

void part_metrics_print(FILE *out)
{
    metrics_print(&node_metric_table, out);
    metrics_print(&table, out);
}
