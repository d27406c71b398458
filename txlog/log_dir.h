/* The directory of a log: who may use it, and what is in it.
 *
 *   LOCK.assent   locked by whoever uses the log; holds the process id of the last daemon
 *   HEAD          see txlog/log_head.h
 *   CREATING      there only while the log is being made for the first time
 *   the rest      RocksDB's
 *
 * A directory is made into a log only when it is new or empty. Everything else that is not a whole
 * log is refused: to re-create one silently would forget promises. */
#ifndef ASSENT_TXLOG_LOG_DIR_H
#define ASSENT_TXLOG_LOG_DIR_H

#include "common/error.h"

#include <stdbool.h>

enum log_dir_content {
    LOG_DIR_EMPTY,
    LOG_DIR_UNFINISHED, /* a first opening that did not end: nothing was ever appended */
    LOG_DIR_LOG,
};

struct log_dir {
    const char *path; /* borrowed */
    int fd;           /* -1: not open */
    int lock_fd;      /* -1: not locked */
    enum log_dir_content content;
};

/* Opens and locks; makes the directory when it is missing, except when `read_only`, which changes
 * nothing. TX_ENOTFOUND, TX_EBUSY, TX_EACCESS, TX_EINVAL (other things are in it), TX_ECORRUPT (a
 * database without HEAD), TX_ELOST (HEAD without a database), TX_EFULL, TX_EIO. */
enum tx_error log_dir_open(const char *path, bool read_only, struct log_dir *dir,
                           struct tx_why *why) TX_MUST_CHECK;
void log_dir_close(struct log_dir *dir);

/* Has a daemon ever had this directory open? Not so a checkpoint that was just made. */
bool log_dir_was_used(const char *path);

/* Marks the beginning of the first opening, durably, and its end. */
enum tx_error log_dir_create_begin(struct log_dir *dir, struct tx_why *why) TX_MUST_CHECK;
enum tx_error log_dir_create_end(struct log_dir *dir, struct tx_why *why) TX_MUST_CHECK;

#endif
