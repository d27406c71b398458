/* Every cell of the participant's table in docs/protocol.md: state x message. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

#define CELL(name) static void test_##name(void **unused)
#define RUN(name)  cmocka_unit_test(test_##name)

/* ---- none ---- */

CELL(none_x_prepare_one_shot)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op ops[2] = {driver_op(TX_OP_PUT, "x", "1"), driver_op(TX_OP_GET, "y", "")};
    driver_prepare(d, driver_id(d, 1), DRIVER_ONE_SHOT, ops, 2);
    expect_state(d, driver_id(d, 1), "preparing");
    expect_silence(d);
    driver_sync(d);
    expect_vote(d, driver_id(d, 1), TX_VOTE_YES);
    assert_int_equal(driver_last(d, TX_MSG_VOTE)->vote.results_n, 2);
    expect_state(d, driver_id(d, 1), "prepared");
    driver_free(d);
}

CELL(none_x_prepare_interactive)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_prepare(d, driver_id(d, 1), 0, NULL, 0);
    expect_no(d, driver_id(d, 1), TX_REASON_RESTARTED);
    expect_state(d, driver_id(d, 1), "tombstone");
    driver_free(d);
}

CELL(none_x_prepare_one_shot_of_another_incarnation)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    driver_restart(d, d->log_n);
    driver_prepare(d, driver_id(d, 1), DRIVER_ONE_SHOT | DRIVER_OLD, &op, 1);
    expect_no(d, driver_id(d, 1), TX_REASON_RESTARTED);
    driver_free(d);
}

CELL(tombstone_x_prepare)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_tombstone(d, 1);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    driver_prepare(d, id, DRIVER_ONE_SHOT, &op, 1);
    expect_no(d, id, TX_REASON_CLIENT);
    driver_free(d);
}

CELL(forgotten_x_prepare)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    driver_make_forgotten(d, 10);
    driver_prepare(d, driver_id(d, 9), DRIVER_ONE_SHOT, &op, 1);
    expect_silence(d);
    expect_state(d, driver_id(d, 9), "forgotten");
    driver_free(d);
}

CELL(none_x_commit)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_commit(d, driver_id(d, 1));
    expect_silence(d);
    expect_alarms(d, 1);
    assert_true(driver_noted(d, PART_ACTION_ALARM, "COMMIT of transaction 1-1-1"));
    assert_int_equal(driver_records(d, TXLOG_ALARM), 1);
    driver_commit(d, driver_id(d, 1)); /* counted again, kept once */
    expect_alarms(d, 2);
    assert_int_equal(driver_records(d, TXLOG_ALARM), 1);
    driver_free(d);
}

CELL(tombstone_x_commit)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_commit(d, driver_make_tombstone(d, 1));
    expect_silence(d);
    expect_alarms(d, 1);
    driver_free(d);
}

CELL(forgotten_x_commit)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_forgotten(d, 10);
    driver_commit(d, driver_id(d, 9));
    expect_ack(d, driver_id(d, 9), TX_HEURISTIC_NONE);
    expect_alarms(d, 0);
    driver_free(d);
}

CELL(none_x_abort)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_id(d, 1);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    driver_abort(d, id);
    expect_silence(d);
    expect_state(d, id, "tombstone");
    driver_prepare(d, id, DRIVER_ONE_SHOT, &op, 1); /* came late */
    expect_no(d, id, TX_REASON_CLIENT);
    driver_free(d);
}

CELL(forgotten_x_abort)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_forgotten(d, 10);
    driver_abort(d, driver_id(d, 3));
    expect_silence(d);
    expect_state(d, driver_id(d, 3), "forgotten");
    assert_int_equal(driver_stats(d).tombstones, 0);
    driver_free(d);
}

CELL(none_x_inquire)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_inquire_peer(d, "b", driver_id(d, 1), true);
    expect_answer(d, driver_id(d, 1), TX_STATE_NO);
    assert_string_equal(driver_last_to(d, TX_MSG_STATE)->address.s, "participant-b");
    expect_state(d, driver_id(d, 1), "tombstone");
    driver_inquire(d, driver_id(d, 2));
    expect_answer(d, driver_id(d, 2), TX_STATE_NO);
    assert_string_equal(driver_last_to(d, TX_MSG_STATE)->address.s, "coordinator-1");
    driver_free(d);
}

CELL(tombstone_x_inquire)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_tombstone(d, 1);
    driver_inquire(d, id);
    expect_answer(d, id, TX_STATE_NO);
    driver_free(d);
}

