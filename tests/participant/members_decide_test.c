/* Mode D at a participant: every sentence of docs/protocol.md, "When the members decide", that
 * speaks of it. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

#define INTERVAL 1000000u /* until the first inquiry, and then until the second */

static struct driver *new_driver(const struct part_options *options)
{
    struct driver *d = driver_new(options);
    d->members_decide = true;
    return d;
}

static void say_prepared(struct driver *d, struct tx_id id, const char *name)
{
    driver_state(d, name, id, TX_STATE_PREPARED);
}

/* Transaction `seq`, committed here because b and c are prepared as well; not durably so. */
static struct tx_id make_found_out(struct driver *d, uint64_t seq)
{
    struct tx_id id = driver_make_prepared(d, seq);
    say_prepared(d, id, "b");
    say_prepared(d, id, "c");
    expect_state(d, id, "committed");
    return id;
}

/* ---- PREPARE, and what is kept of it ---- */

static void refused_without_a_trace(struct driver *d, unsigned flags, const struct tx_op *ops,
                                    size_t n)
{
    uint64_t before = driver_stats(d).violations;
    driver_prepare(d, driver_id(d, 9), flags, ops, n);
    assert_int_equal(driver_stats(d).violations, before + 1);
    expect_silence(d);
    expect_state(d, driver_id(d, 9), "none");
}

static void test_prepare_of_members_that_cannot_decide(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    refused_without_a_trace(d, DRIVER_ONE_SHOT | DRIVER_ONE_PHASE, &op, 1);
    refused_without_a_trace(d, DRIVER_ONE_SHOT | DRIVER_ALONE, &op, 1);
    refused_without_a_trace(d, DRIVER_ONE_SHOT | DRIVER_B_READ_ONLY, &op, 1);
    refused_without_a_trace(d, DRIVER_ONE_SHOT | DRIVER_READ_ONLY, &op, 1);
    driver_prepare(d, driver_id(d, 9), DRIVER_ONE_SHOT, &op, 1);
    driver_sync(d);
    expect_vote(d, driver_id(d, 9), TX_VOTE_YES);
    driver_free(d);
}

/* The log's newest record of a type; its arrays live until the next call. */
static struct txlog_record newest(const struct driver *d, enum txlog_type type)
{
    static struct tx_arena arena;
    struct txlog_record found = {0};
    tx_arena_deinit(&arena);
    for (uint64_t lsn = 1; lsn <= d->log_n; lsn++) {
        struct txlog_record record;
        driver_decode(d, lsn, &arena, &record);
        if (record.type == type)
            found = record;
    }
    tx_arena_deinit(&arena);
    assert_int_equal(found.type, type);
    return found;
}

static void test_prepared_and_committed_keep_it(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    driver_make_committed(d, 1);
    assert_true(newest(d, TXLOG_PREPARED).prepared.members_decide);
    assert_true(newest(d, TXLOG_COMMITTED).committed.members_decide);
    d->members_decide = false;
    driver_make_committed(d, 2);
    assert_false(newest(d, TXLOG_PREPARED).prepared.members_decide);
    assert_false(newest(d, TXLOG_COMMITTED).committed.members_decide);
    driver_free(d);
}

/* What it says of a prepared one, of an operator's and of a committed one. */
static void all_say(struct driver *d, bool members_decide, struct tx_id prepared,
                    struct tx_id heuristic, struct tx_id committed)
{
    driver_clear(d);
    driver_inquire_peer(d, "b", prepared, true);
    expect_answer(d, prepared, TX_STATE_PREPARED);
    assert_int_equal(driver_last(d, TX_MSG_STATE)->state.members_decide, members_decide);
    driver_inquire(d, heuristic);
    expect_answer(d, heuristic, TX_STATE_PREPARED);
    assert_true(driver_last(d, TX_MSG_STATE)->state.heuristic);
    assert_int_equal(driver_last(d, TX_MSG_STATE)->state.members_decide, members_decide);
    driver_inquire_peer(d, "b", committed, true);
    expect_answer(d, committed, TX_STATE_COMMITTED);
    assert_int_equal(driver_last(d, TX_MSG_STATE)->state.members_decide, members_decide);
    driver_commit(d, committed);
    expect_ack(d, committed, TX_HEURISTIC_NONE);
    assert_int_equal(driver_last(d, TX_MSG_ACK)->ack.members_decide, members_decide);
    driver_advance(d, 8000000);
    assert_int_equal(driver_last(d, TX_MSG_INQUIRE)->inquire.members_decide, members_decide);
}

