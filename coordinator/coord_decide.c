/* The decision to commit: forced to the log first, then told, then told again until every member
 * has acknowledged it, then ended. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>

void coord_send_commit(struct coord_core *core, const struct coord_tx *tx,
                       const struct coord_peer *peer)
{
    TX_ASSERT(tx->state == COORD_COMMITTED || tx->state == COORD_FINISHED_COMMITTED);
    struct tx_msg msg = {.type = TX_MSG_COMMIT, .commit = {.id = tx->id, .lsn = core->durable}};
    for (size_t i = 0; i < tx->members_n; i++) {
        if (tx->members[i].peer == peer) {
            msg.commit.incarnation = tx->members[i].incarnation;
        }
    }
    coord_send(core, peer, &msg);
}

/* To those that must commit, have not acknowledged and can hear it. The others get it with their
 * WELCOME. */
static void send_commits(struct coord_core *core, struct coord_tx *tx)
{
    tx->tried++;
    for (size_t i = 0; i < tx->members_n; i++) {
        const struct coord_member *member = &tx->members[i];
        if (coord_member_commits(member) && !member->acked &&
            member->peer->state == COORD_PEER_UP) {
            coord_send_commit(core, tx, member->peer);
        }
    }
}

static bool nobody_writes(const struct coord_tx *tx)
{
    for (size_t i = 0; i < tx->members_n; i++) {
        if (coord_member_commits(&tx->members[i])) {
            return false;
        }
    }
    return true;
}

void coord_finish_readers(struct coord_core *core, struct coord_tx *tx)
{
    coord_tx_drop_work(core, tx);
    coord_tx_move(core, tx, COORD_FINISHED_COMMITTED);
    coord_count_committed(core, tx);
    coord_results_keep(core, tx);
    coord_answer_all(core, tx);
    coord_open_remove(core, tx);
    coord_retain(core, tx);
}

void coord_decide(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(tx->state == COORD_COLLECTING);
    TX_ASSERT(!tx->one_phase || nobody_writes(tx));
    coord_phase_end(core, tx, COORD_PHASE_PREPARE);
    if (nobody_writes(tx)) {
        coord_finish_readers(core, tx);
        return;
    }
    if (tx->members_decide) {
        coord_found_committed(core, tx);
        return;
    }
    coord_tx_drop_work(core, tx);
    struct txlog_record record = coord_commit_record(core, tx);
    tx->lsn = coord_append(core, &record, true);
    tx->logged = COORD_LOGGED_COMMIT;
    coord_tx_move(core, tx, COORD_DECIDING);
    if (TX_SEEDED_BUG(COMMIT_BEFORE_DURABLE)) {
        coord_commit_durable(core, tx);
        return;
    }
    coord_queue_push(&core->queue, (struct coord_resting){
                                       .lsn = tx->lsn, .what = COORD_REST_COMMIT, .tx = tx->id});
}

static void arm_resend(struct coord_core *core, struct coord_tx *tx)
{
    coord_timer_arm(&core->timers, &tx->timer, core->now + tx->interval_us);
    uint64_t doubled = tx->interval_us * 2;
    uint64_t most = core->options.resend_max_us;
    tx->interval_us = doubled < most ? doubled : most;
}

static void tell_committed(struct coord_core *core, struct coord_tx *tx)
{
    coord_tx_move(core, tx, COORD_COMMITTED);
    coord_phase_end(core, tx, COORD_PHASE_DECISION);
    coord_count_committed(core, tx);
    coord_results_keep(core, tx);
    coord_answer_all(core, tx);
    send_commits(core, tx);
    tx->interval_us = core->options.resend_us;
    arm_resend(core, tx);
}

void coord_commit_durable(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(tx->state == COORD_DECIDING);
    TX_ASSERT(tx->lsn.n <= core->durable.n);
    tell_committed(core, tx);
}

/* The record only helps a later start to deliver it, and whoever asks what became of it; END, which
 * comes after it in the log, is what the mark waits for. */
void coord_found_committed(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(tx->state == COORD_COLLECTING);
    TX_ASSERT(tx->members_decide && coord_all_voted(tx));
    coord_tx_drop_work(core, tx);
    struct txlog_record record = coord_commit_record(core, tx);
    tx->lsn = coord_append(core, &record, false);
    tx->logged = COORD_LOGGED_COMMIT;
    tx->reason = TX_REASON_NONE; /* why it was left to its members, when it was */
    core->stats.members_committed++;
    tell_committed(core, tx);
}

