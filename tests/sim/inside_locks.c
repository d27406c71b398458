#include "inside_locks.h"

#include "lockmgr/lock_mode.h"
#include "participant/part_internal.h"
#include "sim_participant.h"

#include <stdlib.h>
#include <string.h>

/* ---- all locks of a participant ---- */

struct lock {
    struct tx_id id;
    struct lock_name name;
    enum tx_lock_mode mode;
    bool prepared;
};

struct locks {
    struct tx_id id; /* whose are visited */
    bool prepared;
    struct lock *items;
    size_t n, capacity;
};

static void add_lock(void *arg, struct lock_name name, enum tx_lock_mode mode)
{
    struct locks *locks = arg;

    if (mode == TX_LOCK_IS || mode == TX_LOCK_IX)
        return;
    if (locks->n == locks->capacity) {
        locks->capacity = locks->capacity * 2 + 64;
        locks->items = tx_xrealloc(locks->items, locks->capacity * sizeof *locks->items);
    }
    locks->items[locks->n++] = (struct lock){locks->id, name, mode, locks->prepared};
}

static struct locks locks_of(const struct part_core *core)
{
    struct locks locks = {.n = 0};

    for (const struct part_link *l = core->live.next; l != &core->live; l = l->next) {
        const struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_live);

        locks.id = tx->id;
        locks.prepared = tx->state == PART_PREPARING || tx->state == PART_PREPARED;
        if (tx->owner != NULL)
            lockmgr_each_held(tx->owner, add_lock, &locks);
    }
    return locks;
}

/* ---- ranges ---- */

static bool lies_in(struct lock_name key, struct lock_name range)
{
    return !key.range && key.key.len > 0 && tx_bytes_equal(key.space, range.space) &&
           tx_bytes_compare(range.key, key.key) <= 0 &&
           (range.to.len == 0 || tx_bytes_compare(key.key, range.to) < 0);
}

static void check_range(struct sim *sim, size_t node, const struct locks *locks,
                        const struct lock *range)
{
    char id[TX_ID_TEXT], other[TX_ID_TEXT], place[200], key[200];

    for (size_t i = 0; i < locks->n; i++) {
        const struct lock *lock = &locks->items[i];

        if (lock->mode != TX_LOCK_X || tx_id_equal(lock->id, range->id) ||
            !lies_in(lock->name, range->name))
            continue;
        sim_fail(sim, "incompatible-locks: %s: %s has locked %s, and %s has %s in mode %s",
                 sim->nodes[node].name.s, tx_id_print(range->id, id),
                 part_place_print(range->name, place, sizeof place), tx_id_print(lock->id, other),
                 part_place_print(lock->name, key, sizeof key), tx_lock_mode_name(lock->mode));
    }
}

void inside_locks_ranges(struct sim *sim, size_t node)
{
    const struct part_core *core = sim_participant_core(&sim->nodes[node]);
    struct locks locks = {.n = 0};

    if (lockmgr_stats(core->locks).ranges == 0)
        return;
    locks = locks_of(core);
    for (size_t i = 0; i < locks.n; i++) {
        if (locks.items[i].name.range)
            check_range(sim, node, &locks, &locks.items[i]);
    }
    free(locks.items);
}

/* ---- across a restart ---- */

static uint32_t number_of(struct sim *sim, struct lock_name name)
{
    char place[400];

    return history_intern(&sim->history, part_place_print(name, place, sizeof place));
}

void inside_locks_keep(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];
    struct locks locks = locks_of(sim_participant_core(node));

    node->held_n = 0;
    node->held = tx_xrealloc(node->held, (locks.n + 1) * sizeof *node->held);
    for (size_t i = 0; i < locks.n; i++) {
        if (locks.items[i].prepared)
            node->held[node->held_n++] =
                (struct history_lock){.resource = number_of(sim, locks.items[i].name),
                                      .id = locks.items[i].id,
                                      .mode = locks.items[i].mode};
    }
    free(locks.items);
}

/* On the whole keyspace, or the store, it gives a lock on whatever is below. */
static bool covers(struct sim *sim, const struct lock *lock, const struct history_lock *held)
{
    const char *place = history_text(&sim->history, held->resource);
    const char *above = history_text(&sim->history, number_of(sim, lock->name));

    if (lock->name.range || lock->name.key.len > 0 ||
        !lock_mode_covers_below(lock->mode, held->mode))
        return false;
    return lock->name.space.len == 0 ||
           (strncmp(place, above, strlen(above)) == 0 && place[strlen(above)] == '/');
}

static bool has(struct sim *sim, const struct locks *locks, const struct history_lock *held)
{
    for (size_t i = 0; i < locks->n; i++) {
        const struct lock *lock = &locks->items[i];

        if (tx_id_equal(lock->id, held->id) &&
            (covers(sim, lock, held) ||
             (lock->mode == held->mode && number_of(sim, lock->name) == held->resource)))
            return true;
    }
    return false;
}

void inside_locks_compare(struct sim *sim, size_t at)
{
    const struct sim_node *node = &sim->nodes[at];
    const struct part_core *core = sim_participant_core(node);
    struct locks locks = {.n = 0};
    char id[TX_ID_TEXT];

    if (node->held_n > 0)
        locks = locks_of(core);
    for (size_t i = 0; i < node->held_n; i++) {
        const struct history_lock *held = &node->held[i];
        const struct part_tx *tx = part_tx_find(core, held->id);

        if (tx != NULL && tx->state == PART_PREPARED && !has(sim, &locks, held))
            sim_fail(sim,
                     "forgotten-lock: %s: %s is prepared, held %s in mode %s, and does not "
                     "after the restart",
                     node->name.s, tx_id_print(held->id, id),
                     history_text(&sim->history, held->resource), tx_lock_mode_name(held->mode));
    }
    free(locks.items);
}
