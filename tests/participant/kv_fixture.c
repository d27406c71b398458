/* A key-value store on a real log in a temporary directory. */
#include "kv_fixture.h"

#include "txlog/record.h"
#include "txlog/rocksdb_log.h"

#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FOREVER_MS 3600000u

static void check(enum tx_error error, const struct tx_why *why)
{
    if (error != TX_OK)
        fail_msg("%s: %s", tx_error_name(error), why->text);
}

static void open_all(struct kv_fixture *f, bool writer)
{
    struct tx_why why = {{0}};
    struct rocksdb_log_options options = {
        .directory = f->directory,
        .mode = ROCKSDB_LOG_OPEN,
        .identity = {.cluster = "test", .role = TX_ROLE_PARTICIPANT, .name = {"kv"}},
        .cache_bytes = 1024 * 1024,
    };
    check(rocksdb_log_open(&options, &f->log, &why), &why);
    f->last = txlog_last(f->log);
    if (writer) {
        struct log_writer_options lazy = {.lazy_ms = FOREVER_MS};
        check(log_writer_new(f->log, &lazy, &f->writer, &why), &why);
    }
    check(kv_open(f->log, 1024, &f->rm, &why), &why);
}

static void close_all(struct kv_fixture *f)
{
    struct tx_why why = {{0}};
    f->rm->vtable->close(&f->rm);
    assert_null(f->rm);
    if (f->writer != NULL)
        check(log_writer_stop(&f->writer, &why), &why);
    txlog_close(&f->log);
}

void kv_fixture_start(struct kv_fixture *f, bool writer)
{
    const char *base = getenv("TMPDIR");
    *f = (struct kv_fixture){0};
    (void)snprintf(f->directory, sizeof(f->directory), "%s/assent-kv-XXXXXX",
                   base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(f->directory));
    open_all(f, writer);
}

void kv_fixture_reopen(struct kv_fixture *f)
{
    bool writer = f->writer != NULL;
    close_all(f);
    open_all(f, writer);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void kv_fixture_end(struct kv_fixture *f)
{
    close_all(f);
    assert_int_equal(nftw(f->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

struct tx_id kv_fixture_tx(uint64_t seq)
{
    return (struct tx_id){.coordinator = 1, .epoch = 1, .seq = seq};
}

void kv_fixture_record(struct tx_id id, struct tx_lsn lsn, struct tx_buf *out)
{
    struct txlog_record record = {.type = TXLOG_COMMITTED, .lsn = lsn, .start = 1};
    record.committed = (struct txlog_committed){.id = id, .one_phase = true};
    tx_buf_clear(out);
    assert_int_equal(txlog_record_encode(&record, out), TX_OK);
}

static void queue(struct kv_fixture *f, struct tx_id id, const struct rm_batch *batch, bool force)
{
    struct tx_buf record = {0};
    kv_fixture_record(id, f->last, &record);
    struct txlog_append append = {
        .lsn = f->last,
        .record = tx_buf_view(&record),
        .puts = batch->puts,
        .puts_n = batch->puts_n,
    };
    assert_int_equal(log_writer_queue(f->writer, &append, force), TX_OK);
    log_writer_hand_over(f->writer);
    tx_buf_deinit(&record);
}

struct tx_lsn kv_fixture_commit(struct kv_fixture *f, struct tx_id id)
{
    struct rm_batch batch;
    struct rm_answer answer;
    f->last.n++;
    f->rm->vtable->commit(f->rm, id, f->last, &batch, &answer);
    assert_int_equal(answer.status, RM_OK);
    queue(f, id, &batch, false);
    f->rm->vtable->committed(f->rm, id);
    return f->last;
}

void kv_fixture_sync(struct kv_fixture *f)
{
    struct tx_why why = {{0}};
    struct tx_lsn durable = {0};
    f->last.n++;
    queue(f, kv_fixture_tx(UINT64_MAX), &(struct rm_batch){0}, true);
    while (durable.n < f->last.n) {
        struct pollfd fd = {.fd = log_writer_fd(f->writer), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 30000), 1);
        check(log_writer_poll(f->writer, &durable, &why), &why);
    }
}
