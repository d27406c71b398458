/* The key-value store against a naive model: random transactions, interleaved, with random progress
 * of the log, and crashes that lose what had not reached it.
 *
 * The model locks as the participant does: an open transaction owns the keys that it
 * has touched. */
#include "kv_fixture.h"
#include "common/rows.h"
#include "tests/common/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define KEYS_N  12
#define TXS_N   4
#define QUEUE_N 64
#define ROUNDS  30
#define STEPS   400

struct model_value {
    bool there;
    char text[24];
};

struct model_tx {
    bool open, prepared;
    uint64_t seq;
    bool touched[KEYS_N], written[KEYS_N];
    struct model_value value[KEYS_N];
    struct tx_buf redo;
};

/* A commit that has not reached the log; the copies are what the log writer would hold. */
struct queued {
    struct tx_id id;
    struct tx_lsn lsn;
    struct tx_buf bytes[2 * KEYS_N];
    struct txlog_put puts[KEYS_N];
    size_t puts_n;
    struct model_value after[KEYS_N]; /* the committed state with this commit */
};

struct model {
    struct kv_fixture f;
    uint64_t random;
    uint64_t next_seq;
    struct model_tx txs[TXS_N];
    struct model_value committed[KEYS_N];
    struct model_value in_log[KEYS_N];
    struct queued queue[QUEUE_N];
    size_t queue_n;
};

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t pick(struct model *m, uint64_t n)
{
    uint64_t z = (m->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % n;
}

static bool owned_by_another(const struct model *m, const struct model_tx *tx, size_t k)
{
    for (size_t i = 0; i < TXS_N; i++) {
        if (&m->txs[i] != tx && m->txs[i].open && m->txs[i].touched[k])
            return true;
    }
    return false;
}

/* What the transaction must see. */
static struct model_value *current(struct model *m, struct model_tx *tx, size_t k)
{
    return tx->written[k] ? &tx->value[k] : &m->committed[k];
}

static void model_write(struct model_tx *tx, size_t k, bool there, const char *text)
{
    tx->written[k] = true;
    tx->value[k].there = there;
    (void)snprintf(tx->value[k].text, sizeof(tx->value[k].text), "%s", there ? text : "");
}

static bool is_number(const struct model_value *value)
{
    return !value->there || (value->text[0] != 'v' && value->text[0] != '\0');
}

/* What the model expects of an operation: RM_OK and the result, or the reason. Applies it. */
static enum tx_reason model_op(struct model *m, struct model_tx *tx, size_t k,
                               const struct tx_op *op, struct model_value *result)
{
    struct model_value old = *current(m, tx, k);
    char text[24] = "";
    memset(result, 0, sizeof(*result));
    if (op->value.len > 0)
        (void)snprintf(text, sizeof(text), "%.*s", (int)op->value.len,
                       (const char *)op->value.data);
    switch (op->type) {
    case TX_OP_GET:
    case TX_OP_GET_FOR_UPDATE:
        *result = old;
        return TX_REASON_NONE;
    case TX_OP_INSERT:
        if (old.there)
            return TX_REASON_EXISTS;
        model_write(tx, k, true, text);
        return TX_REASON_NONE;
    case TX_OP_PUT:
        model_write(tx, k, true, text);
        return TX_REASON_NONE;
    case TX_OP_DELETE:
        result->there = old.there;
        if (old.there)
            model_write(tx, k, false, "");
        return TX_REASON_NONE;
    case TX_OP_ADD:
        if (!is_number(&old))
            return TX_REASON_NOT_COUNTER;
        long long sum = (old.there ? strtoll(old.text, NULL, 10) : 0) + op->delta;
        if (op->has_min && sum < op->min)
            return TX_REASON_FLOOR;
        (void)snprintf(text, sizeof(text), "%lld", sum);
        model_write(tx, k, true, text);
        *result = *current(m, tx, k);
        return TX_REASON_NONE;
    case TX_OP_CHECK:
        return (op->absent ? !old.there : old.there && strcmp(old.text, text) == 0)
                   ? TX_REASON_NONE
                   : TX_REASON_CHECK;
    case TX_OP_LOCK:
    case TX_OP_SCAN:
    case TX_OP_TYPES_N:
        break;
    }
    return TX_REASON_NONE;
}

/* ---- scans ---- */

/* The number of the key that is the i-th in order: as texts, k10 comes before k2. */
static size_t in_order(size_t i)
{
    static const size_t order[KEYS_N] = {0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9};
    return order[i];
}

static struct tx_bytes bound(size_t i, char out[8])
{
    if (i == KEYS_N)
        return tx_bytes(NULL, 0);
    (void)snprintf(out, 8, "k%zu", in_order(i));
    return tx_bytes_str(out);
}

/* The keys from the `from`-th up to the `to`-th, in order; KEYS_N as the end is that of the
 * keyspace. */
static void check_scan(struct model *m, struct tx_id id, struct model_tx *tx, size_t from,
                       size_t to, uint32_t limit, bool reverse)
{
    char first[8], last[8], key[8];
    struct rm_answer answer;
    struct tx_op op = {.type = TX_OP_SCAN, .space = tx_bytes_str("s"), .limit = limit};
    op.key = from > 0 ? bound(from, first) : tx_bytes(NULL, 0);
    op.to = bound(to, last);
    op.reverse = reverse;
    m->f.rm->vtable->execute(m->f.rm, id, &op, &answer);
    assert_int_equal(answer.status, RM_OK);
    struct tx_reader rows = tx_reader(answer.result.value);
    struct tx_row row;
    uint32_t n = 0;
    for (size_t i = from; i < to && n < limit; i++) {
        size_t k = in_order(reverse ? to - 1 - (i - from) : i);
        const struct model_value *value = tx != NULL ? current(m, tx, k) : &m->committed[k];
        if (!value->there)
            continue;
        n++;
        assert_true(tx_rows_next(&rows, &row));
        (void)snprintf(key, sizeof(key), "k%zu", k);
        assert_true(tx_bytes_equal(row.key, tx_bytes_str(key)));
        assert_true(tx_bytes_equal(row.value, tx_bytes_str(value->text)));
    }
    assert_true(tx_reader_done(&rows));
    assert_int_equal(answer.result.found, n == limit);
}

/* What others hold back does not show, so that nobody need own the keys. */
static void random_scan(struct model *m, struct model_tx *tx)
{
    size_t from = pick(m, KEYS_N);
    size_t to = from + 1 + pick(m, KEYS_N - from);
    check_scan(m, kv_fixture_tx(tx->seq), tx, from, to, 1 + (uint32_t)pick(m, KEYS_N), pick(m, 2));
}

static void model_end(struct model_tx *tx)
{
    struct tx_buf redo = tx->redo;
    memset(tx, 0, sizeof(*tx));
    tx->redo = redo;
    tx_buf_clear(&tx->redo);
}

static void random_op(struct model *m, struct model_tx *tx)
{
    size_t k = pick(m, KEYS_N);
    char key[8];
    char value[24];
    struct rm_answer answer;
    struct model_value expected;
    if (owned_by_another(m, tx, k))
        return;
    (void)snprintf(key, sizeof(key), "k%zu", k);
    (void)snprintf(value, sizeof(value), pick(m, 2) ? "v%u" : "%u", (unsigned)pick(m, 50));
    struct tx_op op = {
        .type = (enum tx_op_type)pick(m, TX_OP_LOCK),
        .space = tx_bytes_str("s"),
        .key = tx_bytes_str(key),
        .value = tx_bytes_str(value),
        .delta = (int64_t)pick(m, 21) - 10,
        .has_min = pick(m, 2),
        .min = -5,
    };
    op.absent = op.type == TX_OP_CHECK && pick(m, 2);
    if (op.type == TX_OP_CHECK && pick(m, 2)) /* one that holds */
        op.value = tx_bytes_str(current(m, tx, k)->text);
    tx->touched[k] = true;
    enum tx_reason reason = model_op(m, tx, k, &op, &expected);
    m->f.rm->vtable->execute(m->f.rm, kv_fixture_tx(tx->seq), &op, &answer);
    assert_int_equal(answer.status, reason == TX_REASON_NONE ? RM_OK : RM_ROLLED_BACK);
    assert_string_equal(tx_reason_name(answer.reason), tx_reason_name(reason));
    assert_int_equal(answer.result.found, expected.there);
    assert_true(tx_bytes_equal(answer.result.value, tx_bytes_str(expected.text)));
    if (reason != TX_REASON_NONE)
        model_end(tx);
}

static void do_prepare(struct model *m, struct model_tx *tx)
{
    struct rm_answer answer;
    bool wrote = false;
    for (size_t k = 0; k < KEYS_N; k++)
        wrote = wrote || tx->written[k];
    m->f.rm->vtable->prepare(m->f.rm, kv_fixture_tx(tx->seq), &answer);
    if (!wrote) {
        assert_true(answer.status == RM_READ_ONLY || answer.status == RM_NOT_FOUND);
        model_end(tx);
        return;
    }
    assert_int_equal(answer.status, RM_OK);
    tx_buf_append(&tx->redo, answer.redo);
    tx->prepared = true;
}

static void do_rollback(struct model *m, struct model_tx *tx)
{
    struct rm_answer answer;
    m->f.rm->vtable->rollback(m->f.rm, kv_fixture_tx(tx->seq), &answer);
    assert_true(answer.status == RM_OK || !tx->prepared);
    model_end(tx);
}

static struct tx_bytes keep(struct tx_buf *buf, struct tx_bytes bytes)
{
    tx_buf_append(buf, bytes);
    return tx_buf_view(buf);
}

static void enqueue(struct queued *q, const struct rm_batch *batch)
{
    assert_true(batch->puts_n <= KEYS_N);
    q->puts_n = batch->puts_n;
    for (size_t i = 0; i < batch->puts_n; i++) {
        q->puts[i].key = keep(&q->bytes[2 * i], batch->puts[i].key);
        q->puts[i].value = keep(&q->bytes[2 * i + 1], batch->puts[i].value);
        q->puts[i].deleted = batch->puts[i].deleted;
    }
}

static void do_commit(struct model *m, struct model_tx *tx)
{
    struct rm_answer answer;
    struct rm_batch batch;
    struct tx_id id = kv_fixture_tx(tx->seq);
    struct tx_lsn lsn = {m->f.last.n + 1};
    if (m->queue_n == QUEUE_N)
        return;
    m->f.rm->vtable->commit(m->f.rm, id, lsn, &batch, &answer);
    if (answer.status == RM_NOT_FOUND) { /* it has executed nothing yet */
        model_end(tx);
        return;
    }
    assert_int_equal(answer.status, RM_OK);
    m->f.last = lsn;
    for (size_t k = 0; k < KEYS_N; k++) {
        if (tx->written[k])
            m->committed[k] = tx->value[k];
    }
    struct queued *q = &m->queue[m->queue_n++];
    memset(q, 0, sizeof(*q));
    q->id = id;
    q->lsn = lsn;
    enqueue(q, &batch);
    memcpy(q->after, m->committed, sizeof(q->after));
    m->f.rm->vtable->committed(m->f.rm, id);
    model_end(tx);
}

static void drop_queued(struct model *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < 2 * KEYS_N; j++)
            tx_buf_deinit(&m->queue[i].bytes[j]);
    }
    memmove(m->queue, m->queue + n, (m->queue_n - n) * sizeof(m->queue[0]));
    m->queue_n -= n;
}

