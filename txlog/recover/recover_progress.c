/* Progress on standard error. */
#include "txlog/recover/recover_progress.h"

#include "common/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define EVERY_US   200000
#define LINES_US   1000000 /* where each is a line of its own */
#define LOOK_EVERY 256     /* things between two looks at the clock */

void recover_progress_begin(struct recover_progress *progress, const char *doing, uint64_t total,
                            bool wanted)
{
    *progress = (struct recover_progress){.doing = doing,
                                          .total = total,
                                          .terminal = isatty(STDERR_FILENO) == 1,
                                          .wanted = wanted,
                                          .begun_us = clock_now_us()};
    progress->next_us = progress->begun_us + (progress->terminal ? EVERY_US : LINES_US);
}

static void show(struct recover_progress *progress, uint64_t now_us)
{
    uint64_t us = now_us > progress->begun_us ? now_us - progress->begun_us : 1;
    uint64_t rate = (uint64_t)((double)progress->done * 1e6 / (double)us);
    progress->shown = true;
    if (progress->terminal)
        (void)fputc('\r', stderr);
    (void)fprintf(stderr, "%s: %" PRIu64, progress->doing, progress->done);
    if (progress->total > 0)
        (void)fprintf(stderr, " of %" PRIu64 ", %" PRIu64 " %%", progress->total,
                      progress->done * 100 / progress->total);
    (void)fprintf(stderr, ", %" PRIu64 "/s", rate);
    if (progress->total > progress->done && rate > 0)
        (void)fprintf(stderr, ", %" PRIu64 " s left", (progress->total - progress->done) / rate);
    (void)fputs(progress->terminal ? "\033[K" : "\n", stderr);
}

void recover_progress_step(struct recover_progress *progress, uint64_t done)
{
    progress->done = done;
    if ((!progress->terminal && !progress->wanted) || done % LOOK_EVERY != 0)
        return;
    uint64_t now_us = clock_now_us();
    if (now_us < progress->next_us)
        return;
    progress->next_us = now_us + (progress->terminal ? EVERY_US : LINES_US);
    show(progress, now_us);
}

void recover_progress_end(struct recover_progress *progress)
{
    if (progress->wanted && !progress->terminal)
        show(progress, clock_now_us());
    else if (progress->shown)
        (void)fputs("\r\033[K", stderr);
    progress->shown = false;
}
