/* What a log tells of its transactions. */
#include "txlog/recover/recover_story.h"

#include "common/assert.h"
#include "txlog/recover/recover_marks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define uthash_malloc(bytes) tx_xmalloc(bytes)
#define uthash_fatal(text)   tx_memory_failed(__func__) /* its only reason */
#include <uthash.h>

/* A transaction id without padding between its fields. */
struct key {
    uint64_t coordinator, epoch, seq;
};

struct entry {
    struct story_tx tx;
    struct key key;
    UT_hash_handle hh;
    TAILQ_ENTRY(entry) unforgotten;
};

struct story {
    struct txlog_identity owner;
    struct entry *entries;
    size_t counts[STORY_STATES_N];
    TAILQ_HEAD(, entry) unforgotten; /* ended for good, and no mark covers them yet */
    size_t unforgotten_n;
    struct recover_marks marks;
    struct story_coordinator *coordinators;
    size_t coordinators_n;
    struct tx_lsn last, snapshot; /* the SNAPSHOT_BEGIN that is open; 0 when it is not there */
    uint64_t start;
    bool restating, whole;
};

const char *story_state_name(enum story_state state)
{
    static const char *const names[] = {
#define X(name, text) text,
        STORY_STATES(X)
#undef X
    };
    TX_ASSERT((unsigned)state < STORY_STATES_N);
    return names[state];
}

struct story *story_new(const struct txlog_identity *owner, bool inside_snapshot)
{
    struct story *story = tx_xcalloc(1, sizeof(*story));
    story->owner = *owner;
    story->restating = inside_snapshot;
    TAILQ_INIT(&story->unforgotten);
    return story;
}

void story_destroy(struct story **storyp)
{
    struct story *story = *storyp;
    struct entry *entry, *next;
    if (story == NULL)
        return;
    HASH_ITER(hh, story->entries, entry, next)
    {
        /* The table goes with its last entry, and no entry is looked at after that. */
        HASH_DEL(story->entries, entry); /* NOLINT(clang-analyzer-unix.Malloc) */
        free(entry);
    }
    recover_marks_deinit(&story->marks);
    free(story->coordinators);
    free(story);
    *storyp = NULL;
}

/* ---- transactions ---- */

static struct entry *find(const struct story *story, struct tx_id id)
{
    struct key key = {id.coordinator, id.epoch, id.seq};
    struct entry *entry;
    /* The analyzer loses sight of the key, which is hashed byte by byte. */
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
    HASH_FIND(hh, story->entries, &key, sizeof(key), entry);
    return entry;
}

static enum story_state state_of(const struct story *story, struct tx_id id)
{
    const struct entry *entry = find(story, id);
    return entry == NULL ? STORY_NONE : entry->tx.state;
}

/* Moves the transaction that the record speaks of, which is made when it was not known. */
static struct story_tx *move(struct story *story, const struct txlog_record *record,
                             enum story_state to)
{
    struct tx_id id = txlog_record_tx(record);
    struct entry *entry = find(story, id);
    TX_ASSERT(to != STORY_NONE);
    if (entry == NULL) {
        entry = tx_xcalloc(1, sizeof(*entry));
        entry->key = (struct key){id.coordinator, id.epoch, id.seq};
        entry->tx =
            (struct story_tx){.id = id, .since_ms = record->time_ms, .earlier = story->restating};
        HASH_ADD(hh, story->entries, key, sizeof(entry->key), entry);
    } else {
        TX_ASSERT(story->counts[entry->tx.state] > 0);
        story->counts[entry->tx.state]--;
    }
    entry->tx.state = to;
    story->counts[to]++;
    return &entry->tx;
}

/* It has ended here for good: from now on it waits for the mark, unless that is there already. */
static void await_mark(struct story *story, struct tx_id id)
{
    struct entry *entry = find(story, id);
    TX_ASSERT(entry != NULL);
    if (recover_marks_cover(&story->marks, id)) {
        entry->tx.forgotten = story->last;
        return;
    }
    TAILQ_INSERT_TAIL(&story->unforgotten, entry, unforgotten);
    story->unforgotten_n++;
}

