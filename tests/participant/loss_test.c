/* A declared loss, cell by cell (docs/protocol.md, "A loss that is declared"). */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

/* Prepared is `kept`, id 1; what was prepared behind the backup, id 2, is lost. Then a new start,
 * which the coordinator has welcomed. */
static struct driver *restored(struct tx_id *kept, struct tx_id *lost)
{
    struct driver *d = driver_new(NULL);
    *kept = driver_make_prepared(d, 1);
    uint64_t backup = d->durable;
    *lost = driver_make_prepared(d, 2);
    driver_lose(d, backup);
    driver_hello(d, 1, 7);
    driver_sync(d);
    driver_clear(d);
    return d;
}

static void inquire(struct driver *d, const char *name, struct tx_id id, uint64_t incarnation,
                    bool in_doubt)
{
    struct tx_msg msg = {.type = TX_MSG_INQUIRE,
                         .inquire = {.id = id, .in_doubt = in_doubt, .incarnation = incarnation}};
    driver_from_peer(d, name, &msg);
}

static void test_it_cannot_say(void **unused)
{
    struct tx_id kept, lost;
    struct driver *d = restored(&kept, &lost);
    (void)unused;
    inquire(d, "b", lost, 1, true);
    expect_answer(d, lost, TX_STATE_LOST);
    driver_inquire(d, lost); /* nobody names a start */
    expect_answer(d, lost, TX_STATE_LOST);
    inquire(d, "b", kept, 1, true);
    expect_answer(d, kept, TX_STATE_PREPARED);
    inquire(d, "b", driver_id(d, 3), d->options.incarnation, true); /* of this start: a fact */
    expect_answer(d, driver_id(d, 3), TX_STATE_NO);
    inquire(d, "b", driver_id(d, 3), 1, true); /* its tombstone speaks for this start alone */
    expect_answer(d, driver_id(d, 3), TX_STATE_LOST);
    driver_free(d);
}

/* Whoever knows it behind the backup knows what is lost; anywhere else, an old copy. */
static void test_what_is_lost_is_no_proof(void **unused)
{
    struct tx_id kept, lost;
    struct driver *d = restored(&kept, &lost);
    (void)unused;
    driver_inquire_knowing(d, "b", kept, (struct tx_position){1, 0x101, {1000}});
    expect_answer(d, kept, TX_STATE_PREPARED);
    assert_false(driver_stats(d).old_copy);
    driver_inquire_knowing(d, "b", kept, (struct tx_position){1, 0x999, {1000}}); /* another life */
    assert_true(driver_stats(d).old_copy);
    driver_free(d);
}

static void test_a_commit_is_named(void **unused)
{
    struct tx_id kept, lost;
    struct driver *d = restored(&kept, &lost);
    const struct tx_msg commit = {.type = TX_MSG_COMMIT, .commit = {.id = lost, .incarnation = 1}};
    (void)unused;
    driver_from_coordinator(d, &commit);
    assert_int_equal(driver_count(d, TX_MSG_ACK), 0); /* the alarm first */
    assert_true(driver_noted(d, PART_ACTION_ALARM, "is committed, and its writes here are in"));
    driver_sync(d);
    expect_ack(d, lost, TX_HEURISTIC_LOST);
    driver_clear(d);
    driver_from_coordinator(d, &commit); /* the ACK was lost */
    expect_ack(d, lost, TX_HEURISTIC_LOST);
    driver_free(d);
}

static void test_a_bug_stays_one(void **unused)
{
    struct tx_id kept, lost;
    struct driver *d = restored(&kept, &lost);
    struct tx_msg commit = {.type = TX_MSG_COMMIT, .commit = {.id = lost}};
    (void)unused;
    commit.commit.incarnation = d->options.incarnation;
    driver_from_coordinator(d, &commit);
    driver_sync(d);
    assert_int_equal(driver_count(d, TX_MSG_ACK), 0);
    assert_true(driver_noted(d, PART_ACTION_ALARM, "an old disk, or a bug"));
    driver_free(d);
}

