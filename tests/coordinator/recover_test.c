/* Recovery: the log cut at every record, snapshots, contradictions. */
#include "coord_driver.h"

#include <string.h>

#define TOLD_MAX 64

/* What a client was told, and how much of the log was durable then. */
struct told {
    struct tx_id id;
    enum tx_outcome outcome;
    size_t durable;
};

struct history {
    struct told told[TOLD_MAX];
    size_t n;
};

static void tell(struct history *h, struct tx_id id, enum tx_outcome outcome, size_t durable)
{
    assert_true(h->n < TOLD_MAX);
    h->told[h->n++] = (struct told){id, outcome, durable};
}

/* Some of everything, over two epochs. */
static void live(struct driver *d, struct history *h)
{
    for (int round = 0; round < 6; round++) {
        struct tx_id done = tx_finished_committed(d);
        tell(h, done, TX_OUTCOME_COMMITTED, d->log_n - 1);
        tell(h, tx_finished_aborted(d), TX_OUTCOME_ABORTED, 0);
        struct tx_id keyed = submit(d, "ab", round % 2 ? "odd" : "even");
        if (round < 2) {
            vote(d, 'a', keyed, TX_VOTE_YES, 1);
            vote(d, 'b', keyed, TX_VOTE_YES, 1);
            driver_durable(d);
            tell(h, keyed, TX_OUTCOME_COMMITTED, d->log_n);
        }
        struct tx_id stuck = tx_committed(d);
        tell(h, stuck, TX_OUTCOME_COMMITTED, d->log_n);
        ack(d, 'a', stuck);
        struct tx_id id = tx_finished_committed(d);
        vote_no(d, 'a', id, TX_REASON_CHECK); /* an alarm */
        (void)tx_deciding(d);
        driver_ignore(d);
        if (round == 3) {
            driver_durable(d);
            driver_restart_all(d);
            driver_welcome_all(d);
            driver_ignore(d);
        }
    }
}

static void ask(struct driver *d, const struct told *told)
{
    finish(d, TX_MSG_OUTCOME_REQUEST, told->id, "ab");
    const struct tx_msg_outcome *answer = &driver_replied(d, CLIENT, TX_MSG_OUTCOME)->outcome;
    assert_true(tx_id_equal(answer->id, told->id));
    if (told->outcome == TX_OUTCOME_COMMITTED) {
        assert_int_equal(answer->outcome, TX_OUTCOME_COMMITTED);
    } else {
        assert_int_not_equal(answer->outcome, TX_OUTCOME_COMMITTED);
    }
}

static void what_a_client_was_told_stays_true_at_every_cut(void **unused)
{
    (void)unused;
    struct driver d;
    struct history h = {0};
    driver_up(&d);
    live(&d, &h);
    size_t records = d.log_n;
    driver_deinit(&d);
    for (size_t cut = 1; cut <= records; cut++) {
        h.n = 0;
        driver_up(&d);
        live(&d, &h);
        assert_int_equal(d.log_n, records);
        d.options.epoch = cut < records ? 3 : d.options.epoch;
        driver_restart(&d, cut);
        driver_welcome_all(&d);
        for (size_t i = 0; i < h.n; i++) {
            if (h.told[i].durable <= cut) {
                ask(&d, &h.told[i]);
            }
        }
        driver_deinit(&d);
    }
}

