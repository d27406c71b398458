/* Log records: the way back from the stored form. What is read here may come from a damaged disk,
 * so everything is checked and nothing asserted. */
#include "txlog/record.h"

#include "common/assert.h"

/* `bad` names the first thing that cannot be; `no_memory` is kept apart from damage. */
struct decoder {
    struct tx_reader r;
    struct tx_arena *arena;
    const char *bad;
    bool no_memory;
};

static void reject(struct decoder *d, const char *what)
{
    if (d->bad == NULL)
        d->bad = what;
}

static bool get_bool(struct decoder *d)
{
    uint8_t value = tx_read_u8(&d->r);
    if (value > 1)
        reject(d, "a truth value that is neither 0 nor 1");
    return value == 1;
}

/* An enum that is stored as one byte and must be below `n`; 0 when it is not. */
static uint8_t get_enum(struct decoder *d, unsigned n, const char *what)
{
    uint8_t value = tx_read_u8(&d->r);
    if (value < n)
        return value;
    reject(d, what);
    return 0;
}

/* Memory for a counted array. The count is believed only as far as the bytes that are left could
 * hold so many elements of at least `stored_min` bytes each. */
static void *get_array(struct decoder *d, size_t stored_min, size_t bytes, size_t *count)
{
    *count = tx_read_u32(&d->r);
    if (*count > tx_reader_left(&d->r) / stored_min) {
        reject(d, "a count beyond the record's end");
        *count = 0;
    }
    if (*count == 0)
        return NULL;
    void *array = tx_arena_alloc(d->arena, *count, bytes);
    if (array == NULL) {
        d->no_memory = true;
        *count = 0;
    }
    return array;
}

static struct tx_id get_id(struct decoder *d)
{
    struct tx_id id;
    id.coordinator = tx_read_u32(&d->r);
    id.epoch = tx_read_u64(&d->r);
    id.seq = tx_read_u64(&d->r);
    if (!tx_id_valid(id))
        reject(d, "an impossible transaction id");
    return id;
}

/* As get_id(), but all zero is allowed: "no transaction". */
static struct tx_id get_optional_id(struct decoder *d)
{
    struct decoder ahead = *d;
    struct tx_id none = {0};
    none.coordinator = tx_read_u32(&ahead.r);
    none.epoch = tx_read_u64(&ahead.r);
    none.seq = tx_read_u64(&ahead.r);
    if (none.coordinator != 0 || none.epoch != 0 || none.seq != 0)
        return get_id(d);
    d->r = ahead.r;
    return none;
}

static struct tx_age get_age(struct decoder *d)
{
    struct tx_age age;
    age.counter = tx_read_u64(&d->r);
    age.coordinator = tx_read_u32(&d->r);
    return age;
}

/* An empty name stands for "nobody" (the peer of an aborted outcome). */
static struct tx_name get_name(struct decoder *d)
{
    struct tx_name name = {{0}};
    struct tx_bytes text = tx_read_blob(&d->r);
    if (text.len > 0 && tx_name_set(&name, text) != TX_OK)
        reject(d, "a text that is no node name");
    return name;
}

static struct tx_address get_address(struct decoder *d)
{
    struct tx_address address = {{0}};
    if (tx_address_set(&address, tx_read_blob(&d->r)) != TX_OK)
        reject(d, "a text that is no address");
    return address;
}

static const struct tx_member *get_members(struct decoder *d, size_t *count)
{
    struct tx_member *members = get_array(d, 4 + 4 + 8 + 1, sizeof(*members), count);
    for (size_t i = 0; i < *count; i++) {
        members[i].name = get_name(d);
        members[i].address = get_address(d);
        members[i].incarnation = tx_read_u64(&d->r);
        members[i].read_only = get_bool(d);
    }
    return members;
}

static struct tx_position get_position(struct decoder *d)
{
    struct tx_position position;
    position.start = tx_read_u64(&d->r);
    position.life = tx_read_u64(&d->r);
    position.lsn.n = tx_read_u64(&d->r);
    return position;
}

static const struct tx_position *get_positions(struct decoder *d, size_t *count)
{
    struct tx_position *positions = get_array(d, 8 + 8 + 8, sizeof(*positions), count);
    for (size_t i = 0; i < *count; i++)
        positions[i] = get_position(d);
    return positions;
}

static void get_snapshot_begin(struct decoder *d, struct txlog_snapshot_begin *r)
{
    r->age_counter = tx_read_u64(&d->r);
    r->presume_from = tx_read_u64(&d->r);
    r->starts = get_positions(d, &r->starts_n);
}

static struct txlog_peer get_peer(struct decoder *d)
{
    struct txlog_peer peer = {.name = get_name(d)};
    peer.known = get_position(d);
    return peer;
}

