/* The outcome of an id that is not known here: what the lack of a record proves, or what a member
 * says, or UNKNOWN; never a guess. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>

static void answer(struct coord_core *core, struct coord_waiter to, struct tx_id id,
                   enum tx_outcome outcome, struct tx_bytes text)
{
    if (outcome == TX_OUTCOME_UNKNOWN) {
        coord_answer_unknown(core, to, id, text);
        return;
    }
    struct tx_msg msg = {
        .type = TX_MSG_OUTCOME,
        .outcome = {.req = to.req, .id = id, .outcome = outcome, .text = text},
    };
    if (outcome == TX_OUTCOME_ABORTED) {
        msg.outcome.reason = TX_REASON_PRESUMED;
    } else {
        msg.outcome.results_lost = true;
    }
    coord_reply(core, to.client, &msg);
}

static void finish_all(struct coord_core *core, struct coord_tx *tx, enum tx_outcome outcome,
                       struct tx_bytes text)
{
    TX_ASSERT(tx->state == COORD_RESOLVING);
    for (size_t i = 0; i < tx->waiters_n; i++) {
        answer(core, tx->waiters[i], tx->id, outcome, text);
    }
    tx->waiters_n = 0;
    coord_tx_free(core, tx);
}

/* An only member's word is the outcome. Of several, a reader that has dropped out says NO to what
 * the others have committed. */
static bool is_asked(const struct coord_tx *tx, const struct coord_member *member)
{
    return !member->forgotten && (!member->read_only || tx->members_n == 1);
}

static void ask(struct coord_core *core, struct coord_tx *tx)
{
    struct tx_msg msg = {.type = TX_MSG_INQUIRE, .inquire = {.id = tx->id, .in_doubt = false}};
    for (size_t i = 0; i < tx->members_n; i++) {
        if (tx->members[i].peer->state == COORD_PEER_UP && is_asked(tx, &tx->members[i])) {
            msg.inquire.incarnation = tx->members[i].incarnation;
            coord_send(core, tx->members[i].peer, &msg);
        }
    }
    uint64_t next = core->now + tx->interval_us;
    coord_timer_arm(&core->timers, &tx->timer, next < tx->deadline_us ? next : tx->deadline_us);
}

/* One that may still know more. */
static const struct coord_member *first_asked(const struct coord_tx *tx)
{
    for (size_t i = 0; i < tx->members_n; i++) {
        if (is_asked(tx, &tx->members[i])) {
            return &tx->members[i];
        }
    }
    return NULL;
}

void coord_resolve_timer(struct coord_core *core, struct coord_tx *tx)
{
    if (core->now >= tx->deadline_us) {
        const struct coord_member *silent = first_asked(tx);
        TX_ASSERT(silent != NULL);
        finish_all(core, tx, TX_OUTCOME_UNKNOWN,
                   coord_print(core, "participant %s has not said yet what became of it; ask again",
                               silent->peer->name.s));
    } else {
        ask(core, tx);
    }
}

/* A participant may forget a transaction of an older epoch once that epoch's own mark has passed
 * it: it has aborted, or its outcome is durable here, where it would have been found. */
static bool forgotten_means_aborted(const struct coord_core *core, struct tx_id id)
{
    return id.epoch < core->options.epoch && id.epoch >= core->presume_from &&
           id.epoch > core->forgotten_epoch && !tx_lineage_lacks(&core->lineage, id.epoch);
}

/* Never given here, and perhaps by another copy of this directory. */
static struct tx_bytes another_copy_text(struct coord_core *core, struct tx_id id)
{
    return coord_print(core,
                       "coordinator %" PRIu32 " has never been at epoch %" PRIu64
                       ": another copy of its data directory was, or the id is mistyped; compare "
                       "the participants",
                       core->options.id, id.epoch);
}

/* Its word proves nothing. Another member may know more, unless nobody is left who does. */
static void proves_nothing(struct coord_core *core, struct coord_tx *tx,
                           struct coord_member *member)
{
    member->forgotten = true;
    if (first_asked(tx) == NULL) {
        bool other = tx_lineage_lacks(&core->lineage, tx->id.epoch);
        finish_all(core, tx, TX_OUTCOME_UNKNOWN,
                   other ? another_copy_text(core, tx->id)
                         : coord_print(core,
                                       "it is finished, and so long ago that its outcome is "
                                       "forgotten here and at participant %s",
                                       member->peer->name.s));
    }
}

