/* Recovery: of each state at each point of the log, of logs that contradict themselves, and of
 * snapshots. */
#include "part_driver.h"

#include "common/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

#define SEQS 12u

/* Another driver that finds the first `upto` records of this one. */
static struct driver *clone(const struct driver *d, uint64_t upto, uint64_t compacted)
{
    struct driver *copy = driver_new_bare(&d->options);
    copy->options.incarnation = d->options.incarnation;
    while (copy->log_n > 0)
        tx_buf_deinit(&copy->log[--copy->log_n]);
    copy->log = tx_xrealloc(copy->log, (upto + 1000) * sizeof *copy->log);
    copy->log_capacity = upto + 1000;
    for (uint64_t i = 0; i < upto; i++) {
        copy->log[i] = (struct tx_buf){0};
        tx_buf_append(&copy->log[i], tx_buf_view(&d->log[i]));
    }
    copy->log_n = upto;
    copy->compacted = compacted;
    copy->epoch = d->epoch;
    driver_restart(copy, upto);
    return copy;
}

/* Transactions in every state, with their records durable one by one. */
static void play(struct driver *d)
{
    uint64_t open = 3;
    struct tx_op op = driver_op(TX_OP_PUT, "one", "1");
    driver_make_prepared(d, 1);
    driver_make_committed(d, 2);
    driver_make_committed(d, 3);
    driver_abort(d, driver_make_prepared(d, 4));
    driver_sync(d);
    driver_make_heuristic(d, 5, true);
    driver_commit(d, driver_make_heuristic(d, 6, false));
    driver_sync(d);
    driver_prepare(d, driver_id(d, 7), DRIVER_ONE_SHOT | DRIVER_ONE_PHASE, &op, 1);
    driver_sync(d);
    driver_commit(d, driver_id(d, 8));
    driver_abort(d, driver_make_heuristic(d, 9, false));
    driver_sync(d);
    driver_forget(d, 1, 4, &open, 1);
    driver_sync(d);
    driver_make_prepared(d, 10);
    driver_make_working(d, 11);
}

/* The transaction's last word in the records up to `upto`. */
static const char *expected(const struct driver *d, uint64_t upto, uint64_t seq)
{
    const char *state = "none";
    struct tx_arena arena = {0};
    for (uint64_t lsn = 1; lsn <= upto; lsn++) {
        struct txlog_record record;
        driver_decode(d, lsn, &arena, &record);
        if (record.type == TXLOG_FORGET && seq < 3 && strcmp(state, "prepared") != 0)
            state = "forgotten";
        if (!tx_id_equal(txlog_record_tx(&record), driver_id(d, seq)))
            continue;
        if (record.type == TXLOG_PREPARED)
            state = "prepared";
        else if (record.type == TXLOG_COMMITTED)
            state = "committed";
        else if (record.type == TXLOG_ABORTED)
            state = "tombstone";
        else if (record.type == TXLOG_HEURISTIC)
            state = "heuristic";
    }
    tx_arena_deinit(&arena);
    return state;
}

static void test_every_prefix(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    play(d);
    for (uint64_t upto = 0; upto <= d->log_n; upto++) {
        struct driver *cut = clone(d, upto, 0);
        size_t prepared = 0;
        for (uint64_t seq = 1; seq < SEQS; seq++) {
            const char *state = expected(d, upto, seq);
            expect_state(cut, driver_id(d, seq), state);
            prepared += strcmp(state, "prepared") == 0;
        }
        /* Each of those in doubt has its one key lock and the two intentions above. */
        assert_int_equal(driver_stats(cut).locks_held, 3 * prepared);
        assert_true(driver_count(cut, TX_MSG_INQUIRE) >= prepared);
        driver_free(cut);
    }
    driver_free(d);
}

/* What was said before the crash is said again after it, at whatever durable point the
 * crash came. */
static void test_answers_agree_after_a_crash(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_restart(d, d->log_n);
    driver_prepare(d, id, DRIVER_OLD, NULL, 0);
    expect_vote(d, id, TX_VOTE_YES);
    driver_commit(d, id);
    driver_restart(d, d->durable); /* COMMITTED was not durable and no ACK had left */
    expect_state(d, id, "prepared");
    assert_null(driver_value(d, "k1"));
    driver_commit(d, id);
    driver_sync(d);
    expect_ack(d, id, TX_HEURISTIC_NONE);
    driver_restart(d, d->log_n);
    assert_string_equal(driver_value(d, "k1"), "v1");
    driver_clear(d);
    driver_commit(d, id);
    expect_ack(d, id, TX_HEURISTIC_NONE);
    driver_free(d);
}

