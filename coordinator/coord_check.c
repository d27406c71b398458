/* The invariants of coordinator/README.md, checked. The numbers are those of that page. */
#include "coordinator/coord_internal.h"

static void check_timers(const struct coord_timers *timers)
{
    for (size_t i = 1; i <= timers->n; i++) {
        TX_ASSERT(timers->heap[i]->slot == i);
        TX_ASSERT(i == 1 || timers->heap[i / 2]->at <= timers->heap[i]->at); /* 10 */
    }
}

static void check_queue(const struct coord_core *core)
{
    uint64_t before = core->durable.n;
    for (size_t i = 0; i < core->queue.n; i++) {
        const struct coord_resting *item =
            &core->queue.items[(core->queue.first + i) % core->queue.capacity];
        TX_ASSERT(item->lsn.n > before); /* 9 */
        TX_ASSERT(item->lsn.n <= core->last.n);
        before = item->lsn.n;
    }
}

static void check_lists(const struct coord_core *core)
{
    const struct coord_tx *before = NULL;
    const struct coord_tx *tx;
    TAILQ_FOREACH(tx, &core->open, in_open)
    {
        TX_ASSERT(tx->open);
        TX_ASSERT(before == NULL || tx_id_compare(before->id, tx->id) < 0); /* 6 */
        before = tx;
    }
    size_t retained = 0;
    TAILQ_FOREACH(tx, &core->acked, in_retained)
    {
        TX_ASSERT(tx->retained && tx->acked);
        retained++;
    }
    TAILQ_FOREACH(tx, &core->unacked, in_retained)
    {
        TX_ASSERT(tx->retained && !tx->acked);
        retained++;
    }
    TX_ASSERT(retained == core->retained_n);
    const struct coord_tx *sooner = NULL;
    TAILQ_FOREACH(tx, &core->expiring, in_expiring)
    {
        TX_ASSERT(tx->retained);
        TX_ASSERT(sooner == NULL || sooner->retained_us <= tx->retained_us);
        sooner = tx;
        retained--;
    }
    TX_ASSERT(retained == 0);
    tx = TAILQ_FIRST(&core->expiring);
    TX_ASSERT((tx != NULL && !core->fenced) == (core->retention.slot > 0));
    TX_ASSERT(core->retention.slot == 0 ||
              core->retention.at <= tx->retained_us + core->options.retention_us);
    TX_ASSERT(core->retained_n <= core->options.retained_max); /* 8 */
    size_t bytes = 0;
    size_t results = 0;
    TAILQ_FOREACH(tx, &core->results, in_results)
    {
        TX_ASSERT(tx->holds_results && tx->results != NULL);
        bytes += tx->results_bytes;
        results++;
    }
    TX_ASSERT(results == core->results_n && bytes == core->results_bytes);
    TX_ASSERT(results <= COORD_RESULTS_MAX && bytes <= COORD_RESULTS_BYTES_MAX); /* 8 */
}

static void check_collecting(const struct coord_tx *tx)
{
    bool waits = false;
    for (size_t i = 0; i < tx->members_n; i++) {
        const struct coord_member *member = &tx->members[i];
        TX_ASSERT(!tx->sent || member->incarnation > 0); /* 2 */
        TX_ASSERT(!tx->sent || member->incarnation <= member->peer->incarnation);
        TX_ASSERT(!member->voted || member->vote != TX_VOTE_NO);
        TX_ASSERT(!tx->members_decide || (!member->read_only && !member->acked)); /* 11 */
        TX_ASSERT(!tx->members_decide || !member->voted || member->vote == TX_VOTE_YES);
        TX_ASSERT(!member->voted || tx->sent);
        waits = waits || !member->voted;
    }
    TX_ASSERT(waits);
    TX_ASSERT(tx->timer.slot > 0 || !tx->sent);
    TX_ASSERT(!tx->one_phase || tx->members_n == 1);
    TX_ASSERT(!tx->one_phase || tx->key.len == 0);
    TX_ASSERT(!tx->inquiring || tx->one_phase || tx->members_decide);
    TX_ASSERT(!tx->inquiring || tx->sent);
    if (tx->members_decide) {
        TX_ASSERT(tx->sent && tx->members_n >= 2 && tx->key.len == 0); /* 11 */
        TX_ASSERT(tx->inquiring == (tx->reason != TX_REASON_NONE));
    }
    TX_ASSERT(tx->logged == COORD_LOGGED_NOTHING); /* 3 */
}

