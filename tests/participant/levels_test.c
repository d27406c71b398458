/* Isolation levels: what each keeps locked, for how long, and whom it lets in. */
#include "scan_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

/* ---- levels ---- */

static void test_what_each_level_keeps_locked(void **unused)
{
    (void)unused;
    static const struct {
        enum tx_isolation isolation;
        const char *get, *get_absent, *scan, *scan_limit, *scan_back, *scan_nothing;
    } levels[] = {
        {TX_SERIALIZABLE, "s s/b", "s s/c", "s s/a..e", "s s/a..b\\x00", "s s/d..", "s s/bb..c"},
        {TX_REPEATABLE_READ, "s s/b", "s s/c", "s s/a, s s/b, s s/d", "s s/a, s s/b",
         "s s/e, s s/d", ""},
        {TX_READ_COMMITTED, "", "", "", "", "", ""},
        {TX_READ_UNCOMMITTED, "", "", "", "", "", ""},
    };
    for (size_t i = 0; i < TX_ISOLATIONS_N; i++) {
        struct driver *d = driver_with_data(NULL);
        d->isolation = levels[i].isolation;
        driver_do(d, 2, 1, TX_OP_GET, "b", "");
        expect_locks(d, 2, levels[i].get);
        driver_do(d, 3, 1, TX_OP_GET, "c", "");
        expect_locks(d, 3, levels[i].get_absent);
        driver_scans(d, 4, 1, driver_scan_op("a", "e", 100, false));
        expect_rows(d, "a=A b=B d=D");
        expect_locks(d, 4, levels[i].scan);
        driver_scans(d, 5, 1, driver_scan_op("a", "", 2, false));
        expect_rows(d, "a=A b=B+");
        expect_locks(d, 5, levels[i].scan_limit);
        driver_scans(d, 6, 1, driver_scan_op("", "", 2, true));
        expect_rows(d, "e=E d=D+");
        expect_locks(d, 6, levels[i].scan_back);
        driver_scans(d, 7, 1, driver_scan_op("bb", "c", 2, false));
        expect_rows(d, "");
        expect_locks(d, 7, levels[i].scan_nothing);
        assert_int_equal(d->scans, 4); /* one read each */
        driver_free(d);
    }
}

/* Whom a level lets write into what has been read, and when. */
static void check_writer(enum tx_isolation isolation, bool scans, const char *key, bool waits)
{
    struct driver *d = driver_with_data(NULL);
    d->isolation = isolation;
    if (scans)
        driver_scans(d, 2, 1, driver_scan_op("b", "e", 100, false));
    else
        driver_do(d, 2, 1, TX_OP_GET, "b", "");
    driver_do(d, 3, 1, TX_OP_PUT, key, "new");
    expect_waiting(d, waits);
    driver_free(d);
}

static void test_who_may_write_what_was_read(void **unused)
{
    (void)unused;
    static const struct {
        enum tx_isolation isolation;
        bool get, scan, phantom;
    } levels[] = {
        {TX_SERIALIZABLE, true, true, true},
        {TX_REPEATABLE_READ, true, true, false},
        {TX_READ_COMMITTED, false, false, false},
        {TX_READ_UNCOMMITTED, false, false, false},
    };
    for (size_t i = 0; i < TX_ISOLATIONS_N; i++) {
        enum tx_isolation isolation = levels[i].isolation;
        check_writer(isolation, false, "b", levels[i].get);
        check_writer(isolation, true, "b", levels[i].scan);
        check_writer(isolation, true, "d", levels[i].scan);
        check_writer(isolation, true, "c", levels[i].phantom);
        check_writer(isolation, true, "a", false); /* beside the range */
        check_writer(isolation, true, "e", false);
    }
}