/* One of several that only read, and has dropped out: it does not know the end. */
CELL(tombstone_of_a_reader_x_inquire)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_id(d, 1);
    driver_do(d, 1, 1, TX_OP_GET, "x", "");
    driver_prepare(d, id, DRIVER_READ_ONLY, NULL, 0);
    expect_vote(d, id, TX_VOTE_READ_ONLY);
    driver_clear(d);
    driver_inquire_peer(d, "b", id, true);
    expect_silence(d);
    driver_inquire(d, id);
    expect_answer(d, id, TX_STATE_FORGOTTEN);
    driver_free(d);
}

CELL(forgotten_x_inquire)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_forgotten(d, 10);
    driver_inquire_peer(d, "b", driver_id(d, 1), true);
    expect_answer(d, driver_id(d, 1), TX_STATE_NO);
    driver_inquire(d, driver_id(d, 2));
    expect_answer(d, driver_id(d, 2), TX_STATE_FORGOTTEN);
    driver_free(d);
}

CELL(tombstone_x_forget)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_tombstone(d, 1);
    struct tx_id above = driver_make_tombstone(d, 5);
    driver_forget(d, 1, 5, NULL, 0);
    expect_state(d, id, "forgotten");
    expect_state(d, above, "tombstone");
    assert_int_equal(driver_stats(d).tombstones, 1);
    driver_free(d);
}

CELL(none_x_restart)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_tombstone(d, 1);
    driver_restart(d, d->log_n);
    expect_state(d, id, "none");
    expect_silence(d);
    driver_free(d);
}

/* ---- working ---- */

CELL(working_x_prepare)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    driver_prepare(d, id, 0, NULL, 0);
    expect_state(d, id, "preparing");
    expect_silence(d);
    driver_sync(d);
    expect_vote(d, id, TX_VOTE_YES);
    assert_int_equal(driver_records(d, TXLOG_PREPARED), 1);
    driver_free(d);
}

CELL(working_read_only_x_prepare)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_id(d, 1);
    driver_do(d, 1, 1, TX_OP_GET, "x", "");
    driver_prepare(d, id, DRIVER_READ_ONLY, NULL, 0);
    expect_vote(d, id, TX_VOTE_READ_ONLY);
    assert_int_equal(driver_stats(d).locks_held, 0);
    assert_int_equal(driver_records(d, TXLOG_PREPARED), 0);
    driver_free(d);
}

CELL(working_one_shot_x_prepare)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_id(d, 1);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    d->rm_slow = true;
    driver_prepare(d, id, DRIVER_ONE_SHOT, &op, 1);
    driver_prepare(d, id, DRIVER_ONE_SHOT, &op, 1);
    expect_silence(d);
    assert_int_equal(d->calls_n, 1);
    driver_rm_answer(d);
    driver_rm_answer(d);
    driver_sync(d);
    assert_int_equal(driver_count(d, TX_MSG_VOTE), 1);
    driver_free(d);
}

CELL(working_x_commit)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    driver_commit(d, id);
    expect_silence(d);
    expect_alarms(d, 1);
    expect_state(d, id, "working");
    driver_free(d);
}

CELL(working_x_abort)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    driver_abort(d, id);
    expect_silence(d); /* who aborts needs no NO */
    expect_state(d, id, "tombstone");
    assert_int_equal(d->rollbacks, 1);
    assert_int_equal(driver_stats(d).locks_held, 0);
    driver_free(d);
}

CELL(working_x_inquire)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    driver_inquire_peer(d, "b", id, true);
    expect_answer(d, id, TX_STATE_NO);
    assert_int_equal(driver_count(d, TX_MSG_VOTE), 0);
    expect_state(d, id, "tombstone");
    driver_prepare(d, id, 0, NULL, 0);
    expect_no(d, id, TX_REASON_INQUIRED);
    driver_free(d);
}

CELL(working_x_forget)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    driver_forget(d, 1, 2, NULL, 0);
    expect_silence(d);
    expect_state(d, id, "forgotten");
    assert_int_equal(driver_stats(d).locks_held, 0);
    driver_free(d);
}

CELL(working_x_restart)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    driver_restart(d, d->log_n);
    expect_state(d, id, "none");
    driver_prepare(d, id, DRIVER_OLD, NULL, 0);
    expect_no(d, id, TX_REASON_RESTARTED);
    driver_free(d);
}

/* ---- preparing ---- */

CELL(preparing_x_prepare)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_prepare(d, driver_make_preparing(d, 1), 0, NULL, 0);
    expect_silence(d);
    assert_int_equal(driver_records(d, TXLOG_PREPARED), 1);
    driver_free(d);
}