/* At once, after a restart, and when a snapshot is all that is left. */
static void said_in_every_life(bool members_decide)
{
    struct part_options options = driver_options();
    options.snapshot_records = 20;
    struct driver *d = driver_new(&options);
    d->members_decide = members_decide;
    struct tx_id prepared = driver_make_prepared(d, 1);
    struct tx_id heuristic = driver_make_heuristic(d, 2, true);
    struct tx_id committed = driver_make_committed(d, 3);
    all_say(d, members_decide, prepared, heuristic, committed);
    driver_restart(d, d->log_n);
    all_say(d, members_decide, prepared, heuristic, committed);
    for (uint64_t seq = 10; d->compacted < 20; seq++)
        driver_make_committed(d, seq);
    driver_restart(d, d->log_n);
    all_say(d, members_decide, prepared, heuristic, committed);
    driver_commit(d, heuristic);
    driver_sync(d);
    expect_ack(d, heuristic, TX_HEURISTIC_OK);
    assert_int_equal(driver_last(d, TX_MSG_ACK)->ack.members_decide, members_decide);
    driver_free(d);
}

static void test_all_that_follows_says_it(void **unused)
{
    (void)unused;
    said_in_every_life(true);
    said_in_every_life(false);
}

static void test_a_log_of_members_that_cannot_decide(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_arena arena = {0};
    struct txlog_record record;
    struct tx_why why = {{0}};
    driver_make_prepared(d, 1);
    driver_decode(d, d->log_n, &arena, &record);
    assert_int_equal(record.type, TXLOG_PREPARED);
    struct tx_member members[3];
    memcpy(members, record.prepared.members, sizeof members);
    members[0].read_only = true;
    record.prepared.members = members;
    tx_buf_clear(&d->log[d->log_n - 1]);
    assert_int_equal(txlog_record_encode(&record, &d->log[d->log_n - 1]), TX_OK);
    assert_int_equal(driver_try_restart(d, d->log_n, &why), TX_ECORRUPT);
    assert_non_null(strstr(why.text, "its members cannot decide it"));
    tx_arena_deinit(&arena);
    driver_free(d);
}

/* ---- results_max ---- */

static bool text_has(struct tx_bytes text, const char *part)
{
    return memmem(text.data, text.len, part, strlen(part)) != NULL;
}

static void test_results_beyond_their_share(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_op put = driver_op(TX_OP_PUT, "x", "12345678");
    struct tx_op get = driver_op(TX_OP_GET, "x", "");
    driver_prepare(d, driver_id(d, 1), DRIVER_ONE_SHOT, &put, 1);
    driver_sync(d);
    driver_commit(d, driver_id(d, 1));
    d->results_max = 15; /* 8 for each result, and its value */
    driver_prepare(d, driver_id(d, 2), DRIVER_ONE_SHOT, &get, 1);
    expect_no(d, driver_id(d, 2), TX_REASON_LIMIT);
    assert_true(
        text_has(driver_last(d, TX_MSG_VOTE)->vote.text, "the share of participant a (15 "));
    expect_state(d, driver_id(d, 2), "tombstone");
    d->results_max = 16;
    driver_prepare(d, driver_id(d, 3), DRIVER_ONE_SHOT, &get, 1);
    driver_sync(d);
    expect_vote(d, driver_id(d, 3), TX_VOTE_YES);
    driver_abort(d, driver_id(d, 3));
    d->results_max = 0; /* no bound */
    driver_prepare(d, driver_id(d, 4), DRIVER_ONE_SHOT, &get, 1);
    driver_sync(d);
    expect_vote(d, driver_id(d, 4), TX_VOTE_YES);
    driver_free(d);
}

