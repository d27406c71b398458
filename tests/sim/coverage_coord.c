#include "coverage.h"

#include "coordinator/coord_internal.h"

static enum coverage_coord_row row_of(const struct coord_tx *tx)
{
    static const enum coverage_coord_row rows[COORD_STATES_N] = {
        [COORD_ACTIVE] = COORD_ROW_ACTIVE,
        [COORD_COLLECTING] = COORD_ROW_COLLECTING,
        [COORD_DECIDING] = COORD_ROW_DECIDING,
        [COORD_COMMITTED] = COORD_ROW_COMMITTED,
        [COORD_FINISHED_COMMITTED] = COORD_ROW_FINISHED_COMMITTED,
        [COORD_FINISHED_ABORTED] = COORD_ROW_FINISHED_ABORTED,
        [COORD_RESOLVING] = COORD_ROW_RESOLVING,
    };

    if (tx == NULL)
        return COORD_ROW_NONE;
    if (tx->state == COORD_COLLECTING && tx->members_decide)
        return tx->inquiring ? COORD_ROW_PREVENTING : COORD_ROW_MEMBERS;
    if (tx->state == COORD_COLLECTING && tx->inquiring)
        return COORD_ROW_INQUIRING;
    if (tx->state == COORD_COLLECTING && tx->one_phase)
        return COORD_ROW_ONE_PHASE;
    return rows[tx->state];
}

static bool column_of(const struct tx_msg *msg, enum coverage_coord_column *column)
{
    static const struct {
        enum tx_msg_type type;
        enum coverage_coord_column column;
    } columns[] = {
        {TX_MSG_BEGIN, COORD_COLUMN_BEGIN},
        {TX_MSG_SUBMIT, COORD_COLUMN_SUBMIT},
        {TX_MSG_COMMIT_REQUEST, COORD_COLUMN_COMMIT_REQUEST},
        {TX_MSG_ABORT_REQUEST, COORD_COLUMN_ABORT_REQUEST},
        {TX_MSG_OUTCOME_REQUEST, COORD_COLUMN_OUTCOME_REQUEST},
        {TX_MSG_OUTCOME_ACK, COORD_COLUMN_OUTCOME_ACK},
        {TX_MSG_JOIN, COORD_COLUMN_JOIN},
        {TX_MSG_ACK, COORD_COLUMN_ACK},
        {TX_MSG_INQUIRE, COORD_COLUMN_INQUIRE},
        {TX_MSG_STATE, COORD_COLUMN_STATE},
    };
    static const enum coverage_coord_column votes[TX_VOTES_N] = {
        [TX_VOTE_YES] = COORD_COLUMN_YES,
        [TX_VOTE_NO] = COORD_COLUMN_NO,
        [TX_VOTE_READ_ONLY] = COORD_COLUMN_READ_ONLY,
        [TX_VOTE_COMMITTED] = COORD_COLUMN_VOTE_COMMITTED,
    };

    if (msg->type == TX_MSG_VOTE) {
        *column = votes[msg->vote.vote];
        return true;
    }
    if ((msg->type == TX_MSG_ACK && msg->ack.members_decide) ||
        (msg->type == TX_MSG_INQUIRE && msg->inquire.members_decide)) {
        *column = msg->type == TX_MSG_ACK ? COORD_COLUMN_ACK_MEMBERS : COORD_COLUMN_INQUIRE_MEMBERS;
        return true;
    }
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        *column = columns[i].column;
        if (columns[i].type == msg->type)
            return true;
    }
    return false;
}

/* New work may be a repetition: by the number of the request, or by the key. */
static const struct coord_tx *tx_of(const struct coord_core *core, const struct coord_event *event)
{
    const struct tx_msg *msg = event->msg;
    const struct coord_tx *tx = NULL;

    if (msg->type == TX_MSG_BEGIN)
        return coord_tx_by_request(core, (struct coord_waiter){event->client, msg->begin.req});
    if (msg->type != TX_MSG_SUBMIT)
        return coord_tx_find(core, tx_msg_tx(msg));
    if (msg->submit.key.len > 0)
        tx = coord_tx_by_key(core, msg->submit.key);
    if (tx == NULL)
        tx = coord_tx_by_request(core, (struct coord_waiter){event->client, msg->submit.req});
    return tx;
}

static void count_message(struct coverage *coverage, const struct coord_core *core,
                          const struct coord_event *event)
{
    const struct tx_envelope *from = event->envelope;
    const struct coord_peer *peer;
    enum coverage_coord_column column;

    if (from->role == TX_ROLE_PARTICIPANT) {
        peer = coord_peer_find(core, &from->name);
        if (peer == NULL || core->fenced || peer->state == COORD_PEER_QUARANTINED ||
            peer->state == COORD_PEER_NEW || from->start != peer->incarnation)
            return; /* does not get as far as the state */
    }
    if (column_of(event->msg, &column))
        coverage->coord[row_of(tx_of(core, event))][column]++;
}

void coverage_coord_step(struct coverage *coverage, const struct coord_core *core,
                         const struct coord_event *event, uint64_t now_us)
{
    if (event->type == COORD_EVENT_MESSAGE)
        count_message(coverage, core, event);
    for (size_t i = 0; event->type == COORD_EVENT_DURABLE && i < core->queue.n; i++) {
        const struct coord_resting *item =
            &core->queue.items[(core->queue.first + i) % core->queue.capacity];

        if (item->lsn.n <= event->lsn.n && item->what != COORD_REST_SNAPSHOT &&
            item->what != COORD_REST_CUT)
            coverage->coord[row_of(coord_tx_find(core, item->tx))][COORD_COLUMN_DURABLE]++;
    }
    for (size_t i = 1; event->type == COORD_EVENT_TICK && i <= core->timers.n; i++) {
        const struct coord_timer *timer = core->timers.heap[i];

        if (timer->kind == COORD_TIMER_TX && timer->at <= now_us)
            coverage->coord[row_of(timer->owner)][COORD_COLUMN_TIMER]++;
    }
    /* What is retained has one timer for all. */
    const struct coord_tx *tx = TAILQ_FIRST(&core->expiring);
    while (tx != NULL && core->retention.slot > 0 &&
           tx->retained_us + core->options.retention_us <= now_us) {
        coverage->coord[row_of(tx)][COORD_COLUMN_TIMER]++;
        tx = TAILQ_NEXT(tx, in_expiring);
    }
}

void coverage_coord_restart(struct coverage *coverage, const struct coord_core *core)
{
    for (const struct coord_tx *tx = TAILQ_FIRST(&core->all); tx != NULL;
         tx = TAILQ_NEXT(tx, in_all))
        coverage->coord[row_of(tx)][COORD_COLUMN_RESTART]++;
}
