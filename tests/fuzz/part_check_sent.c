/* What may a participant say, given its log? */
#include "fuzz_msg.h"
#include "fuzz_wire.h"
#include "part_fuzz.h"

#include "common/assert.h"

#include <string.h>

static bool durable(const struct part_fuzz *f, enum txlog_type type, struct tx_id tx)
{
    return fuzz_log_has_durable(&f->log, type, tx);
}

/* "Never committed here": not with a commit in the log, unless its coordinator has called the
 * transaction finished and it is forgotten. */
static void check_no(const struct part_fuzz *f, struct tx_id tx)
{
    TX_ASSERT(fuzz_log_find(&f->log, TXLOG_COMMITTED, tx) == 0 || fuzz_log_forgotten(&f->log, tx));
}

/* Who decides is as its newest record here says; nothing is said of what has none. */
static void check_mode(const struct part_fuzz *f, struct tx_id tx, bool members_decide)
{
    const struct fuzz_entry *newest = NULL;
    for (size_t i = 0; i < f->log.n; i++) {
        const struct fuzz_entry *entry = &f->log.entries[i];
        if ((entry->type == TXLOG_PREPARED || entry->type == TXLOG_COMMITTED) &&
            tx_id_equal(entry->tx, tx))
            newest = entry;
    }
    TX_ASSERT(members_decide == (newest != NULL && newest->members_decide));
}

/* Nothing of an older epoch than it says is prepared (or committed) and could be so again after a
 * crash: what has a durable PREPARED has a durable end, unless it is forgotten. */
static void check_unsettled(const struct part_fuzz *f, uint32_t coordinator, uint64_t unsettled)
{
    for (size_t i = 0; i < f->log.n; i++) {
        const struct fuzz_entry *entry = &f->log.entries[i];
        if (entry->type != TXLOG_PREPARED || entry->tx.coordinator != coordinator ||
            (unsettled > 0 && unsettled <= entry->tx.epoch))
            continue;
        TX_ASSERT(fuzz_log_find(&f->log, TXLOG_ABORTED, entry->tx) > 0 ||
                  durable(f, TXLOG_COMMITTED, entry->tx) ||
                  durable(f, TXLOG_HEURISTIC_END, entry->tx));
    }
}

/* Its only member may have read: then it is committed, and no record says so. */
static bool has_read(const struct part_fuzz *f, struct tx_id tx)
{
    for (size_t i = 0; i < f->readers_n; i++) {
        if (tx_id_equal(f->readers[i], tx))
            return true;
    }
    return false;
}

static void remember_reader(struct part_fuzz *f, struct tx_id tx)
{
    if (f->readers_n == f->readers_capacity) {
        f->readers_capacity = f->readers_capacity * 2 + 16;
        f->readers = tx_xrealloc(f->readers, f->readers_capacity * sizeof *f->readers);
    }
    f->readers[f->readers_n++] = tx;
}

/* It once voted YES, and that binds it still. What was undone in an earlier life may be forgotten:
 * the incarnation in a PREPARE of that time gives it away, and only a liar names today's. */
static bool is_bound(const struct part_fuzz *f, struct tx_id tx)
{
    uint64_t aborted = fuzz_log_find(&f->log, TXLOG_ABORTED, tx);
    return fuzz_log_find(&f->log, TXLOG_PREPARED, tx) > 0 &&
           (aborted == 0 || aborted > f->started_at ||
            fuzz_log_find(&f->log, TXLOG_COMMITTED, tx) > 0);
}

static void check_vote(struct part_fuzz *f, const struct tx_msg_vote *vote)
{
    TX_ASSERT(vote->lsn.n <= fuzz_log_durable(&f->log));
    TX_ASSERT(vote->incarnation == f->options.incarnation);
    switch (vote->vote) {
    case TX_VOTE_YES:
        TX_ASSERT(durable(f, TXLOG_PREPARED, vote->id));
        return;
    case TX_VOTE_COMMITTED:
        TX_ASSERT(durable(f, TXLOG_COMMITTED, vote->id));
        return;
    case TX_VOTE_NO:
        check_no(f, vote->id);
        return;
    case TX_VOTE_READ_ONLY:
        TX_ASSERT(!is_bound(f, vote->id));
        remember_reader(f, vote->id);
        return;
    case TX_VOTES_N:
        TX_ASSERT(vote->vote != TX_VOTES_N);
    }
}

