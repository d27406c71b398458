/* One transaction before several nodes: logs by hand, each with the verdict that must follow; and
 * the order of its records, whatever the clocks say. */
#include "txlog/recover/recover_case.h"
#include "txlog/recover/recover_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct tx_id id = {.coordinator = 1, .epoch = 1, .seq = 5};
static const struct tx_member members[] = {{.name = {"a"}, .incarnation = 1},
                                           {.name = {"b"}, .incarnation = 1}};

/* Up to three nodes: the coordinator and the members a and b. */
struct court {
    struct txlog_identity identities[3];
    struct tx_lineage lineages[3];
    struct story *stories[3];
    struct case_node nodes[3];
    uint64_t lsn[3];
    size_t n;
    bool members_decide;
};

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct court));
    return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    struct court *court = *state;
    for (size_t i = 0; i < court->n; i++)
        story_destroy(&court->stories[i]);
    free(court);
    return 0;
}

static void tell(struct court *court, size_t at, struct txlog_record record)
{
    struct story_step step;
    struct tx_why why;
    record.lsn.n = ++court->lsn[at];
    record.start = 1;
    record.time_ms = 1000 + record.lsn.n;
    if (story_add(court->stories[at], &record, &step, &why) != TX_OK)
        fail_msg("%s", why.text);
}

/* A node with its START, and at a member the EPOCH. */
static size_t call(struct court *court, const char *name)
{
    size_t at = court->n++;
    bool is_coordinator = strcmp(name, "coordinator 1") == 0;
    struct txlog_identity *identity = &court->identities[at];
    *identity =
        (struct txlog_identity){.cluster = "test",
                                .role = is_coordinator ? TX_ROLE_COORDINATOR : TX_ROLE_PARTICIPANT,
                                .coordinator = is_coordinator};
    if (!is_coordinator)
        assert_int_equal(tx_name_set(&identity->name, tx_bytes_str(name)), TX_OK);
    court->stories[at] = story_new(identity, false);
    court->lineages[at] = (struct tx_lineage){.starts = {{1, 7, {1}}}, .n = 1};
    court->nodes[at] = (struct case_node){.name = name,
                                          .whom = recover_whom_of(identity),
                                          .story = court->stories[at],
                                          .lineage = &court->lineages[at],
                                          .first = {1},
                                          .start = 1};
    tell(court, at, (struct txlog_record){.type = TXLOG_START, .started = {.life = 7}});
    if (!is_coordinator)
        tell(court, at,
             (struct txlog_record){.type = TXLOG_EPOCH,
                                   .epoch = {.coordinator = 1, .known = {1, 7, {1}}}});
    return at;
}

static void prepare(struct court *court, size_t at)
{
    tell(court, at,
         (struct txlog_record){.type = TXLOG_PREPARED,
                               .prepared = {.id = id,
                                            .members = members,
                                            .members_n = 2,
                                            .members_decide = court->members_decide}});
}

static void commit_here(struct court *court, size_t at)
{
    tell(court, at,
         (struct txlog_record){.type = TXLOG_COMMITTED,
                               .committed = {.id = id, .members_decide = court->members_decide}});
}

static void abort_here(struct court *court, size_t at)
{
    tell(court, at, (struct txlog_record){.type = TXLOG_ABORTED, .id = {.id = id}});
}

static void operate(struct court *court, size_t at, bool commit)
{
    tell(
        court, at,
        (struct txlog_record){.type = TXLOG_HEURISTIC,
                              .heuristic = {.id = id, .commit = commit, .operator_name = {"ann"}}});
}

static void decide(struct court *court, size_t at)
{
    tell(court, at,
         (struct txlog_record){.type = TXLOG_COMMIT,
                               .commit = {.id = id, .members = members, .members_n = 2}});
}

