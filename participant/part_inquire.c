/* Being in doubt: inquiries of this participant, their answers, and the inquiries of others. */
#include "participant/part_internal.h"

#include <inttypes.h>

static bool is_in_doubt(const struct part_tx *tx)
{
    return tx->state == PART_PREPARED ||
           (tx->state == PART_HEURISTIC && tx->heuristic.end == TX_HEURISTIC_NONE);
}

/* "Nothing known here" from a read-only member proves nothing: it may have dropped out and
 * restarted. */
static bool may_know(const struct part_tx *tx, size_t member)
{
    return member != tx->self &&
           (!tx->members[member].read_only || TX_SEEDED_BUG(READ_ONLY_PROVES));
}

/* ---- asking ---- */

/* A one-shot may be prepared here and still wait for a lock at another member, for the very
 * transaction that waits for it here. Neither member can see that; the coordinator can end it, as
 * long as it has not decided. As a rule the decision is on its way: it gets a moment. */
void part_wanted(struct part_core *core, struct part_tx *tx)
{
    tx->wanted = true;
    if (tx->state != PART_PREPARED || tx->members_n < 2)
        return;
    uint64_t soon_us = part_time_after(core->now_us, PART_WANTED_US);
    if (tx->timer_us > soon_us)
        part_timer_set(core, tx, soon_us);
}

void part_in_doubt_begin(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(is_in_doubt(tx) && tx->members_n <= TX_MEMBERS_MAX);
    tx->inquiry_us = core->options.inquiry_us;
    tx->asked = 0;
    tx->said_prepared = 0;
    tx->note_us = part_time_after(core->now_us, core->options.inquiry_us);
    part_timer_set(core, tx, tx->note_us);
    if (tx->wanted)
        part_wanted(core, tx);
}

void part_inquire(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(is_in_doubt(tx) && tx->inquiry_us > 0);
    struct tx_msg msg = {.type = TX_MSG_INQUIRE,
                         .inquire = {.id = tx->id, .in_doubt = true, .wanted = tx->wanted}};
    part_send(core, &tx->coordinator->address, &msg);
    for (size_t i = 0; tx->asked >= PART_ASKED_ALONE && i < tx->members_n; i++) {
        if (!may_know(tx, i))
            continue;
        msg.inquire.known = tx->known[i];
        part_send(core, &tx->members[i].address, &msg);
    }
    if (tx->asked < PART_ASKED_ALONE)
        tx->asked++;
    part_timer_set(core, tx, part_time_after(core->now_us, tx->inquiry_us));
    uint64_t max_us = core->options.inquiry_max_us;
    tx->inquiry_us = tx->inquiry_us < max_us / 2 ? tx->inquiry_us * 2
                     : tx->inquiry_us < max_us   ? max_us
                                                 : tx->inquiry_us;
}

void part_inquire_older_epochs(struct part_core *core, struct part_coordinator *coordinator)
{
    for (struct part_link *l = coordinator->txs.next; l != &coordinator->txs; l = l->next) {
        struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_coordinator);
        if (is_in_doubt(tx) && tx->id.epoch < coordinator->epoch)
            part_inquire(core, tx);
    }
}

/* Has every member that could know said that it is in doubt as well? */
static bool all_prepared(const struct part_tx *tx)
{
    bool any = false;
    for (size_t i = 0; i < tx->members_n; i++) {
        if (!may_know(tx, i))
            continue;
        any = true;
        if ((tx->said_prepared & (UINT64_C(1) << i)) == 0)
            return false;
    }
    return any;
}

static void note_in_doubt(struct part_core *core, struct part_tx *tx)
{
    uint64_t doubt_us = core->now_us - tx->since_us;
    const char *others = all_prepared(tx) ? "; every other member is in doubt as well: only its "
                                            "coordinator's log, or an operator, can settle it"
                                          : "";
    tx->noted = true;
    tx->note_us = part_time_after(core->now_us, doubt_us);
    part_note(core, tx->id,
              part_text(core,
                        "in doubt for %" PRIu64 " ms: coordinator %" PRIu32 " at %s has not "
                        "told the decision%s",
                        doubt_us / 1000, tx->coordinator->id, tx->coordinator->address.s, others));
}

