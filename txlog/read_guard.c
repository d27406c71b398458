#include "txlog/read_guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static const char *reading; /* NULL: nothing */
static enum read_guard_form reading_form;

void read_guard_begin(const char *directory, enum read_guard_form form)
{
    reading = directory;
    reading_form = form;
}

void read_guard_end(void)
{
    reading = NULL;
}

void __assert_fail(const char *condition, const char *file, unsigned line, const char *function)
{
    const char *head = reading_form == READ_GUARD_LOG_LINE ? "level=error msg=\"" : "";

    (void)fprintf(stderr, "%s:%u: %s: Assertion `%s' failed.\n", file, line,
                  function != NULL ? function : "?", condition);
    if (reading == NULL)
        abort();
    (void)fprintf(stderr,
                  "%s%s: a check inside RocksDB failed while this directory was being read, and "
                  "ended the process: a file in it is damaged. See what txrecover verify %s says, "
                  "and restore this node from a backup%s\n",
                  head, reading, reading, head[0] != '\0' ? "\"" : "");
    _exit(EX_DATAERR);
}
