/* The commands that a page of documentation tells its reader to run: what is fenced with ```sh, and
 * what stands in the text as code and begins with one of our programs (or curl). Both in the order
 * of the page, each with the heading above it. */
#ifndef ASSENT_TESTS_INTEGRATION_RUNBOOK_PAGE_H
#define ASSENT_TESTS_INTEGRATION_RUNBOOK_PAGE_H

#include <stdbool.h>
#include <stddef.h>

struct page_command {
    const char *heading; /* the nearest one above; without the number signs */
    char *text;          /* a block ends with a line of its own; the rest is one line */
    bool block;          /* else it stands in the text */
    int runs;
};

struct page_file { /* a block fenced with ```ini, behind a line "`NAME`:" */
    char name[32];
    char *text;
};

#define PAGE_FILES_MAX 8

struct page {
    char *text; /* cut into lines */
    struct page_command *commands;
    size_t commands_n;
    struct page_file files[PAGE_FILES_MAX];
    size_t files_n;
};

/* Fails the test when it cannot be read, when a fenced block has no end, or when a command stands
 * where no test would run it: in an indented block, or in one that is fenced otherwise. */
void page_read(struct page *page, const char *path);
void page_free(struct page *page);

/* Does this command say as it stands what to do? Not when it is the mere name of a command ("txctl
 * status"), or has words to be filled in, in capitals ("txctl drain NODE"). */
bool page_command_is_whole(const struct page_command *command);

#endif
