/* Collecting: COMMIT_REQUEST fixes the members, PREPARE goes out once all are introduced, and again
 * until they have voted or the time is over. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>

static uint64_t at_least_one(uint64_t interval_us)
{
    return interval_us > 0 ? interval_us : 1;
}

bool coord_collect_abortable(const struct coord_tx *tx)
{
    /* Once PREPARE is out, the outcome of one phase is the member's to say, and where the members
     * decide, theirs. */
    return tx->state == COORD_ACTIVE ||
           (tx->state == COORD_COLLECTING && !(tx->one_phase && tx->sent) && !tx->members_decide);
}

/* ---- PREPARE ---- */

static const struct tx_member *member_list(struct coord_core *core, const struct coord_tx *tx)
{
    struct tx_member *list = coord_alloc(core, tx->members_n, sizeof *list);
    for (size_t i = 0; i < tx->members_n; i++) {
        const struct coord_member *member = &tx->members[i];
        list[i] = (struct tx_member){
            .name = member->peer->name,
            .address = member->peer->address,
            .incarnation = member->incarnation,
            .read_only = member->read_only,
        };
    }
    return list;
}

/* How far the members' logs are known now: for those in doubt, who ask one another and not the
 * coordinator. */
static const struct tx_position *known_list(struct coord_core *core, const struct coord_tx *tx)
{
    struct tx_position *list = coord_alloc(core, tx->members_n, sizeof *list);
    for (size_t i = 0; i < tx->members_n; i++) {
        list[i] = tx->members[i].peer->known;
    }
    return list;
}

/* The operations of one member, in order, in the arena of the actions. */
static const struct tx_op *member_ops(struct coord_core *core, const struct coord_tx *tx, size_t at,
                                      size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < tx->ops_n; i++) {
        *n += tx->op_member[i] == at;
    }
    struct tx_op *ops = coord_ops_copy(&core->out->arena, tx->ops, tx->ops_n, tx->op_member, at);
    return ops;
}

/* What any result takes in a vote, and what those have at most that are no data (a counter). */
#define RESULT_BYTES  8u
#define COUNTER_BYTES 20u

static bool reads_data(enum tx_op_type type)
{
    return type == TX_OP_GET || type == TX_OP_GET_FOR_UPDATE || type == TX_OP_SCAN;
}

/* Nobody can take back a YES where the members decide, so each of them keeps its results within its
 * part of what an answer holds: what its operations give in any case, and of the rest an equal part
 * for everybody who reads. */
static uint64_t results_share(const struct coord_core *core, const struct coord_tx *tx, size_t at)
{
    size_t most = core->options.results_max;
    if (!tx->members_decide || !tx->one_shot || most == 0) {
        return 0;
    }
    bool reads[TX_MEMBERS_MAX] = {false};
    size_t own = 0;
    size_t all = 0;
    for (size_t i = 0; i < tx->ops_n; i++) {
        bool data = reads_data(tx->ops[i].type);
        size_t bytes = data ? RESULT_BYTES : RESULT_BYTES + COUNTER_BYTES;
        reads[tx->op_member[i]] |= data;
        own += tx->op_member[i] == at ? bytes : 0;
        all += bytes;
    }
    size_t readers = 0;
    for (size_t i = 0; i < tx->members_n; i++) {
        readers += reads[i];
    }
    if (readers == 0 || all > most) {
        return most > tx->members_n ? most / tx->members_n : 1;
    }
    return own + (reads[at] ? (most - all) / readers : 0);
}

static void send_prepare(struct coord_core *core, const struct coord_tx *tx, size_t at,
                         const struct tx_member *list, const struct tx_position *known)
{
    struct tx_msg msg = {
        .type = TX_MSG_PREPARE,
        .prepare = {.id = tx->id,
                    .age = tx->age,
                    .token = tx->token,
                    .one_phase = tx->one_phase,
                    .one_shot = tx->one_shot,
                    .lock_timeout_ms = tx->lock_timeout_ms > 0 ? tx->lock_timeout_ms
                                                               : core->options.lock_timeout_ms,
                    .isolation = tx->isolation,
                    .members = list,
                    .members_n = tx->members_n,
                    .known = known,
                    .members_decide = tx->members_decide,
                    .results_max = results_share(core, tx, at)},
    };
    bool again = core->now + tx->timeout_us > tx->deadline_us;
    if (TX_SEEDED_BUG(MODE_NOT_KEPT) && again) {
        msg.prepare.members_decide = false;
    }
    if (tx->one_shot) {
        msg.prepare.ops = member_ops(core, tx, at, &msg.prepare.ops_n);
    }
    coord_send(core, tx->members[at].peer, &msg);
}

