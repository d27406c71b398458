/* PREPARE: one-shots with waits and wounds, read-only members, one phase, refusals, and what a
 * PREPARED record holds. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

static const struct tx_msg_vote *vote(const struct driver *d)
{
    return &driver_last(d, TX_MSG_VOTE)->vote;
}

static void one_shot(struct driver *d, uint64_t seq, unsigned flags, enum tx_op_type type,
                     const char *key)
{
    struct tx_op op = driver_op(type, key, "1");
    driver_prepare(d, driver_id(d, seq), DRIVER_ONE_SHOT | flags, &op, 1);
}

static void test_prepared_record(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_arena arena = {0};
    struct txlog_record record;
    struct tx_op ops[4] = {driver_op(TX_OP_PUT, "x", "1"), driver_op(TX_OP_GET, "y", ""),
                           driver_op(TX_OP_GET_FOR_UPDATE, "z", ""), driver_op(TX_OP_LOCK, "", "")};
    ops[3].mode = TX_LOCK_IX; /* an intention is not recorded */
    driver_prepare(d, driver_id(d, 1), DRIVER_ONE_SHOT, ops, 4);
    driver_decode(d, d->log_n, &arena, &record);
    assert_int_equal(record.type, TXLOG_PREPARED);
    assert_int_equal(record.start, 1);
    assert_int_equal(record.prepared.members_n, 3);
    assert_string_equal(record.prepared.members[1].name.s, "a");
    assert_memory_equal(&record.prepared.known[0], &driver_known_b, sizeof driver_known_b);
    assert_memory_equal(&record.prepared.known[2], &driver_known_c, sizeof driver_known_c);
    assert_string_equal(record.prepared.coordinator.s, "coordinator-1");
    assert_true(record.prepared.redo.len > 0);
    assert_int_equal(record.prepared.locks_n, 3);
    assert_int_equal(record.prepared.locks[0].mode, TX_LOCK_X);
    assert_int_equal(record.prepared.locks[1].mode, TX_LOCK_S);
    assert_int_equal(record.prepared.locks[2].mode, TX_LOCK_U);
    assert_int_equal(record.prepared.age.counter, 1001);
    tx_arena_deinit(&arena);
    driver_free(d);
}

static void test_one_shot_waits(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id first = driver_make_prepared(d, 1);
    one_shot(d, 2, 0, TX_OP_GET, "k1");
    expect_silence(d);
    expect_state(d, driver_id(d, 2), "working");
    driver_commit(d, first);
    driver_sync(d);
    expect_vote(d, driver_id(d, 2), TX_VOTE_YES);
    assert_true(tx_bytes_equal(vote(d)->results[0].value, tx_bytes_str("v1")));
    driver_clear(d);
    one_shot(d, 2, 0, TX_OP_GET, "k1"); /* the results again */
    assert_true(tx_bytes_equal(vote(d)->results[0].value, tx_bytes_str("v1")));
    driver_free(d);
}

static void test_one_shot_is_wounded(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_prepared(d, 1);
    struct tx_op ops[2] = {driver_op(TX_OP_PUT, "x", "1"), driver_op(TX_OP_PUT, "k1", "1")};
    driver_prepare(d, driver_id(d, 5), DRIVER_ONE_SHOT, ops, 2);
    driver_do(d, 2, 1, TX_OP_PUT, "x", "old");
    expect_no(d, driver_id(d, 5), TX_REASON_WOUNDED);
    expect_operated(d, TX_REASON_NONE);
    assert_int_equal(driver_count(d, TX_MSG_OPERATED), 1);
    driver_free(d);
}

static void test_one_shot_times_out(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_prepared(d, 1);
    one_shot(d, 2, 0, TX_OP_GET, "k1");
    driver_advance(d, 5000000);
    expect_no(d, driver_id(d, 2), TX_REASON_LOCK_TIMEOUT);
    driver_free(d);
}

static void test_one_shot_fails(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    one_shot(d, 1, 0, TX_OP_CHECK, "x");
    expect_no(d, driver_id(d, 1), TX_REASON_CHECK);
    driver_clear(d);
    one_shot(d, 1, 0, TX_OP_PUT, "x");
    expect_no(d, driver_id(d, 1), TX_REASON_CHECK);
    driver_free(d);
}