static void get_epoch(struct decoder *d, struct txlog_epoch *r)
{
    r->coordinator = tx_read_u32(&d->r);
    r->known = get_position(d);
    r->address = get_address(d);
}

static void get_prepared(struct decoder *d, struct txlog_prepared *r)
{
    r->id = get_id(d);
    r->age = get_age(d);
    r->coordinator = get_address(d);
    r->members = get_members(d, &r->members_n);
    size_t known_n;
    r->known = get_positions(d, &known_n);
    if (known_n != r->members_n)
        reject(d, "not a position for each member");
    r->redo = tx_read_blob(&d->r);
    struct txlog_lock *locks = get_array(d, 1 + 1 + 4 + 4 + 4, sizeof(*locks), &r->locks_n);
    for (size_t i = 0; i < r->locks_n; i++) {
        locks[i].mode = get_enum(d, TX_LOCK_MODES_N, "an unknown lock mode");
        locks[i].range = get_bool(d);
        locks[i].space = tx_read_blob(&d->r);
        locks[i].key = tx_read_blob(&d->r);
        locks[i].to = tx_read_blob(&d->r);
    }
    r->locks = locks;
    r->members_decide = get_bool(d);
}

static void get_forget(struct decoder *d, struct txlog_forget *r)
{
    r->coordinator = tx_read_u32(&d->r);
    r->epoch = tx_read_u64(&d->r);
    r->below = tx_read_u64(&d->r);
    uint64_t *open = get_array(d, 8, sizeof(*open), &r->open_n);
    for (size_t i = 0; i < r->open_n; i++)
        open[i] = tx_read_u64(&d->r);
    r->open = open;
}

static void get_heuristic(struct decoder *d, struct txlog_heuristic *r)
{
    r->id = get_id(d);
    r->commit = get_bool(d);
    r->operator_name = get_name(d);
    r->time_ms = tx_read_u64(&d->r);
}

static void get_commit(struct decoder *d, struct txlog_commit *r)
{
    r->id = get_id(d);
    r->age = get_age(d);
    r->key = tx_read_blob(&d->r);
    r->members = get_members(d, &r->members_n);
}

static void get_end(struct decoder *d, struct txlog_end *r)
{
    r->id = get_id(d);
    struct txlog_peer *peers = get_array(d, 4 + 8 + 8 + 8, sizeof(*peers), &r->peers_n);
    for (size_t i = 0; i < r->peers_n; i++)
        peers[i] = get_peer(d);
    r->peers = peers;
}

static void get_outcome(struct decoder *d, struct txlog_outcome *r)
{
    r->id = get_id(d);
    r->outcome = get_enum(d, TX_OUTCOMES_N, "an unknown outcome");
    r->reason = get_enum(d, TX_REASONS_N, "an unknown reason");
    r->peer = get_peer(d);
}

static void get_cut(struct decoder *d, struct txlog_record *record)
{
    record->cut.number = tx_read_u64(&d->r);
    record->cut.lsn.n = tx_read_u64(&d->r);
    record->cut.time_ms = tx_read_u64(&d->r);
    if (record->cut.number == 0 || record->cut.number > TX_CUT_LAST)
        reject(d, "a number that no cut has");
    if (record->cut.lsn.n == 0 || record->cut.lsn.n > record->lsn.n)
        reject(d, "a position behind itself");
}

static void get_loss(struct decoder *d, struct tx_loss *loss)
{
    loss->lsn.n = tx_read_u64(&d->r);
    loss->start = tx_read_u64(&d->r);
    if (loss->start == 0)
        reject(d, "a loss of no start");
}

/* A loss of the log at hand, or that a participant was let in with its own. */
static void get_declared(struct decoder *d, struct txlog_record *record)
{
    if (record->type == TXLOG_READMIT) {
        record->readmit.peer = get_peer(d);
        record->readmit.known = get_position(d);
        get_loss(d, &record->readmit.loss);
        return;
    }
    get_loss(d, &record->loss);
    if (record->loss.lsn.n >= record->lsn.n)
        reject(d, "a position behind itself");
}