/* The smaller one of the share and the own bound of the participant. */
static void test_results_within_both_bounds(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.results_max = 20;
    struct driver *d = new_driver(&options);
    struct tx_op get[2] = {driver_op(TX_OP_GET, "x", ""), driver_op(TX_OP_GET, "y", "")};
    d->results_max = UINT64_MAX;
    driver_prepare(d, driver_id(d, 3), DRIVER_ONE_SHOT, get, 2);
    driver_sync(d);
    expect_vote(d, driver_id(d, 3), TX_VOTE_YES); /* 16 */
    struct tx_op three[3] = {get[0], get[1], get[0]};
    driver_prepare(d, driver_id(d, 4), DRIVER_ONE_SHOT, three, 3);
    expect_no(d, driver_id(d, 4), TX_REASON_LIMIT);
    d->results_max = 10;
    driver_prepare(d, driver_id(d, 5), DRIVER_ONE_SHOT, get, 2);
    expect_no(d, driver_id(d, 5), TX_REASON_LIMIT);
    driver_free(d);
}

/* ---- a member in doubt ---- */

static void test_it_asks_its_coordinator_first_then_all(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    driver_make_prepared(d, 1);
    driver_advance(d, INTERVAL);
    assert_int_equal(driver_asked(d, "coordinator-1"), 1);
    assert_int_equal(driver_asked(d, "participant-b"), 0);
    driver_advance(d, INTERVAL);
    assert_int_equal(driver_asked(d, "coordinator-1"), 2);
    assert_int_equal(driver_asked(d, "participant-b"), 1);
    assert_int_equal(driver_asked(d, "participant-c"), 1);
    driver_free(d);
}

/* Who is prepared may know more at the next inquiry. */
static void test_it_asks_those_again_that_are_prepared(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_advance(d, 2 * INTERVAL);
    say_prepared(d, id, "b");
    driver_advance(d, 2 * INTERVAL);
    assert_int_equal(driver_asked(d, "participant-b"), 2);
    driver_state(d, "b", id, TX_STATE_COMMITTED);
    expect_state(d, id, "committed");
    driver_free(d);
}

static void test_all_prepared_is_committed(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_advance(d, 2 * INTERVAL);
    say_prepared(d, id, "b");
    say_prepared(d, id, "b");
    expect_state(d, id, "prepared");
    assert_int_equal(driver_records(d, TXLOG_COMMITTED), 0);
    say_prepared(d, id, "c");
    expect_state(d, id, "committed");
    assert_string_equal(driver_value(d, "k1"), "v1");
    assert_int_equal(driver_stats(d).locks_held, 0);
    assert_true(driver_noted(d, PART_ACTION_NOTE,
                             "settled: committed by all its members, which are prepared after"));
    driver_restart(d, d->log_n);
    expect_state(d, id, "committed");
    driver_free(d);
}

static void test_all_prepared_is_nothing_when_the_coordinator_decides(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    say_prepared(d, id, "b");
    say_prepared(d, id, "c");
    expect_state(d, id, "prepared");
    driver_free(d);
}

static void test_one_committed_is_committed(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_state(d, "c", id, TX_STATE_COMMITTED);
    expect_state(d, id, "committed");
    driver_free(d);
}

static void test_one_no_is_aborted(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    say_prepared(d, id, "b");
    driver_state(d, "c", id, TX_STATE_NO);
    expect_state(d, id, "tombstone");
    assert_int_equal(driver_records(d, TXLOG_ABORTED), 1);
    assert_null(driver_value(d, "k1"));
    driver_inquire_peer(d, "b", id, true); /* and so it says to others */
    expect_answer(d, id, TX_STATE_NO);
    driver_free(d);
}