/* To everybody who has not voted. */
static void send_prepares(struct coord_core *core, struct coord_tx *tx)
{
    tx->tried++;
    const struct tx_member *list = member_list(core, tx);
    const struct tx_position *known = known_list(core, tx);
    for (size_t i = 0; i < tx->members_n; i++) {
        if (!tx->members[i].voted) {
            send_prepare(core, tx, i, list, known);
        }
    }
}

static void arm_retry(struct coord_core *core, struct coord_tx *tx)
{
    uint64_t next = core->now + tx->interval_us;
    coord_timer_arm(&core->timers, &tx->timer, next < tx->deadline_us ? next : tx->deadline_us);
}

/* A key is found by the COMMIT record, and nobody in doubt may ask a reader. */
static bool may_members_decide(const struct coord_tx *tx)
{
    for (size_t i = 0; i < tx->members_n; i++) {
        if (tx->members[i].read_only) {
            return false;
        }
    }
    return tx->members_n >= 2 && tx->key.len == 0;
}

static void first_prepare(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(!tx->sent);
    for (size_t i = 0; i < tx->members_n; i++) {
        if (tx->one_shot) {
            tx->members[i].incarnation = tx->members[i].peer->incarnation;
        }
        TX_ASSERT(tx->members[i].incarnation > 0);
    }
    enum tx_commit_mode mode = tx->mode != TX_COMMIT_DEFAULT ? tx->mode : core->options.mode;
    tx->members_decide = mode == TX_COMMIT_PARTICIPANTS && may_members_decide(tx);
    tx->sent = true;
    tx->phase_us = core->now;
    tx->interval_us = at_least_one(tx->timeout_us / core->options.prepare_tries);
    tx->deadline_us = core->now + tx->timeout_us;
    send_prepares(core, tx);
    arm_retry(core, tx);
}

/* ---- who is there ---- */

static struct coord_peer *find_in_state(const struct coord_tx *tx, enum coord_peer_state state)
{
    for (size_t i = 0; i < tx->members_n; i++) {
        if (!tx->members[i].voted && tx->members[i].peer->state == state) {
            return tx->members[i].peer;
        }
    }
    return NULL;
}

/* A member of which the client names a later start than has introduced itself here. What a PREPARE
 * names must be the participant's own word: those in doubt take no NO of an earlier start, so that
 * a number that a client made up would keep them in doubt for good. */
static struct coord_member *find_unheard(const struct coord_tx *tx)
{
    for (size_t i = 0; i < tx->members_n; i++) {
        if (tx->members[i].incarnation > tx->members[i].peer->incarnation) {
            return &tx->members[i];
        }
    }
    return NULL;
}

/* A member of which the client names an earlier start than has introduced itself here. That start
 * is gone, or an old copy of the directory has served the client: it would prepare, and among
 * themselves the members would believe it. */
static struct coord_member *find_restarted(const struct coord_tx *tx)
{
    for (size_t i = 0; i < tx->members_n && !tx->one_shot; i++) {
        if (tx->members[i].incarnation < tx->members[i].peer->incarnation) {
            return &tx->members[i];
        }
    }
    return NULL;
}

static void give_up_unreachable(struct coord_core *core, struct coord_tx *tx,
                                const struct coord_peer *peer)
{
    coord_give_up(
        core, tx, TX_REASON_UNREACHABLE, peer,
        coord_print(core, "participant %s does not answer (at %s)", peer->name.s, peer->address.s));
}