/* Some of the queued commits reach the log; the store hears of it, or only later. */
static void progress(struct model *m)
{
    struct tx_why why = {{0}};
    struct tx_buf record = {0};
    size_t n = pick(m, m->queue_n + 1);
    for (size_t i = 0; i < n; i++) {
        struct queued *q = &m->queue[i];
        kv_fixture_record(q->id, q->lsn, &record);
        struct txlog_append append = {q->lsn, tx_buf_view(&record), q->puts, q->puts_n};
        assert_int_equal(txlog_append(m->f.log, &append, 1, false, &why), TX_OK);
    }
    tx_buf_deinit(&record);
    if (n == 0)
        return;
    struct tx_lsn durable = m->queue[n - 1].lsn;
    memcpy(m->in_log, m->queue[n - 1].after, sizeof(m->in_log));
    drop_queued(m, n);
    if (pick(m, 4) > 0)
        m->f.rm->vtable->durable(m->f.rm, durable);
}

/* A stop that loses what had not reached the log. Prepared transactions come back by their redo. */
static void crash(struct model *m)
{
    struct rm_answer answer;
    drop_queued(m, m->queue_n);
    memcpy(m->committed, m->in_log, sizeof(m->committed));
    kv_fixture_reopen(&m->f);
    for (size_t i = 0; i < TXS_N; i++) {
        struct model_tx *tx = &m->txs[i];
        if (!tx->prepared) {
            model_end(tx);
            continue;
        }
        m->f.rm->vtable->recover(m->f.rm, kv_fixture_tx(tx->seq), tx_buf_view(&tx->redo), &answer);
        assert_int_equal(answer.status, RM_OK);
        struct tx_bytes redo = m->f.rm->vtable->redo(m->f.rm, kv_fixture_tx(tx->seq));
        assert_true(tx_bytes_equal(redo, tx_buf_view(&tx->redo)));
    }
}