static void judged(const struct court *court, enum case_verdict verdict, const char *reason)
{
    struct case_judgement judgement;
    struct recover_case c = {.id = id,
                             .nodes = court->nodes,
                             .nodes_n = court->n,
                             .members = members,
                             .members_n = 2,
                             .prepared_list = true};
    recover_case_judge(&c, &judgement);
    if (judgement.verdict != verdict || strstr(judgement.reason, reason) == NULL)
        fail_msg("%s: %s; wanted %s: %s", case_verdict_name(judgement.verdict), judgement.reason,
                 case_verdict_name(verdict), reason);
    assert_int_not_equal(judgement.rule[0], '\0');
}

/* ---- mode A ---- */

static void coordinator_decides(void **state)
{
    struct court *court = *state;
    size_t home = call(court, "coordinator 1"), a = call(court, "a"), b = call(court, "b");
    prepare(court, a);
    prepare(court, b);
    judged(court, CASE_IS_ABORTED, "coordinator 1 would have its COMMIT record and has none");
    /* What all have acknowledged may be forgotten; then an old image alone is prepared. */
    court->nodes[home].first.n = 50;
    judged(court, CASE_IS_ABORTED, "coordinator 1 would have its COMMIT record and has none");
    court->nodes[a].older = court->nodes[b].older = true;
    judged(court, CASE_IS_IN_DOUBT, "only old images are prepared");
    court->nodes[home].first.n = 1;
    judged(court, CASE_IS_ABORTED, "coordinator 1 would have its COMMIT record and has none");
    court->nodes[a].older = court->nodes[b].older = false;
    court->nodes[home].older = true; /* its silence proves nothing then */
    judged(court, CASE_IS_IN_DOUBT, "coordinator 1 (nothing, unproven)");
    court->nodes[home].older = false;
    court->nodes[home].copy = true;
    judged(court, CASE_IS_IN_DOUBT, "coordinator 1");
    court->nodes[home].copy = false;
    court->nodes[home].damaged = true;
    judged(court, CASE_IS_IN_DOUBT, "coordinator 1");
    decide(court, home); /* what it has proves, damaged or not */
    judged(court, CASE_IS_COMMITTED,
           "coordinator 1 has the COMMIT record (LSN 2); 2 of its members");
    commit_here(court, a);
    judged(court, CASE_IS_COMMITTED, "1 of its members is still prepared");
}

/* An epoch that another copy of it has had. */
static void foreign_epoch(void **state)
{
    struct court *court = *state;
    size_t home = call(court, "coordinator 1"), a = call(court, "a");
    prepare(court, a);
    judged(court, CASE_IS_ABORTED, "none");
    court->lineages[home] = (struct tx_lineage){.starts = {{3, 7, {1}}}, .n = 1};
    court->nodes[home].start = 3;
    judged(court, CASE_IS_ABORTED, "none"); /* before what it remembers */
    court->nodes[home].start = 0;
    judged(court, CASE_IS_IN_DOUBT, "coordinator 1");
}

static void half_done(void **state)
{
    struct court *court = *state;
    size_t home = call(court, "coordinator 1"), a = call(court, "a"), b = call(court, "b");
    prepare(court, a);
    prepare(court, b);
    commit_here(court, a);
    judged(court, CASE_IS_CONTRADICTION,
           "a has committed it (COMMITTED, LSN 4), but the log of coordinator 1");
    decide(court, home);
    judged(court, CASE_IS_COMMITTED, "");
    abort_here(court, b);
    judged(court, CASE_IS_CONTRADICTION, "b has aborted it (ABORTED, LSN 4)");
}

static void promise_lost(void **state)
{
    struct court *court = *state;
    size_t home = call(court, "coordinator 1"), a = call(court, "a"), b = call(court, "b");
    prepare(court, a);
    decide(court, home);
    judged(court, CASE_IS_CONTRADICTION, "the log of b holds no PREPARED of it");
    court->nodes[b].older = true;
    judged(court, CASE_IS_COMMITTED, "");
}

static void presumed_from_another_member(void **state)
{
    struct court *court = *state;
    size_t a = call(court, "a"), b = call(court, "b");
    prepare(court, a);
    judged(court, CASE_IS_ABORTED,
           "the log of b holds no PREPARED of it, so it has never promised");
    court->nodes[b].start = 0; /* before the incarnation that PREPARE names */
    judged(court, CASE_IS_IN_DOUBT, "b (nothing, unproven)");
}

