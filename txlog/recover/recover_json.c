/* Records as JSON. */
#include "txlog/recover/recover_json.h"

#include "common/commit_mode.h"

#include "txlog/recover/recover_text.h"
#include "txlog/redo.h"

#include <inttypes.h>

void recover_json_identity(struct json *json, const struct txlog_identity *identity)
{
    json_member(json, "role", tx_role_name(identity->role));
    if (identity->role == TX_ROLE_COORDINATOR)
        json_member_u64(json, "coordinator", identity->coordinator);
    else
        json_member(json, "name", identity->name.s);
    json_member(json, "cluster", identity->cluster);
}

void recover_json_id(struct json *json, const char *name, struct tx_id id)
{
    char text[TX_ID_TEXT];
    json_member(json, name, tx_id_print(id, text));
}

void recover_json_time(struct json *json, const char *name, uint64_t unix_ms)
{
    char text[RECOVER_TIME_TEXT];
    json_member(json, name, recover_time(unix_ms, text));
}

static void put_bytes(struct json *json, const char *name, struct tx_bytes bytes)
{
    json_member_bytes(json, name, bytes.data, bytes.len);
}

void recover_json_members(struct json *json, const char *name, const struct tx_member *members,
                          size_t n)
{
    json_member_array_begin(json, name);
    for (size_t i = 0; i < n; i++) {
        json_object_begin(json);
        json_member(json, "name", members[i].name.s);
        json_member(json, "address", members[i].address.s);
        json_member_u64(json, "incarnation", members[i].incarnation);
        json_member_bool(json, "read_only", members[i].read_only);
        json_object_end(json);
    }
    json_array_end(json);
}

void recover_json_locks(struct json *json, const char *name, const struct txlog_lock *locks,
                        size_t n)
{
    json_member_array_begin(json, name);
    for (size_t i = 0; i < n; i++) {
        json_object_begin(json);
        json_member(json, "mode", tx_lock_mode_name(locks[i].mode));
        put_bytes(json, "keyspace", locks[i].space);
        put_bytes(json, locks[i].range ? "from" : "key", locks[i].key);
        if (locks[i].range)
            put_bytes(json, "to", locks[i].to);
        json_object_end(json);
    }
    json_array_end(json);
}

static enum tx_error put_write(void *arg, const struct redo_write *write)
{
    struct json *json = arg;
    json_object_begin(json);
    json_member(json, "op", write->deleted ? "delete" : "put");
    put_bytes(json, "keyspace", write->space);
    put_bytes(json, "key", write->key);
    if (!write->deleted)
        put_bytes(json, "value", write->value);
    json_object_end(json);
    return TX_OK;
}

void recover_json_redo(struct json *json, const char *name, struct tx_bytes redo)
{
    json_member_array_begin(json, name);
    enum tx_error error = redo_each(redo, put_write, json);
    json_array_end(json);
    if (error != TX_OK)
        json_member_bool(json, "writes_unreadable", true);
}

/* ---- the fields of each type ---- */

static void put_age(struct json *json, struct tx_age age)
{
    json_member_u64(json, "age", age.counter);
    json_member_u64(json, "age_coordinator", age.coordinator);
}

/* Random numbers of 64 bits: many readers of JSON have fewer for a number. */
static void put_life(struct json *json, uint64_t life)
{
    char text[17];
    (void)snprintf(text, sizeof(text), "%016" PRIx64, life);
    json_member(json, "life", text);
}

static void put_peer(struct json *json, const struct txlog_peer *peer)
{
    json_object_begin(json);
    json_member(json, "name", peer->name.s);
    json_member_u64(json, "incarnation", peer->known.start);
    put_life(json, peer->known.life);
    json_member_u64(json, "lsn", peer->known.lsn.n);
    json_object_end(json);
}

/* Of each member, in their order. */
static void put_known(struct json *json, const struct txlog_prepared *prepared)
{
    json_member_array_begin(json, "known");
    for (size_t i = 0; prepared->known != NULL && i < prepared->members_n; i++) {
        struct txlog_peer peer = {prepared->members[i].name, prepared->known[i]};
        put_peer(json, &peer);
    }
    json_array_end(json);
}

static void put_mode(struct json *json, bool members_decide)
{
    json_member(
        json, "commit_mode",
        tx_commit_mode_name(members_decide ? TX_COMMIT_PARTICIPANTS : TX_COMMIT_COORDINATOR));
}

static void put_prepared(struct json *json, const struct txlog_prepared *prepared)
{
    put_age(json, prepared->age);
    json_member(json, "coordinator_address", prepared->coordinator.s);
    recover_json_members(json, "members", prepared->members, prepared->members_n);
    put_known(json, prepared);
    recover_json_locks(json, "locks", prepared->locks, prepared->locks_n);
    recover_json_redo(json, "writes", prepared->redo);
    put_mode(json, prepared->members_decide);
}

static void put_forget(struct json *json, const struct txlog_forget *forget)
{
    json_member_u64(json, "coordinator", forget->coordinator);
    json_member_u64(json, "epoch", forget->epoch);
    if (forget->below == UINT64_MAX)
        json_member_bool(json, "and_all_before", true); /* the whole epoch but for `open` */
    else
        json_member_u64(json, "below", forget->below);
    json_member_array_begin(json, "open");
    for (size_t i = 0; i < forget->open_n; i++)
        json_u64(json, forget->open[i]);
    json_array_end(json);
}

