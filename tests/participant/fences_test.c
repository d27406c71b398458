/* The introduction of coordinators, the fences of epoch and life, roles, and the mark. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

static void test_welcome_after_the_epoch_is_durable(void **unused)
{
    (void)unused;
    struct driver *d = driver_new_bare(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    driver_hello(d, 3, 9);
    expect_silence(d);
    driver_hello(d, 3, 9); /* it says hello every second */
    driver_prepare(d, driver_id(d, 1), DRIVER_ONE_SHOT, &op, 1);
    driver_commit(d, driver_id(d, 1));
    expect_silence(d); /* nothing else is taken before */
    expect_alarms(d, 0);
    driver_sync(d);
    const struct tx_msg_welcome *welcome = &driver_last(d, TX_MSG_WELCOME)->welcome;
    assert_int_equal(driver_count(d, TX_MSG_WELCOME), 1);
    assert_int_equal(welcome->incarnation, 1);
    assert_int_equal(welcome->lsn.n, d->log_n);
    assert_int_equal(welcome->age_counter, 5);
    assert_false(welcome->refusing);
    driver_hello(d, 3, 9);
    assert_int_equal(driver_count(d, TX_MSG_WELCOME), 2);
    assert_int_equal(driver_last(d, TX_MSG_WELCOME)->welcome.number, d->hellos);
    assert_int_equal(driver_records(d, TXLOG_EPOCH), 1);
    driver_free(d);
}

/* Somebody who claims an age beyond all bounds must not make everybody else look old for ever. */
static void test_invented_age(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    struct tx_msg msg = {.type = TX_MSG_OPERATE,
                         .operate = {.req = 1,
                                     .id = driver_id(d, 1),
                                     .age = {.counter = UINT64_MAX, .coordinator = 1},
                                     .step = 1,
                                     .ops = &op,
                                     .ops_n = 1}};
    driver_from_client(d, 1, &msg);
    driver_hello(d, 1, 7);
    assert_int_equal(driver_last(d, TX_MSG_WELCOME)->welcome.age_counter, 5);
    driver_free(d);
}

/* Two epochs before the log is written: only the newer one is welcomed. */
static void test_overtaken_hello(void **unused)
{
    (void)unused;
    struct driver *d = driver_new_bare(NULL);
    driver_hello(d, 1, 7);
    driver_hello(d, 2, 8);
    driver_sync(d);
    assert_int_equal(driver_count(d, TX_MSG_WELCOME), 1);
    assert_int_equal(driver_records(d, TXLOG_EPOCH), 2);
    driver_free(d);
}

static void test_lower_epoch_is_fenced(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_hello(d, 5, 8);
    driver_clear(d);
    struct tx_envelope old = driver_envelope(d, 1, 4);
    struct tx_position start = {4, 8, {4000}};
    struct tx_msg hello = {.type = TX_MSG_HELLO,
                           .hello = {.lsn = {4000}, .number = 1, .starts = &start, .starts_n = 1}};
    driver_from(d, &old, &hello); /* before the record is durable, too */
    assert_int_equal(driver_last(d, TX_MSG_FENCED)->fenced.known.start, 5);
    driver_sync(d);
    driver_clear(d);
    driver_from(d, &old, &(struct tx_msg){.type = TX_MSG_COMMIT, .commit = {{1, 4, 77}, {0}, 0}});
    assert_int_equal(driver_last(d, TX_MSG_FENCED)->fenced.id.seq, 77);
    assert_int_equal(driver_last(d, TX_MSG_FENCED)->fenced.known.life, 8);
    assert_string_equal(driver_last_to(d, TX_MSG_FENCED)->address.s, "coordinator-1");
    expect_alarms(d, 0);
    driver_free(d);
}

static void test_other_life_is_fenced(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_hello(d, 1, 8);
    assert_int_equal(driver_count(d, TX_MSG_WELCOME), 0);
    assert_int_equal(driver_last(d, TX_MSG_FENCED)->fenced.known.life, 7);
    driver_restart(d, d->log_n); /* the life is remembered */
    driver_clear(d);
    driver_hello(d, 1, 8);
    assert_int_equal(driver_count(d, TX_MSG_FENCED), 1);
    driver_hello(d, 1, 7);
    assert_int_equal(driver_count(d, TX_MSG_WELCOME), 1);
    driver_free(d);
}

