/* The files of a checkpoint out of a repository, several at a time. */
#ifndef ASSENT_TXLOG_RESTORE_FILES_H
#define ASSENT_TXLOG_RESTORE_FILES_H

#include "txlog/recover/restore_node.h"

/* Writes all files of the node into a directory, synced. The first error. */
enum tx_error restore_files(const struct restore_node *restore, const char *directory,
                            struct tx_why *why) TX_MUST_CHECK;

#endif
