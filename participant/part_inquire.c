/* Being in doubt: inquiries of this participant, their answers, and the inquiries of others. */
#include "participant/part_internal.h"

#include <inttypes.h>
#include <stdio.h>

bool part_is_in_doubt(const struct part_tx *tx)
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

/* Has this member said that it is prepared, at a moment that counts? */
bool part_said_prepared(const struct part_tx *tx, size_t member)
{
    return (tx->said_prepared & (UINT64_C(1) << member)) != 0;
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
    TX_ASSERT(part_is_in_doubt(tx) && tx->members_n <= TX_MEMBERS_MAX);
    tx->inquiry_us = core->options.inquiry_us;
    tx->asked = 0;
    tx->said_prepared = 0;
    tx->note_us = part_time_after(core->now_us, core->options.inquiry_us);
    part_timer_queue(core, tx, tx->note_us);
    if (tx->wanted)
        part_wanted(core, tx);
}

bool part_members_alone(const struct part_tx *tx)
{
    return tx->members_decide && tx->id.epoch < tx->coordinator->epoch;
}

static struct tx_msg inquiry_of(const struct part_tx *tx)
{
    return (struct tx_msg){.type = TX_MSG_INQUIRE,
                           .inquire = {.id = tx->id,
                                       .in_doubt = true,
                                       .wanted = tx->wanted,
                                       .members_decide = tx->members_decide}};
}

/* Wherever it may be: a word that is wrong must not hide one that is right. */
static void ask_member(struct part_core *core, const struct part_tx *tx, size_t member)
{
    const struct tx_address *places[PART_PLACES_OF_ONE];
    size_t n = part_places_of(core, &tx->members[member], places);
    struct tx_msg msg = inquiry_of(tx);
    msg.inquire.known = tx->known[member];
    msg.inquire.to = tx->members[member].name;
    msg.inquire.incarnation = tx->members[member].incarnation;
    for (size_t i = 0; i < n; i++)
        part_send(core, places[i], &msg);
}

void part_inquire(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(part_is_in_doubt(tx) && tx->inquiry_us > 0);
    core->inquiries_total++;
    struct tx_msg msg = inquiry_of(tx);
    part_send(core, &tx->coordinator->address, &msg);
    bool members =
        tx->asked >= PART_ASKED_ALONE || part_members_alone(tx) || part_in_loss(core, tx);
    for (size_t i = 0; members && i < tx->members_n; i++) {
        if (may_know(tx, i))
            ask_member(core, tx, i);
    }
    tx->inquiries++;
    if (tx->asked < PART_ASKED_ALONE)
        tx->asked++;
    /* A coordinator that lives answers at once, and where the members decide nobody has to wait for
     * one that does not. */
    bool soon = tx->members_decide && !members;
    uint64_t max_us = core->options.inquiry_max_us;
    if (tx->inquiry_us > max_us) /* read again, and lower than before */
        tx->inquiry_us = max_us;
    part_timer_set(core, tx, part_time_after(core->now_us, tx->inquiry_us / (soon ? 4 : 1)));
    tx->inquiry_us = tx->inquiry_us < max_us / 2 ? tx->inquiry_us * 2 : max_us;
}

void part_inquire_older_epochs(struct part_core *core, struct part_coordinator *coordinator)
{
    for (struct part_link *l = coordinator->txs.next; l != &coordinator->txs; l = l->next) {
        struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_coordinator);
        if (part_is_in_doubt(tx) && tx->id.epoch < coordinator->epoch)
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
        if (!part_said_prepared(tx, i))
            return false;
    }
    return any;
}

/* Whose word is missing, when the members decide: "b, c". */
static struct tx_bytes unheard(struct part_core *core, const struct part_tx *tx)
{
    char names[TX_TEXT_MAX / 2] = "";
    size_t used = 0;
    for (size_t i = 0; i < tx->members_n && used < sizeof names; i++) {
        if (i != tx->self && !part_said_prepared(tx, i))
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                     used > 0 ? ", " : "", tx->members[i].name.s);
    }
    return part_text(core, "%s", names);
}