static void test_one_phase_survives(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    driver_prepare(d, driver_id(d, 1), DRIVER_ONE_SHOT | DRIVER_ONE_PHASE, &op, 1);
    struct driver *lost = clone(d, d->log_n - 1, 0);
    expect_state(lost, driver_id(d, 1), "none");
    assert_null(driver_value(lost, "x"));
    driver_sync(d);
    expect_vote(d, driver_id(d, 1), TX_VOTE_COMMITTED);
    driver_restart(d, d->log_n);
    assert_string_equal(driver_value(d, "x"), "1");
    driver_inquire(d, driver_id(d, 1));
    expect_answer(d, driver_id(d, 1), TX_STATE_COMMITTED);
    driver_free(lost);
    driver_free(d);
}

/* ---- snapshots ---- */

static void compare(const struct driver *a, const struct driver *b)
{
    for (uint64_t epoch = 1; epoch <= 3; epoch++) {
        for (uint64_t seq = 1; seq <= 40; seq++) {
            struct tx_id id = {DRIVER_COORDINATOR, epoch, seq};
            const char *state = part_core_state_name(a->core, id);
            /* Tombstones are memory of this incarnation only; a longer replay makes more
             * of them. */
            if (strcmp(state, "tombstone") != 0)
                expect_state(b, id, state);
        }
    }
    struct part_stats x = driver_stats(a);
    struct part_stats y = driver_stats(b);
    assert_int_equal(x.prepared, y.prepared);
    assert_int_equal(x.committed, y.committed);
    assert_int_equal(x.heuristic, y.heuristic);
    assert_int_equal(x.locks_held, y.locks_held);
    assert_int_equal(x.alarms, y.alarms);
}

static void test_snapshot_equals_replay(void **unused)
{
    (void)unused;
    for (uint64_t every = 3; every < 30; every += 4) {
        struct part_options options = driver_options();
        options.snapshot_records = every;
        struct driver *d = driver_new(&options);
        play(d);
        for (uint64_t seq = 20; seq < 24; seq++)
            driver_make_committed(d, seq);
        driver_make_preparing(d, 30);
        driver_sync(d);
        assert_true(driver_records(d, TXLOG_SNAPSHOT_END) >= 1);
        assert_true(d->compacted > 0);
        struct driver *whole = clone(d, d->log_n, 0);
        struct driver *from_snapshot = clone(d, d->log_n, d->compacted);
        compare(whole, from_snapshot);
        driver_prepare(from_snapshot, driver_id(d, 1), DRIVER_OLD, NULL, 0);
        expect_vote(from_snapshot, driver_id(d, 1), TX_VOTE_YES);
        driver_commit(from_snapshot, driver_id(d, 1));
        assert_string_equal(driver_value(from_snapshot, "k1"), "v1");
        driver_free(whole);
        driver_free(from_snapshot);
        driver_free(d);
    }
}

/* A crash cuts a snapshot anywhere: the log before it still counts. */
static void test_cut_snapshots(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.snapshot_records = 15;
    options.retain_records = 1000;
    struct driver *d = driver_new(&options);
    play(d);
    assert_true(driver_records(d, TXLOG_SNAPSHOT_END) >= 1);
    for (uint64_t upto = 1; upto <= d->log_n; upto++) {
        struct driver *cut = clone(d, upto, 0);
        for (uint64_t seq = 3; seq < SEQS; seq++) {
            /* A restated PREPARED comes again before its HEURISTIC: the records speak for
             * the rest. */
            if (seq != 5 && seq != 6 && seq != 9)
                expect_state(cut, driver_id(d, seq), expected(d, upto, seq));
        }
        driver_restart(cut, cut->log_n); /* and what it has written since can be read again */
        driver_free(cut);
    }
    assert_int_equal(d->compacted, 0);
    driver_free(d);
}

/* One snapshot at a time, and a preparing transaction is in it. */
static void test_snapshot_of_preparing(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.snapshot_records = 4;
    struct driver *d = driver_new(&options);
    struct tx_op op = driver_op(TX_OP_PUT, "one", "1");
    struct tx_id a = driver_make_preparing(d, 1);
    driver_prepare(d, driver_id(d, 2), DRIVER_ONE_SHOT | DRIVER_ONE_PHASE, &op, 1);
    assert_int_equal(driver_records(d, TXLOG_SNAPSHOT_BEGIN), 1);
    driver_make_preparing(d, 3);
    driver_make_preparing(d, 4);
    driver_make_preparing(d, 5);
    driver_make_preparing(d, 6);
    assert_int_equal(driver_records(d, TXLOG_SNAPSHOT_BEGIN), 1); /* not durable yet */
    assert_int_equal(driver_records(d, TXLOG_PREPARED), 6);
    driver_sync(d);
    assert_true(d->compacted > 0);
    struct driver *copy = clone(d, d->log_n, d->compacted);
    expect_state(copy, a, "prepared");
    expect_state(copy, driver_id(d, 2), "committed");
    driver_free(copy);
    driver_free(d);
}