static enum tx_error contradiction(const struct txlog_record *record, struct tx_why *why,
                                   const char *what)
{
    struct tx_id id = txlog_record_tx(record);
    char text[TX_ID_TEXT];
    if (!tx_id_valid(id))
        return tx_why(why, TX_ECORRUPT, "LSN %" PRIu64 ": %s %s", record->lsn.n,
                      txlog_type_name(record->type), what);
    return tx_why(why, TX_ECORRUPT, "LSN %" PRIu64 ": %s of %s, %s", record->lsn.n,
                  txlog_type_name(record->type), tx_id_print(id, text), what);
}

static enum tx_error wrong_state(const struct txlog_record *record, enum story_state was,
                                 struct tx_why *why)
{
    static const char *const what[STORY_STATES_N] = {
        [STORY_NONE] = "of which nothing was known",
        [STORY_PREPARED] = "which was prepared",
        [STORY_COMMITTED] = "which was committed",
        [STORY_ABORTED] = "which was aborted",
        [STORY_HEURISTIC] = "which an operator had decided otherwise",
        [STORY_HEURISTIC_ENDED] = "which had ended after an operator's decision",
        [STORY_DECIDED] = "whose commit was decided",
        [STORY_ENDED] = "which had ended",
        [STORY_OUTCOME] = "whose outcome was known",
    };
    return contradiction(record, why, what[was]);
}

/* ---- participant ---- */

static struct story_coordinator *coordinator(const struct story *story, uint32_t id)
{
    for (size_t i = 0; i < story->coordinators_n; i++) {
        if (story->coordinators[i].id == id)
            return &story->coordinators[i];
    }
    return NULL;
}

static enum tx_error on_epoch(struct story *story, const struct txlog_record *record,
                              struct tx_why *why)
{
    const struct txlog_epoch *epoch = &record->epoch;
    struct story_coordinator *known = coordinator(story, epoch->coordinator);
    if (known == NULL) {
        story->coordinators = tx_xrealloc(story->coordinators, (story->coordinators_n + 1) *
                                                                   sizeof(*story->coordinators));
        known = &story->coordinators[story->coordinators_n++];
    } else {
        bool same = epoch->known.start == known->epoch && epoch->known.life == known->life;
        if (epoch->known.start <= known->epoch && !(same && story->restating))
            return contradiction(record, why, "is not above the epoch before it");
    }
    *known = (struct story_coordinator){.id = epoch->coordinator,
                                        .epoch = epoch->known.start,
                                        .life = epoch->known.life,
                                        .address = epoch->address};
    return TX_OK;
}

static enum tx_error check_introduced(const struct story *story, const struct txlog_record *record,
                                      uint32_t id, uint64_t epoch, struct tx_why *why)
{
    const struct story_coordinator *known = coordinator(story, id);
    bool introduced = known != NULL && epoch <= known->epoch;
    if (introduced || !story->whole)
        return TX_OK;
    return contradiction(record, why, "comes before the EPOCH of its coordinator");
}

static enum tx_error on_prepared(struct story *story, const struct txlog_record *record,
                                 struct tx_why *why)
{
    enum story_state was = state_of(story, record->prepared.id);
    bool open = was == STORY_PREPARED || was == STORY_HEURISTIC || was == STORY_HEURISTIC_ENDED;
    if (open && story->restating)
        return TX_OK;
    if (was != STORY_NONE)
        return wrong_state(record, was, why);
    struct story_tx *tx = move(story, record, STORY_PREPARED);
    tx->prepared = record->lsn;
    tx->members_decide = record->prepared.members_decide;
    return TX_OK;
}

/* May a record that follows PREPARED (or another state) come now? */
static bool may_follow(const struct story *story, enum story_state was, enum story_state wanted)
{
    return was == wanted || (was == STORY_NONE && !story->whole);
}

static enum tx_error on_committed(struct story *story, const struct txlog_record *record,
                                  struct story_step *step, struct tx_why *why)
{
    const struct txlog_committed *committed = &record->committed;
    enum story_state was = state_of(story, committed->id);
    bool good;
    if (story->restating)
        good =
            was == STORY_COMMITTED || was == STORY_NONE || (was == STORY_PREPARED && !story->whole);
    else if (committed->one_phase)
        good = was == STORY_NONE;
    else
        good = may_follow(story, was, STORY_PREPARED);
    if (!good)
        return wrong_state(record, was, why);
    if (was == STORY_COMMITTED)
        return TX_OK;
    struct story_tx *tx = move(story, record, STORY_COMMITTED);
    tx->one_phase = committed->one_phase;
    tx->members_decide = committed->members_decide;
    tx->decided = record->lsn;
    if (!story->restating) {
        step->apply = committed->one_phase ? record->lsn : tx->prepared;
        step->apply_lost = step->apply.n == 0;
    }
    await_mark(story, committed->id);
    return TX_OK;
}

