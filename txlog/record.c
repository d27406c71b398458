/* Log records: their names and their way into the stored form. */
#include "txlog/record.h"

#include "common/assert.h"

const char *txlog_type_name(enum txlog_type type)
{
    static const char *const names[TXLOG_TYPES_N] = {[TXLOG_NONE] = "NONE",
#define X(name, text) [name] = (text),
                                                     TXLOG_TYPES(X)
#undef X
    };
    return (unsigned)type < TXLOG_TYPES_N ? names[type] : "UNKNOWN";
}

struct tx_id txlog_record_tx(const struct txlog_record *record)
{
    switch (record->type) {
    case TXLOG_PREPARED:
        return record->prepared.id;
    case TXLOG_COMMITTED:
        return record->committed.id;
    case TXLOG_ABORTED:
        return record->id.id;
    case TXLOG_HEURISTIC:
        return record->heuristic.id;
    case TXLOG_HEURISTIC_END:
        return record->heuristic_end.id;
    case TXLOG_PUT_ASIDE:
        return record->put_aside.id;
    case TXLOG_ALARM:
        return record->alarm.id;
    case TXLOG_COMMIT:
        return record->commit.id;
    case TXLOG_END:
        return record->end.id;
    case TXLOG_OUTCOME:
        return record->outcome.id;
    case TXLOG_NONE:
    case TXLOG_START:
    case TXLOG_EPOCH:
    case TXLOG_FORGET:
    case TXLOG_PEER:
    case TXLOG_SNAPSHOT_BEGIN:
    case TXLOG_SNAPSHOT_END:
    case TXLOG_CUT:
    case TXLOG_LOSS:
    case TXLOG_READMIT:
    case TXLOG_TYPES_N:
        break;
    }
    return (struct tx_id){0};
}

static void put_bool(struct tx_buf *out, bool value)
{
    tx_buf_u8(out, value ? 1 : 0);
}

static void put_count(struct tx_buf *out, size_t count)
{
    TX_ASSERT(count <= UINT32_MAX);
    tx_buf_u32(out, (uint32_t)count);
}

static void put_id(struct tx_buf *out, struct tx_id id)
{
    tx_buf_u32(out, id.coordinator);
    tx_buf_u64(out, id.epoch);
    tx_buf_u64(out, id.seq);
}

static void put_age(struct tx_buf *out, struct tx_age age)
{
    tx_buf_u64(out, age.counter);
    tx_buf_u32(out, age.coordinator);
}

static void put_members(struct tx_buf *out, const struct tx_member *members, size_t n)
{
    put_count(out, n);
    for (size_t i = 0; i < n; i++) {
        tx_buf_blob(out, tx_bytes_str(members[i].name.s));
        tx_buf_blob(out, tx_bytes_str(members[i].address.s));
        tx_buf_u64(out, members[i].incarnation);
        put_bool(out, members[i].read_only);
    }
}

static void put_position(struct tx_buf *out, struct tx_position position)
{
    tx_buf_u64(out, position.start);
    tx_buf_u64(out, position.life);
    tx_buf_u64(out, position.lsn.n);
}

static void put_positions(struct tx_buf *out, const struct tx_position *positions, size_t n)
{
    put_count(out, n);
    for (size_t i = 0; i < n; i++)
        put_position(out, positions[i]);
}

static void put_snapshot_begin(struct tx_buf *out, const struct txlog_snapshot_begin *r)
{
    tx_buf_u64(out, r->age_counter);
    tx_buf_u64(out, r->presume_from);
    put_positions(out, r->starts, r->starts_n);
}

static void put_peer(struct tx_buf *out, const struct txlog_peer *peer)
{
    tx_buf_blob(out, tx_bytes_str(peer->name.s));
    put_position(out, peer->known);
}

static void put_epoch(struct tx_buf *out, const struct txlog_epoch *r)
{
    tx_buf_u32(out, r->coordinator);
    put_position(out, r->known);
    tx_buf_blob(out, tx_bytes_str(r->address.s));
}

static void put_prepared(struct tx_buf *out, const struct txlog_prepared *r)
{
    put_id(out, r->id);
    put_age(out, r->age);
    tx_buf_blob(out, tx_bytes_str(r->coordinator.s));
    put_members(out, r->members, r->members_n);
    put_positions(out, r->known, r->members_n);
    tx_buf_blob(out, r->redo);
    put_count(out, r->locks_n);
    for (size_t i = 0; i < r->locks_n; i++) {
        tx_buf_u8(out, (uint8_t)r->locks[i].mode);
        put_bool(out, r->locks[i].range);
        tx_buf_blob(out, r->locks[i].space);
        tx_buf_blob(out, r->locks[i].key);
        tx_buf_blob(out, r->locks[i].to);
    }
    put_bool(out, r->members_decide);
}

static void put_forget(struct tx_buf *out, const struct txlog_forget *r)
{
    tx_buf_u32(out, r->coordinator);
    tx_buf_u64(out, r->epoch);
    tx_buf_u64(out, r->below);
    put_count(out, r->open_n);
    for (size_t i = 0; i < r->open_n; i++)
        tx_buf_u64(out, r->open[i]);
}