static void test_retained_history(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.snapshot_records = 10;
    options.retain_records = 1000;
    struct driver *d = driver_new(&options);
    for (uint64_t seq = 1; seq <= 100; seq++)
        driver_make_committed(d, seq);
    assert_true(driver_records(d, TXLOG_SNAPSHOT_END) >= 1);
    assert_int_equal(d->compacted, 0);
    /* The live state grows, and with it the distance of the snapshots: they never
     * feed themselves. */
    assert_true(driver_records(d, TXLOG_SNAPSHOT_END) <= 8);
    driver_free(d);
}

/* ---- logs that contradict themselves ---- */

struct script {
    struct part_core *core;
    uint64_t lsn;
    struct tx_why why;
};

static struct tx_member self_only(const struct part_options *options)
{
    return (struct tx_member){.name = options->name, .incarnation = 1};
}

static enum tx_error feed(struct script *s, struct txlog_record record)
{
    record.lsn.n = ++s->lsn;
    return part_core_recover(s->core, &record, &s->why);
}

static struct txlog_record rec_epoch(uint64_t epoch, uint64_t life)
{
    return (struct txlog_record){.type = TXLOG_EPOCH,
                                 .epoch = {.coordinator = 1, .known = {epoch, life, {0}}}};
}

static const struct tx_position known_nowhere[1];

static struct txlog_record rec_prepared(uint64_t seq, const struct tx_member *member,
                                        const struct txlog_lock *lock)
{
    return (struct txlog_record){.type = TXLOG_PREPARED,
                                 .prepared = {.id = {1, 1, seq},
                                              .age = {seq, 1},
                                              .members = member,
                                              .members_n = 1,
                                              .known = known_nowhere,
                                              .locks = lock,
                                              .locks_n = lock != NULL}};
}

static struct txlog_record rec_committed(uint64_t seq)
{
    return (struct txlog_record){.type = TXLOG_COMMITTED, .committed = {.id = {1, 1, seq}}};
}

static struct txlog_record rec_aborted(uint64_t seq)
{
    return (struct txlog_record){.type = TXLOG_ABORTED, .id = {{1, 1, seq}}};
}

static struct txlog_record rec_heuristic(uint64_t seq, bool commit)
{
    return (struct txlog_record){.type = TXLOG_HEURISTIC,
                                 .heuristic = {.id = {1, 1, seq}, .commit = commit}};
}

static struct txlog_record rec_end(uint64_t seq, bool damage)
{
    return (struct txlog_record){.type = TXLOG_HEURISTIC_END,
                                 .heuristic_end = {.id = {1, 1, seq}, .damage = damage}};
}

static struct txlog_record rec_start(uint64_t incarnation)
{
    return (struct txlog_record){
        .type = TXLOG_START, .start = incarnation, .started = {.life = 70 + incarnation}};
}

/* Read by the third start. */
static struct script script_new(const struct part_options *options)
{
    struct part_options third = *options;
    third.incarnation = 3;
    struct script s = {.core = part_core_new(&third)};
    assert_int_equal(feed(&s, rec_start(1)), TX_OK);
    assert_int_equal(feed(&s, rec_epoch(1, 7)), TX_OK);
    return s;
}