/* ---- operators ---- */

static void operators(void **state)
{
    struct court *court = *state;
    size_t a = call(court, "a"), b = call(court, "b"), home;
    prepare(court, a);
    prepare(court, b);
    operate(court, a, true);
    judged(court, CASE_IS_IN_DOUBT, "1 of its members is prepared");
    operate(court, b, false);
    judged(court, CASE_IS_CONTRADICTION,
           "operator ann aborted it at b (HEURISTIC, LSN 4), and operator ann committed");
    home = call(court, "coordinator 1");
    decide(court, home);
    judged(
        court, CASE_IS_CONTRADICTION,
        "operator ann aborted it at b (HEURISTIC, LSN 4), but coordinator 1 has the COMMIT record");
}

static void operator_and_end(void **state)
{
    struct court *court = *state;
    size_t a = call(court, "a");
    prepare(court, a);
    operate(court, a, true);
    judged(court, CASE_IS_IN_DOUBT,
           "operator ann has committed it, and the real decision is not here");
    tell(court, a,
         (struct txlog_record){.type = TXLOG_HEURISTIC_END,
                               .heuristic_end = {.id = id, .damage = false}});
    judged(court, CASE_IS_COMMITTED,
           "a was told that the decision is commit (HEURISTIC_END, LSN 5)");
}

static void operator_and_damage(void **state)
{
    struct court *court = *state;
    size_t a = call(court, "a");
    prepare(court, a);
    operate(court, a, true);
    tell(court, a,
         (struct txlog_record){.type = TXLOG_HEURISTIC_END,
                               .heuristic_end = {.id = id, .damage = true}});
    judged(court, CASE_IS_CONTRADICTION, "operator ann committed it at a");
}

/* ---- mode D ---- */

static void members_decide(void **state)
{
    struct court *court = *state;
    court->members_decide = true;
    size_t home = call(court, "coordinator 1"), a = call(court, "a");
    prepare(court, a);
    judged(court, CASE_IS_IN_DOUBT, "b (directory not given)");
    size_t b = call(court, "b");
    judged(court, CASE_IS_ABORTED, "the log of b holds no PREPARED");
    prepare(court, b);
    judged(court, CASE_IS_COMMITTED, "the PREPARED record of every member is there");
    operate(court, a, false); /* it had prepared all the same */
    judged(court, CASE_IS_CONTRADICTION, "operator ann aborted it at a");
    (void)home;
}

static void members_disagree(void **state)
{
    struct court *court = *state;
    court->members_decide = true;
    size_t a = call(court, "a"), b = call(court, "b");
    prepare(court, a);
    prepare(court, b);
    commit_here(court, a);
    abort_here(court, b);
    judged(court, CASE_IS_CONTRADICTION,
           "half done: a has committed it (COMMITTED, LSN 4), but b has aborted it");
}

static void nothing_speaks_of_it(void **state)
{
    struct court *court = *state;
    (void)call(court, "coordinator 1");
    (void)call(court, "a");
    judged(court, CASE_IS_UNKNOWN, "no record speaks of it");
}

/* ---- what logs know of one another ---- */

static void positions_of_others(void **state)
{
    struct court *court = *state;
    struct recover_known known = {0};
    size_t a = call(court, "a");
    const struct tx_position positions[] = {{1, 8, {40}}, {2, 9, {70}}};
    struct txlog_record epoch = {
        .type = TXLOG_EPOCH, .lsn = {2}, .epoch = {.coordinator = 1, .known = {1, 7, {1}}}};
    struct txlog_record prepared = {
        .type = TXLOG_PREPARED,
        .lsn = {3},
        .prepared = {.id = id, .members = members, .members_n = 2, .known = positions}};
    struct txlog_record committed = {
        .type = TXLOG_COMMITTED, .lsn = {4}, .committed = {.id = id, .known = {55}}};
    const struct recover_whom home = {.coordinator = 1}, b = {.name = {"b"}};
    recover_known_add(&known, court->stories[a], &epoch);
    recover_known_add(&known, court->stories[a], &prepared);
    recover_known_add(&known, court->stories[a], &committed);
    assert_int_equal(known.n, 3);
    for (size_t i = 0; i < known.n; i++) {
        const struct recover_mark_of *mark = &known.marks[i];
        if (recover_whom_equal(&mark->whom, &home)) {
            assert_int_equal(mark->position.lsn.n, 55); /* COMMITTED goes beyond EPOCH */
            assert_int_equal(mark->position.life, 7);
            assert_int_equal(mark->said_at.n, 4);
        }
        if (recover_whom_equal(&mark->whom, &b))
            assert_int_equal(mark->position.lsn.n, 70);
    }
    recover_known_deinit(&known);
}