/* A one-shot that only takes locks never troubles the store. */
static void test_locks_only(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    one_shot(d, 1, 0, TX_OP_LOCK, "x");
    driver_sync(d);
    expect_vote(d, driver_id(d, 1), TX_VOTE_YES);
    driver_commit(d, driver_id(d, 1));
    driver_sync(d);
    expect_ack(d, driver_id(d, 1), TX_HEURISTIC_NONE);
    one_shot(d, 2, 0, TX_OP_LOCK, "x");
    driver_sync(d);
    driver_abort(d, driver_id(d, 2));
    assert_int_equal(d->rollbacks, 0);
    driver_free(d);
}

/* ---- read-only ---- */

/* The readers of a one-shot stay: elsewhere locks may still be acquired. */
static void test_one_shot_reader_stays(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    one_shot(d, 1, DRIVER_READ_ONLY, TX_OP_GET, "x");
    assert_int_equal(driver_stats(d).locks_held, 3);
    driver_sync(d);
    expect_vote(d, driver_id(d, 1), TX_VOTE_YES);
    driver_commit(d, driver_id(d, 1));
    assert_int_equal(driver_stats(d).locks_held, 0);
    driver_free(d);
}

static void test_one_shot_reader_alone_drops_out(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_committed(d, 1);
    one_shot(d, 2, DRIVER_READ_ONLY | DRIVER_ALONE, TX_OP_GET, "k1");
    expect_vote(d, driver_id(d, 2), TX_VOTE_READ_ONLY);
    assert_true(tx_bytes_equal(vote(d)->results[0].value, tx_bytes_str("v1")));
    driver_clear(d);
    one_shot(d, 2, DRIVER_READ_ONLY | DRIVER_ALONE, TX_OP_GET, "k1");
    expect_vote(d, driver_id(d, 2), TX_VOTE_READ_ONLY);
    assert_true(tx_bytes_equal(vote(d)->results[0].value, tx_bytes_str("v1")));
    driver_free(d);
}

/* Not marked read-only: the others may ask it, so it must know. */
static void test_unmarked_reader_stays(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_do(d, 1, 1, TX_OP_GET, "x", "");
    driver_prepare(d, driver_id(d, 1), 0, NULL, 0);
    driver_sync(d);
    expect_vote(d, driver_id(d, 1), TX_VOTE_YES);
    driver_restart(d, d->log_n);
    driver_abort(d, driver_id(d, 1));
    expect_state(d, driver_id(d, 1), "tombstone");
    driver_free(d);
}

static void test_marked_writer_is_refused(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    driver_prepare(d, id, DRIVER_READ_ONLY, NULL, 0);
    expect_no(d, id, TX_REASON_REFUSED);
    assert_int_equal(d->rollbacks, 1);
    driver_free(d);
}

static void test_read_only_tombstone(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_id(d, 1);
    driver_do(d, 1, 1, TX_OP_GET, "x", "");
    driver_prepare(d, id, DRIVER_READ_ONLY, NULL, 0);
    driver_clear(d);
    driver_prepare(d, id, DRIVER_READ_ONLY, NULL, 0);
    expect_vote(d, id, TX_VOTE_READ_ONLY);
    driver_clear(d);
    driver_inquire_peer(d, "b", id, true); /* it knows nothing, and says nothing */
    expect_silence(d);
    driver_commit(d, id);
    expect_alarms(d, 1);
    driver_free(d);
}

/* ---- one-phase ---- */

