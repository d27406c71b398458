/* What a log tells of its transactions: record sequences by hand, each with what must follow. */
#include "txlog/recover/recover_check.h"
#include "txlog/recover/recover_options.h"
#include "txlog/recover/recover_story.h"
#include "txlog/recover/recover_verdict.h"
#include "txlog/redo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct txlog_identity participant = {
    .cluster = "test", .role = TX_ROLE_PARTICIPANT, .name = {"a"}};
static const struct txlog_identity coordinator = {
    .cluster = "test", .role = TX_ROLE_COORDINATOR, .coordinator = 1};

static const struct tx_member members[] = {{.name = {"a"}, .incarnation = 1},
                                           {.name = {"b"}, .incarnation = 1}};

/* A story, where it stands, and what its last record did. */
struct teller {
    struct story *story;
    uint64_t lsn, start;
    struct story_step step;
    struct tx_why why;
};

static void teller_begin(struct teller *t, const struct txlog_identity *owner, uint64_t first,
                         bool inside_snapshot)
{
    *t = (struct teller){.story = story_new(owner, inside_snapshot), .lsn = first - 1, .start = 1};
}

static struct tx_id id_of(uint64_t seq)
{
    return (struct tx_id){.coordinator = 1, .epoch = 1, .seq = seq};
}

static enum tx_error try_record(struct teller *t, struct txlog_record record)
{
    record.lsn.n = ++t->lsn;
    if (record.start == 0)
        record.start = t->start;
    record.time_ms = 1000 + t->lsn;
    return story_add(t->story, &record, &t->step, &t->why);
}

static void tell(struct teller *t, struct txlog_record record)
{
    if (try_record(t, record) != TX_OK)
        fail_msg("%s", t->why.text);
}

static void contradicts(struct teller *t, struct txlog_record record, const char *text)
{
    assert_int_equal(try_record(t, record), TX_ECORRUPT);
    if (strstr(t->why.text, text) == NULL)
        fail_msg("\"%s\" is not said in: %s", text, t->why.text);
}

static struct txlog_record start_of(uint64_t start)
{
    return (struct txlog_record){.type = TXLOG_START, .start = start};
}

static struct txlog_record epoch_of(uint64_t epoch)
{
    return (struct txlog_record){
        .type = TXLOG_EPOCH,
        .epoch = {.coordinator = 1, .known = {epoch, 7, {0}}, .address = {"ipc:///c"}}};
}

static struct txlog_record prepared(uint64_t seq)
{
    return (struct txlog_record){
        .type = TXLOG_PREPARED, .prepared = {.id = id_of(seq), .members = members, .members_n = 2}};
}

static struct txlog_record committed(uint64_t seq, bool one_phase)
{
    return (struct txlog_record){.type = TXLOG_COMMITTED,
                                 .committed = {.id = id_of(seq), .one_phase = one_phase}};
}

static struct txlog_record aborted(uint64_t seq)
{
    return (struct txlog_record){.type = TXLOG_ABORTED, .id = {.id = id_of(seq)}};
}

static struct txlog_record heuristic(uint64_t seq, bool commit)
{
    return (struct txlog_record){
        .type = TXLOG_HEURISTIC,
        .heuristic = {.id = id_of(seq), .commit = commit, .operator_name = {"eve"}}};
}

static struct txlog_record heuristic_end(uint64_t seq, bool damage)
{
    return (struct txlog_record){.type = TXLOG_HEURISTIC_END,
                                 .heuristic_end = {.id = id_of(seq), .damage = damage}};
}

static struct txlog_record forget(uint64_t epoch, uint64_t below, const uint64_t *open, size_t n)
{
    return (struct txlog_record){
        .type = TXLOG_FORGET,
        .forget = {.coordinator = 1, .epoch = epoch, .below = below, .open = open, .open_n = n}};
}

static struct txlog_record commit(uint64_t seq)
{
    return (struct txlog_record){.type = TXLOG_COMMIT,
                                 .commit = {.id = id_of(seq), .members = members, .members_n = 2}};
}

static struct txlog_record end(uint64_t seq)
{
    return (struct txlog_record){.type = TXLOG_END, .end = {.id = id_of(seq)}};
}

static struct txlog_record snapshot_begin(void)
{
    return (struct txlog_record){.type = TXLOG_SNAPSHOT_BEGIN};
}

static struct txlog_record snapshot_end(uint64_t begin)
{
    return (struct txlog_record){.type = TXLOG_SNAPSHOT_END, .snapshot_end = {.begin = {begin}}};
}

