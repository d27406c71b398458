#include "tests/integration/reload_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOTED_MAX 128

/* "txcoordinator timers.hello" */
static char noted[NOTED_MAX][96];
static size_t noted_n;

/* Keys of a section whose reload another test shows, by its program and file. */
static const struct {
    const char *section;
    const char *test;
} elsewhere[] = {
    {"txcoordinator archive.", "archive_test.c"},
    {"txparticipant archive.", "archive_test.c"},
    {"txcoordinator backup.", "backup_schedule_test.c"},
};

static void note(const struct daemon *daemon, const char *section, const char *lines)
{
    char in[64], key[64];

    snprintf(in, sizeof in, "%s", section);
    for (const char *line = lines; line[0] != '\0'; line += strspn(line, "\n")) {
        if (sscanf(line, "[%63[^]]]", in) != 1 && sscanf(line, "%63[^ =]", key) == 1) {
            assert_true(noted_n < NOTED_MAX);
            snprintf(noted[noted_n++], sizeof noted[0], "%s %.30s.%.40s", daemon->program, in, key);
        }
        line += strcspn(line, "\n");
    }
}

void reload(struct daemon *daemon, const char *section, const char *lines)
{
    settings_become(daemon, section, lines);
    assert_int_equal(operate("reload",
                             daemon == &cluster.coordinator ? "coordinator" : daemon->address, NULL,
                             NULL, NULL),
                     0);
    note(daemon, section, lines);
}

static bool is_shown(const char *key)
{
    for (size_t i = 0; i < noted_n; i++)
        if (strcmp(noted[i], key) == 0)
            return true;
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        char path[512];

        if (strncmp(elsewhere[i].section, key, strlen(elsewhere[i].section)) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", ASSENT_INTEGRATION_TESTS, elsewhere[i].test);
        return file_size(path) > 0;
    }
    return false;
}

void reload_check_table(const char *page)
{
    char line[4096], chapter[64] = "", name[80], key[160], taken[32];
    size_t rows = 0, left = 0;
    FILE *file = fopen(page, "r");

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "## %63[^\n]", chapter) == 1)
            continue;
        if (sscanf(line, "| `%79[^`]` | %*[^|] | %*[^|] | %31[^ |] |", name, taken) != 2 ||
            strcmp(taken, "SIGHUP") != 0)
            continue;
        rows++;
        snprintf(key, sizeof key, "%s %s", chapter, name);
        if (is_shown(key))
            continue;
        print_error("%s is taken at SIGHUP, and no test shows what that changes\n", key);
        left++;
    }
    fclose(file);
    assert_true(rows > 20);
    assert_int_equal(left, 0);
}