static void forgotten(struct coord_core *core, struct coord_tx *tx, struct coord_member *member)
{
    if (forgotten_means_aborted(core, tx->id) || TX_SEEDED_BUG(ABORTED_FOR_UNKNOWN)) {
        finish_all(core, tx, TX_OUTCOME_ABORTED,
                   coord_print(core, "it is finished, and no commit of it was ever recorded"));
    } else {
        proves_nothing(core, tx, member);
    }
}

/* A reader that has dropped out and restarted says NO, too, and whoever asks by a reference does
 * not mark it as one. With a reader it is the coordinator that decides: had it committed, the
 * record would be here, unless such a one was forgotten. */
static bool no_is_final(const struct coord_core *core, const struct coord_tx *tx)
{
    return tx->members_n == 1 ||
           (tx->id.epoch >= core->presume_from && !tx_lineage_lacks(&core->lineage, tx->id.epoch));
}

/* Does the lack of a COMMIT record prove that the coordinator has not decided to commit it? Those
 * that have welcomed this epoch can prepare nothing of an older one any more. */
static bool no_decision(const struct coord_core *core, struct tx_id id, bool all_introduced)
{
    return id.epoch < core->options.epoch && id.epoch >= core->presume_from &&
           !tx_lineage_lacks(&core->lineage, id.epoch) && all_introduced;
}

static bool introduced(const struct coord_peer *peer)
{
    return peer != NULL && peer->incarnation > 0 && peer->state != COORD_PEER_QUARANTINED;
}

static struct tx_bytes no_decision_text(struct coord_core *core)
{
    return coord_print(core, "the log of coordinator %" PRIu32 " holds no decision to commit",
                       core->options.id);
}

/* In doubt. Where its members decide they find out among themselves, each with the whole list of
 * them, and its next answer says how; the client may have named fewer. Where the coordinator
 * decides and has not, it is aborted. */
static void in_doubt(struct coord_core *core, struct coord_tx *tx, const struct tx_msg_state *state)
{
    bool all = !tx->of_others;
    for (size_t i = 0; i < tx->members_n; i++) {
        all = all && introduced(tx->members[i].peer);
    }
    if (tx->members_n >= 2 && !state->members_decide && no_decision(core, tx->id, all)) {
        finish_all(core, tx, TX_OUTCOME_ABORTED, no_decision_text(core));
    }
}

void coord_resolve_state(struct coord_core *core, struct coord_tx *tx, struct coord_member *member,
                         const struct tx_msg_state *state)
{
    TX_ASSERT(tx->state == COORD_RESOLVING);
    const char *name = member->peer->name.s;
    if (!is_asked(tx, member)) {
        core->stats.stale++;
        return;
    }
    switch (state->state) {
    case TX_STATE_COMMITTED:
        finish_all(core, tx, TX_OUTCOME_COMMITTED,
                   coord_print(core, "participant %s has committed it", name));
        break;
    case TX_STATE_NO:
        /* An only member is not asked which start it was that worked: what it says is the outcome,
         * and the number is no more than the client's word. */
        if (tx->members_n > 1 && state->incarnation < member->incarnation) {
            core->stats.stale++; /* an old copy: it lacks what it promised */
            break;
        }
        if (!no_is_final(core, tx) || coord_member_lost(member)) {
            proves_nothing(core, tx, member);
            break;
        }
        finish_all(core, tx, TX_OUTCOME_ABORTED,
                   coord_print(core, "participant %s has not committed it and never will", name));
        break;
    case TX_STATE_FORGOTTEN:
        forgotten(core, tx, member);
        break;
    case TX_STATE_LOST:
        proves_nothing(core, tx, member);
        break;
    case TX_STATE_PREPARED:
        in_doubt(core, tx, state);
        break;
    case TX_STATES_N:
        TX_ASSERT(state->state < TX_STATES_N);
    }
}

static void presume(struct coord_core *core, struct coord_waiter from,
                    const struct tx_msg_finish *finish)
{
    bool all = true;
    for (size_t i = 0; i < finish->members_n; i++) {
        all = all && introduced(coord_peer_find(core, &finish->members[i].name));
    }
    bool several = finish->members_n >= 2 || TX_SEEDED_BUG(INQUIRY_FROM_LOST_MEMORY);
    bool proven = no_decision(core, finish->id, all);
    if (several && (proven || TX_SEEDED_BUG(ABORTED_FOR_UNKNOWN))) {
        answer(core, from, finish->id, TX_OUTCOME_ABORTED, no_decision_text(core));
    } else {
        answer(
            core, from, finish->id, TX_OUTCOME_UNKNOWN,
            coord_print(core, "nothing here proves what became of it; compare the participants"));
    }
}

/* When the client had asked for that, or all are readers, it is the coordinator that decides: its
 * log is the proof. */