static enum story_state state_of(const struct teller *t, uint64_t seq)
{
    const struct story_tx *tx = story_find(t->story, id_of(seq));
    return tx == NULL ? STORY_NONE : tx->state;
}

static void verdict_says(const struct teller *t, uint64_t seq, const char *text)
{
    struct recover_verdict verdict;
    recover_verdict(t->story, id_of(seq), (struct tx_lsn){1}, &verdict);
    if (strstr(verdict.text, text) == NULL)
        fail_msg("\"%s\" is not said in: %s", text, verdict.text);
}

static void begin_whole(struct teller *t)
{
    teller_begin(t, &participant, 1, false);
    tell(t, start_of(1));
    tell(t, epoch_of(1));
}

static void every_way_of_a_participant(void **state)
{
    struct teller t;
    (void)state;
    begin_whole(&t);
    tell(&t, prepared(1)); /* 3 */
    assert_int_equal(state_of(&t, 1), STORY_PREPARED);
    assert_int_equal(t.step.apply.n, 0);
    verdict_says(&t, 1, "a: in doubt since LSN 3 (PREPARED)");
    verdict_says(&t, 1, "coordinator 1 at ipc:///c has it");
    tell(&t, committed(1, false));
    assert_int_equal(t.step.apply.n, 3);
    verdict_says(&t, 1, "a: committed at LSN 4: PREPARED 3, COMMITTED 4; its coordinator");
    tell(&t, committed(2, true)); /* 5 */
    assert_int_equal(t.step.apply.n, 5);
    verdict_says(&t, 2, "a: committed in one phase at LSN 5");
    tell(&t, prepared(3));
    tell(&t, aborted(3)); /* 7 */
    assert_int_equal(t.step.apply.n, 0);
    verdict_says(&t, 3, "a: aborted at LSN 7: PREPARED 6, ABORTED 7");
    tell(&t, prepared(4));
    tell(&t, heuristic(4, true)); /* 9 */
    assert_int_equal(t.step.apply.n, 8);
    verdict_says(&t, 4, "committed at LSN 9 by operator eve");
    tell(&t, heuristic_end(4, true));
    assert_int_equal(t.step.apply.n, 0);
    verdict_says(&t, 4, "DAMAGE");
    tell(&t, prepared(5));
    tell(&t, heuristic(5, false));
    assert_int_equal(t.step.apply.n, 0);
    assert_int_equal(story_count(t.story, STORY_HEURISTIC), 1);
    assert_int_equal(story_count(t.story, STORY_PREPARED), 0);
    verdict_says(&t, 6, "nothing here: it has never voted");
    story_destroy(&t.story);
}

static void forgetting(void **state)
{
    struct teller t;
    uint64_t open[] = {2};
    (void)state;
    begin_whole(&t);
    for (uint64_t seq = 1; seq <= 4; seq++)
        tell(&t, committed(seq, true)); /* 3 to 6 */
    assert_int_equal(story_unforgotten(t.story), 4);
    tell(&t, forget(1, 4, open, 1)); /* 7: 1 and 3 */
    assert_int_equal(story_unforgotten(t.story), 2);
    verdict_says(&t, 3, "forgotten since LSN 7");
    verdict_says(&t, 2, "has not let go of it");
    verdict_says(&t, 4, "has not let go of it");
    /* One that commits below the mark is forgotten at once. */
    tell(&t, prepared(5));
    tell(&t, forget(1, 6, NULL, 0)); /* 9 */
    assert_int_equal(story_unforgotten(t.story), 0);
    assert_int_equal(state_of(&t, 5), STORY_PREPARED);
    tell(&t, committed(5, false));
    assert_int_equal(story_unforgotten(t.story), 0);
    assert_true(story_marked(t.story, id_of(5)));
    assert_false(story_marked(t.story, id_of(6)));
    /* All of an epoch, and of those before. */
    tell(&t, epoch_of(2));
    tell(&t, forget(2, UINT64_MAX, NULL, 0));
    assert_true(story_marked(t.story, id_of(6)));
    verdict_says(&t, 6, "its coordinator has finished it");
    story_destroy(&t.story);
}

