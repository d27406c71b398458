/* VOTE: what it means in every state. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>

/* Puts a member's results where its operations stand in the SUBMIT. False when the count
 * is wrong. */
static bool take_results(struct coord_core *core, struct coord_tx *tx, size_t member,
                         const struct tx_msg_vote *vote)
{
    if (!tx->one_shot) {
        return vote->results_n == 0;
    }
    size_t expected = 0;
    for (size_t i = 0; i < tx->ops_n; i++) {
        expected += tx->op_member[i] == member;
    }
    if (vote->results_n != expected) {
        return false;
    }
    if (tx->results == NULL) {
        coord_arena_give(core, &tx->results_arena); /* of results that were dropped */
        coord_arena_take(core, &tx->results_arena);
        tx->results = tx_arena_alloc(&tx->results_arena, tx->ops_n, sizeof *tx->results);
        TX_NEED_MEMORY(tx->results != NULL);
        tx->results_bytes = tx->ops_n * sizeof *tx->results;
    }
    size_t next = 0;
    for (size_t i = 0; i < tx->ops_n; i++) {
        if (tx->op_member[i] != member) {
            continue;
        }
        const struct tx_result *result = &vote->results[next++];
        tx->results[i].found = result->found;
        tx->results[i].value = tx_arena_copy(&tx->results_arena, result->value);
        TX_NEED_MEMORY(tx->results[i].value.len == result->value.len);
        tx->results_bytes += result->value.len;
    }
    return true;
}

/* Would an OUTCOME carry all results that have come? Each is an array of a bool and of bytes with a
 * head of five at most. */
static bool results_fit(const struct coord_core *core, const struct coord_tx *tx)
{
    if (core->options.results_max == 0 || tx->results == NULL) {
        return true;
    }
    size_t bytes = tx->results_bytes - tx->ops_n * sizeof *tx->results;
    return bytes + tx->ops_n * 7 <= core->options.results_max;
}

/* A participant that restarted after it had prepared or committed still stands by that, but what
 * its operations gave was in its memory only. */
static bool lost_results(const struct coord_tx *tx, const struct coord_member *member,
                         const struct tx_msg_vote *vote)
{
    return tx->one_shot && vote->results_n == 0 && vote->incarnation != member->incarnation;
}

static void abort_by_no(struct coord_core *core, struct coord_tx *tx, struct coord_peer *peer,
                        const struct tx_msg_vote *vote)
{
    struct coord_member *member = coord_tx_member(tx, peer);
    if (member != NULL) {
        member->voted = true;
        member->vote = TX_VOTE_NO;
    }
    /* A NO without a reason is a peer's mistake; the client is promised one all the same. */
    enum tx_reason reason = vote->reason != TX_REASON_NONE ? vote->reason : TX_REASON_REFUSED;
    coord_abort(core, tx, reason, peer, vote->text);
}

/* The vote cannot be what it says: for the transaction that is a NO. */
static void refuse(struct coord_core *core, struct coord_tx *tx, struct coord_peer *peer,
                   struct tx_bytes text)
{
    core->stats.violations++;
    coord_abort(core, tx, TX_REASON_REFUSED, peer, text);
}

static void take_vote(struct coord_core *core, struct coord_tx *tx, struct coord_member *member,
                      const struct tx_msg_vote *vote)
{
    struct coord_peer *peer = member->peer;
    if (lost_results(tx, member, vote)) {
        coord_abort(core, tx, TX_REASON_RESTARTED, peer,
                    coord_print(core,
                                "participant %s restarted before the decision and no longer "
                                "knows what the operations gave",
                                peer->name.s));
        return;
    }
    if (!take_results(core, tx, (size_t)(member - tx->members), vote)) {
        refuse(core, tx, peer,
               coord_print(core,
                           "participant %s gave %zu results, which is not the number of "
                           "its operations",
                           peer->name.s, vote->results_n));
        return;
    }
    if (!results_fit(core, tx)) {
        coord_abort(core, tx, TX_REASON_LIMIT, NULL,
                    coord_print(core,
                                "what it read does not fit into one answer (%zu bytes); read less "
                                "at once: fewer keys, or scans with a smaller limit, continued",
                                core->options.results_max));
        return;
    }
    member->voted = true;
    member->vote = vote->vote;
    if (coord_all_voted(tx)) {
        coord_decide(core, tx);
    }
}