CELL(preparing_x_commit)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_preparing(d, 1);
    driver_commit(d, id);
    driver_commit(d, id);
    expect_silence(d);
    expect_state(d, id, "preparing");
    driver_sync_to(d, d->log_n);
    assert_int_equal(driver_count(d, TX_MSG_VOTE), 1);
    expect_state(d, id, "committed");
    driver_sync(d);
    expect_ack(d, id, TX_HEURISTIC_NONE);
    expect_alarms(d, 0);
    driver_free(d);
}

CELL(preparing_x_abort)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_preparing(d, 1);
    driver_abort(d, id);
    expect_state(d, id, "preparing");
    driver_sync(d);
    expect_state(d, id, "tombstone");
    assert_int_equal(driver_records(d, TXLOG_ABORTED), 1);
    driver_free(d);
}

CELL(preparing_x_inquire)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_preparing(d, 1);
    driver_inquire_peer(d, "b", id, true);
    driver_inquire_peer(d, "c", id, true);
    driver_inquire(d, id);
    driver_inquire(d, id);
    expect_silence(d);
    driver_sync(d);
    assert_int_equal(driver_count(d, TX_MSG_STATE), 3);
    expect_answer(d, id, TX_STATE_PREPARED);
    driver_free(d);
}

CELL(preparing_x_forget)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_preparing(d, 1);
    driver_forget(d, 1, 2, NULL, 0);
    expect_silence(d);
    expect_state(d, id, "preparing");
    driver_sync(d);
    expect_vote(d, id, TX_VOTE_YES);
    driver_free(d);
}

CELL(preparing_x_restart)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id lost = driver_make_preparing(d, 1);
    driver_restart(d, d->log_n - 1);
    expect_state(d, lost, "none");
    struct tx_id kept = driver_make_preparing(d, 2);
    driver_restart(d, d->log_n);
    expect_state(d, kept, "prepared");
    driver_free(d);
}

/* ---- prepared ---- */

CELL(prepared_x_prepare)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_prepare(d, id, 0, NULL, 0);
    expect_vote(d, id, TX_VOTE_YES);
    driver_restart(d, d->log_n);
    driver_clear(d);
    driver_prepare(d, id, DRIVER_OLD, NULL, 0); /* the record counts, not the incarnation */
    expect_vote(d, id, TX_VOTE_YES);
    driver_free(d);
}

CELL(prepared_x_commit)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    assert_null(driver_value(d, "k1"));
    driver_commit(d, id);
    expect_silence(d);
    expect_state(d, id, "committed");
    assert_string_equal(driver_value(d, "k1"), "v1");
    assert_int_equal(driver_stats(d).locks_held, 0);
    assert_int_equal(driver_records(d, TXLOG_COMMITTED), 1);
    driver_commit(d, id); /* not durable yet: still silent */
    expect_silence(d);
    driver_sync(d);
    expect_ack(d, id, TX_HEURISTIC_NONE);
    assert_int_equal(driver_count(d, TX_MSG_ACK), 1);
    driver_free(d);
}

CELL(prepared_x_abort)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_abort(d, id);
    expect_silence(d);
    expect_state(d, id, "tombstone");
    assert_int_equal(driver_records(d, TXLOG_ABORTED), 1);
    assert_int_equal(d->rollbacks, 1);
    assert_int_equal(driver_stats(d).locks_held, 0);
    assert_int_equal(driver_stats(d).aborted_by[TX_REASON_CLIENT], 1);
    driver_free(d);
}

CELL(prepared_x_inquire)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_inquire_peer(d, "b", id, true);
    expect_answer(d, id, TX_STATE_PREPARED);
    assert_false(driver_last(d, TX_MSG_STATE)->state.heuristic);
    expect_state(d, id, "prepared");
    driver_free(d);
}

CELL(prepared_x_forget)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_forget(d, 1, 2, NULL, 0);
    expect_state(d, id, "prepared");
    assert_true(driver_last(d, TX_MSG_INQUIRE)->inquire.in_doubt);
    assert_string_equal(driver_last_to(d, TX_MSG_INQUIRE)->address.s, "coordinator-1");
    driver_commit(d, id); /* and once it has ended, the mark takes it */
    driver_sync(d);
    expect_ack(d, id, TX_HEURISTIC_NONE);
    expect_state(d, id, "forgotten");
    driver_free(d);
}