void coord_committed_timer(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(tx->state == COORD_COMMITTED);
    TX_ASSERT(!tx->logged_end);
    core->stats.resends++;
    send_commits(core, tx);
    arm_resend(core, tx);
}

void coord_committed_peer_back(struct coord_core *core, struct coord_tx *tx,
                               const struct coord_peer *peer)
{
    const struct coord_member *member = coord_tx_member(tx, peer);
    if (member != NULL && coord_member_commits(member) && !member->acked) {
        core->stats.resends++;
        coord_send_commit(core, tx, peer);
    }
}

/* ---- ACK, END ---- */

static bool all_acked(const struct coord_tx *tx)
{
    for (size_t i = 0; i < tx->members_n; i++) {
        if (coord_member_commits(&tx->members[i]) && !tx->members[i].acked) {
            return false;
        }
    }
    return true;
}

struct txlog_record coord_end_record(struct coord_core *core, const struct coord_tx *tx)
{
    struct txlog_peer *peers = coord_alloc(core, tx->members_n, sizeof *peers);
    size_t n = 0;
    for (size_t i = 0; i < tx->members_n; i++) {
        if (coord_member_commits(&tx->members[i])) {
            peers[n++] = coord_member_ack(&tx->members[i]);
        }
    }
    return (struct txlog_record){.type = TXLOG_END,
                                 .end = {.id = tx->id, .peers = peers, .peers_n = n}};
}

static void append_end(struct coord_core *core, struct coord_tx *tx)
{
    struct txlog_record record = coord_end_record(core, tx);
    tx->lsn = coord_append(core, &record, false);
    tx->logged_end = true;
    coord_timer_disarm(&core->timers, &tx->timer);
    coord_queue_push(&core->queue,
                     (struct coord_resting){.lsn = tx->lsn, .what = COORD_REST_END, .tx = tx->id});
}

void coord_end_durable(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(tx->logged_end);
    coord_tx_move(core, tx, COORD_FINISHED_COMMITTED);
    coord_open_remove(core, tx);
    coord_retain(core, tx);
    if (tx->recovered) {
        coord_note(core, tx->id,
                   coord_print(core,
                               "decision to commit delivered to all members, %" PRIu64
                               " ms after the restart",
                               (core->now - tx->since_us) / 1000));
    }
}

static void damage(struct coord_core *core, const struct coord_peer *peer, struct tx_id id,
                   const char *decision)
{
    coord_alarm(core, id,
                coord_print(core,
                            "damage: an operator decided at participant %s against the "
                            "decision, which was to %s",
                            peer->name.s, decision));
}

/* Of an epoch of which no commit was forgotten, every commit is known here: whoever has heard of
 * one that is not has it from a log that went further than this one. */
bool coord_never_decided(const struct coord_core *core, struct tx_id id)
{
    return id.epoch >= core->presume_from && id.epoch <= core->options.epoch;
}

/* Somebody's operator decided on a transaction that is forgotten here; or it is committed there,
 * which is said again by who was told that it is presumed aborted. */
static void unknown_ack(struct coord_core *core, struct coord_peer *peer,
                        const struct tx_msg_ack *ack)
{
    core->stats.stale++;
    bool lacks = ack->heuristic == TX_HEURISTIC_NONE && !ack->members_decide &&
                 coord_never_decided(core, ack->id);
    if (lacks && !tx_id_equal(peer->alarmed, ack->id)) {
        peer->alarmed = ack->id;
        coord_alarm(core, ack->id,
                    coord_print(core,
                                "participant %s has committed a transaction of which the log of "
                                "this coordinator knows nothing: an old disk here, or a bug",
                                peer->name.s));
    }
    if (ack->heuristic == TX_HEURISTIC_DAMAGE && !tx_id_equal(peer->alarmed, ack->id)) {
        peer->alarmed = ack->id;
        damage(core, peer, ack->id, "abort, or is forgotten");
    }
}