/* Not even YES: who says that has another log than the member that took part. */
static void test_an_earlier_start_is_not_believed(void **unused)
{
    (void)unused;
    const enum tx_state states[] = {TX_STATE_NO, TX_STATE_PREPARED, TX_STATE_COMMITTED};
    struct driver *d = new_driver(NULL);
    for (uint64_t i = 0; i < 3; i++) {
        struct tx_id id = driver_make_prepared(d, 1 + i);
        say_prepared(d, id, "b");
        driver_state_of(d, "c", id, states[i], DRIVER_PEERS_INCARNATION - 1);
        expect_state(d, id, "prepared");
        assert_int_equal(driver_stats(d).violations, i + 1);
        expect_alarms(d, i + 1);
    }
    assert_true(driver_noted(d, PART_ACTION_ALARM,
                             "participant c answers COMMITTED with "
                             "incarnation 1, and took part with 2"));
    driver_free(d);
}

/* What was durable is told by every later start; a refusal too, by its incarnation. */
static void test_a_later_start_is_believed(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id yes = driver_make_prepared(d, 1);
    struct tx_id no = driver_make_prepared(d, 2);
    say_prepared(d, yes, "b");
    driver_state_of(d, "c", yes, TX_STATE_PREPARED, DRIVER_PEERS_INCARNATION + 5);
    expect_state(d, yes, "committed");
    driver_state_of(d, "c", no, TX_STATE_NO, DRIVER_PEERS_INCARNATION + 5);
    expect_state(d, no, "tombstone");
    expect_alarms(d, 0);
    driver_free(d);
}

/* Who decides is the same for all members of one id. */
static void test_a_fact_of_the_other_mode_is_a_violation(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    d->members_decide = false;
    say_prepared(d, id, "b");
    say_prepared(d, id, "c");
    driver_state(d, "c", id, TX_STATE_COMMITTED);
    expect_state(d, id, "prepared");
    assert_int_equal(driver_stats(d).violations, 3);
    driver_state(d, "c", id, TX_STATE_NO); /* of what is not known there, nor who decides */
    expect_state(d, id, "tombstone");
    driver_free(d);
}

static void test_facts_are_kept_over_wait(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_advance(d, 2 * INTERVAL);
    say_prepared(d, id, "b");
    driver_wait(d, id);
    say_prepared(d, id, "c");
    expect_state(d, id, "committed");
    driver_free(d);
}

static void test_an_operators_decision_elsewhere_is_prepared(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    struct tx_msg msg = {.type = TX_MSG_STATE,
                         .state = {.id = id,
                                   .state = TX_STATE_PREPARED,
                                   .incarnation = DRIVER_PEERS_INCARNATION,
                                   .heuristic = true,
                                   .members_decide = true}};
    say_prepared(d, id, "b");
    driver_from_peer(d, "c", &msg);
    expect_state(d, id, "committed");
    driver_free(d);
}

/* ---- epochs whose coordinator is gone ---- */

static void test_members_of_older_epochs_are_asked_at_once(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    driver_make_prepared(d, 1);
    d->members_decide = false;
    driver_make_prepared(d, 2);
    driver_hello(d, 2, 22);
    assert_int_equal(driver_count(d, TX_MSG_INQUIRE), 0); /* not before it is welcome */
    driver_sync(d);
    assert_int_equal(driver_asked(d, "coordinator-1"), 2);
    assert_int_equal(driver_asked(d, "participant-b"), 1); /* the coordinator settles the other */
    assert_int_equal(driver_asked(d, "participant-c"), 1);
    driver_free(d);
}

static void test_members_of_older_epochs_are_asked_at_once_after_a_restart(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    driver_make_prepared(d, 1);
    driver_restart(d, d->log_n);
    assert_int_equal(driver_asked(d, "coordinator-1"), 1);
    assert_int_equal(driver_asked(d, "participant-b"), 0); /* of the present epoch */
    driver_hello(d, 2, 22);
    driver_sync(d);
    driver_restart(d, d->log_n);
    driver_clear(d);
    driver_restart(d, d->log_n);
    assert_int_equal(driver_asked(d, "participant-b"), 1);
    assert_int_equal(driver_asked(d, "participant-c"), 1);
    driver_free(d);
}

