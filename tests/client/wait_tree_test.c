/* Who waits for whom as trees, line by line: chains, several blockers, several participants, and
 * circles, which are cut. Places and times in words. */
#include "client/txctl/lock_text.h"
#include "client/txctl/wait_tree.h"

#include "tests/common/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 64

/* The rows of a test. */
static txclient_lock_row rows[ROWS_MAX];
static txclient_lock_blocker blockers[ROWS_MAX][4];
static size_t rows_n;
static struct wait_tree *tree;

static int begin(void **state)
{
    (void)state;
    rows_n = 0;
    tree = wait_tree_new();
    return tree != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    wait_tree_destroy(&tree);
    return tree == NULL ? 0 : -1;
}

/* `tx` waits at a participant for key k in X. `by`: ids with a blank between; those that wait
 * themselves begin with "~". */
static void waits(const char *tx, const char *participant, uint64_t ms, const char *by)
{
    static char names[ROWS_MAX][4][16];
    assert_true(rows_n < ROWS_MAX);
    txclient_lock_row *row = &rows[rows_n];
    *row = (txclient_lock_row){.tx = tx,
                               .state = "working",
                               .age_ms = ms + 1,
                               .space = txclient_str("s"),
                               .key = txclient_str("k"),
                               .mode = TXCLIENT_LOCK_X,
                               .waiting = true,
                               .waited_ms = ms,
                               .blockers = blockers[rows_n]};
    while (*by != '\0') {
        size_t len = strcspn(by, " ");
        bool waiting = *by == '~';
        assert_true(row->blockers_n < 4);
        char *name = names[rows_n][row->blockers_n];
        (void)snprintf(name, 16, "%.*s", (int)(len - waiting), by + waiting);
        blockers[rows_n][row->blockers_n++] = (txclient_lock_blocker){.tx = name,
                                                                      .state = "prepared",
                                                                      .age_ms = 5000,
                                                                      .mode = TXCLIENT_LOCK_S,
                                                                      .waits = waiting};
        by += len + strspn(by + len, " ");
    }
    rows_n++;
    assert_true(wait_tree_add(tree, participant, row));
}

static void expect_tree(const char *expected)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    assert_true(wait_tree_draw(tree, out));
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void add_root(void *arg, const char *tx)
{
    char *roots = arg;
    (void)snprintf(roots + strlen(roots), 256 - strlen(roots), "%s ", tx);
}

static void expect_roots(const char *expected)
{
    char roots[256] = "";
    assert_true(wait_tree_each_root(tree, add_root, roots));
    assert_string_equal(roots, expected);
}

static void test_nobody_waits(void **state)
{
    (void)state;
    const txclient_lock_row held = {.tx = "1", .mode = TXCLIENT_LOCK_X};
    assert_true(wait_tree_add(tree, "a", &held));
    expect_tree("");
    expect_roots("");
}

static void test_chains_and_siblings(void **state)
{
    (void)state;
    waits("4", "b", 10, "2");
    waits("2", "a", 200, "1");
    waits("3", "a", 1500, "1");
    waits("5", "b", 20, "2");
    waits("7", "a", 3, "6");
    expect_tree("1  prepared for 5.0 s\n"
                "|- 3  waits 1.5 s at a for x on s/k (it holds s)\n"
                "`- 2  waits 200 ms at a for x on s/k (it holds s)\n"
                "   |- 5  waits 20 ms at b for x on s/k (it holds s)\n"
                "   `- 4  waits 10 ms at b for x on s/k (it holds s)\n"
                "6  prepared for 5.0 s\n"
                "`- 7  waits 3 ms at a for x on s/k (it holds s)\n");
    expect_roots("1 6 ");
}

static void test_several_in_the_way(void **state)
{
    (void)state;
    waits("3", "a", 30, "1 2");
    waits("4", "a", 20, "2 1 ~3 5");
    waits("6", "a", 10, "~3");
    rows[1].blockers_more = true;
    expect_tree("1  prepared for 5.0 s\n"
                "`- 3  waits 30 ms at a for x on s/k (it holds s), also for 2\n"
                "   `- 6  waits 10 ms at a for x on s/k (behind s)\n"
                "2  prepared for 5.0 s\n"
                "`- 4  waits 20 ms at a for x on s/k (it holds s), also for 1, 3, 5 and more\n");
    expect_roots("1 2 5 ");
}

static void test_at_two_participants(void **state)
{
    (void)state;
    waits("3", "a", 30, "1");
    waits("3", "b", 20, "2");
    waits("4", "b", 10, "3");
    expect_tree("1  prepared for 5.0 s\n"
                "`- 3  waits 30 ms at a for x on s/k (it holds s)\n"
                "   `- 4  waits 10 ms at b for x on s/k (it holds s)\n"
                "2  prepared for 5.0 s\n"
                "`- 3  waits 20 ms at b for x on s/k (it holds s) ... (its waiters stand "
                "elsewhere)\n");
}

