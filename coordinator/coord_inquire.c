/* INQUIRE: a participant in doubt asks. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>

static void send_wait(struct coord_core *core, const struct coord_tx *tx,
                      const struct coord_peer *peer)
{
    struct tx_msg msg = {.type = TX_MSG_WAIT, .id = {.id = tx->id}};
    coord_send(core, peer, &msg);
}

/* Committed, or finished so: COMMIT to whoever must commit. */
static void tell_commit(struct coord_core *core, struct coord_tx *tx, const struct coord_peer *peer)
{
    const struct coord_member *member = coord_tx_member(tx, peer);
    if (member == NULL || !coord_member_commits(member)) {
        core->stats.violations++; /* it has promised nothing and cannot be in doubt */
        return;
    }
    /* The start that has acknowledged asked before: its acknowledgement has overtaken that. A later
     * one cannot have forgotten what was durable. */
    bool declared = tx_loss_holds(&peer->loss, member->ack.start) && peer->loss.start > 0;
    if (tx->state == COORD_FINISHED_COMMITTED && peer->incarnation != member->ack.start &&
        !declared) {
        coord_alarm_tx(core, tx,
                       coord_print(core,
                                   "participant %s asks for the decision that it has "
                                   "acknowledged: is its disk an old one?",
                                   peer->name.s));
    }
    coord_send_commit(core, tx, peer);
}

/* Presumed abort rests on the whole log. When this one is an old copy, a decision of an older epoch
 * may be missing; whoever has carried it out refuses this start at its first word. So everybody who
 * can speak is heard first; those who are down are not waited for. */
static bool may_presume(const struct coord_core *core, struct tx_id id)
{
    for (size_t i = 0; id.epoch < core->options.epoch && i < core->peers_n; i++) {
        if (core->peers[i]->configured && core->peers[i]->state == COORD_PEER_NEW) {
            return false;
        }
    }
    return true;
}

static void presume(struct coord_core *core, struct coord_peer *peer, struct tx_id id)
{
    if (may_presume(core, id)) {
        coord_send_abort(core, id, TX_REASON_PRESUMED, coord_never_decided(core, id), peer);
        return;
    }
    struct tx_msg msg = {.type = TX_MSG_WAIT, .id = {.id = id}};
    coord_send(core, peer, &msg);
    if (core->presuming_n < COORD_PRESUMING_MAX) { /* beyond that it asks again */
        core->presuming[core->presuming_n++] = (struct coord_presuming){peer, id};
    }
}

void coord_presume_waiting(struct coord_core *core)
{
    size_t n = core->presuming_n;
    if (n == 0 || !may_presume(core, core->presuming[0].id)) {
        return;
    }
    core->presuming_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct tx_msg_inquire again = {.id = core->presuming[i].id, .in_doubt = true};
        coord_on_inquire(core, core->presuming[i].peer, &again);
    }
}

/* Two copies of this directory have run. Which of them is the old one is not said by that; what the
 * other one has decided is not known here, so nothing is presumed. The members of the transaction
 * are asked next. */
static void of_another_copy(struct coord_core *core, struct coord_peer *peer, struct tx_id id)
{
    if (peer->of_another_copy) {
        core->stats.stale++;
        return;
    }
    peer->of_another_copy = true;
    coord_alarm(core, id,
                coord_print(core,
                            "participant %s asks for a transaction of epoch %" PRIu64
                            ", which this log never had: another copy of this data directory has "
                            "served it. Only that copy, or an operator, can settle it",
                            peer->name.s, id.epoch));
}

/* Of an older epoch: its members may have committed it without a word here. So nothing can be
 * presumed, and the asker has to ask them. */
static bool left_to_members(const struct coord_core *core, const struct tx_msg_inquire *inquire)
{
    return inquire->members_decide && inquire->id.epoch < core->options.epoch &&
           !TX_SEEDED_BUG(PRESUME_ABORT_OF_MEMBERS);
}

static void unknown(struct coord_core *core, struct coord_peer *peer,
                    const struct tx_msg_inquire *inquire)
{
    struct tx_id id = inquire->id;
    if (id.epoch > core->options.epoch) {
        coord_fence(core, (struct tx_position){.start = id.epoch},
                    coord_print(core,
                                "participant %s asks for a transaction of epoch %" PRIu64
                                ", and this start has epoch %" PRIu64,
                                peer->name.s, id.epoch, core->options.epoch));
    } else if (id.epoch == core->options.epoch && id.seq >= core->next_seq) {
        core->stats.violations++; /* never begun, so nobody can be in doubt about it */
    } else if (tx_lineage_lacks(&core->lineage, id.epoch)) {
        of_another_copy(core, peer, id);
    } else if (left_to_members(core, inquire)) {
        core->stats.stale++;
    } else {
        presume(core, peer, id);
    }
}

/* An older transaction waits for a lock of this one at a member that has prepared it. When its
 * operations at another member wait for that older one, both wait for ever: no member sees the
 * whole circle. So the younger one goes, as it would have been wounded before it prepared. Only
 * one-shots can wait like that; of the others all operations were over before the first PREPARE. */
static void wanted(struct coord_core *core, struct coord_tx *tx, struct coord_peer *peer)
{
    if (!tx->one_shot || tx->one_phase || coord_tx_member(tx, peer) == NULL) {
        send_wait(core, tx, peer);
        return;
    }
    coord_give_up(
        core, tx, TX_REASON_WOUNDED, peer,
        tx_bytes_str("an older transaction needs a lock that this one has prepared with"));
    if (tx->state == COORD_COLLECTING) {
        send_wait(core, tx, peer);
    }
}

void coord_on_inquire(struct coord_core *core, struct coord_peer *peer,
                      const struct tx_msg_inquire *inquire)
{
    struct coord_tx *tx = coord_tx_find(core, inquire->id);
    if (tx == NULL) {
        unknown(core, peer, inquire);
        return;
    }
    switch (tx->state) {
    case COORD_COLLECTING:
        if (inquire->wanted && !TX_SEEDED_BUG(WANTED_IGNORED)) {
            wanted(core, tx, peer);
            break;
        }
        send_wait(core, tx, peer);
        break;
    case COORD_ACTIVE:
    case COORD_DECIDING:
        if (TX_SEEDED_BUG(PRESUME_ABORT_WHILE_ACTIVE)) {
            coord_send_abort(core, tx->id, TX_REASON_PRESUMED, true, peer);
        } else {
            send_wait(core, tx, peer);
        }
        break;
    case COORD_COMMITTED:
    case COORD_FINISHED_COMMITTED:
        tell_commit(core, tx, peer);
        break;
    case COORD_FINISHED_ABORTED:
        coord_send_abort(core, tx->id, tx->reason, true, peer);
        break;
    case COORD_RESOLVING:
        unknown(core, peer, inquire); /* no record here, or the id would be known */
        break;
    case COORD_STATES_N:
        TX_ASSERT(tx->state != COORD_STATES_N);
    }
}
