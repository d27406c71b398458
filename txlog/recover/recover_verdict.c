/* What one log proves of one transaction, as a sentence. */
#include "txlog/recover/recover_verdict.h"

#include "common/assert.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static void say(struct recover_verdict *verdict, const char *format, ...) TX_PRINTF(2, 3);

/* Appends. */
static void say(struct recover_verdict *verdict, const char *format, ...)
{
    size_t at = 0;
    while (verdict->text[at] != '\0')
        at++;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(verdict->text + at, sizeof(verdict->text) - at, format, args);
    va_end(args);
}

/* "PREPARED 790, COMMITTED 812", as far as they are there. */
static void say_steps(struct recover_verdict *verdict, const struct story_tx *tx, const char *last)
{
    if (tx->prepared.n != 0)
        say(verdict, "PREPARED %" PRIu64 ", ", tx->prepared.n);
    say(verdict, "%s %" PRIu64, last, tx->decided.n);
}

static void say_coordinator(struct recover_verdict *verdict, const struct story *story,
                            struct tx_id id)
{
    const struct story_coordinator *coordinator = story_coordinator(story, id.coordinator);
    say(verdict, "coordinator %" PRIu32, id.coordinator);
    if (coordinator != NULL)
        say(verdict, " at %s", coordinator->address.s);
}

static void say_committed(struct recover_verdict *verdict, const struct story_tx *tx)
{
    if (tx->earlier && tx->prepared.n == 0)
        say(verdict, "committed before this log begins: a snapshot restates it at LSN %" PRIu64,
            tx->decided.n);
    else if (tx->one_phase)
        say(verdict, "committed in one phase at LSN %" PRIu64 ": it was the only participant",
            tx->decided.n);
    else {
        say(verdict, "committed at LSN %" PRIu64 ": ", tx->decided.n);
        say_steps(verdict, tx, "COMMITTED");
    }
    if (tx->forgotten.n != 0)
        say(verdict, "; forgotten since LSN %" PRIu64, tx->forgotten.n);
    else
        say(verdict, "; its coordinator has not let go of it yet");
}

static void say_heuristic(struct recover_verdict *verdict, const struct story *story,
                          const struct story_tx *tx)
{
    say(verdict, "%s at LSN %" PRIu64 " by operator %s, who decided without the coordinator: ",
        tx->commit ? "committed" : "aborted", tx->decided.n, tx->operator_name.s);
    say_steps(verdict, tx, "HEURISTIC");
    if (tx->state == STORY_HEURISTIC) {
        say(verdict, "; whether that was right only ");
        say_coordinator(verdict, story, tx->id);
        say(verdict, " knows, and it has not said so yet");
        return;
    }
    say(verdict, ", HEURISTIC_END %" PRIu64 ": %s", tx->ended.n,
        tx->damage ? "DAMAGE, the real decision is the other one and the data must be mended"
                   : "the real decision is the same");
}

/* Nothing speaks of it: what follows from that differs by role. */
static void say_nothing(struct recover_verdict *verdict, const struct story *story, struct tx_id id,
                        struct tx_lsn first)
{
    const struct txlog_identity *owner = story_owner(story);
    bool participant = owner->role == TX_ROLE_PARTICIPANT;
    if (!participant && id.coordinator != owner->coordinator) {
        say(verdict, "nothing here: it is a transaction of coordinator %" PRIu32, id.coordinator);
        return;
    }
    if (first.n > 1)
        say(verdict,
            "nothing here from LSN %" PRIu64 " on; older records were removed, so it may have "
            "ended before",
            first.n);
    else if (participant)
        say(verdict, "nothing here: it has never voted to commit here with writes; what it had "
                     "done here, if anything, was undone or was only reading");
    else
        say(verdict, "nothing here: under presumed abort a transaction without a COMMIT record is "
                     "aborted, unless a single participant has committed it in one phase: its log "
                     "would hold COMMITTED; or unless its members decide: then PREPARED or "
                     "COMMITTED in the log of each of them is commit");
    if (participant && story_marked(story, id))
        say(verdict, "; its coordinator has finished it and let go of it");
}

static void say_in_doubt(struct recover_verdict *verdict, const struct story *story,
                         const struct story_tx *tx)
{
    say(verdict, "in doubt since LSN %" PRIu64 " (PREPARED): ", tx->prepared.n);
    if (tx->members_decide) {
        say(verdict, "its members decide, ask the others: PREPARED or COMMITTED in the logs of all "
                     "of them is commit, and so is one COMMITTED; ABORTED in one of them, or "
                     "nothing although it goes back so far, is abort");
        return;
    }
    say(verdict, "the decision is not in this log; ");
    say_coordinator(verdict, story, tx->id);
    say(verdict, " has it");
}

static void say_verdict(struct recover_verdict *verdict, const struct story *story,
                        const struct story_tx *tx)
{
    switch (tx->state) {
    case STORY_PREPARED:
        say_in_doubt(verdict, story, tx);
        return;
    case STORY_COMMITTED:
        say_committed(verdict, tx);
        return;
    case STORY_ABORTED:
        say(verdict, "aborted at LSN %" PRIu64 ": ", tx->decided.n);
        say_steps(verdict, tx, "ABORTED");
        return;
    case STORY_HEURISTIC:
    case STORY_HEURISTIC_ENDED:
        say_heuristic(verdict, story, tx);
        return;
    case STORY_DECIDED:
        say(verdict,
            "the decision is commit (LSN %" PRIu64 "); not every member is known to have "
            "acknowledged it",
            tx->decided.n);
        return;
    case STORY_ENDED:
        say(verdict, "the decision is commit");
        if (tx->decided.n != 0)
            say(verdict, " (LSN %" PRIu64 ")", tx->decided.n);
        say(verdict, ", every member has acknowledged (END, LSN %" PRIu64 ")", tx->ended.n);
        return;
    case STORY_OUTCOME:
        say(verdict,
            "its only participant has committed it in one phase (OUTCOME, LSN %" PRIu64 ")",
            tx->decided.n);
        return;
    case STORY_NONE:
    case STORY_STATES_N:
        break;
    }
    TX_ASSERT(tx->state != STORY_NONE && tx->state < STORY_STATES_N);
}

void recover_verdict(const struct story *story, struct tx_id id, struct tx_lsn first,
                     struct recover_verdict *verdict)
{
    const struct txlog_identity *owner = story_owner(story);
    const struct story_tx *tx = story_find(story, id);
    verdict->text[0] = '\0';
    if (owner->role == TX_ROLE_COORDINATOR)
        say(verdict, "coordinator %" PRIu32 ": ", owner->coordinator);
    else
        say(verdict, "%s: ", owner->name.s);
    if (tx == NULL)
        say_nothing(verdict, story, id, first);
    else
        say_verdict(verdict, story, tx);
}
