/* Fields of records, changed with the checksum right: one at a time, in any way that the stored
 * form can hold. */
#include "rot_change.h"

#include "common/assert.h"

#include <string.h>

#define FRONT   TXLOG_FRONT_BYTES
#define MANY    (TX_MEMBERS_MAX + 6)
#define LOCKS_N 300u /* more than the lowest limits allow */

uint64_t rot_twisted(struct sim_random *random, uint64_t value)
{
    switch (sim_random_between(random, 0, 6)) {
    case 0:
        return 0;
    case 1:
        return value + 1;
    case 2:
        return value - 1;
    case 3:
        return UINT64_MAX;
    case 4:
        return sim_random_between(random, 0, 2 * (value & 0xffff) + 1);
    default:
        return value ^ UINT64_C(1) << sim_random_between(random, 0, 63);
    }
}

static struct tx_id twisted_id(struct sim_random *random, struct tx_id id)
{
    uint64_t which = sim_random_between(random, 0, 4);

    if (which == 0)
        id.coordinator = (uint32_t)rot_twisted(random, id.coordinator);
    else if (which == 1)
        id.epoch = rot_twisted(random, id.epoch);
    else if (which == 2)
        return (struct tx_id){0};
    else
        id.seq = rot_twisted(random, id.seq);
    return id;
}

static struct tx_position twisted_position(struct sim_random *random, struct tx_position position)
{
    uint64_t which = sim_random_between(random, 0, 2);

    if (which == 0)
        position.start = rot_twisted(random, position.start);
    else if (which == 1)
        position.life = rot_twisted(random, position.life);
    else
        position.lsn.n = rot_twisted(random, position.lsn.n);
    return position;
}

static void *many(struct rot_log *rot, size_t n, size_t size)
{
    void *array = tx_arena_alloc(&rot->arena, n, size);

    TX_ASSERT(array != NULL);
    return array;
}

/* ---- members ---- */

static const struct tx_member *copies(struct rot_log *rot, const struct tx_member *members,
                                      size_t n, size_t wanted)
{
    struct tx_member *out = many(rot, wanted, sizeof *out);

    for (size_t i = 0; i < wanted && n > 0; i++)
        out[i] = members[i < n ? i : i % n];
    return out;
}

/* None, one less, too many, some of them twice, another name, a text that is no name. */
static const struct tx_member *twisted_members(struct rot_log *rot, struct sim_random *random,
                                               const struct tx_member *members, size_t *n)
{
    uint64_t which = sim_random_between(random, 0, 6);
    size_t wanted = which == 0 ? 0 : which == 1 ? MANY : which == 2 ? *n + 1 : *n;
    const struct tx_member *out;
    struct tx_member *one;

    if (which == 3 && *n > 0)
        wanted--;
    out = copies(rot, members, *n, wanted);
    *n = wanted;
    if (wanted == 0 || which < 4)
        return out;
    one = (struct tx_member *)(void *)&out[sim_random_between(random, 0, wanted - 1)];
    if (which == 4)
        memcpy(one->name.s, sim_random_percent(random, 50) ? "q7" : "\0\0", 3);
    else if (which == 5)
        memcpy(one->name.s, "a b", 4);
    else
        one->incarnation = rot_twisted(random, one->incarnation);
    one->read_only = sim_random_percent(random, 50);
    return out;
}

/* ---- PREPARED ---- */

