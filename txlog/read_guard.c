#include "txlog/read_guard.h"

#include "common/assert.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static char text[4096];
static struct sigaction before;

static void on_abort(int signal_number)
{
    (void)signal_number;
    if (tx_assert_is_failing())
        return; /* abort() goes on */
    (void)!write(STDERR_FILENO, text, strlen(text));
    _exit(EX_DATAERR);
}

void read_guard_begin(const char *directory, enum read_guard_form form)
{
    struct sigaction action = {.sa_handler = on_abort};
    const char *quote = form == READ_GUARD_LOG_LINE ? "\"" : "";

    (void)snprintf(
        text, sizeof text,
        "%s%s%.1500s: a check inside RocksDB failed while this directory was being read, "
        "and ended the process: a file in it is damaged. See what txrecover verify "
        "%.1500s says, and restore this node from a backup%s\n",
        form == READ_GUARD_LOG_LINE ? "level=error msg=" : "", quote, directory, directory, quote);
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGABRT, &action, &before);
}

void read_guard_end(void)
{
    (void)sigaction(SIGABRT, &before, NULL);
}
