/* The table of transactions: by id, by idempotency key, by the client's request; and the one
 * function that moves a state. */
#include "coordinator/coord_internal.h"

#include <string.h>

/* Zeroed memory: that of one that is over, if there is any. */
static struct coord_tx *new_tx(struct coord_core *core)
{
    struct coord_tx *tx = TAILQ_FIRST(&core->spare);
    if (tx == NULL) {
        tx = tx_xmalloc(sizeof *tx);
    } else {
        TAILQ_REMOVE(&core->spare, tx, in_all);
        core->spare_n--;
    }
    return memset(tx, 0, sizeof *tx);
}

struct coord_tx *coord_tx_new(struct coord_core *core, struct tx_id id, enum coord_state state)
{
    TX_ASSERT(tx_id_valid(id));
    TX_ASSERT(id.coordinator == core->options.id);
    struct coord_tx *tx = new_tx(core);
    tx->id = id;
    tx->state = state;
    tx->since_us = tx->moved_us = core->now;
    tx->phase_us = core->now;
    tx->timer.kind = COORD_TIMER_TX;
    tx->timer.owner = tx;
    tx->waiters = &tx->waiter;
    core->counts[state]++;
    pair_map_add(&core->by_id, id.epoch, id.seq, tx); /* stops if the id is there already */
    TAILQ_INSERT_TAIL(&core->all, tx, in_all);
    return tx;
}

static void drop_request(struct coord_core *core, struct coord_tx *tx)
{
    if (tx->has_request) {
        pair_map_remove(&core->by_request, tx->request.client, tx->request.req);
        tx->has_request = false;
    }
}

/* It leaves its state. */
static void uncount(struct coord_core *core, const struct coord_tx *tx)
{
    TX_ASSERT(core->counts[tx->state] > 0);
    core->counts[tx->state]--;
    if (tx->state == COORD_COLLECTING && tx->members_decide && tx->inquiring) {
        TX_ASSERT(core->preventing_n > 0);
        core->preventing_n--;
    }
}

void coord_tx_free(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(!tx->retained);
    TX_ASSERT(!tx->open);
    coord_timer_disarm(&core->timers, &tx->timer);
    coord_results_drop(core, tx);
    uncount(core, tx);
    pair_map_remove(&core->by_id, tx->id.epoch, tx->id.seq);
    TAILQ_REMOVE(&core->all, tx, in_all);
    coord_tx_drop_key(core, tx);
    drop_request(core, tx);
    coord_tx_drop_work(core, tx);
    free((void *)(uintptr_t)tx->text.data);
    if (tx->waiters != &tx->waiter) {
        free(tx->waiters);
    }
    if (tx->members != tx->few) {
        free(tx->members);
    }
    free(tx->joined);
    if (core->spare_n == COORD_SPARE_TXS_MAX) {
        free(tx);
        return;
    }
    TAILQ_INSERT_HEAD(&core->spare, tx, in_all);
    core->spare_n++;
}

struct coord_tx *coord_tx_find(const struct coord_core *core, struct tx_id id)
{
    if (id.coordinator != core->options.id) {
        return NULL;
    }
    return pair_map_find(&core->by_id, id.epoch, id.seq);
}

struct coord_tx *coord_tx_by_key(const struct coord_core *core, struct tx_bytes key)
{
    struct coord_tx *tx = NULL;
    if (key.len > 0) {
        HASH_FIND(hh_key, core->by_key, key.data, key.len, tx);
    }
    return tx;
}

struct coord_tx *coord_tx_by_request(const struct coord_core *core, struct coord_waiter from)
{
    return pair_map_find(&core->by_request, from.client, from.req);
}

void coord_tx_set_key(struct coord_core *core, struct coord_tx *tx, struct tx_bytes key)
{
    TX_ASSERT(tx->key.len == 0);
    if (key.len == 0) {
        return;
    }
    uint8_t *owned = tx_xmalloc(key.len);
    memcpy(owned, key.data, key.len);
    tx->key = tx_bytes(owned, key.len);
    HASH_ADD_KEYPTR(hh_key, core->by_key, tx->key.data, tx->key.len, tx);
}

void coord_tx_drop_key(struct coord_core *core, struct coord_tx *tx)
{
    if (tx->key.len > 0) {
        HASH_DELETE(hh_key, core->by_key, tx);
    }
    free((void *)(uintptr_t)tx->key.data);
    tx->key = tx_bytes(NULL, 0);
}

void coord_tx_set_request(struct coord_core *core, struct coord_tx *tx, struct coord_waiter from)
{
    struct coord_tx *older = coord_tx_by_request(core, from);
    if (older != NULL) {
        drop_request(core, older); /* the client numbers anew */
    }
    TX_ASSERT(!tx->has_request);
    tx->has_request = true;
    tx->request = from;
    pair_map_add(&core->by_request, from.client, from.req, tx);
}