void part_on_timer(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->timer_us <= core->now_us);
    if (tx->state == PART_WORKING) {
        TX_ASSERT(tx->wait == PART_WAIT_CLIENT);
        part_undo(core, tx, TX_REASON_IDLE,
                  part_text(core, "no word from its client for %" PRIu64 " ms",
                            core->options.idle_us / 1000),
                  true);
        return;
    }
    if (tx->state == PART_PREPARED && core->now_us >= tx->note_us)
        note_in_doubt(core, tx);
    part_inquire(core, tx);
}

/* ---- the answers ---- */

void part_on_wait(struct part_core *core, struct tx_id id)
{
    struct part_tx *tx = part_tx_find(core, id);
    if (tx == NULL || !is_in_doubt(tx)) {
        core->stale++;
        return;
    }
    tx->asked = 0; /* the coordinator lives: it will tell */
    tx->said_prepared = 0;
}

static void decided_elsewhere(struct part_core *core, struct part_tx *tx, bool commit,
                              const struct tx_name *who)
{
    if (tx->state == PART_HEURISTIC)
        part_heuristic_decided(core, tx, commit);
    else if (commit)
        part_commit(core, tx, who->s);
    else
        part_abort_prepared(core, tx, TX_REASON_PRESUMED, who->s);
}

/* A start before the one that PREPARE names cannot speak for what that one has done: somebody runs
 * an old copy of the member's directory. */
static void earlier_start(struct part_core *core, struct part_tx *tx,
                          const struct tx_member *member, uint64_t incarnation)
{
    core->violations++;
    if (tx->alarmed)
        return;
    tx->alarmed = true;
    part_alarm(core, tx->id,
               part_text(core,
                         "participant %s answers NO with incarnation %" PRIu64
                         ", and took part with %" PRIu64
                         ": its data directory is an old copy. Not believed; stop it and start it "
                         "on its newest directory",
                         member->name.s, incarnation, member->incarnation));
}

void part_on_state(struct part_core *core, const struct tx_envelope *envelope,
                   const struct tx_msg_state *state)
{
    struct part_tx *tx = part_tx_find(core, state->id);
    if (tx == NULL || !is_in_doubt(tx)) {
        core->stale++;
        return;
    }
    size_t member = 0;
    while (member < tx->members_n && !tx_name_equal(&tx->members[member].name, &envelope->name))
        member++;
    if (member == tx->members_n || !may_know(tx, member)) {
        core->violations++; /* nobody who was asked */
        return;
    }
    switch (state->state) {
    case TX_STATE_COMMITTED:
        decided_elsewhere(core, tx, true, &envelope->name);
        return;
    case TX_STATE_NO:
        if (state->incarnation < tx->members[member].incarnation)
            earlier_start(core, tx, &tx->members[member], state->incarnation);
        else
            decided_elsewhere(core, tx, false, &envelope->name);
        return;
    case TX_STATE_PREPARED:
        tx->said_prepared |= UINT64_C(1) << member;
        return;
    case TX_STATE_FORGOTTEN: /* what a member in doubt is never told */
    case TX_STATES_N:
        core->violations++;
        return;
    }
}

/* ---- inquiries of others ---- */

static void send_state(struct part_core *core, const struct tx_envelope *to, struct tx_id id,
                       enum tx_state state, bool heuristic)
{
    struct tx_msg msg = {
        .type = TX_MSG_STATE,
        .state = {.id = id,
                  .state = state,
                  .incarnation = core->options.incarnation,
                  .heuristic = heuristic},
    };
    part_send(core, &to->address, &msg);
}

static void inquire_tombstone(struct part_core *core, const struct tx_envelope *from,
                              const struct part_tombstone *tombstone)
{
    switch (tombstone->kind) {
    case PART_TOMB_NO:
        send_state(core, from, tombstone->id, TX_STATE_NO, false);
        return;
    case PART_TOMB_READ_ONLY_ONE_PHASE:
        send_state(core, from, tombstone->id, TX_STATE_COMMITTED, false);
        return;
    case PART_TOMB_READ_ONLY:
        core->stale++; /* it does not know, and nobody should have asked */
        return;
    }
}

