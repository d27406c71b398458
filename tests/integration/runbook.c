#include "tests/integration/runbook.h"

#include "tests/integration/runbook_page.h"
#include "tests/integration/work.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REPLACED_MAX 16
/* Its table is a list of commands: there, a mere name is one, too. */
#define TABLE_HEADING "Looking"

static struct page page;
static const char *const *mine;
static size_t next;
static const char *section;
static struct {
    char from[64], to[CLUSTER_PATH];
} replaced[REPLACED_MAX];
static size_t replaced_n;
static char out[1 << 20];

/* ---- the page ---- */

static bool among(const char *text, const char *const *texts)
{
    for (; texts != NULL && *texts != NULL; texts++)
        if (strcmp(*texts, text) == 0)
            return true;
    return false;
}

void runbook_open(const char *path, const char *const *headings)
{
    char search[4096];

    page_read(&page, path);
    assert_true(page.commands_n > 0);
    mine = headings;
    snprintf(search, sizeof search, "%s:%s", ASSENT_BIN_DIR, getenv("PATH"));
    assert_int_equal(setenv("PATH", search, 1), 0);
}

void runbook_elsewhere(const char *const *headings)
{
    for (size_t i = 0; i < page.commands_n; i++)
        if (among(page.commands[i].heading, headings))
            page.commands[i].runs++;
}

/* Is it there as a word of its own? */
static bool has_option(const char *help, const char *option)
{
    for (const char *at = help; (at = strstr(at, option)) != NULL; at++) {
        const char behind = at[strlen(option)];

        if (!islower((unsigned char)behind) && behind != '-')
            return true;
    }
    return false;
}

