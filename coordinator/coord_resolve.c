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

/* Those that have not said yet that they have forgotten it. */
static void ask(struct coord_core *core, struct coord_tx *tx)
{
    struct tx_msg msg = {.type = TX_MSG_INQUIRE, .inquire = {.id = tx->id, .in_doubt = false}};
    for (size_t i = 0; i < tx->members_n; i++) {
        if (tx->members[i].peer->state == COORD_PEER_UP && !tx->members[i].forgotten) {
            coord_send(core, tx->members[i].peer, &msg);
        }
    }
    uint64_t next = core->now + tx->interval_us;
    coord_timer_arm(&core->timers, &tx->timer, next < tx->deadline_us ? next : tx->deadline_us);
}

static const struct coord_member *not_forgotten(const struct coord_tx *tx)
{
    for (size_t i = 0; i < tx->members_n; i++) {
        if (!tx->members[i].forgotten) {
            return &tx->members[i];
        }
    }
    return NULL;
}

void coord_resolve_timer(struct coord_core *core, struct coord_tx *tx)
{
    if (core->now >= tx->deadline_us) {
        const struct coord_member *silent = not_forgotten(tx);
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

/* Another member may know more, unless all have forgotten it. */
static void forgotten(struct coord_core *core, struct coord_tx *tx, struct coord_member *member)
{
    member->forgotten = true;
    if (forgotten_means_aborted(core, tx->id) || TX_SEEDED_BUG(ABORTED_FOR_UNKNOWN)) {
        finish_all(core, tx, TX_OUTCOME_ABORTED,
                   coord_print(core, "it is finished, and no commit of it was ever recorded"));
    } else if (not_forgotten(tx) == NULL) {
        finish_all(core, tx, TX_OUTCOME_UNKNOWN,
                   coord_print(core,
                               "it is finished, and so long ago that its outcome is forgotten "
                               "here and at participant %s",
                               member->peer->name.s));
    }
}

/* Did every one of them welcome this epoch? Then none of them can prepare an older one's
 * any more. */
static bool all_introduced(struct coord_peer *const *peers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (peers[i] == NULL || peers[i]->incarnation == 0 ||
            peers[i]->state == COORD_PEER_QUARANTINED) {
            return false;
        }
    }
    return true;
}

/* Does the lack of a COMMIT record prove that the coordinator has not decided to commit it? */
static bool no_decision(const struct coord_core *core, struct tx_id id,
                        struct coord_peer *const *peers, size_t n)
{
    return id.epoch < core->options.epoch && id.epoch >= core->presume_from &&
           !tx_lineage_lacks(&core->lineage, id.epoch) && all_introduced(peers, n);
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
    struct coord_peer *peers[TX_MEMBERS_MAX];
    for (size_t i = 0; i < tx->members_n; i++) {
        peers[i] = tx->members[i].peer;
    }
    bool several = tx->members_n >= 2;
    if (several && !state->members_decide && no_decision(core, tx->id, peers, tx->members_n)) {
        finish_all(core, tx, TX_OUTCOME_ABORTED, no_decision_text(core));
    }
}

void coord_resolve_state(struct coord_core *core, struct coord_tx *tx, struct coord_member *member,
                         const struct tx_msg_state *state)
{
    TX_ASSERT(tx->state == COORD_RESOLVING);
    const char *name = member->peer->name.s;
    switch (state->state) {
    case TX_STATE_COMMITTED:
        finish_all(core, tx, TX_OUTCOME_COMMITTED,
                   coord_print(core, "participant %s has committed it", name));
        break;
    case TX_STATE_NO:
        /* An only member is not asked which start it was that worked: what it says is the outcome,
         * and the number is no more than the client's word. */
        if (tx->members_n > 1 && state->incarnation < member->incarnation &&
            !TX_SEEDED_BUG(NO_OF_EARLIER_START)) {
            core->stats.stale++; /* an old copy: it lacks what it promised */
            break;
        }
        finish_all(core, tx, TX_OUTCOME_ABORTED,
                   coord_print(core, "participant %s has not committed it and never will", name));
        break;
    case TX_STATE_FORGOTTEN:
        forgotten(core, tx, member);
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
    struct coord_peer *peers[TX_MEMBERS_MAX];
    size_t n = finish->members_n < TX_MEMBERS_MAX ? finish->members_n : TX_MEMBERS_MAX;
    for (size_t i = 0; i < n; i++) {
        peers[i] = coord_peer_find(core, &finish->members[i].name);
    }
    bool several = n >= 2 || TX_SEEDED_BUG(INQUIRY_FROM_LOST_MEMORY);
    bool proven = no_decision(core, finish->id, peers, n);
    if (several && (proven || TX_SEEDED_BUG(ABORTED_FOR_UNKNOWN))) {
        answer(core, from, finish->id, TX_OUTCOME_ABORTED, no_decision_text(core));
    } else {
        answer(
            core, from, finish->id, TX_OUTCOME_UNKNOWN,
            coord_print(core, "nothing here proves what became of it; compare the participants"));
    }
}

/* Never given here, and perhaps by another copy of this directory. */
static void of_another_copy(struct coord_core *core, struct coord_waiter from, struct tx_id id)
{
    answer(core, from, id, TX_OUTCOME_UNKNOWN,
           coord_print(core,
                       "coordinator %" PRIu32 " has never been at epoch %" PRIu64
                       ": another copy of its data directory was, or the id is mistyped; compare "
                       "the participants",
                       core->options.id, id.epoch));
}

/* Those whose word proves something: an only member's; of several, that of each that is no reader,
 * for a reader that has dropped out says NO to what the others have committed. */
static size_t find_askable(const struct coord_core *core, const struct tx_msg_finish *finish,
                           struct coord_member *members)
{
    size_t n = 0;
    for (size_t i = 0; i < finish->members_n && n < TX_MEMBERS_MAX; i++) {
        const struct tx_member *named = &finish->members[i];
        struct coord_peer *peer = coord_peer_find(core, &named->name);
        bool reader = named->read_only && finish->members_n > 1;
        bool twice = false;
        for (size_t j = 0; j < n; j++) {
            twice = twice || members[j].peer == peer;
        }
        if (peer != NULL && !twice && !reader && peer->state != COORD_PEER_QUARANTINED) {
            members[n++] = (struct coord_member){.peer = peer, .incarnation = named->incarnation};
        }
    }
    return n;
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

static void ask_members(struct coord_core *core, struct coord_waiter from, struct tx_id id,
                        const struct coord_member *members, size_t n)
{
    struct coord_tx *tx = coord_tx_new(core, id, COORD_RESOLVING);
    tx->members = tx_xcalloc(n, sizeof *tx->members);
    tx->members_n = n;
    for (size_t i = 0; i < n; i++) {
        tx->members[i] = members[i];
    }
    tx->interval_us = core->options.resend_us;
    tx->deadline_us = core->now + core->options.prepare_timeout_us;
    coord_attach(core, tx, from);
    ask(core, tx);
}

void coord_resolve(struct coord_core *core, struct coord_waiter from,
                   const struct tx_msg_finish *finish)
{
    struct coord_member members[TX_MEMBERS_MAX];
    size_t n = find_askable(core, finish, members);
    bool only_log = coordinator_decides(finish) || TX_SEEDED_BUG(INQUIRY_FROM_LOST_MEMORY);
    if (finish->id.epoch > core->options.epoch) {
        of_another_copy(core, from, finish->id);
    } else if (n > 0 && !only_log && core->counts[COORD_RESOLVING] < COORD_RESOLVING_MAX) {
        ask_members(core, from, finish->id, members, n);
    } else if (tx_lineage_lacks(&core->lineage, finish->id.epoch)) {
        of_another_copy(core, from, finish->id);
    } else if (only_log) {
        presume(core, from, finish);
    } else {
        answer(core, from, finish->id, TX_OUTCOME_UNKNOWN,
               coord_print(core, "none of its participants can be asked now what became of it; "
                                 "ask again, and name all of them"));
    }
}