static void test_one_phase(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    driver_prepare(d, id, DRIVER_ONE_PHASE, NULL, 0);
    expect_silence(d);
    expect_state(d, id, "preparing");
    assert_int_equal(driver_stats(d).locks_held, 3); /* until the record is durable */
    assert_int_equal(driver_records(d, TXLOG_PREPARED), 0);
    assert_int_equal(driver_records(d, TXLOG_COMMITTED), 1);
    driver_inquire(d, id);
    driver_sync(d);
    expect_vote(d, id, TX_VOTE_COMMITTED);
    expect_answer(d, id, TX_STATE_COMMITTED);
    assert_int_equal(driver_stats(d).locks_held, 0);
    assert_string_equal(driver_value(d, "k1"), "v1");
    driver_clear(d);
    driver_prepare(d, id, DRIVER_ONE_PHASE, NULL, 0);
    expect_vote(d, id, TX_VOTE_COMMITTED);
    driver_forget(d, 1, 2, NULL, 0);
    expect_state(d, id, "forgotten");
    driver_free(d);
}

static void test_one_phase_one_shot_keeps_its_results(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_committed(d, 1);
    struct tx_op ops[2] = {driver_op(TX_OP_GET, "k1", ""), driver_op(TX_OP_PUT, "x", "2")};
    unsigned flags = DRIVER_ONE_SHOT | DRIVER_ONE_PHASE;
    driver_prepare(d, driver_id(d, 2), flags, ops, 2);
    driver_sync(d);
    for (unsigned i = 0; i < 2; i++) {
        expect_vote(d, driver_id(d, 2), TX_VOTE_COMMITTED);
        assert_int_equal(vote(d)->results_n, 2);
        assert_true(tx_bytes_equal(vote(d)->results[0].value, tx_bytes_str("v1")));
        driver_clear(d);
        driver_prepare(d, driver_id(d, 2), flags, ops, 2);
    }
    driver_free(d);
}

static void test_one_phase_reader(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    one_shot(d, 1, DRIVER_ONE_PHASE, TX_OP_GET, "x");
    expect_vote(d, driver_id(d, 1), TX_VOTE_READ_ONLY);
    assert_int_equal(vote(d)->results_n, 1);
    driver_inquire(d, driver_id(d, 1));
    expect_answer(d, driver_id(d, 1), TX_STATE_COMMITTED);
    assert_int_equal(driver_records(d, TXLOG_COMMITTED), 0);
    driver_free(d);
}

static void test_one_phase_of_a_finished_mark(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    d->rm_slow = true;
    one_shot(d, 1, DRIVER_ONE_PHASE, TX_OP_GET, "x");
    driver_rm_answer(d); /* executed; the prepare waits */
    driver_forget(d, 1, 2, NULL, 0);
    driver_rm_answer(d);
    expect_vote(d, driver_id(d, 1), TX_VOTE_READ_ONLY);
    expect_state(d, driver_id(d, 1), "forgotten");
    driver_free(d);
}

/* ---- the store says no; and what came meanwhile ---- */

static void test_store_refuses_to_prepare(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    d->rm_slow = true;
    driver_prepare(d, id, 0, NULL, 0);
    expect_state(d, id, "preparing");
    driver_abort(d, id);
    driver_inquire(d, id);
    expect_silence(d);
    driver_rm_answer_with(d, PART_RM_ROLLED_BACK, TX_REASON_NONE);
    expect_no(d, id, TX_REASON_REFUSED);
    expect_answer(d, id, TX_STATE_NO);
    id = driver_id(d, 2);
    driver_do(d, 2, 1, TX_OP_PUT, "x", "1");
    driver_rm_answer(d);
    driver_prepare(d, id, 0, NULL, 0);
    driver_commit(d, id);
    driver_rm_answer_with(d, PART_RM_RETRY, TX_REASON_NONE);
    expect_no(d, id, TX_REASON_BUSY);
    expect_alarms(d, 1); /* a COMMIT without a YES */
    assert_int_equal(d->rollbacks, 1);
    driver_free(d);
}

static void test_inquired_while_dropping_out(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    d->rm_slow = true;
    one_shot(d, 1, DRIVER_ONE_PHASE, TX_OP_GET, "x");
    driver_rm_answer(d);
    driver_inquire(d, driver_id(d, 1));
    driver_rm_answer(d);
    expect_answer(d, driver_id(d, 1), TX_STATE_COMMITTED);
    driver_free(d);
}

