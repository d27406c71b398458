/* The table of transactions: by id, by idempotency key, by the client's request; and the one
 * function that moves a state. */
#include "coordinator/coord_internal.h"

#include <string.h>

static struct coord_id_key id_key(struct tx_id id)
{
    return (struct coord_id_key){.epoch = id.epoch, .seq = id.seq};
}

struct coord_tx *coord_tx_new(struct coord_core *core, struct tx_id id, enum coord_state state)
{
    TX_ASSERT(tx_id_valid(id));
    TX_ASSERT(coord_tx_find(core, id) == NULL);
    struct coord_tx *tx = tx_xcalloc(1, sizeof *tx);
    tx->id = id;
    tx->id_key = id_key(id);
    tx->state = state;
    tx->since_us = core->now;
    tx->timer = (struct coord_timer){.kind = COORD_TIMER_TX, .owner = tx};
    core->counts[state]++;
    HASH_ADD(hh_id, core->by_id, id_key, sizeof tx->id_key, tx);
    return tx;
}

static void drop_request(struct coord_core *core, struct coord_tx *tx)
{
    if (tx->has_request) {
        HASH_DELETE(hh_request, core->by_request, tx);
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
    HASH_DELETE(hh_id, core->by_id, tx);
    coord_tx_drop_key(core, tx);
    drop_request(core, tx);
    tx_arena_deinit(&tx->work);
    free((void *)(uintptr_t)tx->text.data);
    free(tx->members);
    free(tx->joined);
    free(tx);
}

struct coord_tx *coord_tx_find(const struct coord_core *core, struct tx_id id)
{
    struct coord_id_key key = id_key(id);
    struct coord_tx *tx = NULL;
    if (id.coordinator == core->options.id) {
        HASH_FIND(hh_id, core->by_id, &key, sizeof key, tx);
    }
    return tx;
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
    struct coord_request_key key = {.client = from.client, .req = from.req};
    struct coord_tx *tx = NULL;
    HASH_FIND(hh_request, core->by_request, &key, sizeof key, tx);
    return tx;
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
    tx->request = (struct coord_request_key){.client = from.client, .req = from.req};
    HASH_ADD(hh_request, core->by_request, request, sizeof tx->request, tx);
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

void coord_tx_drop_work(struct coord_tx *tx)
{
    tx_arena_deinit(&tx->work);
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