static void test_who_waits_for_a_writer(void **unused)
{
    (void)unused;
    for (enum tx_isolation isolation = 0; isolation < TX_ISOLATIONS_N; isolation++) {
        struct driver *d = driver_with_data(NULL);
        bool waits = isolation != TX_READ_UNCOMMITTED;
        driver_do(d, 2, 1, TX_OP_PUT, "b", "new");
        d->isolation = isolation;
        driver_do(d, 3, 1, TX_OP_GET, "b", "");
        expect_waiting(d, waits);
        driver_scans(d, 4, 1, driver_scan_op("a", "c", 9, false));
        expect_waiting(d, 2 * waits);
        if (!waits)
            expect_rows(d, "a=A b=B"); /* what is held back nobody sees, at any level */
        driver_free(d);
    }
}

/* At every level: a check, a read for an update, an explicit lock, a write. */
static void test_what_matters_stays_locked(void **unused)
{
    (void)unused;
    for (enum tx_isolation isolation = 0; isolation < TX_ISOLATIONS_N; isolation++) {
        struct driver *d = driver_with_data(NULL);
        d->isolation = isolation;
        driver_do(d, 2, 1, TX_OP_GET_FOR_UPDATE, "a", "");
        driver_do(d, 2, 2, TX_OP_PUT, "b", "1");
        driver_do(d, 2, 3, TX_OP_LOCK, "c", "");
        expect_locks(d, 2, "u s/a, x s/b, x s/c");
        driver_do(d, 2, 4, TX_OP_GET, "a", ""); /* held before: kept */
        driver_do(d, 2, 5, TX_OP_GET, "b", "");
        driver_do(d, 2, 6, TX_OP_GET, "c", "");
        expect_locks(d, 2, "u s/a, x s/b, x s/c");
        struct tx_op ops[] = {driver_op(TX_OP_LOCK, "d", "")};
        ops[0].mode = TX_LOCK_S;
        driver_operate(d, driver_id(d, 2), 7, ops, 1);
        driver_do(d, 2, 8, TX_OP_GET, "d", "");
        expect_locks(d, 2, "u s/a, x s/b, x s/c, s s/d");
        driver_free(d);
    }
}

static void test_a_lock_above_is_kept_at_read_committed(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    struct tx_op lock = driver_op(TX_OP_LOCK, "", "");
    d->isolation = TX_READ_COMMITTED;
    lock.mode = TX_LOCK_S;
    driver_operate(d, driver_id(d, 2), 1, &lock, 1);
    driver_do(d, 2, 2, TX_OP_GET, "a", "");
    driver_scans(d, 2, 3, driver_scan_op("", "", 9, false));
    expect_rows(d, "a=A b=B d=D e=E");
    expect_locks(d, 2, "s s");
    driver_free(d);
}

/* The store shows a one-phase commit before its record is durable. Every lock waits for that; a
 * read without one is answered when no crash can take it back any more. */
static void test_no_level_shows_what_a_crash_takes_back(void **unused)
{
    (void)unused;
    for (enum tx_isolation isolation = 0; isolation < TX_ISOLATIONS_N; isolation++) {
        struct driver *d = driver_with_data(NULL);
        const struct tx_op put = driver_op(TX_OP_PUT, "b", "new");
        const struct tx_op ops[] = {driver_op(TX_OP_GET, "b", ""),
                                    driver_scan_op("a", "c", 9, false)};
        driver_prepare(d, driver_id(d, 2), DRIVER_ONE_PHASE | DRIVER_ONE_SHOT, &put, 1);
        assert_string_equal(driver_value(d, "b"), "new"); /* it is in the store */
        d->isolation = isolation;
        driver_operate(d, driver_id(d, 3), 1, &ops[0], 1);
        driver_operate(d, driver_id(d, 4), 1, &ops[1], 1);
        driver_prepare(d, driver_id(d, 5), DRIVER_ONE_PHASE | DRIVER_ONE_SHOT, ops, 2);
        assert_int_equal(driver_count(d, TX_MSG_OPERATED), 0);
        assert_int_equal(driver_count(d, TX_MSG_VOTE), 0);
        expect_waiting(d, isolation == TX_READ_UNCOMMITTED ? 0 : 3);
        driver_abort(d, driver_id(d, 4)); /* while it waits; its client hears of it */
        expect_operated(d, TX_REASON_CLIENT);
        driver_sync(d);
        assert_int_equal(driver_count(d, TX_MSG_OPERATED), 2);
        assert_int_equal(driver_count(d, TX_MSG_VOTE), 2);
        expect_vote(d, driver_id(d, 5), TX_VOTE_READ_ONLY);
        const struct tx_result *results = driver_last(d, TX_MSG_VOTE)->vote.results;
        assert_true(tx_bytes_equal(results[0].value, tx_bytes_str("new")));
        expect_result(&results[1], "a=A b=new");
        driver_free(d);
    }
}

