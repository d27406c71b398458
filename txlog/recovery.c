#include "txlog/recovery.h"

#include "common/assert.h"

/* What one pass over the log is looking for. */
struct replay {
    enum tx_error (*visit)(void *arg, const struct txlog_record *record, struct tx_why *why);
    void *arg;
    struct recovery_summary *summary;
    struct tx_lsn
        snapshot; /* SNAPSHOT_BEGIN of the newest complete snapshot; 0 when there is none */
    struct tx_arena arena;
    struct tx_why *why;
};

/* First pass: where does the newest complete snapshot begin? */
static enum tx_error scan(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct replay *replay = arg;
    struct txlog_record record;
    enum tx_error error;

    tx_arena_reset(&replay->arena);
    error = txlog_record_decode(stored, &replay->arena, &record, replay->why);
    if (error != TX_OK)
        return error;
    TX_ASSERT(record.lsn.n == lsn.n);
    if (record.type == TXLOG_SNAPSHOT_END)
        replay->snapshot = record.snapshot_end.begin;
    return TX_OK;
}

static enum tx_error feed(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct replay *replay = arg;
    struct txlog_record record;
    enum tx_error error;

    tx_arena_reset(&replay->arena);
    error = txlog_record_decode(stored, &replay->arena, &record, replay->why);
    if (error != TX_OK)
        return error;
    TX_ASSERT(record.lsn.n == lsn.n);
    error = replay->visit(replay->arg, &record, replay->why);
    if (error == TX_OK)
        replay->summary->records++;
    return error;
}

static enum tx_error choose_beginning(struct txlog *log, struct replay *replay)
{
    struct tx_lsn first = txlog_first(log);

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
    struct replay replay = {.visit = visit, .arg = arg, .summary = summary, .why = why};
    enum tx_error error = TX_OK;

    *summary = (struct recovery_summary){.last = txlog_last(log)};
    if (summary->last.n == 0)
        return TX_OK;
    error = txlog_each(log, txlog_first(log), summary->last, scan, &replay, why);
    if (error != TX_OK)
        goto out;
    error = choose_beginning(log, &replay);
    if (error != TX_OK)
        goto out;
    error = txlog_each(log, summary->first, summary->last, feed, &replay, why);
out:
    tx_arena_deinit(&replay.arena);
    return error;
}
