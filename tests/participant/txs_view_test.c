/* TXS, ALARMS and PUT_ASIDE: what a row says in each state, filters and pages, what is kept over
 * restarts and snapshots, and what an operator's last word changes. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

/* A page; borrowed until driver_clear(). */
static const struct tx_msg_txs *ask(struct driver *d, const struct tx_msg_txs_request *request)
{
    struct tx_msg msg = {.type = TX_MSG_TXS_REQUEST, .txs_request = *request};
    msg.txs_request.req = 77;
    driver_from_client(d, 5, &msg);
    assert_int_equal(driver_last_to(d, TX_MSG_TXS)->client, 5);
    const struct tx_msg_txs *txs = &driver_last(d, TX_MSG_TXS)->txs;
    assert_int_equal(txs->req, 77);
    assert_true(txs->more == (txs->next.start > 0));
    return txs;
}

/* The only row of one transaction. */
static struct tx_open_row row_of(struct driver *d, struct tx_id id)
{
    const struct tx_msg_txs *txs = ask(d, &(struct tx_msg_txs_request){.tx = id});
    assert_int_equal(txs->rows_n, 1);
    assert_true(tx_id_equal(txs->rows[0].id, id));
    assert_false(txs->more);
    return txs->rows[0];
}

static struct tx_open_member member_of(const struct tx_open_row *row, const char *name)
{
    for (size_t i = 0; i < row->members_n; i++) {
        if (strcmp(row->members[i].name.s, name) == 0)
            return row->members[i];
    }
    fail_msg("no member %s", name);
    return (struct tx_open_member){0};
}

static void expect_text(struct tx_bytes text, const char *part)
{
    if (memmem(text.data, text.len, part, strlen(part)) == NULL)
        fail_msg("\"%s\" is not in \"%.*s\"", part, (int)text.len, (const char *)text.data);
}

static void expect_is(struct tx_bytes text, const char *whole)
{
    assert_true(tx_bytes_equal(text, tx_bytes_str(whole)));
}

static void put_aside(struct driver *d, struct tx_id id, bool force)
{
    struct tx_msg msg = {.type = TX_MSG_PUT_ASIDE,
                         .put_aside = {.req = 9, .id = id, .force = force}};
    (void)snprintf(msg.put_aside.operator_name.s, sizeof msg.put_aside.operator_name.s, "olga");
    driver_from_client(d, 5, &msg);
}

/* The sequences of all pages of the list, as text. */
static const char *list(struct driver *d, struct tx_msg_txs_request request, size_t *pages)
{
    static char text[1024];
    size_t used = 0;
    const struct tx_msg_txs *txs;
    text[0] = '\0';
    *pages = 0;
    do {
        txs = ask(d, &request);
        for (size_t i = 0; i < txs->rows_n; i++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%u", used > 0 ? " " : "",
                                     (unsigned)txs->rows[i].id.seq);
        request.from = txs->next;
        assert_true(++*pages < 1000);
    } while (txs->more);
    return text;
}

/* ---- rows ---- */

static void test_working(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    driver_advance(d, 5000);
    struct tx_open_row row = row_of(d, id);
    expect_is(row.state, "working");
    assert_int_equal(row.waits, TX_WAITS_CLIENT);
    assert_int_equal(row.mode, TX_OPEN_UNDECIDED);
    assert_int_equal(row.age_ms, 5);
    assert_true(!row.in_doubt && !row.tries && !row.recovered && row.lsn.n == 0);
    assert_true(row.locks > 0);
    driver_free(d);
}

static void test_in_doubt(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_do(d, 2, 1, TX_OP_PUT, "k1", "x"); /* waits for it */
    driver_advance(d, 3000);
    struct tx_open_row row = row_of(d, id);
    expect_is(row.state, "prepared");
    assert_int_equal(row.mode, TX_OPEN_COORDINATOR);
    assert_int_equal(row.waits, TX_WAITS_DECISION);
    expect_text(row.detail, "the decision of coordinator 1");
    assert_true(row.in_doubt && row.tries && row.lsn.n > 0);
    assert_int_equal(row.waiters, 1);
    assert_int_equal(row.tried, 0);
    assert_true(row.next_ms > 0 && row.next_ms <= d->options.inquiry_us / 1000);
    assert_int_equal(member_of(&row, "a").said, TX_SAID_YES);
    assert_int_equal(member_of(&row, "b").said, TX_SAID_NOTHING);
    assert_false(member_of(&row, "b").waited_for); /* its coordinator decides */
    driver_advance(d, d->options.inquiry_us + 1000);
    row = row_of(d, id);
    assert_true(row.tried >= 1);
    assert_int_equal(row_of(d, driver_id(d, 2)).waits, TX_WAITS_LOCK);
    driver_free(d);
}

