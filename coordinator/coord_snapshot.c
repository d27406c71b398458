/* Snapshots: the live state restated in the log, so that what lies before can be dropped. */
#include "coordinator/coord_internal.h"

struct txlog_record coord_commit_record(struct coord_core *core, const struct coord_tx *tx)
{
    struct tx_member *members = coord_alloc(core, tx->members_n, sizeof *members);
    size_t n = 0;
    for (size_t i = 0; i < tx->members_n; i++) {
        const struct coord_member *member = &tx->members[i];
        if (coord_member_commits(member)) {
            members[n++] = (struct tx_member){
                .name = member->peer->name,
                .address = member->peer->address,
                .incarnation = member->incarnation,
                .read_only = member->read_only,
            };
        }
    }
    TX_ASSERT(n > 0);
    return (struct txlog_record){
        .type = TXLOG_COMMIT,
        .commit = {.id = tx->id,
                   .age = tx->age,
                   .key = coord_copy(core, tx->key),
                   .members = members,
                   .members_n = n},
    };
}

static void restate_peers(struct coord_core *core)
{
    for (size_t i = 0; i < core->peers_n; i++) {
        const struct coord_peer *peer = core->peers[i];
        if (peer->known.start > 0) {
            struct txlog_record record = {
                .type = TXLOG_PEER,
                .peer = {.name = peer->name, .known = peer->known},
            };
            (void)coord_append(core, &record, false);
        }
    }
}

static void restate_tx(struct coord_core *core, const struct coord_tx *tx)
{
    struct txlog_record record;
    switch (tx->logged) {
    case COORD_LOGGED_NOTHING:
        break;
    case COORD_LOGGED_COMMIT:
        if (TX_SEEDED_BUG(LOG_CUT_TOO_EARLY) && !tx->logged_end) {
            break;
        }
        record = coord_commit_record(core, tx);
        (void)coord_append(core, &record, false);
        if (tx->logged_end) {
            record = coord_end_record(core, tx);
            (void)coord_append(core, &record, false);
        }
        break;
    case COORD_LOGGED_OUTCOME:
        record = (struct txlog_record){
            .type = TXLOG_OUTCOME,
            .outcome = {.id = tx->id,
                        .outcome = TX_OUTCOME_COMMITTED,
                        .peer = coord_member_ack(&tx->members[0])},
        };
        (void)coord_append(core, &record, false);
        break;
    }
}

static void restate_alarms(struct coord_core *core)
{
    for (size_t i = 0; i < core->alarms_n; i++) {
        const struct coord_alarm *alarm = &core->alarms[(core->alarms_first + i) % core->alarms_n];
        struct txlog_record record = {
            .type = TXLOG_ALARM,
            .time_ms = alarm->raised_ms,
            .alarm = {.id = alarm->tx, .text = coord_copy(core, alarm->text)},
        };
        (void)coord_append(core, &record, false);
    }
}

static void snapshot(struct coord_core *core)
{
    struct txlog_record begin = {.type = TXLOG_SNAPSHOT_BEGIN,
                                 .snapshot_begin = {.age_counter = core->age_counter,
                                                    .presume_from = core->presume_from,
                                                    .starts = coord_starts(core),
                                                    .starts_n = core->lineage.n}};
    core->snapshot_begin = coord_append(core, &begin, false);
    restate_peers(core);
    coord_cut_restate(core);
    if (core->forgotten_epoch > 0) {
        struct txlog_record forget = coord_forget_record(core);
        (void)coord_append(core, &forget, false);
    }
    const struct coord_tx *tx;
    TAILQ_FOREACH(tx, &core->all, in_all)
    {
        restate_tx(core, tx);
    }
    restate_alarms(core);
    struct txlog_record end = {.type = TXLOG_SNAPSHOT_END,
                               .snapshot_end = {.begin = core->snapshot_begin}};
    struct tx_lsn lsn = coord_append(core, &end, false);
    coord_queue_push(&core->queue, (struct coord_resting){.lsn = lsn, .what = COORD_REST_SNAPSHOT});
    core->snapshot_open = true;
    core->snapshot_next = 0;
}

void coord_snapshot_maybe(struct coord_core *core)
{
    size_t live = core->peers_n + core->alarms_n + core->cuts.n + core->counts[COORD_DECIDING] +
                  core->counts[COORD_COMMITTED] + 2 * core->counts[COORD_FINISHED_COMMITTED];
    bool due = core->snapshot_next >= core->options.snapshot_records &&
               core->snapshot_next >= 2 * (uint64_t)live;
    if (due && !core->snapshot_open && !core->fenced) {
        snapshot(core);
    }
}

void coord_snapshot_durable(struct coord_core *core)
{
    TX_ASSERT(core->snapshot_open);
    core->snapshot_open = false;
    uint64_t history = core->options.retain_records;
    uint64_t upto = core->last.n > history ? core->last.n - history : 0;
    uint64_t most = core->snapshot_begin.n - 1;
    upto = upto < most ? upto : most;
    if (upto > 0 && !core->fenced) {
        coord_compact(core, (struct tx_lsn){upto});
    }
}