CELL(prepared_x_restart)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_restart(d, d->log_n);
    expect_state(d, id, "prepared");
    assert_true(tx_id_equal(driver_last(d, TX_MSG_INQUIRE)->inquire.id, id));
    assert_true(driver_noted(d, PART_ACTION_NOTE, "recovered 1 prepared"));
    driver_do(d, 2, 1, TX_OP_GET, "k1", ""); /* its lock is held again */
    assert_int_equal(driver_stats(d).locks_waiting, 1);
    driver_clear(d);
    driver_commit(d, id);
    assert_true(driver_noted(d, PART_ACTION_NOTE, "settled: committed"));
    expect_operated(d, TX_REASON_NONE);
    assert_string_equal(driver_value(d, "k1"), "v1");
    driver_free(d);
}

/* ---- committed ---- */

CELL(committed_x_prepare)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_committed(d, 1);
    driver_prepare(d, id, 0, NULL, 0);
    expect_vote(d, id, TX_VOTE_COMMITTED);
    struct tx_id fresh = driver_make_prepared(d, 2);
    driver_commit(d, fresh);
    driver_prepare(d, fresh, 0, NULL, 0); /* its record is not durable: nothing is said */
    expect_silence(d);
    driver_free(d);
}

CELL(committed_x_commit)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_committed(d, 1);
    uint64_t records = d->log_n;
    driver_commit(d, id);
    expect_ack(d, id, TX_HEURISTIC_NONE);
    assert_int_equal(d->log_n, records);
    driver_free(d);
}

CELL(committed_x_abort)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_committed(d, 1);
    driver_abort(d, id);
    expect_silence(d);
    expect_alarms(d, 1);
    expect_state(d, id, "committed");
    /* In answer to a late inquiry: no commit is found, for it may be forgotten by now. */
    const struct tx_msg presumed = {.type = TX_MSG_ABORT, .abort = {id, TX_REASON_PRESUMED, false}};
    driver_from_coordinator(d, &presumed);
    expect_ack(d, id, TX_HEURISTIC_NONE);
    struct tx_id fresh = driver_make_prepared(d, 2);
    driver_commit(d, fresh);
    const struct tx_msg early = {.type = TX_MSG_ABORT, .abort = {fresh, TX_REASON_PRESUMED, false}};
    driver_from_coordinator(d, &early); /* its record is not durable: nothing is said */
    expect_silence(d);
    driver_sync(d);
    expect_ack(d, fresh, TX_HEURISTIC_NONE);
    expect_alarms(d, 1);
    driver_free(d);
}

CELL(committed_x_inquire)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_committed(d, 1);
    driver_inquire_peer(d, "c", id, true);
    expect_answer(d, id, TX_STATE_COMMITTED);
    driver_free(d);
}

CELL(committed_x_forget)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_committed(d, 1);
    struct tx_id open = driver_make_committed(d, 2);
    struct tx_id fresh = driver_make_prepared(d, 3);
    uint64_t seq = 2;
    driver_commit(d, fresh);
    driver_forget(d, 1, 4, &seq, 1);
    expect_silence(d);
    expect_state(d, id, "forgotten");
    expect_state(d, open, "committed");
    expect_state(d, fresh, "committed"); /* until its record is durable */
    driver_sync(d);
    expect_state(d, fresh, "forgotten");
    assert_int_equal(driver_records(d, TXLOG_FORGET), 1);
    driver_free(d);
}

CELL(committed_x_restart)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_committed(d, 1);
    driver_restart(d, d->log_n);
    expect_state(d, id, "committed");
    assert_string_equal(driver_value(d, "k1"), "v1");
    driver_commit(d, id);
    expect_ack(d, id, TX_HEURISTIC_NONE);
    driver_free(d);
}

/* ---- heuristic ---- */

CELL(heuristic_x_prepare)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_heuristic(d, 1, false);
    driver_prepare(d, id, 0, NULL, 0);
    expect_vote(d, id, TX_VOTE_YES);
    driver_free(d);
}

static void check_decision(bool operator_commits, bool commit)
{
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_heuristic(d, 1, operator_commits);
    bool damage = operator_commits != commit;
    void (*decide)(struct driver *, struct tx_id) = commit ? driver_commit : driver_abort;
    void (*contradict)(struct driver *, struct tx_id) = commit ? driver_abort : driver_commit;
    decide(d, id);
    decide(d, id);
    expect_silence(d); /* forced first */
    driver_sync(d);
    expect_ack(d, id, damage ? TX_HEURISTIC_DAMAGE : TX_HEURISTIC_OK);
    assert_int_equal(driver_count(d, TX_MSG_ACK), 1);
    assert_int_equal(driver_records(d, TXLOG_HEURISTIC_END), 1);
    expect_alarms(d, damage);
    driver_clear(d);
    decide(d, id);
    expect_ack(d, id, damage ? TX_HEURISTIC_DAMAGE : TX_HEURISTIC_OK);
    driver_clear(d);
    contradict(d, id);
    expect_silence(d);
    expect_alarms(d, damage + 1u);
    assert_int_equal(driver_value(d, "k1") != NULL, operator_commits);
    driver_free(d);
}