/* A copy of the coordinator's directory counts on from where it was taken. */
static void test_old_copies_are_fenced(void **unused)
{
    (void)unused;
    static const struct {
        struct tx_position starts[3];
        size_t n;
        uint64_t lsn;
    } copies[] = {
        /* taken while epoch 1 ran on: its next start stands where epoch 1 has been since */
        {{{1, 7, {1}}, {2, 8, {40}}}, 2, 40},
        {{{1, 7, {1}}, {2, 8, {40}}, {3, 9, {90}}}, 3, 95},
        /* taken before epoch 1, and started several times where nobody saw it */
        {{{1, 5, {1}}, {2, 6, {60}}}, 2, 60},
        {{{2, 6, {30}}, {3, 7, {60}}}, 2, 60},
    };
    struct driver *d = driver_new_bare(NULL);
    const struct tx_position first = {1, 7, {1}};
    driver_hello_from(d, &first, 1, 20);
    driver_sync(d);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_from_coordinator(d, &(struct tx_msg){.type = TX_MSG_COMMIT, .commit = {id, {50}, 1}});
    driver_sync(d);
    for (int restarted = 0; restarted < 2; restarted++) {
        for (size_t i = 0; i < sizeof copies / sizeof copies[0]; i++) {
            driver_clear(d);
            d->epoch = copies[i].starts[copies[i].n - 1].start;
            driver_hello_from(d, copies[i].starts, copies[i].n, copies[i].lsn);
            const struct tx_position *known = &driver_last(d, TX_MSG_FENCED)->fenced.known;
            assert_int_equal(known->start, 1);
            assert_int_equal(known->life, 7);
            assert_int_equal(known->lsn.n, 50);
            assert_int_equal(driver_count(d, TX_MSG_WELCOME), 0);
            assert_int_equal(driver_records(d, TXLOG_EPOCH), 1);
        }
        driver_restart(d, d->log_n); /* how far it was is in the COMMITTED record */
    }
    const struct tx_position itself[] = {{1, 7, {1}}, {2, 8, {51}}};
    d->epoch = 2;
    driver_hello_from(d, itself, 2, 51);
    driver_sync(d);
    assert_int_equal(driver_count(d, TX_MSG_WELCOME), 1);
    driver_free(d);
}

/* A copy of the coordinator that has come to the same epoch, before its HELLO. */
static void test_words_of_a_twin(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_clear(d);
    d->life++;
    driver_abort(d, id);
    assert_int_equal(driver_last(d, TX_MSG_FENCED)->fenced.id.seq, id.seq);
    expect_state(d, id, "prepared");
    d->life--;
    driver_commit(d, id);
    expect_state(d, id, "committed");
    expect_alarms(d, 0);
    driver_free(d);
}

static void test_hello_without_its_own_start(void **unused)
{
    (void)unused;
    struct driver *d = driver_new_bare(NULL);
    const struct tx_position start = {2, 7, {10}};
    d->epoch = 3;
    driver_hello_from(d, &start, 1, 10); /* of another epoch than the envelope's */
    d->epoch = 2;
    driver_hello_from(d, &start, 1, 9); /* its log ends before its start */
    driver_hello_from(d, &start, 0, 10);
    expect_silence(d);
    assert_int_equal(driver_stats(d).violations, 3);
    driver_free(d);
}

static void test_new_epoch_undoes_older_work(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id working = driver_make_working(d, 1);
    struct tx_id prepared = driver_make_prepared(d, 2);
    struct tx_id preparing = driver_make_preparing(d, 4);
    driver_do(d, 3, 1, TX_OP_GET, "k2", ""); /* waits for a lock, its client for an answer */
    driver_clear(d);
    driver_hello(d, 2, 8);
    expect_operated(d, TX_REASON_RESTARTED);
    assert_int_equal(driver_count(d, TX_MSG_VOTE), 0);
    expect_state(d, working, "tombstone");
    expect_state(d, prepared, "prepared");
    driver_sync(d);
    expect_state(d, preparing, "prepared");
    driver_clear(d);
    driver_prepare(d, prepared, 0, NULL, 0); /* a vote that was given stands */
    expect_vote(d, prepared, TX_VOTE_YES);
    driver_commit(d, prepared);
    driver_sync(d);
    expect_ack(d, prepared, TX_HEURISTIC_NONE);
    driver_free(d);
}