static void contradictions_of_a_participant(void **state)
{
    struct teller t;
    (void)state;
    begin_whole(&t);
    contradicts(&t, committed(1, false), "COMMITTED of 1-1-1, of which nothing was known");
    contradicts(&t, aborted(1), "of which nothing was known");
    contradicts(&t, heuristic(1, true), "of which nothing was known");
    contradicts(&t, heuristic_end(1, true), "of which nothing was known");
    tell(&t, prepared(1));
    contradicts(&t, prepared(1), "which was prepared");
    contradicts(&t, committed(1, true), "which was prepared");
    tell(&t, aborted(1));
    contradicts(&t, committed(1, false), "which was aborted");
    assert_int_equal(t.step.apply.n, 0);
    contradicts(&t, prepared(1), "which was aborted");
    tell(&t, committed(2, true));
    contradicts(&t, aborted(2), "which was committed");
    contradicts(&t, committed(2, true), "which was committed");
    contradicts(&t, commit(3), "does not belong into the log of this role");
    contradicts(&t, epoch_of(1), "is not above the epoch before it");
    contradicts(&t, forget(2, 5, NULL, 0), "comes before the EPOCH of its coordinator");
    contradicts(&t, start_of(1), "is not above the start before it");
    contradicts(&t, snapshot_end(3), "does not end the snapshot");
    tell(&t, start_of(2));
    contradicts(&t, prepared(9), "is of a start that was over");
    assert_int_equal(state_of(&t, 9), STORY_NONE);
    story_destroy(&t.story);
}

/* A snapshot says again what is; it changes no data, and a stop may cut it. */
static void snapshots_restate(void **state)
{
    struct teller t;
    (void)state;
    begin_whole(&t);
    tell(&t, prepared(1)); /* 3 */
    tell(&t, prepared(2));
    tell(&t, heuristic(2, true));
    tell(&t, committed(3, true));
    tell(&t, snapshot_begin()); /* 7 */
    tell(&t, epoch_of(1));
    tell(&t, prepared(1));
    tell(&t, prepared(2));
    tell(&t, heuristic(2, true));
    assert_true(t.step.restated);
    assert_int_equal(t.step.apply.n, 0);
    tell(&t, committed(3, false));
    assert_int_equal(t.step.apply.n, 0);
    assert_int_equal(story_unforgotten(t.story), 1);
    contradicts(&t, committed(1, false), "which was prepared");
    tell(&t, snapshot_end(7));
    tell(&t, committed(1, false));
    assert_false(t.step.restated);
    assert_int_equal(t.step.apply.n, 3);
    tell(&t, snapshot_begin());
    t.start = 2;
    tell(&t, start_of(2));
    tell(&t, prepared(4));
    assert_false(t.step.restated);
    contradicts(&t, prepared(4), "which was prepared");
    story_destroy(&t.story);
}

/* Without its beginning a log proves nothing of what it does not name, until a snapshot ends. */
static void a_log_without_beginning(void **state)
{
    struct teller t;
    (void)state;
    teller_begin(&t, &participant, 100, true);
    tell(&t, prepared(1)); /* 100, restated */
    tell(&t, heuristic(1, true));
    assert_int_equal(t.step.apply.n, 0);
    tell(&t, snapshot_end(90));
    assert_false(story_whole(t.story));
    tell(&t, committed(2, false)); /* 103 */
    assert_true(t.step.apply_lost);
    tell(&t, snapshot_begin()); /* 104 */
    tell(&t, epoch_of(1));
    tell(&t, committed(2, false));
    tell(&t, prepared(7));
    tell(&t, committed(8, false));
    tell(&t, snapshot_end(104));
    assert_true(story_whole(t.story));
    assert_true(story_find(t.story, id_of(7))->earlier);
    verdict_says(&t, 8, "committed before this log begins");
    tell(&t, committed(7, false));
    assert_int_equal(t.step.apply.n, 107);
    verdict_says(&t, 7, "committed at LSN 110: PREPARED 107, COMMITTED 110");
    contradicts(&t, committed(9, false), "of which nothing was known");
    /* A hole makes it forget again what it may rely on. */
    t.lsn += 5;
    tell(&t, committed(10, false));
    assert_true(t.step.apply_lost);
    assert_false(story_whole(t.story));
    story_destroy(&t.story);
}

