#include "txlog/recovery.h"

#include "common/assert.h"

#include <inttypes.h>

/* What one pass over the log is looking for. */
struct replay {
    enum tx_error (*visit)(void *arg, const struct txlog_record *record, struct tx_why *why);
    void *arg;
    struct recovery_summary *summary;
    struct tx_lsn first;    /* of the log */
    struct tx_lsn begun;    /* the SNAPSHOT_BEGIN that has no end yet; 0: none */
    struct tx_lsn snapshot; /* that of the newest complete snapshot; 0: there is none */
    struct tx_arena arena;
    struct tx_why *why;
};

/* Decodes a record; what is wrong with one is told with its LSN. */
static enum tx_error decode(struct replay *replay, struct tx_lsn lsn, struct tx_bytes stored,
                            struct txlog_record *record)
{
    struct tx_why what = {""};
    enum tx_error error;

    tx_arena_reset(&replay->arena);
    error = txlog_record_decode(stored, &replay->arena, record, &what);
    if (error != TX_OK)
        return tx_why(replay->why, error, "record %" PRIu64 " cannot be read: %s", lsn.n,
                      what.text);
    TX_ASSERT(record->lsn.n == lsn.n);
    return TX_OK;
}

/* A snapshot is one only from its own beginning on: an end that named another place would silently
 * leave out what it does not restate. Compaction may have removed the beginning of an older one. */
static enum tx_error snapshot_ends(struct replay *replay, const struct txlog_record *record)
{
    struct tx_lsn begin = record->snapshot_end.begin;
    bool removed = replay->begun.n == 0 && begin.n > 0 && begin.n < replay->first.n;

    if ((begin.n == 0 || begin.n != replay->begun.n) && !removed)
        return tx_why(replay->why, TX_ECORRUPT,
                      "record %" PRIu64 " (SNAPSHOT_END) names record %" PRIu64
                      " as its beginning, where none is; restore this node from a backup",
                      record->lsn.n, begin.n);
    replay->begun.n = 0;
    replay->snapshot = begin;
    return TX_OK;
}

/* First pass: where does the newest complete snapshot begin? */
static enum tx_error scan(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct replay *replay = arg;
    struct txlog_record record;
    enum tx_error error = decode(replay, lsn, stored, &record);

    if (error != TX_OK)
        return error;
    if (record.type == TXLOG_SNAPSHOT_BEGIN)
        replay->begun = lsn;
    if (record.type == TXLOG_START)
        replay->begun.n = 0; /* a crash has cut it */
    return record.type == TXLOG_SNAPSHOT_END ? snapshot_ends(replay, &record) : TX_OK;
}

static enum tx_error feed(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct replay *replay = arg;
    struct txlog_record record;
    enum tx_error error = decode(replay, lsn, stored, &record);

    if (error == TX_OK)
        error = replay->visit(replay->arg, &record, replay->why);
    if (error == TX_OK)
        replay->summary->records++;
    return error;
}

static enum tx_error choose_beginning(struct replay *replay)
{
    struct tx_lsn first = replay->first;

    replay->summary->first = first;
    if (replay->snapshot.n != 0) {
        if (replay->snapshot.n < first.n)
            return tx_why(replay->why, TX_ECORRUPT,
                          "the newest snapshot begins at LSN %llu, but the log begins at LSN %llu: "
                          "live state has been removed; restore this node from a backup",
                          (unsigned long long)replay->snapshot.n, (unsigned long long)first.n);
        replay->summary->first = replay->snapshot;
    } else if (first.n > 1) {
        return tx_why(
            replay->why, TX_ECORRUPT,
            "the log begins at LSN %llu and holds no complete snapshot: its beginning was "
            "removed; restore this node from a backup",
            (unsigned long long)first.n);
    }
    return TX_OK;
}

enum tx_error recovery_replay(struct txlog *log,
                              enum tx_error (*visit)(void *arg, const struct txlog_record *record,
                                                     struct tx_why *why),
                              void *arg, struct recovery_summary *summary, struct tx_why *why)
{
    struct replay replay = {
        .visit = visit, .arg = arg, .summary = summary, .first = txlog_first(log), .why = why};
    enum tx_error error = TX_OK;

    *summary = (struct recovery_summary){.last = txlog_last(log)};
    if (summary->last.n == 0)
        return TX_OK;
    if (replay.first.n == 0)
        return tx_why(why, TX_ECORRUPT,
                      "record %" PRIu64 " was the last, and none is left: all state has been "
                      "removed; restore this node from a backup",
                      summary->last.n);
    error = txlog_each(log, replay.first, summary->last, scan, &replay, why);
    if (error != TX_OK)
        goto out;
    error = choose_beginning(&replay);
    if (error != TX_OK)
        goto out;
    error = txlog_each(log, summary->first, summary->last, feed, &replay, why);
out:
    tx_arena_deinit(&replay.arena);
    return error;
}

static enum tx_error find_last_start(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct tx_why *why = arg;
    struct txlog_front front = {.type = TXLOG_NONE};
    enum tx_error error = txlog_record_front(stored, &front, why);

    if (error != TX_OK || front.start < UINT64_MAX)
        return error;
    return tx_why(why, TX_ECORRUPT,
                  "record %" PRIu64 " says that it is of start %" PRIu64
                  ", after which there is none; restore this node from a backup",
                  lsn.n, front.start);
}

enum tx_error recovery_next_start(struct txlog *log, uint64_t *start, struct tx_why *why)
{
    uint64_t last = txlog_last_start(log);
    enum tx_error error;

    if (last < UINT64_MAX) {
        *start = last + 1;
        return TX_OK;
    }
    error = txlog_each(log, txlog_first(log), txlog_last(log), find_last_start, why, why);
    TX_ASSERT(error != TX_OK); /* it is the highest start of any record */
    return error;
}