static void test_older_epoch_begins_nothing(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id old = driver_id(d, 1);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    driver_hello(d, 2, 8);
    driver_sync(d);
    driver_clear(d);
    driver_operate(d, old, 1, &op, 1);
    expect_operated(d, TX_REASON_RESTARTED);
    driver_prepare(d, old, DRIVER_ONE_SHOT, &op, 1);
    expect_no(d, old, TX_REASON_RESTARTED);
    driver_inquire_peer(d, "b", old, true);
    expect_answer(d, old, TX_STATE_NO);
    assert_int_equal(driver_stats(d).begun, 0);
    driver_free(d);
}

static void test_operate_before_the_introduction(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "1");
    driver_operate(d, (struct tx_id){1, 2, 1}, 1, &op, 1);
    expect_error(d, TX_EUNREACHABLE, TX_REASON_UNREACHABLE);
    driver_operate(d, (struct tx_id){2, 1, 1}, 1, &op, 1);
    assert_int_equal(driver_count(d, TX_MSG_ERROR), 2);
    driver_hello(d, 2, 8);
    driver_operate(d, (struct tx_id){1, 2, 1}, 1, &op, 1);
    assert_int_equal(driver_count(d, TX_MSG_ERROR), 3);
    driver_sync(d);
    driver_operate(d, (struct tx_id){1, 2, 1}, 1, &op, 1);
    expect_operated(d, TX_REASON_NONE);
    driver_free(d);
}

/* An epoch that is not known here says nothing about what it did here: no answer. */
static void test_inquiry_of_an_unknown_epoch(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_inquire_peer(d, "b", (struct tx_id){1, 2, 1}, true);
    driver_inquire_peer(d, "b", (struct tx_id){2, 1, 1}, true);
    expect_silence(d);
    driver_inquire_peer(d, "b", (struct tx_id){0}, true);
    assert_int_equal(driver_stats(d).violations, 1);
    driver_free(d);
}

/* ---- an old copy of the own directory, as other participants prove it ---- */

/* Three starts on one log. */
static struct driver *three_starts(struct tx_position starts[3])
{
    struct driver *d = driver_new(NULL);
    struct tx_arena arena = {0};
    size_t n = 0;
    driver_make_committed(d, 20);
    driver_restart(d, d->log_n);
    driver_make_committed(d, 21);
    driver_restart(d, d->log_n);
    driver_make_committed(d, 22);
    for (uint64_t lsn = 1; lsn <= d->log_n; lsn++) {
        struct txlog_record record;
        driver_decode(d, lsn, &arena, &record);
        if (record.type == TXLOG_START) {
            assert_true(n < 3);
            starts[n++] = (struct tx_position){record.start, record.started.life, record.lsn};
        }
    }
    assert_int_equal(n, 3);
    assert_int_equal(d->durable, d->log_n);
    tx_arena_deinit(&arena);
    return d;
}

static struct tx_position at(struct tx_position start, uint64_t lsn)
{
    start.lsn.n = lsn;
    return start;
}

/* It has no right to answer: what it lacks may be a promise. */
static void test_an_old_copy_is_silent_and_says_so(void **unused)
{
    (void)unused;
    for (unsigned what = 0; what < 4; what++) {
        struct tx_position starts[3];
        struct driver *d = three_starts(starts);
        struct tx_id working = driver_make_working(d, 2);
        const struct tx_position known[] = {
            {starts[1].start, starts[1].life + 1, starts[1].lsn}, /* another life */
            {4, 99, {d->durable}},                                /* a start too few */
            at(starts[2], d->durable + 1),                        /* cut off */
            at(starts[1], starts[2].lsn.n),                       /* taken while start 2 ran on */
        };
        for (unsigned again = 0; again < 2; again++) {
            driver_inquire_knowing(d, "b", driver_id(d, 1), known[what]);
            driver_inquire_knowing(d, "b", working, known[what]);
            driver_inquire_knowing(d, "c", driver_id(d, 22), known[what]);
            driver_inquire_peer(d, "c", driver_id(d, 1), true); /* who has no proof */
        }
        expect_silence(d);
        expect_state(d, driver_id(d, 1), "none");
        expect_state(d, working, "working");
        expect_alarms(d, 1);
        assert_int_equal(driver_records(d, TXLOG_ALARM), 1);
        assert_int_equal(driver_stats(d).stale, 8);
        assert_int_equal(driver_stats(d).violations, 0);
        assert_true(driver_noted(d, PART_ACTION_ALARM, "participant b knows this participant at"));
        assert_true(driver_noted(d, PART_ACTION_ALARM, "start it on its newest directory"));
        driver_free(d);
    }
}