/* An operator's decision lets the locks go at once. */
static void test_an_operators_commit_is_shown_when_it_is_durable(void **unused)
{
    (void)unused;
    for (enum tx_isolation isolation = 0; isolation < TX_ISOLATIONS_N; isolation++) {
        struct driver *d = driver_with_data(NULL);
        driver_do(d, 2, 1, TX_OP_PUT, "b", "new");
        driver_prepare(d, driver_id(d, 2), 0, NULL, 0);
        driver_sync(d);
        driver_resolve(d, driver_id(d, 2), true);
        driver_clear(d);
        d->isolation = isolation;
        driver_do(d, 3, 1, TX_OP_GET, "b", "");
        assert_int_equal(driver_count(d, TX_MSG_OPERATED), 0);
        expect_waiting(d, 0);
        driver_sync(d);
        expect_operated(d, TX_REASON_NONE);
        driver_clear(d);
        driver_do(d, 3, 2, TX_OP_GET, "b", ""); /* from then on at once */
        expect_operated(d, TX_REASON_NONE);
        driver_free(d);
    }
}

static void test_a_transaction_has_one_level(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    d->isolation = TX_READ_COMMITTED;
    driver_do(d, 2, 1, TX_OP_GET, "a", "");
    driver_clear(d);
    d->isolation = TX_SERIALIZABLE;
    driver_do(d, 2, 2, TX_OP_PUT, "a", "1");
    expect_error(d, TX_ESTATE, TX_REASON_NONE);
    struct tx_bytes text = driver_last(d, TX_MSG_ERROR)->error.text;
    assert_non_null(memmem(text.data, text.len, "read-committed", 14));
    assert_non_null(memmem(text.data, text.len, "serializable", 12));
    expect_locks(d, 2, ""); /* nothing has been done */
    driver_clear(d);
    d->isolation = TX_READ_COMMITTED;
    driver_do(d, 2, 2, TX_OP_PUT, "a", "1"); /* the step is still to come */
    expect_operated(d, TX_REASON_NONE);
    expect_locks(d, 2, "x s/a");
    driver_free(d);
}

/* ---- one-shots, votes, restarts ---- */

static void test_a_one_shot_scans(void **unused)
{
    (void)unused;
    for (enum tx_isolation isolation = 0; isolation < TX_ISOLATIONS_N; isolation++) {
        struct driver *d = driver_with_data(NULL);
        d->isolation = isolation;
        struct tx_op op = driver_scan_op("b", "", 2, false);
        unsigned flags = DRIVER_ONE_PHASE | DRIVER_ONE_SHOT;
        driver_prepare(d, driver_id(d, 2), flags, &op, 1);
        expect_vote(d, driver_id(d, 2), TX_VOTE_READ_ONLY);
        const struct tx_msg_vote *vote = &driver_last(d, TX_MSG_VOTE)->vote;
        assert_int_equal(vote->results_n, 1);
        expect_result(&vote->results[0], "b=B d=D+");
        assert_int_equal(driver_stats(d).locks_held, 0);
        driver_free(d);
    }
}

