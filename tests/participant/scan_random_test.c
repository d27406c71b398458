/* Scans among writers, at random: with a slow store, waits, wounds, commits and aborts. What a scan
 * has returned must stand until its transaction ends: at serializable the whole range, at
 * repeatable read the rows that it found. At read committed it must be what was committed at one
 * moment between question and answer. */
#include "part_driver.h"
#include "tests/common/pace.h"

#include "common/assert.h"
#include "common/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

#define TXS_N  8
#define KEYS_N 9
#define STEPS  40000u
#define RUNS   6u

/* One live transaction: a reader with the scans that it has made, or a writer. */
struct actor {
    bool live, reads, asked, preparing;
    uint64_t seq;
    uint32_t step;
    enum tx_isolation isolation;
    struct tx_op op; /* asked */
    struct tx_op scans[4];
    struct tx_buf rows[4];
    size_t scans_n;
    struct tx_buf moments; /* what the scan would have given since it was asked; blobs */
};

static uint64_t random_state;
static struct actor actors[TXS_N];
static uint64_t next_seq;
static size_t stood[TX_ISOLATIONS_N], compared; /* did the checks have something to check? */

static uint64_t random_below(uint64_t n)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (random_state * UINT64_C(2685821657736338717) >> 33) % n;
}

static const char *const keys[KEYS_N] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};

static struct tx_op random_scan(void)
{
    uint64_t from = random_below(KEYS_N);
    uint64_t to = from + 1 + random_below(KEYS_N - from);
    return driver_scan_op(random_below(4) == 0 ? "" : keys[from],
                          to == KEYS_N || random_below(4) == 0 ? "" : keys[to],
                          (uint32_t)(1 + random_below(6)), random_below(2) == 0);
}

/* What the scan would read of the committed data now: readers write nothing themselves. */
static struct tx_result read_now(struct driver *d, const struct tx_op *op)
{
    struct driver_rm_tx nobody = {.id = {0}};
    return driver_scan(d, &nobody, op);
}

static void fail_at(const struct actor *a, const char *what)
{
    fail_msg("transaction %u, %s: %s", (unsigned)a->seq, tx_isolation_name(a->isolation), what);
}

/* The rows that were found are still there, as they were. */
static void expect_rows_stand(struct driver *d, const struct actor *a, struct tx_bytes rows)
{
    struct tx_reader reader = tx_reader(rows);
    struct tx_row row;
    while (tx_rows_next(&reader, &row)) {
        char key[2] = {(char)row.key.data[0], '\0'};
        const char *value = driver_value(d, key);
        if (value == NULL || !tx_bytes_equal(tx_bytes_str(value), row.value))
            fail_at(a, "a row that was read has changed");
    }
}

static void check_actor(struct driver *d, struct actor *a)
{
    if (a->asked) { /* one more moment */
        tx_buf_blob(&a->moments, read_now(d, &a->op).value);
        TX_NEED_MEMORY(!a->moments.failed);
    }
    for (size_t i = 0; i < a->scans_n; i++) {
        if (a->isolation == TX_SERIALIZABLE &&
            !tx_bytes_equal(read_now(d, &a->scans[i]).value, tx_buf_view(&a->rows[i])))
            fail_at(a, "a range that was scanned has changed");
        if (a->isolation == TX_REPEATABLE_READ)
            expect_rows_stand(d, a, tx_buf_view(&a->rows[i]));
        stood[a->isolation]++;
    }
}

static void expect_some_moment(const struct actor *a, struct tx_bytes rows)
{
    struct tx_reader moments = tx_reader(tx_buf_view(&a->moments));
    compared++;
    while (tx_reader_left(&moments) > 0) {
        if (tx_bytes_equal(tx_read_blob(&moments), rows))
            return;
    }
    fail_at(a, "a scan that was never true");
}

static void take_answer(struct actor *a, const struct tx_msg_operated *operated)
{
    struct tx_bytes rows = operated->results[0].value;
    expect_some_moment(a, rows);
    tx_buf_clear(&a->moments);
    a->asked = false;
    if (a->isolation > TX_REPEATABLE_READ)
        return;
    a->scans[a->scans_n] = a->op;
    tx_buf_clear(&a->rows[a->scans_n]);
    tx_buf_append(&a->rows[a->scans_n++], rows);
}

