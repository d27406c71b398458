/* The directory that a replay builds: made beside its final name, which it gets when it is whole,
 * so that nothing half-built can be taken for a node's directory. */
#ifndef ASSENT_TXLOG_RECOVER_TARGET_H
#define ASSENT_TXLOG_RECOVER_TARGET_H

#include "txlog/recover/recover_source.h"

struct recover_target {
    char *path;  /* where it will stand */
    char *build; /* path.incomplete */
    struct txlog *log;
    bool made; /* `build` is there, and ours */
};

/* A new log of the source's identity that begins where the source's does. 0, or the exit status
 * after a complaint: 73 when `path` exists and is not empty, lies in the source, or cannot
 * be made. */
int recover_target_open(struct recover_target *target, const char *path,
                        const struct recover_source *source) TX_MUST_CHECK;
/* Closes the log and gives the directory its name. 0, or the exit status after a complaint. */
int recover_target_finish(struct recover_target *target) TX_MUST_CHECK;
/* Removes what was not finished. */
void recover_target_close(struct recover_target *target);

#endif
