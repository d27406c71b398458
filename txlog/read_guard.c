#include "txlog/read_guard.h"

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
    (void)!write(STDERR_FILENO, text, strlen(text));
    _exit(EX_DATAERR);
}

void read_guard_begin(const char *directory)
{
    struct sigaction action = {.sa_handler = on_abort};

    (void)snprintf(text, sizeof text,
                   "%.1500s: a check inside RocksDB failed while this directory was being read, and "
                   "ended the process: a file in it is damaged. See what txrecover verify %.1500s "
                   "says, and restore this node from a backup\n",
                   directory, directory);
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGABRT, &action, &before);
}

void read_guard_end(void)
{
    (void)sigaction(SIGABRT, &before, NULL);
}
