/* What is unsettled here, by coordinator and epoch: in doubt, being prepared, or ended in a way
 * that a crash could take back. A later start of the coordinator forgets an epoch only when no
 * participant has anything of it left. Counted, for every WELCOME says it. */
#include "participant/part_internal.h"

#include <string.h>

static size_t reserve(struct part_coordinator *coordinator, size_t at)
{
    if (coordinator->unsettled_n == coordinator->unsettled_capacity) {
        coordinator->unsettled_capacity = coordinator->unsettled_capacity * 2 + 2;
        coordinator->unsettled =
            tx_xrealloc(coordinator->unsettled,
                        coordinator->unsettled_capacity * sizeof *coordinator->unsettled);
    }
    return coordinator->unsettled_n++ - at;
}

/* The place of an epoch, or where it belongs: as a rule it is the newest. */
static size_t place(const struct part_coordinator *coordinator, uint64_t epoch)
{
    size_t at = coordinator->unsettled_n;
    while (at > 0 && coordinator->unsettled[at - 1].epoch >= epoch)
        at--;
    return at;
}

static void add(struct part_coordinator *coordinator, uint64_t epoch)
{
    size_t at = place(coordinator, epoch);
    if (at == coordinator->unsettled_n || coordinator->unsettled[at].epoch != epoch) {
        size_t behind = reserve(coordinator, at);
        struct part_unsettled *made = &coordinator->unsettled[at];
        memmove(made + 1, made, behind * sizeof *made);
        *made = (struct part_unsettled){.epoch = epoch};
    }
    coordinator->unsettled[at].n++;
}

static void take_away(struct part_coordinator *coordinator, uint64_t epoch)
{
    size_t at = place(coordinator, epoch);
    TX_ASSERT(at < coordinator->unsettled_n && coordinator->unsettled[at].epoch == epoch);
    struct part_unsettled *counted = &coordinator->unsettled[at];
    TX_ASSERT(counted->n > 0);
    if (--counted->n > 0)
        return;
    coordinator->unsettled_n--;
    memmove(counted, counted + 1, (coordinator->unsettled_n - at) * sizeof *counted);
}

bool part_is_unsettled(const struct part_core *core, const struct part_tx *tx)
{
    switch (tx->state) {
    case PART_WORKING: /* a restart takes nothing from it that it has promised */
    case PART_UNDOING:
        return false;
    case PART_PREPARING:
    case PART_PREPARED:
        return true;
    case PART_COMMITTED:
        return tx->lsn.n > core->durable.n && !TX_SEEDED_BUG(UNSETTLED_IN_MEMORY);
    case PART_HEURISTIC:
        return tx->heuristic.end == TX_HEURISTIC_NONE || tx->heuristic.lsn.n > core->durable.n;
    case PART_STATES_N:
        break;
    }
    return false;
}

void part_unsettled_update(struct part_core *core, struct part_tx *tx)
{
    bool unsettled = part_is_unsettled(core, tx);
    if (unsettled == tx->unsettled)
        return;
    tx->unsettled = unsettled;
    if (unsettled)
        add(tx->coordinator, tx->id.epoch);
    else
        take_away(tx->coordinator, tx->id.epoch);
}

void part_unsettled_drop(struct part_tx *tx)
{
    if (tx->unsettled)
        take_away(tx->coordinator, tx->id.epoch);
    tx->unsettled = false;
}

uint64_t part_unsettled_oldest(const struct part_coordinator *coordinator)
{
    return coordinator->unsettled_n > 0 ? coordinator->unsettled[0].epoch : 0;
}
