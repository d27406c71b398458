/* Recovery: the state that the records of the log leave behind, and what contradicts
 * itself there. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>

static enum tx_error contradiction(struct tx_why *why, const struct txlog_record *record,
                                   const char *what)
{
    struct tx_id id = txlog_record_tx(record);
    char text[TX_ID_TEXT];
    const char *of = id.seq > 0 ? " of transaction " : "";
    return tx_why(why, TX_ECORRUPT, "record %" PRIu64 " (%s%s%s) %s", record->lsn.n,
                  txlog_type_name(record->type), of, id.seq > 0 ? tx_id_print(id, text) : "", what);
}

/* Could this coordinator have written a record about this transaction at that time? */
static enum tx_error check_id(const struct coord_core *core, const struct txlog_record *record,
                              struct tx_id id, struct tx_why *why)
{
    TX_ASSERT(tx_id_valid(id)); /* the decoder lets no other pass */
    if (id.coordinator != core->options.id) {
        return contradiction(why, record, "is of another coordinator");
    }
    if (id.epoch > record->start) {
        return contradiction(why, record, "is of an epoch that had not begun");
    }
    if (record->type != TXLOG_END && !core->snapshot_open && id.epoch != record->start) {
        return contradiction(why, record, "decides for an epoch that was over");
    }
    return TX_OK;
}

static struct coord_peer *peer_of(struct coord_core *core, const struct tx_name *name,
                                  const struct tx_address *address)
{
    struct coord_peer *peer = coord_peer_find(core, name);
    if (peer == NULL) {
        return coord_peer_add(core, name, address, false);
    }
    if (peer->address.s[0] == '\0') {
        peer->address = *address;
    }
    return peer;
}

static void learn_peer(struct coord_core *core, const struct txlog_peer *peer)
{
    const struct tx_address nowhere = {0};
    coord_peer_known(peer_of(core, &peer->name, &nowhere), peer->known);
}

static enum tx_error recover_start(struct coord_core *core, const struct txlog_record *record,
                                   struct tx_why *why)
{
    if (record->start <= core->replayed_start) {
        return contradiction(why, record, "has an epoch out of order");
    }
    struct tx_position position = {record->start, record->started.life, record->lsn};
    if (!tx_lineage_add(&core->lineage, position)) {
        return contradiction(why, record, "does not follow the starts before it");
    }
    core->replayed_start = record->start;
    core->snapshot_open = false; /* the one that the stop cut short */
    return TX_OK;
}

static enum tx_error recover_commit(struct coord_core *core, const struct txlog_record *record,
                                    struct tx_why *why)
{
    const struct txlog_commit *commit = &record->commit;
    struct coord_tx *tx = coord_tx_find(core, commit->id);
    if (tx != NULL) {
        bool restated = core->snapshot_open && tx->logged == COORD_LOGGED_COMMIT;
        return restated ? TX_OK : contradiction(why, record, "was written before");
    }
    if (commit->members_n == 0 || commit->members_n > TX_MEMBERS_MAX) {
        return contradiction(why, record, "has an impossible number of members");
    }
    struct coord_tx *older = coord_tx_by_key(core, commit->key);
    if (older != NULL && !older->logged_end) {
        return contradiction(why, record, "has the idempotency key of another one");
    }
    if (older != NULL) {
        coord_tx_drop_key(core, older); /* it was over, and forgotten, when the key came again */
    }
    tx = coord_tx_new(core, commit->id, COORD_COMMITTED);
    coord_open_add(core, tx);
    coord_tx_set_key(core, tx, commit->key);
    tx->recovered = true;
    tx->results_lost = true;
    tx->age = commit->age;
    coord_age_learn(core, commit->age.counter);
    tx->logged = COORD_LOGGED_COMMIT;
    tx->lsn = record->lsn;
    coord_tx_make_members(tx, commit->members_n);
    for (size_t i = 0; i < commit->members_n; i++) {
        const struct tx_member *member = &commit->members[i];
        tx->members[i] = (struct coord_member){
            .peer = peer_of(core, &member->name, &member->address),
            .incarnation = member->incarnation,
            .read_only = member->read_only,
            .voted = true,
            .vote = TX_VOTE_YES,
        };
    }
    return TX_OK;
}