#define IN_A_CIRCLE "; in a circle, which the participants have not shown at one time\n"

static void test_circles_are_cut(void **state)
{
    (void)state;
    waits("1", "a", 30, "2");
    waits("2", "b", 20, "1");
    waits("3", "b", 10, "2");
    waits("5", "a", 9, "5"); /* nobody says so, but it must not loop either */
    expect_roots("");
    expect_tree("2  prepared for 5.0 s" IN_A_CIRCLE
                "|- 1  waits 30 ms at a for x on s/k (it holds s)\n"
                "|  `- 2  waits 20 ms at b for x on s/k (it holds s) ... (its waiters stand "
                "elsewhere)\n"
                "`- 3  waits 10 ms at b for x on s/k (it holds s)\n"
                "5  prepared for 5.0 s" IN_A_CIRCLE
                "`- 5  waits 9 ms at a for x on s/k (it holds s) ... (its waiters stand "
                "elsewhere)\n");
}

#define DEEP 20000

static void test_a_deep_chain(void **state)
{
    (void)state;
    txclient_lock_row *chain = calloc(DEEP, sizeof *chain);
    txclient_lock_blocker *ahead = calloc(DEEP, sizeof *ahead);
    char(*names)[16] = calloc(DEEP + 1, sizeof *names);
    assert_true(chain != NULL && ahead != NULL && names != NULL);
    for (size_t i = 0; i <= DEEP; i++) {
        (void)snprintf(names[i], sizeof names[i], "%zu", i);
    }
    for (size_t i = 0; i < DEEP; i++) {
        ahead[i] =
            (txclient_lock_blocker){.tx = names[i], .state = "working", .mode = TXCLIENT_LOCK_X};
        chain[i] = (txclient_lock_row){.tx = names[i + 1],
                                       .state = "working",
                                       .mode = TXCLIENT_LOCK_X,
                                       .waiting = true,
                                       .blockers = &ahead[i],
                                       .blockers_n = 1};
        assert_true(wait_tree_add(tree, "a", &chain[i]));
    }
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_true(wait_tree_draw(tree, out));
    assert_int_equal(fclose(out), 0);
    size_t lines = 0;
    for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
        lines++;
        assert_true(strcspn(at, "\n") < 160);
    }
    assert_int_equal(lines, DEEP + 1);
    assert_non_null(strstr(text, "(20000 deep) 20000  waits"));
    free(text);
    free(chain);
    free(ahead);
    free(names);
}

/* ---- words ---- */

static void expect_place(txclient_lock_row row, const char *expected)
{
    char place[LOCK_PLACE_TEXT];
    assert_string_equal(lock_place_text(&row, place), expected);
}

static void test_places(void **state)
{
    (void)state;
    char key[TXCLIENT_KEY_MAX];
    memset(key, 'k', sizeof key);
    expect_place((txclient_lock_row){.mode = TXCLIENT_LOCK_X}, "the store");
    txclient_lock_row row = {.space = txclient_str("s")};
    expect_place(row, "s");
    row.key = txclient_data("a\0\"", 3);
    expect_place(row, "s/a\\x00\\x22");
    row.range = true;
    row.key = txclient_str("b");
    expect_place(row, "s/b..");
    row.to = txclient_str("d");
    expect_place(row, "s/b..d");
    row.key = txclient_str("");
    expect_place(row, "s/..d");
    /* All that is long is cut, and nothing is lost behind it. */
    char place[LOCK_PLACE_TEXT];
    row.space = txclient_data(key, TXCLIENT_SPACE_MAX);
    row.key = row.to = txclient_data(key, sizeof key);
    (void)lock_place_text(&row, place);
    assert_string_equal(place + strlen(place) - 4, "k...");
    assert_true(strlen(place) < 95);
}

static void test_times(void **state)
{
    (void)state;
    char text[LOCK_MS_TEXT];
    assert_string_equal(lock_ms_text(999, text), "999 ms");
    assert_string_equal(lock_ms_text(1999, text), "1.9 s");
    assert_string_equal(lock_ms_text(119999, text), "119.9 s");
    assert_string_equal(lock_ms_text(120000, text), "2 min");
    assert_string_equal(lock_mode_text(TXCLIENT_LOCK_SIX), "six");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TREE(test) cmocka_unit_test_setup_teardown(test, begin, end)
        TREE(test_nobody_waits),       TREE(test_chains_and_siblings),
        TREE(test_several_in_the_way), TREE(test_at_two_participants),
        TREE(test_circles_are_cut),    TREE(test_a_deep_chain),
        cmocka_unit_test(test_places), cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