static enum tx_error on_aborted(struct story *story, const struct txlog_record *record,
                                struct tx_why *why)
{
    enum story_state was = state_of(story, record->id.id);
    if (story->restating)
        return contradiction(record, why, "which a snapshot never holds");
    if (!may_follow(story, was, STORY_PREPARED))
        return wrong_state(record, was, why);
    move(story, record, STORY_ABORTED)->decided = record->lsn;
    return TX_OK;
}

static enum tx_error on_heuristic(struct story *story, const struct txlog_record *record,
                                  struct story_step *step, struct tx_why *why)
{
    const struct txlog_heuristic *heuristic = &record->heuristic;
    const struct entry *known = find(story, heuristic->id);
    enum story_state was = state_of(story, heuristic->id);
    bool again = story->restating && (was == STORY_HEURISTIC || was == STORY_HEURISTIC_ENDED);
    if (again && known->tx.commit == heuristic->commit)
        return TX_OK;
    if (!may_follow(story, was, STORY_PREPARED))
        return wrong_state(record, was, why);
    struct story_tx *tx = move(story, record, STORY_HEURISTIC);
    tx->decided = record->lsn;
    tx->commit = heuristic->commit;
    tx->operator_name = heuristic->operator_name;
    if (heuristic->commit && !story->restating) {
        step->apply = tx->prepared;
        step->apply_lost = step->apply.n == 0;
    }
    return TX_OK;
}

static enum tx_error on_heuristic_end(struct story *story, const struct txlog_record *record,
                                      struct tx_why *why)
{
    const struct txlog_heuristic_end *end = &record->heuristic_end;
    const struct entry *known = find(story, end->id);
    enum story_state was = state_of(story, end->id);
    bool again = story->restating && was == STORY_HEURISTIC_ENDED;
    if (again && known->tx.damage == end->damage)
        return TX_OK;
    if (!may_follow(story, was, STORY_HEURISTIC))
        return wrong_state(record, was, why);
    struct story_tx *tx = move(story, record, STORY_HEURISTIC_ENDED);
    tx->ended = record->lsn;
    tx->damage = end->damage;
    if (!end->damage || tx->put_aside)
        await_mark(story, end->id);
    return TX_OK;
}

/* An operator has seen to it: it goes with the mark, as one that has ended as he had said. */
static enum tx_error on_put_aside(struct story *story, const struct txlog_record *record,
                                  struct tx_why *why)
{
    struct entry *known = find(story, record->put_aside.id);
    enum story_state was = state_of(story, record->put_aside.id);
    if (was == STORY_NONE && !story->whole)
        return TX_OK;
    if (was != STORY_HEURISTIC && was != STORY_HEURISTIC_ENDED)
        return wrong_state(record, was, why);
    if (known->tx.put_aside)
        return story->restating ? TX_OK : contradiction(record, why, "which was put aside before");
    known->tx.put_aside = true;
    if (was == STORY_HEURISTIC_ENDED && known->tx.damage)
        await_mark(story, record->put_aside.id);
    return TX_OK;
}

static enum tx_error on_forget(struct story *story, const struct txlog_record *record,
                               struct tx_why *why)
{
    const struct txlog_forget *forget = &record->forget;
    if (story->owner.role == TX_ROLE_COORDINATOR)
        return TX_OK; /* about what others remember; nothing of its own ends with it */
    enum tx_error error = check_introduced(story, record, forget->coordinator, forget->epoch, why);
    if (error != TX_OK)
        return error;
    recover_marks_add(&story->marks, forget);
    struct entry *next;
    for (struct entry *entry = TAILQ_FIRST(&story->unforgotten); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, unforgotten);
        if (!recover_marks_cover(&story->marks, entry->tx.id))
            continue;
        entry->tx.forgotten = record->lsn;
        TAILQ_REMOVE(&story->unforgotten, entry, unforgotten);
        TX_ASSERT(story->unforgotten_n > 0);
        story->unforgotten_n--;
    }
    return TX_OK;
}

