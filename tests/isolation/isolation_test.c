/* Which anomaly can happen at which level: every interleaving of short scripts, under every lock
 * policy, with each session the older one, and with a store that answers a scan at once or
 * later. What was seen is printed as the table of
 * docs/isolation.md and compared with it. */
#include "tests/isolation/anomalies.h"
#include "tests/isolation/iso_serial.h"

#include "common/assert.h"
#include "tests/common/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef ASSENT_SANITIZED /* it takes thirty times as long: the default policy, and fewer ages */
#define POLICIES_N 1
#define AGES_THREE 2
#else
#define POLICIES_N TX_LOCK_POLICIES_N
#define AGES_THREE 6
#endif
#define ORDER_MAX (2 * ISO_SESSIONS * ISO_STEPS)

static const char *const words[] = {"never", "happens"};
static bool seen[ANOMALIES_N][TX_ISOLATIONS_N];
static unsigned long runs;

/* ---- every order ---- */

struct orders {
    const struct anomaly_case *of;
    size_t sessions;
    struct iso_setting setting;
    uint8_t order[ORDER_MAX];
    size_t n;
    unsigned long seen, not_serial, committed;
};

static void run_order(struct orders *orders)
{
    struct iso_run run;
    iso_run(orders->of->scripts, orders->sessions, &orders->setting, orders->order, orders->n,
            &run);
    runs++;
    bool all = true;
    for (size_t s = 0; s < orders->sessions; s++) {
        all = all && run.committed[s];
    }
    orders->committed += all;
    orders->seen += orders->of->seen != NULL && orders->of->seen(&run);
    orders->not_serial += !iso_is_serial(orders->of->scripts, orders->sessions, &run);
}

/* Fills the order from place `at` on, in every way; `left`: so many turns are left for each. */
static void each_order(struct orders *orders, size_t at, unsigned left[ISO_SESSIONS])
{
    bool full = true;
    for (size_t s = 0; s < orders->sessions; s++) {
        if (left[s] > 0) {
            full = false;
            left[s]--;
            orders->order[at] = (uint8_t)s;
            each_order(orders, at + 1, left);
            left[s]++;
        }
    }
    if (full) {
        orders->n = at;
        run_order(orders);
    }
}

static bool ends_with_abort(const struct iso_script *script)
{
    return script->steps[iso_script_steps(script) - 1].what == DO_ABORT;
}

static bool has_scan(const struct anomaly_case *of)
{
    const struct iso_setting slow = {.slow_scans = true};
    for (size_t s = 0; s < ISO_SESSIONS; s++) {
        if (iso_script_turns(&of->scripts[s], &slow) > iso_script_steps(&of->scripts[s])) {
            return true;
        }
    }
    return false;
}

/* Who is how old: every order of so many sessions. */
static const uint64_t ages[][ISO_SESSIONS] = {{10, 11, 12}, {11, 10, 12}, {10, 12, 11},
                                              {11, 12, 10}, {12, 10, 11}, {12, 11, 10}};

/* Every order of turns, under each policy and with each order of ages; three sessions have them all
 * under the default policy only, as they take longest. */
static void try_all(struct orders *orders)
{
    const struct iso_script *scripts = orders->of->scripts;
    for (enum tx_lock_policy policy = 0; policy < POLICIES_N; policy++) {
        size_t ages_n = orders->sessions == 2 ? 2 : policy == TX_POLICY_WOUND_WAIT ? AGES_THREE : 1;
        for (size_t i = 0; i < ages_n; i++) {
            unsigned left[ISO_SESSIONS];
            orders->setting.policy = policy;
            memcpy(orders->setting.age, ages[i], sizeof ages[i]);
            for (size_t s = 0; s < orders->sessions; s++) {
                left[s] = iso_script_turns(&scripts[s], &orders->setting);
            }
            each_order(orders, 0, left);
        }
    }
}