static const struct txlog_lock *twisted_locks(struct rot_log *rot, struct sim_random *random,
                                              const struct txlog_lock *locks, size_t *n)
{
    static const uint8_t long_key[TX_KEY_MAX + 1] = "long";
    uint64_t which = sim_random_between(random, 0, 6);
    size_t wanted = which == 0 ? LOCKS_N : *n + 1;
    struct txlog_lock *out = many(rot, wanted, sizeof *out);
    struct txlog_lock *last = &out[wanted - 1];
    uint8_t *names = many(rot, wanted, 2);

    if (*n > 0)
        memcpy(out, locks, *n * sizeof *out);
    for (size_t i = *n; i < wanted; i++) {
        names[2 * i] = (uint8_t)('a' + i % 26);
        names[2 * i + 1] = (uint8_t)('a' + i / 26 % 26);
        out[i] = (struct txlog_lock){
            .mode = TX_LOCK_X, .space = tx_bytes_str("bank"), .key = tx_bytes(names + 2 * i, 2)};
    }
    *n = wanted;
    if (which == 1)
        last->mode = (enum tx_lock_mode)sim_random_between(random, 0, TX_LOCK_MODES_N + 1);
    else if (which == 2)
        last->space = tx_bytes(NULL, 0);
    else if (which == 3)
        last->key = tx_bytes(long_key, sizeof long_key);
    else if (which == 4)
        last->space = tx_bytes(long_key, TX_SPACE_MAX + 1);
    else if (which == 5)
        last->key = tx_bytes(NULL, 0);
    return out;
}

static struct tx_bytes twisted_bytes(struct rot_log *rot, struct sim_random *random,
                                     struct tx_bytes bytes)
{
    size_t len = (size_t)sim_random_between(random, 0, bytes.len + 8);
    uint8_t *out = many(rot, len, 1);

    if (bytes.len > 0)
        memcpy(out, bytes.data, len < bytes.len ? len : bytes.len);
    if (len > 0 && sim_random_percent(random, 70))
        out[sim_random_between(random, 0, len < 12 ? len - 1 : 11)] ^=
            (uint8_t)sim_random_between(random, 1, 255);
    return tx_bytes(out, len);
}

/* One write of the store's redo (txlog/redo.h): of an unknown kind, or to a keyspace whose name is
 * empty or too long. */
static struct tx_bytes strange_redo(struct rot_log *rot, struct sim_random *random)
{
    static const uint8_t spaces[] = {0, 1, TX_SPACE_MAX, TX_SPACE_MAX + 1};
    uint8_t kind = (uint8_t)sim_random_between(random, 0, 3);
    size_t space = spaces[sim_random_between(random, 0, 3)];
    size_t len = 4 + 1 + 4 + space + 4 + 1 + (kind == 1 ? 4 : 0);
    uint8_t *out = many(rot, len, 1);

    out[0] = 1;
    out[4] = kind;
    out[5] = (uint8_t)space;
    memset(out + 9, 's', space);
    out[9 + space] = 1;
    out[13 + space] = 'k';
    return tx_bytes(out, len);
}

static void twist_prepared(struct rot_log *rot, struct sim_random *random,
                           struct txlog_prepared *prepared)
{
    uint64_t which = sim_random_between(random, 0, 9);
    size_t had = prepared->members_n;

    if (which == 0)
        prepared->id = twisted_id(random, prepared->id);
    else if (which == 1)
        prepared->age.counter = rot_twisted(random, prepared->age.counter);
    else if (which == 2)
        prepared->redo = twisted_bytes(rot, random, prepared->redo);
    else if (which == 3)
        prepared->redo = strange_redo(rot, random);
    else if (which < 7)
        prepared->locks = twisted_locks(rot, random, prepared->locks, &prepared->locks_n);
    else
        prepared->members = twisted_members(rot, random, prepared->members, &prepared->members_n);
    if (prepared->members_n > had) {
        struct tx_position *known = many(rot, prepared->members_n, sizeof *known);

        if (had > 0)
            memcpy(known, prepared->known, had * sizeof *known);
        prepared->known = known;
    }
}

/* ---- the others ---- */

static void twist_forget(struct rot_log *rot, struct sim_random *random,
                         struct txlog_forget *forget)
{
    uint64_t which = sim_random_between(random, 0, 4);
    uint64_t *open;

    if (which == 0)
        forget->coordinator = (uint32_t)rot_twisted(random, forget->coordinator);
    else if (which == 1)
        forget->epoch = rot_twisted(random, forget->epoch);
    else if (which == 2)
        forget->below = rot_twisted(random, forget->below);
    if (which < 3)
        return;
    forget->open_n = (size_t)sim_random_between(random, 1, 4);
    open = many(rot, forget->open_n, sizeof *open);
    for (size_t i = 0; i < forget->open_n; i++)
        open[i] = which == 3 ? i + 1 : rot_twisted(random, forget->below);
    forget->open = open;
}