static void snapshots_lose_nothing_and_bound_the_log(void **unused)
{
    (void)unused;
    struct driver d;
    struct history h = {0};
    driver_init(&d);
    d.options.snapshot_records = 7;
    d.options.retain_records = 0;
    d.options.retained_max = 60;
    driver_start(&d);
    driver_welcome_all(&d);
    live(&d, &h);
    driver_durable(&d);
    fill_log(&d, 300);
    assert_true(d.compacted > 300);
    assert_true(d.log_n - d.compacted < 800);
    size_t alarms = d.alarms;
    struct tx_id last = tx_committed(&d);
    tell(&h, last, TX_OUTCOME_COMMITTED, d.log_n);
    d.options.retained_max = 1000; /* the log does not say who has acknowledged */
    driver_restart_all(&d);
    d.lsn[0] = 1; /* how far its log had come is still known */
    driver_welcome(&d, 'a');
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
    d.lsn[0] = 1000;
    driver_welcome_all(&d);
    for (size_t i = 0; i < h.n; i++) {
        ask(&d, &h.told[i]);
    }
    driver_ignore(&d);
    submit(&d, "ab", "odd"); /* keys survive */
    (void)driver_replied(&d, CLIENT, TX_MSG_OUTCOME);
    struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST};
    driver_client(&d, CLIENT, &msg);
    const struct tx_msg_status *status = &driver_replied(&d, CLIENT, TX_MSG_STATUS)->status;
    for (size_t i = 0; i < status->fields_n; i++) {
        if (memcmp(status->fields[i].name.data, "alarms_kept", 11) == 0) {
            assert_int_equal(status->fields[i].text.data[0] - '0', alarms + 1);
        }
    }
    driver_deinit(&d);
}

static void snapshots_restate_one_phase_outcomes(void **unused)
{
    (void)unused;
    struct driver d;
    driver_init(&d);
    d.options.snapshot_records = 12;
    d.options.retained_max = 40;
    d.options.retain_records = 0;
    driver_start(&d);
    driver_welcome_all(&d);
    struct tx_id ids[30];
    for (size_t i = 0; i < 30; i++) {
        ids[i] = tx_one_phase(&d);
        driver_durable(&d);
        driver_ignore(&d);
    }
    fill_log(&d, 200);
    assert_true(d.compacted > 0);
    d.options.retained_max = 1000;
    driver_restart_all(&d);
    for (size_t i = 0; i < 30; i++) {
        assert_state(&d, ids[i], "finished-committed");
    }
    driver_deinit(&d);
}

static void a_snapshot_cut_short_repeats_what_is_known(void **unused)
{
    (void)unused;
    struct driver d;
    driver_init(&d);
    d.options.snapshot_records = 16;
    d.options.retained_max = 4;
    driver_start(&d);
    driver_welcome_all(&d);
    struct tx_id id = tx_finished_committed(&d);
    vote_no(&d, 'a', id, TX_REASON_CHECK);
    struct tx_id one = tx_one_phase(&d);
    size_t before;
    do {
        before = d.log_n;
        fill_log(&d, 1);
    } while (d.log_n < before + 4); /* more than COMMIT and END: the snapshot */
    size_t written = d.log_n;
    d.options.retained_max = 1000;
    for (size_t cut = written; cut > before + 2; cut--) {
        driver_restart(&d, cut);
        assert_state(&d, id, "finished-committed");
        assert_state(&d, one, "finished-committed");
        driver_restart_all(&d);
        assert_state(&d, id, "finished-committed");
    }
    driver_deinit(&d);
}

static void a_member_that_left_the_configuration_still_hears_the_decision(void **unused)
{
    (void)unused;
    struct driver d;
    driver_up(&d);
    struct tx_id id = tx_committed(&d);
    (void)tx_finished_committed(&d);
    d.options.nodes_n = 1; /* only a is left */
    driver_restart_all(&d);
    assert_true(driver_was_sent(&d, 'b', TX_MSG_HELLO));
    driver_welcome(&d, 'b');
    assert_int_equal(driver_sent(&d, 'b', TX_MSG_COMMIT)->commit.id.seq, id.seq);
    submit(&d, "b", "");
    assert_error(&d, TX_EINVAL, TX_REASON_NONE, "it has a");
    driver_deinit(&d);
}

static struct txlog_record commit_record(uint64_t lsn, uint64_t start, struct tx_id id,
                                         const struct tx_member *member)
{
    return (struct txlog_record){.type = TXLOG_COMMIT,
                                 .lsn = {lsn},
                                 .start = start,
                                 .commit = {.id = id, .members = member, .members_n = 1}};
}

