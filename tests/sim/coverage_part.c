#include "coverage.h"

#include "participant/part_internal.h"

static enum coverage_part_row row_of(const struct part_tx *tx)
{
    static const enum coverage_part_row rows[PART_STATES_N] = {
        [PART_WORKING] = PART_ROW_WORKING,     [PART_UNDOING] = PART_ROW_UNDOING,
        [PART_PREPARING] = PART_ROW_PREPARING, [PART_PREPARED] = PART_ROW_PREPARED,
        [PART_COMMITTED] = PART_ROW_COMMITTED, [PART_HEURISTIC] = PART_ROW_HEURISTIC,
    };

    if (tx->state == PART_PREPARED && tx->members_decide)
        return PART_ROW_MEMBERS;
    if (tx->state == PART_COMMITTED && tx->found_out)
        return PART_ROW_FOUND_OUT;
    return rows[tx->state];
}

static enum coverage_part_row row_now(const struct part_core *core, struct tx_id id)
{
    const struct part_tx *tx = part_tx_find(core, id);
    const struct part_coordinator *coordinator = part_coordinator_find(core, id.coordinator);

    if (tx != NULL)
        return row_of(tx);
    if (coordinator != NULL && part_mark_covers(coordinator, id))
        return PART_ROW_FORGOTTEN;
    return part_tombstone_find(core, id) != NULL ? PART_ROW_TOMBSTONE : PART_ROW_NONE;
}

static bool column_of(const struct tx_msg *msg, enum coverage_part_column *column)
{
    static const struct {
        enum tx_msg_type type;
        enum coverage_part_column column;
    } columns[] = {
        {TX_MSG_OPERATE, PART_COLUMN_OPERATE}, {TX_MSG_PREPARE, PART_COLUMN_PREPARE},
        {TX_MSG_COMMIT, PART_COLUMN_COMMIT},   {TX_MSG_ABORT, PART_COLUMN_ABORT},
        {TX_MSG_INQUIRE, PART_COLUMN_INQUIRE}, {TX_MSG_STATE, PART_COLUMN_STATE},
        {TX_MSG_WAIT, PART_COLUMN_WAIT},       {TX_MSG_RESOLVE, PART_COLUMN_RESOLVE},
    };

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        *column = columns[i].column;
        if (msg->type == TX_MSG_INQUIRE && msg->inquire.members_decide)
            *column = PART_COLUMN_INQUIRE_MEMBERS;
        if (columns[i].type == msg->type)
            return true;
    }
    return false;
}

static bool forgets(const struct tx_msg_forget *forget, struct tx_id id)
{
    if (id.epoch > forget->epoch || (id.epoch == forget->epoch && id.seq >= forget->below))
        return false;
    for (size_t i = 0; id.epoch == forget->epoch && i < forget->open_n; i++) {
        if (forget->open[i] == id.seq)
            return false;
    }
    return id.epoch == forget->epoch || forget->below == UINT64_MAX;
}

static void count_forget(struct coverage *coverage, const struct part_coordinator *coordinator,
                         const struct tx_msg_forget *forget)
{
    const struct part_link *link;

    for (link = coordinator->txs.next; link != &coordinator->txs; link = link->next) {
        const struct part_tx *tx = PART_CONTAINER(link, struct part_tx, in_coordinator);

        coverage->part[row_of(tx)][PART_COLUMN_FORGET] += forgets(forget, tx->id);
    }
    for (link = coordinator->tombstones.next; link != &coordinator->tombstones; link = link->next) {
        const struct part_tombstone *tombstone =
            PART_CONTAINER(link, struct part_tombstone, in_coordinator);

        coverage->part[PART_ROW_TOMBSTONE][PART_COLUMN_FORGET] += forgets(forget, tombstone->id);
    }
}

void coverage_part_step(struct coverage *coverage, const struct part_core *core,
                        const struct part_event *event)
{
    const struct part_coordinator *coordinator;
    enum coverage_part_column column;

    if (event->type != PART_EVENT_MESSAGE)
        return;
    if (event->envelope->role == TX_ROLE_COORDINATOR) {
        coordinator = part_coordinator_find(core, event->envelope->coordinator);
        if (coordinator == NULL || coordinator->epoch != event->envelope->start)
            return; /* does not get as far as the state */
        if (event->msg->type == TX_MSG_FORGET)
            count_forget(coverage, coordinator, &event->msg->forget);
    }
    if (column_of(event->msg, &column))
        coverage->part[row_now(core, tx_msg_tx(event->msg))][column]++;
}

void coverage_part_restart(struct coverage *coverage, const struct part_core *core)
{
    for (const struct part_tx *tx = core->txs; tx != NULL; tx = tx->hh.next)
        coverage->part[row_of(tx)][PART_COLUMN_RESTART]++;
}