static enum tx_error recover_end(struct coord_core *core, const struct txlog_record *record,
                                 struct tx_why *why)
{
    struct coord_tx *tx = coord_tx_find(core, record->end.id);
    if (tx == NULL || tx->logged != COORD_LOGGED_COMMIT) {
        return contradiction(why, record, "has no COMMIT before it");
    }
    for (size_t i = 0; i < record->end.peers_n; i++) {
        const struct txlog_peer *ack = &record->end.peers[i];
        learn_peer(core, ack);
        struct coord_member *member = coord_tx_member(tx, coord_peer_find(core, &ack->name));
        if (member != NULL) {
            member->ack = ack->known;
        }
    }
    if (tx->logged_end) {
        return core->snapshot_open ? TX_OK : contradiction(why, record, "was written before");
    }
    for (size_t i = 0; i < tx->members_n; i++) {
        tx->members[i].acked = true;
    }
    tx->logged_end = true;
    tx->lsn = record->lsn;
    coord_tx_move(core, tx, COORD_FINISHED_COMMITTED);
    coord_open_remove(core, tx);
    coord_retain(core, tx);
    return TX_OK;
}

static enum tx_error recover_outcome(struct coord_core *core, const struct txlog_record *record,
                                     struct tx_why *why)
{
    const struct txlog_outcome *outcome = &record->outcome;
    if (outcome->outcome != TX_OUTCOME_COMMITTED) {
        return contradiction(why, record, "is no commit, and nothing else is ever recorded");
    }
    learn_peer(core, &outcome->peer);
    struct coord_tx *tx = coord_tx_find(core, outcome->id);
    if (tx != NULL) {
        bool restated = core->snapshot_open && tx->logged == COORD_LOGGED_OUTCOME;
        return restated ? TX_OK : contradiction(why, record, "was written before");
    }
    tx = coord_tx_new(core, outcome->id, COORD_FINISHED_COMMITTED);
    coord_open_add(core, tx);
    tx->recovered = true;
    tx->results_lost = true;
    tx->one_phase = true;
    tx->logged = COORD_LOGGED_OUTCOME;
    tx->lsn = record->lsn;
    coord_tx_make_members(tx, 1);
    tx->members[0] = (struct coord_member){
        .peer = coord_peer_find(core, &outcome->peer.name),
        .incarnation = outcome->peer.known.start,
        .voted = true,
        .vote = TX_VOTE_COMMITTED,
        .acked = true,
        .ack = outcome->peer.known,
    };
    coord_retain(core, tx);
    return TX_OK;
}

static enum tx_error recover_snapshot_begin(struct coord_core *core,
                                            const struct txlog_record *record, struct tx_why *why)
{
    const struct txlog_snapshot_begin *begin = &record->snapshot_begin;
    if (!tx_lineage_set(&core->lineage, begin->starts, begin->starts_n) ||
        !tx_lineage_before(&core->lineage, core->options.epoch, record->lsn)) {
        return contradiction(why, record, "holds no starts in order");
    }
    core->snapshot_open = true;
    core->snapshot_begin = record->lsn;
    coord_age_learn(core, begin->age_counter);
    if (begin->presume_from > core->presume_from) {
        core->presume_from = begin->presume_from;
    }
    return TX_OK;
}

static enum tx_error recover_snapshot_end(struct coord_core *core,
                                          const struct txlog_record *record, struct tx_why *why)
{
    if (!core->snapshot_open || record->snapshot_end.begin.n != core->snapshot_begin.n) {
        return contradiction(why, record, "has no beginning");
    }
    core->snapshot_open = false;
    core->snapshot_next = 0;
    return TX_OK;
}

static enum tx_error recover_forget(struct coord_core *core, const struct txlog_record *record,
                                    struct tx_why *why)
{
    const struct txlog_forget *forget = &record->forget;
    if (forget->coordinator != core->options.id || forget->epoch >= record->start) {
        return contradiction(why, record, "is of another coordinator, or of its own epoch");
    }
    core->forgotten_epoch = forget->epoch;
    return TX_OK;
}

static enum tx_error recover_readmit(struct coord_core *core, const struct txlog_record *record,
                                     struct tx_why *why)
{
    const struct txlog_readmit *readmit = &record->readmit;
    if (!tx_loss_holds(&readmit->loss, readmit->known.start) ||
        readmit->peer.known.start <= readmit->loss.start) {
        return contradiction(why, record, "lets somebody in whose loss it does not name");
    }
    const struct tx_address nowhere = {0};
    coord_readmit_recover(peer_of(core, &readmit->peer.name, &nowhere), readmit);
    return TX_OK;
}

