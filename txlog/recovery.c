#include "txlog/recovery.h"

#include "common/assert.h"

#include <inttypes.h>

/* Decodes a record; what is wrong with one is told with its LSN. */
static enum tx_error decode(struct recovery *recovery, const struct txlog_front *front,
                            struct tx_bytes stored, struct txlog_record *record, struct tx_why *why)
{
    struct tx_why what;
    enum tx_error error;

    what.text[0] = '\0';
    tx_arena_reset(&recovery->arena);
    error = txlog_record_decode_rest(front, stored, &recovery->arena, record, &what);
    if (error != TX_OK)
        return tx_why(why, error, "record %" PRIu64 " cannot be read: %s", front->lsn.n, what.text);
    return TX_OK;
}

/* A snapshot is one only from its own beginning on: an end that named another place would silently
 * leave out what it does not restate. Compaction may have removed the beginning of an older one. */
static enum tx_error snapshot_ends(struct recovery *recovery, const struct txlog_record *record,
                                   struct tx_why *why)
{
    struct tx_lsn begin = record->snapshot_end.begin;
    bool removed = recovery->begun.n == 0 && begin.n > 0 && begin.n < recovery->first.n;

    if ((begin.n == 0 || begin.n != recovery->begun.n) && !removed)
        return tx_why(why, TX_ECORRUPT,
                      "record %" PRIu64 " (SNAPSHOT_END) names record %" PRIu64
                      " as its beginning, where none is; restore this node from a backup",
                      record->lsn.n, begin.n);
    recovery->begun.n = 0;
    recovery->snapshot = begin;
    return TX_OK;
}

/* Where does the newest complete snapshot begin? */
static enum tx_error look_for_snapshot(struct recovery *recovery, const struct txlog_record *record,
                                       struct tx_why *why)
{
    if (record->type == TXLOG_SNAPSHOT_BEGIN)
        recovery->begun = record->lsn;
    if (record->type == TXLOG_START)
        recovery->begun.n = 0; /* a crash has cut it */
    return record->type == TXLOG_SNAPSHOT_END ? snapshot_ends(recovery, record, why) : TX_OK;
}

static enum tx_error replay(struct recovery *recovery, const struct txlog_record *record,
                            struct tx_why *why)
{
    enum tx_error error = recovery->visitor.record(recovery->visitor.arg, record, why);

    if (error == TX_OK)
        recovery->records++;
    return error;
}

static void begin_anew(struct recovery *recovery)
{
    recovery->records = 0;
    recovery->refused = TX_OK;
    if (recovery->visitor.begin != NULL)
        recovery->visitor.begin(recovery->visitor.arg);
}

void recovery_begin(struct recovery *recovery, const struct recovery_visitor *visitor,
                    struct tx_lsn first, struct tx_lsn snapshot)
{
    *recovery = (struct recovery){.visitor = *visitor, .first = first};
    if (first.n > 0 && snapshot.n >= first.n)
        recovery->from = snapshot;
    else if (first.n == 1)
        recovery->from = first;
    begin_anew(recovery);
}

/* Trouble waits for the end: a record that is not there, or was changed, says more than one that
 * contradicts it; and what an older part of the log holds against itself is nobody's concern once a
 * snapshot follows. */
void recovery_watch(struct recovery *recovery, const struct txlog_front *front,
                    struct tx_bytes stored)
{
    struct txlog_record record;

    if (recovery->unreadable != TX_OK)
        return;
    recovery->unreadable = decode(recovery, front, stored, &record, &recovery->unreadable_why);
    if (recovery->unreadable != TX_OK)
        return;
    bool fed = recovery->from.n != 0 && front->lsn.n >= recovery->from.n;
    recovery->unreadable = look_for_snapshot(recovery, &record, &recovery->unreadable_why);
    if (recovery->unreadable == TX_OK && fed && recovery->refused == TX_OK)
        recovery->refused = replay(recovery, &record, &recovery->refused_why);
}

static enum tx_error choose_beginning(const struct recovery *recovery, struct tx_lsn *beginning,
                                      struct tx_why *why)
{
    struct tx_lsn first = recovery->first;

    *beginning = first;
    if (recovery->snapshot.n != 0) {
        if (recovery->snapshot.n < first.n)
            return tx_why(why, TX_ECORRUPT,
                          "the newest snapshot begins at LSN %" PRIu64
                          ", but the log begins at LSN %" PRIu64
                          ": live state has been removed; restore this node from a backup",
                          recovery->snapshot.n, first.n);
        *beginning = recovery->snapshot;
    } else if (first.n > 1) {
        return tx_why(why, TX_ECORRUPT,
                      "the log begins at LSN %" PRIu64
                      " and holds no complete snapshot: its beginning was removed; restore this "
                      "node from a backup",
                      first.n);
    }
    return TX_OK;
}

/* One record of a walk of its own. */
struct walk {
    struct recovery *recovery;
    struct tx_why *why;
};