/* ---- coordinator ---- */

static enum tx_error on_commit(struct story *story, const struct txlog_record *record,
                               struct tx_why *why)
{
    enum story_state was = state_of(story, record->commit.id);
    if (story->restating && (was == STORY_DECIDED || was == STORY_ENDED))
        return TX_OK;
    if (was != STORY_NONE)
        return wrong_state(record, was, why);
    move(story, record, STORY_DECIDED)->decided = record->lsn;
    return TX_OK;
}

static enum tx_error on_end(struct story *story, const struct txlog_record *record,
                            struct tx_why *why)
{
    enum story_state was = state_of(story, record->end.id);
    if (story->restating && was == STORY_ENDED)
        return TX_OK;
    if (!may_follow(story, was, STORY_DECIDED))
        return wrong_state(record, was, why);
    move(story, record, STORY_ENDED)->ended = record->lsn;
    return TX_OK;
}

static enum tx_error on_outcome(struct story *story, const struct txlog_record *record,
                                struct tx_why *why)
{
    enum story_state was = state_of(story, record->outcome.id);
    if (record->outcome.outcome != TX_OUTCOME_COMMITTED)
        return contradiction(record, why, "which is no commit: nothing else is ever recorded");
    if (story->restating && was == STORY_OUTCOME)
        return TX_OK;
    if (was != STORY_NONE)
        return wrong_state(record, was, why);
    struct story_tx *tx = move(story, record, STORY_OUTCOME);
    tx->decided = record->lsn;
    tx->one_phase = true;
    return TX_OK;
}

/* ---- both ---- */

static enum tx_error on_start(struct story *story, const struct txlog_record *record,
                              struct tx_why *why)
{
    if (record->start <= story->start)
        return contradiction(record, why, "is not above the start before it");
    story->restating = false; /* a stop has cut that snapshot short */
    story->snapshot.n = 0;
    return TX_OK;
}

static enum tx_error on_snapshot_end(struct story *story, const struct txlog_record *record,
                                     struct tx_why *why)
{
    struct tx_lsn begin = record->snapshot_end.begin;
    bool matches = story->restating && begin.n == story->snapshot.n;
    bool cut = story->snapshot.n == 0 && !story->whole; /* its beginning is not there */
    if (!matches && !cut)
        return contradiction(record, why, "does not end the snapshot that has begun");
    story->restating = false;
    story->snapshot.n = 0;
    story->whole = story->whole || matches;
    return TX_OK;
}

/* Could this coordinator have decided that now? */
static enum tx_error check_own(const struct story *story, const struct txlog_record *record,
                               struct tx_why *why)
{
    struct tx_id id = txlog_record_tx(record);
    if (id.coordinator != story->owner.coordinator)
        return contradiction(record, why, "which is of another coordinator");
    if (id.epoch > record->start)
        return contradiction(record, why, "whose epoch had not begun");
    if (record->type != TXLOG_END && !story->restating && id.epoch != record->start)
        return contradiction(record, why, "whose epoch was over");
    return TX_OK;
}

static bool belongs(enum tx_role role, enum txlog_type type)
{
    switch (type) {
    case TXLOG_START:
    case TXLOG_ALARM:
    case TXLOG_SNAPSHOT_BEGIN:
    case TXLOG_SNAPSHOT_END:
    case TXLOG_EPOCH:
    case TXLOG_FORGET:
    case TXLOG_CUT:
        return true;
    case TXLOG_PREPARED:
    case TXLOG_COMMITTED:
    case TXLOG_ABORTED:
    case TXLOG_HEURISTIC:
    case TXLOG_HEURISTIC_END:
    case TXLOG_PUT_ASIDE:
    case TXLOG_LOSS:
        return role == TX_ROLE_PARTICIPANT;
    case TXLOG_COMMIT:
    case TXLOG_END:
    case TXLOG_OUTCOME:
    case TXLOG_PEER:
    case TXLOG_READMIT:
        return role == TX_ROLE_COORDINATOR;
    case TXLOG_NONE:
    case TXLOG_TYPES_N:
        break;
    }
    return false;
}