static enum tx_error recover_one(struct coord_core *core, const struct txlog_record *record,
                                 struct tx_why *why)
{
    struct tx_id id = txlog_record_tx(record);
    enum tx_error error = TX_OK;
    switch (record->type) {
    case TXLOG_START:
        return recover_start(core, record, why);
    case TXLOG_COMMIT:
        error = check_id(core, record, id, why);
        return error != TX_OK ? error : recover_commit(core, record, why);
    case TXLOG_END:
        error = check_id(core, record, id, why);
        return error != TX_OK ? error : recover_end(core, record, why);
    case TXLOG_OUTCOME:
        error = check_id(core, record, id, why);
        return error != TX_OK ? error : recover_outcome(core, record, why);
    case TXLOG_PEER:
        learn_peer(core, &record->peer);
        return TX_OK;
    case TXLOG_ALARM:
        /* A snapshot in the middle of the replay was cut short: it repeats what is known. */
        if (!core->snapshot_open || core->snapshot_begin.n == core->replayed_lsn.n) {
            coord_alarm_keep(core, id, record->alarm.text, record->time_ms);
        }
        return TX_OK;
    case TXLOG_SNAPSHOT_BEGIN:
        return recover_snapshot_begin(core, record, why);
    case TXLOG_SNAPSHOT_END:
        return recover_snapshot_end(core, record, why);
    case TXLOG_EPOCH:
        if (record->epoch.coordinator != core->options.id) {
            return contradiction(why, record, "is of another coordinator");
        }
        core->fenced = true;
        return TX_OK;
    case TXLOG_FORGET:
        return recover_forget(core, record, why);
    case TXLOG_CUT:
        return coord_cut_recover(core, record, why);
    case TXLOG_READMIT:
        return recover_readmit(core, record, why);
    case TXLOG_LOSS:
    case TXLOG_NONE:
    case TXLOG_PREPARED:
    case TXLOG_COMMITTED:
    case TXLOG_ABORTED:
    case TXLOG_HEURISTIC:
    case TXLOG_HEURISTIC_END:
    case TXLOG_PUT_ASIDE:
    case TXLOG_TYPES_N:
        break;
    }
    return contradiction(why, record, "is none that a coordinator writes");
}

enum tx_error coord_core_recover(struct coord_core *core, const struct txlog_record *record,
                                 struct tx_why *why)
{
    TX_ASSERT(!core->running);
    if (core->last.n > 0 && record->lsn.n != core->last.n + 1) {
        return contradiction(why, record, "does not follow the record before it");
    }
    if (record->start >= core->options.epoch || record->start < core->replayed_start) {
        return contradiction(why, record, "is of an epoch out of order");
    }
    if (core->replayed_lsn.n == 0) {
        core->replayed_lsn = record->lsn;
    }
    core->last = record->lsn;
    core->snapshot_next++;
    enum tx_error error = recover_one(core, record, why);
    if (error == TX_OK) {
        coord_retain_bound(core);
    }
    return error;
}

static void note_found(struct coord_core *core, struct coord_tx *tx)
{
    struct tx_buf names = {0};
    for (size_t i = 0; i < tx->members_n; i++) {
        tx_buf_append(&names, tx_bytes_str(i > 0 ? ", " : ""));
        tx_buf_append(&names, tx_bytes_str(tx->members[i].peer->name.s));
    }
    TX_NEED_MEMORY(!names.failed);
    coord_note(core, tx->id,
               coord_print(core,
                           "decision to commit found in the log without its end; it goes to "
                           "%.*s",
                           (int)names.len, (const char *)names.data));
    tx_buf_deinit(&names);
}

void coord_recover_finish(struct coord_core *core)
{
    core->snapshot_open = false;
    struct coord_tx *tx;
    TAILQ_FOREACH(tx, &core->all, in_all)
    {
        TX_ASSERT(tx->recovered);
        tx->since_us = tx->moved_us = core->now;
        tx->retained_us = core->now;
    }
    coord_retention_timer(core);
    TAILQ_FOREACH(tx, &core->open, in_open)
    {
        if (tx->state == COORD_COMMITTED) {
            note_found(core, tx);
            tx->interval_us = core->options.resend_us;
            coord_timer_arm(&core->timers, &tx->timer, core->now + tx->interval_us);
        }
    }
}
