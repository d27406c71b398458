/* Records that nobody wrote, about transactions that the log knows, or nearly. */
#include "rot_change.h"

#include "common/assert.h"

#include <string.h>

#define STORY_MAX 7u
#define NEW_AT    UINT64_C(1000000) /* beyond what anybody has begun */

/* What stories of one log have in common. */
struct teller {
    struct rot_log *rot;
    struct sim_random *random;
    enum tx_role role;
    bool keeps_to_one; /* of the transactions */
    uint64_t start;    /* of the record before */
    uint64_t lsn;
    struct tx_id id;
    struct txlog_record prepared, commit; /* of somebody, to be like; type NONE: there is none */
};

static bool look_at(struct teller *teller, size_t i)
{
    struct txlog_record record;
    struct tx_id id;

    if (!rot_log_read(teller->rot, i, &record))
        return false;
    if (record.type == TXLOG_PREPARED)
        teller->prepared = record;
    if (record.type == TXLOG_COMMIT)
        teller->commit = record;
    id = txlog_record_tx(&record);
    if (!tx_id_valid(id))
        return false;
    teller->id = id;
    return true;
}

static bool lacks_template(const struct teller *teller)
{
    return teller->role == TX_ROLE_PARTICIPANT ? teller->prepared.type == TXLOG_NONE
                                               : teller->commit.type == TXLOG_NONE;
}

/* Some transaction, and records to be like, from a few places of the log. */
static void look_around(struct teller *teller, size_t before)
{
    struct txlog_record last;

    teller->id = (struct tx_id){1, 1, 1};
    for (unsigned tries = 0; tries < 8; tries++) {
        size_t i = (size_t)sim_random_between(teller->random, 0, before - 1);

        if (look_at(teller, i) && sim_random_percent(teller->random, 30))
            break;
    }
    for (size_t i = before; i > 0 && lacks_template(teller); i--) {
        enum txlog_type type = rot_log_type(teller->rot, i - 1);

        if (type == TXLOG_PREPARED || type == TXLOG_COMMIT)
            (void)look_at(teller, i - 1);
    }
    if (rot_log_read(teller->rot, before - 1, &last))
        teller->start = last.start;
}

/* Most often that of the record before, or one of a few that were nobody's so far. */
static struct tx_id some_id(struct teller *teller)
{
    struct tx_id id = teller->id;
    uint64_t draw = sim_random_between(teller->random, teller->keeps_to_one ? 9 : 0, 19);

    if (draw == 0)
        id.seq = rot_twisted(teller->random, id.seq);
    if (draw == 1)
        id.epoch = rot_twisted(teller->random, id.epoch);
    if (draw >= 2 && draw < 8)
        id.seq = NEW_AT + draw / 3;
    if (draw >= 2 && draw < 10 && teller->role == TX_ROLE_COORDINATOR)
        id.epoch = teller->start;
    if (tx_id_valid(id))
        teller->id = id;
    return teller->id;
}

/* ---- one record of each type ---- */

static bool tell_prepared(struct teller *teller, struct txlog_record *out)
{
    if (teller->prepared.type == TXLOG_NONE)
        return false;
    *out = teller->prepared;
    out->prepared.id = some_id(teller);
    if (sim_random_percent(teller->random, 30))
        rot_twist(teller->rot, teller->random, out);
    return true;
}

static bool tell_commit(struct teller *teller, struct txlog_record *out)
{
    if (teller->commit.type == TXLOG_NONE)
        return false;
    *out = teller->commit;
    out->commit.id = some_id(teller);
    if (sim_random_percent(teller->random, 30))
        rot_twist(teller->rot, teller->random, out);
    if (sim_random_percent(teller->random, 50))
        out->commit.key = tx_bytes_str("a key");
    return true;
}

static bool tell_outcome(struct teller *teller, struct txlog_record *out)
{
    bool known = teller->commit.type != TXLOG_NONE && teller->commit.commit.members_n > 0;

    out->outcome = (struct txlog_outcome){.id = some_id(teller), .outcome = TX_OUTCOME_COMMITTED};
    if (sim_random_percent(teller->random, 10))
        out->outcome.outcome = TX_OUTCOME_ABORTED;
    if (known) {
        out->outcome.peer.name = teller->commit.commit.members[0].name;
        out->outcome.peer.known = (struct tx_position){1, 1, {1}};
    }
    return true;
}