/* YES or COMMITTED where the members decide: it has prepared, whatever its results are. */
static void members_vote(struct coord_core *core, struct coord_tx *tx, struct coord_member *member,
                         const struct tx_msg_vote *vote)
{
    TX_ASSERT(tx->members_decide);
    if (tx->one_shot && tx->results_lost) {
        /* those of another member have not come */
    } else if (!take_results(core, tx, (size_t)(member - tx->members), vote)) {
        /* Who has found out that all are prepared, and committed, has no results any more. */
        bool gone = vote->vote == TX_VOTE_COMMITTED && vote->results_n == 0;
        core->stats.violations += !gone && !lost_results(tx, member, vote);
        coord_results_lose(core, tx);
    } else if (!results_fit(core, tx)) {
        coord_results_lose(core, tx);
    }
    member->voted = true;
    member->vote = TX_VOTE_YES;
    if (coord_all_voted(tx)) {
        coord_decide(core, tx);
    }
}

static void read_only_vote(struct coord_core *core, struct coord_tx *tx,
                           struct coord_member *member, const struct tx_msg_vote *vote)
{
    bool other_start = vote->incarnation != member->incarnation;
    if (tx->members_decide || (other_start && !TX_SEEDED_BUG(NO_INCARNATION_CHECK))) {
        /* A restart loses the locks of a reader; whoever lost them says NO. And where the members
         * decide, none of them is a reader. */
        core->stats.violations++;
    } else if (!member->read_only && !tx->one_phase && !TX_SEEDED_BUG(EARLY_READ_RELEASE)) {
        refuse(core, tx, member->peer,
               coord_print(core, "participant %s dropped out as a reader and is none",
                           member->peer->name.s));
    } else {
        take_vote(core, tx, member, vote);
    }
}

static void committed_vote(struct coord_core *core, struct coord_tx *tx,
                           struct coord_member *member, const struct tx_msg_vote *vote)
{
    if (!tx->one_phase) {
        core->stats.violations++;
        coord_alarm_tx(core, tx,
                       coord_print(core,
                                   "participant %s says it has committed what is not "
                                   "decided yet",
                                   member->peer->name.s));
        return;
    }
    if (!take_results(core, tx, 0, vote)) {
        /* It is committed all the same. */
        core->stats.violations += !lost_results(tx, member, vote);
        tx->results_lost = true;
    } else if (!results_fit(core, tx)) {
        tx->results = NULL; /* its memory goes with the arena */
        tx->results_bytes = 0;
        tx->results_lost = true;
    }
    member->voted = true;
    member->vote = TX_VOTE_COMMITTED;
    coord_one_phase_committed(core, tx, vote->lsn);
}

static void collecting_vote(struct coord_core *core, struct coord_tx *tx, struct coord_peer *peer,
                            const struct tx_msg_vote *vote)
{
    struct coord_member *member = coord_tx_member(tx, peer);
    bool dropped_out = member != NULL && member->voted && member->vote == TX_VOTE_READ_ONLY;
    if (member == NULL || dropped_out) {
        core->stats.stale++;
        return;
    }
    bool alone = !tx->members_decide && !tx->one_phase; /* who decides here */
    if (vote->vote == TX_VOTE_NO && !alone && coord_member_lost(member)) {
        core->stats.stale++; /* it may have prepared it, and lost that */
        return;
    }
    if (vote->vote == TX_VOTE_NO) {
        abort_by_no(core, tx, peer, vote);
        return;
    }
    if (member->voted) {
        core->stats.stale++;
        return;
    }
    if (!tx->sent || (tx->one_phase && vote->vote == TX_VOTE_YES)) {
        core->stats.violations++;
        return;
    }
    switch (vote->vote) {
    case TX_VOTE_YES:
        if (tx->members_decide) {
            members_vote(core, tx, member, vote);
        } else {
            take_vote(core, tx, member, vote);
        }
        break;
    case TX_VOTE_READ_ONLY:
        read_only_vote(core, tx, member, vote);
        break;
    case TX_VOTE_COMMITTED:
        if (tx->members_decide) {
            members_vote(core, tx, member, vote);
        } else {
            committed_vote(core, tx, member, vote);
        }
        break;
    case TX_VOTE_NO:
    case TX_VOTES_N:
        TX_ASSERT(vote->vote < TX_VOTES_N);
    }
}

