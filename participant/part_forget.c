/* FORGET: the mark moves, and what has ended below it goes. */
#include "participant/part_internal.h"

#include <string.h>

/* Has it ended for good, and durably so? */
static bool has_ended(const struct part_core *core, const struct part_tx *tx)
{
    if (tx->state == PART_COMMITTED)
        return tx->lsn.n <= core->durable.n;
    const struct part_heuristic *heuristic = &tx->heuristic;
    if (tx->state != PART_HEURISTIC || heuristic->end == TX_HEURISTIC_NONE)
        return false;
    bool seen_to = heuristic->put_aside && heuristic->aside.n <= core->durable.n;
    return (heuristic->end == TX_HEURISTIC_OK || seen_to) && heuristic->lsn.n <= core->durable.n;
}

bool part_forget_ended(struct part_core *core, struct part_tx *tx)
{
    bool early = TX_SEEDED_BUG(COMMITTED_FORGOTTEN_EARLY) && tx->members_decide;
    if (!has_ended(core, tx) || (!part_mark_covers(tx->coordinator, tx->id) && !early))
        return false;
    part_tx_free(core, tx);
    return true;
}

/* A transaction that the coordinator calls finished although it is not so here. */
static void contradicted(struct part_core *core, struct part_tx *tx)
{
    switch (tx->state) {
    case PART_WORKING:
        part_undo(core, tx, TX_REASON_PRESUMED, tx_bytes_str("its coordinator has finished it"),
                  false);
        return;
    case PART_PREPARED:
        part_inquire(core, tx);
        return;
    case PART_HEURISTIC:
        if (tx->heuristic.end == TX_HEURISTIC_NONE)
            part_inquire(core, tx);
        return;
    case PART_UNDOING:
    case PART_PREPARING:
    case PART_COMMITTED: /* its record is not durable yet; then it goes */
    case PART_STATES_N:
        return;
    }
}

static void forget_txs(struct part_core *core, struct part_coordinator *coordinator)
{
    struct part_link *next;
    for (struct part_link *l = coordinator->txs.next; l != &coordinator->txs; l = next) {
        next = l->next;
        struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_coordinator);
        if (!part_mark_covers(coordinator, tx->id))
            continue;
        if (has_ended(core, tx))
            part_tx_free(core, tx);
        else
            contradicted(core, tx);
    }
}

static void forget_tombstones(struct part_core *core, struct part_coordinator *coordinator)
{
    struct part_link *next;
    for (struct part_link *l = coordinator->tombstones.next; l != &coordinator->tombstones;
         l = next) {
        next = l->next;
        struct part_tombstone *tombstone = PART_CONTAINER(l, struct part_tombstone, in_coordinator);
        if (part_mark_covers(coordinator, tombstone->id))
            part_tombstone_drop(core, tombstone);
    }
}

bool part_forget_valid(const struct tx_msg_forget *forget)
{
    if (forget->epoch < 1 || forget->open_n > TX_OPEN_IDS_MAX)
        return false;
    for (size_t i = 0; i < forget->open_n; i++) {
        if (forget->open[i] >= forget->below || (i > 0 && forget->open[i] <= forget->open[i - 1]))
            return false;
    }
    return true;
}

static void append_forget(struct part_core *core, uint32_t coordinator, uint64_t epoch,
                          uint64_t below, const uint64_t *open, size_t open_n)
{
    uint64_t *copy = part_alloc(&core->out->arena, open_n, sizeof *copy);
    if (open_n > 0)
        memcpy(copy, open, open_n * sizeof *copy);
    struct part_action *action = part_append(core, TXLOG_FORGET, (struct tx_id){0}, false);
    action->record.forget = (struct txlog_forget){
        .coordinator = coordinator, .epoch = epoch, .below = below, .open = copy, .open_n = open_n};
}

void part_append_mark(struct part_core *core, const struct part_coordinator *coordinator,
                      uint64_t epoch)
{
    const struct part_mark *mark = part_mark_find(coordinator, epoch);
    if (mark == NULL)
        append_forget(core, coordinator->id, epoch, UINT64_MAX, NULL, 0);
    else
        append_forget(core, coordinator->id, epoch, mark->below, mark->open, mark->open_n);
}

void part_on_forget(struct part_core *core, struct part_coordinator *coordinator,
                    const struct tx_msg_forget *forget)
{
    if (!part_forget_valid(forget) || forget->epoch > coordinator->epoch) {
        core->violations++;
        return;
    }
    /* It is sent again now and then, and says nothing new if none was lost. */
    if (!part_mark_merge(coordinator, forget->epoch, forget->below, forget->open, forget->open_n))
        return;
    /* Replay merges the same words in the same order. */
    append_forget(core, coordinator->id, forget->epoch, forget->below, forget->open,
                  forget->open_n);
    forget_txs(core, coordinator);
    forget_tombstones(core, coordinator);
}
