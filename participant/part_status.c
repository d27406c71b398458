/* STATUS: what an operator sees. */
#include "participant/part_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct fields {
    struct part_core *core;
    struct tx_status_field *items;
    size_t n;
};

#define FIELDS_MAX (50u + TX_REASONS_N + PART_STATUS_ALARMS_MAX)

static void add_text(struct fields *fields, const char *name, struct tx_bytes text)
{
    TX_ASSERT(fields->n < FIELDS_MAX);
    fields->items[fields->n++] = (struct tx_status_field){
        .name = part_copy(&fields->core->out->arena, tx_bytes_str(name)), .text = text};
}

static void add_number(struct fields *fields, const char *name, uint64_t value)
{
    add_text(fields, name, part_text(fields->core, "%" PRIu64, value));
}

static void add_aborts(struct fields *fields, const struct part_stats *stats)
{
    char name[64];
    for (unsigned reason = 1; reason < TX_REASONS_N; reason++) {
        if (stats->aborted_by[reason] == 0)
            continue;
        (void)snprintf(name, sizeof name, "aborted_%s", tx_reason_name((enum tx_reason)reason));
        add_number(fields, name, stats->aborted_by[reason]);
    }
}

/* "alarm_1" is the oldest of those shown. */
static void add_alarms(struct fields *fields)
{
    struct part_core *core = fields->core;
    size_t kept = core->alarms_kept < PART_ALARMS_MAX ? (size_t)core->alarms_kept : PART_ALARMS_MAX;
    size_t shown = kept < PART_STATUS_ALARMS_MAX ? kept : PART_STATUS_ALARMS_MAX;
    for (size_t i = 0; i < shown; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "alarm_%zu", i + 1);
        add_text(fields, name,
                 part_copy(&core->out->arena, part_alarm_at(core, kept - shown + i)->text));
    }
}

/* "64us:3 2048us:10": so many waits lasted less than that, and at least half of it. */
static struct tx_bytes wait_histogram(struct part_core *core, const struct tx_times *times)
{
    char text[TX_TEXT_MAX] = "";
    size_t used = 0;
    for (unsigned bit = 0; bit < TX_TIMES_BITS && used < sizeof text; bit++) {
        uint64_t n = tx_times_of_power(times, bit);
        if (n > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%" PRIu64 "us:%" PRIu64,
                                     used > 0 ? " " : "", UINT64_C(2) << bit, n);
    }
    return part_text(core, "%s", text);
}

static void add_locks(struct fields *fields)
{
    struct part_core *core = fields->core;
    const struct lockmgr_stats locks = lockmgr_stats(core->locks);
    const struct tx_times *times = lockmgr_times(core->locks);
    add_number(fields, "locks_held", locks.held);
    add_number(fields, "locks_waiting", locks.waiting);
    add_number(fields, "lock_ranges", locks.ranges);
    add_number(fields, "lock_grants", locks.grants);
    add_number(fields, "lock_waits", locks.waits);
    add_number(fields, "lock_wounds", locks.wounds);
    add_number(fields, "lock_timeouts", locks.timeouts);
    add_number(fields, "lock_conflicts", locks.conflicts);
    add_number(fields, "lock_refusals", locks.refusals);
    add_number(fields, "lock_escalations", locks.escalations);
    add_number(fields, "lock_escalations_failed", locks.escalations_failed);
    add_number(fields, "lock_wait_p50_us", tx_times_percentile(times, 50));
    add_number(fields, "lock_wait_p99_us", tx_times_percentile(times, 99));
    add_number(fields, "lock_wait_max_us", times->max_us);
    add_text(fields, "lock_wait_histogram", wait_histogram(core, times));
}

/* Decided by operators, and somebody should still look after it: the real decision has not come, or
 * was the other one. */