/* What others have written since is counted, and its own record, too. */
static void test_log_behind_it(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    struct part_event event = {.type = PART_EVENT_DURABLE, .lsn = {d->log_n}, .log_bytes = 4000};
    driver_step(d, &event);
    assert_int_equal(row_of(d, id).log_bytes, 4000);
    driver_restart(d, d->log_n);
    struct tx_open_row row = row_of(d, id);
    assert_true(row.recovered && row.log_bytes > 0 && row.log_bytes < 4000);
    driver_free(d);
}

static void test_members_decide(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    d->members_decide = true;
    struct tx_id id = driver_make_prepared(d, 1);
    struct tx_open_row row = row_of(d, id);
    assert_int_equal(row.mode, TX_OPEN_MEMBERS);
    assert_int_equal(row.waits, TX_WAITS_MEMBERS);
    assert_true(member_of(&row, "b").waited_for && !member_of(&row, "a").waited_for);
    expect_text(row.detail, "not heard from yet: b");
    driver_state(d, "b", id, TX_STATE_PREPARED);
    row = row_of(d, id);
    assert_true(member_of(&row, "b").said == TX_SAID_YES && !member_of(&row, "b").waited_for);
    driver_free(d);
}

/* One that is over is told of to whoever asks for it alone. */
static void test_what_is_over(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    size_t pages;
    struct tx_id committed = driver_make_committed(d, 1);
    struct tx_id undone = driver_make_working(d, 2);
    driver_abort(d, undone);
    struct tx_id asked = driver_id(d, 3);
    driver_inquire_peer(d, "b", asked, true);
    expect_is(row_of(d, committed).state, "committed");
    expect_is(row_of(d, undone).state, "aborted");
    expect_is(row_of(d, asked).state, "refused");
    assert_int_equal(ask(d, &(struct tx_msg_txs_request){.tx = driver_id(d, 4)})->rows_n, 0);
    assert_string_equal(list(d, (struct tx_msg_txs_request){0}, &pages), "");
    driver_make_forgotten(d, 9);
    expect_is(row_of(d, committed).state, "forgotten");
    driver_free(d);
}

/* ---- pages ---- */

static void test_pages(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    size_t pages;
    for (uint64_t seq = 1; seq <= 7; seq++) {
        if (seq % 2 == 0)
            driver_make_prepared(d, seq);
        else
            driver_make_working(d, seq);
        driver_advance(d, 10000);
    }
    assert_string_equal(list(d, (struct tx_msg_txs_request){0}, &pages), "1 2 3 4 5 6 7");
    assert_int_equal(pages, 1);
    assert_string_equal(list(d, (struct tx_msg_txs_request){.limit = 2}, &pages), "1 2 3 4 5 6 7");
    assert_int_equal(pages, 4);
    assert_string_equal(list(d, (struct tx_msg_txs_request){.in_doubt = true, .limit = 1}, &pages),
                        "2 4 6");
    assert_string_equal(list(d, (struct tx_msg_txs_request){.older_ms = 50}, &pages), "1 2 3");
    struct tx_msg_txs_request later = {.from = {.start = d->options.incarnation, .seq = 3}};
    assert_string_equal(list(d, later, &pages), "4 5 6 7");
    later.from.start = d->options.incarnation + 1;
    struct tx_msg msg = {.type = TX_MSG_TXS_REQUEST, .txs_request = later};
    driver_clear(d);
    driver_from_client(d, 5, &msg);
    assert_int_equal(driver_count(d, TX_MSG_TXS), 0);
    expect_error(d, TX_ESTATE, TX_REASON_RESTARTED);
    driver_free(d);
}

/* ---- put aside ---- */

static void test_put_aside_refused(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    put_aside(d, driver_id(d, 1), true);
    expect_error(d, TX_EUNKNOWN, TX_REASON_NONE);
    put_aside(d, driver_make_prepared(d, 2), true);
    expect_error(d, TX_ESTATE, TX_REASON_NONE);
    struct tx_id id = driver_make_heuristic(d, 3, true);
    driver_clear(d);
    put_aside(d, id, false); /* OK or DAMAGE is still to come */
    expect_error(d, TX_ESTATE, TX_REASON_NONE);
    assert_int_equal(driver_records(d, TXLOG_PUT_ASIDE), 0);
    driver_free(d);
}

/* Damage is kept until an operator has seen to it, over a restart; then it goes with the mark. */
static void test_put_aside_after_damage(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    size_t pages;
    struct tx_id id = driver_make_heuristic(d, 1, false);
    driver_commit(d, id);
    driver_sync(d);
    assert_int_equal(row_of(d, id).waits, TX_WAITS_OPERATOR);
    assert_int_equal(row_of(d, id).heuristic.end, TX_HEURISTIC_DAMAGE);
    driver_make_forgotten(d, 9);
    expect_state(d, id, "heuristic");
    driver_restart(d, d->log_n);
    expect_state(d, id, "heuristic");
    assert_string_equal(list(d, (struct tx_msg_txs_request){.in_doubt = true}, &pages), "1");
    driver_clear(d);
    put_aside(d, id, false);
    assert_int_equal(driver_count(d, TX_MSG_ERROR), 0); /* forced first */
    expect_state(d, id, "heuristic");
    driver_sync(d);
    expect_error(d, TX_OK, TX_REASON_NONE);
    expect_state(d, id, "forgotten");
    driver_commit(d, id); /* whose ACK was lost */
    expect_ack(d, id, TX_HEURISTIC_NONE);
    driver_restart(d, d->log_n);
    expect_state(d, id, "forgotten");
    driver_free(d);
}

