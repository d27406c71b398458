#include "inside.h"

#include "participant/part_internal.h"

struct held {
    struct history *history;
    struct history_lock *locks;
    uint32_t n, capacity;
};

static void add_held(void *arg, struct tx_id id, const char *resource, enum tx_lock_mode mode)
{
    struct held *held = arg;

    if (held->n == held->capacity) {
        held->capacity = held->capacity * 2 + 64;
        held->locks = tx_xrealloc(held->locks, held->capacity * sizeof *held->locks);
    }
    held->locks[held->n++] = (struct history_lock){
        .resource = history_intern(held->history, resource), .id = id, .mode = mode};
}

void inside_locks(const struct part_core *core, struct history *history, uint32_t node,
                  uint64_t time_ns)
{
    struct held held = {.history = history};

    part_core_each_lock(core, add_held, &held);
    history_add_locks(history,
                      &(struct history_locks){
                          .node = node, .time_ns = time_ns, .held = held.locks, .held_n = held.n});
    free(held.locks);
}

void inside_waits(const struct part_core *core,
                  void (*visit)(void *arg, struct tx_id waiter, struct tx_id blocker), void *arg)
{
    for (const struct part_link *link = core->live.next; link != &core->live; link = link->next) {
        const struct part_tx *tx = PART_CONTAINER(link, struct part_tx, in_live);
        struct lock_wait_info info;

        if (tx->wait == PART_WAIT_LOCK && lockmgr_wait_info(core->locks, tx->owner, &info))
            visit(arg, tx->id, info.blocker);
    }
}

size_t inside_part_live(const struct part_core *core)
{
    return HASH_COUNT(core->txs);
}

void inside_part_in_doubt(const struct part_core *core, uint32_t coordinator,
                          struct inside_doubt *doubt)
{
    for (const struct part_tx *tx = core->txs; tx != NULL; tx = tx->hh.next) {
        if (tx->id.coordinator != coordinator ||
            (tx->state != PART_PREPARING && tx->state != PART_PREPARED))
            continue;
        if (tx->members_decide) {
            doubt->members_decide++;
            doubt->id = tx->id;
        } else {
            doubt->coordinator_decides++;
        }
    }
}

struct tx_id inside_part_found_out(const struct part_core *core)
{
    for (const struct part_tx *tx = core->txs; tx != NULL; tx = tx->hh.next) {
        if (tx->state == PART_COMMITTED && tx->found_out)
            return tx->id;
    }
    return (struct tx_id){0};
}

unsigned inside_part_unended(const struct part_core *core)
{
    unsigned n = 0;

    for (const struct part_tx *tx = core->txs; tx != NULL; tx = tx->hh.next)
        n += tx->state == PART_HEURISTIC && tx->heuristic.end == TX_HEURISTIC_NONE;
    return n;
}

bool inside_part_welcomes(const struct part_core *core, uint32_t coordinator,
                          const struct tx_msg_hello *hello)
{
    const struct part_coordinator *known = part_coordinator_find(core, coordinator);
    struct tx_lineage lineage;

    return tx_lineage_set(&lineage, hello->starts, hello->starts_n) &&
           (known == NULL || !tx_lineage_denies(&lineage, part_coordinator_known(known)));
}

bool inside_part_takes_no(const struct part_core *core, const struct tx_envelope *from,
                          const struct tx_msg_state *state, struct tx_position *known)
{
    const struct part_tx *tx = part_tx_find(core, state->id);

    for (size_t i = 0; tx != NULL && i < tx->members_n; i++) {
        if (tx_name_equal(&tx->members[i].name, &from->name)) {
            *known = tx->known[i];
            return state->incarnation >= tx->members[i].incarnation;
        }
    }
    return false;
}

bool inside_part_disproved(const struct part_core *core, struct tx_position known)
{
    return tx_lineage_denies(&core->lineage, known) || known.lsn.n > core->durable.n;
}