static bool may_move(enum coord_state from, enum coord_state to)
{
    static const uint8_t to_states[COORD_STATES_N] = {
        [COORD_ACTIVE] = 1u << COORD_COLLECTING | 1u << COORD_FINISHED_ABORTED,
        [COORD_COLLECTING] = 1u << COORD_DECIDING | 1u << COORD_COMMITTED |
                             1u << COORD_FINISHED_COMMITTED | 1u << COORD_FINISHED_ABORTED,
        [COORD_DECIDING] = 1u << COORD_COMMITTED,
        [COORD_COMMITTED] = 1u << COORD_FINISHED_COMMITTED,
    };
    return (to_states[from] & 1u << to) != 0;
}

void coord_tx_move(struct coord_core *core, struct coord_tx *tx, enum coord_state to)
{
    TX_ASSERT(may_move(tx->state, to));
    uncount(core, tx);
    core->counts[to]++;
    tx->state = to;
    tx->moved_us = core->now;
    coord_timer_disarm(&core->timers, &tx->timer);
}

struct coord_member *coord_tx_member(struct coord_tx *tx, const struct coord_peer *peer)
{
    for (size_t i = 0; i < tx->members_n; i++) {
        if (tx->members[i].peer == peer) {
            return &tx->members[i];
        }
    }
    return NULL;
}

bool coord_tx_joined(const struct coord_tx *tx, const struct coord_peer *peer)
{
    for (size_t i = 0; i < tx->joined_n; i++) {
        if (tx->joined[i] == peer) {
            return true;
        }
    }
    return false;
}

void coord_tx_join(struct coord_tx *tx, struct coord_peer *peer)
{
    if (coord_tx_joined(tx, peer)) {
        return;
    }
    tx->joined = tx_xrealloc(tx->joined, (tx->joined_n + 1) * sizeof(struct coord_peer *));
    tx->joined[tx->joined_n++] = peer;
}

void coord_tx_make_members(struct coord_tx *tx, size_t n)
{
    TX_ASSERT(tx->members == NULL);
    tx->members = n <= COORD_FEW_MEMBERS ? tx->few : tx_xcalloc(n, sizeof *tx->members);
    tx->members_n = n;
}

void coord_tx_add_waiter(struct coord_tx *tx, struct coord_waiter from)
{
    TX_ASSERT(tx->waiters_n < COORD_WAITERS_MAX);
    if (tx->waiters_n == 1 && tx->waiters == &tx->waiter) {
        tx->waiters = tx_xcalloc(COORD_WAITERS_MAX, sizeof *tx->waiters);
        tx->waiters[0] = tx->waiter;
    }
    tx->waiters[tx->waiters_n++] = from;
}

void coord_arena_take(struct coord_core *core, struct tx_arena *arena)
{
    TX_ASSERT(arena->blocks == NULL);
    if (core->spare_arenas_n > 0) {
        *arena = core->spare_arenas[--core->spare_arenas_n];
    }
}

void coord_arena_give(struct coord_core *core, struct tx_arena *arena)
{
    if (core->spare_arenas_n == COORD_SPARE_ARENAS_MAX || !tx_arena_recycle(arena)) {
        tx_arena_deinit(arena);
        return;
    }
    core->spare_arenas[core->spare_arenas_n++] = *arena;
    arena->blocks = NULL;
}

struct txlog_peer coord_member_ack(const struct coord_member *member)
{
    return (struct txlog_peer){.name = member->peer->name, .known = member->ack};
}

void coord_tx_drop_work(struct coord_core *core, struct coord_tx *tx)
{
    coord_arena_give(core, &tx->work);
    tx->ops = NULL;
    tx->op_member = NULL;
}

bool coord_member_commits(const struct coord_member *member)
{
    return member->voted && (member->vote == TX_VOTE_YES || member->vote == TX_VOTE_COMMITTED);
}

bool coord_all_voted(const struct coord_tx *tx)
{
    for (size_t i = 0; i < tx->members_n; i++) {
        if (!tx->members[i].voted) {
            return false;
        }
    }
    return true;
}

bool coord_tx_decided(const struct coord_tx *tx)
{
    return tx->state == COORD_COMMITTED || tx->state == COORD_FINISHED_COMMITTED ||
           tx->state == COORD_FINISHED_ABORTED;
}

const char *coord_state_text(enum coord_state state)
{
    static const char *const names[COORD_STATES_N] = {
        [COORD_ACTIVE] = "active",
        [COORD_COLLECTING] = "collecting",
        [COORD_DECIDING] = "deciding",
        [COORD_COMMITTED] = "committed",
        [COORD_FINISHED_COMMITTED] = "finished-committed",
        [COORD_FINISHED_ABORTED] = "finished-aborted",
        [COORD_RESOLVING] = "none", /* nothing is known of it here */
    };
    return names[state];
}
