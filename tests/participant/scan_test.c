/* Scans: what they read and lock, what happens when others write meanwhile, and results that would
 * not fit into a message. */
#include "scan_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

/* ---- waiting, and reading again ---- */

static void test_a_scan_waits_and_reads_again(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    driver_do(d, 2, 1, TX_OP_PUT, "b", "new");
    driver_clear(d);
    driver_scans(d, 3, 1, driver_scan_op("a", "e", 100, false));
    expect_waiting(d, 1);
    assert_int_equal(driver_count(d, TX_MSG_OPERATED), 0);
    driver_prepare(d, driver_id(d, 2), 0, NULL, 0);
    driver_sync(d);
    expect_waiting(d, 1); /* a prepared writer is waited for */
    commit_prepared(d, 2);
    expect_rows(d, "a=A b=new d=D");
    expect_locks(d, 3, "s s/a..e");
    assert_int_equal(d->scans, 2);
    driver_free(d);
}

static void test_an_aborted_writer_is_waited_for_as_well(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    driver_do(d, 2, 1, TX_OP_PUT, "c", "new");
    driver_scans(d, 3, 1, driver_scan_op("a", "e", 100, false));
    expect_waiting(d, 1);
    driver_abort(d, driver_id(d, 2));
    expect_rows(d, "a=A b=B d=D");
    driver_free(d);
}

/* What comes in front of the last row makes the scan shorter: the rest is given back. */
static void test_a_shorter_second_read_trims(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    driver_do(d, 2, 1, TX_OP_PUT, "c", "C");
    driver_prepare(d, driver_id(d, 2), 0, NULL, 0);
    driver_sync(d);
    driver_scans(d, 3, 1, driver_scan_op("", "", 3, false)); /* a b d */
    expect_waiting(d, 1);
    commit_prepared(d, 2);
    expect_rows(d, "a=A b=B c=C+");
    expect_locks(d, 3, "s s/..c\\x00");
    assert_int_equal(d->scans, 2);
    driver_do(d, 4, 1, TX_OP_PUT, "d", "new");
    expect_waiting(d, 0);
    driver_free(d);
}

static void test_a_longer_second_read_locks_the_whole(void **unused)
{
    (void)unused;
    for (int reverse = 0; reverse <= 1; reverse++) {
        struct driver *d = driver_with_data(NULL);
        driver_do(d, 2, 1, TX_OP_DELETE, "b", "");
        driver_prepare(d, driver_id(d, 2), 0, NULL, 0);
        driver_sync(d);
        driver_scans(d, 3, 1,
                     reverse ? driver_scan_op("", "e", 2, true) : driver_scan_op("", "", 2, false));
        expect_waiting(d, 1);
        commit_prepared(d, 2);
        /* The second read goes further than it has locked; the lock on the whole is free, and
         * nothing was committed meanwhile, so it stands. */
        expect_rows(d, reverse ? "d=D a=A+" : "a=A d=D+");
        expect_locks(d, 3, reverse ? "s s/a..e" : "s s/..d\\x00");
        assert_int_equal(d->scans, 2);
        driver_do(d, 4, 1, TX_OP_PUT, reverse ? "e" : "dd", "new");
        expect_waiting(d, 0);
        driver_free(d);
    }
}

static void test_a_third_read_is_the_last(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    driver_do(d, 2, 1, TX_OP_DELETE, "b", "");
    driver_prepare(d, driver_id(d, 2), 0, NULL, 0);
    driver_sync(d);
    driver_do(d, 3, 1, TX_OP_PUT, "z", "Z");
    driver_prepare(d, driver_id(d, 3), 0, NULL, 0);
    driver_sync(d);
    driver_scans(d, 4, 1, driver_scan_op("", "", 2, false));
    expect_waiting(d, 1); /* for b */
    commit_prepared(d, 2);
    expect_waiting(d, 1); /* for z, which lies in the whole range */
    assert_int_equal(d->scans, 2);
    commit_prepared(d, 3);
    expect_rows(d, "a=A d=D+");
    expect_locks(d, 4, "s s/..d\\x00");
    assert_int_equal(d->scans, 3);
    driver_free(d);
}