static void test_deferred_are_bounded(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_preparing(d, 1);
    for (unsigned i = 0; i < 100; i++) {
        char name[8] = {'p', (char)('a' + i / 26), (char)('a' + i % 26)};
        driver_inquire_peer(d, name, id, true);
    }
    driver_sync(d);
    assert_int_equal(driver_count(d, TX_MSG_STATE), TX_MEMBERS_MAX + 2);
    driver_free(d);
}

/* ---- refusals ---- */

static void test_mismatches(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    driver_prepare(d, driver_make_working(d, 1), DRIVER_BAD_TOKEN, NULL, 0);
    expect_no(d, driver_id(d, 1), TX_REASON_REFUSED);
    driver_prepare(d, driver_make_working(d, 2), DRIVER_ONE_SHOT, &op, 1);
    expect_no(d, driver_id(d, 2), TX_REASON_REFUSED);
    d->options.incarnation++; /* the list names another one than that of the work */
    driver_prepare(d, driver_make_working(d, 3), 0, NULL, 0);
    d->options.incarnation--;
    expect_no(d, driver_id(d, 3), TX_REASON_RESTARTED);
    d->rm_slow = true;
    driver_do(d, 4, 1, TX_OP_PUT, "x", "1");
    driver_clear(d);
    driver_prepare(d, driver_id(d, 4), 0, NULL, 0);
    expect_no(d, driver_id(d, 4), TX_REASON_REFUSED);
    expect_operated(d, TX_REASON_REFUSED);
    driver_free(d);
}

static void send_prepare(struct driver *d, const struct tx_msg_prepare *prepare)
{
    struct tx_msg msg = {.type = TX_MSG_PREPARE, .prepare = *prepare};
    driver_from_coordinator(d, &msg);
}

static void test_malformed(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    struct tx_op bad = driver_op(TX_OP_PUT, "", "1");
    struct tx_member both[2] = {{.name = {"a"}, .incarnation = 1}, {.name = {"b"}}};
    const struct tx_position known[2] = {{0}};
    const struct tx_msg_prepare good = {.id = driver_id(d, 1),
                                        .age = {5, 1},
                                        .one_shot = true,
                                        .members = both,
                                        .members_n = 2,
                                        .known = known,
                                        .ops = &op,
                                        .ops_n = 1};
    struct tx_msg_prepare prepare = good;
    prepare.members_n = 0;
    send_prepare(d, &prepare);
    prepare.members = both + 1; /* not in the list */
    prepare.members_n = 1;
    send_prepare(d, &prepare);
    prepare = good;
    prepare.one_phase = true;
    send_prepare(d, &prepare);
    prepare = good;
    prepare.one_shot = false;
    send_prepare(d, &prepare);
    prepare = good;
    prepare.age.counter = 0;
    send_prepare(d, &prepare);
    prepare = good;
    prepare.ops = &bad;
    send_prepare(d, &prepare);
    expect_silence(d);
    assert_int_equal(driver_stats(d).violations, 6);
    send_prepare(d, &good);
    expect_state(d, driver_id(d, 1), "preparing");
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prepared_record),
        cmocka_unit_test(test_one_shot_waits),
        cmocka_unit_test(test_one_shot_is_wounded),
        cmocka_unit_test(test_one_shot_times_out),
        cmocka_unit_test(test_one_shot_fails),
        cmocka_unit_test(test_locks_only),
        cmocka_unit_test(test_one_shot_reader_stays),
        cmocka_unit_test(test_one_shot_reader_alone_drops_out),
        cmocka_unit_test(test_unmarked_reader_stays),
        cmocka_unit_test(test_marked_writer_is_refused),
        cmocka_unit_test(test_read_only_tombstone),
        cmocka_unit_test(test_one_phase),
        cmocka_unit_test(test_one_phase_one_shot_keeps_its_results),
        cmocka_unit_test(test_one_phase_reader),
        cmocka_unit_test(test_one_phase_of_a_finished_mark),
        cmocka_unit_test(test_store_refuses_to_prepare),
        cmocka_unit_test(test_inquired_while_dropping_out),
        cmocka_unit_test(test_deferred_are_bounded),
        cmocka_unit_test(test_mismatches),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