/* What every record must fulfil, whatever its type. */
static enum tx_error check(const struct story *story, const struct txlog_record *record,
                           struct tx_why *why)
{
    struct tx_id id = txlog_record_tx(record);
    if (!belongs(story->owner.role, record->type))
        return contradiction(record, why, "does not belong into the log of this role");
    if (record->start < story->start)
        return contradiction(record, why, "is of a start that was over");
    bool begins = record->type == TXLOG_START || record->type == TXLOG_LOSS;
    if (record->start > story->start && !begins && story->whole)
        return contradiction(record, why, "is of a start that has no START");
    if (!tx_id_valid(id) || record->type == TXLOG_ALARM)
        return TX_OK;
    if (story->owner.role == TX_ROLE_COORDINATOR)
        return check_own(story, record, why);
    return check_introduced(story, record, id.coordinator, id.epoch, why);
}

static enum tx_error take(struct story *story, const struct txlog_record *record,
                          struct story_step *step, struct tx_why *why)
{
    switch (record->type) {
    case TXLOG_START:
        return on_start(story, record, why);
    case TXLOG_EPOCH:
        return on_epoch(story, record, why);
    case TXLOG_PREPARED:
        return on_prepared(story, record, why);
    case TXLOG_COMMITTED:
        return on_committed(story, record, step, why);
    case TXLOG_ABORTED:
        return on_aborted(story, record, why);
    case TXLOG_FORGET:
        return on_forget(story, record, why);
    case TXLOG_HEURISTIC:
        return on_heuristic(story, record, step, why);
    case TXLOG_HEURISTIC_END:
        return on_heuristic_end(story, record, why);
    case TXLOG_PUT_ASIDE:
        return on_put_aside(story, record, why);
    case TXLOG_COMMIT:
        return on_commit(story, record, why);
    case TXLOG_END:
        return on_end(story, record, why);
    case TXLOG_OUTCOME:
        return on_outcome(story, record, why);
    case TXLOG_SNAPSHOT_BEGIN:
        story->restating = true;
        story->snapshot = record->lsn;
        return TX_OK;
    case TXLOG_SNAPSHOT_END:
        return on_snapshot_end(story, record, why);
    case TXLOG_ALARM:
    case TXLOG_PEER:
    case TXLOG_CUT:
    case TXLOG_LOSS:
    case TXLOG_READMIT:
    case TXLOG_NONE:
    case TXLOG_TYPES_N:
        break;
    }
    return TX_OK;
}

enum tx_error story_add(struct story *story, const struct txlog_record *record,
                        struct story_step *step, struct tx_why *why)
{
    *step = (struct story_step){0};
    if (record->lsn.n == 1)
        story->whole = true;
    else if (record->lsn.n != story->last.n + 1)
        story->whole = false;
    story->last = record->lsn;
    enum tx_error error = check(story, record, why);
    if (error == TX_OK) {
        step->restated = story->restating;
        error = take(story, record, step, why);
    }
    if (record->start > story->start)
        story->start = record->start;
    return error;
}

/* ---- what is known now ---- */

const struct story_tx *story_find(const struct story *story, struct tx_id id)
{
    const struct entry *entry = find(story, id);
    return entry == NULL ? NULL : &entry->tx;
}

void story_each(const struct story *story, void (*visit)(void *arg, const struct story_tx *tx),
                void *arg)
{
    for (const struct entry *entry = story->entries; entry != NULL; entry = entry->hh.next)
        visit(arg, &entry->tx);
}

size_t story_count(const struct story *story, enum story_state state)
{
    TX_ASSERT((unsigned)state < STORY_STATES_N);
    return story->counts[state];
}

size_t story_unforgotten(const struct story *story)
{
    return story->unforgotten_n;
}

const struct story_coordinator *story_coordinator(const struct story *story, uint32_t id)
{
    return coordinator(story, id);
}

bool story_marked(const struct story *story, struct tx_id id)
{
    return recover_marks_cover(&story->marks, id);
}

bool story_whole(const struct story *story)
{
    return story->whole;
}

const struct txlog_identity *story_owner(const struct story *story)
{
    return &story->owner;
}