/* Deciding, committed, or finished so. */
static void decided_vote(struct coord_core *core, struct coord_tx *tx, struct coord_peer *peer,
                         const struct tx_msg_vote *vote)
{
    const struct coord_member *member = coord_tx_member(tx, peer);
    if (member == NULL || !coord_member_commits(member)) {
        core->stats.stale++;
    } else if (vote->vote == TX_VOTE_NO && (tx->one_phase || coord_member_lost(member))) {
        core->stats.stale++; /* it may have only read, and forgotten that since */
    } else if (vote->vote == TX_VOTE_NO) {
        coord_alarm_tx(core, tx,
                       coord_print(core, "participant %s says NO to what it must commit (%s)",
                                   peer->name.s, tx_reason_name(vote->reason)));
    } else if (tx->state == COORD_COMMITTED && !member->acked) {
        coord_send_commit(core, tx, peer);
    } else {
        core->stats.stale++;
    }
}

static void aborted_vote(struct coord_core *core, struct coord_tx *tx, struct coord_peer *peer,
                         const struct tx_msg_vote *vote)
{
    switch (vote->vote) {
    case TX_VOTE_YES:
        coord_send_abort(core, tx->id, tx->reason, true, peer);
        break;
    case TX_VOTE_COMMITTED:
        coord_alarm_tx(core, tx,
                       coord_print(core, "participant %s says it has committed what was aborted",
                                   peer->name.s));
        break;
    case TX_VOTE_NO:
    case TX_VOTE_READ_ONLY:
        core->stats.stale++;
        break;
    case TX_VOTES_N:
        TX_ASSERT(vote->vote < TX_VOTES_N);
    }
}

static void active_vote(struct coord_core *core, struct coord_tx *tx, struct coord_peer *peer,
                        const struct tx_msg_vote *vote)
{
    if (vote->vote == TX_VOTE_NO) {
        abort_by_no(core, tx, peer, vote);
    } else {
        core->stats.violations++; /* nobody has asked it to prepare */
    }
}

void coord_on_vote(struct coord_core *core, struct coord_peer *peer, const struct tx_msg_vote *vote)
{
    if (vote->lsn.n > 0) {
        coord_peer_known(peer, (struct tx_position){vote->incarnation, peer->life, vote->lsn});
    }
    struct tx_id id = vote->id;
    if (TX_SEEDED_BUG(VOTE_NOT_BOUND)) {
        id.epoch = core->options.epoch;
    }
    struct coord_tx *tx = coord_tx_find(core, id);
    if (tx == NULL) {
        core->stats.stale++; /* a participant in doubt asks with INQUIRE */
        return;
    }
    switch (tx->state) {
    case COORD_ACTIVE:
        active_vote(core, tx, peer, vote);
        break;
    case COORD_COLLECTING:
        collecting_vote(core, tx, peer, vote);
        break;
    case COORD_DECIDING:
    case COORD_COMMITTED:
    case COORD_FINISHED_COMMITTED:
        decided_vote(core, tx, peer, vote);
        break;
    case COORD_FINISHED_ABORTED:
        aborted_vote(core, tx, peer, vote);
        break;
    case COORD_RESOLVING:
        core->stats.stale++;
        break;
    case COORD_STATES_N:
        TX_ASSERT(tx->state != COORD_STATES_N);
    }
}