static void inquire_unknown(struct part_core *core, const struct tx_envelope *from,
                            const struct tx_msg_inquire *inquire)
{
    struct part_coordinator *coordinator = part_coordinator_find(core, inquire->id.coordinator);
    /* A list of members that names this participant was made by a coordinator that had been
     * welcomed. An epoch that is not known here says that this is an old disk, which may not say
     * NO. */
    if (!part_introduced(core, coordinator) || inquire->id.epoch > coordinator->epoch) {
        core->stale++;
        return;
    }
    const struct part_tombstone *tombstone = part_tombstone_find(core, inquire->id);
    if (part_mark_covers(coordinator, inquire->id)) {
        /* Were it committed, it would not be finished while a member has not acknowledged. */
        send_state(core, from, inquire->id, inquire->in_doubt ? TX_STATE_NO : TX_STATE_FORGOTTEN,
                   false);
    } else if (tombstone != NULL) {
        inquire_tombstone(core, from, tombstone);
    } else {
        part_tombstone_put(core, coordinator, inquire->id, PART_TOMB_NO, TX_REASON_INQUIRED,
                           tx_bytes_str("somebody asked for it before it was here"), NULL);
        send_state(core, from, inquire->id, TX_STATE_NO, false);
    }
}

static void defer_inquire(struct part_core *core, struct part_tx *tx,
                          const struct tx_envelope *from, const struct tx_msg_inquire *inquire)
{
    struct part_deferred deferred = {.type = TX_MSG_INQUIRE,
                                     .in_doubt = inquire->in_doubt,
                                     .role = from->role,
                                     .from = from->address};
    (void)part_defer(core, tx, &deferred);
}

/* Does the asker know this participant where its log has never been? Then this directory is an old
 * copy, and what it does not know it may have promised. An honest log is never denied: what others
 * know of it was durable. */
static bool proves_old_copy(const struct part_core *core, const struct tx_msg_inquire *inquire)
{
    return tx_lineage_denies(&core->lineage, inquire->known) ||
           inquire->known.lsn.n > core->durable.n;
}

/* One proof is enough, for whoever asks and whatever he knows. */
static bool may_answer(struct part_core *core, const struct tx_envelope *from,
                       const struct tx_msg_inquire *inquire)
{
    if (from->role != TX_ROLE_PARTICIPANT || TX_SEEDED_BUG(EVIDENCE_IGNORED))
        return true; /* a coordinator has compared with WELCOME */
    if (!core->old_copy && proves_old_copy(core, inquire)) {
        core->old_copy = true;
        part_alarm(core, (struct tx_id){0},
                   part_text(core,
                             "participant %s knows this participant at incarnation %" PRIu64
                             ", log position %" PRIu64
                             ", where this log has never been: its data directory is an old copy. "
                             "Stop this daemon and start it on its newest directory",
                             from->name.s, inquire->known.start, inquire->known.lsn.n));
    }
    core->stale += core->old_copy;
    return !core->old_copy;
}

void part_on_inquire(struct part_core *core, const struct tx_envelope *from,
                     const struct tx_msg_inquire *inquire)
{
    struct tx_id id = inquire->id;
    if (!tx_id_valid(id)) {
        core->violations++;
        return;
    }
    if (!may_answer(core, from, inquire))
        return;
    struct part_tx *tx = part_tx_find(core, id);
    if (tx == NULL) {
        inquire_unknown(core, from, inquire);
        return;
    }
    switch (tx->state) {
    case PART_WORKING:
        part_undo(
            core, tx, TX_REASON_INQUIRED,
            part_text(core, "a %s asked for it before it was prepared", tx_role_name(from->role)),
            false);
        send_state(core, from, id, TX_STATE_NO, false);
        return;
    case PART_UNDOING:
        send_state(core, from, id, TX_STATE_NO, false);
        return;
    case PART_PREPARING:
        defer_inquire(core, tx, from, inquire);
        return;
    case PART_PREPARED:
    case PART_HEURISTIC:
        send_state(core, from, id, TX_STATE_PREPARED, tx->state == PART_HEURISTIC);
        return;
    case PART_COMMITTED:
        send_state(core, from, id, TX_STATE_COMMITTED, false);
        return;
    case PART_STATES_N:
        return;
    }
}