static void put_heuristic(struct tx_buf *out, const struct txlog_heuristic *r)
{
    put_id(out, r->id);
    put_bool(out, r->commit);
    tx_buf_blob(out, tx_bytes_str(r->operator_name.s));
    tx_buf_u64(out, r->time_ms);
}

static void put_put_aside(struct tx_buf *out, const struct txlog_put_aside *r)
{
    put_id(out, r->id);
    tx_buf_blob(out, tx_bytes_str(r->operator_name.s));
    tx_buf_u64(out, r->time_ms);
}

static void put_commit(struct tx_buf *out, const struct txlog_commit *r)
{
    put_id(out, r->id);
    put_age(out, r->age);
    tx_buf_blob(out, r->key);
    put_members(out, r->members, r->members_n);
}

static void put_end(struct tx_buf *out, const struct txlog_end *r)
{
    put_id(out, r->id);
    put_count(out, r->peers_n);
    for (size_t i = 0; i < r->peers_n; i++)
        put_peer(out, &r->peers[i]);
}

static void put_outcome(struct tx_buf *out, const struct txlog_outcome *r)
{
    put_id(out, r->id);
    tx_buf_u8(out, (uint8_t)r->outcome);
    tx_buf_u8(out, (uint8_t)r->reason);
    put_peer(out, &r->peer);
}

static void put_loss(struct tx_buf *out, const struct tx_loss *r)
{
    tx_buf_u64(out, r->lsn.n);
    tx_buf_u64(out, r->start);
}

/* A loss, and that its participant was let in with it. */
static void put_declared(struct tx_buf *out, const struct txlog_record *record)
{
    if (record->type == TXLOG_READMIT) {
        put_peer(out, &record->readmit.peer);
        put_position(out, record->readmit.known);
    }
    put_loss(out, record->type == TXLOG_READMIT ? &record->readmit.loss : &record->loss);
}

static void put_payload(struct tx_buf *out, const struct txlog_record *record)
{
    switch (record->type) {
    case TXLOG_START:
        tx_buf_u64(out, record->started.life);
        break;
    case TXLOG_EPOCH:
        put_epoch(out, &record->epoch);
        break;
    case TXLOG_PREPARED:
        put_prepared(out, &record->prepared);
        break;
    case TXLOG_COMMITTED:
        put_id(out, record->committed.id);
        put_bool(out, record->committed.one_phase);
        tx_buf_u64(out, record->committed.known.n);
        tx_buf_blob(out, record->committed.redo);
        put_bool(out, record->committed.members_decide);
        break;
    case TXLOG_ABORTED:
        put_id(out, record->id.id);
        break;
    case TXLOG_FORGET:
        put_forget(out, &record->forget);
        break;
    case TXLOG_HEURISTIC:
        put_heuristic(out, &record->heuristic);
        break;
    case TXLOG_HEURISTIC_END:
        put_id(out, record->heuristic_end.id);
        put_bool(out, record->heuristic_end.damage);
        break;
    case TXLOG_ALARM:
        put_id(out, record->alarm.id);
        tx_buf_blob(out, record->alarm.text);
        break;
    case TXLOG_COMMIT:
        put_commit(out, &record->commit);
        break;
    case TXLOG_END:
        put_end(out, &record->end);
        break;
    case TXLOG_OUTCOME:
        put_outcome(out, &record->outcome);
        break;
    case TXLOG_PEER:
        put_peer(out, &record->peer);
        break;
    case TXLOG_SNAPSHOT_BEGIN:
        put_snapshot_begin(out, &record->snapshot_begin);
        break;
    case TXLOG_SNAPSHOT_END:
        tx_buf_u64(out, record->snapshot_end.begin.n);
        break;
    case TXLOG_CUT:
        tx_buf_u64(out, record->cut.number);
        tx_buf_u64(out, record->cut.lsn.n);
        tx_buf_u64(out, record->cut.time_ms);
        break;
    case TXLOG_PUT_ASIDE:
        put_put_aside(out, &record->put_aside);
        break;
    case TXLOG_LOSS:
    case TXLOG_READMIT:
        put_declared(out, record);
        break;
    case TXLOG_NONE:
    case TXLOG_TYPES_N:
        TX_ASSERT(record->type > TXLOG_NONE && record->type < TXLOG_TYPES_N);
    }
}

enum tx_error txlog_record_encode(const struct txlog_record *record, struct tx_buf *out)
{
    TX_ASSERT(record->lsn.n > 0);
    size_t at = out->len;
    tx_buf_u32(out, 0); /* the checksum's place */
    tx_buf_u8(out, TXLOG_RECORD_VERSION);
    tx_buf_u8(out, (uint8_t)record->type);
    tx_buf_u16(out, 0);
    tx_buf_u64(out, record->lsn.n);
    tx_buf_u64(out, record->start);
    tx_buf_u64(out, record->time_ms);
    TX_ASSERT(out->failed || out->len == at + TXLOG_FRONT_BYTES);
    put_payload(out, record);
    if (out->failed)
        return TX_ENOMEM;
    uint32_t crc = tx_crc32c(0, tx_bytes(out->data + at + 4, out->len - at - 4));
    for (size_t i = 0; i < 4; i++)
        out->data[at + i] = (uint8_t)(crc >> (8 * i));
    return TX_OK;
}