/* A commit between a read and the grant of its lock, which is free by then: the read is repeated.
 */
static void test_a_commit_between_read_and_lock(void **unused)
{
    (void)unused;
    enum { ABORTS, COMMITS, COMMITS_AFTER_THE_READ, CASES_N };
    for (int other = 0; other < CASES_N; other++) {
        struct driver *d = driver_with_data(NULL);
        driver_do(d, 2, 1, TX_OP_PUT, "c", "C");
        driver_prepare(d, driver_id(d, 2), 0, NULL, 0);
        driver_sync(d);
        d->rm_slow = true;
        d->rm_reads_early = other == COMMITS_AFTER_THE_READ;
        driver_scans(d, 3, 1, driver_scan_op("", "", 9, false));
        assert_int_equal(d->calls_n, 1);
        if (other == ABORTS)
            driver_abort(d, driver_id(d, 2)); /* which changes nothing */
        else
            commit_prepared(d, 2); /* whether the store has read before is not known here */
        driver_rm_answer(d);
        assert_int_equal(d->calls_n, other != ABORTS);
        if (other != ABORTS)
            driver_rm_answer(d);
        expect_rows(d, other == ABORTS ? "a=A b=B d=D e=E" : "a=A b=B c=C d=D e=E");
        expect_locks(d, 3, "s s/..");
        driver_free(d);
    }
}

/* Below a range that it holds nobody commits: what is read there stands, whatever goes on
 * elsewhere. */
static void test_an_earlier_range_needs_no_second_read(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    driver_scans(d, 2, 1, driver_scan_op("a", "c", 9, false));
    d->rm_slow = true;
    driver_scans(d, 2, 2, driver_scan_op("a", "c", 9, false));
    d->rm_slow = false;
    commit_one(d, 3, TX_OP_PUT, "e", "new");
    driver_clear(d);
    driver_rm_answer(d);
    assert_int_equal(d->calls_n, 0);
    expect_rows(d, "a=A b=B");
    expect_locks(d, 2, "s s/a..c");
    assert_int_equal(d->scans, 2);
    driver_free(d);
}

/* ---- wounds, limits, refusals ---- */

static void test_an_insert_by_an_older_one_wounds_a_scan(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    driver_scans(d, 3, 1, driver_scan_op("a", "e", 100, false));
    driver_clear(d);
    driver_do(d, 2, 1, TX_OP_INSERT, "c", "C");
    expect_no(d, driver_id(d, 3), TX_REASON_WOUNDED);
    struct tx_bytes text = driver_last(d, TX_MSG_VOTE)->vote.text;
    assert_non_null(memmem(text.data, text.len, "s/c", 3));
    expect_operated(d, TX_REASON_NONE); /* the insert goes on */
    expect_locks(d, 2, "x s/c");
    driver_free(d);
}

static void test_an_older_scan_wounds_a_writer(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    driver_do(d, 3, 1, TX_OP_PUT, "c", "C");
    driver_clear(d);
    driver_scans(d, 2, 1, driver_scan_op("a", "e", 100, false));
    expect_no(d, driver_id(d, 3), TX_REASON_WOUNDED);
    struct tx_bytes text = driver_last(d, TX_MSG_VOTE)->vote.text;
    assert_non_null(memmem(text.data, text.len, "s/a..e", 6));
    expect_rows(d, "a=A b=B d=D");
    driver_free(d);
}

static void test_wounded_while_it_scans(void **unused)
{
    (void)unused;
    for (int waits = 0; waits <= 1; waits++) {
        struct driver *d = driver_with_data(NULL);
        driver_do(d, 4, 1, TX_OP_PUT, "k", "1");
        if (waits)
            driver_do(d, 3, 1, TX_OP_PUT, "c", "C");
        d->rm_slow = !waits;
        driver_scans(d, 4, 2, driver_scan_op("a", "e", 100, false));
        expect_waiting(d, (size_t)waits);
        d->rm_slow = false;
        driver_do(d, 2, 1, TX_OP_PUT, "k", "2");
        expect_no(d, driver_id(d, 4), TX_REASON_WOUNDED);
        expect_state(d, driver_id(d, 4), waits ? "tombstone" : "undoing");
        if (!waits)
            driver_rm_answer(d);
        expect_state(d, driver_id(d, 4), "tombstone");
        expect_locks(d, 4, "");
        driver_free(d);
    }
}