static void test_a_prepare_is_ignored(void **unused)
{
    struct tx_id kept, lost;
    struct driver *d = restored(&kept, &lost);
    uint64_t now = d->options.incarnation;
    (void)unused;
    d->options.incarnation = 1; /* whom the driver names */
    driver_prepare(d, lost, 0, NULL, 0);
    d->options.incarnation = now;
    assert_int_equal(driver_count(d, TX_MSG_VOTE), 0);
    inquire(d, "b", lost, 1, true);
    expect_answer(d, lost, TX_STATE_LOST);
    driver_free(d);
}

static void told_no(struct driver *d, struct tx_id id, bool below_mark)
{
    struct tx_msg msg = {.type = TX_MSG_STATE,
                         .state = {.id = id,
                                   .state = TX_STATE_NO,
                                   .incarnation = DRIVER_PEERS_INCARNATION,
                                   .below_mark = below_mark}};
    driver_from_peer(d, "b", &msg);
}

static void told_abort(struct driver *d, struct tx_id id, bool proved)
{
    const struct tx_msg msg = {.type = TX_MSG_ABORT,
                               .abort = {.id = id, .reason = TX_REASON_PRESUMED, .proved = proved}};
    driver_from_coordinator(d, &msg);
}

/* It may have acknowledged what all others have forgotten. */
static void test_lack_of_memory_decides_nothing(void **unused)
{
    (void)unused;
    for (int proof = 0; proof < 3; proof++) {
        struct tx_id kept, lost;
        struct driver *d = restored(&kept, &lost);
        told_no(d, kept, true);
        told_abort(d, kept, false);
        expect_state(d, kept, "prepared");
        driver_advance(d, 1000000);
        assert_true(driver_noted(d, PART_ACTION_NOTE, "restored from a backup"));
        if (proof == 0) {
            told_no(d, kept, false);
        } else if (proof == 1) {
            told_abort(d, kept, true);
        } else {
            driver_commit(d, kept);
        }
        expect_state(d, kept, proof < 2 ? "tombstone" : "committed");
        driver_free(d);
    }
}

static void test_an_honest_one_believes_it(void **unused)
{
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    (void)unused;
    told_no(d, id, true);
    expect_state(d, id, "tombstone");
    id = driver_make_prepared(d, 2);
    told_abort(d, id, false);
    expect_state(d, id, "tombstone");
    driver_free(d);
}

/* Over a restart, and a snapshot. */
static void test_it_is_kept(void **unused)
{
    struct tx_id kept, lost;
    struct driver *d = restored(&kept, &lost);
    (void)unused;
    driver_restart(d, d->durable);
    driver_hello(d, 1, 7);
    driver_sync(d);
    assert_int_equal(driver_last(d, TX_MSG_WELCOME)->welcome.loss.start, 1 + DRIVER_LOSS);
    inquire(d, "b", lost, 1, true);
    expect_answer(d, lost, TX_STATE_LOST);
    told_abort(d, kept, false);
    expect_state(d, kept, "prepared");
    driver_free(d);
}

static void test_a_decision_by_hand_ends(void **unused)
{
    struct tx_id kept, lost;
    struct driver *d = restored(&kept, &lost);
    (void)unused;
    driver_resolve(d, kept, true);
    driver_sync(d);
    told_abort(d, kept, false); /* not before all have been asked */
    assert_int_equal(driver_records(d, TXLOG_HEURISTIC_END), 0);
    driver_advance(d, 30000000);
    told_abort(d, kept, false);
    driver_sync(d);
    assert_int_equal(driver_records(d, TXLOG_HEURISTIC_END), 1);
    expect_ack(d, kept, TX_HEURISTIC_OK);
    assert_true(driver_noted(d, PART_ACTION_NOTE, "nobody knows its decision any more"));
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_cannot_say),
        cmocka_unit_test(test_what_is_lost_is_no_proof),
        cmocka_unit_test(test_a_commit_is_named),
        cmocka_unit_test(test_a_bug_stays_one),
        cmocka_unit_test(test_a_prepare_is_ignored),
        cmocka_unit_test(test_lack_of_memory_decides_nothing),
        cmocka_unit_test(test_an_honest_one_believes_it),
        cmocka_unit_test(test_it_is_kept),
        cmocka_unit_test(test_a_decision_by_hand_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
