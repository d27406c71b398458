#include "fuzz_log.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

void fuzz_log_init(struct fuzz_log *log)
{
    *log = (struct fuzz_log){.disk = sim_disk_new()};
}

void fuzz_log_deinit(struct fuzz_log *log)
{
    sim_disk_destroy(&log->disk);
    free(log->entries);
}

/* What was encoded decodes, and encodes to the same bytes again. */
static void check_round_trip(const struct txlog_record *record)
{
    struct tx_buf first = {0};
    struct tx_buf second = {0};
    struct tx_arena arena = {0};
    struct txlog_record decoded;
    struct tx_why why = {{0}};
    enum tx_error error = txlog_record_encode(record, &first);
    TX_ASSERT(error == TX_OK);
    error = txlog_record_decode(tx_buf_view(&first), &arena, &decoded, &why);
    TX_ASSERT(error == TX_OK);
    error = txlog_record_encode(&decoded, &second);
    TX_ASSERT(error == TX_OK && tx_bytes_equal(tx_buf_view(&first), tx_buf_view(&second)));
    tx_buf_deinit(&first);
    tx_buf_deinit(&second);
    tx_arena_deinit(&arena);
}

void fuzz_log_append(struct fuzz_log *log, const struct txlog_record *record,
                     const struct txlog_put *puts, size_t puts_n)
{
    TX_ASSERT(record->lsn.n == log->n + 1);
    check_round_trip(record);
    sim_disk_append(log->disk, record, puts, puts_n);
    if (log->n == log->capacity) {
        log->capacity = log->capacity * 2 + 64;
        log->entries = tx_xrealloc(log->entries, log->capacity * sizeof *log->entries);
    }
    struct fuzz_entry *entry = &log->entries[log->n++];
    *entry = (struct fuzz_entry){.type = record->type, .tx = txlog_record_tx(record)};
    if (record->type == TXLOG_COMMITTED)
        entry->one_phase = record->committed.one_phase;
    if (record->type == TXLOG_COMMITTED)
        entry->members_decide = record->committed.members_decide;
    if (record->type == TXLOG_PREPARED)
        entry->members_decide = record->prepared.members_decide;
    if (record->type == TXLOG_OUTCOME)
        entry->committed = record->outcome.outcome == TX_OUTCOME_COMMITTED;
    if (record->type == TXLOG_FORGET)
        entry->mark =
            (struct tx_id){record->forget.coordinator, record->forget.epoch, record->forget.below};
}

uint64_t fuzz_log_start(struct fuzz_log *log, uint64_t life)
{
    struct txlog_record record = {.type = TXLOG_START,
                                  .lsn = {log->n + 1},
                                  .start = txlog_last_start(sim_disk_log(log->disk)) + 1,
                                  .started = {.life = life}};
    fuzz_log_append(log, &record, NULL, 0);
    sim_disk_synced(log->disk, record.lsn);
    return record.start;
}

void fuzz_log_crash(struct fuzz_log *log, uint8_t choice)
{
    sim_disk_crash(log->disk, &(struct sim_random){choice});
    log->n = fuzz_log_durable(log);
}

uint64_t fuzz_log_durable(const struct fuzz_log *log)
{
    return sim_disk_durable(log->disk).n;
}

uint64_t fuzz_log_more(const struct fuzz_log *log, uint8_t choice)
{
    uint64_t durable = fuzz_log_durable(log);
    return choice < 192 ? log->n : durable + (log->n - durable) * (choice & 7u) / 8;
}

uint64_t fuzz_log_find(const struct fuzz_log *log, enum txlog_type type, struct tx_id tx)
{
    for (size_t i = 0; i < log->n; i++) {
        if (log->entries[i].type == type && tx_id_equal(log->entries[i].tx, tx))
            return i + 1;
    }
    return 0;
}

bool fuzz_log_has_durable(const struct fuzz_log *log, enum txlog_type type, struct tx_id tx)
{
    uint64_t lsn = fuzz_log_find(log, type, tx);
    return lsn > 0 && lsn <= fuzz_log_durable(log);
}

bool fuzz_log_forgotten(const struct fuzz_log *log, struct tx_id tx)
{
    for (size_t i = 0; i < log->n; i++) {
        struct tx_id mark = log->entries[i].mark;
        if (log->entries[i].type != TXLOG_FORGET || mark.coordinator != tx.coordinator)
            continue;
        bool older = tx.epoch < mark.epoch && mark.seq == UINT64_MAX;
        if (older || (tx.epoch == mark.epoch && tx.seq < mark.seq))
            return true;
    }
    return false;
}