static void twist_starts(struct rot_log *rot, struct sim_random *random,
                         struct txlog_snapshot_begin *begin)
{
    uint64_t which = sim_random_between(random, 0, 5);
    size_t wanted = which == 0 ? 0 : which == 1 ? TX_LINEAGE_MAX + 1 : begin->starts_n;
    struct tx_position *starts = many(rot, wanted, sizeof *starts);

    for (size_t i = 0; i < wanted; i++)
        starts[i] = i < begin->starts_n ? begin->starts[i]
                                        : (struct tx_position){.start = i + 1, .lsn = {.n = i + 1}};
    if (which > 3) {
        begin->age_counter = rot_twisted(random, begin->age_counter);
        begin->presume_from = rot_twisted(random, begin->presume_from);
    } else if (which > 1 && wanted > 0) {
        size_t i = (size_t)sim_random_between(random, 0, wanted - 1);

        starts[i] = twisted_position(random, starts[i]);
    }
    begin->starts = starts;
    begin->starts_n = wanted;
}

static void twist_commit(struct rot_log *rot, struct sim_random *random,
                         struct txlog_commit *commit)
{
    uint64_t which = sim_random_between(random, 0, 4);

    if (which == 0)
        commit->id = twisted_id(random, commit->id);
    else if (which == 1)
        commit->age.counter = rot_twisted(random, commit->age.counter);
    else if (which == 2)
        commit->key = twisted_bytes(rot, random, commit->key);
    else
        commit->members = twisted_members(rot, random, commit->members, &commit->members_n);
}

static void twist_end(struct rot_log *rot, struct sim_random *random, struct txlog_end *end)
{
    struct txlog_peer *peers;

    if (end->peers_n == 0 || sim_random_percent(random, 50)) {
        end->id = twisted_id(random, end->id);
        return;
    }
    peers = many(rot, end->peers_n, sizeof *peers);
    memcpy(peers, end->peers, end->peers_n * sizeof *peers);
    peers[0].known = twisted_position(random, peers[0].known);
    if (sim_random_percent(random, 50))
        peers[0].name.s[0] = '\0';
    end->peers = peers;
}

static void twist_outcome(struct sim_random *random, struct txlog_outcome *outcome)
{
    uint64_t which = sim_random_between(random, 0, 4);

    if (which == 0)
        outcome->id = twisted_id(random, outcome->id);
    else if (which == 1)
        outcome->outcome = (enum tx_outcome)sim_random_between(random, 0, TX_OUTCOMES_N + 1);
    else if (which == 2)
        outcome->reason = (enum tx_reason)sim_random_between(random, 0, TX_REASONS_N + 1);
    else if (which == 3)
        outcome->peer.known = twisted_position(random, outcome->peer.known);
    else
        outcome->peer.name.s[0] = '\0';
}

static void twist_epoch(struct sim_random *random, struct txlog_epoch *epoch)
{
    if (sim_random_percent(random, 40))
        epoch->coordinator = (uint32_t)rot_twisted(random, epoch->coordinator);
    else
        epoch->known = twisted_position(random, epoch->known);
}

