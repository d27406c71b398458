/* The table of transactions, and the moves of their states. */
#include "participant/part_internal.h"

#include <stdlib.h>
#include <string.h>

struct part_tx *part_tx_find(const struct part_core *core, struct tx_id id)
{
    struct part_key key = part_key(id);
    struct part_tx *tx;
    HASH_FIND(hh, core->txs, &key, sizeof key, tx);
    return tx;
}

const char *part_state_text(enum part_state state)
{
    static const char *const texts[PART_STATES_N] = {
        [PART_WORKING] = "working",     [PART_UNDOING] = "undoing",
        [PART_PREPARING] = "preparing", [PART_PREPARED] = "prepared",
        [PART_COMMITTED] = "committed", [PART_HEURISTIC] = "heuristic",
    };
    TX_ASSERT((unsigned)state < PART_STATES_N);
    return texts[state];
}

size_t part_open_n(const struct part_core *core)
{
    return core->states[PART_WORKING] + core->states[PART_UNDOING] + core->states[PART_PREPARING] +
           core->states[PART_PREPARED];
}

struct part_tx *part_tx_new(struct part_core *core, struct part_coordinator *coordinator,
                            struct tx_id id, struct tx_age age, enum part_state state)
{
    TX_ASSERT(part_tx_find(core, id) == NULL && id.coordinator == coordinator->id);
    TX_ASSERT(state == PART_WORKING || core->recovering);
    struct part_tx *tx = tx_spare_take(&core->spare_txs, sizeof *tx);
    memset(tx, 0, sizeof *tx);
    tx->key = part_key(id);
    tx->id = id;
    tx->age = age;
    tx->coordinator = coordinator;
    tx->state = state;
    tx->since_us = tx->begun_us = tx->moved_us = core->now_us;
    tx->serial = ++core->serial;
    tx->recovered = core->recovering;
    HASH_ADD(hh, core->txs, key, sizeof tx->key, tx);
    part_list_append(&coordinator->txs, &tx->in_coordinator);
    if (state != PART_COMMITTED)
        part_list_append(&core->live, &tx->in_live);
    core->states[state]++;
    if (state == PART_WORKING) {
        tx->work = part_arena_take(core);
        tx->owner = lockmgr_begin(core->locks, id, age);
        part_learn_age(core, age);
        core->begun++;
    }
    part_unsettled_update(core, tx);
    return tx;
}

/* The arrows of the diagram in docs/protocol.md that lead to a state of the table; to leave it is
 * part_tx_free(). */
static bool move_allowed(enum part_state from, enum part_state to)
{
    switch (to) {
    case PART_UNDOING:
    case PART_PREPARING:
        return from == PART_WORKING;
    case PART_PREPARED:
        return from == PART_PREPARING;
    case PART_COMMITTED:
        return from == PART_PREPARED || from == PART_PREPARING; /* the latter: one-phase */
    case PART_HEURISTIC:
        return from == PART_PREPARED;
    case PART_WORKING:
    case PART_STATES_N:
        return false;
    }
    return false;
}

void part_tx_move(struct part_core *core, struct part_tx *tx, enum part_state state,
                  enum part_wait wait)
{
    TX_ASSERT(move_allowed(tx->state, state) && core->states[tx->state] > 0);
    core->states[tx->state]--;
    core->states[state]++;
    tx->state = state;
    tx->wait = wait;
    tx->moved_us = core->now_us;
    if (state == PART_COMMITTED)
        part_list_remove(&tx->in_live);
    part_unsettled_update(core, tx);
}

void part_tx_shrink(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->owner == NULL && tx->state != PART_WORKING);
    part_arena_give(core, &tx->work);
    part_arena_give(core, &tx->kept);
    tx->ops = NULL;
    tx->results = NULL;
    tx->ops_n = tx->ops_done = 0;
    tx->members = NULL;
    tx->members_n = 0;
    tx->known = NULL;
    tx->deferred = NULL;
    tx->deferred_n = 0;
    tx->text = tx_bytes(NULL, 0);
}

void part_tx_free(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->owner == NULL && core->states[tx->state] > 0);
    part_timer_clear(core, tx);
    part_unsettled_drop(tx);
    core->states[tx->state]--;
    HASH_DEL(core->txs, tx);
    part_list_remove(&tx->in_coordinator);
    part_list_remove(&tx->in_live);
    part_arena_give(core, &tx->work);
    part_arena_give(core, &tx->kept);
    free(tx->answer);
    tx_spare_give(&core->spare_txs, tx, PART_ENDED_MAX);
}
