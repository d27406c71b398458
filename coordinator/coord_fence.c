/* Fenced: a later start of this coordinator exists, or another one of the same epoch. Silence from
 * then on, in every later start on this directory too: what it would say could contradict the
 * other. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>

static void drop_undecided(struct coord_core *core, struct coord_tx *tx)
{
    struct tx_bytes text = coord_print(core, "the coordinator was fenced before the outcome was "
                                             "known; ask again at its later start");
    for (size_t i = 0; i < tx->waiters_n; i++) {
        coord_answer_unknown(core, tx->waiters[i], tx->id, text);
    }
    tx->waiters_n = 0;
    if (tx->open) {
        coord_open_remove(core, tx);
    }
    coord_tx_free(core, tx);
}

/* Without the record the next start would take an epoch above the one that fences this start, and
 * the participants would believe a log that lacks the decisions of the other. */
static void make_durable(struct coord_core *core, struct tx_position known)
{
    struct txlog_record record = {
        .type = TXLOG_EPOCH,
        .epoch = {.coordinator = core->options.id, .known = known},
    };
    (void)coord_append(core, &record, true);
}

void coord_fence(struct coord_core *core, struct tx_position known, struct tx_bytes text)
{
    TX_ASSERT(!core->fenced);
    coord_note(core, (struct tx_id){0}, text);
    coord_alarm(core, (struct tx_id){0},
                coord_print(core,
                            "fenced for good: this coordinator has been at epoch %" PRIu64
                            ", log position %" PRIu64 ", and this log, at epoch %" PRIu64
                            " now, does not come from there. Stop this daemon; its data directory "
                            "is an old copy, or a second daemon runs with the same id. Start it on "
                            "its newest directory, or on an empty one with an id never used before",
                            known.start, known.lsn.n, core->options.epoch));
    make_durable(core, known);
    core->fenced = true;
    core->presuming_n = 0;
    struct coord_tx *next;
    for (struct coord_tx *tx = TAILQ_FIRST(&core->all); tx != NULL; tx = next) {
        next = TAILQ_NEXT(tx, in_all);
        if (coord_tx_decided(tx)) {
            coord_timer_disarm(&core->timers, &tx->timer);
        } else {
            drop_undecided(core, tx);
        }
    }
    for (size_t i = 0; i < core->peers_n; i++) {
        coord_timer_disarm(&core->timers, &core->peers[i]->hello);
        coord_timer_disarm(&core->timers, &core->peers[i]->down);
    }
    coord_timer_disarm(&core->timers, &core->forget);
    coord_timer_disarm(&core->timers, &core->retention);
    coord_cut_fenced(core);
}

void coord_fence_recovered(struct coord_core *core)
{
    TX_ASSERT(core->fenced);
    coord_note(core, (struct tx_id){0},
               coord_print(core, "fenced for good: the log says that an earlier start on this data "
                                 "directory was told of another one. Stop this daemon and start "
                                 "it on its newest directory, or on an empty one with an id never "
                                 "used before"));
    struct coord_tx *tx;
    TAILQ_FOREACH(tx, &core->all, in_all)
    {
        coord_timer_disarm(&core->timers, &tx->timer);
    }
    coord_timer_disarm(&core->timers, &core->retention);
}

/* Late words about an earlier start of this very log prove nothing, so each is checked here. */
void coord_on_fenced(struct coord_core *core, const struct tx_msg_fenced *fenced)
{
    bool denied =
        tx_lineage_denies(&core->lineage, fenced->known) || fenced->known.lsn.n > core->durable.n;
    if (!denied || TX_SEEDED_BUG(GO_ON_AFTER_FENCED)) {
        core->stats.stale++;
        return;
    }
    coord_fence(core, fenced->known,
                coord_print(core,
                            "a participant has seen epoch %" PRIu64 " of this coordinator, up to "
                            "log position %" PRIu64 ", in another log than this one",
                            fenced->known.start, fenced->known.lsn.n));
}
