/* The histories in `histories/`, written by hand: each is rejected by the name that its file has
 * up to the first dot (several are joined by a plus), and by no other; good-* are accepted. Every
 * anomaly that README.md lists has such a file. */
#include "tests/check/check.h"
#include "tests/check/history_json.h"

#include "tests/common/test.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* The names, in the order of README.md. */
static const char *const anomalies[] = {
    "half-done",
    "undecided-commit",
    "undone-commit",
    "lost-commit",
    "wrong-abort",
    "two-outcomes",
    "prepared-for-ever",
    "bank-total",
    "read-total",
    "G0",
    "G1a",
    "G1b",
    "G1c",
    "G-single",
    "G2-item",
    "lost-update",
    "real-time",
    "incompatible-order",
    "internal",
    "duplicate-append",
    "lost-append",
    "incompatible-locks",
    "leaked-lock",
    "unlocked-write",
    "in-doubt",
    "open-transaction",
    "held-lock",
    "alarm",
    "unknown-outcome",
    "over-limit",
};
#define ANOMALIES_N (sizeof anomalies / sizeof anomalies[0])

static const char *directory;
static const char *readme;

static size_t number_of(const char *name)
{
    size_t i = 0;

    while (i < ANOMALIES_N && strcmp(anomalies[i], name) != 0)
        i++;
    return i;
}

/* ---- the files ---- */

struct found {
    bool names[ANOMALIES_N];
    const char *file;
};

static void anomaly(void *arg, const char *name, const char *witness)
{
    struct found *found = arg;
    size_t number = number_of(name);

    if (number == ANOMALIES_N)
        fail_msg("%s: \"%s\" is no anomaly of README.md", found->file, name);
    if (witness[0] == '\0' || witness[strlen(witness) - 1] == '\n')
        fail_msg("%s: %s: the witness is \"%s\"", found->file, name, witness);
    found->names[number] = true;
}

static void load(const char *file, struct history *history)
{
    char path[1024];
    struct tx_why why = {0};
    FILE *in;

    (void)snprintf(path, sizeof path, "%s/%s", directory, file);
    in = fopen(path, "re");
    assert_non_null(in);
    if (history_read(history, in, file, NULL, &why) != TX_OK)
        fail_msg("%s", why.text);
    assert_int_equal(fclose(in), 0);
}

/* The anomalies that the file is to be rejected by: none for a good one. */
static void expect(const char *file, bool *expected)
{
    char names[256];

    if (strncmp(file, "good-", 5) == 0)
        return;
    (void)snprintf(names, sizeof names, "%.*s", (int)strcspn(file, "."), file);
    for (char *name = strtok(names, "+"); name != NULL; name = strtok(NULL, "+")) {
        size_t number = number_of(name);

        if (number == ANOMALIES_N)
            fail_msg("%s is named after no anomaly", file);
        expected[number] = true;
    }
}

static void check_file(const char *file, bool *covered)
{
    struct history history = {0};
    struct found found = {.file = file};
    struct check_report report = {.anomaly = anomaly, .arg = &found};
    bool expected[ANOMALIES_N] = {false};
    bool fine = true;

    expect(file, expected);
    load(file, &history);
    (void)check_all(&history, &report);
    for (size_t i = 0; i < ANOMALIES_N; i++) {
        covered[i] |= expected[i];
        if (found.names[i] == expected[i])
            continue;
        print_error("%s: %s %s\n", file, anomalies[i],
                    found.names[i] ? "was found" : "was not found");
        fine = false;
    }
    assert_true(fine);
    history_deinit(&history);
}

static void test_every_file_by_its_name(void **state)
{
    bool covered[ANOMALIES_N] = {false};
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    size_t files = 0;

    (void)state;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        const char *dot = strrchr(entry->d_name, '.');

        if (dot == NULL || strcmp(dot, ".jsonl") != 0)
            continue;
        check_file(entry->d_name, covered);
        files++;
    }
    (void)closedir(dir);
    for (size_t i = 0; i < ANOMALIES_N; i++)
        if (!covered[i])
            fail_msg("no file is named after %s", anomalies[i]);
    print_message("%zu histories\n", files);
}

/* ---- README.md ---- */

/* The names in backquotes in the third column of the table of checkers. */
static void test_readme_lists_the_same_anomalies(void **state)
{
    FILE *in = fopen(readme, "re");
    char line[4096];
    size_t listed = 0;

    (void)state;
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        char *at = strncmp(line, "| `check_", 9) == 0 ? strrchr(line, '|') : NULL;

        if (at == NULL)
            continue;
        *at = '\0';
        at = strrchr(line, '|');
        for (char *name = strtok(at, "|`, \n"); name != NULL; name = strtok(NULL, "|`, \n"))
            assert_int_equal(number_of(name), listed++);
    }
    assert_int_equal(fclose(in), 0);
    assert_int_equal(listed, ANOMALIES_N);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file_by_its_name),
        cmocka_unit_test(test_readme_lists_the_same_anomalies),
    };

    if (argc != 3) {
        (void)fputs("usage: check_histories_test DIRECTORY README\n", stderr);
        return 2;
    }
    directory = argv[1];
    readme = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