/* Deciding, and committed: the decision rests on a record, or on all members' own. */
static void check_decided(const struct coord_core *core, const struct coord_tx *tx)
{
    TX_ASSERT(tx->logged == COORD_LOGGED_COMMIT); /* 1 */
    TX_ASSERT(tx->open);
    bool commits = false;
    bool waits = false;
    for (size_t i = 0; i < tx->members_n; i++) {
        TX_ASSERT(!tx->members_decide || coord_member_commits(&tx->members[i])); /* 1 */
        commits = commits || coord_member_commits(&tx->members[i]);
        waits = waits || (coord_member_commits(&tx->members[i]) && !tx->members[i].acked);
    }
    TX_ASSERT(commits);
    TX_ASSERT(tx->ops == NULL);
    if (tx->state == COORD_DECIDING) {
        TX_ASSERT(tx->lsn.n > core->durable.n && !tx->members_decide);
    } else {
        TX_ASSERT(tx->logged_end == !waits); /* 4 */
        TX_ASSERT(!tx->logged_end || tx->lsn.n > core->durable.n);
        TX_ASSERT(tx->logged_end || tx->members_decide || tx->lsn.n <= core->durable.n); /* 1 */
        TX_ASSERT(tx->waiters_n == 0);
        TX_ASSERT(core->fenced || tx->logged_end || tx->timer.slot > 0);
    }
}

static void check_finished(const struct coord_core *core, const struct coord_tx *tx)
{
    TX_ASSERT(tx->waiters_n == 0);
    TX_ASSERT(tx->ops == NULL);
    bool pending = tx->logged == COORD_LOGGED_OUTCOME && tx->lsn.n > core->durable.n;
    TX_ASSERT(tx->retained == !pending);
    TX_ASSERT(tx->timer.slot == 0);
    if (tx->state == COORD_FINISHED_ABORTED) {
        TX_ASSERT(tx->logged == COORD_LOGGED_NOTHING && !tx->open); /* 3 */
        return;
    }
    TX_ASSERT(tx->logged != COORD_LOGGED_COMMIT || tx->lsn.n <= core->durable.n);
    TX_ASSERT(tx->open == (tx->logged == COORD_LOGGED_OUTCOME && (pending || !tx->acked))); /* 7 */
}

static void check_tx(const struct coord_core *core, const struct coord_tx *tx)
{
    TX_ASSERT(coord_tx_find(core, tx->id) == tx);
    TX_ASSERT(tx->id.epoch <= core->options.epoch);
    TX_ASSERT(tx->id.epoch < core->options.epoch || tx->id.seq < core->next_seq);
    TX_ASSERT(tx->waiters_n <= COORD_WAITERS_MAX);
    TX_ASSERT(tx->key.len == 0 || coord_tx_by_key(core, tx->key) == tx);
    TX_ASSERT(!tx->has_request || coord_tx_by_request(core, tx->request) == tx);
    switch (tx->state) {
    case COORD_ACTIVE:
        TX_ASSERT(tx->open && tx->members_n == 0 && tx->timer.slot > 0 && !tx->one_shot);
        break;
    case COORD_COLLECTING:
        TX_ASSERT(tx->open);
        check_collecting(tx);
        break;
    case COORD_DECIDING:
    case COORD_COMMITTED:
        check_decided(core, tx);
        break;
    case COORD_FINISHED_COMMITTED:
    case COORD_FINISHED_ABORTED:
        check_finished(core, tx);
        break;
    case COORD_RESOLVING:
        TX_ASSERT(!tx->open && tx->members_n >= 1 && tx->waiters_n > 0 && tx->timer.slot > 0);
        break;
    case COORD_STATES_N:
        TX_ASSERT(tx->state != COORD_STATES_N);
    }
}

void coord_core_check(const struct coord_core *core)
{
    size_t counts[COORD_STATES_N] = {0};
    size_t preventing = 0;
    size_t all = 0;
    size_t requests = 0;
    const struct coord_tx *tx;
    TAILQ_FOREACH(tx, &core->all, in_all)
    {
        TX_ASSERT((unsigned)tx->state < COORD_STATES_N);
        counts[tx->state]++;
        all++;
        requests += tx->has_request;
        check_tx(core, tx);
    }
    TX_ASSERT(all == core->by_id.n && requests == core->by_request.n);
    pair_map_check(&core->by_id);
    pair_map_check(&core->by_request);
    TAILQ_FOREACH(tx, &core->all, in_all)
    {
        preventing += tx->state == COORD_COLLECTING && tx->members_decide && tx->inquiring;
    }
    TX_ASSERT(preventing == core->preventing_n);
    for (unsigned i = 0; i < COORD_STATES_N; i++) {
        TX_ASSERT(counts[i] == core->counts[i]);
    }
    TX_ASSERT(core->counts[COORD_RESOLVING] <= COORD_RESOLVING_MAX);
    bool undecided = core->counts[COORD_ACTIVE] + core->counts[COORD_COLLECTING] +
                         core->counts[COORD_DECIDING] + core->counts[COORD_RESOLVING] >
                     0;
    TX_ASSERT(!core->fenced || !undecided); /* 5 */
    TX_ASSERT(core->durable.n <= core->last.n);
    TX_ASSERT(core->age_counter < TX_AGE_COUNTER_MAX + core->stats.begun + 1);
    tx_cuts_check(&core->cuts, &core->cut_askers, core->durable, core->last); /* 12 */
    check_timers(&core->timers);
    check_queue(core);
    check_lists(core);
}
