/* What may a coordinator say, given its log and what it has said before? */
#include "coord_fuzz.h"
#include "fuzz_wire.h"

#include "common/assert.h"

#include <string.h>

static struct coord_fuzz_said *said(struct coord_fuzz *f, struct tx_id tx)
{
    bool kept = tx.epoch == f->options.epoch && tx.seq < COORD_FUZZ_SEQS;
    return kept ? &f->said[tx.seq] : NULL;
}

/* Of this start, or too far on to be kept, where it may be. */
static bool may_members_decide(struct coord_fuzz *f, struct tx_id tx)
{
    const struct coord_fuzz_said *kept = said(f, tx);
    return kept != NULL ? kept->members_decide : tx.epoch == f->options.epoch;
}

/* Nobody hears of a commit whose record is not durable, unless its members decide. (A transaction
 * without a COMMIT record is committed by its only member, or has only read.) */
static void check_commit(struct coord_fuzz *f, struct tx_id tx)
{
    uint64_t lsn = fuzz_log_find(&f->log, TXLOG_COMMIT, tx);
    TX_ASSERT(lsn <= fuzz_log_durable(&f->log) || may_members_decide(f, tx));
}

/* Who decides stays, and not with one member alone or with a reader. */
static void check_prepare(struct coord_fuzz *f, const struct tx_msg_prepare *prepare)
{
    struct coord_fuzz_said *kept = said(f, prepare->id);
    TX_ASSERT(kept == NULL || !kept->prepare || kept->members_decide == prepare->members_decide);
    TX_ASSERT(!prepare->members_decide || (prepare->members_n >= 2 && !prepare->one_phase));
    for (size_t i = 0; prepare->members_decide && i < prepare->members_n; i++)
        TX_ASSERT(!prepare->members[i].read_only);
    if (kept == NULL)
        return;
    kept->prepare = true;
    kept->members_decide = prepare->members_decide;
}

static void check_abort(const struct coord_fuzz *f, struct tx_id tx)
{
    TX_ASSERT(fuzz_log_find(&f->log, TXLOG_COMMIT, tx) == 0 || f->forgets);
}

/* Both outcomes of one transaction are never told within one start. */
static void remember(struct coord_fuzz *f, struct tx_id tx, bool committed)
{
    struct coord_fuzz_said *kept = said(f, tx);
    if (kept == NULL)
        return;
    kept->committed = kept->committed || committed;
    kept->aborted = kept->aborted || !committed;
    TX_ASSERT(f->forgets || !kept->committed || !kept->aborted);
}

static void check_reply(struct coord_fuzz *f, const struct tx_msg *msg)
{
    if (msg->type != TX_MSG_OUTCOME)
        return;
    switch (msg->outcome.outcome) {
    case TX_OUTCOME_COMMITTED:
        check_commit(f, msg->outcome.id);
        remember(f, msg->outcome.id, true);
        return;
    case TX_OUTCOME_ABORTED:
        TX_ASSERT(msg->outcome.reason != TX_REASON_NONE);
        check_abort(f, msg->outcome.id);
        remember(f, msg->outcome.id, false);
        return;
    case TX_OUTCOME_UNKNOWN:
        return;
    case TX_OUTCOMES_N:
        TX_ASSERT(msg->outcome.outcome != TX_OUTCOMES_N);
    }
}

static void check_send(struct coord_fuzz *f, const struct coord_action *action)
{
    const struct tx_msg *msg = &action->msg;
    TX_ASSERT(!f->fenced);
    for (unsigned i = 0; i < FUZZ_NODES; i++) {
        if (msg->type == TX_MSG_HELLO && strcmp(action->address.s, f->nodes[i].address.s) == 0)
            f->numbers[i] = msg->hello.number;
    }
    if (msg->type == TX_MSG_HELLO) {
        TX_ASSERT(msg->hello.lsn.n <= fuzz_log_durable(&f->log));
        TX_ASSERT(msg->hello.starts[msg->hello.starts_n - 1].start == f->options.epoch);
    } else if (msg->type == TX_MSG_COMMIT) {
        check_commit(f, msg->commit.id);
        remember(f, msg->commit.id, true);
        TX_ASSERT(msg->commit.lsn.n <= fuzz_log_durable(&f->log));
        TX_ASSERT(fuzz_log_find(&f->log, TXLOG_COMMIT, msg->commit.id) <= msg->commit.lsn.n ||
                  may_members_decide(f, msg->commit.id));
    } else if (msg->type == TX_MSG_PREPARE) {
        check_prepare(f, &msg->prepare);
    } else if (msg->type == TX_MSG_ABORT) {
        check_abort(f, msg->abort.id);
    }
}

void coord_fuzz_check_sent(struct coord_fuzz *f, const struct coord_action *action)
{
    struct tx_envelope self = {.cluster = "demo",
                               .role = TX_ROLE_COORDINATOR,
                               .coordinator = f->options.id,
                               .start = f->options.epoch};
    bool reply = action->type == COORD_ACTION_REPLY;
    fuzz_check_sent(&self, reply ? TX_ROLE_CLIENT : TX_ROLE_PARTICIPANT, &action->msg);
    if (reply)
        check_reply(f, &action->msg);
    else
        check_send(f, action);
}