/* Is the anomaly seen in any run with these levels? */
static bool try_levels(const struct anomaly_case *of, enum tx_isolation first,
                       enum tx_isolation other)
{
    struct orders orders = {.of = of, .setting = {.level = {first, other, other}}};
    orders.sessions = iso_script_steps(&of->scripts[2]) > 0 ? 3 : 2;
    try_all(&orders);
    if (has_scan(of) && orders.sessions == 2) {
        orders.setting.slow_scans = true;
        try_all(&orders);
    }
    /* Who never commits together with the others shows nothing. */
    assert_true(orders.committed > 0 || ends_with_abort(&of->scripts[1]));
    if (first == other && orders.not_serial > 0) {
        seen[NOT_SERIAL][first] = true;
    }
    return orders.seen > 0;
}

static void try_case(const struct anomaly_case *of, enum tx_isolation level)
{
    bool here = try_levels(of, level, level);
    for (enum tx_isolation other = 0; of->victim && other < TX_ISOLATIONS_N; other++) {
        if (try_levels(of, level, other) != here) {
            fail_msg("%s at %s depends on the other one's level (%s)", anomaly_name(of->anomaly),
                     tx_isolation_name(level), tx_isolation_name(other));
        }
    }
    seen[of->anomaly][level] = seen[of->anomaly][level] || here;
}

static void test_every_interleaving(void **state)
{
    (void)state;
    for (size_t i = 0; i < anomaly_cases_n; i++) {
        for (enum tx_isolation level = 0; level < TX_ISOLATIONS_N; level++) {
            try_case(&anomaly_cases[i], level);
        }
    }
    printf("\n| anomaly |");
    for (enum tx_isolation level = 0; level < TX_ISOLATIONS_N; level++) {
        printf(" %s |", tx_isolation_name(level));
    }
    printf("\n|---|---|---|---|---|\n");
    for (enum anomaly a = 0; a < ANOMALIES_N; a++) {
        printf("| %s |", anomaly_name(a));
        for (enum tx_isolation level = 0; level < TX_ISOLATIONS_N; level++) {
            printf(" %s |", words[seen[a][level]]);
        }
        printf("\n");
    }
    printf("\n%lu runs of %zu cases\n", runs, anomaly_cases_n);
}

/* ---- the table of the documentation ---- */

/* The cell of a line "| name | cell | cell |", trimmed; false when there is none. */
static bool cell_of(const char *line, size_t column, char *out, size_t out_size)
{
    const char *at = line;
    for (size_t i = 0; i <= column; i++) {
        at = strchr(at, '|');
        if (at == NULL) {
            return false;
        }
        at += strspn(at, "| ");
    }
    size_t len = strcspn(at, "|\n");
    while (len > 0 && at[len - 1] == ' ') {
        len--;
    }
    (void)snprintf(out, out_size, "%.*s", (int)len, at);
    return len > 0;
}

static bool check_line(const char *line, enum anomaly anomaly)
{
    char cell[128];
    if (!cell_of(line, 0, cell, sizeof cell) || strcmp(cell, anomaly_name(anomaly)) != 0) {
        return false;
    }
    for (enum tx_isolation level = 0; level < TX_ISOLATIONS_N; level++) {
        assert_true(cell_of(line, level + 1u, cell, sizeof cell));
        if (strcmp(cell, words[seen[anomaly][level]]) != 0) {
            fail_msg("%s: %s at %s: the page says \"%s\", and the runs say \"%s\"", DOCS_PAGE,
                     anomaly_name(anomaly), tx_isolation_name(level), cell,
                     words[seen[anomaly][level]]);
        }
    }
    return true;
}

static void check_header(const char *line)
{
    char cell[128];
    for (enum tx_isolation level = 0; level < TX_ISOLATIONS_N; level++) {
        assert_true(cell_of(line, level + 1u, cell, sizeof cell));
        assert_string_equal(cell, tx_isolation_name(level));
    }
}

static void test_the_page_says_what_was_seen(void **state)
{
    (void)state;
    char line[512];
    unsigned found = 0;
    bool header = false;
    FILE *page = fopen(DOCS_PAGE, "re");
    assert_non_null(page);
    while (fgets(line, sizeof line, page) != NULL) {
        if (strncmp(line, "| anomaly |", 11) == 0) {
            check_header(line);
            header = true;
        }
        for (enum anomaly a = 0; header && a < ANOMALIES_N; a++) {
            found += check_line(line, a);
        }
    }
    (void)fclose(page);
    assert_true(header);
    assert_int_equal(found, ANOMALIES_N);
}