/* What would settle it. */
struct tx_bytes part_doubt_text(struct part_core *core, const struct part_tx *tx)
{
    struct tx_bytes names = unheard(core, tx);
    if (part_in_loss(core, tx))
        return tx_bytes_str("; restored from a backup: its decision may have been here, and be "
                            "forgotten elsewhere; unless somebody still knows it, an operator "
                            "decides");
    if (tx->said_lost != 0)
        return part_text(core,
                         "; what participant %s knew of it is lost: only who has heard the "
                         "decision, or an operator, can settle it",
                         tx->members[__builtin_ctzll(tx->said_lost)].name.s);
    if (tx->members_decide)
        return part_text(core,
                         "; its members decide: all prepared is commit, one refusal is abort; "
                         "not heard from yet: %.*s",
                         (int)names.len, (const char *)names.data);
    if (all_prepared(tx))
        return tx_bytes_str("; every other member is in doubt as well: only its coordinator's log, "
                            "or an operator, can settle it");
    return tx_bytes_str("");
}

static void note_in_doubt(struct part_core *core, struct part_tx *tx)
{
    uint64_t doubt_us = core->now_us - tx->since_us;
    struct tx_bytes others = part_doubt_text(core, tx);
    tx->noted = true;
    tx->note_us = part_time_after(core->now_us, doubt_us);
    part_note(core, tx->id,
              part_text(core,
                        "in doubt for %" PRIu64 " ms: coordinator %" PRIu32 " at %s has not "
                        "told the decision%.*s",
                        doubt_us / 1000, tx->coordinator->id, tx->coordinator->address.s,
                        (int)others.len, (const char *)others.data));
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
    if (tx == NULL || !part_is_in_doubt(tx)) {
        core->stale++;
        return;
    }
    tx->asked = 0; /* the coordinator lives: it will tell */
    if (!tx->members_decide)
        tx->said_prepared = 0; /* or else it is a fact, whoever lives */
    else if (!tx->wanted)
        part_timer_set(core, tx, part_time_after(core->now_us, tx->inquiry_us));
}

static void decided_elsewhere(struct part_core *core, struct part_tx *tx, bool commit,
                              const char *how)
{
    tx->found_out = commit && tx->members_decide;
    if (tx->state == PART_HEURISTIC)
        part_heuristic_decided(core, tx, commit);
    else if (commit)
        part_commit(core, tx, how);
    else
        part_abort_prepared(core, tx, TX_REASON_PRESUMED, how);
}

/* Has every other member's PREPARED record been durable? With this one's, that is the commit. */
static bool all_have_prepared(const struct part_tx *tx)
{
    TX_ASSERT(tx->members_decide && tx->lsn.n > 0);
    if (TX_SEEDED_BUG(YES_OF_SOME))
        return tx->said_prepared != 0;
    return all_prepared(tx);
}

static void on_prepared(struct part_core *core, struct part_tx *tx, size_t member)
{
    tx->said_prepared |= UINT64_C(1) << member;
    if (tx->members_decide && all_have_prepared(tx))
        decided_elsewhere(core, tx, true, "all its members, which are prepared");
}

/* A start before the one that PREPARE names cannot speak for what that one has done: somebody runs
 * an old copy of the member's directory. */
static void earlier_start(struct part_core *core, struct part_tx *tx,
                          const struct tx_member *member, const struct tx_msg_state *state)
{
    core->violations++;
    if (tx->alarmed)
        return;
    tx->alarmed = true;
    part_alarm(core, tx->id,
               part_text(core,
                         "participant %s answers %s with incarnation %" PRIu64
                         ", and took part with %" PRIu64
                         ": its data directory is an old copy. Not believed; stop it and start it "
                         "on its newest directory",
                         member->name.s, tx_state_name(state->state), state->incarnation,
                         member->incarnation));
}

/* Nobody but the start that PREPARE names, or one after it, can say anything of that. A COMMITTED
 * that the coordinator decides is only passed on, whoever does it. */
static bool can_be_of_earlier_start(const struct part_tx *tx, enum tx_state state)
{
    if (!tx->members_decide)
        return state != TX_STATE_NO;
    return TX_SEEDED_BUG(FACTS_OF_ANOTHER_START);
}

/* Is it a fact of this transaction that the member tells? */
static bool is_believed(struct part_core *core, struct part_tx *tx, size_t member,
                        const struct tx_msg_state *state)
{
    bool yes = state->state == TX_STATE_PREPARED || state->state == TX_STATE_COMMITTED;
    if (state->incarnation < tx->members[member].incarnation &&
        !can_be_of_earlier_start(tx, state->state)) {
        earlier_start(core, tx, &tx->members[member], state);
        return false;
    }
    if (yes && state->members_decide != tx->members_decide) {
        core->violations++; /* who decides is the same for all */
        return false;
    }
    return true;
}