/* Whatever of it was durable and heard of, it answers. */
static void test_an_honest_log_is_never_denied(void **unused)
{
    (void)unused;
    struct tx_position starts[3];
    struct driver *d = three_starts(starts);
    uint64_t seq = 1;
    for (size_t i = 0; i < 3; i++) {
        uint64_t end = i < 2 ? starts[i + 1].lsn.n - 1 : d->durable;
        for (uint64_t lsn = starts[i].lsn.n; lsn <= end; lsn++, seq++) {
            assert_true(seq < 20);
            driver_clear(d);
            driver_inquire_knowing(d, "b", driver_id(d, seq), at(starts[i], lsn));
            expect_answer(d, driver_id(d, seq), TX_STATE_NO);
        }
    }
    assert_true(seq > 9);
    driver_inquire_knowing(d, "b", driver_id(d, 22), at(starts[2], d->durable));
    expect_answer(d, driver_id(d, 22), TX_STATE_COMMITTED);
    expect_alarms(d, 0);
    driver_free(d);
}

/* While it prepares, an inquiry waits for its record; an old copy need not wait for anything. */
static void test_an_inquiry_is_judged_when_it_comes(void **unused)
{
    (void)unused;
    struct tx_position starts[3];
    struct driver *d = three_starts(starts);
    struct tx_id first = driver_make_preparing(d, 2);
    driver_inquire_knowing(d, "b", first, at(starts[2], d->durable));
    expect_silence(d);
    driver_sync(d);
    expect_answer(d, first, TX_STATE_PREPARED);
    struct tx_id second = driver_make_preparing(d, 3);
    driver_inquire_knowing(d, "b", second, at(starts[2], d->durable + 1));
    expect_alarms(d, 1);
    driver_sync(d);
    expect_vote(d, second, TX_VOTE_YES);
    assert_int_equal(driver_count(d, TX_MSG_STATE), 0);
    driver_free(d);
}

static void test_foreign_words(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_envelope envelope = driver_envelope(d, 2, 1);
    driver_from(d, &envelope,
                &(struct tx_msg){.type = TX_MSG_COMMIT, .commit = {{2, 1, 1}, {0}, 0}});
    assert_int_equal(driver_stats(d).stale, 1); /* never introduced */
    envelope = driver_envelope(d, 1, 1);
    driver_from(d, &envelope,
                &(struct tx_msg){.type = TX_MSG_COMMIT, .commit = {{2, 1, 1}, {0}, 0}});
    driver_from(d, &envelope,
                &(struct tx_msg){.type = TX_MSG_COMMIT, .commit = {{1, 2, 1}, {0}, 0}});
    driver_from(d, &envelope, &(struct tx_msg){.type = TX_MSG_COMMIT});
    driver_from(d, &envelope, &(struct tx_msg){.type = TX_MSG_VOTE});
    envelope.coordinator = 0;
    driver_from(d, &envelope, &(struct tx_msg){.type = TX_MSG_HELLO});
    driver_from(d, &envelope, &(struct tx_msg){.type = TX_MSG_FORGET});
    envelope.role = TX_ROLE_CLIENT;
    driver_from(d, &envelope,
                &(struct tx_msg){.type = TX_MSG_COMMIT, .commit = {{1, 1, 1}, {0}, 0}});
    envelope.role = TX_ROLES_N;
    driver_from(d, &envelope,
                &(struct tx_msg){.type = TX_MSG_COMMIT, .commit = {{1, 1, 1}, {0}, 0}});
    assert_int_equal(driver_stats(d).violations, 8);
    expect_silence(d);
    expect_alarms(d, 0);
    driver_free(d);
}

static void test_coordinator_moves(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    struct tx_envelope envelope = driver_envelope(d, 1, 1);
    strcpy(envelope.address.s, "elsewhere");
    driver_from(d, &envelope, &(struct tx_msg){.type = TX_MSG_WAIT, .id = {id}});
    driver_advance(d, 1000000);
    assert_string_equal(driver_last_to(d, TX_MSG_INQUIRE)->address.s, "elsewhere");
    driver_free(d);
}

/* ---- the mark ---- */

static void forgotten(const struct driver *d, uint64_t epoch, uint64_t seq, bool yes)
{
    const char *state = part_core_state_name(d->core, (struct tx_id){1, epoch, seq});
    assert_int_equal(strcmp(state, "forgotten") == 0, yes);
}