static void put_end(struct json *json, const struct txlog_end *end)
{
    json_member_array_begin(json, "acknowledged");
    for (size_t i = 0; i < end->peers_n; i++)
        put_peer(json, &end->peers[i]);
    json_array_end(json);
}

static void put_snapshot_begin(struct json *json, const struct txlog_snapshot_begin *begin)
{
    json_member_u64(json, "age_counter", begin->age_counter);
    json_member_u64(json, "presume_from", begin->presume_from);
    json_member_array_begin(json, "starts");
    for (size_t i = 0; i < begin->starts_n; i++) {
        json_object_begin(json);
        json_member_u64(json, "start", begin->starts[i].start);
        put_life(json, begin->starts[i].life);
        json_member_u64(json, "lsn", begin->starts[i].lsn.n);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_commit(struct json *json, const struct txlog_commit *commit)
{
    put_age(json, commit->age);
    if (commit->key.len > 0)
        put_bytes(json, "idempotency_key", commit->key);
    recover_json_members(json, "members", commit->members, commit->members_n);
}

static void put_cut(struct json *json, const struct tx_cut *cut)
{
    json_member_u64(json, "number", cut->number);
    json_member_u64(json, "position", cut->lsn.n);
    recover_json_time(json, "taken_at", cut->time_ms);
}

static void put_loss(struct json *json, const struct tx_loss *loss)
{
    json_member_u64(json, "lost_behind", loss->lsn.n);
    json_member_u64(json, "lost_starts", loss->start);
}

static void put_readmit(struct json *json, const struct txlog_readmit *readmit)
{
    json_key(json, "peer");
    put_peer(json, &readmit->peer);
    json_member_u64(json, "was_start", readmit->known.start);
    json_member_u64(json, "was_lsn", readmit->known.lsn.n);
    put_loss(json, &readmit->loss);
}

/* What an operator has done. */
static void put_decision(struct json *json, const struct txlog_record *record)
{
    if (record->type == TXLOG_LOSS) {
        put_loss(json, &record->loss);
        return;
    }
    if (record->type == TXLOG_READMIT) {
        put_readmit(json, &record->readmit);
        return;
    }
    if (record->type == TXLOG_PUT_ASIDE) {
        json_member(json, "operator", record->put_aside.operator_name.s);
        recover_json_time(json, "put_aside_at", record->put_aside.time_ms);
        return;
    }
    json_member_bool(json, "commit", record->heuristic.commit);
    json_member(json, "operator", record->heuristic.operator_name.s);
    recover_json_time(json, "decided_at", record->heuristic.time_ms);
}

static void put_fields(struct json *json, const struct txlog_record *record)
{
    switch (record->type) {
    case TXLOG_START:
        put_life(json, record->started.life);
        return;
    case TXLOG_EPOCH:
        json_member_u64(json, "coordinator", record->epoch.coordinator);
        json_member_u64(json, "epoch", record->epoch.known.start);
        put_life(json, record->epoch.known.life);
        json_member_u64(json, "coordinator_lsn", record->epoch.known.lsn.n);
        json_member(json, "coordinator_address", record->epoch.address.s);
        return;
    case TXLOG_PREPARED:
        put_prepared(json, &record->prepared);
        return;
    case TXLOG_COMMITTED:
        json_member_bool(json, "one_phase", record->committed.one_phase);
        json_member_u64(json, "coordinator_lsn", record->committed.known.n);
        if (record->committed.one_phase)
            recover_json_redo(json, "writes", record->committed.redo);
        else
            put_mode(json, record->committed.members_decide);
        return;
    case TXLOG_FORGET:
        put_forget(json, &record->forget);
        return;
    case TXLOG_HEURISTIC:
    case TXLOG_PUT_ASIDE:
    case TXLOG_LOSS:
    case TXLOG_READMIT:
        put_decision(json, record);
        return;
    case TXLOG_HEURISTIC_END:
        json_member_bool(json, "damage", record->heuristic_end.damage);
        return;
    case TXLOG_ALARM:
        put_bytes(json, "text", record->alarm.text);
        return;
    case TXLOG_COMMIT:
        put_commit(json, &record->commit);
        return;
    case TXLOG_END:
        put_end(json, &record->end);
        return;
    case TXLOG_OUTCOME:
        json_member(json, "outcome", tx_outcome_name(record->outcome.outcome));
        if (record->outcome.reason != TX_REASON_NONE)
            json_member(json, "reason", tx_reason_name(record->outcome.reason));
        json_key(json, "at");
        put_peer(json, &record->outcome.peer);
        return;
    case TXLOG_PEER:
        json_key(json, "peer");
        put_peer(json, &record->peer);
        return;
    case TXLOG_SNAPSHOT_BEGIN:
        put_snapshot_begin(json, &record->snapshot_begin);
        return;
    case TXLOG_SNAPSHOT_END:
        json_member_u64(json, "begin", record->snapshot_end.begin.n);
        return;
    case TXLOG_CUT:
        put_cut(json, &record->cut);
        return;
    case TXLOG_ABORTED:
    case TXLOG_NONE:
    case TXLOG_TYPES_N:
        return;
    }
}

void recover_json_record(struct json *json, const struct txlog_record *record)
{
    struct tx_id id = txlog_record_tx(record);
    json_object_begin(json);
    json_member_u64(json, "lsn", record->lsn.n);
    recover_json_time(json, "time", record->time_ms);
    json_member_u64(json, "start", record->start);
    json_member(json, "type", txlog_type_name(record->type));
    if (tx_id_valid(id))
        recover_json_id(json, "tx", id);
    put_fields(json, record);
    json_object_end(json);
}