void rot_twist(struct rot_log *rot, struct sim_random *random, struct txlog_record *record)
{
    switch (record->type) {
    case TXLOG_START:
        record->started.life = rot_twisted(random, record->started.life);
        return;
    case TXLOG_EPOCH:
        twist_epoch(random, &record->epoch);
        return;
    case TXLOG_PREPARED:
        twist_prepared(rot, random, &record->prepared);
        return;
    case TXLOG_COMMITTED:
        record->committed.id = twisted_id(random, record->committed.id);
        return;
    case TXLOG_ABORTED:
        record->id.id = twisted_id(random, record->id.id);
        return;
    case TXLOG_FORGET:
        twist_forget(rot, random, &record->forget);
        return;
    case TXLOG_HEURISTIC:
        record->heuristic.commit = !record->heuristic.commit;
        return;
    case TXLOG_LOSS:
        record->loss.start = rot_twisted(random, record->loss.start);
        return;
    case TXLOG_READMIT:
        record->readmit.known = twisted_position(random, record->readmit.known);
        return;
    case TXLOG_PUT_ASIDE:
        record->put_aside.id = twisted_id(random, record->put_aside.id);
        return;
    case TXLOG_HEURISTIC_END:
        record->heuristic_end.damage = !record->heuristic_end.damage;
        return;
    case TXLOG_ALARM:
        if (sim_random_percent(random, 40))
            record->alarm.id = (struct tx_id){.seq = sim_random_between(random, 0, 2)};
        else
            record->alarm.id = twisted_id(random, record->alarm.id);
        return;
    case TXLOG_COMMIT:
        twist_commit(rot, random, &record->commit);
        return;
    case TXLOG_END:
        twist_end(rot, random, &record->end);
        return;
    case TXLOG_OUTCOME:
        twist_outcome(random, &record->outcome);
        return;
    case TXLOG_PEER:
        record->peer.known = twisted_position(random, record->peer.known);
        return;
    case TXLOG_SNAPSHOT_BEGIN:
        twist_starts(rot, random, &record->snapshot_begin);
        return;
    case TXLOG_SNAPSHOT_END:
        record->snapshot_end.begin.n = rot_twisted(random, record->snapshot_end.begin.n);
        return;
    case TXLOG_CUT:
        if (sim_random_percent(random, 50))
            record->cut.number = rot_twisted(random, record->cut.number);
        else
            record->cut.lsn.n = rot_twisted(random, record->cut.lsn.n);
        return;
    case TXLOG_NONE:
    case TXLOG_TYPES_N:
        return;
    }
}

/* ---- in the stored form, what no struct can hold ---- */

/* PREPARED: a member without its position. */
static void lose_position(struct rot_log *rot, size_t i, const struct txlog_prepared *prepared)
{
    size_t len = rot->records[i].len, tail = 4 + prepared->redo.len + 4;
    uint8_t *bytes;

    for (size_t j = 0; j < prepared->locks_n; j++)
        tail += 1 + 4 + prepared->locks[j].space.len + 4 + prepared->locks[j].key.len;
    bytes = rot_log_bytes(rot, i, len);
    bytes[len - tail - 24 * prepared->members_n - 4]--;
    memmove(bytes + len - tail - 24, bytes + len - tail, tail);
    rot_log_bytes(rot, i, len - 24);
}

static void twist_stored(struct rot_log *rot, size_t i, const struct txlog_record *record)
{
    size_t len = rot->records[i].len;

    if (record->type == TXLOG_PREPARED && record->prepared.members_n > 0)
        lose_position(rot, i, &record->prepared);
    else if (record->type == TXLOG_COMMITTED)
        rot_log_bytes(rot, i, len)[FRONT + 20] = 2; /* neither one-phase nor not */
    else if (record->type == TXLOG_EPOCH)
        rot_log_bytes(rot, i, len)[len - 1] = 0; /* the end of an address */
    else if (record->type == TXLOG_START)
        memset(rot_log_bytes(rot, i, len) + 8, 0, 8); /* LSN 0 */
    else
        rot_log_bytes(rot, i, len)[record->type % 2 == 0 ? 4 : 6]++; /* version; reserved bits */
    rot_log_seal(rot, i);
}

void rot_field(struct rot_log *rot, size_t i, struct sim_random *random)
{
    struct txlog_record record;
    uint64_t which = sim_random_between(random, 0, 9);

    if (!rot_log_read(rot, i, &record))
        return; /* changed before */
    if (which == 0) {
        twist_stored(rot, i, &record);
        return;
    }
    if (which == 1)
        record.start = rot_twisted(random, record.start);
    else
        rot_twist(rot, random, &record);
    rot_log_write(rot, i, &record);
}