static void test_a_scan_times_out(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    driver_do(d, 2, 1, TX_OP_PUT, "c", "C");
    driver_scans(d, 3, 1, driver_scan_op("a", "e", 100, false));
    driver_clear(d);
    driver_advance(d, 5000000);
    expect_operated(d, TX_REASON_LOCK_TIMEOUT);
    struct tx_bytes text = driver_last(d, TX_MSG_OPERATED)->operated.text;
    assert_non_null(memmem(text.data, text.len, "no s lock on s/a..e", 19));
    driver_free(d);
}

static void test_policies_that_do_not_wait(void **unused)
{
    (void)unused;
    for (int wait_die = 0; wait_die <= 1; wait_die++) {
        struct part_options options = driver_options();
        options.lock_policy = wait_die ? TX_POLICY_WAIT_DIE : TX_POLICY_NO_WAIT;
        struct driver *d = driver_with_data(&options);
        driver_do(d, 2, 1, TX_OP_PUT, "c", "C");
        driver_scans(d, 3, 1, driver_scan_op("a", "e", 100, false));
        expect_operated(d, TX_REASON_LOCK_CONFLICT);
        struct tx_bytes text = driver_last(d, TX_MSG_OPERATED)->operated.text;
        assert_non_null(memmem(text.data, text.len, "s/a..e", 6));
        driver_free(d);
    }
}

/* With wait-die nobody younger may pass an older writer that waits; the rows of one's own range one
 * has all the same. The writer begins to wait while the scan reads again. */
static void test_rows_are_locked_past_an_older_waiter(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.lock_policy = TX_POLICY_WAIT_DIE;
    struct driver *d = driver_with_data(&options);
    driver_do(d, 6, 1, TX_OP_PUT, "c", "C"); /* the youngest: the scan waits for it */
    d->isolation = TX_REPEATABLE_READ;
    driver_scans(d, 5, 1, driver_scan_op("a", "e", 100, false));
    expect_waiting(d, 1);
    driver_prepare(d, driver_id(d, 6), 0, NULL, 0);
    driver_sync(d);
    d->rm_slow = true;
    commit_prepared(d, 6); /* the range is held now, and read again */
    assert_int_equal(d->calls_n, 1);
    d->isolation = TX_SERIALIZABLE;
    driver_do(d, 2, 1, TX_OP_PUT, "b", "new"); /* older: it waits for the range */
    expect_waiting(d, 1);
    driver_rm_answer(d);
    expect_rows(d, "a=A b=B c=C d=D");
    expect_locks(d, 5, "s s/a, s s/b, s s/c, s s/d");
    expect_waiting(d, 1); /* for the key now */
    driver_free(d);
}

