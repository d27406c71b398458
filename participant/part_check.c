/* The invariants of participant/README.md, by their numbers there. */
#include "participant/part_internal.h"

static bool is_open_state(enum part_state state)
{
    return state == PART_WORKING || state == PART_UNDOING || state == PART_PREPARING ||
           state == PART_PREPARED;
}

/* P1, P2: the table, the lists and the counts agree. */
static void check_table(const struct part_core *core)
{
    size_t counts[PART_STATES_N] = {0};
    size_t live = 0;
    for (const struct part_tx *tx = core->txs; tx != NULL; tx = tx->hh.next) {
        TX_ASSERT(part_tx_find(core, tx->id) == tx);
        TX_ASSERT(tx->coordinator == part_coordinator_find(core, tx->id.coordinator));
        TX_ASSERT(tx->in_coordinator.next != NULL);
        TX_ASSERT((tx->in_live.next != NULL) == (tx->state != PART_COMMITTED));
        counts[tx->state]++;
    }
    uint64_t serial = 0;
    for (const struct part_link *l = core->live.next; l != &core->live; l = l->next) {
        const struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_live);
        TX_ASSERT(tx->serial > serial);
        serial = tx->serial;
        live++;
    }
    TX_ASSERT(serial <= core->serial);
    for (size_t i = 0; i < PART_STATES_N; i++)
        TX_ASSERT(counts[i] == core->states[i]);
    TX_ASSERT(live + core->states[PART_COMMITTED] == HASH_COUNT(core->txs));
}

/* P3: epochs; P4: an id is known in one way only. */
static void check_identity(const struct part_core *core, const struct part_tx *tx)
{
    TX_ASSERT(tx->id.epoch >= 1 && tx->id.epoch <= tx->coordinator->epoch);
    TX_ASSERT(tx->state != PART_WORKING || tx->id.epoch == tx->coordinator->epoch);
    TX_ASSERT(part_tombstone_find(core, tx->id) == NULL);
}

/* P5: locks live from working to prepared; P6: who waits for a lock waits in the lock
 * manager too. */
static void check_locks(const struct part_tx *tx)
{
    TX_ASSERT((tx->owner != NULL) == is_open_state(tx->state));
    if (tx->owner != NULL)
        TX_ASSERT(lockmgr_is_waiting(tx->owner) == (tx->wait == PART_WAIT_LOCK));
    TX_ASSERT(tx->wait != PART_WAIT_LOCK || tx->state == PART_WORKING);
    if (tx->wait == PART_WAIT_LOCK && tx->ops[tx->ops_done].type == TX_OP_SCAN)
        TX_ASSERT(tx->scan.phase != PART_SCAN_FREE && tx->scan.range.range);
    TX_ASSERT(!tx->wounded || tx->state == PART_UNDOING);
}

/* P7: a timer runs for whoever waits for a client or for a decision, and for nobody else. */
static void check_timer(const struct part_core *core, const struct part_tx *tx)
{
    bool idle = tx->state == PART_WORKING && tx->wait == PART_WAIT_CLIENT;
    bool in_doubt = tx->state == PART_PREPARED ||
                    (tx->state == PART_HEURISTIC && tx->heuristic.end == TX_HEURISTIC_NONE);
    TX_ASSERT((tx->timer_at != 0) == (idle || in_doubt));
    if (tx->timer_at == 0)
        return;
    if (tx->timer_at == PART_TIMER_QUEUED) {
        const struct part_link *next = tx->in_timers.next;
        if (next == &core->timers)
            return;
        const struct part_tx *after = PART_CONTAINER(next, struct part_tx, in_timers);
        TX_ASSERT(after->timer_us > tx->timer_us ||
                  (after->timer_us == tx->timer_us && tx_id_compare(after->id, tx->id) > 0));
        return;
    }
    TX_ASSERT(tx->in_timers.next == NULL);
    size_t at = tx->timer_at - 1;
    TX_ASSERT(at < core->heap_n && core->heap[at] == tx);
    TX_ASSERT(at == 0 || core->heap[(at - 1) / 2]->timer_us <= tx->timer_us);
}

/* P8: what a state rests on is durable, or its consequences are held back. */
static void check_durability(const struct part_core *core, const struct part_tx *tx)
{
    if (tx->state == PART_PREPARING)
        TX_ASSERT((tx->wait == PART_WAIT_LOG) == (tx->lsn.n > core->durable.n));
    if (tx->state == PART_PREPARED)
        TX_ASSERT(tx->lsn.n <= core->durable.n);
    if (tx->state == PART_COMMITTED && tx->lsn.n <= core->durable.n)
        TX_ASSERT(!part_mark_covers(tx->coordinator, tx->id));
    if (tx->state == PART_WORKING && tx->wait == PART_WAIT_LOG)
        TX_ASSERT(tx->rests_on.n > core->durable.n || core->held_from < core->held_to);
    TX_ASSERT(tx->state == PART_PREPARING || tx->deferred_n == 0 || tx->state == PART_UNDOING);
}