static void test_mark_never_goes_back(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    const uint64_t open[] = {3, 5, 8};
    driver_forget(d, 1, 10, open, 3);
    driver_forget(d, 1, 9, NULL, 0);  /* late */
    driver_forget(d, 1, 10, open, 3); /* again */
    forgotten(d, 1, 5, false);
    driver_forget(d, 1, 10, open + 1, 1);
    forgotten(d, 1, 3, true);
    forgotten(d, 1, 5, false);
    forgotten(d, 1, 8, true);
    driver_forget(d, 1, 12, open, 3); /* what was finished stays so */
    forgotten(d, 1, 3, true);
    forgotten(d, 1, 5, false);
    forgotten(d, 1, 11, true);
    forgotten(d, 1, 12, false);
    assert_int_equal(driver_records(d, TXLOG_FORGET), 3);
    driver_restart(d, d->log_n);
    forgotten(d, 1, 3, true);
    forgotten(d, 1, 5, false);
    forgotten(d, 1, 11, true);
    driver_free(d);
}

static void test_marks_of_epochs(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    const uint64_t open[] = {4};
    driver_hello(d, 4, 8);
    driver_sync(d);
    driver_forget(d, 4, 3, NULL, 0);
    driver_forget(d, 2, 6, NULL, 0);
    driver_forget(d, 3, 9, open, 1);
    forgotten(d, 1, 1, false);
    forgotten(d, 2, 5, true);
    forgotten(d, 3, 4, false);
    driver_forget(d, 3, UINT64_MAX, open, 1); /* 3 but for one, and all before it */
    forgotten(d, 1, 1, true);
    forgotten(d, 2, 99, true);
    forgotten(d, 3, 99, true);
    forgotten(d, 3, 4, false);
    driver_forget(d, 3, UINT64_MAX, NULL, 0);
    forgotten(d, 3, 4, true);
    forgotten(d, 4, 2, true);
    forgotten(d, 4, 3, false);
    driver_forget(d, 2, 50, NULL, 0); /* says nothing new */
    driver_restart(d, d->log_n);
    forgotten(d, 3, 4, true);
    forgotten(d, 4, 2, true);
    forgotten(d, 4, 3, false);
    driver_free(d);
}

static void test_malformed_marks(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    const uint64_t twice[] = {3, 3};
    const uint64_t beyond[] = {3, 10};
    driver_forget(d, 1, 10, twice, 2);
    driver_forget(d, 1, 10, beyond, 2);
    driver_forget(d, 0, 10, NULL, 0);
    driver_forget(d, 2, 10, NULL, 0); /* an epoch that has not begun */
    assert_int_equal(driver_stats(d).violations, 4);
    assert_int_equal(driver_records(d, TXLOG_FORGET), 0);
    driver_free(d);
}

static void test_too_many_marks(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_hello(d, 1000, 8);
    driver_sync(d);
    for (uint64_t epoch = 400; epoch >= 1; epoch--)
        driver_forget(d, epoch, 5, NULL, 0);
    forgotten(d, 400, 1, true);
    forgotten(d, 100, 1, false); /* later, then */
    driver_forget(d, 300, UINT64_MAX, NULL, 0);
    forgotten(d, 100, 1, true);
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_welcome_after_the_epoch_is_durable),
        cmocka_unit_test(test_invented_age),
        cmocka_unit_test(test_overtaken_hello),
        cmocka_unit_test(test_lower_epoch_is_fenced),
        cmocka_unit_test(test_other_life_is_fenced),
        cmocka_unit_test(test_old_copies_are_fenced),
        cmocka_unit_test(test_words_of_a_twin),
        cmocka_unit_test(test_hello_without_its_own_start),
        cmocka_unit_test(test_new_epoch_undoes_older_work),
        cmocka_unit_test(test_older_epoch_begins_nothing),
        cmocka_unit_test(test_operate_before_the_introduction),
        cmocka_unit_test(test_inquiry_of_an_unknown_epoch),
        cmocka_unit_test(test_an_old_copy_is_silent_and_says_so),
        cmocka_unit_test(test_an_honest_log_is_never_denied),
        cmocka_unit_test(test_an_inquiry_is_judged_when_it_comes),
        cmocka_unit_test(test_foreign_words),
        cmocka_unit_test(test_coordinator_moves),
        cmocka_unit_test(test_mark_never_goes_back),
        cmocka_unit_test(test_marks_of_epochs),
        cmocka_unit_test(test_malformed_marks),
        cmocka_unit_test(test_too_many_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