static size_t member_named(const struct part_tx *tx, const struct tx_name *name)
{
    size_t member = 0;
    while (member < tx->members_n && !tx_name_equal(&tx->members[member].name, name))
        member++;
    return member;
}

/* What is finished is no commit to a member in doubt; unless that one has been told the end before,
 * and has lost it. */
static void on_no(struct part_core *core, struct part_tx *tx, const struct tx_envelope *from,
                  const struct tx_msg_state *state)
{
    if (!state->below_mark || !part_in_loss(core, tx) || TX_SEEDED_BUG(PRESUMED_IN_LOSS))
        decided_elsewhere(core, tx, false, from->name.s);
    else if (tx->state == PART_HEURISTIC)
        part_heuristic_unknown(core, tx);
    else
        core->stale++;
}

void part_on_state(struct part_core *core, const struct tx_envelope *envelope,
                   const struct tx_msg_state *state)
{
    struct part_tx *tx = part_tx_find(core, state->id);
    if (tx == NULL || !part_is_in_doubt(tx)) {
        core->stale++;
        return;
    }
    size_t member = member_named(tx, &envelope->name);
    if (member == tx->members_n || !may_know(tx, member)) {
        core->violations++; /* nobody who was asked */
        return;
    }
    if (!is_believed(core, tx, member, state))
        return;
    switch (state->state) {
    case TX_STATE_COMMITTED:
        decided_elsewhere(core, tx, true, envelope->name.s);
        return;
    case TX_STATE_NO:
        on_no(core, tx, envelope, state);
        return;
    case TX_STATE_LOST:
        tx->said_lost |= UINT64_C(1) << member;
        return;
    case TX_STATE_PREPARED:
        on_prepared(core, tx, member);
        return;
    case TX_STATE_FORGOTTEN: /* what a member in doubt is never told */
    case TX_STATES_N:
        core->violations++;
        return;
    }
}

/* ---- inquiries of others ---- */

static void send_state(struct part_core *core, const struct tx_envelope *to,
                       const struct tx_msg_state *state)
{
    struct tx_msg msg = {.type = TX_MSG_STATE, .state = *state};
    msg.state.incarnation = core->options.incarnation;
    part_send(core, &to->address, &msg);
}

/* NO, FORGOTTEN; COMMITTED of an only reader: nothing is known here but that. */
static void send_end(struct part_core *core, const struct tx_envelope *to, struct tx_id id,
                     enum tx_state state)
{
    send_state(core, to, &(struct tx_msg_state){.id = id, .state = state});
}

static void send_fact(struct part_core *core, const struct tx_envelope *to,
                      const struct part_tx *tx, enum tx_state state)
{
    send_state(core, to,
               &(struct tx_msg_state){.id = tx->id,
                                      .state = state,
                                      .heuristic = tx->state == PART_HEURISTIC,
                                      .members_decide = tx->members_decide});
}

/* Of several members a reader that has dropped out does not know the end, and those in doubt ask
 * none. Whoever asks for a client may not know that it was one. */