/* The program, its command and each of its options must be there. */
static bool is_right(const struct page_command *command)
{
    static char help[65536];
    char script[1024], *words = strdup(command->text), *rest, *name = "";
    bool right = true;

    assert_non_null(words);
    for (char *word = strtok_r(words + strcspn(words, " "), " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest))
        if (name[0] == '\0' && word[0] != '-')
            name = word;
    snprintf(script, sizeof script, "%.*s %s --help", (int)strcspn(command->text, " "),
             command->text, islower((unsigned char)name[0]) ? name : "");
    free(words);
    if (run_program(help, sizeof help, NULL, 0, "/bin/bash", "-c", script, NULL) != 0)
        return false;
    for (const char *at = strstr(command->text, " --"); at != NULL; at = strstr(at + 1, " --")) {
        char option[64];

        right = right && sscanf(at + 1, "%63[-a-z]", option) == 1 && has_option(help, option);
    }
    return right;
}

void runbook_check_names(const char *path)
{
    struct page other;
    size_t wrong = 0;

    page_read(&other, path);
    for (size_t i = 0; i < other.commands_n; i++)
        if (!other.commands[i].block && !is_right(&other.commands[i])) {
            print_error("there is no such command, in %s under \"%s\": %s\n", path,
                        other.commands[i].heading, other.commands[i].text);
            wrong++;
        }
    page_free(&other);
    assert_int_equal(wrong, 0);
}

static bool is_settled(const struct page_command *command)
{
    if (command->runs > 0 || (mine != NULL && !among(command->heading, mine)))
        return true;
    if (page_command_is_whole(command) || strcmp(command->heading, TABLE_HEADING) == 0) {
        print_error("no test runs this, under \"%s\":\n%s\n", command->heading, command->text);
        return false;
    }
    if (!is_right(command)) {
        print_error("there is no such command, under \"%s\": %s\n", command->heading,
                    command->text);
        return false;
    }
    return true;
}

void runbook_close(void)
{
    size_t left = 0;

    for (size_t i = 0; i < page.commands_n; i++)
        left += !is_settled(&page.commands[i]);
    page_free(&page);
    assert_int_equal(left, 0);
}

void runbook_section(const char *heading)
{
    section = heading;
    for (next = 0; next < page.commands_n; next++)
        if (page.commands[next].block && strcmp(page.commands[next].heading, heading) == 0)
            return;
    fail_msg("the page has no commands under \"%s\"", heading);
}

void runbook_set(const char *name, const char *value)
{
    assert_int_equal(setenv(name, value, 1), 0);
}

void runbook_replace(const char *from, const char *to)
{
    size_t i = 0;

    while (i < replaced_n && strcmp(replaced[i].from, from) != 0)
        i++;
    assert_true(i < REPLACED_MAX);
    snprintf(replaced[i].from, sizeof replaced[i].from, "%s", from);
    snprintf(replaced[i].to, sizeof replaced[i].to, "%s", to);
    replaced_n += i == replaced_n;
}

/* With the test's own names instead of the page's. The caller frees it. */
static char *as_here(const char *text)
{
    char *here = strdup(text);

    for (size_t i = 0; i < replaced_n; i++) {
        const size_t from = strlen(replaced[i].from), to = strlen(replaced[i].to);

        for (char *at = here; (at = strstr(at, replaced[i].from)) != NULL;) {
            const size_t before = (size_t)(at - here), behind = strlen(at + from) + 1;
            char *longer = malloc(before + to + behind);

            assert_non_null(longer);
            memcpy(longer, here, before);
            memcpy(longer + before, replaced[i].to, to);
            memcpy(longer + before + to, at + from, behind);
            free(here);
            here = longer;
            at = here + before + to;
        }
    }
    assert_non_null(here);
    return here;
}

void runbook_write_files(void)
{
    char path[CLUSTER_PATH + 64];

    for (size_t i = 0; i < page.files_n; i++) {
        char *here = as_here(page.files[i].text);

        snprintf(path, sizeof path, "%s/%s", cluster.directory, page.files[i].name);
        file_write(path, here);
        free(here);
    }
}

/* ---- running ---- */

/* assent-coordinator@1 or assent-participant@a. */
static struct daemon *daemon_of_unit(const char *unit)
{
    const char *name = strchr(unit, '@');

    if (strncmp(unit, "assent-coordinator@", 19) == 0)
        return &cluster.coordinator;
    for (size_t i = 0; name != NULL && i < cluster.participants_n; i++)
        if (strcmp(cluster.participants[i].name, name + 1) == 0)
            return &cluster.participants[i];
    fail_msg("no daemon of the cluster is the unit %s", unit);
    return NULL;
}

/* `systemctl ACTION UNIT`, the unit maybe a variable. */
static void control(const char *action, char *unit)
{
    const char *value = unit[0] == '$' ? getenv(unit + 1) : unit;
    struct daemon *daemon;

    assert_non_null(value);
    daemon = daemon_of_unit(value);
    if (strcmp(action, "start") != 0 && daemon->pid != 0)
        daemon_stop(daemon);
    if (strcmp(action, "stop") != 0 && daemon->pid == 0)
        daemon_start(daemon);
}

/* What it wrote goes to a file, so that a daemon which it leaves behind does not hold the test. */
static int run_script(const char *script)
{
    char path[CLUSTER_PATH + 16], *with_options;
    const size_t at = strlen(out);
    int status;
    FILE *file;

    snprintf(path, sizeof path, "%s/said", cluster.directory);
    if (asprintf(&with_options, "exec >'%s' 2>&1\nset -euo pipefail\ncd '%s'\n%s", path,
                 cluster.directory, script) < 0)
        fail_msg("out of memory");
    status = run_program(NULL, 0, NULL, 0, "/bin/bash", "-c", with_options, NULL);
    free(with_options);
    file = fopen(path, "r");
    assert_non_null(file);
    out[at + fread(out + at, 1, sizeof out - 1 - at, file)] = '\0';
    fclose(file);
    return status;
}

/* Line by line: what stands between two calls of the service manager is one script. */
static int run_lines(const char *text)
{
    char script[8192] = "", action[16], unit[64];
    int status = 0;
    char *lines = strdup(text), *rest = lines, *line;

    assert_non_null(lines);
    out[0] = '\0';
    while (status == 0 && (line = strsep(&rest, "\n")) != NULL) {
        if (sscanf(line, "systemctl %15s \"%63[^\"]\"", action, unit) == 2 ||
            sscanf(line, "systemctl %15s %63s", action, unit) == 2) {
            if (script[0] != '\0')
                status = run_script(script);
            script[0] = '\0';
            if (status == 0)
                control(action, unit);
            continue;
        }
        assert_true(strlen(script) + strlen(line) + 2 < sizeof script);
        strcat(script, line);
        strcat(script, "\n");
    }
    if (status == 0 && script[0] != '\0')
        status = run_script(script);
    free(lines);
    return status;
}

static int run_here(const char *text)
{
    char *here = as_here(text);
    int status;

    assert_int_equal(setenv("ASSENT_CONFIG", cluster.client_config, 1), 0);
    status = run_lines(here);
    free(here);
    return status;
}

const char *runbook_run(int status)
{
    struct page_command *block;
    int got;

    while (next < page.commands_n && !page.commands[next].block)
        next++;
    if (next >= page.commands_n || strcmp(page.commands[next].heading, section) != 0)
        fail_msg("the page has no further block of commands under \"%s\"", section);
    block = &page.commands[next++];
    block->runs++;
    got = run_here(block->text);
    if (got != status)
        fail_msg("under \"%s\", exit status %d instead of %d:\n%s\n%s", section, got, status,
                 block->text, out);
    return out;
}

static void mark(const char *command)
{
    size_t found = 0;

    for (size_t i = 0; i < page.commands_n; i++)
        if (!page.commands[i].block && strcmp(page.commands[i].text, command) == 0) {
            page.commands[i].runs++;
            found++;
        }
    if (found == 0)
        fail_msg("the page does not say: %s", command);
}

const char *runbook_inline(const char *command, int status)
{
    int got;

    mark(command);
    got = run_here(command);
    if (got != status)
        fail_msg("exit status %d instead of %d: %s\n%s", got, status, command, out);
    return out;
}

const char *runbook_inline_typed(const char *command, const char *keys, int status)
{
    char *typed;

    mark(command);
    if (asprintf(&typed, "printf '%s' | script --quiet --return --command '%s' /dev/null", keys,
                 command) < 0)
        fail_msg("out of memory");
    const int got = run_here(typed);
    free(typed);
    if (got != status)
        fail_msg("exit status %d instead of %d: %s\n%s", got, status, command, out);
    return out;
}