/* A fresh transaction sees exactly the committed state. */
static void compare_all(struct model *m)
{
    struct rm_answer answer;
    struct tx_id reader = kv_fixture_tx(UINT64_MAX);
    for (size_t k = 0; k < KEYS_N; k++) {
        char key[8];
        (void)snprintf(key, sizeof(key), "k%zu", k);
        struct tx_op op = {.type = TX_OP_GET, .space = tx_bytes_str("s"), .key = tx_bytes_str(key)};
        m->f.rm->vtable->execute(m->f.rm, reader, &op, &answer);
        assert_int_equal(answer.result.found, m->committed[k].there);
        assert_true(tx_bytes_equal(answer.result.value, tx_bytes_str(m->committed[k].text)));
    }
    check_scan(m, reader, NULL, 0, KEYS_N, KEYS_N + 1, false);
    check_scan(m, reader, NULL, 0, KEYS_N, KEYS_N + 1, true);
    m->f.rm->vtable->rollback(m->f.rm, reader, &answer);
    assert_int_equal(answer.status, RM_OK);
}

static void step(struct model *m)
{
    struct model_tx *tx = &m->txs[pick(m, TXS_N)];
    uint64_t what = pick(m, 100);
    if (!tx->open) {
        tx->open = true;
        tx->seq = m->next_seq++;
    }
    if (what < 15 && !tx->prepared)
        random_scan(m, tx);
    else if (what < 60 && !tx->prepared)
        random_op(m, tx);
    else if (what < 68 && !tx->prepared)
        do_prepare(m, tx);
    else if (what < 80)
        do_commit(m, tx);
    else if (what < 86)
        do_rollback(m, tx);
    else
        progress(m);
}

static void the_store_agrees_with_the_model(void **state)
{
    (void)state;
    struct model *m = calloc(1, sizeof(*m));
    assert_non_null(m);
    const char *seed = getenv("ASSENT_SEED");
    m->random = seed != NULL ? strtoull(seed, NULL, 10) : 20240611;
    print_message("ASSENT_SEED=%llu\n", (unsigned long long)m->random);
    m->next_seq = 1;
    kv_fixture_start(&m->f, false);
    for (unsigned long rounds = pace_count(ROUNDS, 2); rounds > 0; rounds--) {
        for (unsigned i = 0; i < STEPS; i++) {
            step(m);
            if (i % 8 == 0)
                compare_all(m);
        }
        crash(m);
        compare_all(m);
    }
    drop_queued(m, m->queue_n);
    for (size_t i = 0; i < TXS_N; i++)
        tx_buf_deinit(&m->txs[i].redo);
    kv_fixture_end(&m->f);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_store_agrees_with_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
