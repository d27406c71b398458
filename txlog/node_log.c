#include "txlog/node_log.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/crash_point.h"
#include "common/log.h"
#include "txlog/read_guard.h"
#include "txlog/rocksdb_log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* The one record that is written before the writer thread exists. */
static enum tx_error append_start(struct node_log *node, uint64_t time_ms, struct tx_why *why)
{
    struct txlog_record record = {.type = TXLOG_START,
                                  .lsn = {txlog_last(node->log).n + 1},
                                  .start = node->start,
                                  .started = {.life = node->life},
                                  .time_ms = time_ms};
    struct txlog_append append = {.lsn = record.lsn};
    enum tx_error error;

    tx_buf_clear(&node->scratch);
    error = txlog_record_encode(&record, &node->scratch);
    if (error != TX_OK)
        return tx_why(why, error, "cannot write the START record: %s", tx_error_text(error));
    append.record = tx_buf_view(&node->scratch);
    crash_point("log", txlog_type_name(TXLOG_START), "before");
    error = txlog_append(node->log, &append, 1, true, why);
    if (error == TX_OK)
        crash_point("log", txlog_type_name(TXLOG_START), "after");
    node->last = record.lsn;
    return error;
}

enum tx_error node_log_open(struct node_log *node, const struct node_log_options *options,
                            struct tx_why *why)
{
    struct rocksdb_log_options log_options = {
        .directory = options->directory, .mode = ROCKSDB_LOG_OPEN, .identity = options->identity};
    enum tx_error error;

    *node = (struct node_log){.lazy_ms = options->lazy_ms,
                              .group_wait_us = options->group_wait_us,
                              .owner_writes = options->owner_writes,
                              .reading = options->reading,
                              .arg = options->arg};
    read_guard_begin(options->directory, READ_GUARD_LOG_LINE);
    error = rocksdb_log_begin(&log_options, &node->log, why);
    read_guard_end();
    if (error != TX_OK)
        return error;
    node->directory = options->directory;
    node->generation = rocksdb_log_generation(node->log);
    error = clock_random(&node->life, sizeof node->life);
    if (error != TX_OK)
        return tx_why(why, error, "%s: cannot draw a random number for this start: %s",
                      options->directory, strerror(errno));
    return TX_OK;
}

/* The walk over the log, and a word about it each second after the first: whoever waits for a start
 * sees that it goes on, and how far. */
struct walk {
    const struct node_log *node;
    struct recovery recovery;
    struct tx_lsn first, last; /* as the log says */
    uint64_t spoken_us;
};

#define SPEAK_EVERY_US   UINT64_C(1000000)
#define CLOCK_EVERY_LSNS 1024u

static void speak(struct walk *walk, struct tx_lsn lsn)
{
    uint64_t now_us = clock_now_us();

    if (now_us - walk->spoken_us < SPEAK_EVERY_US)
        return;
    walk->spoken_us = now_us;
    LOG_INFO("reading the log", "lsn=%" PRIu64 " from=%" PRIu64 " to=%" PRIu64, lsn.n,
             walk->first.n, walk->last.n);
    if (walk->node->reading != NULL)
        walk->node->reading(walk->node->arg, lsn, walk->first, walk->last);
}

static void see(void *arg, const struct txlog_front *front, struct tx_bytes stored)
{
    struct walk *walk = arg;

    recovery_watch(&walk->recovery, front, stored);
    if (front->lsn.n % CLOCK_EVERY_LSNS == 0)
        speak(walk, front->lsn);
}

/* The core has to know this start's number before the last record has been read, which has it: so
 * it gets what the log says at first. If that was wrong, all is replayed anew. */
static enum tx_error check_and_replay(struct node_log *node, const struct recovery_visitor *visitor,
                                      struct tx_why *why)
{
    struct rocksdb_log_said said = rocksdb_log_said(node->log);
    struct walk walk = {
        .node = node, .first = said.first, .last = said.last, .spoken_us = clock_now_us()};
    struct log_watcher watcher = {see, &walk};
    uint64_t start = node->start =
        tx_start_after(said.last_start <= TX_START_LAST ? said.last_start : 0, node->life);

    recovery_begin(&walk.recovery, visitor, said.first, said.snapshot);
    enum tx_error error = rocksdb_log_check(node->log, watcher, why);
    if (error == TX_OK)
        error = recovery_next_start(node->log, node->life, &node->start, why);
    if (error != TX_OK) {
        recovery_drop(&walk.recovery);
        return error;
    }
    return recovery_end(&walk.recovery, node->log, node->start != start, &node->recovery, why);
}

enum tx_error node_log_start(struct node_log *node, uint64_t time_ms,
                             const struct recovery_visitor *visitor, struct tx_why *why)
{
    struct log_writer_options options = {.lazy_ms = node->lazy_ms,
                                         .group_wait_us = node->group_wait_us,
                                         .owner_writes = node->owner_writes};
    enum tx_error error;

    read_guard_begin(node->directory, READ_GUARD_LOG_LINE);
    error = check_and_replay(node, visitor, why);
    if (error == TX_OK)
        error = rocksdb_log_finish(node->log, why);
    read_guard_end();
    node->first = error == TX_OK ? txlog_first(node->log) : (struct tx_lsn){0};
    if (error == TX_OK)
        error = append_start(node, time_ms, why);
    if (error == TX_OK)
        error = log_writer_new(node->log, &options, &node->writer, why);
    return error;
}

struct node_log_extent node_log_extent(const struct node_log *node)
{
    const uint64_t gone = log_writer_stats(node->writer).compacted.n;
    const uint64_t first = node->first.n > 0 ? node->first.n : 1;

    return (struct node_log_extent){.first = {gone >= first ? gone + 1 : first},
                                    .bytes = rocksdb_log_bytes(node->log)};
}

enum tx_error node_log_append(struct node_log *node, struct txlog_record *record,
                              const struct txlog_put *puts, size_t puts_n, bool force)
{
    struct txlog_append append = {.lsn = record->lsn, .puts = puts, .puts_n = puts_n};
    enum tx_error error;

    TX_ASSERT(record->lsn.n == node->last.n + 1);
    record->start = node->start;
    tx_buf_clear(&node->scratch);
    error = txlog_record_encode(record, &node->scratch);
    if (error != TX_OK)
        return error;
    append.record = tx_buf_view(&node->scratch);
    error = log_writer_queue(node->writer, &append, force);
    if (error == TX_OK)
        node->last = record->lsn;
    return error;
}

enum tx_error node_log_close(struct node_log *node, struct tx_why *why)
{
    enum tx_error error = TX_OK;

    if (node->writer != NULL)
        error = log_writer_stop(&node->writer, why);
    if (node->log != NULL)
        txlog_close(&node->log);
    tx_buf_deinit(&node->scratch);
    return error;
}