/* Its record was not durable, or not even written, when the new epoch came. */
static void test_prepared_when_its_epoch_is_gone(void **unused)
{
    (void)unused;
    for (int slow = 0; slow < 2; slow++) {
        struct driver *d = new_driver(NULL);
        struct tx_id id = driver_make_working(d, 1);
        d->rm_slow = slow;
        driver_prepare(d, id, 0, NULL, 0);
        driver_hello(d, 2, 22);
        if (slow) {
            driver_sync(d);
            assert_int_equal(driver_count(d, TX_MSG_WELCOME), 1);
            assert_int_equal(driver_last(d, TX_MSG_WELCOME)->welcome.unsettled, 1);
            driver_rm_answer(d);
        }
        assert_int_equal(driver_count(d, TX_MSG_INQUIRE), 0);
        driver_sync(d);
        expect_state(d, id, "prepared");
        assert_int_equal(driver_asked(d, "participant-b"), 1);
        assert_int_equal(driver_asked(d, "coordinator-1"), 1);
        driver_free(d);
    }
}

/* ---- the acknowledgement ---- */

static void test_no_ack_of_what_it_found_out_before_commit_comes(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = make_found_out(d, 1);
    driver_sync(d);
    assert_int_equal(driver_count(d, TX_MSG_ACK), 0);
    driver_commit(d, id);
    expect_ack(d, id, TX_HEURISTIC_NONE);
    assert_true(driver_last(d, TX_MSG_ACK)->ack.members_decide);
    struct tx_id told = driver_make_prepared(d, 2);
    driver_state(d, "b", told, TX_STATE_COMMITTED);
    driver_sync(d);
    assert_int_equal(driver_count(d, TX_MSG_ACK), 0);
    driver_restart(d, d->log_n);
    assert_int_equal(driver_count(d, TX_MSG_ACK), 0);
    driver_commit(d, told);
    expect_ack(d, told, TX_HEURISTIC_NONE);
    driver_free(d);
}

static void test_commit_before_it_is_durable_is_acknowledged_then(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = make_found_out(d, 1);
    driver_commit(d, id);
    assert_int_equal(driver_count(d, TX_MSG_ACK), 0);
    driver_sync(d);
    expect_ack(d, id, TX_HEURISTIC_NONE);
    assert_int_equal(driver_count(d, TX_MSG_ACK), 1);
    driver_free(d);
}

/* ---- an operator here ---- */

static void test_an_operators_decision_here_ends_when_all_are_prepared(void **unused)
{
    (void)unused;
    for (int commit = 0; commit < 2; commit++) {
        struct driver *d = new_driver(NULL);
        struct tx_id id = driver_make_heuristic(d, 1, commit);
        say_prepared(d, id, "b");
        say_prepared(d, id, "c");
        driver_sync(d);
        assert_int_equal(newest(d, TXLOG_HEURISTIC_END).heuristic_end.damage, !commit);
        expect_alarms(d, !commit);
        assert_int_equal(driver_count(d, TX_MSG_ACK), 0);
        driver_commit(d, id);
        expect_ack(d, id, commit ? TX_HEURISTIC_OK : TX_HEURISTIC_DAMAGE);
        driver_free(d);
    }
}

/* Nobody would ask for that any more: so it is said, once, as when the coordinator decides. */
static void test_an_operators_decision_here_ends_with_a_no(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = driver_make_heuristic(d, 1, true);
    driver_state(d, "b", id, TX_STATE_NO);
    driver_sync(d);
    expect_ack(d, id, TX_HEURISTIC_DAMAGE);
    driver_free(d);
}

static void test_an_operator_reads_what_is_waited_for(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_advance(d, INTERVAL);
    assert_true(
        driver_noted(d, PART_ACTION_NOTE, "one refusal is abort; not heard from yet: b, c"));
    driver_advance(d, INTERVAL);
    say_prepared(d, id, "b");
    driver_clear(d);
    driver_advance(d, 4 * INTERVAL);
    assert_true(driver_noted(d, PART_ACTION_NOTE, "not heard from yet: c"));
    driver_free(d);
}

static void test_wanted_is_asked_as_when_the_coordinator_decides(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = driver_make_prepared(d, 2);
    driver_do(d, 1, 1, TX_OP_PUT, "k2", "older");
    driver_advance(d, PART_WANTED_US);
    const struct tx_msg_inquire *inquire = &driver_last(d, TX_MSG_INQUIRE)->inquire;
    assert_true(inquire->wanted && inquire->members_decide && tx_id_equal(inquire->id, id));
    assert_int_equal(driver_asked(d, "coordinator-1"), 1);
    driver_free(d);
}