/* Before any of it is looked at: who has ended holds nothing any more. */
static void look(struct driver *d)
{
    for (size_t i = 0; i < TXS_N; i++) {
        struct actor *a = &actors[i];
        const char *state = part_core_state_name(d->core, driver_id(d, a->seq));
        bool goes_on = a->step == 0 || strcmp(state, "working") == 0 ||
                       strcmp(state, "preparing") == 0 || strcmp(state, "prepared") == 0;
        if (!a->live || !goes_on) {
            a->live = a->asked = a->preparing = false;
            a->scans_n = 0;
            tx_buf_clear(&a->moments);
            continue;
        }
        check_actor(d, a);
    }
    for (size_t i = 0; i < d->sent_n; i++) {
        const struct tx_msg *msg = &d->sent[i].msg;
        for (size_t j = 0; msg->type == TX_MSG_OPERATED && j < TXS_N; j++) {
            struct actor *a = &actors[j];
            if (a->asked && a->live && msg->operated.id.seq == a->seq &&
                msg->operated.reason == TX_REASON_NONE && msg->operated.step == a->step)
                take_answer(a, &msg->operated);
        }
    }
    driver_clear(d);
}

static void begin(struct actor *a)
{
    a->live = true;
    a->seq = next_seq++;
    a->step = 0;
    a->reads = random_below(2) == 0;
    a->isolation = (enum tx_isolation)random_below(TX_ISOLATIONS_N);
}

static bool is_idle(const struct driver *d, const struct actor *a)
{
    for (size_t i = 0; i < d->calls_n; i++) {
        if (d->calls[i].tx.seq == a->seq)
            return false;
    }
    return !a->asked && !a->preparing;
}

static void do_step(struct driver *d, struct actor *a)
{
    static const enum tx_op_type writes[] = {TX_OP_PUT, TX_OP_PUT, TX_OP_DELETE};
    char value[16];
    struct tx_op op;
    (void)snprintf(value, sizeof value, "v%u", (unsigned)random_below(1000));
    if (a->reads) {
        if (a->scans_n == 4)
            return;
        op = a->op = random_scan();
        a->asked = true;
        tx_buf_clear(&a->moments);
        tx_buf_blob(&a->moments, read_now(d, &op).value);
    } else {
        op = driver_op(writes[random_below(3)], keys[random_below(KEYS_N)], value);
    }
    d->isolation = a->isolation;
    driver_operate(d, driver_id(d, a->seq), ++a->step, &op, 1);
}

static void do_end(struct driver *d, struct actor *a)
{
    struct tx_id id = driver_id(d, a->seq);
    const char *state = part_core_state_name(d->core, id);
    if (strcmp(state, "prepared") == 0 && random_below(4) > 0)
        driver_commit(d, id);
    else if (strcmp(state, "working") == 0 && !a->preparing && random_below(4) > 0) {
        driver_prepare(d, id, random_below(2) == 0 ? DRIVER_ONE_PHASE : 0, NULL, 0);
        a->preparing = true;
    } else if (strcmp(state, "preparing") != 0)
        driver_abort(d, id);
}

static void random_event(struct driver *d)
{
    struct actor *a = &actors[random_below(TXS_N)];
    uint64_t what = random_below(100);
    if (what < 30 && d->calls_n > 0)
        driver_rm_answer(d);
    else if (what < 45 && d->durable < d->log_n)
        driver_sync(d);
    else if (what < 47)
        driver_advance(d, random_below(20000));
    else if (!a->live)
        begin(a);
    else if (what < 85 && is_idle(d, a))
        do_step(d, a);
    else if (what >= 90 && is_idle(d, a))
        do_end(d, a);
    else if (what >= 97)
        do_end(d, a);
}

static void run(uint64_t seed)
{
    struct part_options options = driver_options();
    options.escalate_at = seed % 3 == 0 ? 4 : 0;
    options.lock_policy = (enum tx_lock_policy)(seed % TX_LOCK_POLICIES_N);
    options.lock_timeout_us = 300000;
    struct driver *d = driver_new(&options);
    d->rm_slow = seed % 4 != 1;
    d->rm_reads_early = seed % 4 > 1;
    d->no_data = true;
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    next_seq = 1;
    for (unsigned long i = pace_count(STEPS, 2000); i > 0; i--) {
        random_event(d);
        look(d);
    }
    for (size_t i = 0; i < TXS_N; i++) {
        for (size_t j = 0; j < 4; j++)
            tx_buf_deinit(&actors[i].rows[j]);
        tx_buf_deinit(&actors[i].moments);
        actors[i] = (struct actor){0};
    }
    struct part_stats stats = driver_stats(d);
    print_message("seed %u: %u scans by the store, %u begun, %u committed, %u wounded\n",
                  (unsigned)seed, (unsigned)d->scans, (unsigned)stats.begun,
                  (unsigned)stats.committed_total, (unsigned)stats.aborted_by[TX_REASON_WOUNDED]);
    driver_free(d);
}

static void test_scans_among_writers(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= RUNS; seed++)
        run(seed);
    assert_true(compared > 300);
    assert_true(stood[TX_SERIALIZABLE] > 1000 && stood[TX_REPEATABLE_READ] > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scans_among_writers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