/* Recovers the records and expects the last of them to be refused with this text. */
static void refused(const struct txlog_record *records, size_t n, const char *text)
{
    struct driver d;
    driver_init(&d);
    d.options.epoch = 5;
    struct coord_core *core = coord_core_new(&d.options);
    struct tx_why why = {0};
    for (size_t i = 0; i + 1 < n; i++) {
        assert_int_equal(coord_core_recover(core, &records[i], &why), TX_OK);
    }
    assert_int_equal(coord_core_recover(core, &records[n - 1], &why), TX_ECORRUPT);
    if (strstr(why.text, text) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", text, why.text);
    }
    coord_core_destroy(&core);
    coord_core_destroy(&core);
    driver_deinit(&d);
}

static void contradictions_are_refused_with_position_and_id(void **unused)
{
    (void)unused;
    const struct tx_member member = {.name = {"a"}, .incarnation = 1};
    const struct tx_id id = {1, 2, 7};
    const struct txlog_record start = {.type = TXLOG_START, .lsn = {1}, .start = 2};
    struct txlog_record commit = commit_record(2, 2, id, &member);
    struct txlog_record end = {.type = TXLOG_END, .lsn = {3}, .start = 2, .end = {.id = id}};
    struct txlog_record outcome = {
        .type = TXLOG_OUTCOME,
        .lsn = {3},
        .start = 2,
        .outcome = {.id = id, .outcome = TX_OUTCOME_COMMITTED, .peer = {.name = {"a"}}}};

    struct txlog_record again = commit;
    again.lsn.n = 3;
    refused((struct txlog_record[]){start, commit, again}, 3,
            "record 3 (COMMIT of transaction 1-2-7) was written before");
    refused((struct txlog_record[]){start, commit, outcome}, 3, "was written before");
    struct txlog_record late = end;
    late.lsn.n = 4;
    refused((struct txlog_record[]){start, commit, end, late}, 4, "was written before");
    end.lsn.n = 2;
    refused((struct txlog_record[]){start, end}, 2, "no COMMIT before it");
    end.lsn.n = 9;
    refused((struct txlog_record[]){start, end}, 2, "does not follow");
    outcome.lsn.n = 2;
    outcome.outcome.outcome = TX_OUTCOME_ABORTED;
    refused((struct txlog_record[]){start, outcome}, 2, "is no commit");
    struct txlog_record begun = {.type = TXLOG_START, .lsn = {2}, .start = 2};
    refused((struct txlog_record[]){start, begun}, 2, "record 2 (START) has an epoch");
    begun.start = 1;
    refused((struct txlog_record[]){start, begun}, 2, "epoch out of order");
    struct txlog_record snapshot_end = {.type = TXLOG_SNAPSHOT_END, .lsn = {2}, .start = 2};
    refused((struct txlog_record[]){start, snapshot_end}, 2, "has no beginning");
    struct txlog_record snapshot = {.type = TXLOG_SNAPSHOT_BEGIN, .lsn = {2}, .start = 2};
    refused((struct txlog_record[]){start, snapshot}, 2, "holds no starts in order");
    const struct tx_position to_come = {5, 1, {1}}, further_on = {2, 1, {2}};
    snapshot.snapshot_begin = (struct txlog_snapshot_begin){.starts = &to_come, .starts_n = 1};
    refused((struct txlog_record[]){start, snapshot}, 2, "holds no starts in order");
    snapshot.snapshot_begin.starts = &further_on;
    refused((struct txlog_record[]){start, snapshot}, 2, "holds no starts in order");
    struct txlog_record forget = {.type = TXLOG_FORGET, .lsn = {2}, .start = 2};
    forget.forget = (struct txlog_forget){.coordinator = 9, .epoch = 1, .below = UINT64_MAX};
    refused((struct txlog_record[]){start, forget}, 2, "is of another coordinator");
    forget.forget.coordinator = 1;
    forget.forget.epoch = 2;
    refused((struct txlog_record[]){start, forget}, 2, "or of its own epoch");
    struct txlog_record fence = {.type = TXLOG_EPOCH, .lsn = {2}, .start = 2};
    fence.epoch.coordinator = 9;
    refused((struct txlog_record[]){start, fence}, 2, "is of another coordinator");
    struct txlog_record strange = {.type = TXLOG_PREPARED, .lsn = {2}, .start = 2};
    strange.prepared.id = id;
    refused((struct txlog_record[]){start, strange}, 2, "none that a coordinator writes");
    commit.commit.id.coordinator = 9;
    refused((struct txlog_record[]){start, commit}, 2, "of another coordinator");
    commit.commit.id = (struct tx_id){1, 3, 1};
    refused((struct txlog_record[]){start, commit}, 2, "that had not begun");
    commit.commit.id = (struct tx_id){1, 1, 1};
    refused((struct txlog_record[]){start, commit}, 2, "that was over");
    commit.commit.id = id;
    commit.commit.members_n = 0;
    refused((struct txlog_record[]){start, commit}, 2, "impossible number of members");
    commit.commit.members_n = 1;
    commit.commit.key = tx_bytes_str("key");
    struct txlog_record twin = commit_record(3, 2, (struct tx_id){1, 2, 8}, &member);
    twin.commit.key = commit.commit.key;
    refused((struct txlog_record[]){start, commit, twin}, 3, "idempotency key of another");
}