static void inquire_tombstone(struct part_core *core, const struct tx_envelope *from,
                              const struct part_tombstone *tombstone, bool in_doubt)
{
    switch (tombstone->kind) {
    case PART_TOMB_NO:
        send_end(core, from, tombstone->id, TX_STATE_NO);
        return;
    case PART_TOMB_READ_ONLY_ONE_PHASE:
        send_end(core, from, tombstone->id, TX_STATE_COMMITTED);
        return;
    case PART_TOMB_READ_ONLY:
        if (in_doubt)
            core->stale++;
        else
            send_end(core, from, tombstone->id, TX_STATE_FORGOTTEN);
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
    bool covered = part_mark_covers(coordinator, inquire->id);
    if (covered && inquire->in_doubt) {
        /* Were it committed, it would not be finished while a member has not acknowledged. */
        send_state(
            core, from,
            &(struct tx_msg_state){.id = inquire->id, .state = TX_STATE_NO, .below_mark = true});
    } else if (part_may_have_lost(core, inquire->incarnation) && !TX_SEEDED_BUG(LOSS_SAYS_NO)) {
        /* Nor does a tombstone speak for a start whose promises are lost. */
        send_end(core, from, inquire->id, TX_STATE_LOST);
    } else if (covered) {
        send_end(core, from, inquire->id, TX_STATE_FORGOTTEN);
    } else if (tombstone != NULL) {
        inquire_tombstone(core, from, tombstone, inquire->in_doubt);
    } else {
        part_tombstone_put(core, coordinator, inquire->id, PART_TOMB_NO, TX_REASON_INQUIRED,
                           tx_bytes_str("somebody asked for it before it was here"), NULL);
        send_end(core, from, inquire->id, TX_STATE_NO);
    }
}

static void defer_inquire(struct part_core *core, struct part_tx *tx,
                          const struct tx_envelope *from, const struct tx_msg_inquire *inquire)
{
    struct part_deferred deferred = {.type = TX_MSG_INQUIRE,
                                     .in_doubt = inquire->in_doubt,
                                     .incarnation = inquire->incarnation,
                                     .role = from->role,
                                     .from = from->address};
    (void)part_defer(core, tx, &deferred);
}

/* Does the asker know this participant where its log has never been? Then this directory is an old
 * copy, and what it does not know it may have promised. An honest log is never denied: what others
 * know of it was durable. What a declared loss has taken is no proof: LOST is said of that. */
static bool proves_old_copy(const struct part_core *core, const struct tx_msg_inquire *inquire)
{
    if (tx_loss_explains(&core->loss, &core->lineage, inquire->known))
        return false;
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

/* The member that asks says with it where it is now. At a new place it is asked at once: when this
 * answer has settled it there, nothing else brings it to ask here again. */
static void learn_place(struct part_core *core, const struct part_tx *tx,
                        const struct tx_envelope *from)
{
    bool open = tx->state == PART_PREPARING || part_is_in_doubt(tx);
    size_t member = open ? member_named(tx, &from->name) : tx->members_n;
    if (from->role != TX_ROLE_PARTICIPANT || member == tx->members_n || member == tx->self)
        return;
    if (part_place_heard(core, &tx->members[member], from) && part_is_in_doubt(tx) &&
        may_know(tx, member))
        ask_member(core, tx, member);
}

/* Somebody else may have come to an address that a member had. What the inquiry knows of that
 * member says nothing about this one. */
static bool is_meant(const struct part_core *core, const struct tx_envelope *from,
                     const struct tx_msg_inquire *inquire)
{
    return from->role != TX_ROLE_PARTICIPANT || inquire->to.s[0] == '\0' ||
           tx_name_equal(&inquire->to, &core->options.name) || TX_SEEDED_BUG(ANYBODY_IS_MEANT);
}

static void answer_inquire(struct part_core *core, struct part_tx *tx,
                           const struct tx_envelope *from, const struct tx_msg_inquire *inquire)
{
    struct tx_id id = inquire->id;
    switch (tx->state) {
    case PART_WORKING:
        if (part_may_have_lost(core, inquire->incarnation)) {
            send_end(core, from, id,
                     TX_STATE_LOST); /* begun anew by a late copy of its first step */
            return;
        }
        part_undo(
            core, tx, TX_REASON_INQUIRED,
            part_text(core, "a %s asked for it before it was prepared", tx_role_name(from->role)),
            false);
        send_end(core, from, id, TX_STATE_NO);
        return;
    case PART_UNDOING:
        send_end(core, from, id,
                 part_may_have_lost(core, inquire->incarnation) ? TX_STATE_LOST : TX_STATE_NO);
        return;
    case PART_PREPARING:
        if (TX_SEEDED_BUG(FACT_BEFORE_DURABLE) && tx->members_decide)
            send_fact(core, from, tx, TX_STATE_PREPARED);
        else
            defer_inquire(core, tx, from, inquire);
        return;
    case PART_PREPARED:
    case PART_HEURISTIC:
        send_fact(core, from, tx, TX_STATE_PREPARED);
        return;
    case PART_COMMITTED:
        send_fact(core, from, tx, TX_STATE_COMMITTED);
        return;
    case PART_STATES_N:
        return;
    }
}

void part_on_inquire(struct part_core *core, const struct tx_envelope *from,
                     const struct tx_msg_inquire *inquire)
{
    struct tx_id id = inquire->id;
    if (!tx_id_valid(id)) {
        core->violations++;
        return;
    }
    if (!is_meant(core, from, inquire)) {
        core->stale++;
        return;
    }
    if (!may_answer(core, from, inquire))
        return;
    struct part_tx *tx = part_tx_find(core, id);
    if (tx == NULL) {
        inquire_unknown(core, from, inquire);
        return;
    }
    answer_inquire(core, tx, from, inquire);
    if (inquire->in_doubt && (tx = part_tx_find(core, id)) != NULL)
        learn_place(core, tx, from);
}