static void a_coordinator(void **state)
{
    struct teller t;
    struct txlog_record outcome = {.type = TXLOG_OUTCOME,
                                   .outcome = {.id = id_of(3), .outcome = TX_OUTCOME_COMMITTED}};
    struct txlog_record foreign = commit(1);
    (void)state;
    teller_begin(&t, &coordinator, 1, false);
    tell(&t, start_of(1));
    tell(&t, commit(1)); /* 2 */
    verdict_says(&t, 1, "coordinator 1: the decision is commit (LSN 2); not every member");
    tell(&t, commit(2));
    tell(&t, end(1)); /* 4 */
    verdict_says(&t, 1,
                 "coordinator 1: the decision is commit (LSN 2), every member has acknowledged "
                 "(END, LSN 4)");
    tell(&t, outcome);
    verdict_says(&t, 3, "in one phase (OUTCOME, LSN 5)");
    verdict_says(&t, 4, "under presumed abort");
    assert_int_equal(story_count(t.story, STORY_DECIDED), 1);
    contradicts(&t, commit(1), "which had ended");
    contradicts(&t, end(9), "of which nothing was known");
    contradicts(&t, end(1), "which had ended");
    contradicts(&t, outcome, "whose outcome was known");
    outcome.outcome.outcome = TX_OUTCOME_ABORTED;
    contradicts(&t, outcome, "which is no commit");
    contradicts(&t, prepared(1), "does not belong");
    foreign.commit.id.coordinator = 2;
    contradicts(&t, foreign, "of another coordinator");
    foreign.commit.id = (struct tx_id){.coordinator = 1, .epoch = 2, .seq = 1};
    contradicts(&t, foreign, "whose epoch had not begun");
    t.start = 2;
    tell(&t, start_of(2));
    contradicts(&t, commit(5), "whose epoch was over");
    tell(&t, end(2));
    assert_int_equal(story_count(t.story, STORY_DECIDED), 0);
    story_destroy(&t.story);
}

static void check_says(const struct txlog_record *record, const char *text)
{
    struct tx_why why;
    assert_int_equal(recover_check(&participant, record, &why), TX_ECORRUPT);
    if (strstr(why.text, text) == NULL)
        fail_msg("\"%s\" is not said in: %s", text, why.text);
}

static void records_alone(void **state)
{
    struct txlog_record record = prepared(1);
    struct tx_member twice[] = {members[0], members[0]};
    struct txlog_lock lock = {.mode = TX_LOCK_X, .space = tx_bytes_str("t")};
    uint64_t open[] = {2, 1};
    (void)state;
    record.prepared.locks = &lock;
    record.prepared.locks_n = 1;
    assert_int_equal(recover_check(&participant, &record, NULL), TX_OK);
    lock.mode = TX_LOCK_IX;
    check_says(&record, "does not outlive the vote");
    lock.mode = TX_LOCK_S;
    lock.to = tx_bytes_str("m");
    check_says(&record, "a range of keys that cannot be locked");
    lock.range = true;
    assert_int_equal(recover_check(&participant, &record, NULL), TX_OK);
    lock.mode = TX_LOCK_X;
    check_says(&record, "a range of keys that cannot be locked");
    lock.mode = TX_LOCK_S;
    lock.key = tx_bytes_str("m");
    check_says(&record, "a range of keys that cannot be locked");
    lock.to = tx_bytes_str("");
    record.prepared.redo = tx_bytes_str("nonsense");
    check_says(&record, "writes that cannot be read");
    record = prepared(1);
    record.prepared.members_n = 0;
    check_says(&record, "impossible number of members");
    record.prepared.members = twice;
    record.prepared.members_n = 2;
    check_says(&record, "names a member twice");
    record.prepared.members = &members[1];
    record.prepared.members_n = 1;
    check_says(&record, "does not name this participant");
    record.prepared.members_decide = true;
    record.prepared.members = members;
    check_says(&record, "decided by members that cannot");
    record.prepared.members_n = 2;
    assert_int_equal(recover_check(&participant, &record, NULL), TX_OK);
    struct tx_member reader[] = {members[0], members[1]};
    reader[1].read_only = true;
    record.prepared.members = reader;
    check_says(&record, "decided by members that cannot");
    record = committed(1, true);
    record.committed.members_decide = true;
    check_says(&record, "is of one phase, and decided by its members");
    record = forget(1, 5, open, 2);
    check_says(&record, "out of order");
    open[0] = 1;
    open[1] = 5;
    check_says(&record, "out of order");
    open[1] = 4;
    assert_int_equal(recover_check(&participant, &record, NULL), TX_OK);
    record = committed(1, true);
    record.committed.redo = tx_bytes_str("x");
    check_says(&record, "writes that cannot be read");
}

