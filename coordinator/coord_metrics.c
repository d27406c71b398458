#include "coordinator/coord_metrics.h"

#include "common/assert.h"
#include "common/daemon/node_metrics.h"

#include <stddef.h>

enum open_state { OPEN_ACTIVE, OPEN_COLLECTING, OPEN_DECIDING, OPEN_COMMITTED, OPEN_STATES_N };
enum phase { PHASE_BEGIN, PHASE_OPERATIONS, PHASE_PREPARE, PHASE_DECISION, PHASES_N };
enum outcome { OUTCOME_COMMITTED, OUTCOME_ABORTED, OUTCOMES_N };
enum peer { PEER_UP, PEER_DOWN, PEER_QUARANTINED, PEERS_N };

struct coord_values {
    uint64_t begun, committed, members_committed, unknown;
    uint64_t aborted[TX_REASONS_N];
    uint64_t open[OPEN_STATES_N];
    uint64_t open_oldest_us, retained, preventing, prevented;
    const struct tx_times *phases[PHASES_N], *totals[OUTCOMES_N];
    uint64_t peers[PEERS_N];
    uint64_t resends, fenced, draining, disk_low;
    uint64_t backup_every_s, backup_newest_s, backup_next_s, backup_running;
    uint64_t backups, backups_failed, backup_took_us, backup_bytes, backup_stored;
};

static const char *state_name(unsigned i)
{
    static const char *const names[] = {"active", "collecting", "deciding", "committed"};

    return names[i];
}

static const char *phase_name(unsigned i)
{
    static const char *const names[] = {"begin", "operations", "prepare", "decision"};

    return names[i];
}

static const char *outcome_name(unsigned i)
{
    static const char *const names[] = {"committed", "aborted"};

    return names[i];
}

static const char *peer_name(unsigned i)
{
    static const char *const names[] = {"up", "down", "quarantined"};

    return names[i];
}

#define AT(field)                    offsetof(struct coord_values, field)
#define ONE(name, kind, field, help) METRIC_ONE(struct coord_values, name, kind, field, help)

static const struct metric metrics[] = {
    ONE("assent_coordinator_begun_total", METRIC_COUNTER, begun,
        "Transactions that a BEGIN or a SUBMIT has begun."),
    ONE("assent_coordinator_committed_total", METRIC_COUNTER, committed,
        "Transactions that have committed."),
    ONE("assent_coordinator_committed_by_members_total", METRIC_COUNTER, members_committed,
        "Of the committed ones, those that their members decided among themselves."),
    {"assent_coordinator_aborted_total", METRIC_COUNTER, AT(aborted), "reason", TX_REASONS_N,
     node_metric_abort_reason,
     "Transactions that have aborted, by the reason that their client was given."},
    ONE("assent_coordinator_unknown_total", METRIC_COUNTER, unknown,
        "Answers that an outcome is unknown here."),
    {"assent_coordinator_open", METRIC_GAUGE, AT(open), "state", OPEN_STATES_N, state_name,
     "Transactions now, by state; committed: not acknowledged by all participants yet."},
    ONE("assent_coordinator_open_oldest_seconds", METRIC_GAUGE_SECONDS, open_oldest_us,
        "How long the oldest open transaction has been open; 0: none is."),
    ONE("assent_coordinator_retained", METRIC_GAUGE, retained,
        "Outcomes of finished transactions that can still be asked for."),
    ONE("assent_coordinator_preventing", METRIC_GAUGE, preventing,
        "Undecided transactions that were left to their members to refuse."),
    ONE("assent_coordinator_prevented_total", METRIC_COUNTER, prevented,
        "How often a transaction was left to its members to refuse."),
    {"assent_coordinator_phase_seconds", METRIC_HISTOGRAM_SECONDS, AT(phases), "phase", PHASES_N,
     phase_name,
     "How long the phases of transactions took: begin, BEGIN taken off the network until its "
     "answer "
     "is handed to it; operations, from then to the commit request; prepare, the first PREPARE to "
     "the last vote; decision, the last vote until the commit is durable, which is at once where "
     "the members decide."},
    {"assent_coordinator_transaction_seconds", METRIC_HISTOGRAM_SECONDS, AT(totals), "outcome",
     OUTCOMES_N, outcome_name,
     "How long transactions took from BEGIN or SUBMIT to their outcome, by that."},
    {"assent_coordinator_participants", METRIC_GAUGE, AT(peers), "state", PEERS_N, peer_name,
     "Participants by state; quarantined: back with an old disk or a cut log."},
    ONE("assent_coordinator_resends_total", METRIC_COUNTER, resends,
        "Messages about a transaction sent again because no answer came in time."),
    ONE("assent_coordinator_fenced", METRIC_GAUGE, fenced,
        "1: a later start of this coordinator exists, and this one is silent."),
    ONE("assent_coordinator_draining", METRIC_GAUGE, draining,
        "1: no new transactions are taken, since an operator wants it so."),
    ONE("assent_coordinator_disk_low", METRIC_GAUGE, disk_low,
        "1: no new transactions are taken, since the disk is at its reserve."),
    ONE("assent_coordinator_backup_every_seconds", METRIC_GAUGE, backup_every_s,
        "How often backups are to be taken by the schedule (backup.every); 0: there is none."),
    ONE("assent_coordinator_backup_newest_time_seconds", METRIC_GAUGE, backup_newest_s,
        "When the newest backup in the repository of the schedule was begun, by whomever, in "
        "seconds since 1970; 0: there is none."),
    ONE("assent_coordinator_backup_next_time_seconds", METRIC_GAUGE, backup_next_s,
        "When the next one is due, in seconds since 1970; 0: at once, or there is no schedule."),
    ONE("assent_coordinator_backup_running", METRIC_GAUGE, backup_running,
        "1: this coordinator is taking a backup by the schedule."),
    ONE("assent_coordinator_backups_total", METRIC_COUNTER, backups,
        "Backups that this coordinator has taken by the schedule."),
    ONE("assent_coordinator_backups_failed_total", METRIC_COUNTER, backups_failed,
        "Attempts at one that have failed."),
    ONE("assent_coordinator_backup_seconds", METRIC_GAUGE_SECONDS, backup_took_us,
        "How long its last one took."),
    ONE("assent_coordinator_backup_bytes", METRIC_GAUGE, backup_bytes,
        "How many bytes its last one holds, of all nodes and uncompressed."),
    ONE("assent_coordinator_backup_added_bytes", METRIC_GAUGE, backup_stored,
        "How many bytes its last one has added to the repository."),
};