static void positions_against_a_log(void **state)
{
    const struct tx_lineage lineage = {.starts = {{1, 7, {1}}, {5, 8, {100}}}, .n = 2};
    (void)state;
    assert_int_equal(
        recover_known_judge(&lineage, (struct tx_lsn){150}, (struct tx_position){5, 8, {150}}),
        RECOVER_REACHED);
    /* The end is lost within the same start. */
    assert_int_equal(
        recover_known_judge(&lineage, (struct tx_lsn){150}, (struct tx_position){5, 8, {151}}),
        RECOVER_SHORT);
    /* Another copy went on in that start, or another life was begun on it. */
    assert_int_equal(
        recover_known_judge(&lineage, (struct tx_lsn){150}, (struct tx_position){1, 7, {100}}),
        RECOVER_ELSE);
    assert_int_equal(
        recover_known_judge(&lineage, (struct tx_lsn){150}, (struct tx_position){5, 9, {120}}),
        RECOVER_ELSE);
    assert_int_equal(
        recover_known_judge(&lineage, (struct tx_lsn){150}, (struct tx_position){1, 7, {99}}),
        RECOVER_REACHED);
}

/* ---- order ---- */

static void ordered_by_cause(void **state)
{
    /* b's clock is an hour behind, and the coordinator's an hour ahead. */
    struct recover_event events[] = {
        {.node = 0, .type = TXLOG_END, .lsn = {9}, .time_ms = 7200100},
        {.node = 2, .type = TXLOG_COMMITTED, .lsn = {31}, .time_ms = 40},
        {.node = 1, .type = TXLOG_FORGET, .lsn = {23}, .time_ms = 3600300},
        {.node = 0, .type = TXLOG_COMMIT, .lsn = {8}, .time_ms = 7200050},
        {.node = 1, .type = TXLOG_COMMITTED, .lsn = {22}, .time_ms = 3600070},
        {.node = 2, .type = TXLOG_PREPARED, .lsn = {30}, .time_ms = 20},
        {.node = 1, .type = TXLOG_PREPARED, .lsn = {21}, .time_ms = 3600010},
    };
    static const uint64_t wanted[] = {30, 21, 8, 31, 22, 9, 23};
    struct recover_skew skew;
    (void)state;
    recover_order(events, 7, &skew);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(events[i].lsn.n, wanted[i]);
    assert_int_equal(skew.ms, 7200050 - 40);
    assert_int_equal(skew.behind.node, 2);
    assert_int_equal(skew.ahead.node, 0);
    /* Decided by the members, the coordinator's record is no cause. */
    for (size_t i = 0; i < 7; i++)
        events[i].members_decide = true;
    recover_order(events, 7, &skew);
    static const uint64_t then[] = {30, 21, 31, 22, 8, 9, 23};
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(events[i].lsn.n, then[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(coordinator_decides),
        TEST(foreign_epoch),
        TEST(half_done),
        TEST(promise_lost),
        TEST(presumed_from_another_member),
        TEST(operators),
        TEST(operator_and_end),
        TEST(operator_and_damage),
        TEST(members_decide),
        TEST(members_disagree),
        TEST(nothing_speaks_of_it),
        TEST(positions_of_others),
        TEST(positions_against_a_log),
        TEST(ordered_by_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