/* An outcome that was forgotten, for its retention was over, leaves its key to new work. */
static void a_key_that_was_used_again_is_no_contradiction(void **unused)
{
    (void)unused;
    struct driver d;
    driver_init(&d);
    d.options.retention_us = 1000000;
    driver_start(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    struct tx_id ids[2];
    for (size_t i = 0; i < 2; i++) {
        ids[i] = submit(&d, "ab", "again");
        vote(&d, 'a', ids[i], TX_VOTE_YES, 1);
        vote(&d, 'b', ids[i], TX_VOTE_YES, 1);
        driver_durable(&d);
        ack(&d, 'a', ids[i]);
        ack(&d, 'b', ids[i]);
        driver_durable(&d);
        driver_pass(&d, i == 0 ? 2000000 : 0);
        driver_ignore(&d);
    }
    assert_true(ids[1].seq > ids[0].seq);
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    submit(&d, "ab", "again");
    const struct tx_msg_outcome *answer = &driver_replied(&d, CLIENT, TX_MSG_OUTCOME)->outcome;
    assert_int_equal(answer->outcome, TX_OUTCOME_COMMITTED);
    assert_int_equal(answer->id.seq, ids[1].seq);
    driver_deinit(&d);
}

static void alarms_kept_are_bounded(void **unused)
{
    (void)unused;
    struct driver d;
    driver_init(&d);
    d.options.epoch = 5;
    struct coord_core *core = coord_core_new(&d.options);
    for (uint64_t i = 1; i <= 2500; i++) {
        struct txlog_record alarm = {
            .type = TXLOG_ALARM, .lsn = {i}, .start = 1, .alarm = {.text = tx_bytes_str("x")}};
        assert_int_equal(coord_core_recover(core, &alarm, NULL), TX_OK);
    }
    struct coord_actions actions = {0};
    coord_core_recovered(core, (struct tx_lsn){2500}, d.now, &actions);
    coord_core_check(core);
    coord_core_destroy(&core);
    coord_actions_deinit(&actions);
    driver_deinit(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_client_was_told_stays_true_at_every_cut),
        cmocka_unit_test(snapshots_lose_nothing_and_bound_the_log),
        cmocka_unit_test(snapshots_restate_one_phase_outcomes),
        cmocka_unit_test(a_snapshot_cut_short_repeats_what_is_known),
        cmocka_unit_test(a_member_that_left_the_configuration_still_hears_the_decision),
        cmocka_unit_test(contradictions_are_refused_with_position_and_id),
        cmocka_unit_test(a_key_that_was_used_again_is_no_contradiction),
        cmocka_unit_test(alarms_kept_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