static void check_ack(const struct part_fuzz *f, const struct tx_msg_ack *ack)
{
    TX_ASSERT(ack->lsn.n <= fuzz_log_durable(&f->log));
    TX_ASSERT(durable(f, TXLOG_COMMITTED, ack->id) || durable(f, TXLOG_HEURISTIC_END, ack->id) ||
              fuzz_log_forgotten(&f->log, ack->id));
    if (!fuzz_log_forgotten(&f->log, ack->id))
        check_mode(f, ack->id, ack->members_decide);
}

static void check_state(const struct part_fuzz *f, const struct tx_msg_state *state)
{
    uint64_t committed = fuzz_log_find(&f->log, TXLOG_COMMITTED, state->id);
    switch (state->state) {
    case TX_STATE_NO:
        check_no(f, state->id);
        return;
    case TX_STATE_PREPARED:
        TX_ASSERT(durable(f, TXLOG_PREPARED, state->id));
        check_mode(f, state->id, state->members_decide);
        return;
    case TX_STATE_COMMITTED:
        /* Its own decision must be durable; of another's it only passes on what it has heard. */
        TX_ASSERT(committed > 0 || durable(f, TXLOG_HEURISTIC_END, state->id) ||
                  has_read(f, state->id));
        TX_ASSERT(committed == 0 || !f->log.entries[committed - 1].one_phase ||
                  committed <= fuzz_log_durable(&f->log));
        if (!has_read(f, state->id))
            check_mode(f, state->id, state->members_decide);
        return;
    case TX_STATE_FORGOTTEN:
        TX_ASSERT(fuzz_log_forgotten(&f->log, state->id));
        return;
    case TX_STATE_LOST: /* nothing was declared here */
        TX_ASSERT(state->state != TX_STATE_LOST);
        return;
    case TX_STATES_N:
        TX_ASSERT(state->state != TX_STATES_N);
    }
}

static void check_welcome(const struct part_fuzz *f, const struct part_action *action)
{
    const struct tx_msg_welcome *welcome = &action->msg.welcome;
    TX_ASSERT(welcome->lsn.n <= fuzz_log_durable(&f->log));
    TX_ASSERT(welcome->incarnation == f->options.incarnation);
    for (uint32_t coordinator = 1; coordinator <= 2; coordinator++) {
        if (strcmp(action->to.address.s, fuzz_coordinator_address(coordinator).s) == 0)
            check_unsettled(f, coordinator, welcome->unsettled);
    }
}

void part_fuzz_check_sent(struct part_fuzz *f, const struct part_action *action)
{
    struct tx_envelope self = {.cluster = "demo",
                               .role = TX_ROLE_PARTICIPANT,
                               .name = f->options.name,
                               .start = f->options.incarnation};
    const struct tx_msg *msg = &action->msg;
    enum tx_role to = action->to.is_client ? TX_ROLE_CLIENT : TX_ROLE_COORDINATOR;
    if (!tx_msg_allowed(msg->type, TX_ROLE_PARTICIPANT, to))
        to = TX_ROLE_PARTICIPANT; /* an inquiry or its answer */
    fuzz_check_sent(&self, to, msg);
    if (msg->type == TX_MSG_VOTE)
        check_vote(f, &msg->vote);
    else if (msg->type == TX_MSG_ACK)
        check_ack(f, &msg->ack);
    else if (msg->type == TX_MSG_STATE)
        check_state(f, &msg->state);
    else if (msg->type == TX_MSG_INQUIRE)
        check_mode(f, msg->inquire.id, msg->inquire.members_decide);
    else if (msg->type == TX_MSG_WELCOME)
        check_welcome(f, action);
}