static void tell_snapshot_begin(struct teller *teller, struct txlog_record *out)
{
    struct tx_position *start = tx_arena_alloc(&teller->rot->arena, 1, sizeof *start);

    TX_ASSERT(start != NULL);
    *start = (struct tx_position){teller->start, teller->start, {1}};
    out->snapshot_begin = (struct txlog_snapshot_begin){.starts = start, .starts_n = 1};
}

static void tell_forget(struct teller *teller, struct txlog_record *out)
{
    struct tx_id id = some_id(teller);

    out->forget = (struct txlog_forget){
        .coordinator = id.coordinator, .epoch = id.epoch, .below = id.seq + 1};
    if (sim_random_percent(teller->random, 20))
        out->forget.below = UINT64_MAX;
}

static void tell_epoch(struct teller *teller, struct txlog_record *out)
{
    uint64_t epoch = rot_twisted(teller->random, teller->id.epoch);

    out->epoch = (struct txlog_epoch){.coordinator = teller->id.coordinator,
                                      .known = {.start = epoch, .life = epoch},
                                      .address = {"sim://c1"}};
    out->epoch.coordinator += sim_random_percent(teller->random, 30);
}

static bool tell_payload(struct teller *teller, struct txlog_record *out)
{
    switch (out->type) {
    case TXLOG_PREPARED:
        return tell_prepared(teller, out);
    case TXLOG_COMMIT:
        return tell_commit(teller, out);
    case TXLOG_OUTCOME:
        return tell_outcome(teller, out);
    case TXLOG_SNAPSHOT_BEGIN:
        tell_snapshot_begin(teller, out);
        return true;
    case TXLOG_FORGET:
        tell_forget(teller, out);
        return true;
    case TXLOG_EPOCH:
        tell_epoch(teller, out);
        return true;
    case TXLOG_START:
        teller->start += sim_random_percent(teller->random, 80);
        out->started.life = sim_random_next(teller->random);
        return true;
    case TXLOG_COMMITTED:
        out->committed.id = some_id(teller);
        return true;
    case TXLOG_ABORTED:
        out->id.id = some_id(teller);
        return true;
    case TXLOG_HEURISTIC:
        out->heuristic.id = some_id(teller);
        out->heuristic.commit = sim_random_percent(teller->random, 50);
        return true;
    case TXLOG_PUT_ASIDE:
        out->put_aside.id = some_id(teller);
        return true;
    case TXLOG_HEURISTIC_END:
        out->heuristic_end.id = some_id(teller);
        out->heuristic_end.damage = sim_random_percent(teller->random, 50);
        return true;
    case TXLOG_END:
        out->end.id = some_id(teller);
        return true;
    case TXLOG_SNAPSHOT_END:
        out->snapshot_end.begin.n = teller->lsn - sim_random_between(teller->random, 0, 3);
        return out->snapshot_end.begin.n > 0;
    case TXLOG_ALARM:
        out->alarm.text = tx_bytes_str("nobody's alarm");
        return true;
    case TXLOG_CUT:
        out->cut = (struct tx_cut){.number = sim_random_between(teller->random, 1, 20),
                                   .lsn = {teller->lsn}};
        return true;
    case TXLOG_PEER:
        memcpy(out->peer.name.s, sim_random_percent(teller->random, 50) ? "p1" : "q7", 3);
        out->peer.known = (struct tx_position){1, 1, {1}};
        return true;
    case TXLOG_LOSS:
        out->loss = (struct tx_loss){.lsn = {teller->lsn - 1}, .start = teller->start};
        return true;
    case TXLOG_READMIT:
        memcpy(out->readmit.peer.name.s, "p1", 3);
        out->readmit.peer.known = (struct tx_position){3, 1, {1}};
        out->readmit.known = (struct tx_position){1, 1, {9}};
        out->readmit.loss = (struct tx_loss){.lsn = {1}, .start = 2};
        return true;
    case TXLOG_NONE:
    case TXLOG_TYPES_N:
        break;
    }
    return false;
}

/* ---- stories ---- */