static void committed_ack(struct coord_core *core, struct coord_tx *tx, struct coord_member *member,
                          const struct tx_msg_ack *ack)
{
    member->acked = true;
    member->ack = (struct tx_position){ack->incarnation, member->peer->life, ack->lsn};
    if (ack->heuristic == TX_HEURISTIC_DAMAGE) {
        damage(core, member->peer, tx->id, "commit");
    } else if (ack->heuristic == TX_HEURISTIC_LOST) {
        coord_alarm(core, tx->id,
                    coord_print(core,
                                "damage: participant %s had prepared this transaction, which is "
                                "committed, and has lost its writes: they are in its declared loss",
                                member->peer->name.s));
    }
    if (TX_SEEDED_BUG(FORGET_BEFORE_ACKS) ? !tx->logged_end : all_acked(tx)) {
        append_end(core, tx);
    }
}

/* Whoever acknowledges has found the end out before it is known here. Without an operator that is
 * the commit, for which it has prepared. With one, it may be either, and the others are asked; when
 * it comes to a commit, this one will be told and acknowledge again. */
static void members_ack(struct coord_core *core, struct coord_tx *tx, struct coord_member *member,
                        const struct tx_msg_ack *ack)
{
    TX_ASSERT(tx->members_decide);
    if (ack->heuristic == TX_HEURISTIC_LOST) {
        core->stats.violations++; /* nobody has told it of a commit */
        return;
    }
    if (ack->heuristic == TX_HEURISTIC_NONE) {
        coord_member_prepared(core, tx, member);
        return;
    }
    if (ack->heuristic == TX_HEURISTIC_DAMAGE) {
        coord_alarm_tx(core, tx,
                       coord_print(core,
                                   "damage: an operator decided at participant %s against what "
                                   "the members of the transaction have decided",
                                   member->peer->name.s));
    }
    coord_give_up(core, tx, TX_REASON_REFUSED, member->peer,
                  coord_print(core,
                              "participant %s has heard how it ends, where an operator had "
                              "decided, and another one has not prepared it",
                              member->peer->name.s));
}

/* Where an operator has decided, the NO of another member may have been heard before it came here:
 * that is the end of it there, and so it is here. Were it to commit after all, because somebody
 * lies, the acknowledgement of that would never be waited for. */
static void collecting_ack(struct coord_core *core, struct coord_tx *tx,
                           struct coord_member *member, const struct tx_msg_ack *ack)
{
    if (tx->members_decide) {
        members_ack(core, tx, member, ack);
        return;
    }
    if (ack->heuristic == TX_HEURISTIC_NONE || ack->heuristic == TX_HEURISTIC_LOST || !tx->sent ||
        tx->one_phase) {
        core->stats.violations++;
        return;
    }
    member->acked = true;
    if (ack->heuristic == TX_HEURISTIC_DAMAGE) {
        damage(core, member->peer, tx->id, "abort");
    }
    coord_abort(core, tx, TX_REASON_REFUSED, member->peer,
                coord_print(core, "participant %s has heard that another one refuses it",
                            member->peer->name.s));
}

void coord_on_ack(struct coord_core *core, struct coord_peer *peer, const struct tx_msg_ack *ack)
{
    coord_peer_known(peer, (struct tx_position){ack->incarnation, peer->life, ack->lsn});
    struct tx_id id = ack->id;
    if (TX_SEEDED_BUG(VOTE_NOT_BOUND)) {
        id.epoch = core->options.epoch;
    }
    struct coord_tx *tx = coord_tx_find(core, id);
    if (tx == NULL || tx->state == COORD_RESOLVING) {
        unknown_ack(core, peer, ack);
        return;
    }
    struct coord_member *member = coord_tx_member(tx, peer);
    if (member == NULL || member->acked) {
        core->stats.stale++;
        return;
    }
    switch (tx->state) {
    case COORD_COMMITTED:
        if (coord_member_commits(member)) {
            committed_ack(core, tx, member, ack);
        } else {
            core->stats.violations++;
        }
        break;
    case COORD_FINISHED_ABORTED:
        /* ABORT is acknowledged by nobody but those where an operator had decided. */
        member->acked = true;
        if (ack->heuristic == TX_HEURISTIC_DAMAGE) {
            damage(core, peer, tx->id, "abort");
        }
        break;
    case COORD_COLLECTING:
        collecting_ack(core, tx, member, ack);
        break;
    case COORD_ACTIVE:
    case COORD_DECIDING:
    case COORD_FINISHED_COMMITTED:
    case COORD_RESOLVING:
        core->stats.violations++; /* nothing was decided that it could acknowledge */
        break;
    case COORD_STATES_N:
        TX_ASSERT(tx->state != COORD_STATES_N);
    }
}
