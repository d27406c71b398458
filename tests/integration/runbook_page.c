#include "tests/integration/runbook_page.h"

#include "tests/integration/cluster.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FENCE "```"

/* What an operator types, and of it what is looked for in the text: there `kill -9` is a figure of
 * speech. */
static const char *const typed[] = {"systemctl ", "kill ", "flock ", "cp ", "mv ", "rm ", NULL};
static const char *const programs[] = {
    "txctl ", "txrecover ", "txcoordinator ", "txparticipant ", "txbench ", "curl ", NULL};

static bool begins_with(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strncmp(text, *words, strlen(*words)) == 0)
            return true;
    return false;
}

static void add(struct page *page, const char *heading, char *text, bool block)
{
    struct page_command *more =
        realloc(page->commands, (page->commands_n + 1) * sizeof *page->commands);

    assert_non_null(more);
    assert_non_null(text);
    page->commands = more;
    more[page->commands_n++] =
        (struct page_command){.heading = heading, .text = text, .block = block};
}

/* Cuts the first line off: the rest begins behind it. NULL at the end. */
static char *take_line(char **rest)
{
    char *line = *rest, *end;

    if (*line == '\0')
        return NULL;
    end = strchr(line, '\n');
    if (end == NULL) {
        *rest = line + strlen(line);
    } else {
        *end = '\0';
        *rest = end + 1;
    }
    return line;
}

/* Sample output and files may stand there, but no command. */
static void no_command(const char *line)
{
    const char *text = line + strspn(line, " ");

    if (strncmp(text, "$ ", 2) == 0 || begins_with(text, programs) || begins_with(text, typed))
        fail_msg("no test runs this; let it stand in a block that is fenced with " FENCE "sh: %s",
                 line);
}

static void add_file(struct page *page, const char *paragraph, const char *text)
{
    struct page_file *file = &page->files[page->files_n];

    assert_true(page->files_n < PAGE_FILES_MAX);
    if (sscanf(paragraph, "`%31[^`]`:", file->name) != 1)
        fail_msg("no line names the file: %.60s", text);
    file->text = strdup(text);
    assert_non_null(file->text);
    page->files_n++;
}

/* The text of a fenced block, its lines with their ends. `before` is the paragraph before it. */
static void take_block(struct page *page, char **rest, const char *heading, const char *fence,
                       const char *before)
{
    const bool runs = strcmp(fence, FENCE "sh") == 0, file = strcmp(fence, FENCE "ini") == 0;
    char *from = *rest, *line;

    while ((line = take_line(rest)) != NULL) {
        if (strncmp(line, FENCE, strlen(FENCE)) == 0) {
            *line = '\0';
            if (runs)
                add(page, heading, strdup(from), true);
            if (file)
                add_file(page, before, from);
            return;
        }
        if (!runs)
            no_command(line);
        if (*rest != line + strlen(line))
            line[strlen(line)] = '\n';
    }
    fail_msg("a fenced block has no end: %.60s", from);
}

/* What stands between ` and ` in a paragraph, its line ends blanks. */
static void take_spans(struct page *page, const char *heading, const char *text)
{
    const char *from, *end;

    while ((from = strchr(text, '`')) != NULL && (end = strchr(from + 1, '`')) != NULL) {
        if (begins_with(from + 1, programs)) {
            char *span = strndup(from + 1, (size_t)(end - from - 1));

            assert_non_null(span);
            for (char *c = span; *c != '\0'; c++)
                if (*c == '\n')
                    *c = ' ';
            add(page, heading, span, false);
        }
        text = end + 1;
    }
}

static void parse(struct page *page, char *rest)
{
    char *line, *paragraph = calloc(1, strlen(rest) + 2), before[64] = "";
    const char *heading = "";
    bool blank = true, indented = false;

    assert_non_null(paragraph);
    while ((line = take_line(&rest)) != NULL) {
        const bool code = strncmp(line, "    ", 4) == 0 && (blank || indented);
        const bool fence = strncmp(line, FENCE, strlen(FENCE)) == 0;

        blank = line[strspn(line, " ")] == '\0';
        indented = code || (indented && blank);
        if (code)
            no_command(line);
        if (!blank && !code && !fence && line[0] != '#') {
            strcat(strcat(paragraph, line), "\n");
            continue;
        }
        take_spans(page, heading, paragraph);
        if (paragraph[0] != '\0')
            snprintf(before, sizeof before, "%s", paragraph);
        paragraph[0] = '\0';
        if (line[0] == '#')
            heading = line + strspn(line, "# ");
        if (fence)
            take_block(page, &rest, heading, line, before);
    }
    take_spans(page, heading, paragraph);
    free(paragraph);
}

void page_read(struct page *page, const char *path)
{
    const long size = file_size(path);
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_true(size > 0);
    *page = (struct page){.text = calloc(1, (size_t)size + 1)};
    assert_non_null(page->text);
    assert_int_equal(fread(page->text, 1, (size_t)size, file), size);
    fclose(file);
    parse(page, page->text);
}

void page_free(struct page *page)
{
    for (size_t i = 0; i < page->commands_n; i++)
        free(page->commands[i].text);
    for (size_t i = 0; i < page->files_n; i++)
        free(page->files[i].text);
    free(page->commands);
    free(page->text);
    *page = (struct page){0};
}

/* NODE, DIR..., but neither 1-7-42 nor /var. */
static bool to_be_filled_in(const char *word, size_t len)
{
    size_t capitals = 0;

    for (size_t i = 0; i < len; i++) {
        if (islower((unsigned char)word[i]) || word[i] == '$')
            return false;
        capitals += isupper((unsigned char)word[i]) != 0;
    }
    return capitals >= 2;
}

bool page_command_is_whole(const struct page_command *command)
{
    size_t words = 0;

    if (command->block)
        return true;
    for (const char *word = command->text; *word != '\0'; words++) {
        const size_t len = strcspn(word, " ");

        if (to_be_filled_in(word, len) || strncmp(word, "...", 3) == 0)
            return false;
        word += len + strspn(word + len, " ");
    }
    return words > 2;
}