/* A crash takes back what was not durable. */
static void test_put_aside_is_lost(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_heuristic(d, 1, false);
    driver_commit(d, id);
    driver_sync(d);
    uint64_t durable = d->log_n;
    put_aside(d, id, false);
    driver_restart(d, durable);
    assert_false(row_of(d, id).heuristic.put_aside);
    driver_free(d);
}

/* By force before the decision: nothing that others hear changes, and the damage is told. */
static void test_put_aside_by_force(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_heuristic(d, 1, true);
    put_aside(d, id, true);
    put_aside(d, id, true); /* impatient */
    driver_sync(d);
    assert_int_equal(driver_records(d, TXLOG_PUT_ASIDE), 1);
    assert_true(row_of(d, id).heuristic.put_aside);
    driver_make_forgotten(d, 9); /* what has not ended stays */
    expect_state(d, id, "heuristic");
    driver_inquire_peer(d, "b", id, true);
    expect_answer(d, id, TX_STATE_PREPARED);
    driver_restart(d, d->log_n);
    assert_true(row_of(d, id).heuristic.put_aside);
    expect_state(d, id, "heuristic");
    driver_abort(d, id);
    driver_sync(d);
    expect_ack(d, id, TX_HEURISTIC_DAMAGE);
    expect_alarms(d, 1);
    expect_state(d, id, "forgotten");
    driver_free(d);
}

static void test_put_aside_in_a_snapshot(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.snapshot_records = 20;
    struct driver *d = driver_new(&options);
    struct tx_id id = driver_make_heuristic(d, 1, true);
    put_aside(d, id, true);
    for (uint64_t seq = 2; seq < 40; seq++)
        driver_make_committed(d, seq);
    driver_sync(d);
    assert_true(d->compacted > 0);
    driver_restart(d, d->log_n);
    struct tx_open_row row = row_of(d, id);
    assert_true(row.heuristic.put_aside && row.heuristic.commit);
    driver_free(d);
}

/* ---- alarms ---- */

static const struct tx_msg_alarms *alarms(struct driver *d, uint32_t limit, uint64_t before)
{
    struct tx_msg msg = {.type = TX_MSG_ALARMS_REQUEST,
                         .alarms_request = {.req = 78, .limit = limit, .before = before}};
    driver_from_client(d, 5, &msg);
    const struct tx_msg_alarms *answer = &driver_last(d, TX_MSG_ALARMS)->alarms;
    assert_int_equal(answer->req, 78);
    return answer;
}

/* The newest first, in pages, each with the time at which it was raised: over a snapshot and a
 * restart, too. */
static void test_alarms(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.wall_zero_ms = 5000000;
    options.snapshot_records = 20;
    struct driver *d = driver_new(&options);
    uint64_t raised[4];
    for (uint64_t seq = 1; seq <= 3; seq++) {
        driver_commit(d, driver_id(d, 100 + seq)); /* never heard of */
        raised[seq] = 5000000 + d->now_us / 1000;
        driver_advance(d, 2500000);
    }
    for (uint64_t seq = 4; seq < 40; seq++)
        driver_make_committed(d, seq);
    driver_sync(d);
    assert_true(d->compacted > 0);
    for (int round = 0; round < 2; round++) {
        const struct tx_msg_alarms *page = alarms(d, 2, 0);
        assert_true(page->more && page->rows_n == 2);
        assert_true(page->rows[0].id.seq == 103 && page->rows[1].id.seq == 102);
        assert_int_equal(page->rows[0].time_ms, raised[3]);
        assert_int_equal(page->rows[1].time_ms, raised[2]);
        page = alarms(d, 2, page->rows[1].number);
        assert_true(!page->more && page->rows_n == 1 && page->rows[0].id.seq == 101);
        assert_int_equal(page->rows[0].time_ms, raised[1]);
        assert_int_equal(alarms(d, 0, page->rows[0].number)->rows_n, 0);
        driver_restart(d, d->log_n);
    }
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_working),
        cmocka_unit_test(test_in_doubt),
        cmocka_unit_test(test_log_behind_it),
        cmocka_unit_test(test_members_decide),
        cmocka_unit_test(test_what_is_over),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_put_aside_refused),
        cmocka_unit_test(test_put_aside_after_damage),
        cmocka_unit_test(test_put_aside_is_lost),
        cmocka_unit_test(test_put_aside_by_force),
        cmocka_unit_test(test_put_aside_in_a_snapshot),
        cmocka_unit_test(test_alarms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