static void times(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2000-02-29", 951782400000},
        {"2026-11-21T10:00:00Z", 1795255200000},
        {"2026-11-21 10:00", 1795255200000},
        {"2026-11-21T10:00:00.5Z", 1795255200500},
        {"2026-11-21T10:00:00.123456z", 1795255200123},
        {"2026-11-21T11:30:00+01:30", 1795255200000},
        {"2026-11-21T05:00:00-05:00", 1795255200000},
        {"now", 7200000},
        {"90s ago", 7110000},
        {"5m ago", 6900000},
        {"1h ago", 3600000},
        {"1d ago", 0},
    };
    static const char *const bad[] = {
        "",           "yesterday",          "2026-11-31T10:00:00Z",  "2025-02-29",
        "2026-13-01", "2026-11-21T24:00Z",  "2026-11-21T10:00:00.Z", "5m",
        "5w ago",     "2026-11-21T10:00Zx", "1970-01-01T00:00+01:00"};
    struct tx_why why;
    uint64_t ms;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (recover_parse_time(good[i].text, 7200000, &ms, &why) != TX_OK || ms != good[i].ms)
            fail_msg("%s: %llu", good[i].text, (unsigned long long)ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (recover_parse_time(bad[i], 7200000, &ms, &why) != TX_EFORMAT)
            fail_msg("%s passes", bad[i]);
    }
}

static void numbers_and_ids(void **state)
{
    struct tx_lsn lsn;
    struct tx_id id;
    struct tx_why why;
    (void)state;
    assert_int_equal(recover_parse_lsn("18446744073709551615", &lsn, &why), TX_OK);
    assert_true(lsn.n == UINT64_MAX);
    assert_int_equal(recover_parse_lsn("18446744073709551616", &lsn, &why), TX_EFORMAT);
    assert_non_null(strstr(why.text, "too large"));
    assert_int_equal(recover_parse_lsn("", &lsn, &why), TX_EFORMAT);
    assert_int_equal(recover_parse_lsn("-1", &lsn, &why), TX_EFORMAT);
    assert_non_null(strstr(why.text, "character 1"));
    assert_int_equal(recover_parse_lsn("0", &lsn, &why), TX_EFORMAT);
    assert_int_equal(recover_parse_id("1-7-42", &id, &why), TX_OK);
    assert_int_equal(id.seq, 42);
    assert_int_equal(recover_parse_id("1-7", &id, &why), TX_EFORMAT);
    assert_non_null(strstr(why.text, "character 4 a '-' is missing"));
    assert_int_equal(recover_parse_id("1-7-42@a,b", &id, &why), TX_EFORMAT);
    assert_non_null(strstr(why.text, "character 7 it should end"));
    assert_int_equal(recover_parse_id("1--42", &id, &why), TX_EFORMAT);
    assert_non_null(strstr(why.text, "character 3 the number of the epoch is missing"));
    assert_int_equal(recover_parse_id("0-7-42", &id, &why), TX_EFORMAT);
}

/* One log alone cannot tell; the logs of all can. */
static void what_the_members_decide(void **state)
{
    struct teller t;
    struct txlog_record record = prepared(1);
    (void)state;
    begin_whole(&t);
    record.prepared.members_decide = true;
    tell(&t, record); /* 3 */
    verdict_says(&t, 1, "a: in doubt since LSN 3 (PREPARED): its members decide, ask the others");
    verdict_says(&t, 1, "in the logs of all of them is commit");
    record = snapshot_begin();
    tell(&t, record); /* 4 */
    record = prepared(1);
    record.prepared.members_decide = true;
    tell(&t, record);
    tell(&t, snapshot_end(4));
    verdict_says(&t, 1, "its members decide");
    record = committed(1, false);
    record.committed.members_decide = true;
    tell(&t, record); /* 7 */
    assert_true(story_find(t.story, id_of(1))->members_decide);
    verdict_says(&t, 1, "a: committed at LSN 7: PREPARED 3, COMMITTED 7");
    tell(&t, prepared(2));
    assert_false(story_find(t.story, id_of(2))->members_decide);
    story_destroy(&t.story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_of_a_participant),
        cmocka_unit_test(forgetting),
        cmocka_unit_test(contradictions_of_a_participant),
        cmocka_unit_test(what_the_members_decide),
        cmocka_unit_test(snapshots_restate),
        cmocka_unit_test(a_log_without_beginning),
        cmocka_unit_test(a_coordinator),
        cmocka_unit_test(records_alone),
        cmocka_unit_test(numbers_and_ids),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
