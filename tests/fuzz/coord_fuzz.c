#include "coord_fuzz.h"

#include "common/assert.h"
#include "txlog/recovery.h"

#include <string.h>

#define ACTIONS_MAX 20000u /* of one step: more would not be bounded by its input */

/* ---- actions ---- */

static void append(struct coord_fuzz *f, struct coord_action *action)
{
    TX_ASSERT(!f->fenced); /* nothing is written behind the record that says so */
    action->record.start = f->options.epoch;
    fuzz_log_append(&f->log, &action->record, NULL, 0);
}

static void perform(struct coord_fuzz *f, struct coord_action *action)
{
    struct tx_why why = {{0}};
    enum tx_error error;
    switch (action->type) {
    case COORD_ACTION_SEND:
    case COORD_ACTION_REPLY:
        coord_fuzz_check_sent(f, action);
        return;
    case COORD_ACTION_APPEND:
        append(f, action);
        return;
    case COORD_ACTION_COMPACT:
        error = txlog_compact(sim_disk_log(f->log.disk), action->lsn, &why);
        TX_ASSERT(error == TX_OK);
        return;
    case COORD_ACTION_STAMP:
        TX_ASSERT(action->cut > f->stamped);
        f->stamped = action->cut;
        return;
    case COORD_ACTION_ALARM:
    case COORD_ACTION_NOTE:
        TX_ASSERT(action->text.len > 0);
        return;
    }
}

static void check(struct coord_fuzz *f)
{
    struct coord_stats stats;
    coord_core_check(f->core);
    coord_core_stats(f->core, &stats);
    TX_ASSERT(stats.active + stats.collecting + stats.deciding <= f->options.txs_max);
    TX_ASSERT(!f->fenced || stats.fenced);
    f->fenced = stats.fenced;
}

static void perform_all(struct coord_fuzz *f)
{
    TX_ASSERT(f->actions.n < ACTIONS_MAX);
    for (size_t i = 0; i < f->actions.n && f->actions_left > 0; i++) {
        perform(f, &f->actions.items[i]);
        f->actions_left -= f->actions_left != SIZE_MAX;
    }
    coord_actions_clear(&f->actions);
    check(f);
}

/* ---- events ---- */

void coord_fuzz_step(struct coord_fuzz *f, const struct coord_event *event)
{
    coord_core_step(f->core, event, f->now_us, &f->actions);
    perform_all(f);
}

void coord_fuzz_durable(struct coord_fuzz *f, uint64_t lsn)
{
    sim_disk_synced(f->log.disk, (struct tx_lsn){lsn});
    coord_fuzz_step(f, &(struct coord_event){.type = COORD_EVENT_DURABLE, .lsn = {lsn}});
}

void coord_fuzz_pass(struct coord_fuzz *f, uint64_t us)
{
    f->now_us += us;
    if (coord_core_deadline(f->core) > f->now_us)
        return;
    coord_fuzz_step(f, &(struct coord_event){.type = COORD_EVENT_TICK});
    TX_ASSERT(coord_core_deadline(f->core) > f->now_us); /* or the daemon would spin */
}

/* ---- life ---- */

static enum tx_error replay(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    struct coord_fuzz *f = arg;
    return coord_core_recover(f->core, record, why);
}

static void start(struct coord_fuzz *f)
{
    struct txlog *log = sim_disk_log(f->log.disk);
    struct recovery_summary summary;
    struct tx_why why = {{0}};
    f->options.epoch = txlog_last_start(log) + 1;
    f->options.life = 0x50 + ++f->starts;
    f->options.nodes = f->nodes;
    f->options.nodes_n = FUZZ_NODES - 1; /* the last one is known to nobody */
    f->core = coord_core_new(&f->options);
    enum tx_error error = recovery_replay(log, replay, f, &summary, &why);
    TX_ASSERT(error == TX_OK); /* no log that it has written may be called corrupt */
    uint64_t started = fuzz_log_start(&f->log, f->options.life);
    TX_ASSERT(started == f->options.epoch);
    memset(f->said, 0, sizeof f->said);
    f->fenced = false;
    f->actions_left = SIZE_MAX;
    f->stamped = 0;
    coord_core_recovered(f->core, txlog_last(log), f->now_us, &f->actions);
    perform_all(f);
}

void coord_fuzz_restart(struct coord_fuzz *f, uint8_t choice)
{
    coord_core_destroy(&f->core);
    coord_actions_clear(&f->actions);
    fuzz_log_crash(&f->log, choice);
    start(f);
}

void coord_fuzz_init(struct coord_fuzz *f, const struct coord_options *options)
{
    *f = (struct coord_fuzz){.options = *options, .now_us = 1000000};
    for (unsigned i = 0; i < FUZZ_NODES; i++)
        f->nodes[i] =
            (struct tx_member){.name = fuzz_node_name(i), .address = fuzz_node_address(i)};
    fuzz_log_init(&f->log);
    start(f);
}

void coord_fuzz_deinit(struct coord_fuzz *f)
{
    coord_core_destroy(&f->core);
    coord_actions_deinit(&f->actions);
    fuzz_log_deinit(&f->log);
}