static enum tx_error read_front(const struct walk *walk, struct tx_lsn lsn, struct tx_bytes stored,
                                struct txlog_front *front)
{
    struct tx_why what;
    enum tx_error error = txlog_record_front(stored, front, &what);

    if (error != TX_OK)
        return tx_why(walk->why, error, "record %" PRIu64 " cannot be read: %s", lsn.n, what.text);
    TX_ASSERT(front->lsn.n == lsn.n);
    return TX_OK;
}

static enum tx_error watch(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    const struct walk *walk = arg;
    struct txlog_front front = {.type = TXLOG_NONE};
    enum tx_error error = read_front(walk, lsn, stored, &front);

    if (error != TX_OK)
        return error;
    recovery_watch(walk->recovery, &front, stored);
    return walk->recovery->unreadable; /* its words come at the end */
}

static enum tx_error feed(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    const struct walk *walk = arg;
    struct txlog_front front = {.type = TXLOG_NONE};
    struct txlog_record record;
    enum tx_error error = read_front(walk, lsn, stored, &front);

    if (error == TX_OK)
        error = decode(walk->recovery, &front, stored, &record, walk->why);
    return error == TX_OK ? replay(walk->recovery, &record, walk->why) : error;
}

static enum tx_error replay_anew(struct recovery *recovery, struct txlog *log,
                                 struct recovery_summary *summary, struct tx_why *why)
{
    struct walk walk = {recovery, why};

    begin_anew(recovery);
    return txlog_each(log, summary->first, summary->last, feed, &walk, why);
}

static enum tx_error end(struct recovery *recovery, struct txlog *log, bool again,
                         struct recovery_summary *summary, struct tx_why *why)
{
    *summary = (struct recovery_summary){.last = txlog_last(log)};
    if (recovery->unreadable != TX_OK)
        return tx_why(why, recovery->unreadable, "%s", recovery->unreadable_why.text);
    if (summary->last.n > 0 && txlog_first(log).n == 0)
        return tx_why(why, TX_ECORRUPT,
                      "record %" PRIu64 " was the last, and none is left: all state has been "
                      "removed; restore this node from a backup",
                      summary->last.n);
    if (summary->last.n == 0) {
        if (again)
            begin_anew(recovery);
        return TX_OK;
    }
    enum tx_error error = choose_beginning(recovery, &summary->first, why);
    if (error == TX_OK && (again || recovery->from.n != summary->first.n))
        error = replay_anew(recovery, log, summary, why);
    else if (error == TX_OK && recovery->refused != TX_OK)
        error = tx_why(why, recovery->refused, "%s", recovery->refused_why.text);
    summary->records = recovery->records;
    return error;
}

enum tx_error recovery_end(struct recovery *recovery, struct txlog *log, bool again,
                           struct recovery_summary *summary, struct tx_why *why)
{
    enum tx_error error = end(recovery, log, again, summary, why);

    recovery_drop(recovery);
    return error;
}

void recovery_drop(struct recovery *recovery)
{
    tx_arena_deinit(&recovery->arena);
}

enum tx_error recovery_replay(struct txlog *log,
                              enum tx_error (*visit)(void *arg, const struct txlog_record *record,
                                                     struct tx_why *why),
                              void *arg, struct recovery_summary *summary, struct tx_why *why)
{
    struct recovery_visitor visitor = {.record = visit, .arg = arg};
    struct recovery recovery;
    struct walk walk = {&recovery, why};
    struct tx_lsn first = txlog_first(log);
    enum tx_error error = TX_OK;

    recovery_begin(&recovery, &visitor, first, (struct tx_lsn){0});
    recovery.from.n = 0; /* what has been visited cannot be taken back */
    if (first.n > 0)
        error = txlog_each(log, first, txlog_last(log), watch, &walk, why);
    if (error == TX_OK || recovery.unreadable != TX_OK)
        return recovery_end(&recovery, log, false, summary, why);
    *summary = (struct recovery_summary){.last = txlog_last(log)};
    recovery_drop(&recovery);
    return error;
}

static enum tx_error find_last_start(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct tx_why *why = arg;
    struct txlog_front front = {.type = TXLOG_NONE};
    enum tx_error error = txlog_record_front(stored, &front, why);

    if (error != TX_OK || front.start <= TX_START_LAST)
        return error;
    return tx_why(why, TX_ECORRUPT,
                  "record %" PRIu64 " says that it is of start %" PRIu64
                  ", after which there is none; restore this node from a backup",
                  lsn.n, front.start);
}

enum tx_error recovery_next_start(struct txlog *log, uint64_t life, uint64_t *start,
                                  struct tx_why *why)
{
    uint64_t last = txlog_last_start(log);
    enum tx_error error;

    if (last <= TX_START_LAST) {
        *start = tx_start_after(last, life);
        return TX_OK;
    }
    error = txlog_each(log, txlog_first(log), txlog_last(log), find_last_start, why, why);
    TX_ASSERT(error != TX_OK); /* some record has that start */
    return error;
}
