/* txrecover rejoin --alone: one restored participant goes back into a cluster that has gone on,
 * with its loss declared (docs/protocol.md, "A loss that is declared"). */
#include "txlog/recover/txrecover.h"

#include "common/clock.h"
#include "txlog/read_guard.h"
#include "txlog/recover/recover_source.h"
#include "txlog/rocksdb_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct rejoining {
    const struct txrecover_options *options;
    struct txlog *log;
    struct txlog_identity identity;
    struct log_restored from;
    struct tx_loss loss;
    struct tx_why why;
};

static enum tx_error open_log(struct rejoining *r, enum rocksdb_log_mode mode)
{
    struct rocksdb_log_options options = {.directory = r->options->directory,
                                          .mode = mode,
                                          .identity = r->identity,
                                          .accepts_restored = true};
    if (mode == ROCKSDB_LOG_READ_ONLY)
        return rocksdb_log_begin(&options, &r->log, &r->why);
    return rocksdb_log_open(&options, &r->log, &r->why);
}

/* Only what comes out of a backup: in any other directory somebody may have gone on since, and the
 * loss would not lie at its end. */
static enum tx_error check(struct rejoining *r)
{
    enum tx_error error = open_log(r, ROCKSDB_LOG_READ_ONLY);
    if (error != TX_OK)
        return error;
    r->identity = rocksdb_log_identity(r->log);
    if (r->identity.role != TX_ROLE_PARTICIPANT)
        error = tx_why(&r->why, TX_EINVAL,
                       "%s: is a coordinator's. One that lacks decisions would presume them "
                       "aborted, so it cannot go back into a cluster that has gone on: start one "
                       "with an id never used before, or restore the whole cluster",
                       r->options->directory);
    else if (rocksdb_log_restored(r->log) == NULL)
        error = tx_why(&r->why, TX_EINVAL,
                       "%s: was not restored from a backup, or has joined already. Only where a "
                       "backup ends is it known what is lost: restore one, then declare the loss",
                       r->options->directory);
    txlog_close(&r->log);
    return error;
}

/* Is the last record a LOSS already? Then an earlier call did not come to its end. */
static enum tx_error declared(struct rejoining *r, bool *is)
{
    struct tx_buf stored = {0};
    struct tx_arena arena = {0};
    struct txlog_record record;
    enum tx_error error = txlog_get(r->log, txlog_last(r->log), &stored, &r->why);
    if (error == TX_OK)
        error = txlog_record_decode(tx_buf_view(&stored), &arena, &record, &r->why);
    *is = error == TX_OK && record.type == TXLOG_LOSS;
    if (*is)
        r->loss = record.loss;
    tx_buf_deinit(&stored);
    tx_arena_deinit(&arena);
    return error;
}

/* The end of the loss lies above every start that the lost part can have had. */
static enum tx_error measure(struct rejoining *r)
{
    uint64_t last = txlog_last_start(r->log);
    r->loss.lsn = txlog_last(r->log);
    r->loss.start = r->options->incarnation;
    if (last > TX_START_LAST - TX_LOSS_STARTS || r->loss.start > TX_START_LAST)
        return tx_why(&r->why, TX_ELIMIT,
                      "%s: no start could follow such a loss any more; give the participant a new "
                      "name and an empty directory",
                      r->options->directory);
    if (r->loss.start < last + TX_LOSS_STARTS)
        r->loss.start = last + TX_LOSS_STARTS;
    return TX_OK;
}

static enum tx_error append(struct rejoining *r)
{
    struct txlog_record record = {.type = TXLOG_LOSS,
                                  .lsn = {r->loss.lsn.n + 1},
                                  .start = r->loss.start,
                                  .time_ms = clock_wall_ms(),
                                  .loss = r->loss};
    struct tx_buf stored = {0};
    enum tx_error error = txlog_record_encode(&record, &stored);
    struct txlog_append one = {.lsn = record.lsn, .record = tx_buf_view(&stored)};
    if (error == TX_OK)
        error = txlog_append(r->log, &one, 1, true, &r->why);
    tx_buf_deinit(&stored);
    return error;
}

static enum tx_error declare(struct rejoining *r)
{
    bool is = false;
    enum tx_error error = open_log(r, ROCKSDB_LOG_OPEN);
    if (error == TX_OK && txlog_last(r->log).n == 0)
        error = tx_why(&r->why, TX_ECORRUPT, "%s: its log is empty", r->options->directory);
    if (error == TX_OK)
        error = declared(r, &is);
    if (error == TX_OK && !is) {
        error = measure(r);
        if (error == TX_OK)
            error = append(r);
    }
    if (error == TX_OK) {
        r->from = *rocksdb_log_restored(r->log);
        error = rocksdb_log_join_alone(r->log, &r->why);
    }
    if (r->log != NULL)
        txlog_close(&r->log);
    return error;
}

int txrecover_rejoin_alone(const struct txrecover_options *options)
{
    struct rejoining r = {.options = options};
    read_guard_begin(options->directory, READ_GUARD_TEXT);
    enum tx_error error = check(&r);
    if (error == TX_OK)
        error = declare(&r);
    read_guard_end();
    if (error != TX_OK)
        return recover_complain(error == TX_EINVAL ? EX_USAGE : recover_exit_status(error), "%s",
                                r.why.text);
    (void)printf("%s: goes back into cluster %s, from backup %s (cut %" PRIu64
                 "). Declared lost: what participant %s wrote behind LSN %" PRIu64
                 ", in starts up to %" PRIu64
                 ". Start it; then let it in at the coordinators: txctl readmit %s\n",
                 options->directory, r.identity.cluster, r.from.backup, r.from.cut,
                 r.identity.name.s, r.loss.lsn.n, r.loss.start, r.identity.name.s);
    return 0;
}
