/* The commands of a page of documentation, run as they stand there.
 *
 * What is fenced with ```sh under a heading is what an operator would type, and so is a command
 * that stands in the text as code, unless it has words to be filled in: of those the command and
 * its options must be there. A test makes the situation that the heading speaks of and has the
 * blocks under it run, one after the other, in the cluster's directory; at the end no command of
 * the page may be left. Variables that the page speaks of are given with runbook_set(). A line
 * `systemctl start|stop|restart UNIT` is carried out on the cluster's daemon of that unit: there is
 * no service manager in a test. */
#ifndef ASSENT_TESTS_INTEGRATION_RUNBOOK_H
#define ASSENT_TESTS_INTEGRATION_RUNBOOK_H

/* Which program has the commands under which headings of docs/operations.md; runbook_test has all
 * others. */
#define RUNBOOK_LOOK_HEADINGS                                                                      \
    "Starting", "Stopping", "Draining and reloading", "Looking", "Cuts", "Waiting for locks",      \
        "Copying a node"
#define RUNBOOK_DAMAGE_HEADINGS                                                                    \
    "A daemon that does not start", "Quarantined", "Fenced", "A full disk",                        \
        "A participant's data are damaged", "A participant's directory is gone",                   \
        "The coordinator's directory is gone", "Adding a participant"

/* Reads the page; the programs of the build come first in the PATH of its commands, and its clients
 * use the cluster's configuration. `headings`, up to NULL, are those whose commands this program
 * must run; NULL: all. */
void runbook_open(const char *page, const char *const *headings);
/* The commands under these headings, up to NULL, are run by other programs, or cannot be run on
 * this machine. */
void runbook_elsewhere(const char *const *headings);
/* Every command has run at least once, or is one to be filled in that is there; fails the test with
 * those that have not. Frees the page. */
void runbook_close(void);

/* Each command that stands in the text of another page must be there, with its options. */
void runbook_check_names(const char *page);

/* Writes the files that the page shows (blocks fenced with ```ini behind "`NAME`:") into the
 * cluster's directory. */
void runbook_write_files(void);

/* The test's own name, address or id instead of that of the page, in every command and file from
 * now on: at most 16. */
void runbook_replace(const char *from, const char *to);

/* The blocks under this heading ("In doubt") come next, from the first one on. */
void runbook_section(const char *heading);
/* A variable of the page. */
void runbook_set(const char *name, const char *value);

/* Runs the next block with bash, which ends it at the first command that fails, and gives what it
 * wrote, valid until the next call. Fails the test when its exit status is
 * not `status`, or when the section has no further block. */
const char *runbook_run(int status);

/* Runs the command that stands in the text just so, wherever it does. The same for the rest. */
const char *runbook_inline(const char *command, int status);
/* The same on a terminal, where somebody types these keys. */
const char *runbook_inline_typed(const char *command, const char *keys, int status);

#endif
