/* A key-value store on a real log in a temporary directory, for tests.
 *
 * Two ways to commit: through the log writer, as a daemon does; or step by step, where the test
 * decides when which record reaches the log. */
#ifndef ASSENT_TESTS_KV_FIXTURE_H
#define ASSENT_TESTS_KV_FIXTURE_H

#include "participant/kv.h"
#include "txlog/log_writer.h"

struct kv_fixture {
    char directory[128];
    struct txlog *log;
    struct log_writer *writer; /* NULL: step by step */
    struct rm *rm;
    struct tx_lsn last; /* the last LSN given out */
};

/* A fresh directory, the log, the store; with the log writer when `writer`. A lazy record then
 * waits for a forced one, as good as for ever. */
void kv_fixture_start(struct kv_fixture *f, bool writer);
/* Closes everything (what is queued at the writer is written) and opens it again. */
void kv_fixture_reopen(struct kv_fixture *f);
/* Closes everything and removes the directory. */
void kv_fixture_end(struct kv_fixture *f);

struct tx_id kv_fixture_tx(uint64_t seq);

/* The stored form of a COMMITTED record, in `out`. */
void kv_fixture_record(struct tx_id id, struct tx_lsn lsn, struct tx_buf *out);
/* Commits at the next LSN; the record waits lazily at the writer. Returns the LSN. */
struct tx_lsn kv_fixture_commit(struct kv_fixture *f, struct tx_id id);
/* Has everything written, and waits for it. Does not tell the store. */
void kv_fixture_sync(struct kv_fixture *f);

#endif