static uint64_t heuristic_open(const struct part_core *core)
{
    uint64_t n = 0;
    if (core->states[PART_HEURISTIC] == 0)
        return 0;
    for (const struct part_link *l = core->live.next; l != &core->live; l = l->next) {
        const struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_live);
        n += tx->state == PART_HEURISTIC && tx->heuristic.end != TX_HEURISTIC_OK &&
             !tx->heuristic.put_aside;
    }
    return n;
}

static void add_all(struct fields *fields)
{
    struct part_core *core = fields->core;
    struct part_stats stats;
    part_core_stats(core, core->now_us, &stats);
    add_text(fields, "role", tx_bytes_str("participant"));
    add_text(fields, "name", part_text(core, "%s", core->options.name.s));
    add_number(fields, "incarnation", core->options.incarnation);
    add_number(fields, "lsn", core->last.n);
    add_number(fields, "lsn_durable", core->durable.n);
    if (core->loss.start > 0)
        add_text(fields, "lost",
                 part_text(core, "behind LSN %" PRIu64 ", in starts up to %" PRIu64,
                           core->loss.lsn.n, core->loss.start));
    add_text(fields, "refusing",
             tx_bytes_str(core->draining   ? "draining"
                          : core->disk_low ? "disk-full"
                                           : "no"));
    add_number(fields, "working", stats.working);
    add_number(fields, "preparing", stats.preparing);
    add_number(fields, "prepared", stats.prepared);
    add_number(fields, "committed_kept", stats.committed);
    add_number(fields, "heuristic", stats.heuristic);
    add_number(fields, "heuristic_open", heuristic_open(core));
    add_number(fields, "tombstones", stats.tombstones);
    add_locks(fields);
    add_number(fields, "oldest_prepared_ms", stats.oldest_prepared_us / 1000);
    add_number(fields, "begun", stats.begun);
    add_number(fields, "committed", stats.committed_total);
    add_number(fields, "committed_by_members", stats.found_out);
    add_number(fields, "aborted", stats.aborted_total);
    add_number(fields, "violations", stats.violations);
    add_number(fields, "stale", stats.stale);
    add_number(fields, "cut", stats.cut);
    add_number(fields, "cuts_taken", stats.cuts);
    add_number(fields, "alarms", stats.alarms);
    add_aborts(fields, &stats);
    add_alarms(fields);
}

/* ---- transactions ---- */

static struct tx_bytes describe_lock_wait(struct part_core *core, const struct part_tx *tx)
{
    struct lock_wait_info info;
    char place[200];
    char blocker[TX_ID_TEXT];
    if (!lockmgr_wait_info(core->locks, tx->owner, &info))
        return tx_bytes_str("waits for a lock");
    part_place_print(info.name, place, sizeof place);
    return part_text(core, "waits %" PRIu64 " ms for the %s lock on %s, held by %s (%zu in all)",
                     (core->now_us - info.since_us) / 1000, tx_lock_mode_name(info.mode), place,
                     tx_id_print(info.blocker, blocker), info.blockers_n);
}

static struct tx_bytes describe_heuristic(struct part_core *core, const struct part_tx *tx)
{
    const struct part_heuristic *heuristic = &tx->heuristic;
    return part_text(core, "%s by operator %s; %s", heuristic->commit ? "committed" : "aborted",
                     heuristic->operator_name.s,
                     heuristic->end == TX_HEURISTIC_NONE ? "the decision is not known"
                     : heuristic->end == TX_HEURISTIC_OK ? "the decision agrees"
                                                         : "DAMAGE: the decision differs");
}