static void give_up_quarantined(struct coord_core *core, struct coord_tx *tx,
                                const struct coord_peer *peer)
{
    coord_give_up(core, tx, TX_REASON_QUARANTINED, peer,
                  coord_print(core,
                              "participant %s came back with an old disk or a cut log; an "
                              "operator must restore it",
                              peer->name.s));
}

static void abort_unheard(struct coord_core *core, struct coord_tx *tx)
{
    const struct coord_member *member = find_unheard(tx);
    TX_ASSERT(member != NULL);
    coord_abort(core, tx, TX_REASON_RESTARTED, member->peer,
                coord_print(core,
                            "the commit names incarnation %" PRIu64
                            " of participant %s, which itself says %" PRIu64,
                            member->incarnation, member->peer->name.s, member->peer->incarnation));
}

static void abort_restarted(struct coord_core *core, struct coord_tx *tx,
                            const struct coord_member *member)
{
    coord_abort(core, tx, TX_REASON_RESTARTED, member->peer,
                coord_print(core,
                            "participant %s has restarted since (incarnation %" PRIu64
                            ", the work was done with %" PRIu64 ")",
                            member->peer->name.s, member->peer->incarnation, member->incarnation));
}

/* PREPARE, once all members are introduced with the start that did the work. */
static void prepare_or_wait(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(!tx->sent);
    if (find_in_state(tx, COORD_PEER_NEW) != NULL) {
        return; /* its WELCOME goes on from here; silent for peer_down, it counts as down */
    }
    const struct coord_member *unheard = find_unheard(tx);
    const struct coord_member *restarted = find_restarted(tx);
    if (restarted != NULL) {
        abort_restarted(core, tx, restarted);
        return;
    }
    if (unheard == NULL) {
        first_prepare(core, tx);
        return;
    }
    coord_peer_hello_soon(core, unheard->peer);
    if (tx->timer.slot == 0) {
        coord_timer_arm(&core->timers, &tx->timer, core->now + core->options.peer_down_us);
    }
}

void coord_collect_start(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(tx->members_n > 0);
    coord_tx_move(core, tx, COORD_COLLECTING);
    const struct coord_peer *quarantined = find_in_state(tx, COORD_PEER_QUARANTINED);
    const struct coord_peer *down = find_in_state(tx, COORD_PEER_DOWN);
    if (quarantined != NULL) {
        give_up_quarantined(core, tx, quarantined);
    } else if (down != NULL) {
        give_up_unreachable(core, tx, down);
    } else {
        prepare_or_wait(core, tx);
    }
}

void coord_collect_peer_back(struct coord_core *core, struct coord_tx *tx,
                             const struct coord_peer *peer)
{
    struct coord_member *member = coord_tx_member(tx, peer);
    if (member == NULL || member->voted) {
        return;
    }
    if (tx->inquiring) {
        coord_inquire_members(core, tx);
    } else if (tx->sent) {
        core->stats.resends++;
        send_prepare(core, tx, (size_t)(member - tx->members), member_list(core, tx),
                     known_list(core, tx));
    } else {
        prepare_or_wait(core, tx);
    }
}

void coord_collect_peer_lost(struct coord_core *core, struct coord_tx *tx,
                             const struct coord_peer *peer)
{
    const struct coord_member *member = coord_tx_member(tx, peer);
    if (member == NULL || (tx->one_phase && tx->sent)) {
        return;
    }
    if (peer->state == COORD_PEER_QUARANTINED) {
        /* Even its vote is not to be relied upon; if the members decide, it stands. */
        give_up_quarantined(core, tx, peer);
    } else if (!member->voted) {
        give_up_unreachable(core, tx, peer);
    }
}

/* ---- time ---- */

static void vote_timeout(struct coord_core *core, struct coord_tx *tx)
{
    size_t at = 0;
    while (at < tx->members_n && tx->members[at].voted) {
        at++;
    }
    TX_ASSERT(at < tx->members_n);
    const struct coord_peer *silent = tx->members[at].peer;
    struct tx_bytes text =
        coord_print(core, "the vote of participant %s did not come within %" PRIu64 " ms",
                    silent->name.s, tx->timeout_us / 1000);
    if (TX_SEEDED_BUG(ABORT_ALONE_ON_TIMEOUT)) {
        coord_abort(core, tx, TX_REASON_TIMEOUT, silent, text);
    } else {
        coord_give_up(core, tx, TX_REASON_TIMEOUT, silent, text);
    }
}