static void get_payload(struct decoder *d, struct txlog_record *record)
{
    switch (record->type) {
    case TXLOG_START:
        record->started.life = tx_read_u64(&d->r);
        break;
    case TXLOG_EPOCH:
        get_epoch(d, &record->epoch);
        break;
    case TXLOG_PREPARED:
        get_prepared(d, &record->prepared);
        break;
    case TXLOG_COMMITTED:
        record->committed.id = get_id(d);
        record->committed.one_phase = get_bool(d);
        record->committed.known.n = tx_read_u64(&d->r);
        record->committed.redo = tx_read_blob(&d->r);
        record->committed.members_decide = get_bool(d);
        break;
    case TXLOG_ABORTED:
        record->id.id = get_id(d);
        break;
    case TXLOG_FORGET:
        get_forget(d, &record->forget);
        break;
    case TXLOG_HEURISTIC:
        get_heuristic(d, &record->heuristic);
        break;
    case TXLOG_HEURISTIC_END:
        record->heuristic_end.id = get_id(d);
        record->heuristic_end.damage = get_bool(d);
        break;
    case TXLOG_ALARM:
        record->alarm.id = get_optional_id(d);
        record->alarm.text = tx_read_blob(&d->r);
        break;
    case TXLOG_COMMIT:
        get_commit(d, &record->commit);
        break;
    case TXLOG_END:
        get_end(d, &record->end);
        break;
    case TXLOG_OUTCOME:
        get_outcome(d, &record->outcome);
        break;
    case TXLOG_PEER:
        record->peer = get_peer(d);
        break;
    case TXLOG_SNAPSHOT_BEGIN:
        get_snapshot_begin(d, &record->snapshot_begin);
        break;
    case TXLOG_SNAPSHOT_END:
        record->snapshot_end.begin.n = tx_read_u64(&d->r);
        break;
    case TXLOG_CUT:
        get_cut(d, record);
        break;
    case TXLOG_PUT_ASIDE:
        record->put_aside.id = get_id(d);
        record->put_aside.operator_name = get_name(d);
        record->put_aside.time_ms = tx_read_u64(&d->r);
        break;
    case TXLOG_LOSS:
    case TXLOG_READMIT:
        get_declared(d, record);
        break;
    case TXLOG_NONE: /* txlog_record_front() lets no other type pass */
    case TXLOG_TYPES_N:
        TX_ASSERT(record->type > TXLOG_NONE && record->type < TXLOG_TYPES_N);
    }
}

enum tx_error txlog_record_front(struct tx_bytes in, struct txlog_front *front, struct tx_why *why)
{
    if (in.len < TXLOG_FRONT_BYTES)
        return tx_why(why, TX_ECORRUPT, "a record of %zu bytes is too short to be one", in.len);
    struct tx_reader r = tx_reader(in);
    uint32_t crc = tx_read_u32(&r);
    if (crc != tx_crc32c(0, tx_bytes(in.data + 4, in.len - 4)))
        return tx_why(why, TX_ECORRUPT, "the checksum does not match");
    uint8_t version = tx_read_u8(&r);
    uint8_t type = tx_read_u8(&r);
    uint16_t zero = tx_read_u16(&r);
    if (version != TXLOG_RECORD_VERSION)
        return tx_why(why, TX_EVERSION, "record version %u; this program knows %u", version,
                      TXLOG_RECORD_VERSION);
    if (type == TXLOG_NONE || type >= TXLOG_TYPES_N)
        return tx_why(why, TX_EVERSION, "record type %u is unknown to this program", type);
    if (zero != 0)
        return tx_why(why, TX_ECORRUPT, "reserved bits are set");
    front->type = type;
    front->lsn.n = tx_read_u64(&r);
    front->start = tx_read_u64(&r);
    front->time_ms = tx_read_u64(&r);
    if (front->lsn.n == 0)
        return tx_why(why, TX_ECORRUPT, "it claims LSN 0, where no record can be");
    return TX_OK;
}

enum tx_error txlog_record_decode_rest(const struct txlog_front *front, struct tx_bytes in,
                                       struct tx_arena *arena, struct txlog_record *record,
                                       struct tx_why *why)
{
    TX_ASSERT(in.len >= TXLOG_FRONT_BYTES && front->type < TXLOG_TYPES_N);
    *record = (struct txlog_record){.type = front->type,
                                    .lsn = front->lsn,
                                    .start = front->start,
                                    .time_ms = front->time_ms,
                                    .stored_bytes = in.len};
    struct decoder d = {.arena = arena};
    d.r = tx_reader(tx_bytes(in.data + TXLOG_FRONT_BYTES, in.len - TXLOG_FRONT_BYTES));
    get_payload(&d, record);
    if (d.no_memory)
        return tx_why(why, TX_ENOMEM, "no memory for a %s record", txlog_type_name(front->type));
    if (!tx_reader_done(&d.r))
        reject(&d, "a payload of the wrong length");
    if (d.bad != NULL)
        return tx_why(why, TX_ECORRUPT, "a %s record holds %s", txlog_type_name(front->type),
                      d.bad);
    return TX_OK;
}

enum tx_error txlog_record_decode(struct tx_bytes in, struct tx_arena *arena,
                                  struct txlog_record *record, struct tx_why *why)
{
    struct txlog_front front = {.type = TXLOG_START};
    enum tx_error error = txlog_record_front(in, &front, why);
    return error == TX_OK ? txlog_record_decode_rest(&front, in, arena, record, why) : error;
}
