/* A line of progress on a terminal; nothing elsewhere. */
#ifndef ASSENT_TXLOG_RECOVER_PROGRESS_H
#define ASSENT_TXLOG_RECOVER_PROGRESS_H

#include "common/ids.h"

struct recover_progress {
    const char *doing; /* borrowed; "checking" */
    uint64_t total;
    uint64_t next_us;
    bool terminal, shown;
};

void recover_progress_begin(struct recover_progress *progress, const char *doing, uint64_t total);
void recover_progress_step(struct recover_progress *progress, uint64_t done);
/* Clears the line. */
void recover_progress_end(struct recover_progress *progress);

#endif