static void test_too_many_locks(void **unused)
{
    (void)unused;
    static const struct {
        enum tx_isolation isolation;
        size_t locks_max;
        bool fits;
    } cases[] = {
        {TX_SERIALIZABLE, 3, true},     {TX_SERIALIZABLE, 2, false},  {TX_REPEATABLE_READ, 7, true},
        {TX_REPEATABLE_READ, 6, false}, {TX_READ_COMMITTED, 3, true}, {TX_READ_COMMITTED, 2, false},
        {TX_READ_UNCOMMITTED, 0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct part_options options = driver_options();
        options.locks_max = 6;
        struct driver *d = driver_with_data(&options);
        struct part_options few = d->options;
        few.locks_max = cases[i].locks_max;
        d->options = few;
        driver_restart(d, d->log_n); /* with the data, and the limit */
        driver_hello(d, 2, 8);
        driver_sync(d);
        d->isolation = cases[i].isolation;
        driver_scans(d, 2, 1, driver_scan_op("", "", 4, false));
        expect_operated(d, cases[i].fits ? TX_REASON_NONE : TX_REASON_LIMIT);
        assert_int_equal(driver_stats(d).aborted_by[TX_REASON_LIMIT], !cases[i].fits);
        driver_free(d);
    }
}

static void test_escalation(void **unused)
{
    (void)unused;
    for (int repeatable = 0; repeatable <= 1; repeatable++) {
        struct part_options options = driver_options();
        options.escalate_at = 2;
        struct driver *d = driver_with_data(&options);
        d->isolation = repeatable ? TX_REPEATABLE_READ : TX_SERIALIZABLE;
        driver_do(d, 2, 1, TX_OP_GET, "x", "");
        driver_do(d, 2, 2, TX_OP_GET, "y", "");
        driver_scans(d, 2, 3, driver_scan_op("", "", 2, false));
        expect_rows(d, "a=A b=B+");
        expect_locks(d, 2, "s s");
        driver_scans(d, 2, 4, driver_scan_op("", "", 2, true));
        expect_rows(d, "e=E d=D+");
        expect_locks(d, 2, "s s");
        driver_free(d);
    }
}

/* The range itself is the lock that counts up to the escalation of the rows. */
static void test_escalation_while_the_rows_are_locked(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.escalate_at = 3;
    struct driver *d = driver_with_data(&options);
    d->isolation = TX_REPEATABLE_READ;
    driver_scans(d, 2, 1, driver_scan_op("", "", 9, false));
    expect_rows(d, "a=A b=B d=D e=E");
    expect_locks(d, 2, "s s");
    driver_free(d);
}

/* ---- several scans of one transaction ---- */

static void test_an_earlier_range_is_kept(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    driver_scans(d, 2, 1, driver_scan_op("a", "e", 9, false));
    driver_scans(d, 2, 2, driver_scan_op("a", "e", 9, false));
    expect_locks(d, 2, "s s/a..e");
    driver_scans(d, 2, 3, driver_scan_op("a", "e", 1, false));
    expect_rows(d, "a=A+");
    expect_locks(d, 2, "s s/a..e, s s/a..a\\x00");
    driver_free(d);
}

/* The whole range that a longer second read needs is that of an earlier scan. */
static void test_an_earlier_whole_range_is_kept(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    driver_do(d, 2, 1, TX_OP_DELETE, "b", ""); /* its own: in the way of nobody but others */
    driver_scans(d, 2, 2, driver_scan_op("", "", 9, false));
    expect_rows(d, "a=A d=D e=E");
    expect_locks(d, 2, "x s/b, s s/..");
    driver_scans(d, 2, 3, driver_scan_op("", "", 2, false));
    expect_rows(d, "a=A d=D+");
    expect_locks(d, 2, "x s/b, s s/.., s s/..d\\x00");
    driver_free(d);
}

static void test_continuing_a_scan(void **unused)
{
    (void)unused;
    struct driver *d = driver_with_data(NULL);
    struct tx_op op = driver_scan_op("", "", 2, false);
    driver_scans(d, 2, 1, op);
    expect_rows(d, "a=A b=B+");
    op.key = tx_bytes("b\0", 2);
    driver_scans(d, 2, 2, op);
    expect_rows(d, "d=D e=E+");
    op.key = tx_bytes("e\0", 2);
    driver_scans(d, 2, 3, op);
    expect_rows(d, "");
    expect_locks(d, 2, "s s/..b\\x00, s s/b\\x00..e\\x00, s s/e\\x00..");
    driver_free(d);
}

static void test_own_writes_are_seen(void **unused)
{
    (void)unused;
    for (enum tx_isolation isolation = 0; isolation < TX_ISOLATIONS_N; isolation++) {
        struct driver *d = driver_with_data(NULL);
        d->isolation = isolation;
        const struct tx_op ops[] = {
            driver_op(TX_OP_PUT, "c", "own"), driver_op(TX_OP_DELETE, "d", ""),
            driver_scan_op("b", "", 9, false), driver_scan_op("", "", 2, true)};
        driver_operate(d, driver_id(d, 2), 1, ops, 4);
        expect_operated(d, TX_REASON_NONE);
        const struct tx_result *results = driver_last(d, TX_MSG_OPERATED)->operated.results;
        expect_result(&results[2], "b=B c=own e=E");
        expect_result(&results[3], "e=E c=own+");
        driver_free(d);
    }
}

/* ---- results that would not fit into a message ---- */

static void test_results_too_large_for_a_message(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.results_max = 100;
    for (int one_shot = 0; one_shot <= 1; one_shot++) {
        struct driver *d = driver_with_data(&options);
        char value[61];
        memset(value, 'v', sizeof value - 1);
        value[sizeof value - 1] = '\0';
        commit_one(d, 2, TX_OP_PUT, "big", value);
        const struct tx_op ops[] = {driver_op(TX_OP_GET, "big", ""),
                                    driver_op(TX_OP_GET, "big", "")};
        driver_operate(d, driver_id(d, 3), 1, ops, 1);
        expect_operated(d, TX_REASON_NONE);
        if (one_shot) {
            driver_prepare(d, driver_id(d, 4), DRIVER_ONE_SHOT | DRIVER_ONE_PHASE, ops, 2);
            expect_no(d, driver_id(d, 4), TX_REASON_LIMIT);
        } else {
            driver_operate(d, driver_id(d, 3), 2, ops, 1); /* each step has a message of its own */
            expect_operated(d, TX_REASON_NONE);
            driver_operate(d, driver_id(d, 3), 3, ops, 2);
            expect_operated(d, TX_REASON_LIMIT);
            struct tx_bytes text = driver_last(d, TX_MSG_OPERATED)->operated.text;
            assert_non_null(memmem(text.data, text.len, "several steps", 13));
            expect_locks(d, 3, "");
        }
        driver_free(d);
    }
}

/* A scan is cut where the message ends, and locks no further. */
static void test_a_scan_fills_the_message(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.results_max = 8 + 25; /* two rows of 10 bytes */
    struct driver *d = driver_with_data(&options);
    driver_scans(d, 2, 1, driver_scan_op("", "", 9, false));
    expect_rows(d, "a=A b=B+");
    expect_locks(d, 2, "s s/..b\\x00");
    const struct tx_op ops[] = {driver_scan_op("d", "", 1, false), driver_scan_op("", "", 9, true)};
    driver_operate(d, driver_id(d, 3), 1, ops, 2); /* 8 + 10 + 8: no room for a row more */
    expect_operated(d, TX_REASON_LIMIT);
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_scan_waits_and_reads_again),
        cmocka_unit_test(test_an_aborted_writer_is_waited_for_as_well),
        cmocka_unit_test(test_a_shorter_second_read_trims),
        cmocka_unit_test(test_a_longer_second_read_locks_the_whole),
        cmocka_unit_test(test_a_third_read_is_the_last),
        cmocka_unit_test(test_a_commit_between_read_and_lock),
        cmocka_unit_test(test_an_earlier_range_needs_no_second_read),
        cmocka_unit_test(test_an_insert_by_an_older_one_wounds_a_scan),
        cmocka_unit_test(test_an_older_scan_wounds_a_writer),
        cmocka_unit_test(test_wounded_while_it_scans),
        cmocka_unit_test(test_a_scan_times_out),
        cmocka_unit_test(test_policies_that_do_not_wait),
        cmocka_unit_test(test_rows_are_locked_past_an_older_waiter),
        cmocka_unit_test(test_too_many_locks),
        cmocka_unit_test(test_escalation),
        cmocka_unit_test(test_escalation_while_the_rows_are_locked),
        cmocka_unit_test(test_an_earlier_range_is_kept),
        cmocka_unit_test(test_an_earlier_whole_range_is_kept),
        cmocka_unit_test(test_continuing_a_scan),
        cmocka_unit_test(test_own_writes_are_seen),
        cmocka_unit_test(test_results_too_large_for_a_message),
        cmocka_unit_test(test_a_scan_fills_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