void coord_collect_timer(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(tx->state == COORD_COLLECTING);
    if (!tx->sent) {
        abort_unheard(core, tx);
    } else if (tx->inquiring) {
        core->stats.resends++;
        coord_inquire_members(core, tx);
    } else if (core->now < tx->deadline_us) {
        core->stats.resends++;
        send_prepares(core, tx);
        arm_retry(core, tx);
    } else if (tx->one_phase) {
        tx->inquiring = true;
        tx->interval_us = core->options.resend_us;
        coord_inquire_members(core, tx);
    } else {
        vote_timeout(core, tx);
    }
}

/* ---- COMMIT_REQUEST ---- */

/* Can these members be prepared at all? If not, the client hears why and nothing is done. */
static bool members_valid(struct coord_core *core, struct coord_waiter from,
                          const struct tx_msg_finish *finish)
{
    struct tx_bytes text = {0};
    if (finish->members_n > TX_MEMBERS_MAX) {
        text = coord_print(core, "%zu participants; a transaction may have %u", finish->members_n,
                           TX_MEMBERS_MAX);
    }
    for (size_t i = 0; text.len == 0 && i < finish->members_n; i++) {
        const struct tx_member *member = &finish->members[i];
        if (coord_peer_configured(core, &member->name) == NULL) {
            struct tx_bytes names = coord_peer_names(core);
            text = coord_print(core, "participant '%s' is not of this cluster; it has %.*s",
                               member->name.s, (int)names.len, (const char *)names.data);
        } else if (member->incarnation == 0) {
            text = coord_print(core,
                               "the incarnation of participant %s, which did the work, is "
                               "missing",
                               member->name.s);
        }
        for (size_t j = 0; text.len == 0 && j < i; j++) {
            if (tx_name_equal(&member->name, &finish->members[j].name)) {
                text = coord_print(core, "participant %s is named twice", member->name.s);
            }
        }
    }
    if (text.len > 0) {
        coord_error(core, from, finish->members_n > TX_MEMBERS_MAX ? TX_ELIMIT : TX_EINVAL,
                    TX_REASON_NONE, text);
    }
    return text.len == 0;
}

static void set_members(const struct coord_core *core, struct coord_tx *tx,
                        const struct tx_msg_finish *finish)
{
    coord_tx_make_members(tx, finish->members_n);
    for (size_t i = 0; i < finish->members_n; i++) {
        tx->members[i] = (struct coord_member){
            .peer = coord_peer_configured(core, &finish->members[i].name),
            .incarnation = finish->members[i].incarnation,
            .read_only = finish->members[i].read_only,
        };
    }
    tx->one_phase = finish->members_n == 1;
    tx->timeout_us = core->options.prepare_timeout_us;
    tx->mode = finish->mode;
}

static const struct coord_peer *joined_unnamed(struct coord_tx *tx)
{
    for (size_t i = 0; i < tx->joined_n; i++) {
        if (coord_tx_member(tx, tx->joined[i]) == NULL) {
            return tx->joined[i];
        }
    }
    return NULL;
}

void coord_on_commit_request(struct coord_core *core, struct coord_tx *tx, struct coord_waiter from,
                             const struct tx_msg_finish *finish)
{
    TX_ASSERT(tx->state == COORD_ACTIVE);
    if (!members_valid(core, from, finish)) {
        return;
    }
    coord_phase_end(core, tx, COORD_PHASE_OPERATIONS);
    set_members(core, tx, finish);
    coord_attach(core, tx, from);
    const struct coord_peer *unnamed = joined_unnamed(tx);
    if (unnamed != NULL) {
        coord_abort(core, tx, TX_REASON_CLIENT, NULL,
                    coord_print(core, "participant %s took part and is not named in the commit",
                                unnamed->name.s));
    } else if (tx->members_n == 0) {
        coord_tx_move(core, tx, COORD_COLLECTING);
        coord_finish_readers(core, tx);
    } else {
        coord_collect_start(core, tx);
    }
}