static const struct metric_table table = {metrics, sizeof metrics / sizeof metrics[0]};

static void fill_durations(const struct coord_core *core, const struct tx_times *begin,
                           struct coord_values *values)
{
    values->phases[PHASE_BEGIN] = begin;
    values->phases[PHASE_OPERATIONS] = coord_core_times(core, COORD_PHASE_OPERATIONS);
    values->phases[PHASE_PREPARE] = coord_core_times(core, COORD_PHASE_PREPARE);
    values->phases[PHASE_DECISION] = coord_core_times(core, COORD_PHASE_DECISION);
    values->totals[OUTCOME_COMMITTED] = coord_core_times(core, COORD_PHASE_COMMITTED);
    values->totals[OUTCOME_ABORTED] = coord_core_times(core, COORD_PHASE_ABORTED);
}

void coord_metrics_write(struct node_shell *node, const struct coord_core *core,
                         const struct tx_times *begin, const struct backup_schedule_view *backup,
                         FILE *out)
{
    struct coord_stats stats;

    coord_core_stats(core, &stats);
    struct coord_values values = {
        .begun = stats.begun,
        .committed = stats.committed_total,
        .members_committed = stats.members_committed,
        .unknown = stats.unknown_total,
        .open = {stats.active, stats.collecting, stats.deciding, stats.committed},
        .open_oldest_us = stats.oldest_us,
        .retained = stats.retained,
        .preventing = stats.preventing,
        .prevented = stats.prevented,
        .peers = {stats.peers_up, stats.peers_down, stats.peers_quarantined},
        .resends = stats.resends,
        .fenced = stats.fenced,
        .draining = stats.draining,
        .disk_low = stats.disk_low,
        .backup_every_s = (backup->every_ms + 999u) / 1000u,
        .backup_newest_s = backup->newest_ms / 1000u,
        .backup_next_s = backup->next_ms / 1000u,
        .backup_running = backup->running,
        .backups = backup->taken,
        .backups_failed = backup->failed,
        .backup_took_us = backup->took_ms * 1000u,
        .backup_bytes = backup->bytes,
        .backup_stored = backup->stored,
    };
    struct node_metrics_of_core of_core = {.pin = stats.pin,
                                           .pin_us = stats.pin_us,
                                           .alarms = stats.alarms,
                                           .violations = stats.violations,
                                           .stale = stats.stale,
                                           .last = stats.last,
                                           .durable = stats.durable};

    for (unsigned i = 0; i < TX_REASONS_N; i++)
        values.aborted[i] = stats.aborted_by[i];
    fill_durations(core, begin, &values);
    node_metrics_write(node, &of_core, out);
    metrics_write(&table, &values, out);
}

void coord_metrics_phases(const struct coord_core *core, const struct tx_times *begin,
                          struct node_phases *phases)
{
    struct coord_values values;

    fill_durations(core, begin, &values);
    for (unsigned i = 0; i < PHASES_N; i++) {
        phases->items[phases->n].name = phase_name(i);
        phases->items[phases->n++].times = values.phases[i];
    }
    phases->items[phases->n].name = "end to end";
    phases->items[phases->n++].times = values.totals[OUTCOME_COMMITTED];
    TX_ASSERT(phases->n <= NODE_PHASES_MAX);
}

void coord_metrics_ready(const struct coord_core *core, struct node_ready *ready)
{
    struct coord_stats stats;

    coord_core_stats(core, &stats);
    if (stats.fenced)
        node_ready_reason(ready, "fenced",
                          "a later start of this coordinator exists; stop this one and start it on "
                          "its newest data directory");
    node_ready_refusing(ready, stats.draining, stats.disk_low);
    if (stats.peers_up == 0 && stats.peers_quarantined > 0)
        node_ready_reason(ready, "quarantine",
                          "%zu participants came back with an old disk or a cut log, and no other "
                          "one is up: txctl readmit NAME says what they lack",
                          stats.peers_quarantined);
    else if (stats.peers_up == 0)
        node_ready_reason(ready, "no-participant", "no participant is up");
    else if (stats.peers_quarantined > 0)
        node_ready_warning(
            ready, "quarantine",
            "%zu participants came back with an old disk or a cut log: txctl readmit "
            "NAME says what they lack",
            stats.peers_quarantined);
    if (stats.peers_up > 0 && stats.peers_down > 0)
        node_ready_warning(ready, "participants-down", "%zu participants are not up",
                           stats.peers_down);
    node_ready_alarms(ready, stats.alarms);
}

void coord_metrics_print(FILE *out)
{
    metrics_print(&node_metric_table, out);
    metrics_print(&table, out);
}
