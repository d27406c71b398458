/* What rests on a record that is not durable yet waits here, in the order of the log. */
#include "participant/part_internal.h"

#include <string.h>

static void make_room(struct part_core *core)
{
    if (core->held_to < core->held_capacity)
        return;
    size_t n = core->held_to - core->held_from;
    if (core->held_from >= n && core->held_from > 0) {
        /* At least half of it is free at the front: moving costs less than was taken out before. */
        memmove(core->held, core->held + core->held_from, n * sizeof *core->held);
        core->held_from = 0;
        core->held_to = n;
        return;
    }
    core->held_capacity = core->held_capacity > 0 ? core->held_capacity * 2 : 8;
    core->held = tx_xrealloc(core->held, core->held_capacity * sizeof *core->held);
}

void part_hold(struct part_core *core, const struct part_held *held)
{
    TX_ASSERT(held->lsn.n > core->durable.n && held->lsn.n <= core->last.n);
    TX_ASSERT(core->held_to == core->held_from ||
              core->held[core->held_to - 1].lsn.n <= held->lsn.n);
    make_room(core);
    core->held[core->held_to++] = *held;
}

static void welcome(struct part_core *core, const struct part_held *held)
{
    struct part_coordinator *coordinator = part_coordinator_find(core, held->coordinator);
    TX_ASSERT(coordinator != NULL);
    if (coordinator->epoch != held->epoch)
        return;
    part_send_welcome(core, coordinator);
    part_inquire_older_epochs(core, coordinator);
}

static void release(struct part_core *core, const struct part_held *held)
{
    struct part_tx *tx = part_tx_find(core, held->tx);
    switch (held->type) {
    case PART_HELD_EPOCH:
        welcome(core, held);
        return;
    case PART_HELD_READ:
        part_read_durable(core, tx);
        return;
    case PART_HELD_PREPARED:
        TX_ASSERT(tx != NULL);
        part_prepared_durable(core, tx);
        return;
    case PART_HELD_COMMITTED:
        TX_ASSERT(tx != NULL);
        part_committed_durable(core, tx);
        return;
    case PART_HELD_RESOLVED:
        part_resolved_durable(core, held);
        return;
    case PART_HELD_PUT_ASIDE:
        part_put_aside_durable(core, held);
        return;
    case PART_HELD_END:
        TX_ASSERT(tx != NULL);
        part_heuristic_end_durable(core, tx);
        return;
    case PART_HELD_SNAPSHOT:
        part_snapshot_durable(core, held);
        return;
    case PART_HELD_CUT:
        part_cut_durable(core);
        return;
    case PART_HELD_LOST:
        part_lost_durable(core, held);
        return;
    }
}

void part_on_durable(struct part_core *core, struct tx_lsn lsn)
{
    TX_ASSERT(lsn.n <= core->last.n);
    if (lsn.n <= core->durable.n)
        return;
    core->durable = lsn;
    while (core->held_from < core->held_to && core->held[core->held_from].lsn.n <= lsn.n) {
        struct part_held held = core->held[core->held_from++]; /* the queue may move meanwhile */
        release(core, &held);
    }
    if (core->held_from == core->held_to)
        core->held_from = core->held_to = 0;
}