struct tx_bytes part_describe(struct part_core *core, const struct part_tx *tx)
{
    if (tx->state == PART_PREPARED && tx->members_decide)
        return part_text(core, "waits for the decision of its members, or of coordinator %" PRIu32,
                         tx->coordinator->id);
    if (tx->state == PART_PREPARED)
        return part_text(core, "waits for the decision of coordinator %" PRIu32,
                         tx->coordinator->id);
    if (tx->state == PART_HEURISTIC)
        return describe_heuristic(core, tx);
    switch (tx->wait) {
    case PART_WAIT_CLIENT:
        return tx_bytes_str("waits for its client");
    case PART_WAIT_LOCK:
        return describe_lock_wait(core, tx);
    case PART_WAIT_RM:
        return tx_bytes_str("waits for the store");
    case PART_WAIT_LOG:
        return tx_bytes_str("waits for the log");
    case PART_WAIT_NOBODY:
        break;
    }
    return tx_bytes(NULL, 0);
}

static const struct tx_status_tx *list_txs(struct part_core *core, size_t *n)
{
    size_t live = part_open_n(core) + core->states[PART_HEURISTIC];
    size_t shown = live < PART_STATUS_TXS_MAX ? live : PART_STATUS_TXS_MAX;
    struct tx_status_tx *txs = part_alloc(&core->out->arena, shown, sizeof *txs);
    *n = 0;
    for (struct part_link *l = core->live.next; l != &core->live && *n < shown; l = l->next) {
        const struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_live);
        txs[(*n)++] = (struct tx_status_tx){
            .id = tx->id,
            .state = tx_bytes_str(part_state_text(tx->state)),
            .age_ms = (core->now_us - tx->since_us) / 1000,
            .detail = part_describe(core, tx),
        };
    }
    return txs;
}

/* ---- locks ---- */

struct locks_visit {
    void (*visit)(void *arg, struct tx_id tx, const char *resource, enum tx_lock_mode mode);
    void *arg;
    struct tx_id tx;
};

static void visit_lock(void *arg, struct lock_name name, enum tx_lock_mode mode)
{
    const struct locks_visit *of = arg;
    char place[3 * (TX_KEY_MAX + 4)];
    of->visit(of->arg, of->tx, part_place_print(name, place, sizeof place), mode);
}

void part_core_each_lock(const struct part_core *core,
                         void (*visit)(void *arg, struct tx_id tx, const char *resource,
                                       enum tx_lock_mode mode),
                         void *arg)
{
    struct locks_visit of = {.visit = visit, .arg = arg};
    for (const struct part_link *l = core->live.next; l != &core->live; l = l->next) {
        const struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_live);
        of.tx = tx->id;
        if (tx->owner != NULL)
            lockmgr_each_held(tx->owner, visit_lock, &of);
    }
}

/* ---- coordinators ---- */

static const struct tx_status_peer *list_peers(struct part_core *core, size_t *n)
{
    struct tx_arena *arena = &core->out->arena;
    size_t known = HASH_COUNT(core->coordinators);
    size_t shown = known < TX_STATUS_ROWS_MAX ? known : TX_STATUS_ROWS_MAX;
    struct tx_status_peer *peers = part_alloc(arena, shown, sizeof *peers);
    *n = 0;
    for (const struct part_coordinator *c = core->coordinators; *n < shown; c = c->hh.next) {
        peers[(*n)++] = (struct tx_status_peer){
            .name = part_text(core, "coordinator %" PRIu32, c->id),
            .address = part_copy(arena, tx_bytes_str(c->address.s)),
            .state = tx_bytes_str(part_introduced(core, c) ? "introduced" : "new"),
            .start = c->epoch,
            .silent_ms = (core->now_us - c->heard_us) / 1000,
        };
    }
    return peers;
}

void part_on_status(struct part_core *core, uint64_t client, uint64_t req)
{
    struct fields fields = {.core = core};
    fields.items = part_alloc(&core->out->arena, FIELDS_MAX, sizeof *fields.items);
    add_all(&fields);
    struct tx_msg msg = {.type = TX_MSG_STATUS};
    msg.status.req = req;
    msg.status.fields = fields.items;
    msg.status.fields_n = fields.n;
    msg.status.txs = list_txs(core, &msg.status.txs_n);
    msg.status.peers = list_peers(core, &msg.status.peers_n);
    part_reply(core, client, &msg);
}
