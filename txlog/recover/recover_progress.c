/* A line of progress on a terminal. */
#include "txlog/recover/recover_progress.h"

#include "common/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define EVERY_US   200000
#define LOOK_EVERY 256 /* records between two looks at the clock */

void recover_progress_begin(struct recover_progress *progress, const char *doing, uint64_t total)
{
    *progress = (struct recover_progress){
        .doing = doing, .total = total, .terminal = isatty(STDERR_FILENO) == 1};
    if (progress->terminal)
        progress->next_us = clock_now_us() + EVERY_US;
}

void recover_progress_step(struct recover_progress *progress, uint64_t done)
{
    if (!progress->terminal || done % LOOK_EVERY != 0 || clock_now_us() < progress->next_us)
        return;
    progress->next_us = clock_now_us() + EVERY_US;
    progress->shown = true;
    if (progress->total > 0)
        (void)fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 "\033[K", progress->doing, done,
                      progress->total);
    else
        (void)fprintf(stderr, "\r%s: %" PRIu64 "\033[K", progress->doing, done);
}

void recover_progress_end(struct recover_progress *progress)
{
    if (progress->shown)
        (void)fputs("\r\033[K", stderr);
    progress->shown = false;
}