static bool coordinator_decides(const struct tx_msg_finish *finish)
{
    bool readers = true;
    for (size_t i = 0; i < finish->members_n; i++) {
        readers = readers && finish->members[i].read_only;
    }
    return finish->members_n >= 2 && (finish->mode == TX_COMMIT_COORDINATOR || readers);
}

/* Those that the client names, each once. */
static void set_members(const struct coord_core *core, struct coord_tx *tx,
                        const struct tx_msg_finish *finish)
{
    coord_tx_make_members(tx, finish->members_n);
    tx->members_n = 0;
    for (size_t i = 0; i < finish->members_n; i++) {
        const struct tx_member *named = &finish->members[i];
        struct coord_peer *peer = coord_peer_find(core, &named->name);
        tx->of_others = tx->of_others || peer == NULL;
        if (peer != NULL && coord_tx_member(tx, peer) == NULL) {
            tx->members[tx->members_n++] = (struct coord_member){
                .peer = peer, .incarnation = named->incarnation, .read_only = named->read_only};
        }
    }
}

/* Does it name the members that are asked, and nobody else? */
static bool names_the_same(const struct coord_core *core, struct coord_tx *tx,
                           const struct tx_msg_finish *finish)
{
    bool same = finish->members_n == tx->members_n;
    for (size_t i = 0; i < finish->members_n && same; i++) {
        const struct tx_member *named = &finish->members[i];
        const struct coord_peer *peer = coord_peer_find(core, &named->name);
        const struct coord_member *member = peer != NULL ? coord_tx_member(tx, peer) : NULL;
        same = member != NULL && member->incarnation == named->incarnation &&
               member->read_only == named->read_only;
    }
    return same;
}

static void ask_members(struct coord_core *core, struct coord_waiter from,
                        const struct tx_msg_finish *finish)
{
    struct coord_tx *tx = coord_tx_new(core, finish->id, COORD_RESOLVING);
    set_members(core, tx, finish);
    tx->interval_us = core->options.resend_us;
    tx->deadline_us = core->now + core->options.prepare_timeout_us;
    coord_attach(core, tx, from);
    ask(core, tx);
}

/* Is one of them here that may be asked, and believed? */
static bool has_askable(const struct coord_core *core, const struct tx_msg_finish *finish)
{
    bool found = false;
    for (size_t i = 0; i < finish->members_n && !found; i++) {
        const struct coord_peer *peer = coord_peer_find(core, &finish->members[i].name);
        bool reader = finish->members[i].read_only && finish->members_n > 1;
        found = peer != NULL && !reader && peer->state != COORD_PEER_QUARANTINED;
    }
    return found;
}

void coord_resolve(struct coord_core *core, struct coord_waiter from,
                   const struct tx_msg_finish *finish)
{
    bool only_log = coordinator_decides(finish) || TX_SEEDED_BUG(INQUIRY_FROM_LOST_MEMORY);
    bool room =
        core->counts[COORD_RESOLVING] < COORD_RESOLVING_MAX && finish->members_n <= TX_MEMBERS_MAX;
    if (finish->id.epoch > core->options.epoch) {
        answer(core, from, finish->id, TX_OUTCOME_UNKNOWN, another_copy_text(core, finish->id));
    } else if (!only_log && room && has_askable(core, finish)) {
        ask_members(core, from, finish);
    } else if (tx_lineage_lacks(&core->lineage, finish->id.epoch)) {
        answer(core, from, finish->id, TX_OUTCOME_UNKNOWN, another_copy_text(core, finish->id));
    } else if (only_log) {
        presume(core, from, finish);
    } else {
        answer(core, from, finish->id, TX_OUTCOME_UNKNOWN,
               coord_print(core, "none of its participants can be asked now what became of it; "
                                 "ask again, and name all of them"));
    }
}

/* Whoever names a participant that is none of the members has its NO for an answer. Nobody else
 * may. */
void coord_resolve_again(struct coord_core *core, struct coord_tx *tx, struct coord_waiter from,
                         const struct tx_msg_finish *finish)
{
    TX_ASSERT(tx->state == COORD_RESOLVING);
    if (coordinator_decides(finish) && !tx_lineage_lacks(&core->lineage, finish->id.epoch)) {
        presume(core, from, finish);
    } else if (names_the_same(core, tx, finish)) {
        coord_attach(core, tx, from);
    } else {
        answer(core, from, finish->id, TX_OUTCOME_UNKNOWN,
               coord_print(core, "other participants of it, for another client, are being asked at "
                                 "this moment what became of it; ask again"));
    }
}