static void check_held(const struct part_core *core)
{
    TX_ASSERT(core->durable.n <= core->last.n && core->held_from <= core->held_to);
    for (size_t i = core->held_from; i < core->held_to; i++) {
        TX_ASSERT(core->held[i].lsn.n > core->durable.n && core->held[i].lsn.n <= core->last.n);
        TX_ASSERT(i == core->held_from || core->held[i - 1].lsn.n <= core->held[i].lsn.n);
    }
}

/* P9: the marks are in order. */
static void check_marks(const struct part_coordinator *coordinator)
{
    TX_ASSERT(coordinator->finished_epoch <= coordinator->epoch);
    uint64_t epoch = coordinator->finished_epoch;
    for (size_t i = 0; i < coordinator->marks_n; i++) {
        const struct part_mark *mark = &coordinator->marks[i];
        TX_ASSERT(mark->epoch > epoch && mark->epoch <= coordinator->epoch);
        epoch = mark->epoch;
        for (size_t j = 0; j < mark->open_n; j++) {
            TX_ASSERT(mark->open[j] < mark->below);
            TX_ASSERT(j == 0 || mark->open[j - 1] < mark->open[j]);
        }
    }
}

/* P11: what is unsettled is counted, each once. */
static void check_unsettled(const struct part_core *core,
                            const struct part_coordinator *coordinator)
{
    size_t counted = 0;
    size_t found = 0;
    for (size_t i = 0; i < coordinator->unsettled_n; i++) {
        const struct part_unsettled *unsettled = &coordinator->unsettled[i];
        TX_ASSERT(unsettled->n > 0);
        TX_ASSERT(i == 0 || coordinator->unsettled[i - 1].epoch < unsettled->epoch);
        counted += unsettled->n;
    }
    uint64_t oldest = part_unsettled_oldest(coordinator);
    for (const struct part_link *l = coordinator->txs.next; l != &coordinator->txs; l = l->next) {
        const struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_coordinator);
        TX_ASSERT(tx->unsettled == part_is_unsettled(core, tx));
        TX_ASSERT(!tx->unsettled || (oldest > 0 && oldest <= tx->id.epoch));
        found += tx->unsettled;
    }
    TX_ASSERT(found == counted);
}

/* P12: the members decide only what has several, all of which vote. */
static void check_members_decide(const struct part_tx *tx)
{
    if (!tx->members_decide)
        return;
    TX_ASSERT(tx->state != PART_WORKING || tx->one_shot);
    TX_ASSERT(!tx->one_phase);
    TX_ASSERT(tx->state == PART_COMMITTED || tx_members_can_decide(tx->members, tx->members_n));
}

/* P10: tombstones are bounded, and none lies below the mark. */
static void check_tombstones(const struct part_core *core)
{
    size_t n = 0;
    for (const struct part_link *l = core->tombstones_by_age.next; l != &core->tombstones_by_age;
         l = l->next) {
        const struct part_tombstone *tombstone = PART_CONTAINER(l, struct part_tombstone, in_age);
        TX_ASSERT(!part_mark_covers(tombstone->coordinator, tombstone->id));
        TX_ASSERT(tombstone->id.epoch <= tombstone->coordinator->epoch);
        n++;
    }
    TX_ASSERT(n == HASH_COUNT(core->tombstones) && n <= core->options.tombstones_max);
}

void part_core_check(const struct part_core *core)
{
    TX_ASSERT(core->events.events_n == 0 && core->out == NULL);
    TX_ASSERT(core->recovering || part_open_n(core) <= core->txs_max_was ||
              core->states[PART_WORKING] == 0);
    check_table(core);
    check_held(core);
    check_tombstones(core);
    part_places_check(core);
    tx_cuts_check(&core->cuts, &core->cut_askers, core->durable, core->last);
    for (const struct part_coordinator *c = core->coordinators; c != NULL; c = c->hh.next)
        check_marks(c);
    for (const struct part_coordinator *c = core->coordinators; c != NULL; c = c->hh.next)
        check_unsettled(core, c);
    for (const struct part_tx *tx = core->txs; tx != NULL; tx = tx->hh.next) {
        check_identity(core, tx);
        check_durability(core, tx);
        check_members_decide(tx);
        if (core->recovering)
            continue; /* locks and timers come at its end */
        check_locks(tx);
        check_timer(core, tx);
    }
    lockmgr_check(core->locks);
}
