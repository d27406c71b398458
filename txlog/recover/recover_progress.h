/* Progress on standard error: a line that is written over on a terminal; elsewhere nothing, or,
 * when it is asked for, one line after the other. */
#ifndef ASSENT_TXLOG_RECOVER_PROGRESS_H
#define ASSENT_TXLOG_RECOVER_PROGRESS_H

#include "common/ids.h"

#include <stdbool.h>

struct recover_progress {
    const char *doing; /* borrowed; "checking records" */
    uint64_t total;    /* 0: not known */
    uint64_t done;
    uint64_t begun_us, next_us;
    bool terminal, wanted, shown;
};

/* `wanted`: also where there is no terminal. */
void recover_progress_begin(struct recover_progress *progress, const char *doing, uint64_t total,
                            bool wanted);
void recover_progress_step(struct recover_progress *progress, uint64_t done);
/* Clears the line; where it is no terminal, says how it ended. */
void recover_progress_end(struct recover_progress *progress);

#endif