CELL(heuristic_x_commit)
{
    (void)unused;
    check_decision(true, true);
    check_decision(false, true);
}

CELL(heuristic_x_abort)
{
    (void)unused;
    check_decision(false, false);
    check_decision(true, false);
}

CELL(heuristic_x_inquire)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_heuristic(d, 1, true);
    driver_inquire_peer(d, "b", id, true);
    expect_answer(d, id, TX_STATE_PREPARED);
    assert_true(driver_last(d, TX_MSG_STATE)->state.heuristic);
    driver_free(d);
}

CELL(heuristic_x_forget)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id ok = driver_make_heuristic(d, 1, true);
    struct tx_id open = driver_make_heuristic(d, 2, true);
    struct tx_id damaged = driver_make_heuristic(d, 3, true);
    struct tx_id late = driver_make_heuristic(d, 4, false);
    driver_commit(d, ok);
    driver_abort(d, damaged);
    driver_sync(d);
    driver_clear(d);
    driver_forget(d, 1, 9, NULL, 0);
    expect_state(d, ok, "forgotten");
    expect_state(d, open, "heuristic"); /* refused, and it asks */
    expect_state(d, damaged, "heuristic");
    assert_int_equal(driver_count(d, TX_MSG_INQUIRE), 2);
    driver_abort(d, late);
    driver_sync(d);
    expect_state(d, late, "forgotten"); /* as soon as it has ended OK */
    driver_free(d);
}

CELL(heuristic_x_restart)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_heuristic(d, 1, true);
    struct tx_id ended = driver_make_heuristic(d, 2, false);
    driver_abort(d, ended);
    driver_restart(d, d->log_n);
    expect_state(d, id, "heuristic");
    expect_state(d, ended, "heuristic");
    assert_string_equal(driver_value(d, "k1"), "v1");
    assert_int_equal(driver_count(d, TX_MSG_INQUIRE), 1);
    assert_int_equal(driver_stats(d).locks_held, 0);
    driver_abort(d, ended);
    expect_ack(d, ended, TX_HEURISTIC_OK);
    driver_abort(d, id);
    driver_sync(d);
    expect_ack(d, id, TX_HEURISTIC_DAMAGE);
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(none_x_prepare_one_shot),
        RUN(none_x_prepare_interactive),
        RUN(none_x_prepare_one_shot_of_another_incarnation),
        RUN(tombstone_x_prepare),
        RUN(forgotten_x_prepare),
        RUN(none_x_commit),
        RUN(tombstone_x_commit),
        RUN(forgotten_x_commit),
        RUN(none_x_abort),
        RUN(forgotten_x_abort),
        RUN(none_x_inquire),
        RUN(tombstone_x_inquire),
        RUN(tombstone_of_a_reader_x_inquire),
        RUN(forgotten_x_inquire),
        RUN(tombstone_x_forget),
        RUN(none_x_restart),
        RUN(working_x_prepare),
        RUN(working_read_only_x_prepare),
        RUN(working_one_shot_x_prepare),
        RUN(working_x_commit),
        RUN(working_x_abort),
        RUN(working_x_inquire),
        RUN(working_x_forget),
        RUN(working_x_restart),
        RUN(preparing_x_prepare),
        RUN(preparing_x_commit),
        RUN(preparing_x_abort),
        RUN(preparing_x_inquire),
        RUN(preparing_x_forget),
        RUN(preparing_x_restart),
        RUN(prepared_x_prepare),
        RUN(prepared_x_commit),
        RUN(prepared_x_abort),
        RUN(prepared_x_inquire),
        RUN(prepared_x_forget),
        RUN(prepared_x_restart),
        RUN(committed_x_prepare),
        RUN(committed_x_commit),
        RUN(committed_x_abort),
        RUN(committed_x_inquire),
        RUN(committed_x_forget),
        RUN(committed_x_restart),
        RUN(heuristic_x_prepare),
        RUN(heuristic_x_commit),
        RUN(heuristic_x_abort),
        RUN(heuristic_x_inquire),
        RUN(heuristic_x_forget),
        RUN(heuristic_x_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
