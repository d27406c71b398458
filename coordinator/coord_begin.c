/* BEGIN and JOIN: a transaction whose operations go from its client straight to the
 * participants. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>

bool coord_may_begin(struct coord_core *core, struct coord_waiter from)
{
    size_t open = core->counts[COORD_ACTIVE] + core->counts[COORD_COLLECTING] +
                  core->counts[COORD_DECIDING] + core->counts[COORD_COMMITTED];
    if (core->disk_low) {
        coord_error(core, from, TX_EFULL, TX_REASON_DISK_FULL,
                    coord_print(core,
                                "coordinator %" PRIu32 " is at its disk reserve; free space "
                                "on its disk, or use another coordinator",
                                core->options.id));
    } else if (core->draining) {
        coord_error(core, from, TX_ESTATE, TX_REASON_DRAINING,
                    coord_print(core,
                                "coordinator %" PRIu32 " takes no new transactions: it is "
                                "drained, or about to stop; use another coordinator",
                                core->options.id));
    } else if (open >= core->options.txs_max) {
        coord_error(core, from, TX_ELIMIT, TX_REASON_BUSY,
                    coord_print(core,
                                "coordinator %" PRIu32 " has %zu transactions open, which is "
                                "its limit; try again in a moment",
                                core->options.id, open));
    } else {
        return true;
    }
    return false;
}

void coord_age_learn(struct coord_core *core, uint64_t counter)
{
    if (counter > core->age_counter && counter < TX_AGE_COUNTER_MAX) {
        core->age_counter = counter;
    }
}

bool coord_age_take(struct coord_core *core, struct coord_waiter from, struct tx_age given,
                    struct tx_age *age)
{
    if (given.counter == 0) {
        core->age_counter++;
        *age = (struct tx_age){.counter = core->age_counter, .coordinator = core->options.id};
        return true;
    }
    if (given.counter >= TX_AGE_COUNTER_MAX || given.coordinator == 0 ||
        given.coordinator > TX_COORDINATOR_ID_MAX) {
        coord_error(core, from, TX_EINVAL, TX_REASON_NONE,
                    coord_print(core,
                                "age %" PRIu64 " of coordinator %" PRIu32 " is none that a "
                                "coordinator gives; retry with the age of the first attempt",
                                given.counter, given.coordinator));
        return false;
    }
    coord_age_learn(core, given.counter);
    *age = given;
    return true;
}

struct tx_id coord_next_id(struct coord_core *core)
{
    return (struct tx_id){
        .coordinator = core->options.id, .epoch = core->options.epoch, .seq = core->next_seq++};
}

void coord_active_timer(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(tx->state == COORD_ACTIVE);
    coord_abort(core, tx, TX_REASON_IDLE, NULL,
                coord_print(core, "no word from the client for %" PRIu64 " ms",
                            core->options.active_idle_us / 1000));
}

static void reply_begun(struct coord_core *core, struct coord_waiter to, const struct coord_tx *tx)
{
    struct tx_msg msg = {
        .type = TX_MSG_BEGUN,
        .begun = {.req = to.req, .id = tx->id, .age = tx->age, .token = tx->token},
    };
    msg.begun.nodes = coord_peer_members(core, &msg.begun.nodes_n);
    coord_reply(core, to.client, &msg);
}

void coord_on_begin(struct coord_core *core, struct coord_waiter from,
                    const struct coord_event *event)
{
    struct coord_tx *twin = coord_tx_by_request(core, from);
    if (twin != NULL && !twin->one_shot) {
        if (twin->state == COORD_ACTIVE) {
            reply_begun(core, from, twin);
        } else {
            core->stats.stale++;
        }
        return;
    }
    struct tx_age age;
    if (!coord_may_begin(core, from) || !coord_age_take(core, from, event->msg->begin.age, &age)) {
        return;
    }
    struct coord_tx *tx = coord_tx_new(core, coord_next_id(core), COORD_ACTIVE);
    coord_open_add(core, tx);
    coord_tx_set_request(core, tx, from);
    tx->age = age;
    tx->token = event->token;
    core->stats.begun++;
    coord_timer_arm(&core->timers, &tx->timer, core->now + core->options.active_idle_us);
    reply_begun(core, from, tx);
}

void coord_active_restarted(struct coord_core *core, struct coord_tx *tx,
                            const struct coord_peer *peer)
{
    TX_ASSERT(tx->state == COORD_ACTIVE);
    coord_abort(core, tx, TX_REASON_RESTARTED, peer,
                coord_print(core, "participant %s has restarted since (incarnation %" PRIu64 ")",
                            peer->name.s, peer->incarnation));
}

void coord_on_join(struct coord_core *core, struct coord_peer *peer, const struct tx_msg_id *msg)
{
    struct coord_tx *tx = coord_tx_find(core, msg->id);
    if (tx == NULL && msg->id.epoch == core->options.epoch && msg->id.seq >= core->next_seq) {
        coord_send_abort(core, msg->id, TX_REASON_PRESUMED, true, peer); /* nobody has begun it */
        return;
    }
    if (tx == NULL) {
        /* A JOIN that is late enough finds its transaction forgotten, and that may have committed:
         * in one phase it leaves no record here that would prove otherwise. Who still works on an
         * id of an older epoch undoes it at HELLO, on one of this epoch at its idle limit. */
        core->stats.stale++;
        return;
    }
    switch (tx->state) {
    case COORD_ACTIVE:
        coord_tx_join(tx, peer);
        coord_timer_arm(&core->timers, &tx->timer, core->now + core->options.active_idle_us);
        break;
    case COORD_COLLECTING:
    case COORD_DECIDING:
    case COORD_COMMITTED:
    case COORD_FINISHED_COMMITTED:
        if (coord_tx_member(tx, peer) == NULL) {
            coord_send_abort(core, tx->id, TX_REASON_REFUSED, true,
                             peer); /* came too late to take part */
        } else {
            core->stats.stale++;
        }
        break;
    case COORD_FINISHED_ABORTED:
        coord_send_abort(core, tx->id, tx->reason, true, peer);
        break;
    case COORD_RESOLVING:
        core->stats.stale++;
        break;
    case COORD_STATES_N:
        TX_ASSERT(tx->state != COORD_STATES_N);
    }
}