/* ---- the judges themselves ---- */

static bool judged(enum anomaly anomaly, size_t nth, const struct iso_run *run)
{
    for (size_t i = 0; i < anomaly_cases_n; i++) {
        if (anomaly_cases[i].anomaly == anomaly && nth-- == 0) {
            return anomaly_cases[i].seen(run);
        }
    }
    return false;
}

/* What no level lets happen could not be seen in any run; so these are made up. */
static void test_what_never_happens_would_be_seen(void **state)
{
    (void)state;
    struct iso_run run = {.committed = {true, true}, .x = "1", .y = "2"};
    assert_true(judged(DIRTY_WRITE, 0, &run));
    assert_true(judged(DIRTY_WRITE, 1, &run));
    assert_true(judged(DIRTY_WRITE, 2, &run));
    run = (struct iso_run){.committed = {true, true}, .x = "2", .y = "2"};
    assert_false(judged(DIRTY_WRITE, 0, &run));
    run.answered[0][0] = 1; /* the second one writes x before the first one ends */
    run.answered[1][0] = 2;
    run.begun[0][2] = 3;
    assert_true(judged(DIRTY_WRITE, 0, &run));
    run.begun[0][2] = 2;
    assert_false(judged(DIRTY_WRITE, 0, &run));
    run = (struct iso_run){.committed = {true}, .read = {{"1", "10"}}};
    for (size_t i = 0; i < 3; i++) {
        run.answered[0][0] = 1;
        run.begun[1][2] = 2;
        assert_true(judged(DIRTY_READ, i, &run));
    }
    (void)strcpy(run.read[0][0], "x=10 y=10 z=1 ");
    assert_true(judged(DIRTY_READ, 3, &run));
    (void)strcpy(run.read[0][0], "10");
    for (size_t i = 0; i < 3; i++) {
        assert_false(judged(DIRTY_READ, i, &run));
    }
    run = (struct iso_run){.committed = {true, true}, .x = "11"};
    assert_true(judged(LOST_UPDATE_GUARDED, 0, &run));
}

/* Two sums: x goes from 10 to 12 when each has read what the other one left, and not otherwise. */
static void test_what_is_serial(void **state)
{
    (void)state;
    const struct iso_script sums[2] = {{.steps = {{.what = DO_GET, .key = "x"},
                                                  {.what = DO_PUT_SUM, .key = "x"},
                                                  {.what = DO_FINISH}}},
                                       {.steps = {{.what = DO_GET, .key = "x"},
                                                  {.what = DO_PUT_SUM, .key = "x"},
                                                  {.what = DO_FINISH}}}};
    struct iso_run run = {.committed = {true, true},
                          .read = {{"10"}, {"11"}},
                          .begun = {{1, 2, 5}, {3, 4, 6}},
                          .all = "x=12 y=10 "};
    assert_true(iso_is_serial(sums, 2, &run));
    run.begun[0][0] =
        7; /* it began when the other one had been acknowledged, and must come later */
    assert_false(iso_is_serial(sums, 2, &run));
    run.begun[0][0] = 1;
    (void)strcpy(run.all, "x=11 y=10 ");
    assert_false(iso_is_serial(sums, 2, &run));
    (void)strcpy(run.read[1][0], "10");
    assert_false(iso_is_serial(sums, 2, &run)); /* the lost update */
    run.committed[1] = false;
    assert_true(iso_is_serial(sums, 2, &run));
    (void)strcpy(run.all, "x=11 y=10 z=1 ");
    assert_false(iso_is_serial(sums, 2, &run));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_interleaving),
        cmocka_unit_test(test_the_page_says_what_was_seen),
        cmocka_unit_test(test_what_never_happens_would_be_seen),
        cmocka_unit_test(test_what_is_serial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