/* ---- facts that never change ---- */

/* INQUIRE makes a member have a fact; what is being prepared has none until it is durable. */
static void test_inquire_while_it_prepares(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = driver_make_preparing(d, 1);
    driver_inquire_peer(d, "b", id, true);
    expect_silence(d);
    driver_sync(d);
    expect_answer(d, id, TX_STATE_PREPARED);
    assert_true(driver_last(d, TX_MSG_STATE)->state.members_decide);
    driver_free(d);
}

/* A refusal lives on as a tombstone, and after a restart in the incarnation that PREPARE names. */
static void test_a_refusal_is_kept_over_a_restart(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    struct tx_id id = driver_id(d, 1);
    driver_inquire_peer(d, "b", id, true);
    expect_answer(d, id, TX_STATE_NO);
    driver_prepare(d, id, DRIVER_ONE_SHOT, &op, 1);
    expect_no(d, id, TX_REASON_INQUIRED);
    driver_restart(d, d->log_n);
    driver_prepare(d, id, DRIVER_ONE_SHOT | DRIVER_OLD, &op, 1);
    expect_no(d, id, TX_REASON_RESTARTED);
    driver_sync(d);
    assert_int_equal(driver_records(d, TXLOG_PREPARED), 0);
    driver_free(d);
}

/* A commit is told until the mark passes it. Then it is known that nobody is in doubt who has
 * prepared it: NO is true of those that were aborted. */
static void test_a_commit_is_kept_until_the_mark(void **unused)
{
    (void)unused;
    struct driver *d = new_driver(NULL);
    struct tx_id id = make_found_out(d, 1);
    driver_sync(d);
    for (int life = 0; life < 2; life++) {
        driver_inquire_peer(d, "b", id, true);
        expect_answer(d, id, TX_STATE_COMMITTED);
        driver_restart(d, d->log_n);
    }
    driver_forget(d, 1, 2, NULL, 0);
    expect_state(d, id, "forgotten");
    driver_inquire_peer(d, "b", id, true);
    expect_answer(d, id, TX_STATE_NO);
    driver_inquire(d, id);
    expect_answer(d, id, TX_STATE_FORGOTTEN);
    driver_free(d);
}

#define RUN(name) cmocka_unit_test(test_##name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(prepare_of_members_that_cannot_decide),
        RUN(prepared_and_committed_keep_it),
        RUN(all_that_follows_says_it),
        RUN(a_log_of_members_that_cannot_decide),
        RUN(results_beyond_their_share),
        RUN(results_within_both_bounds),
        RUN(it_asks_its_coordinator_first_then_all),
        RUN(it_asks_those_again_that_are_prepared),
        RUN(all_prepared_is_committed),
        RUN(all_prepared_is_nothing_when_the_coordinator_decides),
        RUN(one_committed_is_committed),
        RUN(one_no_is_aborted),
        RUN(an_earlier_start_is_not_believed),
        RUN(a_later_start_is_believed),
        RUN(a_fact_of_the_other_mode_is_a_violation),
        RUN(facts_are_kept_over_wait),
        RUN(an_operators_decision_elsewhere_is_prepared),
        RUN(members_of_older_epochs_are_asked_at_once),
        RUN(members_of_older_epochs_are_asked_at_once_after_a_restart),
        RUN(prepared_when_its_epoch_is_gone),
        RUN(no_ack_of_what_it_found_out_before_commit_comes),
        RUN(commit_before_it_is_durable_is_acknowledged_then),
        RUN(an_operators_decision_here_ends_when_all_are_prepared),
        RUN(an_operators_decision_here_ends_with_a_no),
        RUN(an_operator_reads_what_is_waited_for),
        RUN(wanted_is_asked_as_when_the_coordinator_decides),
        RUN(inquire_while_it_prepares),
        RUN(a_refusal_is_kept_over_a_restart),
        RUN(a_commit_is_kept_until_the_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