static void test_a_one_shot_keeps_what_its_level_says(void **unused)
{
    (void)unused;
    static const char *const locks[TX_ISOLATIONS_N] = {
        [TX_SERIALIZABLE] = "x s/x, s s/b..d\\x00",
        [TX_REPEATABLE_READ] = "x s/x, s s/b, s s/d",
        [TX_READ_COMMITTED] = "x s/x",
        [TX_READ_UNCOMMITTED] = "x s/x",
    };
    for (enum tx_isolation isolation = 0; isolation < TX_ISOLATIONS_N; isolation++) {
        struct driver *d = driver_with_data(NULL);
        d->isolation = isolation;
        const struct tx_op ops[] = {driver_op(TX_OP_PUT, "x", "1"),
                                    driver_scan_op("b", "", 2, false)};
        driver_prepare(d, driver_id(d, 2), DRIVER_ONE_SHOT, ops, 2);
        driver_sync(d);
        expect_vote(d, driver_id(d, 2), TX_VOTE_YES);
        expect_locks(d, 2, locks[isolation]);
        driver_free(d);
    }
}

/* In doubt through a restart: nobody gets into the scanned range until the decision. */
static void test_a_range_outlives_a_restart(void **unused)
{
    (void)unused;
    for (int commit = 0; commit <= 1; commit++) {
        struct driver *d = driver_with_data(NULL);
        driver_do(d, 2, 1, TX_OP_PUT, "x", "1");
        driver_scans(d, 2, 2, driver_scan_op("b", "", 2, false));
        driver_scans(d, 2, 3, driver_scan_op("", "a\x01", 2, true));
        driver_prepare(d, driver_id(d, 2), 0, NULL, 0);
        driver_sync(d);
        expect_locks(d, 2, "x s/x, s s/b..d\\x00, s s/..a\\x01");
        driver_restart(d, d->log_n);
        expect_locks(d, 2, "x s/x, s s/b..d\\x00, s s/..a\\x01");
        driver_hello(d, 1, 7);
        driver_sync(d);
        driver_do(d, 3, 1, TX_OP_INSERT, "c", "C");
        expect_waiting(d, 1);
        driver_do(d, 4, 1, TX_OP_PUT, "a", "new");
        expect_waiting(d, 2);
        driver_do(d, 5, 1, TX_OP_INSERT, "dd", "beside");
        expect_waiting(d, 2);
        if (commit)
            driver_commit(d, driver_id(d, 2));
        else
            driver_abort(d, driver_id(d, 2));
        expect_waiting(d, 0);
        expect_locks(d, 2, "");
        driver_free(d);
    }
}

/* A snapshot restates the ranges as well. */
static void test_a_range_outlives_a_snapshot(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.snapshot_records = 5;
    struct driver *d = driver_with_data(&options);
    driver_do(d, 2, 1, TX_OP_PUT, "x", "1");
    driver_scans(d, 2, 2, driver_scan_op("b", "", 2, false));
    driver_prepare(d, driver_id(d, 2), 0, NULL, 0);
    driver_sync(d);
    size_t before = driver_records(d, TXLOG_PREPARED);
    for (uint64_t seq = 10; seq < 20; seq++)
        commit_one(d, seq, TX_OP_PUT, "y", "1");
    assert_true(driver_records(d, TXLOG_PREPARED) > before);
    driver_restart(d, d->log_n);
    expect_locks(d, 2, "x s/x, s s/b..d\\x00");
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_each_level_keeps_locked),
        cmocka_unit_test(test_who_may_write_what_was_read),
        cmocka_unit_test(test_who_waits_for_a_writer),
        cmocka_unit_test(test_what_matters_stays_locked),
        cmocka_unit_test(test_a_lock_above_is_kept_at_read_committed),
        cmocka_unit_test(test_no_level_shows_what_a_crash_takes_back),
        cmocka_unit_test(test_an_operators_commit_is_shown_when_it_is_durable),
        cmocka_unit_test(test_a_transaction_has_one_level),
        cmocka_unit_test(test_a_one_shot_scans),
        cmocka_unit_test(test_a_one_shot_keeps_what_its_level_says),
        cmocka_unit_test(test_a_range_outlives_a_restart),
        cmocka_unit_test(test_a_range_outlives_a_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
