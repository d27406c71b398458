#include "inside.h"

#include "participant/part_internal.h"

struct held {
    struct history *history;
    struct history_lock *locks;
    uint32_t n, capacity;
    struct tx_id id;
};

static void add_held(void *arg, struct lock_name name, enum tx_lock_mode mode)
{
    struct held *held = arg;
    char text[TX_SPACE_MAX + TX_KEY_MAX + 2];

    if (held->n == held->capacity) {
        held->capacity = held->capacity * 2 + 64;
        held->locks = tx_xrealloc(held->locks, held->capacity * sizeof *held->locks);
    }
    part_place_print(name, text, sizeof text);
    held->locks[held->n++] = (struct history_lock){
        .resource = history_intern(held->history, text), .id = held->id, .mode = mode};
}

void inside_locks(const struct part_core *core, struct history *history, uint32_t node,
                  uint64_t time_ns)
{
    struct held held = {.history = history};

    for (const struct part_link *link = core->live.next; link != &core->live; link = link->next) {
        const struct part_tx *tx = PART_CONTAINER(link, struct part_tx, in_live);

        held.id = tx->id;
        if (tx->owner != NULL)
            lockmgr_each_held(tx->owner, add_held, &held);
    }
    history_add_locks(history,
                      &(struct history_locks){
                          .node = node, .time_ns = time_ns, .held = held.locks, .held_n = held.n});
    free(held.locks);
}

size_t inside_part_live(const struct part_core *core)
{
    return HASH_COUNT(core->txs);
}