/* Every pair of records of one transaction that cannot follow each other. */
static void test_contradictions(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.incarnation = 1;
    struct tx_member self = self_only(&options);
    const struct txlog_record prepared = rec_prepared(1, &self, NULL);
    const struct txlog_record cases[][4] = {
        {prepared, prepared},
        {prepared, rec_committed(1), prepared},
        {prepared, rec_committed(1), rec_committed(1)},
        {prepared, rec_committed(1), rec_aborted(1)},
        {prepared, rec_committed(1), rec_heuristic(1, true)},
        {prepared, rec_aborted(1), rec_committed(1)},
        {prepared, rec_aborted(1), prepared},
        {prepared, rec_aborted(1), rec_aborted(1)},
        {rec_aborted(1)},
        {rec_heuristic(1, true)},
        {rec_end(1, false)},
        {prepared, rec_end(1, false)},
        {prepared, rec_heuristic(1, true), rec_heuristic(1, true)},
        {prepared, rec_heuristic(1, true), rec_committed(1)},
        {prepared, rec_heuristic(1, true), prepared},
        {prepared, rec_heuristic(1, true), rec_end(1, true), rec_end(1, true)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct script s = script_new(&options);
        size_t n = 0;
        while (n < 4 && cases[i][n].type != TXLOG_NONE)
            n++;
        for (size_t j = 0; j + 1 < n; j++)
            assert_int_equal(feed(&s, cases[i][j]), TX_OK);
        assert_int_equal(feed(&s, cases[i][n - 1]), TX_ECORRUPT);
        assert_non_null(strstr(s.why.text, "1-1-1"));
        assert_non_null(strstr(s.why.text, "record"));
        part_core_destroy(&s.core);
    }
}

static void test_impossible_records(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.incarnation = 1;
    struct tx_member stranger = {.name = {"zz"}};
    struct tx_member self = self_only(&options);
    const uint64_t open[] = {5, 4};
    struct txlog_record unknown_epoch = rec_prepared(1, &self, NULL);
    unknown_epoch.prepared.id.epoch = 2;
    struct txlog_record crowd = rec_prepared(1, &self, NULL);
    crowd.prepared.members_n = TX_MEMBERS_MAX + 1;
    const struct txlog_record cases[] = {
        rec_epoch(1, 7),
        rec_epoch(1, 8),
        rec_epoch(0, 8),
        {.type = TXLOG_COMMIT},
        {.type = TXLOG_PEER},
        {.type = TXLOG_FORGET, .forget = {.coordinator = 2, .epoch = 1, .below = 3}},
        {.type = TXLOG_FORGET, .forget = {.coordinator = 1, .epoch = 2, .below = 3}},
        {.type = TXLOG_FORGET,
         .forget = {.coordinator = 1, .epoch = 1, .below = 9, .open = open, .open_n = 2}},
        rec_prepared(1, &stranger, NULL),
        unknown_epoch,
        crowd,
        {.type = TXLOG_COMMITTED, .committed = {.id = {9, 1, 1}}},
        {.type = TXLOG_COMMITTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct script s = script_new(&options);
        assert_int_equal(feed(&s, cases[i]), TX_ECORRUPT);
        assert_true(strlen(s.why.text) > 20);
        part_core_destroy(&s.core);
    }
}

/* Locks that nobody could take, and starts that are still to come. */
static void test_impossible_parts(void **unused)
{
    (void)unused;
    static const uint8_t longest[TX_BOUND_MAX + 1] = {1};
    struct part_options options = driver_options();
    options.incarnation = 1;
    struct tx_member self = self_only(&options);
    const struct tx_bytes some = tx_bytes_str("x"), more = tx_bytes_str("y"), none = {0};
    const struct tx_bytes too_long = tx_bytes(longest, TX_KEY_MAX + 1);
    const struct tx_bytes no_bound = tx_bytes(longest, TX_BOUND_MAX + 1);
    const struct tx_bytes no_space = tx_bytes(longest, TX_SPACE_MAX + 1);
    const struct txlog_lock locks[] = {
        {TX_LOCK_NONE, false, some, some, none},  {TX_LOCK_X, false, none, some, none},
        {TX_LOCK_X, false, some, too_long, none}, {TX_LOCK_X, false, no_space, some, none},
        {TX_LOCK_IX, false, some, some, none},    {TX_LOCK_SIX, false, some, some, none},
        {TX_LOCK_S, false, some, some, more},     {TX_LOCK_X, true, some, some, more},
        {TX_LOCK_IS, true, some, some, more},     {TX_LOCK_S, true, some, more, some},
        {TX_LOCK_S, true, some, some, some},      {TX_LOCK_S, true, none, some, more},
        {TX_LOCK_S, true, some, no_bound, none},  {TX_LOCK_S, true, some, none, no_bound},
        {TX_LOCK_S, true, no_space, some, more},
    };
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        struct script s = script_new(&options);
        assert_int_equal(feed(&s, rec_prepared(1, &self, &locks[i])), TX_ECORRUPT);
        assert_non_null(strstr(s.why.text, "a lock that cannot be"));
        part_core_destroy(&s.core);
    }
    const struct tx_position starts[] = {{3, 1, {1}}, {1, 1, {1000}}};
    for (size_t i = 0; i < 2; i++) {
        struct script s = script_new(&options);
        struct txlog_record begin = {.type = TXLOG_SNAPSHOT_BEGIN,
                                     .snapshot_begin = {.starts = &starts[i], .starts_n = 1}};
        assert_int_equal(feed(&s, begin), TX_ECORRUPT);
        part_core_destroy(&s.core);
    }
}

static void test_gap(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.incarnation = 1;
    struct script s = script_new(&options);
    s.lsn++;
    assert_int_equal(feed(&s, rec_epoch(2, 7)), TX_EGAP);
    struct part_actions actions = {0};
    assert_int_equal(part_core_recovered(s.core, (struct tx_lsn){1}, 0, &actions, &s.why), TX_EGAP);
    part_core_destroy(&s.core);
}

static void check_locks(size_t locks_max, enum tx_error error, const char *text)
{
    struct part_options options = driver_options();
    struct part_actions actions = {0};
    struct tx_member self = self_only(&options);
    struct txlog_lock lock = {
        .mode = TX_LOCK_X, .space = tx_bytes_str("s"), .key = tx_bytes_str("k")};
    options.incarnation = 1;
    options.locks_max = locks_max;
    struct script s = script_new(&options);
    assert_int_equal(feed(&s, rec_prepared(1, &self, &lock)), TX_OK);
    assert_int_equal(feed(&s, rec_prepared(2, &self, &lock)), TX_OK);
    assert_int_equal(part_core_recovered(s.core, (struct tx_lsn){s.lsn}, 0, &actions, &s.why),
                     error);
    assert_non_null(strstr(s.why.text, text));
    part_core_destroy(&s.core);
    part_actions_deinit(&actions);
}

/* Two that were prepared with one lock: the text names both. */
static void test_lock_conflict(void **unused)
{
    (void)unused;
    check_locks(100, TX_ECORRUPT, "1-1-2 and 1-1-1 both hold a lock on s/k");
    check_locks(2, TX_ELIMIT, "raise the limit of 2 locks");
}

/* Within a snapshot the same words are restated, and other words are not. */
static void test_restated(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.incarnation = 1;
    struct tx_member self = self_only(&options);
    const struct tx_position first = {1, 71, {1}};
    const struct txlog_record begin = {.type = TXLOG_SNAPSHOT_BEGIN,
                                       .snapshot_begin = {.starts = &first, .starts_n = 1}};
    struct script s = script_new(&options);
    assert_int_equal(feed(&s, rec_prepared(1, &self, NULL)), TX_OK);
    assert_int_equal(feed(&s, rec_heuristic(1, true)), TX_OK);
    assert_int_equal(feed(&s, rec_end(1, true)), TX_OK);
    assert_int_equal(feed(&s, rec_committed(2)), TX_OK);
    assert_int_equal(feed(&s, begin), TX_OK);
    assert_int_equal(feed(&s, rec_epoch(1, 7)), TX_OK);
    assert_int_equal(feed(&s, rec_prepared(1, &self, NULL)), TX_OK);
    assert_int_equal(feed(&s, rec_heuristic(1, true)), TX_OK);
    assert_int_equal(feed(&s, rec_end(1, true)), TX_OK);
    assert_int_equal(feed(&s, rec_committed(2)), TX_OK);
    assert_int_equal(feed(&s, rec_heuristic(1, false)), TX_ECORRUPT);
    assert_int_equal(feed(&s, rec_end(1, false)), TX_ECORRUPT);
    assert_int_equal(feed(&s, rec_epoch(1, 8)), TX_ECORRUPT);
    assert_int_equal(feed(&s, rec_prepared(2, &self, NULL)), TX_ECORRUPT);
    /* A start ends a snapshot that a crash has cut. */
    assert_int_equal(feed(&s, rec_start(2)), TX_OK);
    assert_int_equal(feed(&s, rec_committed(2)), TX_ECORRUPT);
    assert_int_equal(feed(&s, rec_start(2)), TX_ECORRUPT);
    assert_int_equal(feed(&s, rec_start(3)), TX_ECORRUPT); /* that is its own */
    assert_int_equal(feed(&s, (struct txlog_record){.type = TXLOG_SNAPSHOT_BEGIN}), TX_ECORRUPT);
    part_core_destroy(&s.core);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_answers_agree_after_a_crash),
        cmocka_unit_test(test_one_phase_survives),
        cmocka_unit_test(test_snapshot_equals_replay),
        cmocka_unit_test(test_cut_snapshots),
        cmocka_unit_test(test_snapshot_of_preparing),
        cmocka_unit_test(test_retained_history),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_impossible_records),
        cmocka_unit_test(test_impossible_parts),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_lock_conflict),
        cmocka_unit_test(test_restated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