static const enum txlog_type of_coordinator[] = {
    TXLOG_COMMIT,         TXLOG_COMMIT,       TXLOG_END,   TXLOG_END,  TXLOG_OUTCOME, TXLOG_FORGET,
    TXLOG_SNAPSHOT_BEGIN, TXLOG_SNAPSHOT_END, TXLOG_START, TXLOG_PEER, TXLOG_EPOCH,   TXLOG_ALARM,
};
static const enum txlog_type of_participant[] = {
    TXLOG_PREPARED, TXLOG_PREPARED,       TXLOG_COMMITTED,    TXLOG_ABORTED, TXLOG_HEURISTIC,
    TXLOG_FORGET,   TXLOG_HEURISTIC_END,  TXLOG_HEURISTIC,    TXLOG_START,   TXLOG_HEURISTIC_END,
    TXLOG_EPOCH,    TXLOG_SNAPSHOT_BEGIN, TXLOG_SNAPSHOT_END, TXLOG_ALARM,
};
#define N(array) (sizeof(array) / sizeof(array)[0])

static enum txlog_type some_type(enum tx_role role, struct sim_random *random)
{
    bool coordinator = role == TX_ROLE_COORDINATOR;

    if (sim_random_percent(random, 3)) /* of the wrong log */
        coordinator = !coordinator;
    if (coordinator)
        return of_coordinator[sim_random_between(random, 0, N(of_coordinator) - 1)];
    return of_participant[sim_random_between(random, 0, N(of_participant) - 1)];
}

static void insert(struct rot_log *rot, size_t i, const struct txlog_record *record)
{
    rot_log_insert(rot, i, tx_bytes(NULL, 0));
    rot_log_write(rot, i, record);
}

/* One record in front of record i, if it can be told. */
static bool tell(struct teller *teller, size_t i, enum txlog_type type)
{
    struct txlog_record record = {.type = type};

    teller->lsn = teller->rot->before + 1 + i;
    if (!tell_payload(teller, &record))
        return false;
    record.lsn.n = teller->lsn;
    record.start = teller->start;
    insert(teller->rot, i, &record);
    return true;
}

void rot_story(struct rot_log *rot, size_t i, enum tx_role role, struct sim_random *random)
{
    struct teller teller = {.rot = rot, .random = random, .role = role};
    uint64_t n = sim_random_between(random, 1, STORY_MAX);

    TX_ASSERT(i > 0 && i <= rot->n);
    look_around(&teller, i);
    while (n-- > 0)
        i += tell(&teller, i, some_type(role, random));
}

/* What may come after its first record, or may not. */
static enum txlog_type what_follows(enum tx_role role, struct sim_random *random)
{
    static const enum txlog_type after_prepared[] = {
        TXLOG_HEURISTIC, TXLOG_HEURISTIC,      TXLOG_HEURISTIC_END, TXLOG_HEURISTIC_END,
        TXLOG_PREPARED,  TXLOG_SNAPSHOT_BEGIN, TXLOG_COMMITTED,     TXLOG_ABORTED};
    static const enum txlog_type after_commit[] = {
        TXLOG_END,    TXLOG_END,     TXLOG_OUTCOME, TXLOG_OUTCOME,
        TXLOG_COMMIT, TXLOG_OUTCOME, TXLOG_PEER,    TXLOG_SNAPSHOT_BEGIN};
    uint64_t which = sim_random_between(random, 0, 7);

    return role == TX_ROLE_PARTICIPANT ? after_prepared[which] : after_commit[which];
}

void rot_doubt(struct rot_log *rot, enum tx_role role, struct sim_random *random)
{
    struct teller teller = {.rot = rot, .random = random, .role = role};
    bool participant = role == TX_ROLE_PARTICIPANT;
    size_t i = rot->n;
    uint64_t n = sim_random_between(random, 0, 4);

    look_around(&teller, i);
    teller.keeps_to_one = sim_random_percent(random, 80);
    teller.id.seq = NEW_AT;
    if (!participant)
        teller.id.epoch = teller.start;
    i += tell(&teller, i, participant ? TXLOG_PREPARED : TXLOG_COMMIT);
    if (sim_random_percent(random, 40))
        return;
    while (n-- > 0)
        i += tell(&teller, i, what_follows(role, random));
}
